"""Short texts of objects: layers, optimizers, and records such as the result of an experiment."""

import copy
import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

import dlbasics
from dlbasics import plotting
from dlbasics._internal.reprs import Record, brief, html_table, text_table
from dlbasics.experiment import Data, Experiment
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Convolution,
    Dropout,
    Layer,
    LeakyRelu,
    Pooling,
    Relu,
    Residual,
    SoftmaxWithLoss,
)


class Scale(Layer):
    """It takes its array."""

    param_names = ("s",)

    def __init__(self, s, power=1):
        self.s, self.power = s, power


class Linear(Layer):
    """It makes its array itself, from sizes that it does not keep."""

    param_names = ("W",)

    def __init__(self, n_in, n_out, *others, **settings):
        self.others = others
        self.W = np.ones((n_in, n_out))


class Early(Layer):
    """Something shows it before its attributes exist, as a debugger does."""

    param_names = ("W",)

    def __init__(self, W):
        self.seen = repr(self)
        self.W = W


class Words(Layer):
    def __init__(self, words, function=len):
        self.words, self.function = words, function


def convolution(*shape, b=True, **settings):
    return Convolution(np.ones(shape), np.ones(shape[0]) if b else None, **settings)


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (Affine.create(784, 50), "Affine(784, 50)"),
        (Affine(np.ones((3, 2)), None), "Affine(3, 2, b=None)"),
        (Convolution.create(1, 30, 5), "Convolution(1, 30, 5)"),
        (Convolution.create(1, 30, (3, 5), pad=1), "Convolution(1, 30, (3, 5), pad=1)"),
        (convolution(2, 3, 4, 4, b=False, stride=2), "Convolution(3, 2, 4, b=None, stride=2)"),
        (BatchNorm.create(50), "BatchNorm(50)"),
        (BatchNorm(*np.ones((2, 3)), 0.5, *np.ones((2, 3))), "BatchNorm(3, momentum=0.5)"),
        (Pooling(2, 3), "Pooling(2, 3)"),
        (Pooling(2, 2, stride=2), "Pooling(2, 2, stride=2)"),
        (Dropout(), "Dropout(dropout_ratio=0.5)"),
        (Dropout(0.2, inverted=True, rng=0), "Dropout(dropout_ratio=0.2, inverted=True)"),
        (LeakyRelu(np.float64(0.2)), "LeakyRelu(slope=0.2)"),
        (Relu(), "Relu()"),
        (Residual([Affine.create(2, 2), Relu()]), "Residual([Affine(2, 2), Relu()])"),
        (SoftmaxWithLoss(), "SoftmaxWithLoss()"),
        (dlbasics.SGD(), "SGD(lr=0.01)"),
        (dlbasics.SGD(0.5), "SGD(lr=0.5)"),
        (dlbasics.Adam(0.1, beta2=0.99999), "Adam(lr=0.1, beta2=0.99999)"),
        (dlbasics.AdamW(weight_decay=0.1), "AdamW(lr=0.001, weight_decay=0.1)"),
        (dlbasics.L2(0.1), "L2(0.1)"),
        (dlbasics.MulLayer(), "MulLayer()"),
        (dlbasics.AddLayer(), "AddLayer()"),
        (Layer(), "Layer()"),
        (Scale(np.ones((2, 3, 4))), "Scale(2, 3, 4)"),
        (Scale(np.ones(()), power=2), "Scale(power=2)"),
        (Linear(4, 3, "other"), "Linear(4, 3)"),
        (Early(np.ones((2, 3))), "Early(2, 3)"),
        (Words(["a"] * 10_000), "Words(['a', 'a', 'a', ..., 'a'] (10,000))"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_or_optimizer_shows_the_call_that_makes_it(thing, text):
    assert repr(thing) == text


def test_a_layer_that_is_not_made_yet_can_be_shown():
    assert Early(np.ones((2, 3))).seen == "Early()"


def test_other_objects_show_more_than_their_address():
    network = dlbasics.TwoLayerNet(4, 3, 2)
    average = dlbasics.WeightAverage(network)
    average.update()
    assert repr(average) == "WeightAverage(TwoLayerNet, decay=0.999) after 1 updates"
    assert repr(Experiment("A title.\n\nMore.", lambda: {})) == "Experiment('A title.')"


@dataclass(frozen=True)
class Point(Record):
    x: float
    y: float = 2.0


@dataclass(frozen=True)
class Result(Record):
    losses: list
    best: Point
    points: list
    scores: np.ndarray
    few: np.ndarray
    note: str = "a"
    by_name: dict = None


@dataclass(frozen=True)
class Loud(Record):
    x: float = 1.0

    def __repr__(self):
        return "loud"


def result(**changes):
    best, numbers = Point(1 / 3), [1 / 3] * 9_999 + [0.5]
    made = Result(numbers, best, [best, best], np.ones((16, 20)), np.ones(3), "a", {"k": numbers})
    return replace(made, **changes)


def test_a_record_is_a_line_for_each_field():
    assert repr(result()).splitlines() == [
        "Result(",
        "    losses=[0.333333, 0.333333, 0.333333, ..., 0.5] (10,000),",
        "    best=Point(x=0.333333, y=2),",
        "    points=[Point(x=0.333333, y=2), Point(x=0.333333, y=2)],",
        "    scores=float64 (16, 20),",
        "    few=[1, 1, 1],",
        "    note='a',",
        "    by_name={'k': [0.333333, 0.333333, 0.333333, ..., 0.5] (10,000)},",
        ")",
    ]


def test_a_record_is_short_whatever_it_holds():
    deep = [[[[list(range(99))] * 99] * 99] * 99] * 99
    text = repr(result(losses=deep, best=result(losses=deep), note="long" * 10_000))
    assert len(text.splitlines()) == 9 and max(map(len, text.splitlines())) <= 110


def test_a_record_with_a_repr_of_its_own_keeps_it():
    assert repr(Loud()) == "loud"


def test_a_data_set_is_short():
    data = Data("mine", np.zeros((9, 784), np.float32), np.zeros(9, np.uint8), *np.zeros((2, 3)))
    assert "    x_train=float32 (9, 784),\n    t_train=uint8 (9,),\n" in repr(data)


def plot_curve(result):
    return {"a <curve>": plotting.curves({"a": [1, 2]}, xlabel="x", ylabel="y")}


def test_a_notebook_shows_the_result_of_an_experiment_with_its_figures():
    html = Experiment("T", result, plot_curve).run()._repr_html_()
    assert "<th>Result</th>" in html and "<td>best</td><td>Point(x=0.333333, y=2)</td>" in html
    assert "a &lt;curve&gt;<br><img src='data:image/png;base64,iVBOR" in html
    assert "<img" not in Experiment("T", result).run()._repr_html_()
    assert "<img" not in result()._repr_html_()


def test_a_result_with_its_plot_can_be_compared_copied_and_pickled():
    made = Experiment("T", lambda: Point(3), lambda result: {}).run()
    assert made == Point(3) and hash(made) == hash(Point(3))
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # noqa: S301
        assert again == made and vars(again) == {"x": 3, "y": 2.0}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (np.float32(0.1), "0.1"),
        (1e9, "1e+09"),
        (float("nan"), "nan"),
        (True, "True"),
        (None, "None"),
        (12_345_678, "12345678"),
        ("text", "'text'"),
        ([], "[]"),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, 2), "(1, 2)"),
        ([*range(6)], "[0, 1, 2, 3, 4, 5]"),
        ([*range(7)], "[0, 1, 2, ..., 6] (7)"),
        ({"a": 1}, "{'a': 1}"),
        ([[[1]]], "[[[...] (1)]]"),
        (np.zeros((0,)), "[]"),
        (np.zeros((2, 2), bool), "bool (2, 2)"),
        (dlbasics.TwoLayerNet(4, 3, 2), "TwoLayerNet ..."),
        (dlbasics.History(), "History(train_loss=[], lr=[], train_acc=[], test_acc=[]"),
    ],
    ids=repr,
)
def test_brief(value, text):
    assert brief(value).startswith(text) if "History" in text else brief(value) == text


def test_a_list_that_holds_itself_is_shown_too():
    cycle = [1]
    cycle.append(cycle)
    assert brief(cycle) == "[1, [1, [...] (2)]]"


def test_tables():
    rows = [("", "number"), ("a<b", "1"), ("c", "1,000")]
    assert text_table(rows) == "     number\na<b       1\nc     1,000"
    assert text_table(rows, left=0) == "     number\na<b       1\n  c   1,000"
    assert html_table(*rows[:1], rows[1:2]) == (
        "<table><thead><tr><th></th><th>number</th></tr></thead>"
        "<tbody><tr><td>a&lt;b</td><td>1</td></tr></tbody></table>"
    )
