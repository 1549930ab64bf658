"""Computational graphs (chapter 5): values flow forward along the edges, derivatives backward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ch05_backprop.nodes import OPERATIONS, Branch

Place = tuple[float, float]
"""Where something is drawn: inches to the right and up."""


@dataclass(frozen=True)
class Input:
    """An edge that comes from outside, with its value: a number or an array.

    constant: nobody asks for its derivative.
    """

    name: str
    value: Any
    at: Place
    constant: bool = False


@dataclass(frozen=True)
class Node:
    """An operation of nodes.OPERATIONS or 'branch'; the edges it takes, and those it gives.

    height: that of its frame where many edges meet, in inches.
    """

    operation: str
    takes: Sequence[str]
    gives: Sequence[str]
    at: Place
    height: float = 0.0


@dataclass(frozen=True)
class Graph:
    """Inputs and nodes, each node after those that feed it; every edge has one start and one end.

    upstream: derivatives that come in at the edges that leave the graph, 1 where none is given.
    values, derivatives: for an edge, a formula of what it carries, in Python, of the names of
        edges, those of `symbols`, and g, the derivative that comes in.
    via: corners on an edge's way.
    label_at: where on an edge its label stands, from 0 (its start) to 1, by default in the middle.
    """

    title: str
    inputs: Sequence[Input]
    nodes: Sequence[Node]
    upstream: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    derivatives: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, Any] = field(default_factory=dict)
    via: Mapping[str, Sequence[Place]] = field(default_factory=dict)
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
                        f"{self.title}: node {node.operation!r} takes {name!r}, which no input or "
                        "node before it gives, or which another node has taken (branch it)"
                    )
                waiting.remove(name)
            waiting.update(node.gives)
            every_edge += node.gives
        twice = {name for name in every_edge if every_edge.count(name) > 1}
        if twice:
            raise ValueError(f"{self.title}: edges {sorted(twice)} are given more than once")
        named = {*self.upstream, *self.values, *self.derivatives, *self.via, *self.label_at}
        unknown = named.difference(every_edge) | set(self.upstream).difference(self.outputs)
        if unknown:
            raise ValueError(f"{self.title}: {sorted(unknown)} are no edges, or not at the end")
        unused = waiting.difference(self.outputs)
        if unused:
            raise ValueError(f"{self.title}: no node takes the inputs {sorted(unused)}")

    @property
    def outputs(self) -> list[str]:
        """The edges that leave the graph."""
        taken = {name for node in self.nodes for name in node.takes}
        return [name for node in self.nodes for name in node.gives if name not in taken]

    def run(self) -> "Flow":
        """Forward through the nodes in their order, and backward in the opposite one."""
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
    """For every edge its value, and the derivative of the output with respect to it."""

    values: dict[str, Any]
    derivatives: dict[str, Any]


def _each(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)


def _sum_to(derivative: Any, shape: tuple[int, ...]) -> Any:
    """Where NumPy repeated a number or a row for all rows of a batch, their derivatives add up."""
    derivative = np.asarray(derivative)
    return derivative.sum(axis=tuple(range(derivative.ndim - len(shape))))
