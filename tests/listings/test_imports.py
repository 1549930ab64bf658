"""Programs in the shape of the book's run here with the import lines of docs/names.md."""

import re

import numpy as np
import pytest

from tests.helpers import ROOT, few_digits
from tests.listings.helpers import check, points, run

NAMES = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| `(from \S+ import [^`]*)`(?: \(([^)]*)\))? \| `(from [^`]*)` \|$", NAMES, re.MULTILINE
)
LOAD_MNIST = next(book for book, _, _ in ROWS if book.endswith("load_mnist"))
"""The book's line for MNIST, out of docs/names.md, since no file of ours has it."""

TRAIN = """
import numpy as np
network = TwoLayerNet(input_size=4, hidden_size=10, output_size=3, weight_init_std=0.5)
before = network.loss(x, t)
for i in range(30):
    grad = network.gradient(x, t)
    for key in ('W1', 'b1', 'W2', 'b2'):
        network.params[key] -= 0.5 * grad[key]
numeric = network.numerical_gradient(x[:3], t[:3])
y = network.predict(x)
"""
LEARNS = {"network.loss(x, t) < 0.8 * before": True, "network.accuracy(x, t) > 0.5": True}
GRADIENT_CHECK = """
import numpy as np
network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10)
grad_numerical = network.numerical_gradient(x_batch, t_batch)
grad_backprop = network.gradient(x_batch, t_batch)
diff = {}
for key in grad_numerical.keys():
    diff[key] = np.average(np.abs(grad_backprop[key] - grad_numerical[key]))
"""

PROGRAMS = {
    ("from common.functions import *", ""): (
        "y = softmax(sigmoid(np.array([-1.0, 1.0, 2.0])))",
        {"np.sum(y)": 1, "np.argmax(y)": 2},
    ),
    ("from common.gradient import numerical_gradient", ""): (
        "import numpy as np\n"
        "grad = numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0]))",
        {"grad": [6, 8]},
    ),
    ("from common.layers import *", ""): (
        "layer, last = Affine(np.eye(4), np.zeros(4)), SoftmaxWithLoss()\n"
        "loss = last.forward(layer.forward(x * 0), np.array([0] * len(x)))\n"
        "dx = layer.backward(last.backward())",
        {"loss": np.log(4), "dx.shape": (60, 4), "layer.db": [-0.75, 0.25, 0.25, 0.25]},
    ),
    ("from common.optimizer import *", ""): (
        "import numpy as np\n"
        "params = {'x': -7.0, 'y': 2.0}\n"
        "for optimizer in (SGD(0.25), Momentum(0.25), AdaGrad(), Adam()):\n"
        "    optimizer.update(params, {'x': params['x'] / 10, 'y': params['y'] * 2})",
        {"-7 < params['x'] < -6": True, "params['y']": 0.489},
    ),
    ("from common.util import smooth_curve, shuffle_dataset", ""): (
        "curve = smooth_curve([1.0] * 30)\nx_all, t_all = shuffle_dataset(x, t)",
        {"curve": [1] * 30, "x_all.shape": (60, 4), "abs(x_all.sum() - x.sum()) < 1e-9": True},
    ),
    ("from common.util import im2col, col2im, conv_output_size", ""): (
        "import numpy as np\n"
        "col = im2col(np.ones((10, 3, 7, 7)), 5, 5, stride=1, pad=0)\n"
        "img = col2im(col, (10, 3, 7, 7), 5, 5)\n"
        "out_h = conv_output_size(7, 5)",
        {"col.shape": (90, 75), "img[0, 0, 3, 3]": 9, "out_h": 3},
    ),
    ("from simple_convnet import SimpleConvNet", ""): (
        "import numpy as np\n"
        "network = SimpleConvNet(input_dim=(1, 28, 28),\n"
        "                        conv_param={'filter_num': 30, 'filter_size': 5,\n"
        "                                    'pad': 0, 'stride': 1},\n"
        "                        hidden_size=100, output_size=10, weight_init_std=0.01)\n"
        "grads = network.gradient(np.ones((2, 1, 28, 28)), np.array([3, 7]))",
        {"grads['W1'].shape": (30, 1, 5, 5), "grads['W2'].shape": (4320, 100)},
    ),
    ("from deep_convnet import DeepConvNet", ""): (
        "import numpy as np\ny = DeepConvNet().predict(np.ones((2, 1, 28, 28)))",
        {"y.shape": (2, 10)},
    ),
    ("from common.trainer import Trainer", ""): (
        "from dlbasics.networks import MultiLayerNet\n"
        "network = MultiLayerNet(input_size=4, hidden_size_list=[9], output_size=3)\n"
        "trainer = Trainer(network, x, t, x, t, epochs=2, mini_batch_size=20, optimizer='Adam',\n"
        "                  optimizer_param={'lr': 0.001}, evaluate_sample_num_per_epoch=30)\n"
        "trainer.train()",
        {"[len(trainer.train_loss_list), len(trainer.test_acc_list)]": [6, 2]},
    ),
    ("from common.multi_layer_net import MultiLayerNet", ""): (
        "network = MultiLayerNet(input_size=4, hidden_size_list=[9, 9], output_size=3,\n"
        "                        weight_decay_lambda=0.1)\n"
        "grads = network.gradient(x, t)",
        {"sorted(grads)": ["W1", "W2", "W3", "b1", "b2", "b3"]},
    ),
    ("from common.multi_layer_net_extend import MultiLayerNetExtend", ""): (
        "network = MultiLayerNetExtend(input_size=4, hidden_size_list=[9], output_size=3,\n"
        "                              use_dropout=True, dropout_ration=0.2, use_batchnorm=True)\n"
        "grads = network.gradient(x, t)",
        {"sorted(grads)": ["W1", "W2", "b1", "b2", "beta1", "gamma1"]},
    ),
    ("from two_layer_net import TwoLayerNet", "chapter 4"): (
        TRAIN,
        {**LEARNS, "y.sum(axis=1)": [1] * 60, "numeric['W1'].shape": (4, 10)},
    ),
    ("from two_layer_net import TwoLayerNet", "chapter 5"): (
        TRAIN,
        {
            **LEARNS,
            "[*network.layers]": ["Affine1", "Relu1", "Affine2"],
            "np.abs(y.sum(axis=1) - 1).max() > 0.1": True,  # scores
        },
    ),
    ("from two_layer_net import TwoLayerNet", "*Gradient Check*"): (
        GRADIENT_CHECK,
        {"sorted(diff)": ["W1", "W2", "b1", "b2"], "max(diff.values()) < 1e-9": True},
    ),
    (LOAD_MNIST, ""): (
        "try:\n    load_mnist(flatten='no')\nexcept (TypeError, ValueError) as caught:\n"
        "    error = str(caught)",
        {"'flatten' in error": True},
    ),
}
"""A program for each row of the table, and what it leaves."""


def replaced(book, note, program):
    """Return the program after the line that the table has for the book's import line."""
    (ours,) = [ours for line, where, ours in ROWS if (line, where) == (book, note)]
    return f"{ours}\n{program}"


def names():
    x, t = points()
    data = few_digits()
    t_batch = np.eye(10)[data.t_train[:3]]
    return {"x": x, "t": t, "x_batch": data.x_train[:3], "t_batch": t_batch}


def test_each_row_of_the_table_has_a_program():
    assert [(book, note) for book, note, _ in ROWS] == sorted(
        PROGRAMS, key=[(book, note) for book, note, _ in ROWS].index
    )


@pytest.mark.parametrize(("book", "note"), PROGRAMS)
def test_a_program_runs_with_only_its_import_line_changed(book, note, capsys):
    program, expected = PROGRAMS[book, note]
    found = run(replaced(book, note, program), **names())
    for expression, value in expected.items():
        if isinstance(value, list) and isinstance(value[0], str):
            assert eval(expression, found) == value
        else:
            check(found, {expression: value})


PRINTED = {"b1": 9.70418809871e-13, "W2": 8.41139039497e-13, "b2": 1.1945999745e-10}
PRINTED["W1"] = 2.2232446644e-13


@pytest.mark.parametrize(("note", "book_like"), [("*Gradient Check*", True), ("chapter 5", False)])
def test_the_gradient_check_prints_the_books_magnitudes(note, book_like):
    program = replaced("from two_layer_net import TwoLayerNet", note, GRADIENT_CHECK)
    diff = run(program, **names())["diff"]
    assert diff.keys() == PRINTED.keys()
    for key, printed in PRINTED.items():
        assert (0.1 < diff[key] / printed < 10) == book_like, (key, diff[key])
