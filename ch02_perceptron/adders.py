"""*From NAND to a Computer* (chapter 2): NAND perceptrons alone add numbers.

A circuit is a list of NANDs.  Each NAND has the name of its output wire and of its two input wires.
The script evaluates this list, counts its NANDs and draws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.gates import INPUTS, NAND, TABLES, rows_that_differ
from dlbasics.experiment import Claim, Experiment, Record

Circuit = tuple[tuple[str, str, str], ...]

AND_GATE: Circuit = (
    ("n", "a", "b"),
    ("y", "n", "n"),
)
OR_GATE: Circuit = (
    ("not a", "a", "a"),
    ("not b", "b", "b"),
    ("y", "not a", "not b"),
)
XOR_GATE: Circuit = (
    ("n", "a", "b"),
    ("p", "a", "n"),
    ("q", "n", "b"),
    ("y", "p", "q"),
)
HALF_ADDER: Circuit = (
    ("n", "a", "b"),
    ("p", "a", "n"),
    ("q", "n", "b"),
    ("sum", "p", "q"),
    ("carry", "n", "n"),
)
FULL_ADDER: Circuit = (
    ("n", "a", "b"),
    ("p", "a", "n"),
    ("q", "n", "b"),
    ("h", "p", "q"),  # a XOR b; the next four NANDs are XOR again, of h and carry in
    ("m", "h", "carry in"),
    ("r", "h", "m"),
    ("s", "m", "carry in"),
    ("sum", "r", "s"),
    ("carry", "m", "n"),
)

EXAMPLE = {"a": 1, "b": 0, "carry in": 1}
"""The inputs in the drawing of the full adder: 1 + 0 + 1 = 2, with sum 0 and carry 1."""


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        bits: The number of bits of the numbers that are added, at most 10.
    """

    bits: int = 8

    def __post_init__(self) -> None:
        if self.bits > 10:  # all 2^(2 bits) sums are tried
            raise ValueError(f"bits must be at most 10, got {self.bits}")


@dataclass(frozen=True)
class Result(Record):
    """The outputs of the circuits, and the numbers of their NANDs.

    Args:
        gates: The outputs of AND, OR and XOR made of NANDs, at the four INPUTS.
        half_sum: The sum of the half adder at the four INPUTS.
        half_carry: The carry of the half adder at the four INPUTS.
        full_sum: The sum of the full adder at the INPUTS, first with carry in 0, then with 1.
        full_carry: The carry of the full adder, as for `full_sum`.
        nands: The number of NANDs in each circuit, by name.
        sums: The number of sums that were tried: all pairs of numbers.
        right_sums: The number of sums that were right.
        example_wires: The value of each wire of the full adder with the inputs EXAMPLE.
    """

    gates: dict[str, list[int]]
    half_sum: list[int]
    half_carry: list[int]
    full_sum: list[int]
    full_carry: list[int]
    nands: dict[str, int]
    sums: int
    right_sums: int
    example_wires: dict[str, int]


def evaluate(circuit: Circuit, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the value of every wire, given the inputs: numbers, or arrays of one shape."""
    wires = dict(inputs)
    for output, first, second in circuit:
        wires[output] = NAND(wires[first], wires[second])
    return wires


def half_adder(a: Any, b: Any) -> tuple[Any, Any]:
    """Return sum and carry of two bits, numbers or arrays: a + b = 2 carry + sum.

    >>> print(*half_adder(1, 1))
    0 1
    """
    wires = evaluate(HALF_ADDER, {"a": a, "b": b})
    return wires["sum"], wires["carry"]


def full_adder(a: Any, b: Any, carry_in: Any) -> tuple[Any, Any]:
    """Return sum and carry of three bits, numbers or arrays: a + b + carry_in = 2 carry + sum.

    >>> print(*full_adder(1, 1, 1))
    1 1
    """
    wires = evaluate(FULL_ADDER, {"a": a, "b": b, "carry in": carry_in})
    return wires["sum"], wires["carry"]


def add(a: Any, b: Any) -> np.ndarray:
    """Return the bits of a + b (n + 1, ...), given the bits of a and b (n, ...), lowest bit first.

    It adds as one does by hand: a half adder adds the lowest bits, and n - 1 full adders add the
    others.  Each takes the carry of the one before.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim == 0 or len(a) == 0:
        raise ValueError(f"a and b must have one shape (n, ...), got {a.shape} and {b.shape}")
    digit, carry = half_adder(a[0], b[0])
    digits = [digit]
    for a_bit, b_bit in zip(a[1:], b[1:], strict=True):
        digit, carry = full_adder(a_bit, b_bit, carry)
        digits.append(digit)
    return np.stack([*digits, carry])


def to_bits(numbers: Any, bits: int) -> np.ndarray:
    """Return the bits of whole numbers (...), lowest bit first: (bits, ...)."""
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iu" or np.any((numbers < 0) | (numbers >= 2**bits)):
        raise ValueError(f"numbers must be integers from 0 to {2**bits - 1}, got {numbers}")
    return np.stack([numbers >> i & 1 for i in range(bits)])


def from_bits(bits: Any) -> np.ndarray:
    """Return the whole numbers (...) of bits (n, ...), lowest bit first."""
    return np.tensordot(2 ** np.arange(len(bits)), bits, axes=1)


def run(config: Config) -> Result:
    a, b = np.array(INPUTS).T
    circuits = {"AND": AND_GATE, "OR": OR_GATE, "XOR": XOR_GATE}
    half_sum, half_carry = half_adder(a, b)
    full_sum, full_carry = full_adder(np.tile(a, 2), np.tile(b, 2), np.repeat((0, 1), 4))

    numbers = np.arange(2**config.bits)
    left, right = (grid.ravel() for grid in np.meshgrid(numbers, numbers))
    sums = from_bits(add(to_bits(left, config.bits), to_bits(right, config.bits)))

    nands = {name: len(circuit) for name, circuit in circuits.items()}
    nands |= {"half adder": len(HALF_ADDER), "full adder": len(FULL_ADDER)}
    nands["adder"] = len(HALF_ADDER) + (config.bits - 1) * len(FULL_ADDER)
    return Result(
        gates={
            name: evaluate(circuit, {"a": a, "b": b})["y"].tolist()
            for name, circuit in circuits.items()
        },
        half_sum=half_sum.tolist(),
        half_carry=half_carry.tolist(),
        full_sum=full_sum.tolist(),
        full_carry=full_carry.tolist(),
        nands=nands,
        sums=len(sums),
        right_sums=int((sums == left + right).sum()),
        example_wires={wire: int(v) for wire, v in evaluate(FULL_ADDER, EXAMPLE).items()},
    )


PLACES = {
    "n": (1.6, 0.0),
    "p": (4.2, 1.0),
    "q": (4.2, -1.0),
    "h": (6.8, 0.0),
    "m": (9.4, -1.2),
    "r": (12.0, -0.2),
    "s": (12.0, -2.2),
    "sum": (14.6, -1.2),
    "carry": (14.6, -3.6),
}
"""In the drawing of the full adder, the middle of the left edge of each NAND."""

HEIGHTS = {"a": 1.2, "b": -1.2, "carry in": -2.4}
"""The heights at which the inputs begin."""

TURNS = {"a": 0.9, "b": 0.9, "carry in": 8.7, "n": 3.5, "p": 6.1, "q": 6.1, "h": 8.7}
TURNS |= {"m": 11.3, "r": 13.9, "s": 13.9}
"""The place from left to right where each wire turns up or down to the NANDs that it leads to."""

WIDTH, HEIGHT, PIN = 1.1, 0.8, 0.2
"""The size of a NAND, and how far its inputs are above and below its middle."""


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=8.5, height=2.8)
    axes.set(xlim=(-2.3, 18.6), ylim=(-4.2, 1.6), aspect="equal")
    axes.axis("off")
    for wire, value in result.example_wires.items():
        draw_wire(axes, wire, value)
    for x, y in PLACES.values():
        left, right, bottom, top = x, x + WIDTH, y - HEIGHT / 2, y + HEIGHT / 2
        corners = [left, right, right, left], [bottom, bottom, top, top]
        axes.fill(*corners, facecolor="white", edgecolor="black", zorder=3)
        axes.text(x + WIDTH / 2, y, "NAND", ha="center", va="center", fontsize=8, zorder=4)
    return {"full_adder": figure}


def draw_wire(axes: Any, wire: str, value: int) -> None:
    """Draw a wire from its beginning to each NAND that it leads to, in red if its value is 1.

    A dot marks each place where it branches.  Wires that cross without a dot do not touch.
    """
    color = ("0.55", "C3")[value]
    if wire in PLACES:
        x, y = PLACES[wire][0] + WIDTH, PLACES[wire][1]
        axes.text(x + 0.35, y + 0.08, value, color=color, ha="center", va="bottom")
    else:
        x, y = 0.0, HEIGHTS[wire]
        axes.text(x - 0.15, y, f"{wire} = {value}", color=color, ha="right", va="center")
    pins = pins_of(wire)
    if not pins:
        axes.plot([x, x + 1], [y, y], color=color)
        axes.text(x + 1.15, y, f"{wire} = {value}", color=color, va="center")
        return
    turn = TURNS[wire]
    # The first line is white and wider: it leaves a gap in the wires that this wire crosses.
    for style in ({"color": "white", "linewidth": 6}, {"color": color}):
        for pin_x, pin_y in pins:
            axes.plot([x, turn, turn, pin_x], [y, y, pin_y, pin_y], **style)
    heights = [pin_y for _, pin_y in pins]
    lowest, highest = min(y, *heights), max(y, *heights)
    for at in {y, *heights}:
        if (at == y) + (at in heights) + (at < highest) + (at > lowest) > 2:
            axes.plot(turn, at, "o", color=color, markersize=4)


def pins_of(wire: str) -> list[tuple[float, float]]:
    """Return where the wire ends: the upper or the lower input of each NAND that takes it."""
    return [
        (PLACES[output][0], round(PLACES[output][1] + side, 2))
        for output, first, second in FULL_ADDER
        for taken, side in ((first, PIN), (second, -PIN))
        if taken == wire
    ]


def tables_of(result: Result) -> list[tuple[list[int], Sequence[int]]]:
    """Return the outputs of each circuit, and its truth table."""
    return [
        *((result.gates[gate], TABLES[gate]) for gate in ("AND", "OR", "XOR")),
        (result.half_sum, (0, 1, 1, 0)),
        (result.half_carry, (0, 0, 0, 1)),
        (result.full_sum, (0, 1, 1, 0, 1, 0, 0, 1)),
        (result.full_carry, (0, 0, 0, 1, 0, 1, 1, 1)),
    ]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "truth tables of AND, OR, XOR, half and full adder: rows that differ",
            0,
            lambda r: sum(rows_that_differ(*tables) for tables in tables_of(r)),
            printed=False,
        ),
        Claim.same(
            "right sums, of all 65,536 pairs of numbers",
            65_536,
            lambda r: r.right_sums,
            printed=False,
        ),
        Claim.same(
            "NANDs in XOR, half adder, full adder, adder of 8 bits",
            (4, 5, 9, 68),
            lambda r: [r.nands[name] for name in ("XOR", "half adder", "full adder", "adder")],
            printed=False,
        ),
    ],
    quick={"bits": 4},
)

if __name__ == "__main__":
    experiment.main()
