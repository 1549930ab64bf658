"""What the documents say is what the code does."""

import re
from importlib.util import find_spec

import numpy as np
import pytest

from dlbasics import History, TwoLayerNet
from dlbasics.datasets.digits import load_digits
from tests.helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")

MOVED = """
dataset.digits dataset.download dataset.idx dataset.mnist dataset.shared dataset.skeletons
dlbasics.arrays dlbasics.checkpoints dlbasics.column_gradient dlbasics.divergence
dlbasics.experiment dlbasics.files dlbasics.flags dlbasics.layers.fast_convolution
dlbasics.layers.fast_pooling dlbasics.layers.images dlbasics.memory dlbasics.network_state
dlbasics.params dlbasics.results dlbasics.shards dlbasics.summary
"""
"""The modules of version 0.1.0 that are elsewhere now."""


@pytest.mark.parametrize(("page", "count"), [("deviations", 30), ("listings", 40), ("errata", 70)])
def test_every_test_that_a_page_names_exists(page, count):
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)(?:\[[\w-]+\])?`", text)
    assert len(named) > count
    assert [name for name in named if f"def {name}(" not in tests] == []


def run_example(start, names=None):
    """Run the README's block that starts so, and return its names."""
    (example,) = re.findall(rf"```\n({start}.*?)```", README, flags=re.DOTALL)
    names = {} if names is None else names
    exec(compile(example, "README.md", "exec"), names)
    return names


@pytest.mark.long
def test_the_readmes_example_runs_as_it_is_pasted(mnist, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(example.strip().splitlines()) <= 15
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert float(re.search(r"test accuracy ([\d.]+)", printed)[1]) >= 0.96
    assert "WRONG" not in printed


def test_the_readmes_layer_runs_as_it_is_pasted():
    names = run_example("import numpy as np\nfrom dlbasics import Layer")
    y = names["Softplus"]().forward(np.array([1.0, 0.0]))
    np.testing.assert_allclose(y, np.log([1 + np.e, 2]))


def test_the_readmes_regression_runs_as_it_is_pasted(capsys):
    x = np.random.default_rng(0).random((300, 3))
    t = x.sum(axis=1, keepdims=True)
    names = {"x": x[:200], "t": t[:200], "x_test": x[200:], "t_test": t[200:]}
    history = run_example("from dlbasics import Affine, IdentityWithLoss", names)["history"]
    error = history.test_metrics["error"]
    assert error[-1] < error[0] / 2


def test_the_readmes_errors_run_as_they_are_pasted(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    names = {"x_test": rng.random((30, 784)), "t_test": rng.integers(0, 10, 30)}
    monkeypatch.chdir(tmp_path)
    run_example("from dlbasics import confusion", {**names, "network": TwoLayerNet(784, 5, 10)})
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.png", "errors.png"}


def test_the_readmes_imports_are_there():
    lines = re.findall(r"\| `(from dlbasics[^`]*)` \|$", README, flags=re.MULTILINE)
    assert len(lines) >= 13
    for line in lines:
        exec(line, {})


def test_every_file_that_a_page_names_is_there():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("ch0?_*/README.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = re.findall(r"`((?:dlbasics|dataset|tests|benchmarks)/[\w/]+\.py)`", text)
    named += re.findall(r"python (ch\d\d_\w+/\w+\.py)", README)
    assert "dlbasics/datasets/digits.py" in named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_changelog_says_where_each_module_that_moved_is_now():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    moved = dict(re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|", text, flags=re.MULTILINE))
    assert moved.keys() == set(MOVED.split())
    assert [new for new in moved.values() if find_spec(new) is None] == []


def test_the_readme_has_no_blanks_left_to_fill():
    assert not re.search(r"\b(TODO|TABLE|(?!DLBASICS|OPENBLAS)[A-Z]+_[A-Z_]+)\b", README)


@pytest.mark.long
def test_the_readmes_trainer_runs_as_it_is_pasted(tmp_path, monkeypatch, capsys):
    (x_train, t_train), _ = load_digits(train=1_000, test=200)
    names = {"x_train": x_train, "t_train": t_train, "network": TwoLayerNet(784, 20, 10, rng=0)}
    monkeypatch.chdir(tmp_path)
    run_example("from dlbasics import Adam, CosineDecay", names)
    assert names["history"].test_acc[-1] > 0.3  # chance is 0.1; the trainer has no seed
    assert (tmp_path / "accuracy.png").stat().st_size > 1_000
    assert History.load("history.json") == names["history"]
    assert (tmp_path / "out" / "digits" / "best.npz").exists()
