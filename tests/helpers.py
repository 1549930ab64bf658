"""What several test files share."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Data, Verdict, judge, load_data
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
    verdicts = [verdict for verdict in judge(claims, result) if verdict.holds is not None]
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
    """Return a few of the digits that dlbasics draws."""
    return load_data("digits", quick=True)


def holds_whatever_comes(claim: Claim, result: Any) -> bool:
    """Return whether a judged claim holds for NaN, or for numbers far above and far below ours."""
    ours = claim.value(result)
    assert claim.holds is not None
    if isinstance(ours, str):
        return claim.holds(f"not {ours}")
    value = np.array(ours, dtype=float)
    # The naive softmax is meant to be NaN; anything else must not be.
    nowhere = np.where(np.isnan(value), 0, np.nan)
    value = np.nan_to_num(value)
    away = 1_000 * np.arange(1, value.size + 1).reshape(value.shape) * (1 + np.abs(value))
    far = [claim.holds((value + sign * away).tolist()) for sign in (1, -1)]
    return claim.holds(nowhere.tolist()) or all(far)


def first_test_images(data: Data, count: int) -> Data:
    """Return the data with the first test images only."""
    return replace(data, x_test=data.x_test[:count], t_test=data.t_test[:count])


def misjudged(claims: Sequence[Claim], values: Sequence[tuple[Any, Sequence[Any]]]) -> list[Any]:
    """Return the claims that refuse their right value or accept a wrong one, with that value.

    Args:
        claims: The claims.
        values: For each judged claim, the right value and a list of wrong ones.
    """
    judged = [claim for claim in claims if claim.holds is not None]
    return [
        (claim.text, value)
        for claim, (right, wrong) in zip(judged, values, strict=True)
        for value in (right, *wrong)
        if bool(claim.holds(value)) != (value is right)
    ]
