"""The five texts, where the folder that DLBASICS_TEXTS names has them."""

import os
import re
from functools import cache
from pathlib import Path


@cache
def squeezed(text: str) -> str:
    """Return the text without blanks and signs of Markdown and formulas, to compare."""
    return re.sub(r"[\s$`*]|\\(?=_)", "", text)


class Text:
    """A text; without its file, every question is answered with "as expected".

    Args:
        title: The title, which stands near the beginning of the file.
    """

    def __init__(self, title: str) -> None:
        self.title = title

    def is_here(self) -> bool:
        """Return whether the file of the text is there."""
        return self.title in contents()

    def raw(self) -> str:
        """Return the text as it stands in its file."""
        return contents()[self.title]

    def has(self, *parts: str) -> None:
        """Check that the text has all these parts."""
        if self.is_here():
            text = squeezed(self.raw())
            assert [part for part in parts if squeezed(part) not in text] == []

    def lacks(self, *parts: str) -> None:
        """Check that the text has none of these parts."""
        if self.is_here():
            text = squeezed(self.raw())
            assert [part for part in parts if squeezed(part) in text] == []

    def count(self, part: str) -> int:
        """Return how often the text has the part."""
        return squeezed(self.raw()).count(squeezed(part))


@cache
def contents() -> dict[str, str]:
    """Return the text by title, of the texts that are there."""
    folder = os.environ.get("DLBASICS_TEXTS")
    found = {}
    for path in sorted(Path(folder).glob("*.txt")) if folder else []:
        text = path.read_text(encoding="utf-8")
        for each in (BOOK, TAKAHASHI, TILK, HUANG, TAKENAWA):
            if each.title in text[:300]:
                found[each.title] = text
    return found


BOOK = Text("Deep Learning from the Basics")
TAKAHASHI = Text("Playing with MNIST")
TILK = Text("Simple neural network to recognize handwritten digits")
HUANG = Text("Math Behind Digital Handwritten Recognition")
TAKENAWA = Text("Deep Learning: Part 2")
