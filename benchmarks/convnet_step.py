"""The time of a training step of SimpleConvNet and DeepConvNet, or of predictions.

A step has a batch of 100, in float32, with Adam.  Predictions are of 1,000 images, in batches of
100.  The benchmark compares the library with PyTorch on two threads: as installed, and at its best,
with channels last, fused Adam, and a malloc that keeps its memory.  It also compares the library
with the algorithm that the book publishes: im2col in float64, of a whole batch at a time.  The
sides take turns, each in its own process, so that changes of the machine's speed affect all alike.
If others use the machine, too, the processor time of all threads says more than the clock.

    python benchmarks/convnet_step.py [--network simple|deep] [--task step|predict]
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
from dlbasics._internal.fast import memory

Step = Callable[[], object]
NETWORKS = {"simple": SimpleConvNet, "deep": DeepConvNet}
SKYLAKE = {"OPENBLAS_CORETYPE": "SkylakeX"}
KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
}


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((100, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 100)


def library(name: str, task: str) -> Step:
    return work(NETWORKS[name](rng=0), task)


def library_in_one_thread(name: str, task: str) -> Step:
    network = NETWORKS[name](rng=0)
    network.sharded = False
    return work(network, task)


def library_in_fresh_memory(name: str, task: str) -> Step:
    memory.SMALLEST = 1 << 62
    return library(name, task)


def work(network: Network, task: str) -> Step:
    (x, t), adam = batch(), Adam()
    if task == "predict":
        images = np.concatenate([x] * 10)
        return lambda: network.predict(images)
    return lambda: adam.update(network.params, network.gradient(x, t))


def torch_default(name: str, task: str, best: bool = False, threads: int = 2) -> Step:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
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

    def predict() -> None:
        with torch.inference_mode():
            for _ in range(10):
                model(x)

    if task == "predict":
        model.eval()
        return predict
    adam, criterion = torch.optim.Adam(model.parameters(), fused=best), nn.CrossEntropyLoss()

    def step() -> float:
        adam.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        adam.step()
        return float(loss.item())

    return step


def torch_best(name: str, task: str) -> Step:
    return torch_default(name, task, best=True)


def torch_on_one_thread(name: str, task: str) -> Step:
    return torch_default(name, task, best=True, threads=1)


class BookLayer(Layer):
    """A layer of ours that computes as the book's code does.

    The layers without such a class are no slower in the library than in the book's code.
    """

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


def book(name: str, task: str) -> Step:
    layers = NETWORKS[name](rng=0, dtype=np.float64).layers
    theirs = {"Conv": BookConvolution, "Pool": BookPooling, "Relu": BookRelu}
    own = {key: theirs.get(layer.kind, lambda same: same)(layer) for key, layer in layers.items()}
    network = Network(own)
    network.block_size = 100
    return work(network, task)


SIDES: dict[str, tuple[Callable[[str, str], Step], dict[str, str]]] = {
    "dlbasics": (library, {}),
    "dlbasics, OPENBLAS_CORETYPE=SkylakeX": (library, SKYLAKE),
    "dlbasics, in one thread": (library_in_one_thread, {"OPENBLAS_NUM_THREADS": "1"}),
    "dlbasics, in fresh memory": (library_in_fresh_memory, {}),
    "PyTorch as installed": (torch_default, {}),
    "PyTorch at its best": (torch_best, KEPT_MEMORY),
    "PyTorch at its best, one thread": (torch_on_one_thread, KEPT_MEMORY),
    "the book's algorithm": (book, {}),
}


def time_alone(name: str, task: str, side: str, seconds: float) -> None:
    """Print the median times of one step: the time by the clock, and the processor time."""
    step = SIDES[side][0](name, task)
    times: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 8:
        start = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    print(json.dumps([statistics.median(column) for column in zip(*times[3:], strict=True)]))


def compare(name: str, task: str, rounds: int, seconds: float) -> None:
    sides = [side for side in SIDES if "PyTorch" not in side or find_spec("torch") is not None]
    times: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            command = [sys.executable, "-m", "benchmarks.convnet_step"]
            command += ["--network", name, "--task", task]
            done = subprocess.run(
                [*command, "--side", side, "--seconds", str(seconds)],
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, **SIDES[side][1]},
            )
            times[side].append(json.loads(done.stdout))
    title = f"{NETWORKS[name].__name__}, {task}"
    print(
        f"{title:<36}  by the clock  (fastest)   processor   dlbasics / this, by the clock (range)"
    )
    for side, rows in times.items():
        ratios = [ours[0] / this[0] for ours, this in zip(times["dlbasics"], rows, strict=True)]
        clock, processor = zip(*rows, strict=True)
        print(
            f"{side:<36}  {statistics.median(clock) * 1e3:9.1f} ms  {min(clock) * 1e3:6.1f} ms  "
            f"{statistics.median(processor) * 1e3:7.1f} ms   "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="See the head of this file.")
    parser.add_argument("--network", choices=NETWORKS)
    parser.add_argument("--task", choices=["step", "predict"], default="step")
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    for name in [options.network] if options.network else NETWORKS:
        if options.side:
            time_alone(name, options.task, options.side, options.seconds)
        else:
            compare(name, options.task, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
