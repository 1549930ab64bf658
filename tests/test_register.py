"""docs/register.csv: what the five texts have, and what covers it.

tests/test_citations.py compares it with the texts, where they are.
"""

import csv
import inspect
import io

import pytest

from ch05_backprop.computational_graphs import FIGURES
from tests.citations import COLUMNS, KINDS, REGISTER, ROOT, TEXTS, cited_in, read_register
from tests.experiment.helpers import SCRIPTS, experiment_of, module_of

ROWS = read_register()


def covers(row):
    """Return the files that cover a row, each with the key of a figure or with ""."""
    return [tuple(f"{item} ".split(" ")[:2]) for item in row["cover"].split("; ") if item]


def test_it_is_sorted_and_has_no_row_twice():
    with REGISTER.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert rows == sorted(rows)
    assert len({tuple(row) for row in rows}) == len(rows)


def test_each_row_names_a_text_a_kind_and_what_covers_it_or_why_nothing_does():
    for row in ROWS:
        assert row["text"] in {*TEXTS, "ours"}, row
        assert bool(row["section"]) == (row["text"] != "ours"), row
        assert row["kind"] in KINDS, row
        assert row["words"], row
        assert bool(row["cover"]) != bool(row["reason"]), row
        assert row["number"] or row["kind"] not in {"listing", "table"} or row["text"] == "ours", (
            row
        )


def test_every_file_named_in_it_is_there():
    assert [path for row in ROWS for path, _ in covers(row) if not (ROOT / path).is_file()] == []


def test_claims_are_those_of_the_scripts():
    registered = [(row["cover"], row["words"]) for row in ROWS if row["kind"] == "claim"]
    claims = [
        (f"{name}.py", claim.text) for name in SCRIPTS for claim in experiment_of(name).claims
    ]
    missing = [line("ours", "", "claim", "", text, file, "") for file, text in claims]
    lines = [text for text, claim in zip(missing, claims, strict=True) if claim not in registered]
    assert lines == [], "rows to add, if nothing of it is in a text:\n" + "\n".join(lines)
    assert sorted(registered) == sorted(claims)


def line(*cells):
    """Return a line of the register."""
    file = io.StringIO()
    csv.writer(file, lineterminator="").writerow(cells)
    return file.getvalue()


def test_figures_of_the_computational_graphs_are_in_it():
    file = "ch05_backprop/computational_graphs.py"
    assert {key for row in ROWS for path, key in covers(row) if path == file and key} == {*FIGURES}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_says_where_it_comes_from(script):
    doc = inspect.cleandoc(module_of(script).__doc__)
    assert "not in the book" not in doc
    cited = {citation.author for passage in doc.split("\n\n") for citation in cited_in("", passage)}
    texts = {row["text"] for row in ROWS for path, _ in covers(row) if path == f"{script}.py"}
    if texts == {"ours"}:
        assert cited or "(ours)" in doc
    else:
        assert cited & (texts - {"ours"}), texts
