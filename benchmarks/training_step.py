"""The time of a training iteration in float32: gradient, update, and reading the loss.

784-50-10 is the network of chapter 5, with batches of 100.  In one process, the benchmark compares
it with its five matrix products alone, and with the same arithmetic written directly in NumPy, with
no layers and no checks.  784-100x5-10 has five hidden layers of 100, with batches of 128.

If PyTorch is installed, the benchmark compares both networks with its eager mode, on the same
number of threads.  The sides take turns, each in its own process, because the idle threads of one
would slow the other down.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

from benchmarks.interleaved import compare
from dlbasics import SGD, Adam, MultiLayerNet

Step = Callable[[], object]
Side = tuple[str, str, str]

NETS = {"784-50-10": ([50], 100), "784-100x5-10": ([100] * 5, 128)}
"""The hidden layers, and the samples in a batch."""

COMPARED: list[tuple[Side, Side]] = [
    (("dlbasics", net, ours), ("PyTorch", net, theirs))
    for net, ours, theirs in (
        ("784-50-10", "SGD", "SGD"),
        ("784-100x5-10", "SGD", "SGD"),
        ("784-100x5-10", "Adam", "Adam"),
        ("784-100x5-10", "Adam", "fused Adam"),
    )
]


def batch(net: str) -> tuple[np.ndarray, np.ndarray]:
    """Return random inputs of mean 0, and labels.

    With another mean, many units die.  Adam's m of a dead unit shrinks to numbers so small that
    processors are slow with them.
    """
    rng, size = np.random.default_rng(0), NETS[net][1]
    return rng.standard_normal((size, 784), dtype=np.float32), rng.integers(0, 10, size)


def library(net: str, optimizer: str) -> Step:
    x, t = batch(net)
    network = MultiLayerNet(784, NETS[net][0], 10, rng=0)
    method = {"SGD": SGD, "Adam": Adam}[optimizer]()
    return lambda: method.update(network.params, network.gradient(x, t))


def straight() -> Step:
    """Return a step of 784-50-10 with SGD, which gives the same numbers, for these shapes only."""
    x, t = batch("784-50-10")
    W1, b1, W2, b2 = MultiLayerNet(784, [50], 10, rng=0).params.values()
    samples, ones = np.arange(len(x)), np.ones(len(x), np.float32)

    def step() -> float:
        h = x @ W1
        h += b1
        positive = h > 0
        z = np.maximum(h, 0)
        scores = z @ W2
        scores += b2
        log_y = scores.T.copy()
        log_y -= log_y.max(axis=0)
        log_y -= np.log(np.exp(log_y).sum(axis=0))
        loss = -float(log_y[t, samples].sum()) / len(x)
        dy = np.exp(log_y).T.copy()
        dy[samples, t] -= 1
        dy *= 1 / len(x)
        dh = dy @ W2.T
        dh *= positive
        for param, grad in (
            (W2, z.T @ dy),
            (b2, ones @ dy),
            (W1, x.T @ dh),
            (b1, ones @ dh),
        ):
            param -= 0.01 * grad
        return loss

    return step


def products() -> Step:
    """Return a function that computes the matrix products of 784-50-10 alone."""
    rng, (x, _) = np.random.default_rng(0), batch("784-50-10")
    W1, W2, z, dh, dy = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((784, 50), (50, 10), (100, 50), (100, 50), (100, 10))
    )
    return lambda: (x @ W1, z @ W2, z.T @ dy, dy @ W2.T, x.T @ dh)


def torch_eager(net: str, optimizer: str) -> Step:
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    widths = [784, *NETS[net][0], 10]
    layers = [f for sizes in pairwise(widths) for f in (torch.nn.Linear(*sizes), torch.nn.ReLU())]
    model, criterion = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    params = model.parameters()
    if optimizer == "SGD":
        method = torch.optim.SGD(params, lr=0.01)
    else:
        method = torch.optim.Adam(params, fused=optimizer == "fused Adam" or None)
    x, t = map(torch.tensor, batch(net))

    def step() -> float:
        method.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        method.step()
        return float(loss.item())

    return step


def time_alone(package: str, net: str, optimizer: str) -> float:
    """Return the median time of one step, which has this process to itself."""
    step = {"dlbasics": library, "PyTorch": torch_eager}[package](net, optimizer)
    rounds = []
    for _ in range(12):
        start = time.perf_counter()
        for _ in range(200):
            step()
        rounds.append((time.perf_counter() - start) / 200)
    return statistics.median(rounds[2:])


def main() -> None:
    compare(
        {
            "dlbasics": library("784-50-10", "SGD"),
            "matrix products alone": products(),
            "straight NumPy": straight(),
        }
    )
    if find_spec("torch") is None:
        print("PyTorch is not installed")
        return
    times: dict[Side, list[float]] = {side: [] for pair in COMPARED for side in pair}
    for _ in range(7):
        for side, rounds in times.items():
            command = [sys.executable, "-m", "benchmarks.training_step", *side]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rounds.append(float(json.loads(done.stdout)))
    for ours, theirs in COMPARED:
        ratios = [a / b for a, b in zip(times[ours], times[theirs], strict=True)]
        us, them = (statistics.median(times[side]) * 1e6 for side in (ours, theirs))
        print(
            f"{ours[1]}, dlbasics {ours[2]} / PyTorch eager {theirs[2]}: "
            f"{us:.0f} us / {them:.0f} us, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(time_alone(*sys.argv[1:])))
    else:
        main()
