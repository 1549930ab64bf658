"""The table that `Network.summary` returns."""

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlbasics._internal.checks import as_counts
from dlbasics._internal.params import Params
from dlbasics.layers import Layer

HEADER = ("layer", "output shape", "parameters")


@dataclass(frozen=True, repr=False)
class Summary:
    """Layers, the shapes of their outputs for N samples, and their numbers of parameters.

    A prompt shows the summary as text, a notebook as a table.
    """

    rows: tuple[tuple[str, tuple[int, ...], int], ...]

    @property
    def total(self) -> int:
        """The number of parameters of the network."""
        return sum(count for _, _, count in self.rows)

    def _cells(self) -> list[tuple[str, str, str]]:
        rows = [
            (name, f"({', '.join(['N', *map(str, shape)])})", f"{count:,}")
            for name, shape, count in self.rows
        ]
        return [*rows, ("total", "", f"{self.total:,}")]

    def __repr__(self) -> str:
        cells = [HEADER, *self._cells()]
        first, second, third = (max(map(len, column)) for column in zip(*cells, strict=True))
        return "\n".join(f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in cells)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in HEADER)
        body = "".join(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in self._cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def summarize(
    layers: Mapping[str, Layer],
    input_shape: Sequence[int] | int | None,
    input_dim: tuple[int, ...] | None,
) -> Summary:
    """Return the summary of a network.

    Args:
        layers: The layers by name.
        input_shape: The shape of one sample that the caller asks for.
        input_dim: The shape of one sample if the network takes only one shape.

    Raises:
        TypeError: If `input_shape` is not a number or a list of numbers.
        ValueError: If the first layer takes samples of any shape and no shape is given, or a layer
            does not take the shape.
    """
    first = next(iter(layers.values()))
    shape = input_dim or first.input_shape
    if input_shape is not None:
        is_number = isinstance(input_shape, numbers.Integral)
        shape = tuple(as_counts([input_shape] if is_number else input_shape, "input_shape"))
    if shape is None:
        raise ValueError(f"input_shape must be given: {first.kind} takes samples of any shape")
    rows = []
    for name, layer in layers.items():
        shape = layer.output_shape(shape)
        count = sum(param.size for param in Params({name: layer}).values())
        rows.append((name, shape, count))
    return Summary(tuple(rows))
