"""Listings of chapter 3 as a reader types them."""

import numpy as np
import pytest

from tests.listings.helpers import check, run

# Repaired: the book computes z1 and goes on with Z1.
FUNCTIONS = """
from dlbasics.functions import *
x = np.array([-1.0, 1.0, 2.0])
axis = np.arange(-5.0, 5.0, 0.1)
curves = [step_function(axis), sigmoid(axis), relu(axis)]
X, W1, B1 = np.array([1.0, 0.5]), np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), [0.1, 0.2, 0.3]
Z1 = sigmoid(np.dot(X, W1) + np.array(B1))
y = softmax(np.array([0.3, 2.9, 4.0]))
large = softmax(np.array([1010, 1000, 990]))
"""


def test_functions_give_the_books_numbers():
    expected = {
        "step_function(x)": [0, 1, 1],
        "sigmoid(x)": [0.26894142, 0.73105858, 0.88079708],
        "relu(x)": [0, 1, 2],
        "sigmoid_grad(x)": [0.19661193, 0.19661193, 0.10499359],
        "relu_grad(x)": [0, 1, 1],
        "identity_function(x)": [-1, 1, 2],
        "[curve[0] for curve in curves]": [0, 1 / (1 + np.e**5), 0],
        "[curve[-1] for curve in curves]": [1, 1 / (1 + np.e**-4.9), 4.9],
        "Z1": [0.57444252, 0.66818777, 0.75026011],
        "y": [0.01821127, 0.24519181, 0.73659691],
        "large * 1e9": [999954600, 45397.8686, 2.06106005],
    }
    check(run(FUNCTIONS), expected)


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
