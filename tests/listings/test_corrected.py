"""The listings of chapters 2 to 6 as a reader types them, with imports from here only.

First the corrected ones, straight from docs/listings.md; then the others, beyond those of
test_readers_code.py and test_readers_numbers.py; at the end the book's names and arguments.
"""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from dlbasics import load_arrays, save_arrays

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "listings.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0]: re.split(r"^## ", section, flags=re.MULTILINE)[0]
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
}

RETURN = "A return that has lost its indentation"
PICKLE = "Weights in a pickle file"
LABEL = "A label of 9 elements beside 10 outputs"
SLASH = "A slash at the end of a line"

CORRECTED = {
    RETURN: (
        {},
        {
            "[AND(0, 0), AND(1, 0), AND(0, 1), AND(1, 1)]": [0, 0, 0, 1],
            "[price, dapple, dapple_num]": [200, 2.2, 110],
        },
    ),
    "Random numbers of p": (
        {},
        {
            "batch_mask.shape": (10,),
            "0 <= batch_mask.min() <= batch_mask.max() < 60000": True,
            "W1.shape": (784, 50),
            "abs(W1.std() - 0.01) < 0.0005": True,
        },
    ),
    "np.int": (
        {"x": np.array([-1.0, 1.0, 2.0])},
        {
            "y": [0, 1, 1],
            "step_function(x)": [0, 1, 1],
            "step_function(np.zeros(2))": [0, 0],
            "step_function(x).dtype.kind + y.dtype.kind == 'ii'": True,
        },
    ),
    "Capital and small letters of one name": ({}, {"y": [0.31682708, 0.69627909]}),
    LABEL: ({}, {"len(t)": 10, "squared": 0.0975, "entropy": 0.510825457}),
    "Mullayer": (
        {},
        {"price": 220, "[dapples, dapple, dapple_num, dtax]": [1.1, 2.2, 110, 200]},
    ),
    "10e-7": (  # a variance of 1e-6 in the first column, 1 in the second
        {"x": np.array([[0, 5.0], [2e-3, 7.0]])},
        {
            "xn": np.array([[-1e-3, -1], [1e-3, 1]]) / np.sqrt([1.1e-6, 1 + 1e-7]),
            "y - xn": np.zeros((2, 2)),
        },
    ),
}
"""What each corrected listing is given, and what it must make of it."""


@pytest.fixture(autouse=True)
def same_numbers_each_time(monkeypatch):
    """The listings leave generators without a seed; here these have one."""
    default_rng, seeds = np.random.default_rng, np.random.default_rng(0)
    np.random.seed(0)  # noqa: NPY002
    monkeypatch.setattr(
        np.random,
        "default_rng",
        lambda seed=None: default_rng(seeds.integers(2**32) if seed is None else seed),
    )


def run(listing, **names):
    exec(compile(listing, "<listing>", "exec"), names)
    return names


def check(found, expected):
    """Each expression of `expected`, in the names that a listing leaves, has its value."""
    for expression, value in expected.items():
        result = eval(expression, found)
        np.testing.assert_allclose(result, value, rtol=1e-6, atol=1e-9, err_msg=expression)


def block(title):
    """The listing of a section of the page."""
    (listing,) = re.findall(r"```python\n(.*?)```", SECTIONS[title], flags=re.DOTALL)
    return listing


def corrected(title, **given):
    """The names that the corrected listing leaves, given what its section says and no more."""
    sentence = re.search(r"Given: ([^.]*)\.", SECTIONS[title])
    assert set(re.findall(r"`(\w+)`", sentence[1] if sentence else "")) == given.keys()
    return run(block(title), **given)


# ---- docs/listings.md ----


def test_every_section_of_the_page_is_run_here():
    assert SECTIONS.keys() == {*CORRECTED, SLASH, PICKLE} == {*PRINTED, "10e-7"}
    assert PAGE.count("```python") == len(SECTIONS)
    chapters = re.findall(r"^## (?:Chapter |Chapters )([\d and]+)", PAGE, flags=re.MULTILINE)
    assert [number for text in chapters for number in re.findall(r"\d", text)] == [*"2345678"]


@pytest.mark.parametrize("title", SECTIONS)
def test_a_corrected_listing_imports_from_here_only(title):
    imports = [
        node
        for node in ast.walk(ast.parse(block(title)))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports
    for node in imports:
        assert isinstance(node, ast.ImportFrom)
        assert node.module.split(".")[0] == "dlbasics"


@pytest.mark.parametrize("title", CORRECTED)
def test_a_corrected_listing_gives_the_right_numbers(title):
    given, expected = CORRECTED[title]
    check(corrected(title, **given), expected)


def test_a_broken_line_of_load_mnist(mnist):
    found = corrected(SLASH)
    assert block(SLASH).count("\\\n") == 1
    check(found, {"x_train.shape": (60000, 784), "t_test.shape": (10000,), "t_train[0]": 5})
    assert found["x_train"].dtype == np.uint8
    assert found["x_train"].max() == 255
    np.testing.assert_array_equal(found["x_test"], np.rint(mnist.x_test * 255))


SIZES = [("W1", (784, 50)), ("W2", (50, 100)), ("W3", (100, 10))]
SIZES += [("b1", (50,)), ("b2", (100,)), ("b3", (10,))]


def test_weights_from_an_npz_serve_where_the_book_has_a_pickle(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(shape) / 10 for name, shape in SIZES}
    x = rng.random((250, 784))
    z = x
    for i in (1, 2):
        z = 1 / (1 + np.exp(-(z @ weights[f"W{i}"] + weights[f"b{i}"])))
    scores = z @ weights["W3"] + weights["b3"]
    t = scores.argmax(axis=1)
    t[::5] += 1  # 50 wrong ones
    (tmp_path / "ch03_forward").mkdir()
    save_arrays(tmp_path / "ch03_forward" / "sample_weight.npz", weights)
    monkeypatch.chdir(tmp_path)
    found = corrected(PICKLE, x=x, t=t)
    assert found["accuracy"] == 0.8
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["predict"](weights, x[0]), y[0], rtol=1e-9)


def test_the_projects_weights_recognize_mnist(mnist, monkeypatch):
    path = ROOT / "ch03_forward" / "sample_weight.npz"
    assert {name: array.shape for name, array in load_arrays(path).items()} == dict(SIZES)
    monkeypatch.chdir(ROOT)
    assert corrected(PICKLE, x=mnist.x_test, t=mnist.t_test)["accuracy"] > 0.92


LABEL_OF_9 = "t = [0, 0, 1, 0, 0, 0, 0, 0, 0]"
PRINTED = {
    SLASH: ("/", "y = /\n    1", SyntaxError),
    RETURN: ("return", "def double(x):\n    y = 2 * x\nreturn y", SyntaxError),
    "Random numbers of p": ("p.random", "p.random.choice(60000, 10)", NameError),
    "np.int": ("np.int", "y.astype(np.int)", AttributeError),
    "Capital and small letters of one name": ("Z1", "z1 = y; a2 = Z1 + 1", NameError),
    PICKLE: ("sample_weight.pkl", "open('sample_weight.pkl', 'rb')", FileNotFoundError),
    LABEL: (LABEL_OF_9, f"{LABEL_OF_9}\nsum_squared_error(np.array(y), np.array(t))", ValueError),
    "Mullayer": ("Mullayer", "Mullayer()", NameError),
}
"""What the page says is printed, code that has it, and the error that the page names."""


@pytest.mark.parametrize("title", PRINTED)
def test_the_misprint_fails_as_the_page_says(title, tmp_path, monkeypatch):
    printed, code, error = PRINTED[title]
    says = SECTIONS[title].partition("```")[0]
    assert f"Printed: `{printed}`" in says
    assert f"`{error.__name__}`" in says
    assert printed in code
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error):
        run(f"from dlbasics.layers import *\n{code}", y=np.full(10, 0.1))


def test_the_cross_entropy_error_refuses_a_label_of_9_elements_too():
    with pytest.raises(ValueError, match="t must"):
        run(
            f"from dlbasics.functions import *\n{LABEL_OF_9}\ncross_entropy_error(y, np.array(t))",
            y=np.full(10, 0.1),
        )


def test_a_misprint_without_an_error_is_ten_times_what_was_meant():
    assert "Printed: `10e-7`" in SECTIONS["10e-7"]
    assert eval("10e-7") == 1e-6


# ---- Chapters 2 and 3 ----


GATES = """
from dlbasics.functions import *

def gate(w1, w2, b):
    return lambda x1, x2: int(np.sum(np.array([w1, w2]) * np.array([x1, x2])) + b > 0)

AND, NAND, OR = gate(0.5, 0.5, -0.7), gate(-0.5, -0.5, 0.7), gate(0.5, 0.5, -0.2)

def XOR(x1, x2):
    return AND(NAND(x1, x2), OR(x1, x2))

inputs = [(0, 0), (1, 0), (0, 1), (1, 1)]
"""

ACTIVATIONS = """
from dlbasics.functions import *
x = np.array([-1.0, 1.0, 2.0])
axis = np.arange(-5.0, 5.0, 0.1)
curves = [step_function(axis), sigmoid(axis), relu(axis)]
"""

PRODUCTS = """
from dlbasics.functions import *
A, B = np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])
C = np.array([[1, 2], [3, 4], [5, 6]])
Y = np.dot(np.array([1, 2]), np.array([[1, 3, 5], [2, 4, 6]]))
X, W1, B1 = np.array([1.0, 0.5]), np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), [0.1, 0.2, 0.3]
A1 = np.dot(X, W1) + np.array(B1)
Z1 = sigmoid(A1)
"""

SOFTMAX = """
from dlbasics.functions import *
y = softmax(np.array([0.3, 2.9, 4.0]))
large = softmax(np.array([1010, 1000, 990]))
kept = identity_function(np.array([0.3, 0.7]))
"""


def test_gates():
    found = run(GATES)
    check(
        found,
        {
            "[AND(*x) for x in inputs]": [0, 0, 0, 1],
            "[NAND(*x) for x in inputs]": [1, 1, 1, 0],
            "[OR(*x) for x in inputs]": [0, 1, 1, 1],
            "[XOR(*x) for x in inputs]": [0, 1, 1, 0],
        },
    )


def test_activation_functions_and_their_curves():
    found = run(ACTIVATIONS)
    check(
        found,
        {
            "step_function(x)": [0, 1, 1],
            "sigmoid(x)": [0.26894142, 0.73105858, 0.88079708],
            "relu(x)": [0, 1, 2],
            "sigmoid_grad(x)": [0.19661193, 0.19661193, 0.10499359],
            "relu_grad(x)": [0, 1, 1],
            "[curve.shape for curve in curves]": [(100,)] * 3,
            "[curve[0] for curve in curves]": [0, 1 / (1 + np.e**5), 0],
            "[curve[-1] for curve in curves]": [1, 1 / (1 + np.e**-4.9), 4.9],
        },
    )


def test_products_and_the_first_layer_step_by_step():
    check(
        run(PRODUCTS),
        {
            "np.dot(A, B)": [[19, 22], [43, 50]],
            "np.dot(C, np.array([7, 8]))": [23, 53, 83],
            "Y": [5, 11, 17],
            "A1": [0.3, 0.7, 1.1],
            "Z1": [0.57444252, 0.66818777, 0.75026011],
        },
    )


def test_softmax_of_small_and_large_scores():
    found = run(SOFTMAX)
    np.testing.assert_allclose(found["y"], [0.01821127, 0.24519181, 0.73659691], atol=5e-9)
    expected = [9.99954600e-01, 4.53978686e-05, 2.06106005e-09]
    np.testing.assert_allclose(found["large"], expected, rtol=1e-8)
    np.testing.assert_array_equal(found["kept"], [0.3, 0.7])


@pytest.mark.parametrize(
    ("arguments", "x", "t"),
    [
        ("flatten=True, normalize=False", (784, "u", 255), ()),
        ("normalize=True, flatten=True, one_hot_label=False", (784, "f", 1), ()),
        ("normalize=True, one_hot_label=True", (784, "f", 1), (10,)),
        ("flatten=False", (1, 28, 28, "f", 1), ()),
    ],
)
def test_every_way_that_the_book_loads_mnist(mnist, arguments, x, t):
    found = run(
        "from dlbasics.datasets.mnist import load_mnist\n"
        f"(x_train, t_train), (x_test, t_test) = load_mnist({arguments})"
    )
    *shape, kind, largest = x
    assert found["x_train"].shape == (60000, *shape)
    assert found["x_test"].shape == (10000, *shape)
    assert (found["x_train"].dtype.kind, found["x_train"].max()) == (kind, largest)
    assert found["t_train"].shape == (60000, *t)
    assert np.argmax(found["t_train"][0]) == 5 if t else found["t_train"][0] == 5


# ---- Chapter 4 ----


BATCH_ENTROPY = """
from dlbasics.functions import softmax, np

def cross_entropy_error(y, t):
    if y.ndim == 1:
        y, t = y.reshape(1, y.size), t.reshape(1, t.size)
    n = y.shape[0]
    if t.size == y.size:
        return -np.sum(t * np.log(y + 1e-7)) / n
    return -np.sum(np.log(y[np.arange(n), t] + 1e-7)) / n

y = softmax(scores)
pairs = [(y, t), (y, one_hot), (y[0], one_hot[0])]
typed = [cross_entropy_error(*pair) for pair in pairs]
from dlbasics.functions import cross_entropy_error
ours = [cross_entropy_error(*pair) for pair in pairs]
"""

DERIVATIVES = """
from dlbasics.gradient import *

def function_1(x):
    return 0.01 * x**2 + 0.1 * x

def tangent_line(f, x):
    slope = numerical_diff(f, x)
    return lambda place: f(x) + slope * (place - x)

def function_2(x):
    return np.sum(x**2)

line = tangent_line(function_1, 5)
axis = np.arange(0.0, 20.0, 0.1)
partial = [numerical_diff(lambda x0: x0 * x0 + 4.0**2.0, 3.0),
           numerical_diff(lambda x1: 3.0**2.0 + x1 * x1, 4.0)]
X, Y = np.meshgrid(np.arange(-2, 2.5, 0.25), np.arange(-2, 2.5, 0.25))
points = np.array([X.flatten(), Y.flatten()]).T
field = np.array([numerical_gradient(function_2, point) for point in points])
start = np.array([-3.0, 4.0])
far = gradient_descent(function_2, init_x=start, lr=10.0, step_num=100)
near = gradient_descent(function_2, init_x=start, lr=1e-10, step_num=100)
"""


def test_the_cross_entropy_of_a_batch_as_typed_is_ours():
    rng = np.random.default_rng(0)
    t = rng.integers(10, size=6)
    found = run(BATCH_ENTROPY, scores=rng.standard_normal((6, 10)), t=t, one_hot=np.eye(10)[t])
    assert found["typed"] == pytest.approx(found["ours"], abs=1e-5)
    assert found["ours"][0] == pytest.approx(found["ours"][1], abs=1e-12)


def test_tangents_partial_derivatives_and_a_field_of_gradients():
    found = run(DERIVATIVES)
    check(
        found,
        {
            "line(5)": 0.75,  # the curve's own value
            "line(axis)[0]": -0.25,
            "line(10)": 1.75,
            "field - 2 * points": np.zeros((324, 2)),
            "numerical_gradient(function_2, np.array([3.0, 0.0]))": [6, 0],
        },
    )
    assert found["partial"] == pytest.approx([6.00000000000378, 7.999999999999119], abs=1e-11)


def test_learning_rates_that_are_too_large_and_too_small():
    found = run(DERIVATIVES)
    assert np.abs(found["far"]).min() > 1e11
    np.testing.assert_allclose(found["near"], [-2.99999994, 3.99999992], atol=5e-9)


# ---- Chapter 5 ----


OWN_LAYERS = """
from dlbasics.functions import *

class Relu:
    def forward(self, x):
        self.mask = (x <= 0)
        return np.where(self.mask, 0, x)
    def backward(self, dout):
        return np.where(self.mask, 0, dout)

class Sigmoid:
    def forward(self, x):
        self.out = sigmoid(x)
        return self.out
    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out

class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b
    def backward(self, dout):
        self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)

class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t, self.y = t, softmax(x)
        self.loss = cross_entropy_error(self.y, self.t)
        return self.loss
    def backward(self, dout=1):
        return (self.y - self.t) / self.t.shape[0]
"""

USE_LAYERS = """
first, second, third = Affine(W1, b1), Sigmoid(), Affine(W2, b2)
fourth, last = Relu(), SoftmaxWithLoss()
scores = x
for layer in (first, second, third, fourth):
    scores = layer.forward(scores)
loss = last.forward(scores, t)
dout = last.backward()
for layer in (fourth, third, second, first):
    dout = layer.backward(dout)
grads = [first.dW, first.db, third.dW, third.db, dout]
"""

BIAS = """
from dlbasics.layers import *
X_dot_W, B = np.array([[0, 0, 0], [10, 10, 10]]), np.array([1, 2, 3])
layer = Affine(np.eye(3), B)
Y = layer.forward(X_dot_W)
dY = np.array([[1, 2, 3], [4, 5, 6]])
layer.backward(dY)
"""

TRAIN_NEURALNET = """
from dlbasics.functions import np
from dlbasics.networks import TwoLayerNet

network = TwoLayerNet(input_size=4, hidden_size=10, output_size=3)
train_size, batch_size, learning_rate = x_train.shape[0], 20, 0.5
train_loss_list, train_acc_list = [], []
iter_per_epoch = max(train_size / batch_size, 1)

for i in range(300):
    batch_mask = np.random.choice(train_size, batch_size)
    x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
    grad = network.gradient(x_batch, t_batch)
    for key in ('W1', 'b1', 'W2', 'b2'):
        network.params[key] -= learning_rate * grad[key]
    train_loss_list.append(network.loss(x_batch, t_batch))
    if i % iter_per_epoch == 0:
        train_acc_list.append(network.accuracy(x_train, t_train))
"""


def points(n=60):
    """Four numbers a point, and which of the first three is the largest, as one-hot rows."""
    x = np.random.default_rng(0).standard_normal((n, 4))
    return x, np.eye(3)[x[:, :3].argmax(axis=1)]


def test_layers_as_typed_compute_what_ours_compute():
    rng, (x, t) = np.random.default_rng(1), points(7)
    given = {"W1": rng.standard_normal((4, 6)), "b1": rng.standard_normal(6)}
    given |= {"W2": rng.standard_normal((6, 3)), "b2": rng.standard_normal(3), "x": x, "t": t}
    typed = run(OWN_LAYERS + USE_LAYERS, **given)
    ours = run("from dlbasics.layers import *\n" + USE_LAYERS, **given)
    assert type(ours["fourth"]).__module__ == "dlbasics.layers.activations"
    assert 0 < typed["fourth"].mask.sum() < typed["fourth"].mask.size
    assert typed["loss"] == pytest.approx(ours["loss"], abs=1e-12)
    for own, theirs in zip(ours["grads"], typed["grads"], strict=True):
        np.testing.assert_allclose(own, theirs, rtol=0, atol=1e-12)


def test_the_bias_is_added_to_every_row_and_its_gradient_is_the_sum_of_rows():
    check(run(BIAS), {"Y": [[1, 2, 3], [11, 12, 13]], "layer.db": [5, 7, 9]})


def test_training_our_two_layer_net():
    x, t = points()
    found = run(TRAIN_NEURALNET, x_train=x, t_train=t)
    assert len(found["train_acc_list"]) == 100
    assert found["train_acc_list"][-1] > 0.9 > found["train_acc_list"][0]
    assert found["train_loss_list"][0] == pytest.approx(np.log(3), abs=0.3)
    assert found["train_loss_list"][-1] < 0.5


# ---- Chapter 6 ----


OWN_OPTIMIZERS = """
from dlbasics.functions import np

class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr
    def update(self, params, grads):
        for key in params.keys():
            params[key] -= self.lr * grads[key]

class Momentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None
    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(val) for key, val in params.items()}
        for key in params.keys():
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]

class AdaGrad:
    def __init__(self, lr=0.01):
        self.lr, self.h = lr, None
    def update(self, params, grads):
        if self.h is None:
            self.h = {key: np.zeros_like(val) for key, val in params.items()}
        for key in params.keys():
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)

class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2, self.iter, self.m = lr, beta1, beta2, 0, None
    def update(self, params, grads):
        if self.m is None:
            self.m = {key: np.zeros_like(val) for key, val in params.items()}
            self.v = {key: np.zeros_like(val) for key, val in params.items()}
        self.iter += 1
        rate = self.lr * np.sqrt(1.0 - self.beta2**self.iter) / (1.0 - self.beta1**self.iter)
        for key in params.keys():
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key]**2 - self.v[key])
            params[key] -= rate * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)
"""

COMPARE_OPTIMIZERS = """
from dlbasics.networks import MultiLayerNet
from dlbasics.data import smooth_curve

optimizers = {'SGD': SGD(), 'Momentum': Momentum(), 'AdaGrad': AdaGrad(), 'Adam': Adam()}
networks, train_loss = {}, {}
for key in optimizers.keys():
    networks[key] = MultiLayerNet(
        input_size=4, hidden_size_list=[20, 20], output_size=3, rng=0, dtype=np.float64)
    train_loss[key] = []

for i in range(30):
    for key in optimizers.keys():
        grads = networks[key].gradient(x_train, t_train)
        optimizers[key].update(networks[key].params, grads)
        train_loss[key].append(networks[key].loss(x_train, t_train))

smooth = {key: smooth_curve(train_loss[key]) for key in optimizers.keys()}
"""

HISTOGRAM = """
from dlbasics.functions import *

x = np.random.randn(1000, 100)
node_num = 100
activations = {}
for i in range(5):
    if i != 0:
        x = activations[i - 1]
    w = np.random.randn(node_num, node_num) * scale
    activations[i] = activate(np.dot(x, w))
"""

BATCH_NORM = """
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNetExtend
from dlbasics.optimizers import SGD

sizes = {'input_size': 4, 'hidden_size_list': [20] * 5, 'output_size': 3}
bn_network = MultiLayerNetExtend(**sizes, weight_init_std=0.01, use_batchnorm=True)
network = MultiLayerNetExtend(**sizes, weight_init_std=0.01)
optimizer = SGD(lr=0.1)
for i in range(150):
    batch_mask = np.random.choice(x_train.shape[0], 30)
    for _network in (bn_network, network):
        grads = _network.gradient(x_train[batch_mask], t_train[batch_mask])
        optimizer.update(_network.params, grads)
accuracies = bn_network.accuracy(x_train, t_train), network.accuracy(x_train, t_train)
"""

WEIGHT_DECAY = """
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

norms = []
for weight_decay_lambda in (0, 0.1):
    network = MultiLayerNet(input_size=4, hidden_size_list=[20] * 6, output_size=3,
                            weight_decay_lambda=weight_decay_lambda)
    optimizer = SGD(lr=0.05)
    before = np.sum(network.params['W1']**2)
    for i in range(50):
        grads = network.gradient(x_train, t_train)
        optimizer.update(network.params, grads)
    norms.append(np.sum(network.params['W1']**2) / before)
"""

DROPOUT = """
from dlbasics.networks import MultiLayerNetExtend

use_dropout, dropout_ratio = True, 0.2
network = MultiLayerNetExtend(input_size=4, hidden_size_list=[20] * 6, output_size=3,
                              use_dropout=use_dropout, dropout_ration=dropout_ratio)
network.gradient(x_train, t_train)
masks = [network.layers['Dropout%d' % i].mask for i in range(1, 7)]
in_training = [network.predict(x_train, train_flg=True) for i in range(2)]
in_test = [network.predict(x_train) for i in range(2)]
"""

SEARCH = """
from dlbasics.data import shuffle_dataset
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

x_train, t_train = shuffle_dataset(x_all, t_all)
validation_rate = 0.20
validation_num = int(x_train.shape[0] * validation_rate)
x_val, t_val = x_train[:validation_num], t_train[:validation_num]
x_train, t_train = x_train[validation_num:], t_train[validation_num:]

results = {}
for trial in range(3):
    weight_decay = 10 ** np.random.uniform(-8, -4)
    lr = 10 ** np.random.uniform(-6, -2)
    network = MultiLayerNet(input_size=4, hidden_size_list=[10] * 6, output_size=3,
                            weight_decay_lambda=weight_decay)
    optimizer = SGD(lr)
    for epoch in range(5):
        optimizer.update(network.params, network.gradient(x_train, t_train))
    results["val lr:%.6f, weight decay:%.3e" % (lr, weight_decay)] = network.accuracy(x_val, t_val)
"""


OVERFIT = """
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNet
from dlbasics.trainer import Trainer

network = MultiLayerNet(input_size=4, hidden_size_list=[20] * 2, output_size=3)
trainer = Trainer(network, x_train, t_train, x_test, t_test,
                  epochs=30, mini_batch_size=10,
                  optimizer='sgd', optimizer_param={'lr': 0.1}, verbose=True)
trainer.train()
train_acc_list, test_acc_list = trainer.train_acc_list, trainer.test_acc_list
x = np.arange(len(train_acc_list))
"""


def test_optimizers_as_typed_train_our_network_as_ours_do():
    x, t = points()
    typed = run(OWN_OPTIMIZERS + COMPARE_OPTIMIZERS, x_train=x, t_train=t)
    ours = run("from dlbasics.optimizers import *\n" + COMPARE_OPTIMIZERS, x_train=x, t_train=t)
    assert type(ours["optimizers"]["Adam"]).__module__ == "dlbasics.optimizers"
    for key in ("SGD", "Momentum", "AdaGrad", "Adam"):
        losses = ours["train_loss"][key]
        np.testing.assert_allclose(losses, typed["train_loss"][key], rtol=1e-9)
        assert losses[-1] < losses[0]
        smooth = ours["smooth"][key]
        assert smooth.shape == (30,)
        window = np.kaiser(11, 2) / np.kaiser(11, 2).sum()
        assert smooth[15] == pytest.approx(np.sum(window * losses[10:21]))


@pytest.mark.parametrize(
    ("activate", "scale", "low", "high"),
    [
        ("sigmoid", 1, 0.4, 0.5),  # near 0 and 1
        ("sigmoid", 0.01, 0.0, 0.03),  # all near one half
        ("sigmoid", 0.1, 0.05, 0.2),  # Xavier: 1 / sqrt(100)
        ("np.tanh", 0.1, 0.25, 0.6),
        ("relu", 0.01, 0.0, 1e-5),  # nothing left
        ("relu", 2**0.5 / 10, 0.3, 2.0),  # He
    ],
)
def test_the_histogram_of_activations(activate, scale, low, high):
    given = f"from dlbasics.functions import *\nactivate, scale = {activate}, {scale!r}\n"
    activations = run(given + HISTOGRAM)["activations"]
    assert [*activations] == [0, 1, 2, 3, 4]
    assert activations[4].shape == (1000, 100)
    assert low <= activations[4].std() < high


def test_batch_normalization_learns_where_the_plain_network_does_not():
    x, t = points()
    found = run(BATCH_NORM, x_train=x, t_train=t)
    assert [*found["bn_network"].params][:4] == ["W1", "b1", "gamma1", "beta1"]
    with_norm, without = found["accuracies"]
    assert with_norm > 0.7
    assert without < 0.6


def test_weight_decay_shrinks_the_weights():
    x, t = points()
    without, with_decay = run(WEIGHT_DECAY, x_train=x, t_train=t)["norms"]
    assert without > 0.9
    assert with_decay < 0.8 * without


def test_the_trainer_overfits(capsys):
    x, t = points()
    found = run(OVERFIT, x_train=x[:30], t_train=t[:30], x_test=x[30:], t_test=t[30:])
    assert len(found["x"]) == len(found["train_acc_list"]) == len(found["test_acc_list"]) == 30
    assert found["train_acc_list"][-1] > 0.9
    assert found["test_acc_list"][-1] < found["train_acc_list"][-1]
    assert len(found["trainer"].train_loss_list) == 90
    assert capsys.readouterr().out.count("test accuracy") == 30


def test_dropout_between_the_layers():
    x, t = points(500)
    found = run(DROPOUT, x_train=x, t_train=t)
    for mask in found["masks"]:
        assert mask.shape == (500, 20)
        assert mask.mean() == pytest.approx(0.8, abs=0.03)
    assert not np.array_equal(*found["in_training"])
    np.testing.assert_array_equal(*found["in_test"])


def test_the_search_for_hyperparameters():
    x, t = points(50)
    found = run(SEARCH, x_all=x, t_all=t)
    assert (len(found["x_train"]), len(found["x_val"])) == (40, 10)
    shuffled = np.concatenate([found["x_val"], found["x_train"]])
    labels = np.concatenate([found["t_val"], found["t_train"]])
    assert not np.array_equal(shuffled, x)
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(x, axis=0))
    np.testing.assert_array_equal(labels, np.eye(3)[shuffled[:, :3].argmax(axis=1)])
    assert len(found["results"]) == 3


# ---- Chapter 7 ----

COLUMNS = """
from dlbasics.columns import *

x1 = np.random.rand(1, 3, 7, 7)
col1 = im2col(x1, 5, 5, stride=1, pad=0)
x2 = np.random.rand(10, 3, 7, 7)
col2 = im2col(x2, 5, 5, stride=1, pad=0)
"""

OWN_CONVOLUTION = """
from dlbasics.columns import conv_output_size, im2col, np

class Convolution:
    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride, self.pad = W, b, stride, pad

    def forward(self, x):
        FN, C, FH, FW = self.W.shape
        rows = im2col(x, FH, FW, self.stride, self.pad)
        y = np.dot(rows, self.W.reshape(FN, -1).T) + self.b
        out_h = conv_output_size(x.shape[2], FH, self.stride, self.pad)
        return y.reshape(len(x), out_h, -1, FN).transpose(0, 3, 1, 2)

class Pooling:
    def __init__(self, pool_h, pool_w, stride=1):
        self.pool_h, self.pool_w, self.stride = pool_h, pool_w, stride

    def forward(self, x):
        windows = im2col(x, self.pool_h, self.pool_w, self.stride)
        largest = windows.reshape(-1, self.pool_h * self.pool_w).max(axis=1)
        out_h = conv_output_size(x.shape[2], self.pool_h, self.stride)
        return largest.reshape(len(x), out_h, -1, x.shape[1]).transpose(0, 3, 1, 2)
"""

OWN_CONVNET = """
from collections import OrderedDict
from dlbasics.layers import *

class ConvNet:
    def __init__(self, filter_num=3, filter_size=5, hidden_size=7, weight_init_std=0.1):
        n_pixels = (12 - filter_size + 1) ** 2 // 4
        filters = np.random.randn(filter_num, 1, filter_size, filter_size)
        self.params = {'W1': weight_init_std * filters}
        self.params['b1'] = np.zeros(filter_num)
        self.params['W2'] = weight_init_std * np.random.randn(filter_num * n_pixels, hidden_size)
        self.params['b2'] = np.zeros(hidden_size)
        self.params['W3'] = weight_init_std * np.random.randn(hidden_size, 3)
        self.params['b3'] = np.zeros(3)

        self.layers = OrderedDict()
        self.layers['Conv1'] = Convolution(self.params['W1'], self.params['b1'], 1, 0)
        self.layers['Relu1'] = Relu()
        self.layers['Pool1'] = Pooling(pool_h=2, pool_w=2, stride=2)
        self.layers['Affine1'] = Affine(self.params['W2'], self.params['b2'])
        self.layers['Relu2'] = Relu()
        self.layers['Affine2'] = Affine(self.params['W3'], self.params['b3'])
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return self.last_layer.forward(self.predict(x), t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last_layer.backward(1)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        grads = {}
        grads['W1'], grads['b1'] = self.layers['Conv1'].dW, self.layers['Conv1'].db
        grads['W2'], grads['b2'] = self.layers['Affine1'].dW, self.layers['Affine1'].db
        grads['W3'], grads['b3'] = self.layers['Affine2'].dW, self.layers['Affine2'].db
        return grads

np.random.seed(0)
network = ConvNet()
grads = network.gradient(x, t)
"""


def test_im2col_as_in_the_book():
    found = run(COLUMNS)
    assert found["col1"].shape == (9, 75)
    assert found["col2"].shape == (90, 75)


@pytest.mark.parametrize(("stride", "pad"), [(1, 0), (1, 1), (2, 1)])
def test_convolution_and_pooling_as_typed_are_ours(stride, pad):
    typed, ours = run(OWN_CONVOLUTION), run("from dlbasics.layers import *")
    rng = np.random.default_rng(0)
    x, W, b = (rng.standard_normal(s) for s in ((2, 3, 7, 7), (4, 3, 3, 3), (4,)))
    y = typed["Convolution"](W, b, stride, pad).forward(x)
    np.testing.assert_allclose(ours["Convolution"](W, b, stride, pad).forward(x), y, atol=1e-12)
    wanted = typed["Pooling"](2, 2).forward(y)
    np.testing.assert_array_equal(ours["Pooling"](2, 2).forward(y), wanted)


def test_the_convolutional_network_as_typed():
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((5, 1, 12, 12)), rng.integers(0, 3, 5)
    found = run(OWN_CONVNET, x=x, t=t)
    network, grads = found["network"], found["grads"]
    for key, param in network.params.items():
        index = tuple(0 for _ in param.shape)
        kept, losses = param[index], []
        for shift in (1e-5, -1e-5):
            param[index] = kept + shift
            losses.append(network.loss(x, t))
        param[index] = kept
        assert grads[key][index] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-8)


# ---- The book's names, and their arguments in the book's order ----


NET = "input_size, hidden_size_list, output_size, activation='relu', weight_init_std='relu', "
NET += "weight_decay_lambda=0, use_dropout=False, dropout_ration=0.5, use_batchnorm=False"
NORM = "gamma, beta, momentum=0.9, running_mean=None, running_var=None"

SIGNATURES = {
    "dlbasics.functions": """
        step_function(x)
        sigmoid(x)
        sigmoid_grad(x)
        relu(x)
        relu_grad(x)
        identity_function(x)
        softmax(x)
        sum_squared_error(y, t)
        cross_entropy_error(y, t)
        softmax_loss(X, t)
    """,
    "dlbasics.gradient": """
        numerical_diff(f, x)
        numerical_gradient(f, x)
        gradient_descent(f, init_x, lr=0.01, step_num=100)
    """,
    "dlbasics.data": """
        smooth_curve(x)
        shuffle_dataset(x, t)
    """,
    "dlbasics.layers": f"""
        MulLayer()
        MulLayer.forward(self, x, y)
        MulLayer.backward(self, dout)
        AddLayer()
        AddLayer.forward(self, x, y)
        AddLayer.backward(self, dout)
        Affine(W, b)
        Affine.forward(self, x)
        Affine.backward(self, dout)
        Relu()
        Relu.forward(self, x)
        Relu.backward(self, dout)
        Sigmoid()
        Sigmoid.forward(self, x)
        Sigmoid.backward(self, dout)
        Convolution(W, b, stride=1, pad=0)
        Convolution.forward(self, x)
        Convolution.backward(self, dout)
        Pooling(pool_h, pool_w, stride=1, pad=0)
        Pooling.forward(self, x)
        Pooling.backward(self, dout)
        SoftmaxWithLoss()
        SoftmaxWithLoss.forward(self, x, t)
        SoftmaxWithLoss.backward(self, dout=1)
        Dropout(dropout_ratio=0.5)
        Dropout.forward(self, x, train_flg=True)
        Dropout.backward(self, dout)
        BatchNormalization({NORM})
        BatchNormalization.forward(self, x, train_flg=True)
        BatchNormalization.backward(self, dout)
        BatchNorm({NORM})
    """,
    "dlbasics.optimizers": """
        SGD(lr=0.01)
        SGD.update(self, params, grads)
        Momentum(lr=0.01, momentum=0.9)
        Nesterov(lr=0.01, momentum=0.9)
        AdaGrad(lr=0.01)
        RMSprop(lr=0.01, decay_rate=0.99)
        Adam(lr=0.001, beta1=0.9, beta2=0.999)
    """,
    "dlbasics.networks": f"""
        TwoLayerNet(input_size, hidden_size, output_size, weight_init_std=0.01)
        TwoLayerNet.predict(self, x)
        TwoLayerNet.loss(self, x, t)
        TwoLayerNet.accuracy(self, x, t)
        TwoLayerNet.gradient(self, x, t)
        TwoLayerNet.numerical_gradient(self, x, t)
        MultiLayerNet({NET})
        MultiLayerNetExtend({NET})
        MultiLayerNetExtend.predict(self, x, train_flg=False)
        MultiLayerNetExtend.loss(self, x, t, train_flg=False)
        SimpleConvNet.predict(self, x)
        SimpleConvNet.loss(self, x, t)
        SimpleConvNet.gradient(self, x, t)
        DeepConvNet.predict(self, x, train_flg=False)
        DeepConvNet.gradient(self, x, t)
    """,
    "dlbasics.columns": """
        im2col(input_data, filter_h, filter_w, stride=1, pad=0)
        col2im(col, input_shape, filter_h, filter_w, stride=1, pad=0)
        conv_output_size(input_size, filter_size, stride=1, pad=0)
    """,
    # The book's optimizer_param={'lr': 0.01} is mutable; None stands for it.
    "dlbasics.trainer": """
        Trainer(network, x_train, t_train, x_test, t_test, epochs=20, mini_batch_size=100, \
            optimizer="SGD", optimizer_param=None, evaluate_sample_num_per_epoch=None, verbose=True)
        Trainer.train(self)
        Trainer.train_step(self)
    """,
    "dlbasics.datasets.mnist": """
        load_mnist(normalize=True, flatten=True, one_hot_label=False)
    """,
}
"""What stands in the book, by the module that README.md sends its reader to."""

LINES = [
    (module, line.strip())
    for module in SIGNATURES
    for line in SIGNATURES[module].strip().splitlines()
]


@pytest.mark.parametrize(("module", "line"), LINES)
def test_the_books_arguments_in_their_order(module, line):
    name, _, arguments = line.partition("(")
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    book = run(f"def book({arguments}: pass")["book"]
    theirs = [(p.name, p.default) for p in inspect.signature(book).parameters.values()]
    ours = [p for p in inspect.signature(found).parameters.values() if p.kind != p.KEYWORD_ONLY]
    assert [(p.name, p.default) for p in ours[: len(theirs)]] == theirs
    assert all(p.default is not p.empty for p in ours[len(theirs) :])


def test_the_readmes_table_keeps_the_names_and_covers_every_module():
    rows = re.findall(r"^\| `from (\S+) import ([^`]*)`[^|]*\| (.*) \|$", README, re.MULTILINE)
    assert len(rows) >= 9
    modules = {}
    for module, names, ours in rows:
        if ours != "the same":
            module, kept = re.fullmatch(r"`from (\S+) import (.*)`", ours).groups()
            assert kept == names
        modules.setdefault(module, set()).update(names.split(", "))
    assert modules.keys() == SIGNATURES.keys()
    for module, names in modules.items():
        found = run(f"from {module} import {', '.join(sorted(names))}")
        promised = {re.split(r"\W", line)[0] for where, line in LINES if where == module}
        used = promised if "*" in names else names
        assert used <= promised
        assert used <= found.keys()
