"""A stand-in for MNIST: data of its shapes that needs no file, for quick tests of code.

Each class is one fixed smooth random picture; each sample is that picture with noise.  A network
learns them in a few dozen steps; how well says nothing about handwriting.
"""

import numpy as np

from dlbasics.arrays import Array, RngLike, as_rng

Split = tuple[Array, Array]


def load_patterns(train: int = 2_000, test: int = 500, rng: RngLike = 0) -> tuple[Split, Split]:
    """(x_train, t_train), (x_test, t_test): x float32 (N, 784) from 0 to 1, t uint8 (N,)."""
    rng = as_rng(rng)
    coarse = rng.random((10, 7, 7))
    pictures = np.kron(coarse, np.ones((4, 4))).reshape(10, 784)
    return _samples(pictures, train, rng), _samples(pictures, test, rng)


def _samples(pictures: Array, count: int, rng: np.random.Generator) -> Split:
    t = rng.integers(10, size=count, dtype=np.uint8)
    x = 0.5 * pictures[t] + 0.5 * rng.random((count, 784))
    return x.astype(np.float32), t
