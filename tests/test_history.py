"""History: to JSON and back, and its figures."""

import json
import math

import numpy as np
import pytest

from dlbasics.history import History

HISTORY = History([2.5, 1.25, 0.1], [0.01, 0.01, 1e-3], [0.5, 0.75], [0.25, 0.7], [0.5, 1.5], "so")


def test_to_json_and_back(tmp_path):
    assert History.from_json(HISTORY.to_json()) == HISTORY
    HISTORY.save(tmp_path / "history.json")
    assert History.load(tmp_path / "history.json") == HISTORY
    assert json.loads(HISTORY.to_json())["train_loss"] == [2.5, 1.25, 0.1]


def test_numbers_that_are_not_finite_stay_valid_json():
    text = History(train_loss=[1.0, math.inf, math.nan]).to_json()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert str(History.from_json(text).train_loss) == "[1.0, inf, nan]"


TEXT_FOR_LIST = History().to_json().replace('"lr": []', '"lr": "123"')
NONE_IN_LIST = History().to_json().replace('"lr": []', '"lr": [null]')


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"train_loss": []}', "3", TEXT_FOR_LIST, NONE_IN_LIST]
)
def test_other_texts_are_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.json holds no history"):
        History.load(tmp_path / "x.json")


def test_the_best_epoch_is_the_first_of_the_highest():
    assert HISTORY.best_epoch == 2
    assert History(test_acc=[0.5, 0.9, 0.9]).best_epoch == 2
    assert History().best_epoch == 0


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


def test_before_any_epoch_there_is_something_to_draw_too():
    assert set(History(train_loss=[1.0]).plot()) == {"accuracy", "loss"}
