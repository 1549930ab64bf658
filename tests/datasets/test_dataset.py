"""The folder `dataset`: the book's name for the loaders, which nothing of ours may need."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT


def python(code: str, cwd: Path, path: str) -> str:
    """Run Python in the folder `cwd` with PYTHONPATH `path`, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_the_books_imports_work_in_a_checkout_and_give_the_same_functions():
    code = (
        "from dataset.digits import load_digits\n"
        "from dataset.mnist import load_mnist\n"
        "from dlbasics.datasets import digits, mnist\n"
        "print(load_digits is digits.load_digits, load_mnist is mnist.load_mnist, mnist.__file__)"
    )
    *same, file = python(code, cwd=ROOT, path="").split()
    assert same == ["True", "True"]
    assert Path(file).is_relative_to(ROOT)


# ---- A reader's own ----


THEIRS = """
from pathlib import Path

Path("touched").touch()


def load_mnist():
    return "the reader's own"
"""


@pytest.mark.long
@pytest.mark.parametrize("name", ["dataset", "dataset.mnist"])
def test_ours_runs_beside_a_readers_dataset_and_leaves_it_to_them(tmp_path, name):
    """A reader's module, or a package as in the book's repository, in the working folder."""
    file = tmp_path / f"{name.replace('.', '/')}.py"
    file.parent.mkdir(exist_ok=True)
    for path in (file, *([] if file.parent == tmp_path else [file.with_name("__init__.py")])):
        path.write_text(THEIRS, encoding="utf-8")
    code = (
        "import runpy, sys\n"
        "from pathlib import Path\n"
        "from dlbasics import TwoLayerNet, experiment\n"
        "sys.argv = ['train_neuralnet.py', '--quick']\n"
        "runpy.run_module('ch05_backprop.train_neuralnet', run_name='__main__')\n"
        "experiment.load_data('digits', quick=True)\n"
        "assert not Path('touched').exists()\n"
        f"from {name} import load_mnist\n"
        "print(load_mnist())"
    )
    printed = python(code, cwd=tmp_path, path=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert "test accuracy" in printed
    assert printed.endswith("the reader's own\n")


# ---- The rule that makes it so ----

IMPORT = re.compile(r"""\b(from|import) +([\w.]+ *, *)*dataset\b|["']dataset\.\w""")
"""An import of `dataset`, also in a string; or a name that `import_module` takes."""


@pytest.mark.parametrize(
    ("source", "imports"),
    [
        ("import dataset", True),
        ("import numpy, dataset.mnist as mnist", True),
        ("def f():\n    from dataset.mnist import load_mnist", True),
        ("run('import sys; from dataset.mnist import load_mnist')", True),
        ("import_module('dataset.mnist')", True),
        ("from dlbasics.datasets.mnist import load_mnist", False),
        ("from . import datasets", False),
    ],
)
def test_the_scan_sees_every_kind_of_import_and_no_other(source, imports):
    assert bool(IMPORT.search(source)) == imports


def test_nothing_of_ours_imports_dataset():
    folders = ("dlbasics", "ch0?_*", "benchmarks", "tests", "docs")
    files = [file for folder in folders for file in ROOT.glob(f"{folder}/**/*.py")]
    assert len(files) > 150
    found = [file for file in files if IMPORT.search(file.read_text(encoding="utf-8"))]
    assert found == [ROOT / "tests" / "datasets" / "test_dataset.py"]
