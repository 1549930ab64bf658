"""One training step of SimpleConvNet and DeepConvNet: batch 100, float32, Adam.

Against PyTorch on two threads, as it is installed, and at its best: channels last, fused Adam, and
a malloc that keeps its memory.  And against the algorithm that the book publishes: im2col in
float64, of a whole batch at a time.  Each side runs in a process of its own, in turn, so that the
machine's moods meet all alike.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from dlbasics import Adam, DeepConvNet, Layer, Network, SimpleConvNet

Step = Callable[[], object]
NETWORKS = {"simple": SimpleConvNet, "deep": DeepConvNet}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
}


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((100, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 100)


def library(name: str) -> Step:
    return training_step(NETWORKS[name](rng=0))


def training_step(network: Network) -> Step:
    (x, t), adam = batch(), Adam()
    return lambda: adam.update(network.params, network.gradient(x, t))


def torch_default(name: str, best: bool = False) -> Step:
    import torch
    from torch import nn

    torch.set_num_threads(2)
    layers: list[Any] = []
    if name == "simple":
        layers += [nn.Conv2d(1, 30, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        layers += [nn.Linear(4320, 100), nn.ReLU(), nn.Linear(100, 10)]
    else:
        channels = 1
        for i, filter_num in enumerate((16, 16, 32, 32, 64, 64)):
            layers += [nn.Conv2d(channels, filter_num, 3, padding=2 if i == 3 else 1), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if i % 2 else []
            channels = filter_num
        layers += [nn.Flatten(), nn.Linear(1024, 50), nn.ReLU(), nn.Dropout(0.5)]
        layers += [nn.Linear(50, 10), nn.Dropout(0.5)]
    model, (x, t) = nn.Sequential(*layers), (torch.tensor(array) for array in batch())
    if best:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    adam, criterion = torch.optim.Adam(model.parameters(), fused=best), nn.CrossEntropyLoss()

    def step() -> float:
        adam.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        adam.step()
        return float(loss.item())

    return step


def torch_best(name: str) -> Step:
    return torch_default(name, best=True)


class BookLayer(Layer):
    """A layer of ours, computed as the book's code does; what is not here is no slower in ours."""

    def __init__(self, ours: Any) -> None:
        vars(self).update(vars(ours))

    def columns(self, x: np.ndarray, FH: int, FW: int) -> np.ndarray:
        N, C, H, W = x.shape
        self.x_shape, stride, pad = x.shape, self.stride, self.pad
        self.OH, self.OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
        image = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        col = np.zeros((N, C, FH, FW, self.OH, self.OW))
        for i in range(FH):
            for j in range(FW):
                col[:, :, i, j] = image[:, :, self.met(i, self.OH), self.met(j, self.OW)]
        return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * self.OH * self.OW, -1)

    def image(self, col: np.ndarray, FH: int, FW: int) -> np.ndarray:
        (N, C, H, W), stride, pad = self.x_shape, self.stride, self.pad
        col = col.reshape(N, self.OH, self.OW, C, FH, FW).transpose(0, 3, 4, 5, 1, 2)
        image = np.zeros((N, C, H + 2 * pad + stride - 1, W + 2 * pad + stride - 1))
        for i in range(FH):
            for j in range(FW):
                image[:, :, self.met(i, self.OH), self.met(j, self.OW)] += col[:, :, i, j]
        return image[:, :, pad : H + pad, pad : W + pad]

    def met(self, i: int, count: int) -> slice:
        return slice(i, i + self.stride * count, self.stride)


class BookConvolution(BookLayer):
    param_names = ("W", "b")

    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        FN, _, FH, FW = self.W.shape
        self.col, self.col_W = self.columns(x, FH, FW), self.W.reshape(FN, -1).T
        out = np.dot(self.col, self.col_W) + self.b
        return out.reshape(len(x), self.OH, self.OW, -1).transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        FN, C, FH, FW = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        self.db = np.sum(dout, axis=0)
        self.dW = np.dot(self.col.T, dout).transpose(1, 0).reshape(FN, C, FH, FW)
        return self.image(np.dot(dout, self.col_W.T), FH, FW)


class BookPooling(BookLayer):
    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        N, C, _, _ = x.shape
        col = self.columns(x, self.pool_h, self.pool_w)
        col = col.reshape(-1, self.pool_h * self.pool_w)
        self.arg_max = np.argmax(col, axis=1)
        return np.max(col, axis=1).reshape(N, self.OH, self.OW, C).transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        dout = dout.transpose(0, 2, 3, 1)
        size = self.pool_h * self.pool_w
        dmax = np.zeros((dout.size, size))
        dmax[np.arange(self.arg_max.size), self.arg_max.flatten()] = dout.flatten()
        rows = dmax.reshape(dout.shape[0] * dout.shape[1] * dout.shape[2], -1)
        return self.image(rows, self.pool_h, self.pool_w)


class BookRelu(BookLayer):
    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        dout[self.mask] = 0
        return dout


def book(name: str) -> Step:
    layers = NETWORKS[name](rng=0, dtype=np.float64).layers
    theirs = {"Conv": BookConvolution, "Pool": BookPooling, "Relu": BookRelu}
    return training_step(
        Network(
            {key: theirs.get(layer.kind, lambda same: same)(layer) for key, layer in layers.items()}
        )
    )


SIDES: dict[str, tuple[Callable[[str], Step], dict[str, str]]] = {
    "dlbasics": (library, ONE_THREAD),
    "dlbasics, products on two threads": (library, {"OPENBLAS_NUM_THREADS": "2"}),
    "PyTorch as installed": (torch_default, {}),
    "PyTorch at its best": (torch_best, KEPT_MEMORY),
    "the book's algorithm": (book, {}),
}


def time_alone(name: str, side: str, seconds: float) -> None:
    """Print the median time of one step, in a process that does nothing else."""
    step = SIDES[side][0](name)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 8:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps(statistics.median(times[3:])))


def compare(name: str, rounds: int, seconds: float) -> None:
    sides = [side for side in SIDES if "PyTorch" not in side or find_spec("torch") is not None]
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            command = [sys.executable, "-m", "benchmarks.convnet_step", "--network", name]
            done = subprocess.run(
                [*command, "--side", side, "--seconds", str(seconds)],
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, **SIDES[side][1]},
            )
            times[side].append(float(json.loads(done.stdout)))
    print(f"{NETWORKS[name].__name__:<34}  median    fastest   dlbasics / this (range)")
    for side, rows in times.items():
        ratios = [ours / this for ours, this in zip(times["dlbasics"], rows, strict=True)]
        print(
            f"{side:<34}  {statistics.median(rows) * 1e3:5.1f} ms  {min(rows) * 1e3:5.1f} ms  "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=NETWORKS)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    for name in [options.network] if options.network else NETWORKS:
        if options.side:
            time_alone(name, options.side, options.seconds)
        else:
            compare(name, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
