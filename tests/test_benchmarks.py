"""The benchmarks fit the code that they measure."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import pad
from benchmarks.planted_errors import LEFT_OUT, PLANTED, mirror, misfit, nearest
from benchmarks.sides import NUMPY_ALONE, SIDES, STRAIGHT, TASKS, WITH_FAST, Task, deep, simple
from benchmarks.turns import Worker, environment, measure
from tests.helpers import ROOT, normal

FILES = sorted({error.file for error in PLANTED})


def test_each_of_100_errors_can_be_planted():
    assert len({error.id for error in PLANTED}) == 100
    assert [line for error in PLANTED if (line := misfit(error, ROOT))] == []
    assert all(error.old != error.new for error in PLANTED)


def test_the_tests_nearest_to_each_file_are_there():
    """The fast replacements are compared with the plain formulas in a file for all of them."""
    assert [file for file in FILES if not nearest(file, ROOT)] == []
    own = [file for file in FILES if "/fast/" not in file]
    assert [file for file in own if not (ROOT / mirror(file)).is_file()] == []


def test_the_tests_that_are_left_out_are_there():
    assert [name for name in LEFT_OUT if not [*ROOT.glob(f"tests/**/{name}")]] == []


def deep_without_dropout():
    network = deep()
    for layer in network.layers.values():
        if layer.kind == "Dropout":
            layer.dropout_ratio = 0
    return network


STEPS = {
    **{name: task for name, task in TASKS.items() if task.optimizer and task.network != deep},
    "DeepConvNet without dropout": Task(deep_without_dropout, "Adam", batch=20),
}
PREDICTIONS = {"simple": Task(simple, batches=2), "deep": Task(deep, batch=20)}
TORCH = [pytest.param(side, marks=pytest.mark.extra) for side in SIDES if "PyTorch" in side]
OTHERS = ["the book's algorithm", *TORCH]


def results(task: Task, side: str):
    """Return the losses of three steps with the same batch, or the scores of all its samples."""
    if "PyTorch" in side:
        pytest.importorskip("torch")
    size = task.batch * task.batches
    x = normal(size, *((1, 28, 28) if task.has_convolutions else (784,)), dtype=np.float32)
    step, prepare = SIDES[side](task, 2)
    batch = prepare(x, np.random.default_rng(0).integers(0, 10, size))
    if task.optimizer:
        return np.array([step(*batch) for _ in range(3)])
    scores = step(*batch)
    return np.concatenate([*map(np.asarray, scores)]) if isinstance(scores, list) else scores


@pytest.mark.long
@pytest.mark.parametrize("side", [*OTHERS, STRAIGHT])
@pytest.mark.parametrize("name", STEPS)
def test_all_sides_learn_the_same(name, side):
    """But the book's logarithm of y + 1e-7 makes large losses smaller, as the first ones are."""
    task = STEPS[name]
    if side == STRAIGHT and task.has_convolutions:
        pytest.skip("there is no such side")
    first, second, third = results(task, NUMPY_ALONE)
    assert first > second > third
    np.testing.assert_allclose(results(task, side)[1:], [second, third], rtol=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("side", OTHERS)
@pytest.mark.parametrize("name", PREDICTIONS)
def test_all_sides_predict_the_same(name, side):
    """The scores are equal up to a factor: PyTorch's dropout does not scale them in test."""
    ours, theirs = (results(PREDICTIONS[name], which) for which in (NUMPY_ALONE, side))
    scale = np.abs(ours).max() / np.abs(theirs).max()
    np.testing.assert_allclose(theirs * scale, ours, atol=1e-5 * np.abs(ours).max())


@pytest.mark.parametrize(
    ("side", "threads", "blas", "numba", "keeps_memory"),
    [
        (NUMPY_ALONE, 2, None, "0", False),
        (NUMPY_ALONE, 1, "1", "0", False),
        (WITH_FAST, 2, None, None, False),
        ("PyTorch at its best", 2, "2", None, True),
        ("PyTorch as installed", 1, "1", None, False),
        (STRAIGHT, 2, "2", None, False),
    ],
)
def test_each_process_has_its_own_settings(monkeypatch, side, threads, blas, numba, keeps_memory):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.setenv("DLBASICS_NUMBA", "1")
    env = environment(side, threads)
    assert (env.get("OPENBLAS_NUM_THREADS"), env.get("DLBASICS_NUMBA")) == (blas, numba)
    assert ("MALLOC_TRIM_THRESHOLD_" in env) == keeps_memory


@pytest.mark.long
def test_processes_take_turns():
    sides = [NUMPY_ALONE, STRAIGHT]
    times = measure("784-50-10, training step with SGD", sides, rounds=2, seconds=0.01)
    assert times.keys() == {(side, threads) for side in sides for threads in (1, 2)}
    assert all(len(rounds) == 2 and min(rounds) > 0 for rounds in times.values())


@pytest.mark.long
def test_a_process_that_fails_ends_the_run(capfd):
    worker = Worker("784-50-10, training step with SGD", STRAIGHT, threads=3)
    with pytest.raises(RuntimeError, match="a process has ended"):
        worker.turn(0.01)
    worker.end()
    assert "KeyError: 3" in capfd.readouterr().err


def test_the_table_has_the_median_ratio_and_says_what_is_not_installed():
    mlp, conv = "784-50-10, training step with SGD", "SimpleConvNet, training step"
    mlp_times = {(NUMPY_ALONE, 2): [1.0, 3.0, 2.0], (STRAIGHT, 2): [2.0, 2.0, 2.0]}
    conv_times = {(NUMPY_ALONE, 2): [3.0], ("PyTorch at its best", 2): [2.0]}
    lines = command.table({mlp: mlp_times, conv: conv_times}, threads=2).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    absent = "not installed"
    assert rows[2] == [mlp, NUMPY_ALONE, absent, absent, "", "1.00 (0.55 to 1.45)"]
    assert rows[3] == ["", WITH_FAST, absent, absent, "", absent]
    assert rows[4] == [conv, NUMPY_ALONE, "1.50 (1.50 to 1.50)", absent, "", ""]
    assert rows[5] == ["", WITH_FAST, absent, absent, "", ""]


def test_the_tables_are_written_between_the_markers(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text((ROOT / "docs" / "performance.md").read_text(encoding="utf-8"), "utf-8")
    head, tail = page.read_text(encoding="utf-8").split(command.END)
    for _ in range(2):
        command.write("a table", page)
        head = head.partition(command.BEGIN)[0]
        assert page.read_text(encoding="utf-8") == (
            f"{head}{command.BEGIN}\na table\n{command.END}{tail}"
        )
    page.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="must have the lines"):
        command.write("a table", page)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ((0.0, 0.0), "20.0% of the processor time: the machine was not quiet"),
        ((19.0, 0.0), "1.0% of the processor time: the machine was quiet"),
        (None, "not known"),
    ],
)
def test_the_command_says_whether_the_machine_was_quiet(monkeypatch, before, expected):
    monkeypatch.setattr(command, "busy_and_own", lambda: (30.0, 10.0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert expected in command.quietness(before, seconds=50.0)


def test_the_machine_is_described_without_its_name(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "secret")
    text = command.machine()
    assert all(word in text for word in ("cores", "Python", "NumPy", "torch", "numba"))
    assert "secret" not in text


def test_a_digit_of_8x8_pixels_becomes_dark_ink_on_a_large_sheet():
    image = np.zeros((8, 8))
    image[2, 3] = 16
    sheet = pad.enlarged(image)
    assert sheet.shape == (120, 120)
    assert np.unravel_index(sheet.argmin(), sheet.shape) in [(44, 54), (44, 55), (45, 54), (45, 55)]
    assert sheet.min() < 0.1 and sheet[:15].min() == sheet[:, -15:].min() == 1
    assert (1 - sheet).sum() == pytest.approx(100)  # a pixel's ink, on a hundred pixels


def test_the_pads_accuracies_are_a_table(capsys):
    pad.print_table({"all steps": {"DeepConvNet": [True, True, True, False]}})
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["DeepConvNet"],
        ["all", "steps", "75.0%"],
    ]
