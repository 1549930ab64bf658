"""The book's networks: each class only lists its layers.

Those for images are in convnets.py and imagenets.py.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlbasics._internal.assembly import affine_layers
from dlbasics._internal.checks import RngLike, as_count, as_counts, as_flag, as_number, as_rng
from dlbasics._internal.readers import is_layer
from dlbasics.convnets import DeepConvNet, LeNet, ResNet, SimpleConvNet
from dlbasics.imagenets import VGG, AlexNet, GoogLeNet
from dlbasics.initializers import initializer
from dlbasics.layers import BatchNorm, Dropout, Elu, Identity, Layer, LeakyRelu, Relu, Sigmoid, Tanh
from dlbasics.network import Network
from dlbasics.regularizers import L2

__all__ = [
    "VGG", "AlexNet", "DeepConvNet", "GoogLeNet", "LeNet", "MultiLayerNet", "MultiLayerNetExtend",
    "ResNet", "SimpleConvNet", "TwoLayerNet", "np",
]  # fmt: skip


class TwoLayerNet(Network):
    """A network of two layers with weights: Affine, ReLU, Affine and softmax.

    x: (N, input_size), or one sample (input_size,);  scores: (N, output_size).

    Args:
        input_size: The number of values in a sample.
        hidden_size: The number of units in the hidden layer.
        output_size: The number of classes.
        weight_init_std: The standard deviation of the initial weights.  The biases start at 0.
        rng: The random generator of the weights, or its seed.
        dtype: The type of all parameters.

    Book: chapter 5, *Implementing Backpropagation*.
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
        affine1, affine2 = affine_layers([n_in, n_hidden, n_out], init, rng, dtype)
        super().__init__([affine1, Relu(), affine2], rng=rng)


ACTIVATIONS: dict[str, type[Layer]] = {
    "relu": Relu,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "leakyrelu": LeakyRelu,
    "elu": Elu,
    "identity": Identity,
}


class MultiLayerNet(Network):
    """A network of any number of fully connected layers, with softmax.

    Each hidden layer consists of Affine, BatchNorm, activation and Dropout; then follow Affine and
    softmax.  BatchNorm and Dropout are optional.  The class serves as both of the book's classes,
    MultiLayerNet and MultiLayerNetExtend.
    x: (N, input_size), or one sample (input_size,);  scores: (N, output_size).

    Args:
        input_size: The number of values in a sample.
        hidden_size_list: The number of units in each hidden layer, such as [100, 100, 100].
        output_size: The number of classes.
        activation: The activation of the hidden layers: 'relu', 'sigmoid', 'tanh', 'leakyrelu',
            'elu' or 'identity', or a class of layers such as Elu, or a function that returns a new
            layer, such as `lambda: LeakyRelu(0.2)`.
        weight_init_std: The standard deviation of the initial weights, or the name of an
            initializer: 'relu' or 'he', 'sigmoid' or 'xavier', 'glorot'.
        weight_decay_lambda: The strength of the L2 penalty on the weights, which is part of the
            loss and of the gradients.
        use_dropout: If True, dropout follows each hidden activation.
        dropout_ration: The dropout ratio.  The spelling is the book's; `dropout_ratio`, by name,
            is the same.
        use_batchnorm: If True, batch normalization precedes each hidden activation.
        rng: The random generator of the weights and the layers, or its seed.
        dtype: The type of all parameters.

    Book: chapter 6.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str | Callable[[], Any] = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
        *,
        dropout_ratio: float | None = None,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        rng, init = as_rng(rng), initializer(weight_init_std)
        make_activation = _activation(activation)
        dropout_ration = as_number(dropout_ration, "dropout_ration", low=0, high=1)
        if dropout_ratio is not None:
            ratio = as_number(dropout_ratio, "dropout_ratio", low=0, high=1)
            if dropout_ration not in (0.5, ratio):
                raise ValueError(
                    f"dropout_ratio must be {dropout_ration}, as dropout_ration, got {ratio}"
                )
            dropout_ration = ratio
        use_dropout = as_flag(use_dropout, "use_dropout")
        use_batchnorm = as_flag(use_batchnorm, "use_batchnorm")
        sizes = [
            as_count(input_size, "input_size"),
            *as_counts(hidden_size_list, "hidden_size_list"),
            as_count(output_size, "output_size"),
        ]
        *hidden, last = affine_layers(sizes, init, rng, dtype)
        layers: list[Any] = []
        for affine in hidden:
            layers.append(affine)
            if use_batchnorm:
                layers.append(BatchNorm.create(affine.W.shape[1], dtype=dtype))
            layers.append(make_activation())
            if use_dropout:
                layers.append(Dropout(dropout_ration))
        layers.append(last)
        decay = L2(weight_decay_lambda)
        super().__init__(layers, regularizer=decay if weight_decay_lambda else None, rng=rng)


MultiLayerNetExtend = MultiLayerNet


def _activation(activation: Any) -> Callable[[], Any]:
    """Return what makes a new layer."""
    wanted = f"activation must be one of {[*ACTIVATIONS]}, or a class of layers such as Elu"
    if isinstance(activation, str):
        name = activation.lower().replace("_", "")
        if name not in ACTIVATIONS:
            raise ValueError(f"{wanted}, got {activation!r}")
        return ACTIVATIONS[name]
    try:
        layer = activation()
    except TypeError:  # it needs arguments, or is no function
        layer = None
    if not is_layer(layer):
        raise TypeError(f"{wanted}, got {activation!r}")
    return activation
