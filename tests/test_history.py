"""History: to JSON and back, and its figures."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from dlbasics.history import History

HISTORY = History([2.5, 1.25, 0.1], [0.01, 0.01, 1e-3], [0.5, 0.75], [0.25, 0.7], [0.5, 1.5], "so")
FULL = replace(
    HISTORY, epoch_loss=[0.5, 0.25], test_loss=[0.75, 1.5], monitor="loss",
    train_metrics={"f1": [0.5, 0.25]}, test_metrics={"f1": [0.125, math.inf]},
)  # fmt: skip


@pytest.mark.parametrize("history", [HISTORY, FULL])
def test_to_json_and_back(tmp_path, history):
    assert History.from_json(history.to_json()) == history
    history.save(tmp_path / "history.json")
    assert History.load(tmp_path / "history.json") == history
    assert json.loads(history.to_json())["train_loss"] == [2.5, 1.25, 0.1]


def test_a_text_of_the_first_version_is_read():
    entries = json.loads(HISTORY.to_json())
    first = ("train_loss", "lr", "train_acc", "test_acc", "seconds", "stopped")
    assert History.from_json(json.dumps({name: entries[name] for name in first})) == HISTORY


def test_numbers_that_are_not_finite_stay_valid_json():
    text = History(train_loss=[1.0, math.inf, math.nan]).to_json()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert str(History.from_json(text).train_loss) == "[1.0, inf, nan]"


def with_entry(name, text):
    """Return the JSON of a history with another text in the place of an empty list or text."""
    return re.sub(rf'("{name}": )(\[\]|{{}}|"")', rf"\g<1>{text}", History(monitor="").to_json())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text must be JSON"),
        ("3", "must be a JSON object with the entries"),
        ("[]", "must be a JSON object with the entries"),
        ("{}", "must be a JSON object with the entries"),
        ('{"train_loss": []}', "must be a JSON object with the entries"),
        (with_entry("lr", '"123"'), "must have lists of numbers, got none under lr"),
        (with_entry("lr", "[null]"), "got a value of type NoneType under lr"),
        (with_entry("lr", "[[1]]"), "got a value of type list under lr"),
        (with_entry("lr", "[true]"), "got a value of type bool under lr"),
        (with_entry("lr", '["1"]'), "got a value of type str under lr"),
        (with_entry("lr", f"[{10**400}]"), "got one too large under lr"),
        (with_entry("lr", "[" + "9" * 5_000 + "]"), "text must"),
        (with_entry("lr", "[" * 100_000), "text must be JSON: it is nested too deeply"),
        (with_entry("stopped", "{}"), "must have a text under stopped"),
        (with_entry("monitor", "[]"), "must have a text under monitor"),
        (with_entry("test_loss", "3"), "must have lists of numbers, got none under test_loss"),
        (with_entry("test_metrics", "[]"), "must have an object under test_metrics"),
        (with_entry("train_metrics", '{"f1": 3}'), "got none under train_metrics"),
    ],
)
def test_other_texts_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        History.from_json(text)
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"x\.json holds no history: .*{message}"):
        History.load(tmp_path / "x.json")


def test_a_file_of_other_bytes_is_refused(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"x\.json holds no history"):
        History.load(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (History(train_loss=None), "train_loss must be a list of numbers, got NoneType"),
        (History(lr="abc"), "lr must be a list of numbers, got str"),
        (
            History(test_acc=[0.5, "x"]),
            "test_acc must be a list of numbers, got one that holds 'x'",
        ),
        (History(stopped=3), "stopped must be a text, got 3"),
        (History(monitor=None), "monitor must be a text, got None"),
        (History(test_metrics=[]), r"test_metrics must be a dict of curves by name, got \[\]"),
        (History(test_metrics={3: []}), "test_metrics must be a dict of curves by name"),
        (History(test_metrics={"f1": 3}), r"test_metrics\['f1'\] must be a list of numbers"),
    ],
)
def test_what_is_no_history_is_not_saved(tmp_path, history, message):
    with pytest.raises(TypeError, match=message):
        history.save(tmp_path / "x.json")
    assert [*tmp_path.iterdir()] == []


def test_numbers_of_numpy_are_saved_too():
    history = History(np.array([0.5, np.nan]), [np.float32(0.25), 1])
    text = History.from_json(history.to_json())
    assert str([text.train_loss, text.lr]) == "[[0.5, nan], [0.25, 1.0]]"


@pytest.mark.parametrize("path", ["", None, 2])
def test_a_path_that_can_be_none_of_a_file_is_refused(path):
    for use in (HISTORY.save, History.load):
        with pytest.raises((TypeError, ValueError), match="path must be the path of a file, got"):
            use(path)
    with pytest.raises(TypeError, match="text must be a text in JSON, got NoneType"):
        History.from_json(None)


def test_the_best_epoch_is_the_first_of_the_highest():
    assert HISTORY.best_epoch == 2
    assert History(test_acc=[0.5, 0.9, 0.9]).best_epoch == 2
    assert History().best_epoch == 0


@pytest.mark.parametrize(
    ("history", "by_loss", "best"),
    [
        (History(test_loss=[3.0, 1.0, 1.0]), True, 2),
        (History(test_loss=[math.nan, 2.0, 3.0]), True, 2),
        (History(test_loss=[math.nan]), True, 1),
        (History(test_acc=[0.5, 0.9], test_loss=[1.0, 2.0]), False, 2),
        (History(test_acc=[0.5, 0.9], test_loss=[1.0, 2.0], monitor="loss"), True, 1),
        (History(test_acc=[0.5, 0.9], monitor="loss"), False, 2),
        (History(monitor="loss"), False, 0),
    ],
)
def test_the_best_epoch_by_loss_is_the_first_of_the_lowest(history, by_loss, best):
    assert (history.by_loss, history.best_epoch) == (by_loss, best)


def test_figures_show_the_curves():
    figures = HISTORY.plot()
    accuracy, loss = figures["accuracy"].axes[0], figures["loss"].axes[0]
    for line, label, curve in zip(
        accuracy.lines,
        ("training", "test"),
        (HISTORY.train_acc, HISTORY.test_acc),
        strict=True,
    ):
        assert line.get_label() == label
        np.testing.assert_array_equal(line.get_xydata(), [[1, curve[0]], [2, curve[1]]])
    assert len(loss.lines[0].get_ydata()) == 3
    assert loss.get_xlabel() == "iteration"


def test_a_figure_for_each_curve_over_epochs():
    figures = FULL.plot()
    assert [*figures] == ["accuracy", "epoch_loss", "f1", "loss"]
    for name, curves in {
        "epoch_loss": (FULL.epoch_loss, FULL.test_loss),
        "f1": (FULL.train_metrics["f1"], FULL.test_metrics["f1"]),
    }.items():
        axes = figures[name].axes[0]
        assert [line.get_label() for line in axes.lines] == ["training", "test"]
        for line, curve in zip(axes.lines, curves, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), [[1, curve[0]], [2, curve[1]]])
        assert axes.get_ylabel() == name.replace("epoch_", "")
    regression = replace(FULL, train_acc=[], test_acc=[])
    assert [*regression.plot()] == ["epoch_loss", "f1", "loss"]


def test_after_one_epoch_there_are_bars_with_numbers():
    history = History(
        [2.0, 1.0], train_acc=[0.9012], test_acc=[0.9034], epoch_loss=[0.5], test_loss=[0.25],
        train_metrics={"f1": [math.nan]}, test_metrics={"f1": [-0.5]},
    )  # fmt: skip
    figures = history.plot()
    for name, numbers, xlabel in [
        ("accuracy", ["0.9012", "0.9034"], "accuracy after one epoch"),
        ("epoch_loss", ["0.5", "0.25"], "loss after one epoch"),
        ("f1", ["", "-0.5"], "f1 after one epoch"),
    ]:
        axes = figures[name].axes[0]
        assert [text.get_text() for text in axes.texts] == numbers
        assert [label.get_text() for label in axes.get_yticklabels()] == ["training", "test"]
        assert axes.get_xlabel() == xlabel
    assert "<img" in figures._repr_html_()


def test_the_accuracy_axis_begins_where_the_accuracies_do():
    figure = History(train_acc=[0.96, 0.98], test_acc=[0.95, 0.97]).plot()["accuracy"]
    low, high = figure.axes[0].get_ylim()
    assert 0.93 < low < 0.95 and 0.98 < high < 0.99
    assert figure.axes[0].get_ylabel() == "accuracy (axis from 0.945)"


def test_before_any_epoch_there_is_something_to_draw_too():
    for history in (History(), History(train_loss=[1.0])):
        figures = history.plot()
        assert set(figures) == {"accuracy", "loss"}
        assert [text.get_text() for text in figures["accuracy"].axes[0].texts] == ["no numbers yet"]
        assert len(figures["accuracy"].axes[0].get_xticks()) == 0
        assert "<img" in figures._repr_html_()
    assert figures["loss"].axes[0].lines[0].get_marker() == "o"  # a line of one point is invisible
    assert [text.get_text() for text in figures["loss"].axes[0].get_legend().texts] == ["loss: 1"]
