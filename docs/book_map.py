"""Write docs/book_map.md, the map from the texts' sections to our code: `python docs/book_map.py`.

docs/register.csv says what covers a listing, figure, table, formula or exercise.
docs/sections.csv has the titles of the sections in the order of the texts.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "book_map.md"

KINDS = {"listing": "listing", "figure": "figure", "table": "table", "formula": "eq."}
"""The kinds of the register that have numbers, as the page writes them."""

ORDER = [*KINDS, "exercise"]
"""The kinds on the page; claims and other printed numbers are on the page of results."""

COUNTS = dict(enumerate("no one two three four five six seven eight nine".split()))
"""Words for what has no number: a digit after "figure 2.9" would seem to be a number, too."""

TITLES = {
    "Saitoh": "*Deep Learning from the Basics*",
    "Takahashi": "Takahashi, *Playing with MNIST*",
    "Tilk": "Tilk, *Simple neural network to recognize handwritten digits*",
    "Huang": "Huang, *Math Behind Digital Handwritten Recognition*",
    "Takenawa": "Takenawa, *Deep Learning: Part 2*",
}

INTRODUCTION = """# Where the book's sections are

This page is for readers who hold the book, or one of four other texts. Open a chapter, look for the
section that you are reading, and follow the link to the code.

- A listing has no number in the book, so the page counts the listings of each section. A listing
  that imports something runs here with the [import line](names.md) of the module that the page
  names. If it is misprinted, [another page](listings.md) corrects it.
- Formulas, tables and figures have the numbers of the text. A script draws its figures, and prints
  the text's numbers beside ours; [the results](results.md) have all of them.
- The [register](register.csv) has the same as a table for programs, with a few words on each item.
  `python docs/book_map.py` writes this page from it.
"""

Row = dict[str, str]


@cache
def read(name: str) -> list[Row]:
    """Return the rows of a table of this folder."""
    with (DOCS / name).open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def page() -> str:
    """Return the text of the page."""
    items = [row for row in read("register.csv") if row["kind"] in ORDER]
    parts = [INTRODUCTION]
    for text, chapters in groupby(read("sections.csv"), lambda row: row["text"]):
        parts.append(f"## {TITLES[text]}\n")
        for chapter, rows in groupby(chapters, lambda row: row["chapter"]):
            titles = [row["section"] for row in rows]
            parts.append(chapter_part(text, chapter, titles, items))
    return "\n".join(parts)


def chapter_part(text: str, chapter: str, titles: list[str], items: list[Row]) -> str:
    """Return a chapter's heading, its lesson, and its table; without a title, that of a text."""
    found = [(title, items_of(text, chapter, title, items)) for title in titles]
    all_items = [row for _, rows in found for row in rows]
    lines = [f"### {chapter}\n"] if chapter else []
    reasons = {row["reason"] for row in all_items}
    if len(reasons) == 1 and "" not in reasons:
        (reason,) = reasons
        return "\n".join([*lines, f"Not here ({summary(found, all_items)}): {reason}.\n"])
    if folder := folder_of(chapter):
        lesson, notebook = f"../{folder}/README.md", f"../notebooks/{folder}.md"
        lines.append(
            f"[The lesson]({lesson}) explains it; [the notebook]({notebook}) has exercises.\n"
        )
    lines += [
        f"<details>\n<summary>{summary(found, all_items)}</summary>\n",
        "| section | in the text | here |",
        "|---|---|---|",
        *(line for title, rows in found for line in section_lines(title, rows)),
        "\n</details>\n",
    ]
    return "\n".join(lines)


def folder_of(chapter: str) -> str:
    """Return the folder of a chapter, "" for a text or a chapter that has none."""
    number = re.match(r"Chapter (\d)", chapter)
    found = [*DOCS.parent.glob(f"ch0{number[1]}_*")] if number else []
    return found[0].name if found else ""


def items_of(text: str, chapter: str, title: str, items: list[Row]) -> list[Row]:
    """Return the items of a section, sorted by kind and number."""
    chapters = [
        row["chapter"]
        for row in read("sections.csv")
        if (row["text"], row["section"]) == (text, title)
    ]
    found = [
        row
        for row in items
        if (row["text"], row["section"]) == (text, title) and chapter_of(row, chapters) == chapter
    ]
    return sorted(found, key=lambda row: (ORDER.index(row["kind"]), in_order(row["number"])))


def chapter_of(row: Row, chapters: list[str]) -> str:
    """Return the chapter of an item, of those that have a section with its title.

    Two chapters have a section *Batch Processing*.  Figure 7.13 belongs to chapter 7, and a
    listing, whose number is its place, to the first of the two.
    """
    start = row["number"].split(".")[0] if "." in row["number"] else ""
    return next((each for each in chapters if start in each.split(":")[0].split()), chapters[0])


def in_order(number: str) -> list[tuple[int, str]]:
    """Return what sorts numbers such as 5.9, 5.10, 22a and A-1."""
    return [(int(part or 0), letters) for part, letters in re.findall(r"(\d*)([^\d]*)", number)]


def section_lines(title: str, rows: list[Row]) -> Iterator[str]:
    """Yield a line of the table for all items of a section that the same files cover."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(where(row), []).append(row)
    first = f"*{title}*"
    for here, members in groups.items():
        yield f"| {first} | {names(members)} | {here} |"
        first = ""


def where(row: Row) -> str:
    """Return what covers an item: programs, or tests if there is no program, or the reason."""
    if row["reason"]:
        return f"not here: {row['reason']}"
    paths = list(dict.fromkeys(item.split(" ")[0] for item in row["cover"].split("; ")))
    code = [path for path in paths if not path.startswith(("tests/", "docs/"))]
    parts = [link(path) for path in code or paths if path != "docs/listings.md"]
    if row["kind"] == "listing":
        modules = dict.fromkeys(filter(None, map(module_of, code)))
        parts += [f"import from [`{module}`](names.md)" for module in modules]
    if "docs/listings.md" in paths:
        parts.append("[misprinted](listings.md)")
    return ", ".join(parts)


def link(path: str) -> str:
    """Return a link to a file; a script needs no folder, which the chapter tells."""
    name = path.rpartition("/")[2] if path.startswith("ch0") else path
    return f"[`{name}`]({path.removeprefix('docs/') if path.startswith('docs/') else f'../{path}'})"


def module_of(path: str) -> str:
    """Return the module from which readers import what a file has, "" if names.md has none."""
    module = path.removesuffix(".py").replace("/", ".")
    known = modules_of_names()
    return next((each for each in (module, module.rpartition(".")[0]) if each in known), "")


@cache
def modules_of_names() -> frozenset[str]:
    """Return the modules in the table of names.md."""
    text = (DOCS / "names.md").read_text(encoding="utf-8")
    return frozenset(re.findall(r"\| `from (\S+) import [^`]+` \|$", text, re.MULTILINE))


def names(rows: Iterable[Row]) -> str:
    """Return items by kind and number: listings 1 to 3, figures 5.5 and 5.8, an exercise."""
    parts = []
    for kind, members in groupby(rows, lambda row: row["kind"]):
        numbers = [row["number"] for row in members]
        known = [number for number in numbers if number and kind in KINDS]
        if known:
            word = KINDS[kind] if kind == "formula" else plural(KINDS[kind], len(known))
            parts.append(f"{word} {joined(known)}")
        if rest := len(numbers) - len(known):
            parts.append(f"{COUNTS[rest]} {plural(kind, rest)}")
    return ", ".join(parts)


def plural(kind: str, count: int) -> str:
    """Return the word for so many things of a kind."""
    return kind + "s" * (count > 1)


def joined(numbers: list[str]) -> str:
    """Return numbers with their runs shortened: 5.5 to 5.8, and A.1."""
    runs: list[list[str]] = []
    for number in numbers:
        if runs and follows(runs[-1][-1], number):
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else run)]
    return " and ".join([*[", ".join(parts[:-1])] * (len(parts) > 1), parts[-1]])


def follows(number: str, other: str) -> bool:
    """Return whether one number is the next after another: 5.10 after 5.9."""
    a, b = (re.fullmatch(r"(.*?)(\d+)", each) for each in (number, other))
    return bool(a and b and a[1] == b[1] and int(a[2]) + 1 == int(b[2]))


def summary(found: list[tuple[str, list[Row]]], items: list[Row]) -> str:
    """Return how many sections, listings and so on a chapter has."""
    counts = [(sum(bool(rows) for _, rows in found), "section")]
    counts += [(sum(row["kind"] == kind for row in items), kind) for kind in ORDER]
    return ", ".join(f"{count} {plural(name, count)}" for count, name in counts if count)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
