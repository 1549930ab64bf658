"""Many experiments: which are finished, in which order they run, and how long the rest takes."""

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from dlbasics.experiment import runs
from dlbasics.experiment.catalog import Entry, find
from dlbasics.experiment.claims import Verdict
from dlbasics.experiment.fingerprint import versions
from dlbasics.experiment.report import Tally, _article
from dlbasics.experiment.runs import Estimate, Outcome, Setting, finished, run_all, stored

ONE = Entry("ch02_perceptron", "gates")
TIMED = find("seven_loops")[0]
TRAIN = find("train_convnet")[0]
ABOUT = {
    "default": True,
    "sources": {"dlbasics/nothing.py": "0"},
    "versions": versions(),
    "quick": False,
    "seed": 0,
    "data": "mnist",
    "config": {"rate": 0.5},
    "seconds": 1.5,
    "claims": [asdict(Verdict("price", 220, 220.0, True, "equal"))],
    "figures": ["gates_curve.png"],
}


@pytest.fixture
def keep(tmp_path):
    """A function that writes a file of results, and returns the setting."""

    def write(folder="", setting=None, **changes):
        path = tmp_path / folder / "ch02_perceptron" / "gates.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(ABOUT | changes), encoding="utf-8")
        return Setting(tmp_path, **(setting or {}))

    return write


@pytest.mark.parametrize(
    ("folder", "setting", "changes"),
    [
        ("", {}, {}),
        ("", {}, {"data": None, "seed": None}),
        ("quick", {"quick": True}, {"quick": True}),
        ("digits", {"data": "digits"}, {"data": "digits"}),
        ("", {"data": "digits"}, {"data": None}),
        ("seed-3", {"seed": 3}, {"seed": 3}),
        ("seed-3/quick", {"seed": 3, "quick": True}, {"seed": 3, "quick": True}),
    ],
)
def test_a_result_of_the_same_setting_is_found(keep, folder, setting, changes):
    result = stored(ONE, keep(folder, setting, **changes))
    assert result.about == ABOUT | changes
    assert [path.name for path in result.figures] == ["gates_curve.png"]


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ({}, {"default": False}),
        ({}, {"quick": True}),
        ({}, {"seed": 1}),
        ({}, {"data": "digits"}),
        ({}, {"sources": None}),
        ({}, {"config": []}),
        ({}, {"figures": [1]}),
        ({}, {"figures": ["../gates.png"]}),
        ({}, {"figures": [""]}),
        ({}, {"claims": [1]}),
        ({}, {"claims": [{"text": "price"}]}),
        ({}, {"claims": [ABOUT["claims"][0] | {"holds": "yes"}]}),
        ({}, {"claims": [ABOUT["claims"][0] | {"why": None}]}),
        ({}, {"claims": [ABOUT["claims"][0] | {"digits": 0}]}),
        ({}, {"claims": [ABOUT["claims"][0] | {"digits": True}]}),
        ({}, {"claims": [ABOUT["claims"][0] | {"digits": 10**9}]}),
        ({"data": "digits"}, {}),
        ({"quick": True}, {}),
        ({"seed": 1}, {}),
    ],
)
def test_a_result_of_another_setting_is_not_taken_for_it(keep, setting, changes):
    assert stored(ONE, keep("", setting, **changes)) is None


def test_a_damaged_file_is_no_result(keep, tmp_path):
    setting = keep()
    path = tmp_path / "ch02_perceptron" / "gates.json"
    good = path.read_text()
    for text in ("", "{", "[]", "{}", "null", "[" * 100_000, good.replace('"text"', '"no text"')):
        path.write_text(text)
        assert stored(ONE, setting) is None


def test_a_page_is_written_whatever_a_file_of_results_holds(keep, tmp_path):
    setting = keep()
    path = tmp_path / "ch02_perceptron" / "gates.json"
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(good)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            content[place] = rng.choice([*b'{}[]":,019.-tfn ', 255])
        path.write_bytes(bytes(content))
        if (result := stored(ONE, setting)) is not None:
            _article(ONE, result, None, setting)
            Tally.of([result])


def test_a_run_is_finished_if_its_code_is_the_same_and_its_figures_are_there(
    keep, tmp_path, monkeypatch
):
    setting = keep()
    assert finished(ONE, setting) is None  # there is no such source
    monkeypatch.setattr(runs, "is_current", lambda about: True)
    assert finished(ONE, setting) is None  # there is no figure
    (tmp_path / "ch02_perceptron" / "gates_curve.png").touch()
    assert finished(ONE, setting).about == ABOUT


def test_a_result_of_old_code_does_not_hide_one_of_todays(keep, tmp_path, monkeypatch):
    """An experiment that takes images no longer has left a result on digits."""
    keep("digits", data="digits")
    setting = keep("", {"data": "digits"}, data=None, figures=[])
    monkeypatch.setattr(runs, "is_current", lambda about: about["data"] is None)
    assert finished(ONE, setting).about["data"] is None


def test_a_process_that_was_killed_or_prints_nothing_is_reported_by_its_exit_code(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("A title.\n")
    assert runs._reason(log, -9) == "another program ended it (exit code -9)"
    assert runs._reason(log, 1) == "A title."
    log.write_text("")
    assert runs._reason(log, 1) == "exit code 1"


def test_a_run_that_cannot_start_fails_and_stops_no_other(monkeypatch):
    def run(entry, setting, children):
        if entry == ONE:
            raise OSError("disk full")
        return Outcome(entry, 1.0)

    monkeypatch.setattr(runs, "_run", run)
    outcomes = run_all([ONE, TRAIN], Setting(), 1, lambda estimate, outcome: None)
    assert {outcome.entry: outcome.error for outcome in outcomes} == {ONE: "disk full", TRAIN: ""}


def test_a_process_that_starts_after_the_end_is_ended():
    children = runs.Children()
    children.stop()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert children.wait_for(child) != 0


@pytest.fixture
def times(monkeypatch):
    """The usual times of the experiments."""
    usual = {ONE.name: 10.0, TRAIN.name: 100.0, TIMED.name: 40.0}
    monkeypatch.setattr(runs, "usual_seconds", usual.get)


@pytest.mark.usefixtures("times")
def test_the_estimate_before_the_first_end_is_that_of_the_usual_times():
    estimate = Estimate(Setting(), 2, [ONE, TRAIN, TIMED])
    assert estimate.left(0) == (10 + 100) / 2 + 40
    assert estimate.share(0) == 0


@pytest.mark.usefixtures("times")
def test_the_estimate_follows_the_pace_of_the_runs_that_have_ended():
    estimate = Estimate(Setting(), 1, [TIMED], {TRAIN: 1_000.0}, {ONE: 150.0})
    assert estimate.pace(1_060) == pytest.approx((150 + 60) / (10 + 60))
    assert estimate.left(1_060) == pytest.approx(3 * 100 - 60 + 3 * 40)
    assert estimate.share(1_060) == pytest.approx((30 + 60) / 450)
    waiting = Estimate(Setting(), 2, [ONE, TIMED], {TRAIN: 0.0}, {ONE: 150.0})
    assert waiting.left(0) == pytest.approx(max(300, (300 + 30) / 2) + 3 * 40)


@pytest.mark.usefixtures("times")
def test_the_estimate_grows_while_a_run_takes_longer_than_usual():
    estimate = Estimate(Setting(), 1, [TIMED], {TRAIN: 0.0})
    assert estimate.pace(100) == 1
    assert estimate.pace(1_000) == pytest.approx(1_060 / 160)
    assert estimate.left(1_000) == pytest.approx(1 + 40 * 1_060 / 160)
    assert estimate.share(1_000) < 0.7


@pytest.mark.usefixtures("times")
def test_nothing_starts_beside_a_run_that_measures_times():
    assert runs._next(Estimate(Setting(), 2, [TIMED], {ONE: 0.0}), 2) is None
    assert runs._next(Estimate(Setting(), 2, [TIMED, ONE], {TRAIN: 0.0}), 2) == ONE
    assert runs._next(Estimate(Setting(), 2, [TIMED]), 2) == TIMED
    assert runs._next(Estimate(Setting(), 1, [ONE], {TRAIN: 0.0}), 1) is None


@pytest.mark.usefixtures("times")
def test_the_share_is_all_at_the_end():
    assert Estimate(Setting(), 1, [], {}, {ONE: 1.0}).share(5) == 1
    assert Estimate(Setting(), 1, []).share(5) == 1


@pytest.mark.usefixtures("times")
def test_the_longest_run_starts_first_and_those_that_measure_times_run_alone(monkeypatch):
    running, seen = [], []

    def run(entry, setting, children):
        running.append(entry)
        seen.append((entry, len(running)))
        while TRAIN in running and len(seen) == 1:
            pass  # until another has started beside it
        running.remove(entry)
        return Outcome(entry, 1.0)

    monkeypatch.setattr(runs, "_run", run)
    outcomes = run_all([ONE, TIMED, TRAIN], Setting(), 2, lambda estimate, outcome: None)
    assert [entry for entry, _ in seen] == [TRAIN, ONE, TIMED]
    assert seen[2] == (TIMED, 1)
    assert {outcome.entry for outcome in outcomes} == {ONE, TIMED, TRAIN}
