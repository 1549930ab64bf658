"""Networks for images: two that the book builds and two that it describes.

Each class only lists its layers.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal.assembly import affine_layers
from dlbasics._internal.checks import RngLike, as_count, as_counts, as_flag, as_rng, as_sides, pair
from dlbasics._internal.image_sizes import image_shape, values_per_image
from dlbasics.initializers import he, initializer, xavier
from dlbasics.layers import (
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

ConvParam = Mapping[str, Any]
"""The settings of a convolution, as in the book: filter_num, filter_size, pad and stride.

All but filter_num may be pairs (height, width).
"""


class SimpleConvNet(Network):
    """A small convolutional network: Conv, ReLU, Pool, Affine, ReLU, Affine and softmax.

    x: (N, C, H, W), or one image (C, H, W);  scores: (N, output_size).

    Args:
        input_dim: The shape of one image, (C, H, W).
        conv_param: The settings filter_num, filter_size, pad and stride of the convolution.  Their
            defaults are 30, 5, 0 and 1.  All but filter_num may be pairs (height, width).
        hidden_size: The number of units in the hidden Affine layer.
        output_size: The number of classes.
        weight_init_std: The standard deviation of the initial weights, or the name of an
            initializer.  The biases start at 0.
        floor: If True, windows need not tile the images; the last pixels may be left over.
        rng: The random generator of the weights and the layers, or its seed.
        dtype: The type of all parameters.

    Raises:
        ValueError: If the windows do not tile the image, or 2 x 2 pooling does not tile the output
            of the convolution, unless `floor` is True.  The message names the filter sizes that
            fit.

    Book: chapter 7, *Implementing a CNN*.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        conv_param: ConvParam | None = None,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float | str = 0.01,
        *,
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        C, H, W = image_shape(input_dim)
        rng, init = as_rng(rng), initializer(weight_init_std)
        n_hidden = as_count(hidden_size, "hidden_size")
        n_out = as_count(output_size, "output_size")
        param = _conv_param("conv_param", conv_param, filter_num=30, filter_size=5)
        floor = as_flag(floor, "floor")
        _check_filter_size(param, H, W, floor)
        conv = Convolution.create(C, **param, init=init, floor=floor, rng=rng, dtype=dtype)
        features = [conv, Relu(), Pooling(2, 2, stride=2, floor=floor)]
        n_in = values_per_image(features, (C, H, W))
        affine1, affine2 = affine_layers([n_in, n_hidden, n_out], init, rng, dtype)
        super().__init__([*features, affine1, Relu(), affine2], rng=rng)
        self.input_dim = C, H, W


class DeepConvNet(Network):
    """A deep network of small filters: six convolutions and two Affine layers.

    The layers are Conv, ReLU, Conv, ReLU and Pool, three times, and then Affine, ReLU, Dropout,
    Affine, Dropout and softmax.  The initial weights are those of He et al.  The dropout ratio is
    0.5.
    x: (N, C, H, W), or one image (C, H, W);  scores: (N, output_size).

    Args:
        input_dim: The shape of one image, (C, H, W).
        conv_param_1 to conv_param_6: The settings filter_num, filter_size, pad and stride of each
            convolution.  By default filter_num is 16, 16, 32, 32, 64 and 64, filter_size is 3,
            stride is 1, and pad is 1, but 2 in the fourth convolution.
        hidden_size: The number of units in the hidden Affine layer.
        output_size: The number of classes.
        floor: If True, windows need not tile the images; the last pixels may be left over.
        rng: The random generator of the weights and the layers, or its seed.
        dtype: The type of all parameters.

    Raises:
        ValueError: If the windows of a layer do not tile the output of the layer before, unless
            `floor` is True.

    Book: *Deeper Networks*, figure 8.1.
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
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = image_shape(input_dim), as_rng(rng)
        n_hidden = as_count(hidden_size, "hidden_size")
        n_out = as_count(output_size, "output_size")
        given = conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6
        features: list[Layer] = []
        channels = images[0]
        for i, conv_param in enumerate(given):
            defaults = {"filter_num": (16, 16, 32, 32, 64, 64)[i], "pad": 2 if i == 3 else 1}
            param = _conv_param(f"conv_param_{i + 1}", conv_param, filter_size=3, **defaults)
            conv = Convolution.create(channels, **param, floor=floor, rng=rng, dtype=dtype)
            features += [conv, Relu()]
            if i % 2:
                features.append(Pooling(2, 2, stride=2, floor=floor))
            channels = param["filter_num"]
        n_in = values_per_image(features, images, "conv_param_{}")
        affine1, affine2 = affine_layers([n_in, n_hidden, n_out], he, rng, dtype)
        layers = [*features, affine1, Relu(), Dropout(0.5), affine2, Dropout(0.5)]
        super().__init__(layers, rng=rng)
        self.input_dim = images


class LeNet(Network):
    """The first convolutional network.

    The layers are Conv, Sigmoid and AveragePooling, twice, and then three Affine layers with
    Sigmoid between them, and softmax; the original has radial basis functions in place of softmax.
    The convolutions have 6 and 16 filters of 5 x 5, the Affine layers 120, 84 and `output_size`
    units.  The first convolution pads MNIST's 28 x 28 pixels to the original's 32 x 32.
    x: (N, C, H, W), or one image (C, H, W);  scores: (N, output_size).

    Args:
        input_dim: The shape of one image, (C, H, W).
        output_size: The number of classes.
        modern: If True, ReLU and max pooling take the place of sigmoid and average pooling.
        floor: If True, windows need not tile the images; the last pixels may be left over.
        rng: The random generator of the weights, or its seed.
        dtype: The type of all parameters.

    Raises:
        ValueError: If the windows of a layer do not tile the output of the layer before, unless
            `floor` is True.

    Book: *LeNet*.  Source: LeCun et al. 1998, figure 2.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        output_size: int = 10,
        modern: bool = False,
        *,
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = image_shape(input_dim), as_rng(rng)
        n_out = as_count(output_size, "output_size")
        modern = as_flag(modern, "modern")
        init, activation = (he, Relu) if modern else (xavier, Sigmoid)
        pooling = Pooling if modern else AveragePooling
        layers: list[Layer] = []
        for channels, filter_num, pad in ((images[0], 6, 2), (6, 16, 0)):
            layers += [
                Convolution.create(channels, filter_num, 5, 1, pad, init, rng=rng, dtype=dtype),
                activation(),
                pooling(2, 2, stride=2, floor=floor),
            ]
        sizes = [values_per_image(layers, images), 120, 84, n_out]
        for affine in affine_layers(sizes, init, rng, dtype):
            layers += [affine, activation()]
        super().__init__(layers[:-1], rng=rng)
        self.input_dim = images


MOST_BLOCKS = 1_000
"""The largest number of blocks in a stage of a ResNet.  The paper's deepest network has 200."""


class ResNet(Network):
    """A small residual network.

    For each of `filter_nums`, it has a stage: a convolution to that many channels, then `blocks`
    blocks (`residual_block`).  All filters are 3 x 3, and batch normalization follows each
    convolution.  2 x 2 max pooling lies between the stages; global average pooling, Affine and
    softmax follow the last stage.  By default there are ten layers with weights.
    x: (N, C, H, W), or one image (C, H, W);  scores: (N, output_size).

    Args:
        input_dim: The shape of one image, (C, H, W).
        filter_nums: The number of filters in each stage.
        blocks: The number of blocks in each stage, at most 1,000.
        output_size: The number of classes.
        skips: If False, the network has no skip connections, but the same parameters.
        floor: If True, pooling need not tile its images; the last pixels may be left over.
        rng: The random generator of the weights, or its seed.
        dtype: The type of all parameters.

    Raises:
        ValueError: If an argument is out of range, or pooling does not tile the output of a stage,
            unless `floor` is True.

    Book: *ResNet*, figure 8.12.  Source: He et al. 2016, section 4.2.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        filter_nums: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        output_size: int = 10,
        skips: bool = True,
        *,
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = image_shape(input_dim), as_rng(rng)
        nums = as_counts(filter_nums, "filter_nums")
        n_blocks, n_out = as_count(blocks, "blocks", least=0), as_count(output_size, "output_size")
        if not nums:
            raise ValueError(f"filter_nums must hold a number for each stage, got {filter_nums!r}")
        skips = as_flag(skips, "skips")
        if n_blocks > MOST_BLOCKS:
            raise ValueError(f"blocks must be at most {MOST_BLOCKS:,} in a stage, got {n_blocks:,}")
        layers: list[Layer] = []
        for channels, filter_num in pairwise([images[0], *nums]):
            if layers:
                layers.append(Pooling(2, 2, stride=2, floor=floor))
            layers += [*_normalized_convolution(channels, filter_num, rng, dtype), Relu()]
            for _ in range(n_blocks):
                layers += residual_block(filter_num, skips, rng=rng, dtype=dtype)
        values_per_image(layers, images)  # raises an error if pooling does not fit
        layers += [GlobalAveragePooling(), *affine_layers([nums[-1], n_out], he, rng, dtype)]
        super().__init__(layers, rng=rng)
        self.input_dim = images


def residual_block(
    channels: int, skips: bool = True, *, rng: RngLike = None, dtype: Any = np.float32
) -> list[Layer]:
    """Return a block of a residual network: y = ReLU(x + F(x)).

    F is Conv, BatchNorm, ReLU, Conv, BatchNorm, with filters of 3 x 3.  x and y: (N, C, H, W).

    Args:
        channels: The number of channels, C.
        skips: If False, the block is y = ReLU(F(x)).
        rng: The random generator of the weights, or its seed.
        dtype: The type of all parameters.
    """
    channels, skips, rng = as_count(channels, "channels"), as_flag(skips, "skips"), as_rng(rng)
    first = _normalized_convolution(channels, channels, rng, dtype)
    second = _normalized_convolution(channels, channels, rng, dtype)
    block = [*first, Relu(), *second]
    return [Residual(block), Relu()] if skips else [*block, Relu()]


def _normalized_convolution(
    channels: int, filter_num: int, rng: RngLike, dtype: Any
) -> list[Layer]:
    convolution = Convolution.create(channels, filter_num, 3, 1, 1, rng=rng, dtype=dtype)
    return [convolution, BatchNorm.create(filter_num, dtype=dtype)]


def _conv_param(name: str, given: ConvParam | None, **defaults: int) -> dict[str, Any]:
    """Return all four settings of a convolution: the given ones, and defaults for the others."""
    param: dict[str, Any] = {"pad": 0, "stride": 1, **defaults}
    if not isinstance(given, Mapping | None):
        raise TypeError(f"{name} must be a dict, as {param}, got {given!r}")
    if unknown := set(given or ()) - set(param):
        raise ValueError(f"{name} must have keys among {sorted(param)}, got {sorted(unknown)}")
    for key, value in (given or {}).items():
        check = as_count if key == "filter_num" else as_sides
        param[key] = check(value, f"{name}[{key!r}]", least=0 if key == "pad" else 1)
    return param


def _check_filter_size(param: ConvParam, H: int, W: int, floor: bool) -> None:
    """Raise ValueError unless the filters tile the image, and 2 x 2 pooling their output."""
    stride, pad, filter_size = param["stride"], param["pad"], param["filter_size"]

    def sizes(size: int, step: int, border: int) -> list[int]:
        """Return the sizes of filters that fit images of this height or width."""
        rooms = {window: size + 2 * border - window for window in range(1, size + 2 * border)}
        return [
            window
            for window, room in rooms.items()
            if (room >= step if floor else room % step == 0 and room // step % 2 == 1)
        ]

    heights, widths = map(sizes, (H, W), pair(stride), pair(pad))
    if not isinstance(filter_size, tuple):
        heights = widths = [size for size in heights if size in widths]
    images_text = f"images of {H} by {W} with stride {stride} and pad {pad}"
    unless = "" if floor else ", unless floor=True"
    if not (heights and widths):
        raise ValueError(
            "input_dim must be a size that filters and 2 x 2 pooling can tile"
            f"{unless}, got {images_text}"
        )
    height, width = pair(filter_size)
    if height not in heights or width not in widths:
        named = f"{heights}" if heights is widths else f"{heights} by one of {widths}"
        raise ValueError(
            f"filter_size must be one of {named} for {images_text}{unless}, got {filter_size}"
        )
