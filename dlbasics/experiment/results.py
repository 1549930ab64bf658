"""The tables of claims in the chapters' READMEs, made from the files of results."""

import re
import sys
from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import Any

from dlbasics._internal.files import as_path, parse_json, write_text
from dlbasics.experiment.claims import LEFT_OUT, MARK, NOTE, expected, shown
from dlbasics.storage import PathLike

HEAD = ["| script | number | book or expected | ours |", "|---|---|---|---|"]
BEGIN, END = "<!-- claims -->", "<!-- end of claims -->"
"""The lines around the table that `update_readme` writes."""


def table(paths: Iterable[PathLike]) -> str:
    """Return a Markdown table for a chapter's README, with the claims of these JSON files.

    The table has no rows of runs that were not judged: quick runs, and runs on other data.
    """
    return _table([row for path in paths for row in _rows(path)])


def update_readme(readme: Path, paths: Iterable[PathLike]) -> None:
    """Put the rows of these JSON files into the table of `readme` between BEGIN and END.

    The scripts have the order in which the text above the table links them first.  A script keeps
    its rows if none of the files holds a judged run of it.

    Raises:
        ValueError: If `readme` lacks the lines BEGIN and END.
    """
    text = readme.read_text(encoding="utf-8")
    before, found, rest = text.partition(f"{BEGIN}\n")
    old, ended, after = rest.partition(f"{END}\n")
    if not found or not ended:
        raise ValueError(f"{readme} must have the lines {BEGIN!r} and {END!r} around its table")
    new = [row for path in paths for row in _rows(path)]
    rows = []
    for script in dict.fromkeys(re.findall(r"\[`(\w+\.py)`\]\(\1\)", before)):
        first = f"| [`{script}`]("
        own = [row for row in new if row.startswith(first)]
        rows += own or [row for row in old.splitlines() if row.startswith(first)]
    write_text(readme, f"{before}{BEGIN}\n\n{_table(rows)}\n\n{END}\n{after}")


def _table(rows: list[str]) -> str:
    note = ["", NOTE.replace(MARK, f"\\{MARK}")] if any(f" {MARK} |" in row for row in rows) else []
    return "\n".join(HEAD + rows + note)


def _rows(path: PathLike) -> list[str]:
    path = as_path(path, "paths")
    text = path.read_bytes()
    try:
        return _rows_of(parse_json(text.decode("utf-8")))
    except Exception as error:  # its class depends on what another program wrote there
        raise ValueError(f"{path} is not the file of a result: {error!r}") from None


def _rows_of(about: dict[str, Any]) -> list[str]:
    # Files of version 0.1.0 have no entry 'judged'.
    judged = about.get("judged", any(claim["holds"] is not None for claim in about["claims"]))
    if not judged or about["data"] not in (None, "mnist"):
        return []
    name = Path(about["script"]).name
    rows = []
    for claim in (claim for claim in about["claims"] if claim["ours"] != LEFT_OUT):
        ours = shown(claim["ours"], claim["digits"])
        rows.append(f"| [`{name}`]({name}) | {claim['text']} | {expected(claim)} | {ours} |")
    return rows


if __name__ == "__main__":
    readmes = [given for given in sys.argv[1:] if given.endswith("README.md")]
    # Some shells do not expand the asterisk.
    given = [argument for argument in sys.argv[1:] if argument not in readmes]
    found = [path for name in given for path in sorted(glob(name)) or [name]]
    if not found:
        sys.exit(
            "usage: python -m dlbasics.experiment.results "
            "[ch05_backprop/README.md] out/ch05_backprop/*.json"
        )
    try:
        for readme in readmes:
            update_readme(Path(readme), found)
        if not readmes:
            print(table(found))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
