"""Networks that won prizes in the ImageNet competition, small enough for digits on a CPU.

Each keeps the idea of its original: the kinds of layers and their order.  The numbers of filters
and units are far smaller.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.assembly import affine_layers
from dlbasics._internal.checks import RngLike, as_count, as_counts, as_flag, as_number, as_rng
from dlbasics._internal.image_sizes import image_shape, values_per_image
from dlbasics.initializers import he
from dlbasics.layers import (
    Concatenate,
    Convolution,
    Dropout,
    GlobalAveragePooling,
    Layer,
    LocalResponseNorm,
    Pooling,
    Relu,
)
from dlbasics.network import Network

__all__ = ["VGG", "AlexNet", "GoogLeNet", "inception_block"]

MOST_CONVOLUTIONS = 100
"""The largest number of convolutions in a stage of a VGG.  The paper's networks have four."""


class AlexNet(Network):
    """A small AlexNet: LeNet with ReLU, more layers, local response normalization and dropout.

    The layers are Conv, ReLU, LocalResponseNorm and Pool, twice, then Conv and ReLU, three times,
    Pool, and three Affine layers with ReLU and Dropout between them, and softmax.  The windows of
    the pooling, 3 x 3 with stride 2, overlap.  The convolutions have 16 filters of 6 x 6, 32 of
    5 x 5, and 48, 48 and 32 of 3 x 3; the Affine layers have 128, 128 and `output_size` units.
    The original has about 600 times as many parameters.
    x: (N, C, H, W), or one image (C, H, W);  scores: (N, output_size).

    Args:
        input_dim: The shape of one image, (C, H, W).
        output_size: The number of classes.
        normalize: If False, the network has no LocalResponseNorm.
        dropout_ratio: The probability that dropout switches a unit off; with 0 there is no dropout.
        floor: If True, windows need not tile the images; the last pixels may be left over.
        rng: The random generator of the weights and the layers, or its seed.
        dtype: The type of all parameters.

    Raises:
        ValueError: If an argument is out of range, or the windows of a layer do not tile the output
            of the layer before, unless `floor` is True.

    Book: *AlexNet*.  Source: Krizhevsky et al. 2012.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        output_size: int = 10,
        normalize: bool = True,
        dropout_ratio: float = 0.5,
        *,
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = image_shape(input_dim), as_rng(rng)
        n_out = as_count(output_size, "output_size")
        normalize = as_flag(normalize, "normalize")
        ratio = as_number(dropout_ratio, "dropout_ratio", low=0, high=1)

        def convolution(channels: int, filter_num: int, size: int, pad: int) -> list[Layer]:
            conv = Convolution.create(channels, filter_num, size, 1, pad, rng=rng, dtype=dtype)
            return [conv, Relu()]

        def overlapping_pooling() -> Layer:
            return Pooling(3, 3, stride=2, floor=floor)

        layers: list[Layer] = []
        for channels, filter_num, size, pad in ((images[0], 16, 6, 0), (16, 32, 5, 2)):
            layers += convolution(channels, filter_num, size, pad)
            if normalize:
                layers.append(LocalResponseNorm())
            layers.append(overlapping_pooling())
        for channels, filter_num in ((32, 48), (48, 48), (48, 32)):
            layers += convolution(channels, filter_num, 3, 1)
        layers.append(overlapping_pooling())
        sizes = [values_per_image(layers, images), 128, 128]
        for affine in affine_layers(sizes, he, rng, dtype):
            layers += [affine, Relu(), *([Dropout(ratio)] if ratio else [])]
        layers += affine_layers([128, n_out], he, rng, dtype)
        super().__init__(layers, rng=rng)
        self.input_dim = images


class VGG(Network):
    """A small VGG: stages of 3 x 3 convolutions, each stage with its pooling, and Affine layers.

    Stage i has Conv and ReLU `convolutions[i]` times, with `filter_nums[i]` filters, and then a
    pooling of 2 x 2, which halves the image.  Two Affine layers with ReLU and dropout of 0.5
    follow, and then Affine and softmax.  By default there are seven layers with weights.  VGG16 of
    the paper has the stages (2, 2, 3, 3, 3), VGG19 (2, 2, 4, 4, 4), with 64 to 512 filters.
    x: (N, C, H, W), or one image (C, H, W);  scores: (N, output_size).

    Args:
        input_dim: The shape of one image, (C, H, W).
        convolutions: The number of convolutions in each stage.
        filter_nums: The number of filters in each stage.
        hidden_size: The number of units in each of the two hidden Affine layers.
        output_size: The number of classes.
        floor: If True, pooling need not tile its images; the last pixels may be left over.
        rng: The random generator of the weights and the layers, or its seed.
        dtype: The type of all parameters.

    Raises:
        ValueError: If an argument is out of range, or pooling does not tile the output of a stage,
            unless `floor` is True.

    Book: *VGG*, figure 8.9.  Source: Simonyan and Zisserman 2014.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        convolutions: Sequence[int] = (2, 2),
        filter_nums: Sequence[int] = (16, 32),
        hidden_size: int = 64,
        output_size: int = 10,
        *,
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = image_shape(input_dim), as_rng(rng)
        counts = as_counts(convolutions, "convolutions")
        nums = as_counts(filter_nums, "filter_nums")
        n_hidden = as_count(hidden_size, "hidden_size")
        n_out = as_count(output_size, "output_size")
        if not counts or len(counts) != len(nums):
            raise ValueError(
                "convolutions and filter_nums must hold a number for each stage, "
                f"got {convolutions!r} and {filter_nums!r}"
            )
        if max(counts) > MOST_CONVOLUTIONS:
            raise ValueError(
                f"convolutions must be at most {MOST_CONVOLUTIONS} in a stage, got {convolutions!r}"
            )
        layers: list[Layer] = []
        channels = images[0]
        for count, filter_num in zip(counts, nums, strict=True):
            for _ in range(count):
                conv = Convolution.create(channels, filter_num, 3, 1, 1, rng=rng, dtype=dtype)
                layers += [conv, Relu()]
                channels = filter_num
            layers.append(Pooling(2, 2, stride=2, floor=floor))
        sizes = [values_per_image(layers, images), n_hidden, n_hidden]
        for affine in affine_layers(sizes, he, rng, dtype):
            layers += [affine, Relu(), Dropout(0.5)]
        layers += affine_layers([n_hidden, n_out], he, rng, dtype)
        super().__init__(layers, rng=rng)
        self.input_dim = images


class GoogLeNet(Network):
    """A small GoogLeNet: blocks of filters of several sizes side by side (`inception_block`).

    The layers are Conv (16 filters of 3 x 3), ReLU and Pool, an inception block of 64 channels and
    Pool, an inception block of 96 channels, global average pooling, Affine and softmax.  The
    original has nine blocks, and two more outputs on the way, which help to train it.
    x: (N, C, H, W), or one image (C, H, W);  scores: (N, output_size).

    Args:
        input_dim: The shape of one image, (C, H, W).
        output_size: The number of classes.
        reduce: If False, no 1 x 1 filters reduce the channels before the larger filters.
        floor: If True, pooling need not tile its images; the last pixels may be left over.
        rng: The random generator of the weights, or its seed.
        dtype: The type of all parameters.

    Raises:
        ValueError: If an argument is out of range, or pooling does not tile the output of the layer
            before, unless `floor` is True.

    Book: *GoogLeNet*, figure 8.11.  Source: Szegedy et al. 2015.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        output_size: int = 10,
        reduce: bool = True,
        *,
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> None:
        images, rng = image_shape(input_dim), as_rng(rng)
        n_out, options = as_count(output_size, "output_size"), {"rng": rng, "dtype": dtype}
        layers: list[Layer] = [
            Convolution.create(images[0], 16, 3, 1, 1, **options),
            Relu(),
            Pooling(2, 2, stride=2, floor=floor),
            inception_block(16, (16, 8, 24, 4, 16, 8), reduce, **options),
            Pooling(2, 2, stride=2, floor=floor),
            inception_block(64, (24, 16, 40, 8, 20, 12), reduce, **options),
        ]
        values_per_image(layers, images)  # raises an error if pooling does not fit
        layers += [GlobalAveragePooling(), *affine_layers([96, n_out], he, rng, dtype)]
        super().__init__(layers, rng=rng)
        self.input_dim = images


def inception_block(
    channels: int,
    filter_nums: Sequence[int],
    reduce: bool = True,
    *,
    rng: RngLike = None,
    dtype: Any = np.float32,
) -> Concatenate:
    """Return an inception block: filters of several sizes look at the same images.

    With filter_nums = (n1, r3, n3, r5, n5, p) its branches are: n1 filters of 1 x 1;  r3 filters of
    1 x 1 and then n3 of 3 x 3;  r5 of 1 x 1 and then n5 of 5 x 5;  max pooling of 3 x 3 and then p
    filters of 1 x 1.  ReLU follows each convolution.
    x: (N, channels, H, W);  y: (N, n1 + n3 + n5 + p, H, W).

    Args:
        channels: The number of channels of x.
        filter_nums: The six numbers of filters, in the order above.
        reduce: If False, the larger filters see all channels: there are no r3 and r5 filters before
            them.
        rng: The random generator of the weights, or its seed.
        dtype: The type of all parameters.

    Book: *GoogLeNet*, figure 8.11.  Source: Szegedy et al. 2015, figure 2.
    """
    channels, rng = as_count(channels, "channels"), as_rng(rng)
    nums, reduce = as_counts(filter_nums, "filter_nums"), as_flag(reduce, "reduce")
    if len(nums) != 6:
        raise ValueError(f"filter_nums must be six numbers of filters, got {filter_nums!r}")
    n1, r3, n3, r5, n5, p = nums

    def convolution(n_in: int, n_out: int, size: int) -> list[Layer]:
        conv = Convolution.create(n_in, n_out, size, 1, size // 2, rng=rng, dtype=dtype)
        return [conv, Relu()]

    def reduced(few: int, n_out: int, size: int) -> list[Layer]:
        if not reduce:
            return convolution(channels, n_out, size)
        return [*convolution(channels, few, 1), *convolution(few, n_out, size)]

    return Concatenate(
        [
            convolution(channels, n1, 1),
            reduced(r3, n3, 3),
            reduced(r5, n5, 5),
            [Pooling(3, 3, stride=1, pad=1), *convolution(channels, p, 1)],
        ]
    )
