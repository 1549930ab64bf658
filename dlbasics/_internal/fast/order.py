"""If max pooling runs before ReLU, ReLU has only a quarter of the pixels to work on."""

from collections.abc import Sequence

from dlbasics.layers import Layer, Pooling, Relu


def pooling_before_relu(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers, but exchange each Relu with the Pooling after it.

    The function and the gradient stay the same: the largest of max(x, 0) is max(largest x, 0), and
    where that is 0, neither order passes a gradient.
    """
    order = [*layers]
    for i in range(len(order) - 1):
        if type(order[i]) is Relu and type(order[i + 1]) is Pooling:
            order[i : i + 2] = order[i + 1], order[i]
    return order
