"""The checks of chapter 5's notebook.

Each check of a layer first compares with numbers that a reader can compute by hand, so that it can
name a typical mistake.  Then `check_gradients` compares all derivatives with central differences.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.reprs import brief
from dlbasics.exercises.mistakes import compare, expect_own_names, expect_unchanged, is_near
from dlbasics.exercises.verdict import Wrong, exercise, expect
from dlbasics.functions import sigmoid as sigmoid_of
from dlbasics.functions import softmax
from dlbasics.gradient_check import check_gradients
from dlbasics.layers import Affine, Relu, Sigmoid, SoftmaxWithLoss, Tanh
from dlbasics.network import Network

NO_DOUT = "You forgot dout: multiply the slope by it."


@exercise
def shopping(answer: Mapping[str, float]) -> str:
    """Check the derivatives of the bill 0.9 (2 * 3 + 5 * 4) by its five inputs."""
    pen, pens, book, books, discount = 2, 3, 5, 4, 0.9
    swap = "A product gives each factor the derivative times the other factor."
    further = "The node of the discount multiplies this by 0.9."
    rows: dict[str, tuple[float, dict[str, Any]]] = {
        "pen": (discount * pens, {swap: discount * pen, further: pens}),
        "number of pens": (discount * pen, {swap: discount * pens, further: pen}),
        "book": (discount * books, {swap: discount * book, further: books}),
        "number of books": (discount * book, {swap: discount * books, further: book}),
        "discount": (
            pen * pens + book * books,
            {swap: discount, "That is the bill itself.": discount * (pen * pens + book * books)},
        ),
    }
    if not isinstance(answer, Mapping):
        raise Wrong(f"your answer must be a dict with {[*rows]}, got {brief(answer)}")
    for name, (wanted, mistakes) in rows.items():
        if name not in answer:
            raise Wrong(f"there is no {name!r} in your answer")
        compare(answer[name], wanted, f"the derivative by {name!r}", mistakes)
    return "if a pen costs 1 more, the bill rises by 2.7"


@exercise
def division(answer: type) -> str:
    """Check a class for z = x / y with forward(x, y) and backward(dout)."""
    expect_own_names(answer)
    layer = answer()
    for x, y, dout in ((6.0, 4.0, 2.0), (3.0, -5.0, 7.0)):
        mistakes: dict[str, Any] = {"You divide y by x.": y / x, "You multiply.": x * y}
        compare(layer.forward(x, y), x / y, f"forward({x:g}, {y:g})", mistakes)
        dx, dy = dout / y, -dout * x / y**2
        compare(
            layer.backward(dout),
            [dx, dy],
            f"after forward({x:g}, {y:g}), (dx, dy) = backward({dout:g})",
            {
                "The derivative by y has a minus: a larger y makes x / y smaller.": (
                    np.array([dx, -dy])
                ),
                "The derivative by y has y squared below the line.": [
                    np.array([dx, sign * dout * x / y]) for sign in (-1, 1)
                ],
                "y squared stands below the line, not above it.": np.array([dx, -dout * x * y**2]),
                "Both derivatives are right, but dx comes first.": np.array([dy, dx]),
                "You forgot dout: multiply both derivatives by it.": np.array([dx, dy]) / dout,
                "You pass dout on, as an addition does.": np.array([dout, dout]),
                "These are the derivatives of a product.": np.array([dout * y, dout * x]),
                "This is dx alone; return dx, dy.": dx,
            },
        )
    return "dx is dout / y, and dy is -dout x / y^2"


@exercise
def relu(answer: type) -> str:
    """Check a class for y = max(x, 0)."""
    expect_own_names(answer)
    layer = answer()
    x = np.array([[1.0, -0.5, 0.0], [-2.0, 3.0, 0.5]])
    dout = np.array([[1.3, 2.0, -1.0], [4.0, -5.0, 6.0]])
    given = x.copy(), dout.copy()
    y = layer.forward(x)
    expect_unchanged(x, given[0], "x", "Make a new array for y, for instance by np.maximum.")
    compare(
        y,
        np.maximum(x, 0),
        f"for x = {x.tolist()}, y",
        {
            "You let the numbers below 0 through, and stop those above it.": np.minimum(x, 0),
            "This is the mask, 1 where x > 0; y is x there.": x > 0,
            "You take away the sign; y is 0 where x <= 0.": np.abs(x),
        },
    )
    dx = layer.backward(dout)
    expect_unchanged(dout, given[1], "dout", "Copy it first, or use np.where.")
    compare(
        dx,
        np.where(x > 0, dout, 0),
        f"for x = {x.tolist()} and dout = {dout.tolist()}, dx",
        {
            "You passed dout on everywhere; where x <= 0 it stops.": dout,
            "You passed dout where x <= 0, and stopped it where x > 0.": np.where(x > 0, 0, dout),
            "You passed dout where x is 0; at x <= 0 it stops.": np.where(x >= 0, dout, 0),
            "This looks at the sign of dout. What counts is x: forward must remember where it is "
            "above 0.": [np.maximum(dout, 0), np.where(y > 0, np.maximum(dout, 0), 0)],
            NO_DOUT: x > 0,
            "You multiply dout by y; the slope is 1 where x > 0.": dout * np.maximum(x, 0),
        },
    )
    if not is_near(layer.backward(dout), dx):
        raise Wrong("a second backward returns another dx: the first one has changed the layer")
    _check_by_differences(layer, _random(2, 3, 2, 2))
    return "dout passes where x > 0, and check_gradients agrees"


@exercise
def sigmoid(answer: type) -> str:
    """Check a class for y = 1 / (1 + exp(-x))."""
    expect_own_names(answer)
    layer = answer()
    x = np.array([[0.0, 1.0], [-2.0, 0.5]])
    dout = np.array([[1.0, 2.0], [-3.0, 0.5]])
    given, y = (x.copy(), dout.copy()), sigmoid_of(x)
    out = layer.forward(x)
    expect_unchanged(x, given[0], "x")
    compare(
        out,
        y,
        f"for x = {x.tolist()}, y",
        {
            "The minus in exp(-x) is missing.": 1 - y,
            "1 / 1 + exp(-x) divides only the 1: write 1 / (1 + exp(-x)).": 1 + np.exp(-x),
            "This is tanh.": np.tanh(x),
        },
    )
    dx = layer.backward(dout)
    expect_unchanged(dout, given[1], "dout")
    again = sigmoid_of(y)
    compare(
        dx,
        dout * y * (1 - y),
        f"for x = {x.tolist()} and dout = {dout.tolist()}, dx",
        {
            "The factor 1 - y is missing.": dout * y,
            "The factor y is missing.": dout * (1 - y),
            NO_DOUT: y * (1 - y),
            "You took x where the output y belongs.": dout * x * (1 - x),
            "You take the sigmoid of y: y is the sigmoid already.": dout * again * (1 - again),
            "You used dout for y: forward must remember y.": [
                dout * dout * (1 - dout),
                dout * (1 - dout),
            ],
            "This is y again; backward returns dout * y * (1 - y).": y,
        },
    )
    if not is_near(layer.backward(dout), dx):
        raise Wrong("a second backward returns another dx: the first one has changed the layer")
    _check_by_differences(layer, _random(2, 3, 2, 2))
    return "dx is dout y (1 - y), and check_gradients agrees"


@exercise
def affine(answer: type) -> str:
    """Check a class for y = x W + b with dW and db."""
    W, b = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([10.0, 20.0])
    x, dout = np.array([[1.0, 2.0], [4.0, 3.0]]), np.array([[1.0, -1.0], [2.0, 3.0]])
    arrays = {"x": x, "W": W, "b": b, "dout": dout}
    given = {name: array.copy() for name, array in arrays.items()}
    expect_own_names(answer)
    layer = answer(W, b)
    compare(
        layer.forward(x),
        x @ W + b,
        f"for x = {x.tolist()}, W = {W.tolist()}, b = {b.tolist()}, y",
        {
            "You forgot the bias.": x @ W,
            "x stands at the left of W: a row of x is a sample.": W @ x + b,
            "W must not be transposed here.": x @ W.T + b,
            "* multiplies number by number; the product of matrices is @.": x * W + b,
        },
    )
    dx = layer.backward(dout)
    for name, array in arrays.items():
        expect_unchanged(array, given[name], name)
    N = len(x)
    compare(
        dx,
        dout @ W.T,
        f"for W = {W.tolist()} and dout = {dout.tolist()}, dx",
        {
            "You forgot to transpose W.": dout @ W,
            "The factors have the wrong order: dout stands at the left.": [W.T @ dout, W @ dout],
            "This is dW; backward returns dx, and keeps dW in self.dW.": x.T @ dout,
            "* multiplies number by number; the product of matrices is @.": [dout * W, dout * W.T],
        },
    )
    dW, db = (np.array(_gradient(layer, name)) for name in ("W", "b"))
    mean = "You divide by the number of samples; the loss layer does that already, so just add up."
    compare(
        dW,
        x.T @ dout,
        f"for x = {x.tolist()} and dout = {dout.tolist()}, dW",
        {
            "You forgot to transpose x.": x @ dout,
            "This is the transpose of dW: x.T stands at the left.": dout.T @ x,
            "The factors have the wrong order: x.T stands at the left.": [dout @ x.T, dout @ x],
            mean: x.T @ dout / N,
            "* multiplies number by number; the product of matrices is @.": x * dout,
        },
    )
    compare(
        db,
        dout.sum(axis=0),
        f"for dout = {dout.tolist()}, db",
        {
            "The bias serves all samples: add up the rows of dout.": dout,
            "You summed over the wrong axis: samples are rows, so axis=0.": [
                dout.sum(axis=1),
                dout.sum(axis=1, keepdims=True),
            ],
            "You added up everything; db has a number for each output, so axis=0.": dout.sum(),
            mean: dout.mean(axis=0),
        },
    )
    layer.backward(dout)
    if not (is_near(_gradient(layer, "W"), dW) and is_near(_gradient(layer, "b"), db)):
        raise Wrong("a second backward gives other dW and db: set them anew, do not add to them")
    _check_by_differences(answer(_random(4, 3), _random(3)), _random(5, 4))
    return "dx, dW and db have the shapes of x, W and b, and check_gradients agrees"


@exercise
def softmax_with_loss(answer: type) -> str:
    """Check a class for the softmax and the cross-entropy of scores x and classes t."""
    expect_own_names(answer)
    layer = answer()
    x, t = np.log([[1.0, 2.0, 5.0], [6.0, 3.0, 1.0]]), np.array([2, 1])
    given, y, N = x.copy(), softmax(x), len(x)
    rows, exp = np.arange(N), np.exp(x)
    logs = np.log(y[rows, t])
    below = np.exp(x - x.max(axis=1, keepdims=True))
    wrong_sums = [exp / exp.sum(axis=0), exp / exp.sum(), below / below.sum(axis=0)]
    shown = "x = [log 1, log 2, log 5], [log 6, log 3, log 1] and t = [2, 1]"
    compare(
        layer.forward(x, t),
        -np.mean(logs),
        f"for {shown}, the loss",
        {
            "This is the sum over the batch; divide it by the number of samples.": -np.sum(logs),
            "The minus is missing.": np.mean(logs),
            "This is one number for each sample; the loss is their mean.": -logs,
            "The softmax adds up to 1 in each row: sum with axis=1, keepdims=True.": [
                -np.mean(np.log(wrong[rows, t])) for wrong in wrong_sums
            ],
            "These are the probabilities; forward returns the loss.": y,
            "You add up the logarithms of all probabilities; only the right class counts.": (
                -np.log(y).sum() / N
            ),
            "y[:, t] takes columns 2 and 1 of every row. y[np.arange(N), t] takes one number of "
            "each row.": -np.log(y[:, t]).sum() / N,
        },
        tolerance=1e-5,  # the book adds 1e-7 to each probability
    )
    expect_unchanged(x, given, "x")
    one_hot = np.eye(3)[t]
    right = (y - one_hot) / N
    compare(
        layer.backward(),
        right,
        f"for {shown}, dx",
        {
            "You forgot to divide by the number of samples.": y - one_hot,
            "This is the opposite: y - t, not t - y.": [-right, -right * N],
            "You forgot to subtract the label.": [y, y / N],
            "You divide by the number of classes; divide by that of the samples.": (
                (y - one_hot) / 3
            ),
            "You divide by the number of all scores; divide by that of the samples.": (
                (y - one_hot) / y.size
            ),
            "t holds classes: subtract 1 at the class, not the class itself.": [
                (y - t[:, np.newaxis]) / each for each in (1, N)
            ],
            "You subtract 1 from whole columns: y[np.arange(N), t] is one number of each row.": [
                (y - np.isin(np.arange(3), t)) / each for each in (1, N)
            ],
        },
    )
    if not is_near(layer.backward(), right):
        raise Wrong("a second backward returns another dx: the first one has changed self.y")
    with np.errstate(all="ignore"):
        sure = answer().forward(np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([0, 1]))
    compare(
        sure,
        0,
        "for x = [1000, 0], [0, 1000] and t = [0, 1], the loss",
        {
            "exp(1000) is too large for a computer: subtract the largest score of each row before "
            "exp.": np.nan
        },
        tolerance=1e-5,
    )
    _check_by_differences(answer(), _random(4, 3), np.array([0, 2, 1, 2]))
    return "dx is (y - t) / N, and check_gradients agrees"


@exercise
def backpropagation(answer: Any) -> str:
    """Check backpropagate(layers, last_layer, x, t): it returns the loss and sets dW and db."""
    rng = np.random.default_rng(0)
    affine1 = Affine.create(4, 3, rng=rng, dtype=np.float64)
    affine2 = Affine.create(3, 2, rng=rng, dtype=np.float64)
    x, t = _random(5, 4), np.array([0, 1, 1, 0, 1])
    chain = Chain({"Affine1": affine1, "Relu1": Relu(), "Affine2": affine2}, SoftmaxWithLoss(), x)
    got = answer([*chain.links[:-1]], chain.links[-1], x, t)
    loss = Network([affine1, Relu(), affine2]).loss(x, t)
    expect(got, loss, "the loss that your function returns")
    if chain.waiting:
        raise Wrong(f"nobody calls {chain.waiting[0]}")
    return "forward from the first layer to the loss, and backward in the opposite order"


class Chain:
    """Layers that watch in which order, and with which arrays, they are called.

    Args:
        layers: The layers by name.
        last_layer: The loss layer.
        x: What the first layer must be given.
    """

    def __init__(self, layers: Mapping[str, Any], last_layer: Any, x: Array) -> None:
        layers = {**layers, "last_layer": last_layer}
        self.links = [Link(self, name, layer) for name, layer in layers.items()]
        self.waiting = [f"{name}.forward" for name in layers]
        self.waiting += [f"{name}.backward" for name in reversed(layers)]
        self.source, self.handed = "the x of the batch", x

    def check(self, call: str, given: Any) -> None:
        """Raise Wrong unless this call is next, and was given what the call before returned."""
        if not self.waiting or call != self.waiting[0]:
            wanted = f"{self.waiting[0]} must come" if self.waiting else "all is done"
            raise Wrong(f"you call {call} when {wanted}")
        if given is not None and not np.array_equal(given, self.handed):
            raise Wrong(f"{call} must be given {self.source}")
        del self.waiting[0]


class Link:
    """A layer of a chain."""

    def __init__(self, chain: Chain, name: str, layer: Any) -> None:
        self.chain, self.name, self.layer = chain, name, layer

    def forward(self, x: Any, *others: Any) -> Any:
        self.chain.check(f"{self.name}.forward", x)
        return self._hand_on("forward", self.layer.forward(x, *others))

    def backward(self, dout: Any = None) -> Any:
        first = self.name == "last_layer"
        if first and dout is not None and not is_near(dout, 1):
            raise Wrong("last_layer.backward begins the way back: give it nothing, or 1")
        if dout is None and not first:
            raise Wrong(f"{self.name}.backward must be given {self.chain.source}")
        self.chain.check(f"{self.name}.backward", None if first else dout)
        return self._hand_on("backward", self.layer.backward(*([] if dout is None else [dout])))

    def _hand_on(self, method: str, result: Any) -> Any:
        self.chain.source, self.chain.handed = f"what {self.name}.{method} returned", result
        return result

    def __repr__(self) -> str:
        return repr(self.layer)


class FaultyTanh(Tanh):
    """A Tanh whose backward forgets a square, for the exercise with `faulty_network`."""

    kind = "Tanh"

    def _backward(self, dout: Array) -> Array:
        return dout * (1 - self.out)

    def __repr__(self) -> str:
        return "Tanh()"


def faulty_network() -> Network:
    """Return a network of three layers with weights, in which one layer has a wrong backward."""
    rng = np.random.default_rng(0)
    affine1, affine2, affine3 = (
        Affine.create(*sizes, 1.0, rng=rng, dtype=np.float64) for sizes in ((4, 5), (5, 4), (4, 3))
    )
    return Network([affine1, Sigmoid(), affine2, FaultyTanh(), affine3])


@exercise
def faulty_layer(answer: str) -> str:
    """Check the name of the layer in `faulty_network` whose backward is wrong."""
    names = [*faulty_network().layers]
    if not isinstance(answer, str) or answer not in names:
        raise Wrong(f"your answer must be the name of a layer, one of {names}, got {answer!r}")
    if answer == "Affine3":
        raise Wrong(
            "W3 and b3 are right. The dx of Affine3 might still be wrong, as the table does not "
            "show it; but check_gradients(network.layers['Affine3'], x) finds nothing"
        )
    if answer == "Affine2":
        raise Wrong(
            "dW and db of Affine2 are wrong because it is given a wrong dout. Look at the layers "
            "that come before it on the way back"
        )
    if answer in ("Affine1", "Sigmoid1"):
        raise Wrong(
            f"W2 and b2 are wrong, too. The way back comes to them before {answer}, so the mistake "
            "lies nearer to the loss"
        )
    return "its backward forgets a square: it has 1 - y in place of 1 - y^2"


def _check_by_differences(layer: Any, x: Array, t: Any = None) -> None:
    """Raise Wrong, with the table, if a derivative differs from its central difference."""
    report = check_gradients(layer, x, t)
    y = np.asarray(layer.forward(x) if t is None else layer.forward(x, t))
    if not report and y.dtype != x.dtype:
        raise Wrong(f"forward must return {x.dtype} for an x of {x.dtype}, got {y.dtype}")
    if not report:
        raise Wrong(f"check_gradients finds a wrong derivative for an x of {x.shape}:\n{report}")


def _gradient(layer: Any, name: str) -> Any:
    """Return dW or db; raise Wrong if backward has not set it."""
    if getattr(layer, f"d{name}", None) is None:
        raise Wrong(f"your backward must set self.d{name}")
    return getattr(layer, f"d{name}")


def _random(*shape: int) -> Array:
    """Return numbers of which none is near 0, where ReLU has a kink."""
    numbers = np.random.default_rng(len(shape)).uniform(0.1, 1, shape)
    return numbers * np.where(np.arange(numbers.size).reshape(shape) % 3, 1, -1)
