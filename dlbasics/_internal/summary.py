"""The table that `Network.summary` returns, and a prompt shows for a network."""

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlbasics._internal.checks import as_counts
from dlbasics._internal.params import Params
from dlbasics._internal.readers import ReadersLayer
from dlbasics._internal.reprs import html_table, text_table
from dlbasics.layers import Layer

if TYPE_CHECKING:
    from dlbasics.network import Network

HEADER = ("layer", "output shape", "parameters")

ENDS = 30
"""The number of lines at either end that a prompt shows of a long summary."""


@dataclass(frozen=True, repr=False)
class Summary:
    """Layers, the shapes of their outputs for N samples, and their numbers of parameters.

    A prompt shows the summary as text, a notebook as a table.  A shape is None if it is unknown.
    """

    rows: tuple[tuple[str, tuple[int, ...] | None, int], ...]

    @property
    def total(self) -> int:
        """The number of parameters of the network."""
        return sum(count for _, _, count in self.rows)

    def _cells(self) -> list[tuple[str, str, str]]:
        rows = [(name, _text(shape), f"{count:,}") for name, shape, count in self.rows]
        return [*rows, ("total", "", f"{self.total:,}")]

    def __repr__(self) -> str:
        return text_table([HEADER, *self._cells()], left=2)

    def _repr_html_(self) -> str:
        return html_table(HEADER, self._cells())


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
        rows.append((name, shape, _count(name, layer)))
    return Summary(tuple(rows))


def described(network: "Network") -> str:
    """Return the class of a network, and its summary as far as the shapes are known.

    Of a network of very many layers, it shows the first and the last ones.
    """
    name = type(network).__name__
    if "_layers" not in vars(network):  # a debugger may show it while it is made
        return f"{name}()"
    lines = [name, *str(overview(network)).split("\n")]
    if len(lines) > 2 * ENDS:
        lines[ENDS:-ENDS] = [f"... {len(lines) - 2 * ENDS:,} layers"]
    return "\n".join(lines)


def overview(network: "Network") -> Summary:
    """Return a summary with the shapes that are known; unlike `summarize`, it needs no shape."""
    shape = network.input_dim
    rows = []
    for name, layer in network.layers.items():
        shape = shape or layer.input_shape
        shape = None if shape is None else _output_shape(layer, shape)
        rows.append((name, shape, _count(name, layer)))
    return Summary(tuple(rows))


def _output_shape(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    if any(isinstance(inner, ReadersLayer) for inner in layer.walk()):
        return None  # only a pass through the layer would tell
    try:
        return layer.output_shape(shape)
    except ValueError:
        return None


def _count(name: str, layer: Layer) -> int:
    return sum(param.size for param in Params({name: layer}).values())


def _text(shape: tuple[int, ...] | None) -> str:
    return "?" if shape is None else f"({', '.join(['N', *map(str, shape)])})"
