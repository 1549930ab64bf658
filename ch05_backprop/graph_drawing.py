"""Draw a computational graph as the book does: values above the arrows, derivatives below."""

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ch05_backprop.graph import Flow, Graph, Input, Node, Place

RADIUS = 0.24
BACKWARD = "#b3261e"
LETTERS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SIGNS = {"**2": "²", " * ": " · ", " @ ": " · ", ".T": "ᵀ", "-": "−", "_u": "ᵤ", "_v": "ᵥ"}


def draw(
    graph: Graph,
    flow: Flow,
    shown: Collection[str] | None = None,
    *,
    note: str = "",
    blanks: bool = False,
) -> Any:
    """Return a figure of the graph and of what flows through it.

    Args:
        graph: The graph.
        flow: Its values and derivatives.
        shown: The edges with derivatives in the figure; None stands for all.
        note: Text that follows the title.
        blanks: If True, empty brackets stand in place of what a reader should compute.
    """
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    axes.set_position((0, 0, 1, 1))
    axes.axis("off")
    routes = _routes(graph)
    inputs = {edge.name: edge.constant for edge in graph.inputs}
    for name, pieces in routes.items():
        value, derivative = flow.values[name], flow.derivatives[name]
        above = _label(graph, graph.values.get(name), value, blanks and name not in inputs)
        below = None
        if name == _number(value):
            above = ""
        if not inputs.get(name) and (shown is None or name in shown):
            below = _label(graph, graph.derivatives.get(name), derivative, blanks)
        for route in pieces:
            _draw_edge(axes, route, above, below, graph.label_at.get(name, 0.5))
    for edge in graph.inputs:
        _draw_name(axes, edge.name, *routes[edge.name][0][:2])
    for name in graph.breaks:
        _draw_name(axes, name, *routes[name][1][:2])
    for node in graph.nodes:
        _draw_node(axes, node)
    _fit(figure, axes, graph.title + note)
    return figure


def _routes(graph: Graph) -> dict[str, list[list[Place]]]:
    """Return the corners of each edge: one list, or two if it breaks off and begins again."""
    starts: dict[str, Input | Node] = {edge.name: edge for edge in graph.inputs}
    starts |= {name: node for node in graph.nodes for name in node.gives}
    ends = {name: node for node in graph.nodes for name in node.takes}
    routes = {}
    for name, start in starts.items():
        via, end = graph.via.get(name, ()), ends.get(name)
        if name in graph.breaks:
            again = Input(name, None, graph.breaks[name])
            routes[name] = [_route(start, via, None), _route(again, (), end)]
        else:
            routes[name] = [_route(start, via, end)]
    return routes


def _route(start: Input | Node, via: Sequence[Place], end: Node | None) -> list[Place]:
    """Return the corners of an arrow, from the border of its start to the border of its end."""
    corners = [*via]
    if end is not None:
        corners.append(_border(end, [start.at, *corners][-1]))
    elif not corners:
        corners.append((start.at[0] + 1.3, start.at[1]))
    first = start.at if isinstance(start, Input) else _border(start, corners[0])
    return [first, *corners]


def _border(node: Node, towards: Place) -> Place:
    """Return the point where an edge to or from the point `towards` meets the node's frame."""
    (x, y), (to_x, to_y) = node.at, towards
    if node.height:
        half = node.height / 2
        return x + np.sign(to_x - x) * _half_width(node), min(max(to_y, y - half), y + half)
    radius = 0.03 if node.operation == "branch" else RADIUS
    length = np.hypot(to_x - x, to_y - y)
    return x + (to_x - x) / length * radius, y + (to_y - y) / length * radius


def _half_width(node: Node) -> float:
    return 0.06 + 0.045 * max(map(len, node.operation.split("\n")))


def _draw_edge(
    axes: Any, route: list[Place], value: str, derivative: str | None, label_at: float
) -> None:
    """Draw an arrow forward with the value above, and one backward with the derivative below.

    There is no arrow backward if the derivative is None.  A vertical edge has the value at its left
    and the derivative at its right.
    """
    points = np.array(route)
    steps = np.diff(points, axis=0)
    lengths = np.hypot(*steps.T)
    left = np.column_stack([-steps[:, 1], steps[:, 0]]) / lengths[:, None]
    longest = int(np.argmax(lengths))
    place = points[longest] + label_at * steps[longest]
    upright = abs(left[longest][1]) < 0.3
    side = -np.sign(left[longest][0]) if upright else np.sign(left[longest][1])
    up = side * left[longest]
    angle = 0.0 if upright else np.degrees(np.arctan2(-up[0], up[1]))
    above, below = ("right", "left") if upright else ("bottom", "top")
    gap = 0.0
    if derivative is not None:
        gap = 0.035
        aside = side * gap * _corner_normals(left)
        _arrow(axes, (points - aside)[::-1], BACKWARD)
        _write(axes, place - 2 * gap * up, derivative, angle, below, BACKWARD)
        points = points + aside
    _arrow(axes, points, "black")
    _write(axes, place + (0.03 + gap) * up, value, angle, above, "black")


def _corner_normals(left: Any) -> Any:
    """Return for each corner of a route the step to the same corner of a parallel route.

    The two routes are 1 apart.

    Args:
        left: The unit normals of the segments of the route, (segments, 2).

    Returns:
        The steps, (segments + 1, 2).
    """
    before, after = np.vstack([left[:1], left]), np.vstack([left, left[-1:]])
    return (before + after) / (1 + (before * after).sum(axis=1, keepdims=True))


def _arrow(axes: Any, points: Any, color: str) -> None:
    axes.plot(*points.T, color=color, lw=1.1, solid_capstyle="butt")
    style = {"arrowstyle": "-|>,head_width=0.16,head_length=0.32", "color": color, "lw": 1.1}
    axes.annotate("", points[-1], points[-2], arrowprops=style | {"shrinkA": 0, "shrinkB": 0})


def _write(axes: Any, place: Any, text: str, angle: float, side: str, color: str) -> None:
    if not text:
        return
    upright = side in ("left", "right")
    axes.text(
        *place,
        text,
        rotation=angle,
        rotation_mode="anchor",
        ha=side if upright else "center",
        va="center" if upright else side,
        color=color,
        fontsize=9,
        linespacing=1.05,
    )


def _draw_name(axes: Any, name: str, at: Place, towards: Place) -> None:
    """Write the name of an edge at the tail of its arrow."""
    (x, y), (to_x, to_y) = at, towards
    if abs(to_x - x) < 0.3 * abs(to_y - y):
        side = {"ha": "center", "va": "top" if to_y > y else "bottom"}
        y += 0.05 * np.sign(y - to_y)
    elif to_x > x:
        side = {"ha": "right", "va": "center"}
        x -= 0.06
    else:
        side = {"ha": "left", "va": "center"}
        x += 0.06
    axes.text(x, y, _pretty(name), fontsize=10, **side)


def _draw_node(axes: Any, node: Node) -> None:
    if node.operation == "branch":
        axes.plot(*node.at, "o", color="black", markersize=4.5)
        return
    if node.height:
        half_width, half_height = _half_width(node), node.height / 2
        x = np.array([-1, 1, 1, -1]) * half_width + node.at[0]
        y = np.array([-1, -1, 1, 1]) * half_height + node.at[1]
        axes.fill(x, y, facecolor="white", edgecolor="black")
    else:
        points = 2 * 72 * RADIUS
        axes.plot(*node.at, "o", color="white", markeredgecolor="black", markersize=points)
    axes.text(*node.at, node.operation, ha="center", va="center", fontsize=10)


def _fit(figure: Any, axes: Any, title: str) -> None:
    """Make the figure as large as its contents, and add the title."""
    figure.set_dpi(150)
    figure.set_size_inches(10, 10)
    axes.set(xlim=(0, 10), ylim=(0, 10))
    figure.draw_without_rendering()  # otherwise matplotlib makes a renderer for each text
    texts = [text for text in axes.texts if text.get_text()]
    boxes = [artist.get_window_extent() for artist in (*texts, *axes.lines, *axes.patches)]
    low = np.min([box.min for box in boxes], axis=0) / figure.dpi - 0.15
    high = np.max([box.max for box in boxes], axis=0) / figure.dpi + 0.15
    axes.text(low[0] + 0.15, high[1] + 0.1, title, fontsize=11, weight="bold", va="bottom")
    right = axes.texts[-1].get_window_extent().x1 / figure.dpi + 0.15
    high = np.array([max(high[0], right), high[1] + 0.4])
    figure.set_size_inches(high - low)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _label(graph: Graph, formula: str | None, value: Any, blank: bool) -> str:
    number = "(        )" if blank else _number(value)
    if formula is None:
        return number
    upstream = f"∂L/∂{graph.outputs[0]}"
    return _pretty(re.sub(r"\bg\b", upstream, formula)) + "\n" + number


def _number(value: Any) -> str:
    """Return a number with four digits as text; an array has one line for each row."""
    if np.ndim(value) == 0:
        return f"{value + 0.0:.4g}".replace("-", "−")
    if np.ndim(value) == 1:
        return f"({', '.join(map(_number, value))})"
    return "\n".join(map(_number, value))


def _pretty(formula: str) -> str:
    """Return a formula in Python as people write it: g * y**2 becomes g · y²."""
    text = re.sub(r"(?<=[a-zA-Z])\d+\b", lambda found: found[0].translate(LETTERS), formula)
    for old, new in SIGNS.items():
        text = text.replace(old, new)
    return text
