"""*Computational Graphs* (chapter 5): values flow forward along the edges, derivatives backward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ch05_backprop.nodes import OPERATIONS, Branch

Place = tuple[float, float]
"""The place of something in a figure: inches to the right and up."""


@dataclass(frozen=True)
class Input:
    """An edge that enters the graph.

    Args:
        name: The name of the edge.
        value: Its value, a number or an array.
        at: The place of its name in the figure.
        constant: If True, its derivative is not drawn.
    """

    name: str
    value: Any
    at: Place
    constant: bool = False


@dataclass(frozen=True)
class Node:
    """An operation.

    Args:
        operation: A name from nodes.OPERATIONS, or 'branch'.
        takes: The names of the edges that enter the node.
        gives: The names of the edges that leave it.
        at: The place of the node in the figure.
        height: The height of its frame, in inches; 0 stands for a circle.
    """

    operation: str
    takes: Sequence[str]
    gives: Sequence[str]
    at: Place
    height: float = 0.0


@dataclass(frozen=True)
class Graph:
    """A computational graph.  Every edge has one start and at most one end.

    Args:
        title: The title of the figure.
        inputs: The edges that enter the graph.
        nodes: The nodes; each stands after the nodes whose edges it takes.
        upstream: The derivatives that flow into the graph at its outputs, by edge; 1 by default.
        values: Formulas for the values of edges, in Python.  They may name edges, symbols, and g,
            the derivative that flows into the first output.
        derivatives: Formulas for the derivatives, in the same form.
        symbols: Other names in the formulas, with their values.
        via: The corners of edges that are not straight.
        breaks: The edges that break off, each with the place where it begins again, so that a long
            graph has several rows.
        label_at: Where an edge carries its label, from 0 (its start) to 1 (its end); 0.5 by
            default.

    Raises:
        ValueError: The nodes and edges do not make such a graph.
    """

    title: str
    inputs: Sequence[Input]
    nodes: Sequence[Node]
    upstream: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    derivatives: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, Any] = field(default_factory=dict)
    via: Mapping[str, Sequence[Place]] = field(default_factory=dict)
    breaks: Mapping[str, Place] = field(default_factory=dict)
    label_at: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        waiting = {edge.name for edge in self.inputs}
        every_edge = [edge.name for edge in self.inputs]
        for node in self.nodes:
            if node.operation not in OPERATIONS and node.operation != "branch":
                raise ValueError(f"{self.title}: there is no operation {node.operation!r}")
            for name in node.takes:
                if name not in waiting:
                    raise ValueError(
                        f"{self.title}: node {node.operation!r} takes {name!r}, which no input and "
                        "no earlier node gives, or which another node takes already (branch it)"
                    )
                waiting.remove(name)
            waiting.update(node.gives)
            every_edge += node.gives
        twice = {name for name in every_edge if every_edge.count(name) > 1}
        if twice:
            raise ValueError(f"{self.title}: edges {sorted(twice)} are given more than once")
        places = {*self.via, *self.breaks, *self.label_at}
        named = {*self.upstream, *self.values, *self.derivatives} | places
        unknown = named.difference(every_edge) | set(self.upstream).difference(self.outputs)
        if unknown:
            raise ValueError(
                f"{self.title}: values, derivatives, via, breaks and label_at must name edges, "
                f"and upstream outputs, got {sorted(unknown)}"
            )
        unused = waiting.difference(self.outputs)
        if unused:
            raise ValueError(f"{self.title}: no node takes the inputs {sorted(unused)}")

    @property
    def outputs(self) -> list[str]:
        """The edges that leave the graph."""
        taken = {name for node in self.nodes for name in node.takes}
        return [name for node in self.nodes for name in node.gives if name not in taken]

    def run(self) -> "Flow":
        """Compute all values in the order of the nodes, and all derivatives in reverse order."""
        values = {edge.name: edge.value for edge in self.inputs}
        layers = []
        for node in self.nodes:
            branches = node.operation == "branch"
            layer = Branch(len(node.gives)) if branches else OPERATIONS[node.operation]()
            given = layer.forward(*(values[name] for name in node.takes))
            values.update(zip(node.gives, _each(given), strict=True))
            layers.append(layer)

        derivatives = {
            name: self.upstream.get(name, np.ones_like(values[name], float)[()])
            for name in self.outputs
        }
        for node, layer in zip(reversed(self.nodes), reversed(layers), strict=True):
            given = layer.backward(*(derivatives[name] for name in node.gives))
            for name, derivative in zip(node.takes, _each(given), strict=True):
                derivatives[name] = _sum_to(derivative, np.shape(values[name]))
        return Flow(values, derivatives)


@dataclass(frozen=True)
class Flow:
    """What flows through a graph.

    Args:
        values: The value of each edge.
        derivatives: The derivative of the output with respect to each edge.
    """

    values: dict[str, Any]
    derivatives: dict[str, Any]


def _each(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)


def _sum_to(derivative: Any, shape: tuple[int, ...]) -> Any:
    """Return the sum of the derivatives of a number or row that NumPy has repeated for a batch."""
    derivative = np.asarray(derivative)
    return derivative.sum(axis=tuple(range(derivative.ndim - len(shape))))
