"""Docstrings as reStructuredText, which autodoc expects.

The docstrings of dlbasics are text for `help()`: programs in them are indented, and signs such as
| and * stand for themselves.
"""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

import dlbasics
from dlbasics import typing

KEPT = re.compile(r"(`[^`]*`|(?<![\w*])\*[A-Z][^*]*\*(?![\w*]))")
"""What has a meaning: names in backticks, and titles in italics."""

TYPES = {
    stringify_annotation(getattr(typing, name), "smart"): name
    for name in ("Initializer", "Array", "RngLike", "PathLike")
}
"""The names of types, by how autodoc writes them.  Initializer is first: it holds two others."""


def escaped(text: str) -> str:
    """Return a paragraph whose other signs stand for themselves."""
    parts = KEPT.split(text)
    parts[::2] = [re.sub(r"([|*\\]|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def is_section(block: str) -> bool:
    """Return whether a block is `Args:`, `Returns:` or such a section."""
    return re.match(r"[A-Z]\w+:\n", f"{block}\n") is not None


def as_rst(lines: list[str]) -> list[str]:
    """Return the lines of a docstring.

    Its indented programs become literal blocks.  In a paragraph of formulas or shapes, which a
    semicolon and two blanks part, each formula and sentence gets a line.
    """
    found: list[str] = []
    for block in re.split(r"\n\s*\n", "\n".join(lines)):
        is_program = all(line.startswith("    ") for line in block.split("\n"))
        if is_program and found and not is_section(found[-1]) and found[-1][0] != " ":
            found += ["::", block]
        elif block.lstrip().startswith(">>>"):
            found.append(block)
        elif ";  " in block and not is_section(block):
            formulas = re.split(r";\s+|(?<=\.)(?:  |\n)|\n(?=x: )", block)
            found.append("\n".join(f"| {escaped(' '.join(each.split()))}" for each in formulas))
        else:
            found.append(escaped(block))
    return "\n\n".join(found).split("\n")


def convert(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Convert a docstring in place, before napoleon reads its sections."""
    lines[:] = as_rst(lines)


def shorten(
    app: Sphinx,
    what: str,
    name: str,
    obj: Any,
    options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Return a signature with the names of types, as the source has it."""
    if signature and "<factory>" in signature:  # then nothing reads the signs ~
        signature = re.sub(r"~[\w.]*\.(?=\w+)", "", signature)
    for long, short in TYPES.items():
        signature = signature and signature.replace(long, short)
        returned = returned and returned.replace(long, short)
    return signature, returned


def drop_bases(app: Sphinx, doctree: nodes.document) -> None:
    """Drop the line of bases from a class that has no public one."""
    for paragraph in [*doctree.findall(nodes.paragraph)]:
        if paragraph.astext().startswith("Bases: "):
            names = [link["reftarget"] for link in paragraph.findall(addnodes.pending_xref)]
            if not any(hasattr(dlbasics, name.rpartition(".")[2]) for name in names):
                paragraph.parent.remove(paragraph)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to autodoc."""
    app.connect("autodoc-process-docstring", convert, priority=400)
    app.connect("autodoc-process-signature", shorten)
    app.connect("doctree-read", drop_bases)
    return {"parallel_read_safe": True}
