"""Every chapter script, started as its reader would, from a folder that is not the project's."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from dlbasics.experiment import LEFT_OUT, judge
from dlbasics.experiment.claims import shown
from dlbasics.experiment.flags import explained
from dlbasics.experiment.results import BEGIN, END
from tests.helpers import ROOT

SCRIPTS = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix()
    for path in ROOT.glob("ch0?_*/*.py")
    if "experiment.main()" in path.read_text(encoding="utf-8")
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


def test_the_chapters_have_their_scripts():
    assert {"ch02_perceptron/gates", "ch05_backprop/train_neuralnet"} <= set(SCRIPTS)
    assert len(SCRIPTS) >= 20


def experiment_of(script):
    return importlib.import_module(script.replace("/", ".")).experiment


def needs_no_time(script):
    """Return whether the script needs no data; show_digits draws all of them."""
    module = importlib.import_module(script.replace("/", "."))
    return "data" not in inspect.signature(module.run).parameters and not script.endswith(
        "show_digits"
    )


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
        assert f"`{name}`" in readme or f"`{figure.name}`" in readme, f"README lacks {figure.name}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_chapters_readme_has_a_row_for_every_claim_and_no_other(script):
    claims = experiment_of(script).claims
    claimed = [(claim.text, shown(claim.book, claim.digits)) for claim in claims]
    assert [(text, book) for text, book, _ in rows_of(script)] == claimed


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_setting_is_explained(script):
    config = experiment_of(script).config
    texts = explained(config)
    assert texts.keys() == {field.name for field in fields(config)}
    assert all(text.endswith(".") and text[0].isupper() for text in texts.values()), texts


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, marks=[pytest.mark.slow] * script.endswith("equal_areas"))
        for script in SCRIPTS
        if needs_no_time(script)
    ],
)
def test_our_numbers_in_the_readme_are_those_of_a_run(script):
    experiment = experiment_of(script)
    verdicts = judge(experiment.claims, experiment.run())
    for verdict, (text, _, ours) in zip(verdicts, rows_of(script), strict=True):
        if verdict.ours is LEFT_OUT or verdict.holds is None:
            continue
        assert verdict.holds, verdict
        assert same_numbers(shown(verdict.ours, verdict.digits), ours), text


def rows_of(script):
    """(text, book, ours) of each row that the table of numbers has for this script."""
    table = readme_of(script).partition(BEGIN)[2].partition(END)[0]
    first = f"| [`{Path(script).name}.py`]"
    rows = [line for line in table.splitlines() if line.startswith(first)]
    return [tuple(re.match(r"\| .*? \| (.*) \| (.*) \| (.*) \|$", row).groups()) for row in rows]


def same_numbers(first, second):
    """Whether two texts are the same but for the rounding of their numbers."""
    number = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
    one, other = (np.array(re.findall(number, text), float) for text in (first, second))
    same_words = re.sub(number, "", first) == re.sub(number, "", second)
    return same_words and np.allclose(one, other, rtol=1e-3, atol=1e-8)


@pytest.mark.long
@pytest.mark.parametrize("chapter", sorted({script.split("/")[0] for script in SCRIPTS}))
def test_scripts_start_as_modules(chapter, tmp_path):
    script = next(script for script in SCRIPTS if script.startswith(chapter))
    done = start(["-m", script.replace("/", "."), "--help"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout


def readme_of(script):
    return (ROOT / script).with_name("README.md").read_text(encoding="utf-8")
