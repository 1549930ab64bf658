"""Short texts that say what an object is, for a prompt, a message or a notebook."""

import inspect
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

import numpy as np

from dlbasics._internal.figures import images

MOST = 6
"""A longer list shows its first three items and its last one."""

WIDTH = 100
"""A longer line is cut off."""


class Record:
    """The base class of dataclasses with long lists and arrays: it gives them a short `repr`.

    A prompt shows a line for each field.  A notebook shows a table, and below it the figures, if
    the record is the result of an experiment that has a plot.
    """

    _plot: Any = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # `dataclass` leaves a `__repr__` alone that stands in the class itself.
        if "__repr__" not in vars(cls):
            cls.__repr__ = Record.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        lines = [f"    {_cut(f'{name}={text}')},\n" for name, text in _field_texts(self)]
        return f"{type(self).__name__}(\n{''.join(lines)})"

    def _repr_html_(self) -> str:
        figures = {} if self._plot is None else self._plot(self)
        table = html_table(("", type(self).__name__), _field_texts(self))
        return table + images(figures)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields, for a copy or a pickle, without the plot, which may be a lambda."""
        return {name: value for name, value in vars(self).items() if name != "_plot"}


def made_by(thing: Any) -> str:
    """Return a layer or an optimizer as a call that makes it: Pooling(2, 2, stride=2).

    Arrays count with their sizes: Affine(784, 50).  Arguments that have their default are left
    out, unless they come first: Adam(lr=0.001).
    """
    own = getattr(thing, "__dict__", {})
    arrays = [name for name in getattr(thing, "param_names", ()) if own.get(name) is not None]
    parts: list[str] = []
    for i, argument in enumerate(_arguments(type(thing))):
        name, value = argument.name, own.get(argument.name, argument.empty)
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            continue
        if name in arrays:
            parts += _sizes(own[name]) if name == arrays[0] else []
        elif _is_setting(value):
            if argument.default is argument.empty and value is not None:
                parts.append(brief(value))
            elif i == 0 or not _is_same(value, argument.default):
                parts.append(f"{name}={brief(value)}")
    if arrays and not parts:  # a class that makes its arrays itself
        parts = _sizes(own[arrays[0]])
    return f"{type(thing).__name__}({', '.join(parts)})"


def brief(value: Any, depth: int = 2) -> str:
    """Return a short text on one line: six digits of a number, the ends of a long list.

    Args:
        value: Any object.
        depth: The number of levels of lists, mappings and dataclasses to look into.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        is_short = value.ndim == 1 and value.size <= MOST
        return brief(value.tolist()) if is_short else f"{value.dtype} {value.shape}"
    if is_dataclass(value) and not isinstance(value, type):
        texts = (f"{name}={text}" for name, text in _field_texts(value, depth - 1))
        return f"{type(value).__name__}({', '.join(texts) if depth else '...'})"
    if isinstance(value, Mapping):
        items = [f"{brief(key)}: {brief(value[key], depth - 1)}" for key in _shown([*value], depth)]
        return _listed(items, len(value), "{", "}")
    if isinstance(value, list | tuple):
        items = [brief(item, depth - 1) for item in _shown(value, depth)]
        if isinstance(value, list):
            return _listed(items, len(value), "[", "]")
        return _listed(items, len(value), "(", ",)" if len(value) == 1 else ")")
    first, *others = repr(value).split("\n")
    return _cut(f"{first} ..." if others else first)


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in HTML."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def text_table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table as text; the columns from `left` on are aligned at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        aligned = (f"{cell:{'<' if i < left else '>'}{w}}" for i, (cell, w) in enumerate(cells))
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def _shown(items: Sequence[Any], depth: int) -> list[Any]:
    """Return the items that are shown: all of a few, the first and the last of many."""
    if not depth:
        return []
    return [*items] if len(items) <= MOST else [*items[:3], items[-1]]


def _listed(items: list[str], count: int, left: str, right: str) -> str:
    if len(items) < count:
        items.insert(3, "...")
        right += f" ({count:,})"
    return f"{left}{', '.join(items)}{right}"


def _field_texts(record: Any, depth: int = 2) -> list[tuple[str, str]]:
    """Return names and short texts of the fields of a dataclass."""
    return [(each.name, brief(getattr(record, each.name, "?"), depth)) for each in fields(record)]


def _arguments(kind: type) -> list[inspect.Parameter]:
    try:
        return [*inspect.signature(kind).parameters.values()]
    except (TypeError, ValueError):  # a class that is not written in Python
        return []


def _sizes(array: Any) -> list[str]:
    """Return the sizes as `create` takes them: channels, filters and filter size of filters."""
    shape = np.shape(array)
    if len(shape) == 4:
        filter_num, channels, *window = shape
        shape = channels, filter_num, window[0] if window[0] == window[1] else tuple(window)
    return [*map(str, shape)]


def _is_setting(value: Any) -> bool:
    plain = numbers.Number, str, list, tuple, np.generic, type(None)
    return isinstance(value, plain) or (is_dataclass(value) and not isinstance(value, type))


def _is_same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and brief(value) == brief(default)


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 4]} ..."
