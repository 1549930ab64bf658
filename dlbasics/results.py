"""What a chapter script leaves behind: a JSON file, with large arrays beside it as .npz."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics.files import atomic_write
from dlbasics.storage import save_arrays

LARGE = 1_000
"""Numbers; an array of more goes into the .npz."""


def save_result(result: Any, about: Mapping[str, Any], path: Path) -> None:
    """Write `about` and the fields of `result`, a dataclass or a mapping, to `path`, as JSON.

    Arrays of more than 1,000 numbers go into an .npz of the same name; the JSON then has their
    shapes and the file's name.
    """
    values = _fields(result)
    arrays = {
        name: np.asarray(value)
        for name, value in values.items()
        if isinstance(value, np.ndarray | list | tuple) and np.size(value) > LARGE
    }
    npz = path.with_suffix(".npz")
    if arrays:
        save_arrays(npz, arrays)
    stored = {name: {"npz": npz.name, "shape": a.shape} for name, a in arrays.items()}
    text = json.dumps({**about, "result": {**values, **stored}}, indent=1, default=_plain)
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))


def table(paths: Iterable[str | os.PathLike[str]]) -> str:
    """Markdown for a chapter's README: every claim of these JSON files, the book's beside ours."""
    rows = ["| script | number | book | ours |", "|---|---|---|---|"]
    for path in paths:
        about = json.loads(Path(path).read_text(encoding="utf-8"))
        name = Path(about["script"]).name
        for claim in about["claims"]:
            book, ours = shown(claim["book"]), shown(claim["ours"])
            rows.append(f"| [`{name}`]({name}) | {claim['text']} | {book} | {ours} |")
    return "\n".join(rows)


def shown(value: Any) -> str:
    """A number with four significant digits; anything else as it is."""
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return str(value)


def _fields(result: Any) -> dict[str, Any]:
    if is_dataclass(result) and not isinstance(result, type):
        return {field.name: getattr(result, field.name) for field in fields(result)}
    if isinstance(result, Mapping):
        return dict(result)
    raise TypeError(f"result must be a dataclass or a mapping, got {type(result).__name__}")


def _plain(value: Any) -> Any:
    """What json cannot write by itself, as something that it can."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return _fields(value)


if __name__ == "__main__":
    print(table(sys.argv[1:]))
