"""The examples of the pages in docs/: what they print, and the figures that they save.

python -m tests.docs.outputs

runs them, and writes into the pages what they print, and their figures into docs/figures.
"""

import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

from dlbasics.experiment.figures import shrink
from tests.helpers import ROOT

PAGES = ("first_training", "gradient_check", "own_layers", "own_network", "pytorch_keras")
FENCE = re.compile(
    r"(?P<not_run><!-- not run: [^\n]*-->\n+)?^```(?P<language>\w*)\n(?P<body>.*?)^```$",
    re.M | re.S,
)
FIGURE = re.compile(r"\]\(figures/(\w+)\.png\)")


def path_of(page: str) -> Path:
    return ROOT / "docs" / f"{page}.md"


def outputs(text: str) -> list[str]:
    """Return what the page says that its examples print."""
    return [found["body"] for found in FENCE.finditer(text) if found["language"] == "text"]


def with_outputs(text: str) -> str:
    """Run the examples of a page in the current folder; return the page with what they print.

    What an example prints stands in the next block of the language `text`.

    Raises:
        ValueError: If the page does not show what an example prints.
    """
    names: dict[str, object] = {"__name__": "page"}
    printed = ""

    def replaced(found: re.Match[str]) -> str:
        nonlocal printed
        if found["language"] == "python" and not found["not_run"]:
            if printed:
                raise ValueError(f"the page must show what it prints: {printed}")
            with contextlib.redirect_stdout(io.StringIO()) as stream:
                exec(compile(found["body"], "<page>", "exec"), names)
            printed = stream.getvalue()
        elif found["language"] == "text" and printed:
            block, printed = f"```text\n{printed}```", ""
            return block
        return found[0]

    text = FENCE.sub(replaced, text)
    if printed:
        raise ValueError(f"the page must show what it prints: {printed}")
    return text


def main() -> None:
    for page in sys.argv[1:] or PAGES:
        path, here = path_of(page), Path.cwd()
        text = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            path.write_text(with_outputs(text), encoding="utf-8", newline="\n")
            for name in FIGURE.findall(text):
                saved = Path(f"{name.removeprefix(f'{page}_')}.png")
                shrink([saved.rename(f"{name}.png")], ROOT / "docs" / "figures")
            os.chdir(here)


if __name__ == "__main__":
    main()
