"""The chapter scripts."""

import importlib
from typing import Any

from dlbasics.experiment import Experiment
from tests.helpers import ROOT

SCRIPTS = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix()
    for path in ROOT.glob("ch0?_*/*.py")
    if "experiment.main()" in path.read_text(encoding="utf-8")
)


def module_of(script: str) -> Any:
    return importlib.import_module(script.replace("/", "."))


def experiment_of(script: str) -> Experiment:
    return module_of(script).experiment


def readme_of(script: str) -> str:
    return (ROOT / script).with_name("README.md").read_text(encoding="utf-8")
