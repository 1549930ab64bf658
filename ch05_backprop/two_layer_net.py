"""The network of chapter 5 in float64, for the listing of *Gradient Check*.

The book computes in float64, `dlbasics.networks.TwoLayerNet` in float32.  Training needs no more,
but a gradient check does: in float32, rounding hides differences below about 1e-8.
"""

from typing import Any

import numpy as np

from dlbasics import networks


class TwoLayerNet(networks.TwoLayerNet):
    """The network Affine, ReLU, Affine and softmax, with all parameters in float64.

    x: (N, input_size);  scores: (N, output_size).

    Args:
        input_size: The number of inputs.
        hidden_size: The number of hidden neurons.
        output_size: The number of outputs.
        weight_init_std: The standard deviation of the initial weights, which are Gaussian.
        rng: The generator, or the seed, for these weights.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        *,
        rng: Any = None,
    ) -> None:
        sizes = (input_size, hidden_size, output_size)
        super().__init__(*sizes, weight_init_std, rng=rng, dtype=np.float64)
