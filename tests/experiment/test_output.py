"""Files of a run: the folder is tried first, runs do not mix their files, no result is lost."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from dlbasics import plotting
from dlbasics.experiment import Experiment, output
from dlbasics.experiment.output import Output, save_result
from tests.experiment import sample


def no_run():
    pytest.fail("it ran")


@pytest.mark.parametrize("out", ["file", "file/folder"])
def test_a_folder_that_cannot_be_made_is_refused_before_the_run(tmp_path, out):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SystemExit, match="--out must be a folder that can be written to"):
        Experiment("T", no_run).main(["--out", str(tmp_path / out)])


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits on Windows")
def test_a_folder_without_room_is_refused_before_the_run(tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(SystemExit, match="--out must be a folder that can be written to"):
            Experiment("T", no_run).main(["--out", str(tmp_path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_two_runs_of_a_script_do_not_write_to_one_folder(tmp_path):
    def run():
        with pytest.raises(SystemExit, match=r"^another run of this script writes to"):
            Experiment("T", no_run).main(["--out", str(tmp_path)])
        return {"n": 1}

    for _ in range(2):  # the folder is free again after a run
        assert Experiment("T", run).main(["--out", str(tmp_path)]) == {"n": 1}


def test_runs_of_two_scripts_write_to_one_folder(tmp_path):
    one, other = Output("one"), Output("other")
    one.reserve(tmp_path)
    other.reserve(tmp_path)
    one.release()
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_the_figures_of_the_run_before_are_removed(tmp_path):
    sample.experiment.main(["--out", str(tmp_path)])
    folder = tmp_path / "experiment"
    assert (folder / "sample_curve.png").exists()
    (folder / "sample_mine.png").write_text("not of the run", encoding="utf-8")
    Experiment("T", sample.run, config=sample.Config).main(["--out", str(tmp_path)])
    assert {path.name for path in folder.iterdir()} == {
        "sample.json",
        "sample.npz",
        "sample_mine.png",
    }


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        "[" * 100_000,
        '{"figures": ["../sample_a.png", 3]}',
        '{"figures": ["sample_/../../sample_a.png", "sample_notes.txt", "sample_\\u0000.png"]}',
    ],
)
def test_a_strange_file_in_the_place_of_the_result_is_overwritten(tmp_path, content):
    folder = tmp_path / "experiment"
    folder.mkdir()
    (tmp_path / "sample_a.png").write_text("not of the run", encoding="utf-8")
    (folder / "sample_notes.txt").write_text("not of the run", encoding="utf-8")
    (folder / "sample.json").write_text(content, encoding="utf-8")
    sample.experiment.main(["--out", str(tmp_path)])
    assert "result" in json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    assert (tmp_path / "sample_a.png").exists()
    assert (folder / "sample_notes.txt").exists()


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """A folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("what", ["result", "figure"])
def test_what_the_folder_no_longer_takes_goes_to_a_temporary_folder(
    tmp_path, temporary, monkeypatch, capsys, what
):
    out = tmp_path / "out"

    def full(write):
        def write_elsewhere(*args):
            if out in Path(args[-1]).parents:
                raise OSError(28, "No space left on device")
            return write(*args)

        return write_elsewhere

    sample.experiment.main(["--out", str(out)])
    if what == "result":
        monkeypatch.setattr(output, "save_result", full(output.save_result))
    else:
        monkeypatch.setattr(plotting, "save", full(plotting.save))
    with pytest.raises(SystemExit) as stopped:
        sample.experiment.main(["--out", str(out)])
    assert stopped.value.code == 1
    (folder,) = temporary.iterdir()
    printed = capsys.readouterr()
    assert f"No space left on device: the files go to {folder}" in printed.err
    assert f"figure: {folder / 'sample_curve.png'}" in printed.out
    assert (folder / "sample_curve.png").exists()
    assert (out / "experiment" / "sample_curve.png").exists() == (what == "result")
    where = folder if what == "result" else out / "experiment"
    assert f"result: {where / 'sample.json'}" in printed.out
    assert (where / "sample.json").exists()


def test_a_result_that_no_folder_takes_is_reported_all_the_same(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "save_result", full)
    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(SystemExit) as stopped:
        sample.experiment.main(["--out", str(tmp_path)])
    assert stopped.value.code == 1
    printed = capsys.readouterr()
    assert "sample.json is lost" in printed.err
    assert "does not hold" in printed.out
    assert "result:" not in printed.out


def test_results_of_any_shape_are_stored(tmp_path):
    result = {
        "curves": {"SGD": np.zeros(2000), "Adam": [0.5] * 1001, "short": np.arange(3)},
        "ragged": [[1, 2], [3]],
        "odd": [float("nan"), float("inf"), None, "text", True, np.int64(7), Path("a"), 1j],
    }
    path = tmp_path / "result.json"
    save_result(result, {"about": "it"}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "about": "it",
        "result": {
            "curves": {
                "SGD": {"npz": "curves/SGD", "shape": [2000]},
                "Adam": {"npz": "curves/Adam", "shape": [1001]},
                "short": [0, 1, 2],
            },
            "ragged": [[1, 2], [3]],
            "odd": ["nan", "inf", None, "text", True, 7, "a", "1j"],
        },
    }
    with np.load(path.with_suffix(".npz")) as arrays:
        assert arrays["curves/Adam"].shape == (1001,)
    save_result(1, {}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"result": {"value": 1}}
    assert not path.with_suffix(".npz").exists()


class NoRepr:
    def __repr__(self):
        raise ZeroDivisionError


def cycle():
    found = [1.0]
    found.append({"again": found})
    return found


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ({"a": cycle()}, ValueError, "^a must not contain itself"),
        (
            {"a": {1: 2, "1": 3}},
            ValueError,
            r"^a must have keys that differ as texts, got \[1, '1'\]",
        ),
        ({1: 2, "1": 3}, ValueError, "^result must have keys that differ"),
        (
            {"a": {"b": np.ones(2000)}, "a/b": np.zeros(2000)},
            ValueError,
            "^a/b must be the name of one array",
        ),
        ({"a": [NoRepr()]}, TypeError, "^a/0 must be .* got NoRepr, whose repr raises ZeroDiv"),
        ({"a": np.ma.masked_array([1.0], [True])}, TypeError, "^a must be without a mask"),
    ],
)
def test_a_result_that_a_file_cannot_hold_is_refused_and_an_older_file_stays(
    tmp_path, result, error, message
):
    path = tmp_path / "result.json"
    save_result({"older": np.ones(2000)}, {}, path)
    older = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(error, match=message):
        save_result(result, {}, path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == older
