"""What the documents say is what the code does."""

import re
from pathlib import Path

import numpy as np

from dlbasics import Affine, History, Network, Relu, TwoLayerNet
from dlbasics.datasets.digits import load_digits

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_test_named_in_deviations_exists():
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*.py"))
    text = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", text)
    assert len(named) > 30
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_the_readmes_example_runs_as_it_is_pasted(mnist, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(example.strip().splitlines()) <= 15
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert float(re.search(r"test accuracy ([\d.]+)", printed)[1]) >= 0.96
    assert "WRONG" not in printed


def test_the_readmes_imports_are_there():
    for line in re.findall(
        r"\| `(from (?:dlbasics|dataset)[^`]*)` \|$", README, flags=re.MULTILINE
    ):
        exec(line, {})


def test_the_readmes_scripts_are_there():
    for command in re.findall(r"python (ch\d\d_\w+/\w+\.py)", README):
        assert (ROOT / command).is_file()


def test_a_network_fits_the_readmes_summary():
    layers = [Affine.create(784, 100, rng=0), Relu(), Affine.create(100, 10, rng=1)]
    assert Network(layers).summary().total == 79_510
    assert Network(layers).predict(np.zeros((2, 784))).shape == (2, 10)


def test_the_readme_has_no_blanks_left_to_fill():
    assert not re.search(r"\b(TODO|TABLE|(?!DLBASICS|OPENBLAS)[A-Z]+_[A-Z_]+)\b", README)


def test_the_readmes_trainer_runs_as_it_is_pasted(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(
        r"```\n(from dlbasics import Adam, CosineDecay.*?)```", README, re.DOTALL
    )
    (x_train, t_train), _ = load_digits(train=2_000, test=500)
    names = {"x_train": x_train, "t_train": t_train, "network": TwoLayerNet(784, 20, 10, rng=0)}
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), names)
    assert names["history"].test_acc[-1] > 0.5
    assert (tmp_path / "accuracy.png").stat().st_size > 1_000
    assert History.load("history.json") == names["history"]
    assert (tmp_path / "out" / "digits" / "best.npz").exists()
