"""What a network makes of an image: the output of each layer, and what each pixel contributes.

Two ways tell which pixels speak for a class and which against it:

- the input gradient asks how the log-probability of the class changes if a pixel gets a little more
  ink.  Backpropagation computes it for all pixels at once.
- occlusion asks how far the log-probability falls if paper covers a place.  It needs a forward pass
  for each place.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_array, as_count, quiet
from dlbasics.datasets.images.digit import SIDE
from dlbasics.functions import softmax
from dlbasics.network import Network, forward
from dlbasics.pad.networks import CLASSES

PATCH, STEP = 4, 2
"""The side of the square that covers a place, and the distance between two places, in pixels."""


@quiet
def layer_outputs(network: Network, image: Array) -> dict[str, Array]:
    """Return the output of each layer for one image, in test mode.

    Args:
        network: A network of digits.
        image: The image, (28, 28).

    Returns:
        The outputs by the names of the layers, in order: (C, H, W) of a convolution and the layers
        after it, (n,) of an Affine layer and those after it.
    """
    x = _batch(network, image)
    outputs = {}
    for name, layer in network.layers.items():
        x = layer.replica().forward(x, False)
        outputs[name] = x[0]
    return outputs


@quiet
def input_gradient(network: Network, image: Array, classes: Sequence[int]) -> Array:
    """Return the derivative of the log-probability of each class by each pixel, (K, 28, 28).

    With the scores s of an image x, and p = softmax(s),

        d log p_k / dx = sum_j (delta_jk - p_j) ds_j / dx

    The network goes forward in test mode, and backward with the factor of ds_j as `dout`.  A
    positive value says that more ink at this pixel speaks for the class.

    Args:
        network: A network of digits.
        image: The image, (28, 28).
        classes: The K classes.
    """
    layers = [layer.replica() for layer in network.layers.values()]
    classes = _classes(classes)
    x = np.repeat(_batch(network, image), len(classes), axis=0)
    scores = forward(layers, x, False)
    dout = np.eye(scores.shape[1], dtype=x.dtype)[classes] - softmax(scores)
    for layer in reversed(layers):
        dout = layer.backward(dout)
    return dout.reshape(-1, SIDE, SIDE)


@quiet
def occlusion(network: Network, image: Array, classes: Sequence[int]) -> Array:
    """Return how far the log-probability of each class falls where paper covers the image.

    A square of 4x4 pixels covers one place after the other.  The value of a pixel is the mean over
    the squares that cover it.  A positive value says that what is there speaks for the class.

    Args:
        network: A network of digits.
        image: The image, (28, 28).  Its paper is the median pixel.
        classes: The K classes.

    Returns:
        The values, (K, 28, 28).  They are 0 where the squares cover only paper.
    """
    x = _batch(network, image)
    picture = x.reshape(SIDE, SIDE)
    paper = np.median(picture)
    squares = [
        (slice(i, i + PATCH), slice(j, j + PATCH))
        for i in range(0, SIDE - PATCH + 1, STEP)
        for j in range(0, SIDE - PATCH + 1, STEP)
    ]
    inked = [square for square in squares if (picture[square] != paper).any()]
    covered = np.repeat(picture[np.newaxis], 1 + len(inked), axis=0)
    for image, square in zip(covered[1:], inked, strict=True):
        image[square] = paper
    scores = network.predict(covered.reshape(-1, *x.shape[1:]))
    classes = _classes(classes)
    log_p = scores[:, classes] - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    falls = np.zeros((len(classes), SIDE, SIDE), x.dtype)
    count = np.zeros((SIDE, SIDE), x.dtype)
    for square in squares:
        count[square] += 1
    for fall, (rows, columns) in zip(log_p[0] - log_p[1:], inked, strict=True):
        falls[:, rows, columns] += fall[:, np.newaxis, np.newaxis]
    return falls / count


def _batch(network: Network, image: Any) -> Array:
    """Return a batch with the one image, in the shape and the dtype of the network."""
    x = as_array(image, "image")
    if x.shape != (SIDE, SIDE):
        raise ValueError(f"image must have shape ({SIDE}, {SIDE}), got {x.shape}")
    x = x.astype(next(iter(network.params.values())).dtype)
    return x.reshape(1, *(network.input_dim or (SIDE * SIDE,)))


def _classes(classes: Any) -> list[int]:
    """Return the classes as a list of integers."""
    if not isinstance(classes, Sequence | np.ndarray) or isinstance(classes, str):
        raise TypeError(f"classes must be a list of digits, got {classes!r}")
    found = [as_count(k, "classes", least=0) for k in classes]
    if not found or max(found) >= CLASSES:
        raise ValueError(f"classes must be one or more digits, 0 to 9, got {classes!r}")
    return found
