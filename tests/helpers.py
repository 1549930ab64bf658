"""What several test files share."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from dlbasics.experiment import Claim, Data, Verdict, judge, load_data
from dlbasics.layers import Affine, IdentityWithLoss, Layer
from dlbasics.network import Network
from dlbasics.networks import TwoLayerNet
from dlbasics.trainer import Trainer

ROOT = Path(__file__).parents[1]
"""The folder of the project."""


MPIEXEC = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
"""The program that starts several ranks.  The extra "mpi" puts it beside python."""


def cores() -> set[int]:
    """To how many cores NumPy's matrix products are limited now.

    SciPy has a BLAS of its own.  It may be loaded at any time, and NumPy does not use it.
    """
    found = [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"]
    own = [each for each in found if Path(each["filepath"]).parent.name.startswith("numpy")]
    return {each["num_threads"] for each in own or found}


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


def first_test_images(data: Data, count: int) -> Data:
    """Return the data with the first test images only."""
    return replace(data, x_test=data.x_test[:count], t_test=data.t_test[:count])


def damaged(kind: type, *args: Any, **damage: Any) -> Any:
    """Return a layer with wrong gradients: `damage` maps dW, the layer and dout to another dW."""

    class Damaged(kind):
        def backward(self, dout: Any = 1) -> Any:
            self.dx = super().backward(dout)
            for name, change in damage.items():
                setattr(self, name, change(getattr(self, name), self, dout))
            return self.dx

    return Damaged(*args)


def labelled(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Return x (n, 6) and t (n,): which of its first three values is the largest."""
    x = normal(n, 6, seed=seed, dtype=np.float32)
    return x, x[:, :3].argmax(axis=1)


def small_trainer(network: Any = None, *, train_size: int = 50, **changes: Any) -> Trainer:
    """Return a trainer of 3 epochs with 4 iterations each, unless `changes` say otherwise."""
    network = network or TwoLayerNet(6, 5, 3, 0.5, rng=0)
    arguments = {"epochs": 3, "mini_batch_size": 16, "verbose": False, "rng": 1, **changes}
    return Trainer(network, *labelled(train_size), *labelled(30, seed=1), **arguments)


def regression(network: Any = None, **changes: Any) -> Trainer:
    """Return a trainer of 3 epochs with 4 iterations each, for t (N, 2) = x W."""
    W = normal(6, 2, seed=3, dtype=np.float32)
    (x, _), (x_test, _) = labelled(50), labelled(30, seed=1)
    network = network or Network([Affine.create(6, 2, rng=0)], IdentityWithLoss())
    arguments = {"epochs": 3, "mini_batch_size": 16, "verbose": False, "rng": 1, **changes}
    return Trainer(network, x, x @ W, x_test, x_test @ W, **arguments)


def mean_error(y: Any, t: Any) -> Any:
    """Return the mean absolute error, a metric."""
    return np.abs(y - t).mean()


def train(network: Any, x: Any, t: Any, optimizer: Any, steps: int = 300) -> None:
    """Update the parameters of the network `steps` times, each time on 50 random samples."""
    rng = np.random.default_rng(1)
    for _ in range(steps):
        chosen = rng.choice(len(x), 50)
        optimizer.update(network.params, network.gradient(x[chosen], t[chosen]))
