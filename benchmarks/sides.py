"""The tasks of `python -m benchmarks`, and the sides that do them."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import book
from dlbasics import SGD, Adam, DeepConvNet, MultiLayerNet, Network, SimpleConvNet
from dlbasics._internal import halves, table

Array = np.ndarray
Step = Callable[[Any, Any], Any]
"""A function of a batch (x, t).  It returns the loss, or the scores."""

Side = tuple[Step, Callable[[Array, Array], tuple[Any, Any]]]
"""A step, and the function that prepares a batch for it, whose time does not count."""


@dataclass(frozen=True)
class Task:
    """What is measured: training steps, or predictions if there is no optimizer."""

    network: Callable[[], Network]
    optimizer: str = ""
    batch: int = 100
    batches: int = 1

    @property
    def has_convolutions(self) -> bool:
        return self.network().input_dim is not None


def simple() -> Network:
    return SimpleConvNet(rng=0)


def deep() -> Network:
    return DeepConvNet(rng=0)


def two_layers() -> Network:
    return MultiLayerNet(784, [50], 10, rng=0)


def six_layers() -> Network:
    return MultiLayerNet(784, [100] * 5, 10, rng=0)


TASKS = {
    "SimpleConvNet, training step": Task(simple, "Adam"),
    "DeepConvNet, training step": Task(deep, "Adam"),
    "784-50-10, training step with SGD": Task(two_layers, "SGD"),
    "784-100x5-10, training step with SGD": Task(six_layers, "SGD", batch=128),
    "784-100x5-10, training step with Adam": Task(six_layers, "Adam", batch=128),
    "SimpleConvNet, predictions, ten batches": Task(simple, batches=10),
    "SimpleConvNet, predictions, one batch": Task(simple),
    "DeepConvNet, predictions, ten batches": Task(deep, batches=10),
    "DeepConvNet, predictions, one batch": Task(deep),
}


def as_drawn(x: Array, t: Array) -> tuple[Array, Array]:
    return x, t


def library(task: Task, threads: int) -> Side:
    network = task.network()
    if threads == 1:  # one half of a batch after the other, as in plain mode
        table.replacement(halves.run_all)
        del table._fast[inspect.unwrap(halves.run_all)]
    if not task.optimizer:
        return lambda x, t: network.predict(x), as_drawn
    optimizer = {"SGD": SGD, "Adam": Adam}[task.optimizer]()

    def step(x: Array, t: Array) -> Any:
        optimizer.update(network.params, network.gradient(x, t))
        return network.last_loss

    return step, as_drawn


def pytorch(task: Task, threads: int, best: bool = False) -> Side:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    network = task.network()
    kinds: dict[str, Callable[[Any], list[Any]]] = {
        "Conv": lambda a: [nn.Conv2d(*a.W.shape[1::-1], a.W.shape[2:], a.stride, a.pad)],
        "Pool": lambda a: [nn.MaxPool2d((a.pool_h, a.pool_w), a.stride, a.pad)],
        "Affine": lambda a: [nn.Flatten()] * task.has_convolutions + [nn.Linear(*a.W.shape)],
        "Relu": lambda a: [nn.ReLU()],
        "Dropout": lambda a: [nn.Dropout(a.dropout_ratio)],
    }
    layers = network.layers.values()
    model = nn.Sequential(*(theirs for ours in layers for theirs in kinds[ours.kind](ours)))
    with torch.no_grad():
        for theirs, ours in zip(model.parameters(), network.params.values(), strict=True):
            theirs.copy_(torch.from_numpy(ours.T if ours.ndim == 2 else ours))
    channels_last = best and task.has_convolutions
    if channels_last:
        model = model.to(memory_format=torch.channels_last)

    def prepare(x: Array, t: Array) -> tuple[Any, Any]:
        images = torch.from_numpy(x)
        if channels_last:
            images = images.to(memory_format=torch.channels_last)
        return images, torch.from_numpy(t)

    if not task.optimizer:
        model.eval()

        def predict(x: Any, t: Any) -> list[Any]:
            with torch.inference_mode():
                return [model(part) for part in x.split(task.batch)]

        return predict, prepare
    method, lr = {"SGD": (torch.optim.SGD, 0.01), "Adam": (torch.optim.Adam, 0.001)}[task.optimizer]
    # SGD takes the same time with `fused`, with `foreach` and as installed, within 2%.
    optimizer = method(model.parameters(), lr=lr, fused=True if best else None)
    criterion = nn.CrossEntropyLoss()

    def step(x: Any, t: Any) -> float:
        optimizer.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step, prepare


def pytorch_at_its_best(task: Task, threads: int) -> Side:
    return pytorch(task, threads, best=True)


def the_book(task: Task, threads: int) -> Side:
    network = book.BookNetwork(task.network())
    if not task.optimizer:
        parts = range(0, task.batch * task.batches, task.batch)
        return lambda x, t: [network.predict(x[i : i + task.batch]) for i in parts], as_drawn
    optimizer = {"SGD": book.SGD, "Adam": book.Adam}[task.optimizer]()

    def step(x: Array, t: Array) -> float:
        loss, grads = network.gradient(x, t)
        optimizer.update(network.params, grads)
        return loss

    return step, as_drawn


def straight(task: Task, threads: int) -> Side:
    """Return a step of Affine and ReLU layers, written directly for batches of one size."""
    params = {**task.network().params}
    layers = [(params[f"W{i}"], params[f"b{i}"]) for i in range(1, len(params) // 2 + 1)]
    optimizer = {"SGD": book.SGD, "Adam": book.Adam}[task.optimizer]()
    samples, ones = np.arange(task.batch), np.ones(task.batch, np.float32)

    def step(x: Array, t: Array) -> float:
        inputs = []
        for W, b in layers:
            inputs.append(x)
            h = x @ W
            h += b
            x = np.maximum(h, 0)
        log_y = h.T.copy()  # NumPy takes less time along the samples than along the classes
        log_y -= log_y.max(axis=0)
        log_y -= np.log(np.exp(log_y).sum(axis=0))
        loss = -float(log_y[t, samples].sum()) / task.batch
        dout = np.exp(log_y).T.copy()
        dout[samples, t] -= 1
        dout *= 1 / task.batch
        grads = {}
        for i in range(len(layers), 0, -1):
            grads[f"W{i}"], grads[f"b{i}"] = inputs[i - 1].T @ dout, ones @ dout
            if i > 1:
                dout = dout @ layers[i - 1][0].T
                dout *= inputs[i - 1] > 0
        optimizer.update(params, grads)
        return loss

    return step, as_drawn


NUMPY_ALONE, WITH_FAST, STRAIGHT = "NumPy alone", "with `fast`", "straight NumPy"
SIDES: dict[str, Callable[[Task, int], Side]] = {
    NUMPY_ALONE: library,
    WITH_FAST: library,
    "PyTorch at its best": pytorch_at_its_best,
    "PyTorch as installed": pytorch,
    "the book's algorithm": the_book,
    STRAIGHT: straight,
}
