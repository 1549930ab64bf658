"""The networks for images, of the book and of what it tells about; each only lists its layers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal.checks import RngLike, as_count, as_rng
from dlbasics.initializers import Initializer, he, initializer, xavier
from dlbasics.layers import (
    Affine,
    AveragePooling,
    BatchNorm,
    Convolution,
    Dropout,
    GlobalAveragePooling,
    Layer,
    Pooling,
    Relu,
    Residual,
    Sigmoid,
)
from dlbasics.network import Network

__all__ = ["DeepConvNet", "LeNet", "ResNet", "SimpleConvNet", "np", "residual_block"]

ConvParam = Mapping[str, int]
"""A convolution, as the book's networks are told of it: filter_num, filter_size, pad, stride."""


class ConvNet(Network):
    """A network for images of shape `input_dim`, (C, H, W)."""

    def __init__(self, layers: Sequence[Layer], input_dim: Sequence[int], rng: RngLike) -> None:
        super().__init__(layers, rng=rng)
        self.input_dim = tuple(input_dim)


class SimpleConvNet(ConvNet):
    """Conv, ReLU, Pool, Affine, ReLU, Affine and softmax (book, chapter 7: *Implementing a CNN*).

    input_dim: the shape of one image, (C, H, W).
    conv_param: filter_num, filter_size, pad and stride of the convolution; by default 30, 5, 0, 1.
    weight_init_std: the standard deviation of the initial weights; biases start at 0.
    Raises ValueError where windows do not tile the image, or pooling over 2 x 2 pixels not what
    they give, and says for which filter sizes they do.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        conv_param: ConvParam | None = None,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float | str = 0.01,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng, init = _image_shape(input_dim), as_rng(rng), initializer(weight_init_std)
        n_hidden = as_count(hidden_size, "hidden_size")
        n_out = as_count(output_size, "output_size")
        param = _conv_param("conv_param", conv_param, filter_num=30, filter_size=5)
        _check_filter_size(param, images)
        layers = [_convolution(images[0], param, init, rng, dtype), Relu(), Pooling(2, 2, stride=2)]
        n_features = math.prod(_shape_behind(layers, images))
        layers += [
            Affine.create(n_features, n_hidden, init, rng=rng, dtype=dtype),
            Relu(),
            Affine.create(n_hidden, n_out, init, rng=rng, dtype=dtype),
        ]
        super().__init__(layers, images, rng)


class DeepConvNet(ConvNet):
    """Six convolutions and two Affine layers (book, chapter 8: *Going Deeper*, figure 8.1).

    Three times: Conv, ReLU, Conv, ReLU, Pool; then Affine, ReLU, Dropout, Affine, Dropout and
    softmax.  Weights start as He et al. have it, the dropout ratio is 0.5.

    input_dim: the shape of one image, (C, H, W).
    conv_param_1 to conv_param_6: filter_num, filter_size, pad and stride; by default 16, 16, 32,
    32, 64 and 64 filters of 3 x 3 with stride 1, and pad 1, but 2 in the fourth.
    Raises ValueError where windows do not tile what the layers before give.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        conv_param_1: ConvParam | None = None,
        conv_param_2: ConvParam | None = None,
        conv_param_3: ConvParam | None = None,
        conv_param_4: ConvParam | None = None,
        conv_param_5: ConvParam | None = None,
        conv_param_6: ConvParam | None = None,
        hidden_size: int = 50,
        output_size: int = 10,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = _image_shape(input_dim), as_rng(rng)
        n_hidden = as_count(hidden_size, "hidden_size")
        n_out = as_count(output_size, "output_size")
        given = conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6
        layers: list[Layer] = []
        for i, conv_param in enumerate(given):
            param = _conv_param(
                f"conv_param_{i + 1}",
                conv_param,
                filter_num=(16, 16, 32, 32, 64, 64)[i],
                filter_size=3,
                pad=2 if i == 3 else 1,
            )
            channels = _shape_behind(layers, images)[0]
            layers += [_convolution(channels, param, he, rng, dtype), Relu()]
            if i % 2:
                layers.append(Pooling(2, 2, stride=2))
        n_features = math.prod(_shape_behind(layers, images))
        layers += [
            Affine.create(n_features, n_hidden, he, rng=rng, dtype=dtype),
            Relu(),
            Dropout(0.5),
            Affine.create(n_hidden, n_out, he, rng=rng, dtype=dtype),
            Dropout(0.5),
        ]
        super().__init__(layers, images, rng)


class LeNet(ConvNet):
    """The first of its kind (book: *LeNet*, figure 7.27; LeCun et al. 1998, figure 2).

    Twice a convolution, 6 and then 16 filters of 5 x 5, with an activation and pooling over 2 x 2
    pixels; then Affine layers of 120, 84 and `output_size` units, and softmax in place of 1998's
    radial basis functions.  Two pixels of padding make 32 x 32 of MNIST's 28 x 28.

    modern: ReLU and max pooling, where the original has sigmoid and subsampling (average pooling).
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        output_size: int = 10,
        modern: bool = False,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = _image_shape(input_dim), as_rng(rng)
        sizes = 120, 84, as_count(output_size, "output_size")
        init, activation = (he, Relu) if modern else (xavier, Sigmoid)
        pooling = Pooling if modern else AveragePooling
        layers: list[Layer] = []
        for channels, filter_num, pad in ((images[0], 6, 2), (6, 16, 0)):
            layers += [
                Convolution.create(channels, filter_num, 5, 1, pad, init, rng=rng, dtype=dtype),
                activation(),
                pooling(2, 2, stride=2),
            ]
        for n_in, n_out in pairwise((math.prod(_shape_behind(layers, images)), *sizes)):
            layers += [Affine.create(n_in, n_out, init, rng=rng, dtype=dtype), activation()]
        super().__init__(layers[:-1], images, rng)


class ResNet(ConvNet):
    """A small residual network (book: *ResNet*, figure 8.12; He et al. 2016, section 4.2).

    A stage for each of `filter_nums`: a convolution to that many channels, then `blocks` blocks of
    two convolutions with a skip connection around both.  All filters are 3 x 3, and batch
    normalization follows each; between stages 2 x 2 pixels become their largest.  At the end global
    average pooling, Affine and softmax.  With the defaults, ten layers with weights.

    input_dim: the shape of one image, (C, H, W).
    skips: without them, the plain network of the same parameters.
    Raises ValueError where pooling does not tile what a stage gives.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        filter_nums: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        output_size: int = 10,
        skips: bool = True,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = _image_shape(input_dim), as_rng(rng)
        if not isinstance(filter_nums, Sequence):
            raise TypeError(f"filter_nums must be a list of integers, got {filter_nums!r}")
        nums = [as_count(filter_num, "filter_nums") for filter_num in filter_nums]
        n_blocks, n_out = as_count(blocks, "blocks", least=0), as_count(output_size, "output_size")
        if not nums:
            raise ValueError(f"filter_nums must hold a number for each stage, got {filter_nums!r}")
        layers: list[Layer] = []
        for channels, filter_num in pairwise([images[0], *nums]):
            if layers:
                layers.append(Pooling(2, 2, stride=2))
            layers += [*_normalized_convolution(channels, filter_num, rng, dtype), Relu()]
            for _ in range(n_blocks):
                layers += residual_block(filter_num, skips, rng=rng, dtype=dtype)
        _shape_behind(layers, images)
        layers += [GlobalAveragePooling(), Affine.create(nums[-1], n_out, he, rng=rng, dtype=dtype)]
        super().__init__(layers, images, rng)


def residual_block(
    channels: int, skips: bool = True, *, rng: RngLike = None, dtype: Any = np.float32
) -> list[Layer]:
    """Conv, BatchNorm, ReLU, Conv, BatchNorm, the skip connection around these, and ReLU."""
    rng = as_rng(rng)
    first = _normalized_convolution(channels, channels, rng, dtype)
    second = _normalized_convolution(channels, channels, rng, dtype)
    block = [*first, Relu(), *second]
    return [Residual(block), Relu()] if skips else [*block, Relu()]


def _normalized_convolution(
    channels: int, filter_num: int, rng: RngLike, dtype: Any
) -> list[Layer]:
    convolution = Convolution.create(channels, filter_num, 3, 1, 1, he, rng=rng, dtype=dtype)
    return [convolution, BatchNorm.create(filter_num, dtype=dtype)]


def _image_shape(input_dim: Sequence[int]) -> tuple[int, int, int]:
    if not isinstance(input_dim, Sequence) or len(input_dim) != 3:
        raise ValueError(f"input_dim must be (C, H, W), got {input_dim!r}")
    C, H, W = (as_count(size, "input_dim") for size in input_dim)
    return C, H, W


def _conv_param(name: str, given: ConvParam | None, **defaults: int) -> dict[str, int]:
    """All four numbers of a convolution: those given, and the defaults of the others."""
    param = {"pad": 0, "stride": 1, **defaults}
    if not isinstance(given, Mapping | None):
        raise TypeError(f"{name} must be a dict, as {param}, got {given!r}")
    if unknown := set(given or ()) - set(param):
        raise ValueError(f"{name} must have keys out of {sorted(param)}, got {sorted(unknown)}")
    for key, value in (given or {}).items():
        param[key] = as_count(value, f"{name}[{key!r}]", least=0 if key == "pad" else 1)
    return param


def _convolution(
    channels: int, param: ConvParam, init: Initializer, rng: RngLike, dtype: Any
) -> Convolution:
    num, size, stride, pad = (param[key] for key in ("filter_num", "filter_size", "stride", "pad"))
    return Convolution.create(channels, num, size, stride, pad, init, rng=rng, dtype=dtype)


def _shape_behind(layers: Iterable[Layer], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what the layers make of one image of that shape."""
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def _check_filter_size(param: ConvParam, images: tuple[int, int, int]) -> None:
    """Raise ValueError unless windows tile the image, and 2 x 2 pooling the outputs."""
    _, H, W = images
    stride, pad = param["stride"], param["pad"]

    def fits(filter_size: int) -> bool:
        rooms = (H + 2 * pad - filter_size, W + 2 * pad - filter_size)
        return all(room % stride == 0 and room // stride % 2 == 1 for room in rooms)

    sizes = [size for size in range(1, min(H, W) + 2 * pad) if fits(size)]
    images_text = f"images of {H} by {W} with stride {stride} and pad {pad}"
    if not sizes:
        raise ValueError(
            f"input_dim must be a size that filters and 2 x 2 pooling can tile, got {images_text}"
        )
    if param["filter_size"] not in sizes:
        raise ValueError(
            f"filter_size must be one of {sizes} for {images_text}, got {param['filter_size']}"
        )
