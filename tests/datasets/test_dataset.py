"""The package `dataset`: the book's name for the loaders, which nothing of ours may need."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("dlbasics", "ch0?_*", "benchmarks", "tests", "docs", "notebooks")
"""The folders whose Python files must not import `dataset`."""


def python(*command: str, cwd: Path, path: str) -> str:
    """Run Python in the folder `cwd` with PYTHONPATH `path`, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- Ours, in a checkout ----


@pytest.mark.parametrize("module", ["mnist", "digits"])
def test_the_books_import_works_in_a_checkout_and_gives_the_same_function(module):
    code = (
        f"from dataset.{module} import load_{module}\n"
        f"import dlbasics.datasets.{module} as ours\n"
        f"print(load_{module} is ours.load_{module}, ours.__file__)"
    )
    same, file = python("-c", code, cwd=ROOT, path="").split()
    assert same == "True"
    assert Path(file).is_relative_to(ROOT)


# ---- A reader's own ----


THEIRS = """
from pathlib import Path

Path("touched").touch()


def load_mnist():
    return "the reader's own"
"""


@pytest.fixture(params=["dataset.py", "dataset/mnist.py"])
def theirs(request, tmp_path) -> Path:
    """A reader's module, or a package as in the book's repository, in the working folder."""
    file = tmp_path / request.param
    file.parent.mkdir(exist_ok=True)
    file.write_text(THEIRS, encoding="utf-8")
    if file.parent != tmp_path:
        file.with_name("__init__.py").write_text(THEIRS, encoding="utf-8")
    return file


@pytest.mark.usefixtures("theirs")
def test_a_script_runs_beside_a_readers_dataset_and_leaves_it_alone(tmp_path):
    in_front = os.pathsep.join([str(tmp_path), str(ROOT)])
    printed = python("-m", "ch05_backprop.train_neuralnet", "--quick", cwd=tmp_path, path=in_front)
    assert "test accuracy" in printed
    assert not Path(tmp_path, "touched").exists()


def test_a_reader_imports_their_own_dataset_beside_ours(theirs, tmp_path):
    name = theirs.relative_to(tmp_path).with_suffix("").as_posix().replace("/", ".")
    code = (
        "from dlbasics import TwoLayerNet, experiment\n"
        "import ch05_backprop.train_neuralnet\n"
        "experiment.load_data('digits', quick=True)\n"
        f"from {name} import load_mnist\n"
        "print(load_mnist())"
    )
    in_front = os.pathsep.join([str(tmp_path), str(ROOT)])
    assert "the reader's own" in python("-c", code, cwd=tmp_path, path=in_front)


# ---- The rule that makes it so ----


def imported(source: str) -> Iterator[str]:
    """The modules that a Python text imports, also in strings that are Python themselves."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from imported_by_text(node.value)


def imported_by_text(text: str) -> Iterator[str]:
    """What a string imports: as code for `python -c`, or as the name that `import_module` takes."""
    if re.fullmatch(r"dataset(\.\w+)+", text):
        yield text
    if "import" in text:
        try:
            yield from imported(text)
        except (SyntaxError, ValueError):
            return


def imports_dataset(source: str) -> bool:
    return any(module.partition(".")[0] == "dataset" for module in imported(source))


@pytest.mark.parametrize(
    "source",
    [
        "import dataset",
        "import numpy, dataset.mnist as mnist",
        "from dataset import mnist",
        "def f():\n    from dataset.mnist import load_mnist",
        "run('import sys; from dataset.mnist import load_mnist')",
        "import_module('dataset.mnist')",
    ],
)
def test_the_scan_sees_every_kind_of_import(source):
    assert imports_dataset(source)


@pytest.mark.parametrize(
    "source",
    [
        "from dlbasics.datasets.mnist import load_mnist",
        "from . import dataset",
        "import datasets",
        '"""From dataset to dataset: import nothing."""',
    ],
)
def test_the_scan_sees_no_import_where_there_is_none(source):
    assert not imports_dataset(source)


def test_nothing_of_ours_imports_dataset():
    files = [file for folder in OURS for file in ROOT.glob(f"{folder}/**/*.py")]
    assert len(files) > 150
    found = [
        file.relative_to(ROOT).as_posix()
        for file in files
        if imports_dataset(file.read_text(encoding="utf-8"))
    ]
    assert found == ["tests/test_dataset.py"]
