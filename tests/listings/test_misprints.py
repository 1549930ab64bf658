"""Listings as the book prints them fail as docs/listings.md says, and work as they are meant."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import ROOT
from tests.listings.helpers import check, run
from tests.listings.misprints import MISPRINTS

PAGE = (ROOT / "docs" / "listings.md").read_text(encoding="utf-8")


def given(misprint):
    """Return copies of the names that a listing needs."""
    return {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in misprint.given.items()
    }


@pytest.mark.parametrize("name", MISPRINTS)
def test_as_meant(name):
    misprint = MISPRINTS[name]
    assert misprint.meant
    check(run(misprint.as_meant(), **given(misprint)), misprint.meant)


@pytest.mark.parametrize("name", MISPRINTS)
def test_as_printed(name):
    misprint = MISPRINTS[name]
    assert misprint.as_printed() != misprint.as_meant()
    if misprint.error is None:
        assert misprint.printed
        check(run(misprint.as_printed(), **given(misprint)), misprint.printed)
    else:
        with pytest.raises(misprint.error):
            run(misprint.as_printed(), **given(misprint))


def partly(name, **marks):
    """Return a misprint whose lost indentation is changed, such as lost_8=4: four columns of it."""
    listing = MISPRINTS[name].listing
    for mark, columns in marks.items():
        printed = f"#< {mark.removeprefix('lost_')}"
        assert printed in listing
        listing = listing.replace(printed, f"#< {columns} ")
    return replace(MISPRINTS[name], listing=listing)


def test_the_lines_of_cross_entropy_must_go_into_the_if():
    typed = partly("cross-entropy-rows", lost_4=0, lost_8=4)
    found = run(typed.as_printed(), **given(typed))
    y, t = found["y"], found["t"]
    assert found["cross_entropy_error"](y[0], t[0]) == pytest.approx(np.log(2), abs=1e-6)
    with pytest.raises(ValueError, match="broadcast"):
        found["cross_entropy_error"](y, t)


def test_simple_net_with_its_comment_still_returns_outside_of_loss():
    with pytest.raises(SyntaxError, match="outside function"):
        run(replace(MISPRINTS["simple-net"], wrong=()).as_printed())


def test_methods_at_the_left_margin_are_none():
    with pytest.raises(AttributeError, match="predict"):
        run(replace(MISPRINTS["two-layers-of-functions"], wrong=()).as_printed())


def test_the_evaluation_loop_lacks_two_names():
    misprint = MISPRINTS["evaluation"]
    for known, lacking in ({}, "train_size"), ({"train_size": 30}, "batch_size"):
        with pytest.raises(NameError, match=lacking):
            run(misprint.as_printed(), **given(misprint), **known)


def test_the_last_iteration_of_chapter_5_ends_no_epoch():
    assert 9_999 % max(60_000 / 100, 1) == 399


def test_momentum_as_printed_takes_sgds_path():
    paths = []
    classes = run(MISPRINTS["momentum"].as_printed()), run("from dlbasics.optimizers import *")
    for make in (lambda: classes[0]["Momentum"](0.1), lambda: classes[1]["SGD"](0.1)):
        params, optimizer = {"x": -7.0, "y": 2.0}, make()
        paths.append([])
        for _ in range(30):
            optimizer.update(params, {"x": params["x"] / 10, "y": 2 * params["y"]})
            paths[-1].append(tuple(params.values()))
    assert paths[0] == paths[1]


def test_adagrad_mended_by_indentation_alone_steps_by_the_learning_rate():
    typed = partly("adagrad", lost_8=0)
    params = run(typed.as_printed())["params"]
    assert params["x"] == pytest.approx(3 - 1 - 1, abs=1e-6)
    meant = run(typed.as_meant())["params"]
    assert meant["x"] == pytest.approx(3 - 1 - 0.8, abs=1e-6)


def test_overfitting_with_its_bracket_ends_after_201_iterations():
    found = run(replace(MISPRINTS["overfitting"], wrong=()).as_printed())
    check(found, {"[i, len(accuracies)]": [200, 67]})


def test_the_network_of_overfitting_has_six_layers():
    listing = """
from dlbasics.networks import MultiLayerNet
network = MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100,
                        100, 100], output_size=10)
"""
    assert [key for key in run(listing)["network"].params if key[0] == "W"][-1] == "W6"


def test_convnet_with_its_indentation_has_no_last_layer():
    misprint = replace(MISPRINTS["convnet"], listing=MISPRINTS["convnet"].as_meant())
    with pytest.raises(AttributeError, match="lastLayer"):
        run(misprint.as_printed())


ROWS = re.findall(
    r"^\| \*([^*]+)\*[^|]*\| ([^|]+) \| ([^|]+) \| [^|]+ \| (.*) \|$", PAGE, flags=re.MULTILINE
)
CHAPTERS = re.split(r"^## Chapter (?=\d)", PAGE, flags=re.MULTILINE)[1:]


def test_the_page_has_a_row_for_each_misprint_in_the_books_order():
    assert len(ROWS) == PAGE.count("`test_as_printed[")
    named = [re.match(r"`test_as_printed\[([\w-]+)\]`", tests)[1] for *_, tests in ROWS]
    assert named == [*MISPRINTS]
    for chapter in CHAPTERS:
        for name in re.findall(r"test_as_printed\[([\w-]+)\]", chapter):
            assert MISPRINTS[name].chapter == int(chapter[0]), name


def test_each_row_names_the_section_and_the_error():
    for (section, _, happens, _), misprint in zip(ROWS, MISPRINTS.values(), strict=True):
        assert section == misprint.section
        first = re.match(r"`(\w+)`|no error", happens)
        assert first, happens
        assert first[1] == (misprint.error and misprint.error.__name__)
