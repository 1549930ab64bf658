"""*From NAND to a Computer* (chapter 2): a parity check and a decimal number, of NANDs alone.

The parity of some bits is 1 if an odd number of them is 1: XOR of the first two, XOR of that and
the third, and so on.  It finds every error of one bit in a message.  The second circuit turns a
binary number of four bits into a decimal digit: it has one output for each digit, and the output
of the number is 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.adders import AND_GATE, XOR_GATE, Circuit, evaluate, to_bits
from ch02_perceptron.gates import rows_that_differ
from dlbasics.experiment import Claim, Experiment, Record

DIGITS = 10


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        bits: The number of bits of a message, from 2 to 16.
    """

    bits: int = 8

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:  # all 2^bits messages are tried
            raise ValueError(f"bits must be from 2 to 16, got {self.bits}")


@dataclass(frozen=True)
class Result(Record):
    """The outputs of the circuits, and the numbers of their NANDs.

    Args:
        right: The number of messages whose parity is right; all of them are tried.
        found: The share of errors of one bit, and of two bits, that the parity finds.
        decimal: The outputs of the decimal circuit, a row for each of the numbers 0 to 9.
        nands: The number of NANDs in the "parity" and in the "decimal" circuit.
        layers: The number of NANDs, one after another, on the longest way through each circuit.
    """

    right: int
    found: list[float]
    decimal: np.ndarray
    nands: dict[str, int]
    layers: dict[str, int]


def inside(circuit: Circuit, name: str, a: str, b: str, y: str) -> Circuit:
    """Return the circuit with the inputs a and b and the output y; `name` marks its own wires."""
    ends = {"a": a, "b": b, "y": y}
    return tuple(
        (ends.get(out, f"{name} {out}"), *(ends.get(wire, f"{name} {wire}") for wire in (one, two)))
        for out, one, two in circuit
    )


def parity_circuit(bits: int) -> Circuit:
    """Return the circuit with the inputs x0, x1, ... and the output of the last XOR, "parity"."""
    circuit: Circuit = ()
    before = "x0"
    for i in range(1, bits):
        after = "parity" if i == bits - 1 else f"p{i}"
        circuit += inside(XOR_GATE, f"xor{i}", before, f"x{i}", after)
        before = after
    return circuit


def decimal_circuit() -> Circuit:
    """Return the circuit with the inputs x0 (the lowest bit) to x3, and the outputs d0 to d9.

    d5 = x0 AND NOT x1 AND x2 AND NOT x3, as 5 is 0101 in binary.
    """
    circuit: Circuit = tuple((f"not x{i}", f"x{i}", f"x{i}") for i in range(4))
    for digit in range(DIGITS):
        wires = [f"x{i}" if digit >> i & 1 else f"not x{i}" for i in range(4)]
        low, high = f"d{digit} low", f"d{digit} high"
        circuit += inside(AND_GATE, f"{low} n", wires[0], wires[1], low)
        circuit += inside(AND_GATE, f"{high} n", wires[2], wires[3], high)
        circuit += inside(AND_GATE, f"d{digit} n", low, high, f"d{digit}")
    return circuit


def parity(x: Any) -> np.ndarray:
    """Return the parity of bits (n, ...), by NANDs.

    >>> print(parity([1, 0, 1, 1]))
    1
    """
    inputs = {f"x{i}": bit for i, bit in enumerate(x)}
    return np.asarray(evaluate(parity_circuit(len(x)), inputs)["parity"])


def decimal(numbers: Any) -> np.ndarray:
    """Return the outputs d0, ..., d9 for each whole number from 0 to 15, (..., 10)."""
    inputs = {f"x{i}": bit for i, bit in enumerate(to_bits(numbers, 4))}
    wires = evaluate(decimal_circuit(), inputs)
    return np.stack([wires[f"d{digit}"] for digit in range(DIGITS)], axis=-1)


def longest_way(circuit: Circuit) -> int:
    """Return the largest number of NANDs that a signal passes, one after another."""
    passed: dict[str, int] = {}
    for output, one, two in circuit:
        passed[output] = 1 + max(passed.get(one, 0), passed.get(two, 0))
    return max(passed.values())


def run(config: Config) -> Result:
    x = to_bits(np.arange(2**config.bits), config.bits)
    of_all = parity(x)
    errors = np.eye(config.bits, dtype=int)
    one_bit = [parity(x ^ error[:, np.newaxis]) != of_all for error in errors]
    two_bits = [
        parity(x ^ (errors[i] ^ errors[j])[:, np.newaxis]) != of_all
        for i in range(config.bits)
        for j in range(i)
    ]
    circuits = {"parity": parity_circuit(config.bits), "decimal": decimal_circuit()}
    return Result(
        right=int((of_all == x.sum(axis=0) % 2).sum()),
        found=[float(np.mean(one_bit)), float(np.mean(two_bits))],
        decimal=decimal(np.arange(DIGITS)),
        nands={name: len(circuit) for name, circuit in circuits.items()},
        layers={name: longest_way(circuit) for name, circuit in circuits.items()},
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=5.0, height=4.0)
    axes.imshow(result.decimal, cmap="Greys", vmin=0, vmax=1)
    for (number, digit), output in np.ndenumerate(result.decimal):
        color = ("0.6", "white")[output]
        axes.text(digit, number, output, color=color, ha="center", va="center")
    axes.set_xticks(range(DIGITS), range(DIGITS))
    axes.set_yticks(range(DIGITS), [f"{number:04b}" for number in range(DIGITS)])
    axes.set(xlabel="digit of the output", ylabel="binary number")
    axes.grid(False)
    return {"decimal": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "right parities, of all 256 messages of 8 bits", 256, lambda r: r.right, printed=False
        ),
        Claim.same(
            "share of errors of one bit and of two bits that parity finds",
            (1, 0),
            lambda r: r.found,
            printed=False,
        ),
        Claim.same(
            "decimal circuit, 0000 to 1001: outputs that differ from the truth table",
            0,
            lambda r: rows_that_differ(r.decimal, np.eye(DIGITS)),
            printed=False,
        ),
        Claim.same(
            "NANDs in the parity of 8 bits and in the decimal circuit",
            (28, 64),
            lambda r: [r.nands["parity"], r.nands["decimal"]],
            printed=False,
        ),
        Claim.same(
            "NANDs on the longest way through each",
            (21, 5),
            lambda r: [r.layers["parity"], r.layers["decimal"]],
            printed=False,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
