"""The corrected listings on docs/listings.md, as they stand there."""

import ast
import re

import numpy as np
import pytest

from dlbasics import load_arrays, save_arrays
from tests.helpers import ROOT
from tests.listings.helpers import check, run

PAGE = (ROOT / "docs" / "listings.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0]: re.split(r"^## ", section, flags=re.MULTILINE)[0]
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
}

RETURN = "A return that has lost its indentation"
PICKLE = "Weights in a pickle file"
LABEL = "A label of 9 elements beside 10 outputs"
SLASH = "A slash at the end of a line"

CORRECTED = {
    RETURN: (
        {},
        {
            "[AND(0, 0), AND(1, 0), AND(0, 1), AND(1, 1)]": [0, 0, 0, 1],
            "[price, dapple, dapple_num]": [200, 2.2, 110],
        },
    ),
    "Random numbers of p": (
        {},
        {
            "batch_mask.shape": (10,),
            "0 <= batch_mask.min() <= batch_mask.max() < 60000": True,
            "W1.shape": (784, 50),
            "abs(W1.std() - 0.01) < 0.0005": True,
        },
    ),
    "np.int": (
        {"x": np.array([-1.0, 1.0, 2.0])},
        {
            "y": [0, 1, 1],
            "step_function(x)": [0, 1, 1],
            "step_function(np.zeros(2))": [0, 0],
            "step_function(x).dtype.kind + y.dtype.kind == 'ii'": True,
        },
    ),
    "Capital and small letters of one name": ({}, {"y": [0.31682708, 0.69627909]}),
    LABEL: ({}, {"len(t)": 10, "squared": 0.0975, "entropy": 0.510825457}),
    "Mullayer": (
        {},
        {"price": 220, "[dapples, dapple, dapple_num, dtax]": [1.1, 2.2, 110, 200]},
    ),
    "10e-7": (  # a variance of 1e-6 in the first column, 1 in the second
        {"x": np.array([[0, 5.0], [2e-3, 7.0]])},
        {
            "xn": np.array([[-1e-3, -1], [1e-3, 1]]) / np.sqrt([1.1e-6, 1 + 1e-7]),
            "y - xn": np.zeros((2, 2)),
        },
    ),
}
"""What each corrected listing is given, and what it must make of it."""


def block(title):
    """The listing of a section of the page."""
    (listing,) = re.findall(r"```python\n(.*?)```", SECTIONS[title], flags=re.DOTALL)
    return listing


def corrected(title, **given):
    """The names that the corrected listing leaves, given what its section says and no more."""
    sentence = re.search(r"Given: ([^.]*)\.", SECTIONS[title])
    assert set(re.findall(r"`(\w+)`", sentence[1] if sentence else "")) == given.keys()
    return run(block(title), **given)


def test_every_section_of_the_page_is_run_here():
    assert SECTIONS.keys() == {*CORRECTED, SLASH, PICKLE} == {*PRINTED, "10e-7"}
    assert PAGE.count("```python") == len(SECTIONS)
    assert re.findall(r"^## Chapter (\d)", PAGE, flags=re.MULTILINE) == [*"2345678"]


@pytest.mark.parametrize("title", SECTIONS)
def test_a_corrected_listing_imports_from_here_only(title):
    nodes = ast.walk(ast.parse(block(title)))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    assert {getattr(node, "module", "").split(".")[0] for node in imports} == {"dlbasics"}


@pytest.mark.parametrize("title", CORRECTED)
def test_a_corrected_listing_gives_the_right_numbers(title):
    given, expected = CORRECTED[title]
    check(corrected(title, **given), expected)


def test_a_broken_line_of_load_mnist(mnist):
    found = corrected(SLASH)
    assert block(SLASH).count("\\\n") == 1
    check(found, {"x_train.shape": (60000, 784), "t_test.shape": (10000,), "t_train[0]": 5})
    np.testing.assert_array_equal(found["x_test"], np.rint(mnist.x_test * 255))


SIZES = [("W1", (784, 50)), ("W2", (50, 100)), ("W3", (100, 10))]
SIZES += [("b1", (50,)), ("b2", (100,)), ("b3", (10,))]


def test_weights_from_an_npz_serve_where_the_book_has_a_pickle(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(shape) / 10 for name, shape in SIZES}
    x = rng.random((250, 784))
    z = x
    for i in (1, 2):
        z = 1 / (1 + np.exp(-(z @ weights[f"W{i}"] + weights[f"b{i}"])))
    scores = z @ weights["W3"] + weights["b3"]
    t = scores.argmax(axis=1)
    t[::5] += 1  # 50 wrong ones
    (tmp_path / "ch03_forward").mkdir()
    save_arrays(tmp_path / "ch03_forward" / "sample_weight.npz", weights)
    monkeypatch.chdir(tmp_path)
    found = corrected(PICKLE, x=x, t=t)
    assert found["accuracy"] == 0.8
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["predict"](weights, x[0]), y[0], rtol=1e-9)


def test_the_projects_weights_recognize_mnist(mnist, monkeypatch):
    path = ROOT / "ch03_forward" / "sample_weight.npz"
    assert {name: array.shape for name, array in load_arrays(path).items()} == dict(SIZES)
    monkeypatch.chdir(ROOT)
    assert corrected(PICKLE, x=mnist.x_test, t=mnist.t_test)["accuracy"] > 0.92


LABEL_OF_9 = "t = [0, 0, 1, 0, 0, 0, 0, 0, 0]"
PRINTED = {
    SLASH: ("/", "y = /\n    1", SyntaxError),
    RETURN: ("return", "def double(x):\n    y = 2 * x\nreturn y", SyntaxError),
    "Random numbers of p": ("p.random", "p.random.choice(60000, 10)", NameError),
    "np.int": ("np.int", "y.astype(np.int)", AttributeError),
    "Capital and small letters of one name": ("Z1", "z1 = y; a2 = Z1 + 1", NameError),
    PICKLE: ("sample_weight.pkl", "open('sample_weight.pkl', 'rb')", FileNotFoundError),
    LABEL: (LABEL_OF_9, f"{LABEL_OF_9}\nsum_squared_error(np.array(y), np.array(t))", ValueError),
    "Mullayer": ("Mullayer", "Mullayer()", NameError),
}
"""What the page says is printed, code that has it, and the error that the page names."""


@pytest.mark.parametrize("title", PRINTED)
def test_the_misprint_fails_as_the_page_says(title, tmp_path, monkeypatch):
    printed, code, error = PRINTED[title]
    says = SECTIONS[title].partition("```")[0]
    assert f"Printed: `{printed}`" in says
    assert f"`{error.__name__}`" in says
    assert printed in code
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error):
        run(f"from dlbasics.layers import *\n{code}", y=np.full(10, 0.1))


def test_a_misprint_without_an_error_is_ten_times_what_was_meant():
    assert "Printed: `10e-7`" in SECTIONS["10e-7"]
    assert eval("10e-7") == 1e-6
