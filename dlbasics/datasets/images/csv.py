"""A table of pixels in a text file, one image a line."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlbasics._internal import image_forms as forms
from dlbasics._internal.checks import Array, as_count
from dlbasics._internal.files import as_path
from dlbasics.typing import PathLike


class Row(NamedTuple):
    """A line of the table."""

    line: int
    label: str
    pixels: bytes


def load_csv(
    path: PathLike,
    size: tuple[int, int] | None = None,
    *,
    label: int | str = 0,
    names: Sequence[str] | None = None,
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
) -> tuple[Array, Array, list[str]]:
    """Load grey images from a table of pixels, a CSV file with one image a line.

    A line has a label, and the pixels from 0 (black) to 255 (white), row by row, with commas
    between them.  The first line may name the columns:

        label,pixel0,pixel1,...
        5,0,0,127,255,...

    Args:
        path: The file.
        size: The height and the width of an image, in pixels.  None stands for a square.
        label: The column of the label: its number, from 0 on, or -1 for the last one; or its name
            in the first line.
        names: The names of the classes.  For test images, give the names of the training images.
            With names, the labels must be among them.  None takes labels that are all whole numbers
            as the classes; otherwise the classes are the different labels in alphabetical order.
        normalize: True gives x as float32 from 0.0 to 1.0; False gives uint8 from 0 to 255.
        flatten: True gives x the shape (N, H W); False gives (N, 1, H, W).
        one_hot_label: True gives t as one-hot rows, float32, (N, K); False gives the classes, (N,).

    Returns:
        `x, t, names`, with the names of the K classes.

    Raises:
        TypeError: If an argument is not as above.
        OSError: If the file cannot be opened.
        ValueError: If a line is not as above.  The message names the file and the line.
    """
    forms.check_form(normalize, flatten, one_hot_label)
    known = None if names is None else forms.as_names(names)
    shape = None if size is None else forms.as_size(size)
    if not isinstance(label, str):
        label = as_count(label, "label", least=-1)
    path = as_path(path)
    rows = [*_rows(path, label)]
    if not rows:
        raise ValueError(f"{path}: expected one or more images, got none")
    pixels = bytearray().join(row.pixels for row in rows)  # an array of it can be changed
    count = len(pixels) // len(rows)
    x = np.frombuffer(pixels, np.uint8).reshape(len(rows), *_size(count, shape, path))
    t, known = _classes(rows, known, path)
    t = forms.labels(t, one_hot_label, len(known))
    return forms.images(x, normalize, flatten), t, known


def _rows(path: Path, label: int | str) -> Iterator[Row]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        width = column = 0
        try:
            for fields in reader:
                if not fields:
                    continue  # an empty line
                if not width:
                    width, column = len(fields), _column(fields, label)
                    if isinstance(label, str) or _is_header(fields, column):
                        continue
                if len(fields) != width:
                    raise ValueError(f"expected {width} columns, got {len(fields)}")
                text = fields.pop(column)
                yield Row(reader.line_num, text.strip(), _pixels(fields))
        except (ValueError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
            raise ValueError(f"{path}, line {max(reader.line_num, 1)}: {error}") from None


def _column(fields: list[str], label: int | str) -> int:
    """Return the number of the column of the labels."""
    if isinstance(label, str):
        names = [name.strip() for name in fields]
        if label not in names:
            raise ValueError(
                f"label must be the name of a column, got {label!r}; the columns are "
                f"{', '.join(names):.300}"
            )
        return names.index(label)
    if len(fields) < 2 or label >= len(fields):
        raise ValueError(
            f"expected a label in column {label} and pixels, got {len(fields)} columns between "
            "commas"
        )
    return label % len(fields)


def _is_header(fields: list[str], column: int) -> bool:
    return not any(_is_number(text) for i, text in enumerate(fields) if i != column)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_class(text: str) -> bool:
    """Return whether a label is a whole number, and no larger than a number of classes can be."""
    return text.isascii() and text.isdecimal() and len(text) <= 5


def _pixels(fields: list[str]) -> bytes:
    try:
        return bytes(map(int, fields))
    except ValueError:
        return bytes(map(_pixel, fields))


def _pixel(text: str) -> int:
    """Return a pixel that may be written as 255.0 or 2.55e2."""
    if _is_number(text) and 0 <= (value := float(text)) <= 255 and value == int(value):
        return int(value)
    raise ValueError(f"expected pixels that are whole numbers from 0 to 255, got {text!r:.100}")


def _size(count: int, size: tuple[int, int] | None, path: Path) -> tuple[int, int]:
    side = math.isqrt(count)
    if size is None and side * side != count:
        raise ValueError(
            f"{path}: expected square images, got {count} pixels; size=(height, width) says what "
            "shape they have"
        )
    if size is not None and math.prod(size) != count:
        raise ValueError(f"{path}: expected {math.prod(size)} pixels for {size}, got {count}")
    return size or (side, side)


def _classes(rows: list[Row], names: list[str] | None, path: Path) -> tuple[Array, list[str]]:
    """Return the classes (N,) and their names."""
    found = {row.label for row in rows}
    if names is None and all(map(_is_class, found)):
        t = np.array([int(row.label) for row in rows])
        return forms.classes(t, int(t.max()) + 1), forms.numbered(t)
    names = sorted(found) if names is None else names
    if len(names) < 2:
        raise ValueError(f"{path}: expected two or more classes, got {names}")
    number = {name: k for k, name in enumerate(names)}
    for row in rows:
        if row.label not in number:
            raise ValueError(
                f"{path}, line {row.line}: expected a label among {names!r:.300}, got {row.label!r}"
            )
    return forms.classes([number[row.label] for row in rows], len(names)), names
