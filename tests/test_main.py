"""`python -m dlbasics`: the list of experiments, and an experiment by its name."""

import subprocess
import sys

import pytest

from dlbasics.__main__ import main
from dlbasics.experiment.catalog import entries
from tests.helpers import ROOT


def test_without_a_name_all_experiments_are_listed(capsys):
    main([])
    out = capsys.readouterr().out
    assert all(f"  {entry.name}\n" in out for entry in entries())
    assert "Chapter 8: Deep learning" in out
    assert max(map(len, out.splitlines())) <= 110


def test_a_chapters_name_lists_its_experiments(capsys):
    main(["ch07"])
    out = capsys.readouterr().out
    assert "ch07_cnn/alexnet" in out
    assert "ch06" not in out


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["train_neuralnet"], ["several", "ch04_training/train_neuralnet", "ch05_backprop/train_"]),
        (["train_convet"], ["no experiment is called 'train_convet'", "ch07_cnn/train_convnet"]),
        (["ch07", "--quick"], ["'ch07' is a chapter; flags go to one of its experiments"]),
        (["ch09"], ["there is no chapter 'ch09'; the chapters are 2 to 8"]),
        (["xyzzy"], ["no experiment is called 'xyzzy'; python -m dlbasics lists all"]),
        (["--quick"], ["the name of an experiment comes before its flags, got '--quick'"]),
    ],
)
def test_other_names_are_answered_with_what_there_is(argv, parts, capsys):
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code not in (0, None)
    text = capsys.readouterr().err + str(ended.value.code)
    assert all(part in text for part in parts)


def test_help_explains_the_four_forms(capsys):
    main(["--help"])
    assert capsys.readouterr().out.count("python -m dlbasics") == 5


@pytest.mark.long
@pytest.mark.parametrize("name", ["ch05/buy_apple", "ch05_backprop/buy_apple.py"])
def test_an_experiment_runs_by_its_name_from_any_folder(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "dlbasics", name, "--apple", "150"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "330" in done.stdout
    assert (tmp_path / "out" / "ch05_backprop" / "buy_apple.json").is_file()


@pytest.mark.long
def test_a_closed_pipe_ends_the_list_quietly():
    command = [sys.executable, "-m", "dlbasics"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == ""
