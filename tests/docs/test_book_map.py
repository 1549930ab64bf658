"""docs/book_map.py: the map from the texts' sections to our code."""

import importlib.util

import pytest

from tests.citations import TEXTS, read_register, title_in
from tests.docs.texts import BOOK, HUANG, TAKAHASHI, TAKENAWA, TILK
from tests.helpers import ROOT

PATH = ROOT / "docs" / "book_map.py"
spec = importlib.util.spec_from_file_location("book_map", PATH)
book_map = importlib.util.module_from_spec(spec)
spec.loader.exec_module(book_map)

SECTIONS = book_map.read("sections.csv")
PAGE = book_map.PAGE.read_text(encoding="utf-8")
ROWS = [row for row in read_register() if row["kind"] in book_map.ORDER and row["text"] != "ours"]


def test_the_page_is_what_the_command_writes():
    assert book_map.page() == PAGE, "python docs/book_map.py"


def test_every_section_of_the_register_has_a_place():
    places = {(row["text"], row["section"]) for row in SECTIONS}
    assert {(row["text"], row["section"]) for row in read_register() if row["section"]} == places
    assert [*dict.fromkeys(row["text"] for row in SECTIONS)] == [*TEXTS] == [*book_map.TITLES]


@pytest.mark.parametrize("text", [BOOK, TAKAHASHI, TILK, HUANG, TAKENAWA], ids=[*TEXTS])
def test_sections_stand_in_the_order_of_the_text(text, texts):
    author = next(each for each, title in TEXTS.items() if title == text.title)
    lines = [title_in(line) for line in text.raw().splitlines() if "\t" not in line]
    line = 0
    for row in SECTIONS:
        if row["text"] == author:
            line = lines.index(row["section"], line) + 1


def test_the_page_has_each_item_once():
    chapters = {}
    for row in SECTIONS:
        key = row["text"], row["chapter"], row["section"]
        items = book_map.items_of(*key, ROWS)
        chapters[key] = items
    found = [id(row) for items in chapters.values() for row in items]
    assert len(found) == len(ROWS) == len({*found})


def test_a_row_leads_to_the_program_its_import_and_its_correction():
    """*Batch Processing* is a section of two chapters."""
    for line in (
        "| *Weight Decay* | figure 6.21 | [`overfit_weight_decay.py`](../ch06_techniques/",
        "| *Validation Data* | listing 1 | [`dlbasics/data.py`](../dlbasics/data.py), import from "
        "[`dlbasics.data`](names.md) |",
        "[`three_layer_net.py`](../ch03_forward/three_layer_net.py), [misprinted](listings.md) |",
        "| *Batch Processing* | figure 7.13 |",
    ):
        assert line in PAGE
    third = PAGE[PAGE.index("### Chapter 3") : PAGE.index("### Chapter 4")]
    assert "| *Batch Processing* | listings 1 to 3, figures 3.26 and 3.27 |" in third


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["5.9", "5.10", "5.11"], "5.9 to 5.11"),
        (["1", "2"], "1 and 2"),
        (["1", "3", "4"], "1, 3 and 4"),
        (["A.1", "A.2", "A.3", "A.5"], "A.1 to A.3 and A.5"),
        (["22a", "22b"], "22a and 22b"),
        (["7"], "7"),
    ],
)
def test_numbers_are_shortened(numbers, expected):
    assert book_map.joined(numbers) == expected
    assert sorted(reversed(numbers), key=book_map.in_order) == numbers
