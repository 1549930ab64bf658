"""IDX files, the format of MNIST, Fashion-MNIST and EMNIST."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlbasics._internal import image_forms as forms
from dlbasics._internal.checks import Array, as_flag
from dlbasics._internal.files import as_path
from dlbasics.datasets.idx import read_idx
from dlbasics.typing import PathLike

FASHION_MNIST = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip
"""The names of Fashion-MNIST's classes."""


def load_idx(
    images: PathLike,
    labels: PathLike,
    *,
    names: Sequence[str] | PathLike | None = None,
    transpose: bool = False,
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
) -> tuple[Array, Array, list[str]]:
    """Load images and their labels from two IDX files, gzipped or not, under any names.

    One call loads the training images, another one the test images:

        x_train, t_train, names = load_idx(
            "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", names=FASHION_MNIST
        )

    Args:
        images: The file with the images, (N, H, W).
        labels: The file with their classes, (N,).
        names: The names of the classes, such as `FASHION_MNIST`, or the path of EMNIST's mapping
            file, such as emnist-letters-mapping.txt.  With a mapping file, t holds positions in
            that file: EMNIST's letters have the labels 1 to 26, and become the classes 0 to 25.
            None stands for the numbers of the classes.
        transpose: True exchanges the rows and the columns of each image; EMNIST's need it.
        normalize: True gives x as float32 from 0.0 to 1.0; False gives uint8 from 0 to 255.
        flatten: True gives x the shape (N, H W); False gives (N, 1, H, W).
        one_hot_label: True gives t as one-hot rows, float32, (N, K); False gives the classes,
            uint8, (N,).

    Returns:
        `x, t, names`, with the names of the K classes.

    Raises:
        TypeError: If an argument is not as above.
        OSError: If a file cannot be opened.
        ValueError: If a file is damaged or in another format, if there are not as many labels as
            images, or if a label has no name.  The message names the file.
    """
    forms.check_form(normalize, flatten, one_hot_label)
    transpose = as_flag(transpose, "transpose")
    images, labels = as_path(images, "images"), as_path(labels, "labels")
    known: list[str] | None = None
    numbers = None
    if isinstance(names, str | os.PathLike):
        mapping = _read_mapping(as_path(names, "names"))
        numbers, known = [*mapping], [*mapping.values()]
    elif names is not None:
        known = forms.as_names(names)
    x, t = read_idx(images), read_idx(labels)
    if x.ndim != 3:
        raise ValueError(f"{images}: expected images (N, H, W), got an array of shape {x.shape}")
    if t.shape != x.shape[:1]:
        raise ValueError(
            f"{labels}: expected {len(x)} labels for the images of {images}, "
            f"got an array of shape {t.shape}"
        )
    if numbers is not None:
        t = _positions(t, numbers, f"{labels}: expected labels of {names}")
    if known is None:
        known = forms.numbered(t)
    elif t.max() >= len(known):
        raise ValueError(f"{labels}: expected labels below {len(known)}, got {t.max()}")
    if transpose:
        x = x.transpose(0, 2, 1).copy()
    t = forms.labels(t, one_hot_label, len(known))
    return forms.images(x, normalize, flatten), t, known


def _read_mapping(path: Path) -> dict[int, str]:
    """Return the characters by label, from lines of a label and the codes of its characters.

    A line such as `1 65 97` says that the label 1 is an A, and perhaps a small one.
    """
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        mapping = {int(row[0]): chr(int(row[1])) for row in rows if row}
    except (ValueError, IndexError, OverflowError) as error:
        raise ValueError(
            f"{path}: expected lines of a label and the code of a character, got {error}"
        ) from None
    if not all(0 <= label < 256 for label in mapping):
        raise ValueError(f"{path}: expected labels from 0 to 255, got {[*mapping]}")
    if len(mapping) < 2 or len({*mapping.values()}) < len(mapping):
        raise ValueError(f"{path}: expected two or more different characters, got {mapping}")
    return mapping


def _positions(t: Array, known: list[int], expected: str) -> Array:
    """Return the position of each label among those that are known."""
    position = np.full(256, len(known))
    position[known] = np.arange(len(known))
    found = position[t]
    if found.max() == len(known):
        raise ValueError(f"{expected}, got {t[found.argmax()]}")
    return forms.classes(found, len(known))
