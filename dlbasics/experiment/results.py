"""The files of a chapter script: its result as JSON, with large arrays in an .npz file."""

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.files import write_text
from dlbasics.experiment.claims import LEFT_OUT, shown
from dlbasics.storage import PathLike, save_arrays

LARGE = 1_000
"""An array of more numbers goes into the .npz file."""

HEAD = ["| script | number | book | ours |", "|---|---|---|---|"]
BEGIN, END = "<!-- claims -->", "<!-- end of claims -->"
"""The lines around the table that `update_readme` writes."""


def save_result(result: Any, about: Mapping[str, Any], path: Path) -> None:
    """Write a result to a JSON file.

    Arrays and lists of more than 1,000 numbers, in mappings too, go into an .npz file of the same
    name; the JSON file then holds their entry and shape.  Numbers that are not finite become
    strings, and objects that JSON has not become their `repr`.

    Args:
        result: A dataclass or a mapping; anything else is stored as a mapping with the key 'value'.
        about: The facts about the run, which the file holds beside the result.
        path: The JSON file.
    """
    arrays: dict[str, Array] = {}
    given = _fields(result)
    given = {"value": result} if given is None else given
    values = {name: _plain(value, name, arrays) for name, value in given.items()}
    npz = path.with_suffix(".npz")
    if arrays:
        save_arrays(npz, arrays)
    else:
        npz.unlink(missing_ok=True)
    written = _plain(about, "", {}) | {"result": values}
    write_text(path, json.dumps(written, indent=1, allow_nan=False))


def table(paths: Iterable[PathLike]) -> str:
    """Return a Markdown table for a chapter's README, with the claims of these JSON files.

    Quick runs, and runs on other data than the book's, are left out, for they were not judged.
    """
    return "\n".join(HEAD + [row for path in paths for row in _rows(path)])


def update_readme(readme: Path, paths: Iterable[PathLike]) -> None:
    """Put the rows of these JSON files into the table of `readme` between BEGIN and END.

    The scripts have the order of the README's first table.  A script without a judged run among
    `paths` keeps its rows.

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
    for script in re.findall(r"^\| (\[`\w+\.py`\])", before, flags=re.MULTILINE):
        first = f"| {script}("
        own = [row for row in new if row.startswith(first)]
        rows += own or [row for row in old.splitlines() if row.startswith(first)]
    new_table = "\n".join(HEAD + rows)
    write_text(readme, f"{before}{BEGIN}\n\n{new_table}\n\n{END}\n{after}")


def _rows(path: PathLike) -> list[str]:
    about = json.loads(Path(path).read_text(encoding="utf-8"))
    # Files of version 0.1.0 have no entry 'judged'.
    judged = about.get("judged", any(claim["holds"] is not None for claim in about["claims"]))
    if not judged or about["data"] not in (None, "mnist"):
        return []
    name = Path(about["script"]).name
    rows = []
    for claim in (claim for claim in about["claims"] if claim["ours"] != LEFT_OUT):
        book, ours = (shown(claim[key], claim["digits"]) for key in ("book", "ours"))
        rows.append(f"| [`{name}`]({name}) | {claim['text']} | {book} | {ours} |")
    return rows


def _fields(result: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass or the items of a mapping; None for anything else."""
    if is_dataclass(result) and not isinstance(result, type):
        return {field.name: getattr(result, field.name) for field in fields(result)}
    if isinstance(result, Mapping):
        return {str(key): value for key, value in result.items()}
    return None


def _plain(value: Any, entry: str, arrays: dict[str, Array]) -> Any:
    """Return `value` as JSON can hold it; a large array goes into `arrays` as `entry`."""
    if isinstance(value, np.ndarray | list | tuple) and _is_large(value):
        arrays[entry] = np.asarray(value)
        return {"npz": entry, "shape": list(arrays[entry].shape)}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item, f"{entry}/{i}", arrays) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    items = _fields(value)
    if items is None:
        return str(value) if isinstance(value, os.PathLike) else repr(value)
    return {key: _plain(item, f"{entry}/{key}", arrays) for key, item in items.items()}


def _is_large(value: Any) -> bool:
    """Return whether `value` is a rectangular array of more than LARGE numbers."""
    try:
        array = np.asarray(value)
    except ValueError:
        return False
    return array.dtype.kind in "fiub" and array.size > LARGE


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
    for readme in readmes:
        update_readme(Path(readme), found)
    if not readmes:
        print(table(found))
