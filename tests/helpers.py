"""What several test files share."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics.experiment import LEFT_OUT, Claim, Data, Verdict, judge, load_data
from dlbasics.layers import Layer

ROOT = Path(__file__).parents[1]
"""The folder of the project."""


def normal(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Any:
    """Return standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def channels_last(images: Any) -> Any:
    """Return the same images (N, C, H, W); in memory the channels of a pixel lie side by side."""
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def failed(claims: Sequence[Claim], result: Any) -> list[Verdict]:
    """Return the verdicts of the claims that do not hold, as if the result were one on MNIST."""
    verdicts = [verdict for verdict in judge(claims, result) if verdict.ours is not LEFT_OUT]
    assert verdicts, "no claim was judged"
    return [verdict for verdict in verdicts if not verdict.holds]


class Block(Layer):
    """A layer that holds others, as a reader might write one: they run one after the other."""

    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        for layer in self.layers:
            x = layer.forward(x, train_flg)
        return x

    def backward(self, dout: Any) -> Any:
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


@cache
def few_digits() -> Data:
    """Return 2,000 training and 500 test images that dlbasics draws."""
    return load_data("digits", quick=True)
