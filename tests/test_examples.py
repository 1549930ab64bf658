"""The programs on the pages run as they stand there.

All ```python blocks of a page run in one namespace, from top to bottom, in an empty folder, on a
machine without MNIST and without a network.  `load_mnist` and `load_digits` return a few digits.
A block below the line `<!-- not run: reason -->` does not run.  A ```text block right below a block
is what it prints: the same words, and numbers that agree within 1%.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot

from dlbasics import History, TwoLayerNet
from dlbasics.datasets import choice, digits
from tests.helpers import ROOT

BLOCK = re.compile(
    r"(<!-- not run: [^\n]+ -->\n\n?)?^```python\n(.*?)^```$(?:\n\n?^```text\n(.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
"""The mark of a block that does not run, its program, and what it prints."""

WORD = re.compile(r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|[^\W\d]+|\S")
TINY = 1e-6
"""Numbers below it are rounding errors, which differ between machines."""

ELSEWHERE = {
    "docs/listings.md": "tests/listings/test_corrected.py",
    "docs/own_data.md": "tests/test_own_data.py",
    "docs/search.md": "tests/test_search.py",
}
"""The pages whose blocks run apart, with the names and files that each needs, and the test."""

LONG = {
    "README.md",
    "docs/first_training.md",
    "docs/own_network.md",
    "docs/scripts.md",
    "docs/trainer.md",
}
"""The pages that take a second or more."""


def blocks_of(page: str) -> list[tuple[int, str, str | None]]:
    """Return the blocks of a page that run: line number, program, and what it prints, if told."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start(2)), found[2], found[3])
        for found in BLOCK.finditer(text)
        if not found[1]
    ]


def pages() -> list[str]:
    """Return the pages that have blocks to run here."""
    found = [*ROOT.glob("README.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("notebooks/README.md")]
    names = [path.relative_to(ROOT).as_posix() for path in sorted(found)]
    return [
        name
        for name in names
        if name not in ELSEWHERE and not name.startswith("docs/api/") and blocks_of(name)
    ]


def same(printed: str, told: str) -> bool:
    """Return whether a block prints what its page tells."""
    words, others = WORD.findall(printed), WORD.findall(told)
    return len(words) == len(others) and all(map(agree, words, others))


def agree(word: str, other: str) -> bool:
    """Return whether words are equal, or numbers close."""
    try:
        a, b = (float(each.replace(",", "")) for each in (word, other))
    except ValueError:
        return word == other
    return abs(a - b) <= max(0.01 * abs(b), TINY)


@cache
def drawn(train: int, test: int) -> Any:
    """Return digits as bytes, drawn once for all pages."""
    return _load_digits(normalize=False, train=train, test=test)


_load_digits = digits.load_digits


def few_digits(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    train: int = 2_000,
    test: int = 200,
) -> Any:
    """Return a few digits, whether MNIST or digits are asked for."""
    found = []
    for x, t in drawn(train, test):
        x = x.astype(np.float32) / 255 if normalize else x.copy()
        x = x if flatten else x.reshape(-1, 1, 28, 28)
        found.append((x, np.eye(10)[t] if one_hot_label else t.copy()))
    return tuple(found)


@pytest.fixture
def machine(no_mnist, tmp_path, monkeypatch) -> Path:
    """A machine without MNIST, in an empty folder, with few digits."""
    for place in ("dlbasics.datasets", "dlbasics.datasets.mnist"):
        monkeypatch.setattr(f"{place}.load_mnist", few_digits)
    for place in ("dlbasics.datasets", "dlbasics.datasets.digits"):
        monkeypatch.setattr(f"{place}.load_digits", few_digits)
    monkeypatch.setattr(choice, "_out_of_reach", {"MNIST"})
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


Names = dict[str, Any]
AROUND: dict[str, Callable[[Names, Path], Iterator[None]]] = {}
"""For a page: what gives its blocks the names and files that they need, and checks the results."""


def around(page: str) -> Callable[..., Any]:
    """Enter a function in AROUND."""
    return lambda function: AROUND.setdefault(page, function)


@around("README.md")
def readme(names: Names, folder: Path) -> Iterator[None]:
    image = pytest.importorskip("PIL.Image")
    _, (x, t) = few_digits()
    five = x[t == 5][0].reshape(28, 28)
    image.fromarray(np.uint8(230 - 200 * five)).resize((280, 280)).save("five.jpg")
    yield
    assert {"accuracy.png", "params.npz"} <= {path.name for path in folder.iterdir()}
    assert names["again"].accuracy(x, t) == names["network"].accuracy(x, t)
    assert names["y"].argmax() == 5


@around("docs/trainer.md")
def trainer(names: Names, folder: Path) -> Iterator[None]:
    (names["x_train"], names["t_train"]), (x, t) = few_digits(train=1_000)
    names["network"] = TwoLayerNet(784, 20, 10, rng=0)
    names["x_test"], names["t_test"] = x, t
    yield
    assert History.load("history.json").test_acc[-1] > 0.3  # chance is 0.1
    assert (folder / "out" / "digits" / "best.npz").exists()
    error = names["history"].test_metrics["error"]
    assert error[-1] < error[0] / 2
    assert {"accuracy.png", "confusion.png", "errors.png"} <= {
        path.name for path in folder.iterdir()
    }


@around("docs/own_layers.md")
def own_layers(names: Names, folder: Path) -> Iterator[None]:
    yield
    y = names["Softplus"]().forward(np.array([1.0, 0.0]))
    np.testing.assert_allclose(y, np.log([1 + np.e, 2]))


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.long] * (page in LONG)) for page in pages()]
)
def test_the_programs_of_a_page_run(page, machine, capsys):
    names: Names = {"__name__": "__main__"}
    steps = AROUND[page](names, machine) if page in AROUND else iter([None])
    next(steps)
    for line, block, told in blocks_of(page):
        exec(compile("\n" * line + block, str(ROOT / page), "exec"), names)
        printed = capsys.readouterr().out
        if told is not None:
            assert same(printed, told), f"{page}:{line} prints\n{printed}"
    next(steps, None)
    pyplot.close("all")


@pytest.mark.parametrize(
    ("printed", "told", "expected"),
    [
        ("loss 0.2609\n", "loss 0.2610", True),
        ("[[1. 2.]\n [3. 4.]]", "[[1. 2.]\n [3. 4.]]\n", True),
        ("error 3e-10", "error 1e-13", True),
        ("Affine1  (N, 50)  39,250", "Affine1 (N, 50) 39250", True),
        ("accuracy 0.90", "accuracy 0.97", False),
        ("True", "False", False),
        ("1 2", "1 2 3", False),
        ("[[6. 13. 20.]]", "[[6. 13. 21.]]", False),
        ("-0.5", "0.5", False),
        ("1e-3", "0", False),
    ],
)
def test_what_a_page_tells_is_compared_with_what_is_printed(printed, told, expected):
    assert same(printed, told) is expected


def test_a_page_that_runs_apart_is_one_that_its_test_reads():
    for page, test in ELSEWHERE.items():
        assert blocks_of(page)
        assert f'"{Path(page).name}"' in (ROOT / test).read_text(encoding="utf-8")


def test_every_program_of_a_page_is_a_block_that_is_found():
    """A fence that is indented or has other words would be left out."""
    for page in pages():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert len(BLOCK.findall(text)) == len(re.findall(r"```(?:python|py\b)", text)), page
        not_run = len(re.findall(r"<!-- not run", text))
        assert len(blocks_of(page)) == len(BLOCK.findall(text)) - not_run, page
