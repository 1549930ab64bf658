"""Every chapter script, started as its reader would, from a folder that is not the project's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix()
    for path in ROOT.glob("ch0?_*/*.py")
    if "experiment.main(" in path.read_text(encoding="utf-8")
)


def start(command, folder):
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=folder,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_chapter_5_has_its_scripts():
    assert {"ch05_backprop/gradient_check", "ch05_backprop/train_neuralnet"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_runs_quickly_by_its_path(script, tmp_path):
    done = start([str(ROOT / f"{script}.py"), "--quick"], tmp_path)
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "out" / "quick" / f"{script}.json").read_text(encoding="utf-8"))
    assert about["quick"] is True
    assert about["script"] == f"{script}.py"
    assert len(about["claims"]) > 0


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_starts_as_a_module(script, tmp_path):
    done = start(["-m", script.replace("/", "."), "--help"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout
