"""The summary of a network: as text, as a table, in numbers."""

import numpy as np
import pytest

from dlbasics.layers import Affine, BatchNorm, Dropout, LeakyRelu, Sigmoid
from dlbasics.network import Network
from tests.helpers import Block


def summary_of_all():
    block = Block(Affine.create(1000, 3), Sigmoid())
    layers = {"in": Affine(np.ones((784, 1000)), None), "norm": BatchNorm.create(1000)}
    return Network({**layers, "block": block, "drop": Dropout()}).summary()


def test_as_text():
    assert str(summary_of_all()) == "\n".join(
        [
            "layer  output shape  parameters",
            "in     (N, 1000)        784,000",
            "norm   (N, 1000)          2,000",
            "block  (N, 1000)          3,003",
            "drop   (N, 1000)              0",
            "total                   789,003",
        ]
    )


def test_as_a_table():
    html = summary_of_all()._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == html.count("</tr>") == 6
    assert "<tr><td>norm</td><td>(N, 1000)</td><td>2,000</td></tr>" in html
    assert "<th>layer</th><th>output shape</th><th>parameters</th>" in html


def test_in_numbers():
    net = Network([Affine.create(784, 50), Sigmoid(), Affine.create(50, 10)])
    summary = net.summary()
    rows = (("Affine1", (50,), 39250), ("Sigmoid1", (50,), 0), ("Affine2", (10,), 510))
    assert summary.rows == rows
    assert summary.total == 39760 == sum(param.size for param in net.params.values())


def test_it_follows_the_shape_of_one_sample():
    net = Network([LeakyRelu(), BatchNorm.create(3), Affine.create(12, 5)])
    rows = net.summary(input_shape=[3, 2, 2]).rows
    assert [shape for _, shape, _ in rows] == [(3, 2, 2), (3, 2, 2), (5,)]
    with pytest.raises(ValueError, match=r"input_shape.*LeakyRelu"):
        net.summary()
    assert Network([LeakyRelu()]).summary(7).rows == (("LeakyRelu1", (7,), 0),)


@pytest.mark.parametrize(
    ("input_shape", "error"),
    [
        ("x", TypeError),
        (object(), TypeError),
        (1.5, TypeError),
        ([1.5], TypeError),
        ([[3]], TypeError),
        (0, ValueError),
        ([3, -1], ValueError),
    ],
)
def test_a_shape_is_a_number_or_a_list_of_numbers(input_shape, error):
    with pytest.raises(error, match="input_shape must be"):
        Network([LeakyRelu()]).summary(input_shape)


def test_a_shape_may_be_of_numpys_integers():
    assert Network([LeakyRelu()]).summary(np.int64(7)).rows == (("LeakyRelu1", (7,), 0),)
    assert Network([LeakyRelu()]).summary(np.array([7, 2])).rows == (("LeakyRelu1", (7, 2), 0),)


class Doubled(Sigmoid):
    """A reader's layer that does not tell its shape."""

    def output_shape(self, x_shape):
        raise ValueError("unknown")


class Unasked:
    """A layer from the book, whose forward has effects."""

    def forward(self, x):
        raise AssertionError("nobody asked for a pass")

    def backward(self, dout):
        return dout


def test_a_prompt_shows_what_is_known():
    layers = {"a": LeakyRelu(), "b": Affine.create(4, 3), "c": Doubled(), "d": Affine.create(5, 2)}
    lines = repr(Network({**layers, "e": Unasked(), "f": Sigmoid()})).splitlines()
    assert lines[0] == "Network"
    assert [line.split()[1:] for line in lines[2:]] == [
        ["?", "0"],
        ["(N,", "3)", "15"],
        ["?", "0"],
        ["(N,", "2)", "12"],
        ["?", "0"],
        ["?", "0"],
        ["27"],
    ]
