"""A small network with a convolution, which works on the halves of a batch, and a batch."""

import numpy as np

from dlbasics import Affine, Convolution, Network, Pooling, Relu

RNG = np.random.default_rng(0)
X = RNG.standard_normal((7, 2, 8, 8))
T = RNG.integers(0, 3, 7)


def net(*extra, dtype=np.float64, **options):
    layers = [
        Convolution.create(2, 4, 3, rng=1, dtype=dtype),
        Relu(),
        Pooling(2, 2, stride=2),
        *extra,
        Affine.create(36, 3, rng=2, dtype=dtype),
    ]
    return Network(layers, **options)
