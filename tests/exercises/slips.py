"""The solutions of a notebook as code, with slips in it that readers make."""

import re
from typing import Any

import numpy as np

import dlbasics
from dlbasics.exercises import Verdict
from tests.helpers import ROOT


def solution(chapter: str, name: str) -> str:
    """Return the code that solves an exercise of a chapter, such as 'ch07_cnn'.

    Args:
        chapter: The name of the notebook.
        name: What the exercise asks for: a function, a class or a variable.
    """
    text = (ROOT / "notebooks" / "solutions" / f"{chapter}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)
    (found,) = (block for block in blocks if re.search(rf"^(def |class )?{name}\b", block, re.M))
    return found


def answer(chapter: str, name: str, *slips: str, **known: Any) -> Any:
    """Run a solution, and return what it defines.

    Args:
        chapter: The name of the notebook.
        name: What the exercise asks for.
        slips: A piece of the code and what the reader writes in its place, one pair or more.  The
            piece '' stands for all of the code.
        known: What the notebook has defined before, besides NumPy and dlbasics.
    """
    code = solution(chapter, name)
    for old, new in zip(slips[::2], slips[1::2], strict=True):
        assert old in code, f"the solution has no {old!r}"
        code = code.replace(old, new, 1) if old else new
    names = {"np": np, **{each: getattr(dlbasics, each) for each in dlbasics.__all__}, **known}
    exec(code, names)
    return names[name]


def assert_wrong(verdict: Verdict, words: str) -> None:
    """Assert that a verdict is 'Not right', for the reason with these words."""
    assert verdict.right is False
    assert words in verdict.reason
