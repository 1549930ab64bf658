"""One training iteration of chapter 5's network: 784-50-10, batch 100, float32, SGD.

In one process against its five matrix products alone, and against the same arithmetic written
straight down in NumPy: no layers, no checks, nothing that could be reused.  Where PyTorch is
installed, against its eager mode with the same number of threads, the loss read in every iteration:
each side in processes of its own, in turn, for the idle threads of one would slow the other down.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from benchmarks.interleaved import compare
from dlbasics import SGD, TwoLayerNet

Step = Callable[[], object]


def library(x: np.ndarray, t: np.ndarray) -> Step:
    network, optimizer = TwoLayerNet(784, 50, 10, rng=0), SGD(lr=0.1)
    return lambda: optimizer.update(network.params, network.gradient(x, t))


def straight(x: np.ndarray, t: np.ndarray) -> Step:
    """The same numbers, written for these shapes only."""
    params = {key: param.copy() for key, param in TwoLayerNet(784, 50, 10, rng=0).params.items()}
    W1, b1, W2, b2 = params.values()
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
            param -= 0.1 * grad
        return loss

    return step


def products(x: np.ndarray, t: np.ndarray) -> Step:
    rng = np.random.default_rng(0)
    W1, W2, z, dh, dy = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((784, 50), (50, 10), (100, 50), (100, 50), (100, 10))
    )
    return lambda: (x @ W1, z @ W2, z.T @ dy, dy @ W2.T, x.T @ dh)


def torch_eager(x: np.ndarray, t: np.ndarray) -> Step:
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    model = torch.nn.Sequential(torch.nn.Linear(784, 50), torch.nn.ReLU(), torch.nn.Linear(50, 10))
    sgd, criterion = torch.optim.SGD(model.parameters(), lr=0.1), torch.nn.CrossEntropyLoss()
    x_torch, t_torch = torch.tensor(x), torch.tensor(t)

    def step() -> float:
        sgd.zero_grad()
        loss = criterion(model(x_torch), t_torch)
        loss.backward()
        sgd.step()
        return float(loss.item())

    return step


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((100, 784), dtype=np.float32), rng.integers(0, 10, 100)


def time_alone(side: str) -> None:
    """Print the median time of one step of `side`, which has this process to itself."""
    step = {"dlbasics": library, "PyTorch": torch_eager}[side](*batch())
    rounds = []
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(200):
            step()
        rounds.append((time.perf_counter() - start) / 200)
    print(json.dumps(statistics.median(rounds[2:])))


def main() -> None:
    x, t = batch()
    compare(
        {
            "dlbasics": library(x, t),
            "matrix products alone": products(x, t),
            "straight NumPy": straight(x, t),
        }
    )
    if find_spec("torch") is None:
        print("PyTorch is not installed")
        return
    rows: dict[str, list[float]] = {"dlbasics": [], "PyTorch": []}
    for _ in range(7):
        for side, times in rows.items():
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.training_step", side],
                check=True,
                capture_output=True,
                text=True,
            )
            times.append(float(json.loads(done.stdout)))
    ratios = [ours / theirs for ours, theirs in zip(*rows.values(), strict=True)]
    for side, times in rows.items():
        print(f"{side} in a process of its own: median {statistics.median(times) * 1e6:.0f} us")
    print(f"dlbasics / PyTorch eager: {statistics.median(ratios):.2f}", end=" ")
    print(f"({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        time_alone(sys.argv[1])
    else:
        main()
