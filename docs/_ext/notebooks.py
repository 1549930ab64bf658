"""Notebooks as pages: each offers its .ipynb file, and leaves out the cell that installs."""

import re

from sphinx.application import Sphinx

SETUP = re.compile(r'```python tags=\["setup"\]\n.*?\n```\n', re.DOTALL)
TITLE = re.compile(r"^# .*$", re.MULTILINE)


def as_page(name: str, text: str) -> str:
    """Return the text of a notebook as that of a page."""
    offer = (
        f"This page shows the notebook [{name}.ipynb]({name}.ipynb). Download it, or open it in\n"
        "Jupyter: there you change a number, run a cell again, and solve the exercises."
    )
    text = SETUP.sub("", text, count=1)
    return TITLE.sub(lambda title: f"{title[0]}\n\n{offer}", text, count=1)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Change the text of a page that is a notebook."""
    if found := re.fullmatch(r"notebooks/(ch\w+)", docname):
        source[0] = as_page(found[1], source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to the reading of pages."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
