"""What the chapters' lessons, their README.md, say about each figure."""

import re
from functools import cache

from dlbasics.experiment.catalog import ROOT

PICTURE = re.compile(r"docs/figures/(\w+\.png)")


@cache
def captions(folder: str) -> dict[str, str]:
    """Return what to look for in each figure of a chapter, in Markdown, by the figure's file name.

    It is the paragraph in bold type, such as '**Figure 6.2.** The arrows ...', that follows one or
    several pictures.

    Args:
        folder: The folder of the chapter.
    """
    readme = ROOT / folder / "README.md"
    if not readme.is_file():
        return {}
    found: dict[str, str] = {}
    waiting: list[str] = []
    for paragraph in re.split(r"\n\s*\n", readme.read_text(encoding="utf-8")):
        names = PICTURE.findall(paragraph)
        if names:
            waiting += names
        else:
            if paragraph.startswith("**"):
                found |= dict.fromkeys(waiting, " ".join(paragraph.split()))
            waiting = []
    return found
