"""The time that each trick within convolution, pooling and batch normalization saves.

Each comparison switches one trick off and keeps the others.  The batches have 100 images.  The
times are those of one thread.  `benchmarks/plain_and_fast.py` compares whole layers and networks
with their plain formulas.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.interleaved import Call, compare, plainly
from dlbasics import BatchNorm, Convolution, Layer, Pooling, Relu
from dlbasics._internal.fast import batch_norm, memory, windows

LAYERS = {  # channels, filters, their size, pad, side of the image
    "SimpleConvNet, Conv1": (1, 30, 5, 0, 28),
    "DeepConvNet, Conv2": (16, 16, 3, 1, 28),
    "DeepConvNet, Conv4": (32, 32, 3, 2, 14),
    "DeepConvNet, Conv6": (64, 64, 3, 1, 8),
}


def images(*shape: int, seed: int = 0) -> np.ndarray:
    """Return random images, channels last, as layers return them."""
    N, C, H, W = shape
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, H, W, C), dtype=np.float32).transpose(0, 3, 1, 2)


def changed(call: Call, owner: Any, name: str, value: Any) -> Call:
    """Return a function that does `call` while `owner.name` is `value`."""

    def while_changed() -> None:
        with mock.patch.object(owner, name, value):
            call()

    return while_changed


def report(title: str, contenders: dict[str, Call], calls: int = 5) -> None:
    print(f"\n{title}")
    compare(contenders, rounds=25, calls=calls, clock=time.thread_time)


def convolution(name: str, channels: int, filter_num: int, size: int, pad: int, side: int) -> None:
    layer, general = (Convolution.create(channels, filter_num, size, pad=pad) for _ in range(2))
    x = images(100, channels, side, side)
    dout = images(*layer.forward(x).shape, seed=1)
    plainly(lambda: general.forward(x))()
    channels_first = np.ascontiguousarray(x)
    report(
        f"{name}, forward",
        {
            "as it is": lambda: layer.forward(x),
            "by im2col": plainly(lambda: general.forward(x)),
            "x channels first": lambda: layer.forward(channels_first),
            "all images at once": changed(lambda: layer.forward(x), memory, "BLOCK", 1 << 40),
            "products of any size": changed(lambda: layer.forward(x), windows, "SMALL_PRODUCT", 0),
        },
    )
    layer.forward(x)
    turned = layer.W[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    report(
        f"{name}, backward",
        {
            "as it is": lambda: layer.backward(dout),
            "by im2col and col2im": lambda: general.backward(dout),
            "all images at once": changed(lambda: layer.backward(dout), memory, "BLOCK", 1 << 40),
            "dW from columns of x": lambda: (
                layer.backward_params(dout),
                windows.forward(dout, turned, None, size - 1 - pad),
            ),
            "first layer: no dx": lambda: layer.backward_params(dout),
        },
    )


def weight_gradient() -> None:
    """Time the products of one block of Conv4's backward, in both orders."""
    rng = np.random.default_rng(0)
    columns, pixels = (rng.standard_normal((2700, k), dtype=np.float32) for k in (96, 32))
    narrow, wide = np.zeros((96, 96), np.float32), np.zeros((32, 288), np.float32)
    add = windows.add_products
    report(
        "dW of a block: (96, n) times (n, 96), or (32, n) times (n, 288)",
        {
            "as it is": lambda: add(columns, pixels, 3, to=narrow),
            "windows of columns": lambda: add(pixels, columns, 3, to=wide),
        },
        calls=50,
    )


def pooling() -> None:
    layer, general = Pooling(2, 2, stride=2), Pooling(2, 2, stride=2)
    x = images(100, 16, 28, 28)
    dout = images(*layer.forward(x).shape, seed=1)
    plainly(lambda: general.forward(x))()
    for title, call, slow in (
        ("forward", lambda: layer.forward(x), plainly(lambda: general.forward(x))),
        ("backward", lambda: layer.backward(dout), lambda: general.backward(dout)),
    ):
        report(
            f"DeepConvNet, Pool1, {title}",
            {
                "as it is": call,
                "by im2col": slow,
                "all images at once": changed(call, memory, "BLOCK", 1 << 40),
            },
        )


def relu_and_pooling() -> None:
    x = images(100, 30, 24, 24)
    dout = images(100, 30, 12, 12, seed=1)
    relu, pool = Relu(), Pooling(2, 2, stride=2)

    def step(first: Layer, second: Layer) -> None:
        second.forward(first.forward(x))
        first.backward(second.backward(dout))

    report(
        "SimpleConvNet, ReLU and pooling, forward and backward",
        {"pooling first": lambda: step(pool, relu), "ReLU first": lambda: step(relu, pool)},
    )


def elementwise() -> None:
    dout, relu = images(100, 16, 28, 28), Relu()
    relu.forward(images(100, 16, 28, 28, seed=1))
    report(
        "ReLU, backward",
        {
            "by the bits of dout": lambda: relu.backward(dout),
            "np.where": lambda: np.where(relu.mask, 0, dout),
            "dout * ~mask": lambda: dout * ~relu.mask,
        },
    )
    layer = BatchNorm.create(16)
    layer.forward(dout)
    pixels = {
        "as_rows": lambda x: x if x.ndim == 2 else x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]),
        "from_rows": lambda rows, shape: rows.reshape(shape[0], *shape[2:], shape[1]).transpose(
            0, 3, 1, 2
        ),
    }

    def a_pixel_at_a_time() -> None:
        with mock.patch.multiple(batch_norm, **pixels):
            layer.forward(dout)

    report(
        "Batch normalization, forward",
        {
            "a row of pixels at a time": lambda: layer.forward(dout),
            "a pixel": a_pixel_at_a_time,
            "all images at once": changed(lambda: layer.forward(dout), memory, "BLOCK", 1 << 40),
        },
    )
    layer.forward(dout)  # in rows of pixels again
    report(
        "Batch normalization, backward",
        {
            "as it is": lambda: layer.backward(dout),
            "all images at once": changed(lambda: layer.backward(dout), memory, "BLOCK", 1 << 40),
        },
    )


def sums_and_biases() -> None:
    x = images(100, 16, 28, 28).transpose(0, 2, 3, 1)
    pixels, rows = x.reshape(-1, 16), x.reshape(-1, 28 * 16)
    bias = images(16, 1, 1, 1).ravel()
    biases, ones = np.tile(bias, 28), np.ones(len(rows), np.float32)

    def add(values: np.ndarray, b: np.ndarray) -> None:
        values += b

    report(
        "The bias of Conv2",
        {"to a row of pixels": lambda: add(rows, biases), "to a pixel": lambda: add(pixels, bias)},
    )
    report(
        "The sum over all pixels",
        {"a product with ones": lambda: ones @ rows, "sum": lambda: rows.sum(axis=0)},
    )


def main() -> None:
    for name, geometry in LAYERS.items():
        convolution(name, *geometry)
    weight_gradient()
    pooling()
    relu_and_pooling()
    elementwise()
    sums_and_biases()


if __name__ == "__main__":
    main()
