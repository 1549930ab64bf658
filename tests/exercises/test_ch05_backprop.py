"""What the checks of chapter 5 say to right, wrong and missing answers."""

import numpy as np
import pytest

from dlbasics import check_gradients
from dlbasics.exercises import ch05_backprop as check
from dlbasics.layers import Affine, Relu, Sigmoid, SoftmaxWithLoss


def of_two(forward, backward):
    """Return a layer of two numbers; `backward` is given dout, x and y."""

    class Layer:
        def forward(self, x, y):
            self.x, self.y = x, y
            return forward(x, y)

        def backward(self, dout):
            return backward(dout, self.x, self.y)

    return Layer


def of_one(forward, backward):
    """Return a layer of one array; `backward` is given dout, x and y."""

    class Layer:
        def forward(self, x):
            self.x = x
            self.y = forward(x)
            return self.y

        def backward(self, dout):
            return backward(dout, self.x, self.y)

    return Layer


def relu(backward=lambda dout, x, y: np.where(x > 0, dout, 0), forward=lambda x: x * (x > 0)):
    return of_one(forward, backward)


def sig(x):
    return 1 / (1 + np.exp(-x))


def sigmoid(backward=lambda dout, x, y: dout * y * (1 - y), forward=sig):
    return of_one(forward, backward)


def relu_in_place(x):
    x[x <= 0] = 0
    return x


def relu_backward_in_place(dout, x, y):
    dout[x <= 0] = 0
    return dout


def sigmoid_in_place(x):
    x *= -1
    return 1 / (1 + np.exp(x))


def sigmoid_backward_in_place(dout, x, y):
    dout *= y * (1 - y)
    return dout


def softmax_in_place(x):
    x -= x.max(axis=1, keepdims=True)
    return softmax(x)


def affine(**formulas):
    """Return an affine layer in which some formulas are replaced by wrong ones."""
    right = {
        "y": lambda x, W, b: x @ W + b,
        "dx": lambda dout, x, W: dout @ W.T,
        "dW": lambda dout, x, W: x.T @ dout,
        "db": lambda dout, x, W: dout.sum(axis=0),
    }
    rules = right | formulas

    class Layer:
        def __init__(self, W, b):
            self.W, self.b, self.x = W, b, None
            self.dW = self.db = 0

        def forward(self, x):
            self.x = x
            return rules["y"](x, self.W, self.b)

        def backward(self, dout):
            for name in ("dW", "db"):
                new = rules[name](dout, self.x, self.W)
                setattr(self, name, getattr(self, name) + new if rules.get("add") else new)
            return rules["dx"](dout, self.x, self.W)

    return Layer


W = np.eye(2)  # as a cell of a notebook may have it


class ReadsAnotherW(affine()):
    def forward(self, x):
        self.x = x
        return x @ W + self.b


class StepsInBackward(affine()):
    def backward(self, dout):
        dx = super().backward(dout)
        self.W -= 0.1 * self.dW
        return dx


def softmax(x, axis=1):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def loss(forward=None, backward=None, softmax=softmax):
    """Return a loss layer; `forward` and `backward` are given y and t."""

    class Layer:
        def forward(self, x, t):
            self.y, self.t = softmax(x), t
            picked = self.y[np.arange(len(t)), t]
            return forward(self.y, t) if forward else -np.log(picked).mean()

        def backward(self, dout=1):
            if backward:
                return backward(self.y, self.t)
            return (self.y - np.eye(self.y.shape[1])[self.t]) / len(self.t)

    return Layer


def subtract_in_place(y, t):
    y[np.arange(len(t)), t] -= 1
    return y / len(t)


def whole_columns(y, t):
    dx = y.copy()
    dx[:, t] -= 1
    return dx / len(t)


def backpropagate(layers, last_layer, x, t):
    for layer in layers:
        x = layer.forward(x)
    loss = last_layer.forward(x, t)
    dout = last_layer.backward()
    for layer in reversed(layers):
        dout = layer.backward(dout)
    return loss


def loop(x="on", order=-1, dout="on", last=True, stop=0, returns=lambda loss, dout: loss):
    """Return backpropagation with mistakes."""

    def backpropagate(layers, last_layer, batch, t):
        out = batch
        for layer in layers:
            out = layer.forward(out if x == "on" else batch)
        loss = last_layer.forward(out, t)
        given = last_layer.backward(1) if last else np.ones((5, 2))
        back = given
        for layer in layers[::order][: len(layers) - stop]:
            back = layer.backward(*{"on": [back], "same": [given], "none": []}[dout])
        return returns(loss, back)

    return backpropagate


BILL = {"pen": 2.7, "number of pens": 1.8, "book": 3.6, "number of books": 4.5, "discount": 26}

RIGHT = [
    (check.shopping, BILL),
    (check.division, of_two(lambda x, y: x / y, lambda dout, x, y: (dout / y, -dout * x / y**2))),
    (check.relu, relu()),
    (check.relu, Relu),
    (check.sigmoid, sigmoid()),
    (check.sigmoid, Sigmoid),
    (check.affine, affine()),
    (check.affine, Affine),
    (check.softmax_with_loss, loss()),
    (check.softmax_with_loss, loss(lambda y, t: -np.log(y[range(len(t)), t] + 1e-7).mean())),
    (check.softmax_with_loss, SoftmaxWithLoss),
    (check.backpropagation, backpropagate),
    (check.backpropagation, loop()),
    (check.faulty_layer, "Tanh1"),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_a_right_answer_is_right(exercise, answer):
    verdict = exercise(answer)
    assert verdict.right is True, verdict


def divide(backward):
    return of_two(lambda x, y: x / y, backward)


WRONG = [
    (check.shopping, BILL | {"pen": 1.8}, "times the other factor"),
    (check.shopping, BILL | {"number of books": 5}, "multiplies this by 0.9"),
    (check.shopping, BILL | {"discount": 23.4}, "the bill itself"),
    (check.shopping, {"pen": 2.7}, "there is no 'number of pens'"),
    (check.division, of_two(lambda x, y: y / x, None), "You divide y by x"),
    (check.division, of_two(lambda x, y: x * y, None), "You multiply"),
    (check.division, divide(lambda dout, x, y: (dout / y, dout * x / y**2)), "has a minus"),
    (check.division, divide(lambda dout, x, y: (dout / y, -dout * x / y)), "y squared below"),
    (check.division, divide(lambda dout, x, y: (dout / y, -dout * x * y**2)), "not above it"),
    (check.division, divide(lambda dout, x, y: (-dout * x / y**2, dout / y)), "dx comes first"),
    (check.division, divide(lambda dout, x, y: (1 / y, -x / y**2)), "You forgot dout"),
    (check.division, divide(lambda dout, x, y: (dout, dout)), "as an addition does"),
    (check.division, divide(lambda dout, x, y: (dout * y, dout * x)), "of a product"),
    (check.division, divide(lambda dout, x, y: dout / y), "return dx, dy"),
    (check.relu, relu(forward=lambda x: np.minimum(x, 0)), "stop those above"),
    (check.relu, relu(forward=lambda x: x > 0), "This is the mask"),
    (check.relu, relu(forward=np.abs), "take away the sign"),
    (check.relu, relu(forward=relu_in_place), "your code changes x itself"),
    (check.relu, relu(forward=lambda x: max(x, 0)), "your code raises ValueError in line"),
    (check.relu, relu(lambda dout, x, y: dout), "passed dout on everywhere"),
    (check.relu, relu(lambda dout, x, y: dout * (x <= 0)), "passed dout where x <= 0"),
    (check.relu, relu(lambda dout, x, y: dout * (x >= 0)), "where x is 0"),
    (check.relu, relu(lambda dout, x, y: np.maximum(dout, 0)), "the sign of dout"),
    (check.relu, relu(lambda dout, x, y: x > 0), "forgot dout"),
    (check.relu, relu(lambda dout, x, y: dout * y), "the slope is 1"),
    (check.relu, relu(relu_backward_in_place), "your code changes dout itself"),
    (check.relu, relu(lambda dout, x, y: dout * (x > 0) if x.ndim == 2 else dout), "WRONG"),
    (check.sigmoid, sigmoid(lambda dout, x, y: dout * y * (1 - y) if x.ndim == 2 else y), "WRONG"),
    (check.sigmoid, sigmoid(forward=lambda x: 1 / (1 + np.exp(x))), "minus in exp(-x)"),
    (check.sigmoid, sigmoid(forward=lambda x: 1 / 1 + np.exp(-x)), "write 1 / (1 + exp(-x))"),
    (check.sigmoid, sigmoid(forward=np.tanh), "This is tanh"),
    (check.sigmoid, sigmoid(lambda dout, x, y: dout * y), "factor 1 - y is missing"),
    (check.sigmoid, sigmoid(lambda dout, x, y: dout * (1 - y)), "factor y is missing"),
    (check.sigmoid, sigmoid(lambda dout, x, y: y * (1 - y)), "forgot dout"),
    (check.sigmoid, sigmoid(lambda dout, x, y: dout * x * (1 - x)), "where the output y belongs"),
    (check.sigmoid, sigmoid(lambda dout, x, y: dout * sig(y) * (1 - sig(y))), "already"),
    (check.sigmoid, sigmoid(lambda dout, x, y: dout * (1 - dout)), "forward must remember y"),
    (check.sigmoid, sigmoid(lambda dout, x, y: y), "This is y again"),
    (check.sigmoid, sigmoid(forward=sigmoid_in_place), "your code changes x itself"),
    (check.sigmoid, sigmoid(sigmoid_backward_in_place), "your code changes dout itself"),
    (check.affine, affine(y=lambda x, W, b: x @ W), "forgot the bias"),
    (check.affine, affine(y=lambda x, W, b: W @ x + b), "x stands at the left"),
    (check.affine, affine(y=lambda x, W, b: x @ W.T + b), "must not be transposed"),
    (check.affine, affine(y=lambda x, W, b: x * W + b), "product of matrices is @"),
    (check.affine, affine(dx=lambda dout, x, W: dout @ W), "forgot to transpose W"),
    (check.affine, affine(dx=lambda dout, x, W: W.T @ dout), "wrong order"),
    (check.affine, affine(dx=lambda dout, x, W: x.T @ dout), "This is dW"),
    (check.affine, affine(dx=lambda dout, x, W: dout * W), "product of matrices is @"),
    (check.affine, affine(dW=lambda dout, x, W: None), "must set self.dW"),
    (check.affine, affine(dW=lambda dout, x, W: x @ dout), "forgot to transpose x"),
    (check.affine, affine(dW=lambda dout, x, W: dout.T @ x), "the transpose of dW"),
    (check.affine, affine(dW=lambda dout, x, W: dout @ x.T), "wrong order"),
    (check.affine, affine(dW=lambda dout, x, W: x.T @ dout / len(x)), "just add up"),
    (check.affine, affine(dW=lambda dout, x, W: x * dout), "product of matrices is @"),
    (check.affine, affine(db=lambda dout, x, W: None), "must set self.db"),
    (check.affine, affine(db=lambda dout, x, W: dout), "add up the rows"),
    (check.affine, affine(db=lambda dout, x, W: dout.sum(axis=1)), "wrong axis"),
    (check.affine, affine(db=lambda dout, x, W: dout.sum()), "a number for each output"),
    (check.affine, affine(db=lambda dout, x, W: dout.mean(axis=0)), "just add up"),
    (check.affine, affine(add=True), "do not add to them"),
    (check.affine, ReadsAnotherW, "forward reads the W of another cell; write self.W"),
    (check.affine, StepsInBackward, "your code changes W itself"),
    (
        check.affine,
        affine(dW=lambda dout, x, W: x.T @ dout if len(x) == 2 else 2 * x.T @ dout),
        "WRONG",
    ),
    (check.softmax_with_loss, loss(lambda y, t: -np.log(y[[0, 1], t]).sum()), "sum over the batch"),
    (check.softmax_with_loss, loss(lambda y, t: np.log(y[[0, 1], t]).mean()), "minus is missing"),
    (check.softmax_with_loss, loss(lambda y, t: -np.log(y[[0, 1], t])), "is their mean"),
    (check.softmax_with_loss, loss(softmax=lambda x: softmax(x, 0)), "adds up to 1 in each row"),
    (
        check.softmax_with_loss,
        loss(softmax=lambda x: np.exp(x) / np.exp(x).sum()),
        "adds up to 1 in each row",
    ),
    (check.softmax_with_loss, loss(lambda y, t: y), "returns the loss"),
    (check.softmax_with_loss, loss(lambda y, t: -np.log(y).sum() / 2), "only the right class"),
    (check.softmax_with_loss, loss(lambda y, t: -np.log(y[:, t]).sum() / 2), "y[np.arange(N), t]"),
    (
        check.softmax_with_loss,
        loss(softmax=lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)),
        "subtract the largest score",
    ),
    (
        check.softmax_with_loss,
        loss(backward=lambda y, t: y - np.eye(3)[t]),
        "divide by the number of samples",
    ),
    (check.softmax_with_loss, loss(backward=lambda y, t: np.eye(3)[t] - y), "not t - y"),
    (check.softmax_with_loss, loss(backward=lambda y, t: y), "subtract the label"),
    (check.softmax_with_loss, loss(backward=lambda y, t: (y - np.eye(3)[t]) / 3), "of classes"),
    (check.softmax_with_loss, loss(backward=lambda y, t: (y - np.eye(3)[t]) / 6), "all scores"),
    (check.softmax_with_loss, loss(backward=lambda y, t: (y - t[:, None]) / 2), "holds classes"),
    (check.softmax_with_loss, loss(backward=whole_columns), "whole columns"),
    (check.softmax_with_loss, loss(backward=subtract_in_place), "has changed self.y"),
    (check.softmax_with_loss, loss(softmax=softmax_in_place), "your code changes x itself"),
    (
        check.softmax_with_loss,
        loss(backward=lambda y, t: (y - np.eye(y.shape[1])[t]) / 2),
        "WRONG",
    ),
    (check.backpropagation, loop(x="same"), "given what Affine1.forward returned"),
    (check.backpropagation, loop(order=1), "Affine1.backward when Affine2.backward must come"),
    (check.backpropagation, loop(last=False), "when last_layer.backward must come"),
    (check.backpropagation, loop(dout="same"), "given what Affine2.backward returned"),
    (check.backpropagation, loop(dout="none"), "given what last_layer.backward returned"),
    (check.backpropagation, loop(stop=1), "nobody calls Affine1.backward"),
    (check.backpropagation, loop(returns=lambda loss, dout: dout), "must have shape ()"),
    (check.faulty_layer, "Affine3", "finds nothing"),
    (check.faulty_layer, "Affine2", "given a wrong dout"),
    (check.faulty_layer, "Affine1", "nearer to the loss"),
    (check.faulty_layer, "Sigmoid1", "nearer to the loss"),
    (check.faulty_layer, "Relu1", "one of ['Affine1', 'Sigmoid1'"),
]


@pytest.mark.parametrize(("exercise", "answer", "words"), WRONG)
def test_a_verdict_names_the_typical_mistake(exercise, answer, words):
    verdict = exercise(answer)
    assert verdict.right is False, verdict
    assert words in verdict.reason


CLASSES = [check.division, check.relu, check.sigmoid, check.affine, check.softmax_with_loss]


class Unsolved:
    def __init__(self, *args):
        pass

    def forward(self, *args):
        return ...


class HalfSolved(SoftmaxWithLoss):
    def backward(self, dout=1):
        return ...


@pytest.mark.parametrize("exercise", CLASSES)
def test_an_empty_class_is_not_solved_yet(exercise):
    assert exercise(Unsolved).right is None


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.shopping, BILL | {"book": ...}),
        (check.relu, relu(lambda *args: ...)),
        (check.affine, affine(dx=lambda *args: ...)),
        (check.softmax_with_loss, HalfSolved),
        (check.backpropagation, lambda *args: ...),
        (check.backpropagation, loop(returns=lambda loss, dout: None)),
        (check.faulty_layer, ...),
    ],
)
def test_a_part_that_is_missing_is_not_solved_yet(exercise, answer):
    assert exercise(answer).right is None


def test_the_table_of_the_faulty_network_shows_what_the_exercise_says():
    network = check.faulty_network()
    x, t = np.random.default_rng(1).random((6, 4)), np.array([0, 1, 2, 0, 1, 2])
    report = check_gradients(network, x, t)
    wrong = [each.name for each in report.checks if not report.passed(each)]
    assert wrong == ["W1", "b1", "W2", "b2"]
    alone = {
        name: bool(check_gradients(layer, x))
        for name, layer in network.layers.items()
        if name != "Affine2"
    }
    assert alone == {"Affine1": True, "Sigmoid1": True, "Tanh1": False, "Affine3": True}
    assert repr(network.layers["Tanh1"]) == "Tanh()"
