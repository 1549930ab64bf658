"""The tables and programs of docs/pytorch_keras.md, for the tests that compute each row."""

import re

from tests.docs.outputs import FENCE, outputs, path_of

PAGE = path_of("pytorch_keras").read_text(encoding="utf-8")


def rows(title):
    """Return the cells of each row of the first table below a heading."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    table = re.search(r"^\|(?:-+\|)+\n((?:\|.*\n)+)", section.replace(" ", "\0"), re.MULTILINE)[1]
    lines = table.replace("\0", " ").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code(cell):
    """Return the code at the beginning of a cell, or None if there is none."""
    found = re.match(r"`([^`]+)`", cell)
    return found and found[1]


def cases(title, ours, theirs):
    """Return for each row that names it in code our code, theirs, and a name."""
    pairs = [(code(row[ours]), code(row[theirs]), row[0].strip("`")) for row in rows(title)]
    return [pair for pair in pairs if all(pair)]


def program(word):
    """Return the program of the page that imports `word`."""
    (body,) = (
        found["body"]
        for found in FENCE.finditer(PAGE)
        if re.search(rf"^(import|from) {word}\b", found["body"], re.MULTILINE)
    )
    return body


SHOWN = outputs(PAGE)[0]
"""What the three programs print."""
