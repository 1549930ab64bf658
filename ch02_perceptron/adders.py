"""From NAND to a Computer (chapter 2): numbers are added by NAND perceptrons alone.

A circuit is a list of NANDs, each with the name of its output wire and of its two inputs.  The same
list is evaluated, counted and drawn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.gates import INPUTS, NAND, TABLES
from dlbasics import experiment
from dlbasics._internal.checks import as_array
from dlbasics.experiment import Claim
from dlbasics.typing import Array

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
    ("h", "p", "q"),  # a XOR b: from here the same four NANDs again, with carry in
    ("m", "h", "carry in"),
    ("r", "h", "m"),
    ("s", "m", "carry in"),
    ("sum", "r", "s"),
    ("carry", "m", "n"),
)

EXAMPLE = {"a": 1, "b": 0, "carry in": 1}
"""The input with which the full adder is drawn: 1 + 0 + 1 = 2, sum 0 and carry 1."""


@dataclass(frozen=True)
class Config:
    bits: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 10:
            raise ValueError(
                f"bits must be from 1 to 10, as all 2^(2 bits) sums are tried, got {self.bits}"
            )


@dataclass(frozen=True)
class Result:
    """gates and half adder: outputs at the four INPUTS.

    The full adder's: at the INPUTS with carry in 0, then with carry in 1.
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
    """The value of every wire, inputs included: numbers, or arrays of one shape."""
    wires = dict(inputs)
    for output, first, second in circuit:
        wires[output] = NAND(wires[first], wires[second])
    return wires


def half_adder(a: Any, b: Any) -> tuple[Any, Any]:
    """(sum, carry) of two bits, numbers or arrays: a + b = 2 carry + sum.

    >>> print(*half_adder(1, 1))
    0 1
    """
    wires = evaluate(HALF_ADDER, {"a": a, "b": b})
    return wires["sum"], wires["carry"]


def full_adder(a: Any, b: Any, carry_in: Any) -> tuple[Any, Any]:
    """(sum, carry) of three bits, numbers or arrays: a + b + carry_in = 2 carry + sum.

    >>> print(*full_adder(1, 1, 1))
    1 1
    """
    wires = evaluate(FULL_ADDER, {"a": a, "b": b, "carry in": carry_in})
    return wires["sum"], wires["carry"]


def add(a: Any, b: Any) -> Array:
    """The bits of a + b by ripple carry, as by hand: each column's carry goes into the next.

    a, b: (n, ...) bits, the lowest first;  result: (n + 1, ...).  A half adder and n - 1 full ones.
    """
    a, b = as_array(a, "a"), as_array(b, "b")
    if a.shape != b.shape or a.ndim == 0 or len(a) == 0:
        raise ValueError(f"a and b must have one shape (n, ...), got {a.shape} and {b.shape}")
    digit, carry = half_adder(a[0], b[0])
    digits = [digit]
    for a_bit, b_bit in zip(a[1:], b[1:], strict=True):
        digit, carry = full_adder(a_bit, b_bit, carry)
        digits.append(digit)
    return np.stack([*digits, carry])


def to_bits(numbers: Any, bits: int) -> Array:
    """The bits of whole numbers (...), the lowest first: (bits, ...)."""
    numbers = as_array(numbers, "numbers")
    if numbers.dtype.kind not in "iu" or np.any((numbers < 0) | (numbers >= 2**bits)):
        raise ValueError(f"numbers must be integers from 0 to {2**bits - 1}, got {numbers}")
    return np.stack([numbers >> i & 1 for i in range(bits)])


def from_bits(bits: Any) -> Array:
    """The whole numbers (...) of bits (n, ...), the lowest first."""
    bits = as_array(bits, "bits")
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


# Where the full adder is drawn: the left edge of each NAND, the heights of the inputs, and where a
# wire turns up or down to the NANDs that it leads to.
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
HEIGHTS = {"a": 1.2, "b": -1.2, "carry in": -2.4}
TURNS = {"a": 0.9, "b": 0.9, "carry in": 8.7, "n": 3.5, "p": 6.1, "q": 6.1, "h": 8.7}
TURNS |= {"m": 11.3, "r": 13.9, "s": 13.9}
WIDTH, HEIGHT, PIN = 1.1, 0.8, 0.2


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=10, height=3.4)
    axes.set(xlim=(-1.8, 18.2), ylim=(-4.2, 1.6), aspect="equal")
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
    """The wire from where it begins to each NAND that it leads to, red where it carries 1.

    Dots are where it branches; wires that cross without a dot do not touch.
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
    # First in white and wider: the gap that it leaves in the wires it crosses.
    for style in ({"color": "white", "linewidth": 6}, {"color": color}):
        for pin_x, pin_y in pins:
            axes.plot([x, turn, turn, pin_x], [y, y, pin_y, pin_y], **style)
    heights = [pin_y for _, pin_y in pins]
    lowest, highest = min(y, *heights), max(y, *heights)
    for at in {y, *heights}:
        if (at == y) + (at in heights) + (at < highest) + (at > lowest) > 2:
            axes.plot(turn, at, "o", color=color, markersize=4)


def pins_of(wire: str) -> list[tuple[float, float]]:
    """Where the wire ends: an upper or a lower input of each NAND that takes it."""
    return [
        (PLACES[output][0], round(PLACES[output][1] + side, 2))
        for output, first, second in FULL_ADDER
        for taken, side in ((first, PIN), (second, -PIN))
        if taken == wire
    ]


CLAIMS = [
    Claim.same("AND from NAND", TABLES["AND"], lambda r: r.gates["AND"]),
    Claim.same("OR from NAND", TABLES["OR"], lambda r: r.gates["OR"]),
    Claim.same("XOR from NAND", TABLES["XOR"], lambda r: r.gates["XOR"]),
    Claim.same("half adder, sum", (0, 1, 1, 0), lambda r: r.half_sum),
    Claim.same("half adder, carry", (0, 0, 0, 1), lambda r: r.half_carry),
    Claim.same("full adder, sum", (0, 1, 1, 0, 1, 0, 0, 1), lambda r: r.full_sum),
    Claim.same("full adder, carry", (0, 0, 0, 1, 0, 1, 1, 1), lambda r: r.full_carry),
    Claim.same("right sums, of all pairs of numbers", 65_536, lambda r: r.right_sums),
    Claim.same("NANDs in XOR", 4, lambda r: r.nands["XOR"]),
    Claim.same("NANDs in the half adder", 5, lambda r: r.nands["half adder"]),
    Claim.same("NANDs in the full adder", 9, lambda r: r.nands["full adder"]),
    Claim.same("NANDs in the adder", 68, lambda r: r.nands["adder"]),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"bits": 4})
