"""The book's networks; each only lists its layers.  Those for images are in convnets.py."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal.checks import RngLike, as_count, as_rng
from dlbasics.convnets import DeepConvNet, LeNet, ResNet, SimpleConvNet
from dlbasics.initializers import initializer
from dlbasics.layers import Affine, BatchNorm, Dropout, Layer, Relu, Sigmoid, Tanh
from dlbasics.network import Network
from dlbasics.regularizers import L2

__all__ = [
    "DeepConvNet",
    "LeNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "ResNet",
    "SimpleConvNet",
    "TwoLayerNet",
    "np",
]


class TwoLayerNet(Network):
    """Affine, ReLU, Affine and softmax (book, chapter 5: *Implementing Backpropagation*).

    weight_init_std: the standard deviation of the initial weights; biases start at 0.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        n_in = as_count(input_size, "input_size")
        n_hidden = as_count(hidden_size, "hidden_size")
        n_out = as_count(output_size, "output_size")
        rng, init = as_rng(rng), initializer(weight_init_std)
        layers = [
            Affine.create(n_in, n_hidden, init, rng=rng, dtype=dtype),
            Relu(),
            Affine.create(n_hidden, n_out, init, rng=rng, dtype=dtype),
        ]
        super().__init__(layers, rng=rng)


ACTIVATIONS: dict[str, type[Layer]] = {"relu": Relu, "sigmoid": Sigmoid, "tanh": Tanh}


class MultiLayerNet(Network):
    """Fully connected layers with softmax (book, chapter 6), both of the book's classes in one.

    hidden_size_list: units of each hidden layer, for instance [100, 100, 100].
    activation: 'relu', 'sigmoid' or 'tanh'.
    weight_init_std: a number; 'relu' or 'he', 'sigmoid' or 'xavier', 'glorot' (initializers.py).
    weight_decay_lambda: the strength of the L2 penalty on the weights, in loss and gradient.
    use_dropout, dropout_ration (the book's spelling): dropout after each hidden activation.
    use_batchnorm: batch normalization before each hidden activation.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        rng, init = as_rng(rng), initializer(weight_init_std)
        make_activation = _activation(activation)
        sizes = [as_count(input_size, "input_size"), *_sizes(hidden_size_list)]
        n_scores = as_count(output_size, "output_size")
        layers: list[Layer] = []
        for n_in, n_out in pairwise(sizes):
            layers.append(Affine.create(n_in, n_out, init, rng=rng, dtype=dtype))
            if use_batchnorm:
                layers.append(BatchNorm.create(n_out, dtype=dtype))
            layers.append(make_activation())
            if use_dropout:
                layers.append(Dropout(dropout_ration))
        layers.append(Affine.create(sizes[-1], n_scores, init, rng=rng, dtype=dtype))
        decay = L2(weight_decay_lambda)
        super().__init__(layers, regularizer=decay if weight_decay_lambda else None, rng=rng)


MultiLayerNetExtend = MultiLayerNet


def _activation(name: str) -> type[Layer]:
    if not isinstance(name, str):
        raise TypeError(f"activation must be one of {[*ACTIVATIONS]}, got {name!r}")
    if name.lower() not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {[*ACTIVATIONS]}, got {name!r}")
    return ACTIVATIONS[name.lower()]


def _sizes(hidden_size_list: Sequence[int]) -> list[int]:
    if isinstance(hidden_size_list, str) or not isinstance(hidden_size_list, Iterable):
        raise TypeError(f"hidden_size_list must be a list of integers, got {hidden_size_list!r}")
    return [as_count(size, "hidden_size_list") for size in hidden_size_list]
