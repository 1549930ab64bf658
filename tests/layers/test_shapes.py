"""Layers on images refuse other shapes, and sizes that their windows do not tile."""

import numpy as np
import pytest

from dlbasics.layers import AveragePooling, Convolution, GlobalAveragePooling, Pooling
from tests.helpers import normal

LAYERS = {
    "Conv": Convolution(normal(4, 3, 3, 3), None),
    "Conv, stride 2": Convolution(normal(4, 3, 3, 3), None, stride=2),
    "Pool": Pooling(3, 3),
    "Pool, stride 2": Pooling(2, 2, stride=2),
    "AveragePooling": AveragePooling(2, 2),
    "GlobalAveragePooling": GlobalAveragePooling(),
}
every_layer = pytest.mark.parametrize("name", LAYERS)
SHAPES = [(), (5,), (4, 5), (1, 2, 3, 5, 5), (2, 3, 0, 5), (2, 3, 5, 0), (3, 5, 0), (2, 0, 5, 5)]


@every_layer
@pytest.mark.parametrize("shape", SHAPES)
def test_x_that_is_no_batch_of_images(name, shape):
    kind = name.split(",")[0]
    with pytest.raises(ValueError, match=rf"{kind}: x must have shape \(N, [3C], H, W\).* got \("):
        LAYERS[name].forward(np.ones(shape))


@every_layer
def test_a_sample_that_is_no_image(name):
    with pytest.raises(ValueError, match=r"sample must have shape \([3C], H, W\), got \(4, 6\)"):
        LAYERS[name].output_shape((4, 6))


def test_images_of_other_channels():
    layer = LAYERS["Conv"]
    for shape in ((2, 5, 5), (2, 4, 5, 5)):
        with pytest.raises(ValueError, match=r"Conv: x must have shape \(N, 3, H, W\).* got \("):
            layer.forward(np.ones(shape))
    with pytest.raises(ValueError, match=r"Conv: a sample .* \(3, H, W\), got \(2, 5, 5\)"):
        layer.output_shape((2, 5, 5))


TWO_BY_TWO = "for windows of 2 with stride 2"


@pytest.mark.parametrize(
    ("layer", "size", "message"),
    [
        (LAYERS["Conv, stride 2"], (6, 7), "height of 5 or 7 for windows of 3 .* 2 .* got 6"),
        (LAYERS["Conv, stride 2"], (7, 8), "width of 7 or 9 for windows of 3 with .* 2 .* got 8"),
        (LAYERS["Conv, stride 2"], (2, 7), "height of 3 or 5 for windows of 3 .* got 2"),
        (Pooling(2, 2, stride=2), (5, 4), f"height of 4 or 6 {TWO_BY_TWO}"),
        (Pooling(2, 2, stride=2), (4, 5), f"width of 4 or 6 {TWO_BY_TWO}"),
        (AveragePooling(2, 2, stride=2), (5, 4), f"height of 4 or 6 {TWO_BY_TWO}"),
        (AveragePooling(2, 2, stride=2), (4, 5), f"width of 4 or 6 {TWO_BY_TWO}"),
        (Pooling(2, 3, (1, 2), (0, 1)), (4, 6), "width of 5 or 7 for windows of 3 .* 2 and pad 1"),
        (Pooling(3, 2, floor=True), (2, 4), "height of 3 or more for windows of 3 .*, got 2"),
    ],
)
def test_windows_that_do_not_tile_x(layer, size, message):
    for refuse in (layer.output_shape, lambda shape: layer.forward(np.ones(shape))):
        with pytest.raises(ValueError, match=f"{layer.kind}: x must have a {message}"):
            refuse((3, *size))
