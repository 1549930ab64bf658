"""Every chapter script, started as its reader would, from a folder that is not the project's."""

import json
import os
import subprocess
import sys
from dataclasses import fields
from typing import get_type_hints

import pytest

from dlbasics import SearchResult
from dlbasics.experiment import Record
from dlbasics.experiment.flags import explained
from tests.experiment.helpers import SCRIPTS, experiment_of, readme_of
from tests.helpers import ROOT


def start(command, folder):
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=folder,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_the_chapters_have_their_scripts():
    assert {"ch02_perceptron/gates", "ch05_backprop/train_neuralnet"} <= set(SCRIPTS)
    assert len(SCRIPTS) >= 20


@pytest.mark.long
@pytest.mark.parametrize("script", SCRIPTS)
def test_script_runs_quickly_by_its_path(script, tmp_path):
    done = start([str(ROOT / f"{script}.py"), "--quick"], tmp_path)
    assert done.returncode == 0, done.stderr
    stem = tmp_path / "out" / "quick" / script
    about = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    assert about["quick"] is True
    assert about["script"] == f"{script}.py"
    assert len(about["claims"]) > 0
    readme = readme_of(script)
    for figure in stem.parent.glob("*.png"):
        name = figure.stem.removeprefix(f"{stem.name}_")
        forms = (f"`{name}`", f"`{figure.name}`", f"docs/figures/{figure.name}")
        assert any(form in readme for form in forms), f"README lacks {figure.name}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_setting_is_explained(script):
    config = experiment_of(script).config
    texts = explained(config)
    assert texts.keys() == {field.name for field in fields(config)}
    assert all(text.endswith(".") and text[0].isupper() for text in texts.values()), texts


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_prompt_shows_the_result_in_a_few_lines(script):
    returned = get_type_hints(experiment_of(script)._run)["return"]
    assert issubclass(returned, Record | SearchResult)
    assert returned.__repr__ in (Record.__repr__, SearchResult.__repr__)


@pytest.mark.long
@pytest.mark.parametrize("chapter", sorted({script.split("/")[0] for script in SCRIPTS}))
def test_scripts_start_as_modules(chapter, tmp_path):
    script = next(script for script in SCRIPTS if script.startswith(chapter))
    done = start(["-m", script.replace("/", "."), "--help"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout
