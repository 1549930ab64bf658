"""What pages say in prose and tables: defaults, names, numbers, and lines of the library."""

import inspect
import re

import pytest

import dlbasics
from dlbasics import Layer, SimpleConvNet, TwoLayerNet
from tests.helpers import ROOT

LAYER_PAGES = sorted(path.stem for path in (ROOT / "docs" / "layers").glob("*.md"))


def text_of(page):
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def defaults(name):
    """Return the defaults of a class or function of dlbasics, as a page writes them."""
    found = getattr(dlbasics, name, None)
    if not callable(found):
        return {}
    arguments = inspect.signature(found).parameters.values()
    return {each.name: str(each.default) for each in arguments if each.default is not each.empty}


def test_the_defaults_of_the_tables_are_those_of_the_layers():
    count = 0
    for page in LAYER_PAGES:
        rows = re.findall(
            r"^\| `([A-Z]\w+)\((\w+=[^`]*)\)` \|", text_of(f"layers/{page}"), re.MULTILINE
        )
        for name, arguments in rows:
            for argument, value in re.findall(r"(\w+)=([^,]+)", arguments):
                assert defaults(name)[argument] == value, (page, name, argument)
                count += 1
    assert count >= 2


CLASSES = {"convolution": "Convolution", "dropout": "Dropout", "pooling": "Pooling"}


@pytest.mark.parametrize("page", CLASSES)
def test_what_a_row_calls_the_default_is_the_default(page):
    rows = re.findall(r"^\| `(\w+)` \|.*?`?([\w.]+)`? by default", text_of(f"layers/{page}"), re.M)
    found = defaults(CLASSES[page])
    assert rows
    assert [(name, value) for name, value in rows if found[name] != value] == []


def excerpts():
    """Return the page, the file and the lines of each program that is said to be from a file."""
    pattern = r"these lines are from (\S+) -->\n```python\n(.*?)```"
    return [
        (path.stem, name, lines)
        for path in (ROOT / "docs").glob("*.md")
        for name, lines in re.findall(pattern, path.read_text(encoding="utf-8"), re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "name", "lines"), excerpts())
def test_lines_that_are_said_to_be_from_a_file_are_there(page, name, lines):
    there = [line.strip() for line in (ROOT / name).read_text(encoding="utf-8").split("\n")]
    assert [line for line in lines.strip().split("\n") if line.strip() not in there] == []


def test_pages_with_lines_from_files_are_found():
    assert "gpu" in [page for page, _, _ in excerpts()]


def test_the_attributes_that_a_layer_of_ones_own_may_use_are_there():
    names = {*re.findall(r"`self\.(\w+)`", text_of("own_layers"))}
    assert {"frozen", "rng", "layers"} <= names
    assert [name for name in names if not hasattr(Layer(), name)] == []


def test_the_numbers_of_weights_are_those_of_the_networks():
    text = " ".join(text_of("training_step").split())
    params = TwoLayerNet(784, 50, 10).params
    total = sum(param.size for param in params.values())
    assert f"It has {params['W1'].size:,} of the {total:,}" in text
    weights = SimpleConvNet().params["W2"].size
    assert f"SimpleConvNet has {weights:,} weights in `Affine1` alone" in text


def test_a_convolution_of_the_notebook_has_as_many_parameters_as_it_says():
    layer = SimpleConvNet().layers["Conv1"]
    text = (ROOT / "notebooks" / "ch07_cnn.md").read_text(encoding="utf-8")
    assert f"still has {layer.W.size + layer.b.size} parameters" in text
