"""Files of a run: the folder is tried first, runs do not mix their files, no result is lost."""

import json
import sys
import tempfile
from pathlib import Path

import pytest

from dlbasics import plotting
from dlbasics.experiment import Experiment, output
from dlbasics.experiment.output import Output
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
        with pytest.raises(SystemExit, match="another run of this script writes to"):
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
