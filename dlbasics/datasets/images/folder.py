"""A folder of pictures, with one folder for each class."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_flag,
    as_number,
    as_rng,
)
from dlbasics._internal.files import as_folder
from dlbasics._internal.image_forms import as_size, check_form, classes, images, labels
from dlbasics._internal.pictures import read_picture, resized
from dlbasics.typing import PathLike

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
"""Names, in lower case, that systems put into folders.  Names that start with a dot are hidden."""

Split = tuple[Array, Array]
Picture = tuple[Path, int]


def load_folder(
    path: PathLike,
    size: tuple[int, int] = (28, 28),
    *,
    color: bool = False,
    crop: bool = False,
    test_rate: float = 0.2,
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    rng: RngLike = 0,
) -> tuple[Split, Split, list[str]]:
    """Load pictures from a folder that holds one folder for each class.

    The names of the folders are the names of the classes, in alphabetical order; names that are all
    whole numbers come in the order of the numbers:

        pictures/cat/1.jpg, pictures/cat/2.png, ..., pictures/dog/1.jpg, ...

    If the folder holds the folders `train` and `test`, and each of them one folder for each class,
    the pictures of `test` are the test images.  Otherwise `test_rate` says how many of each class
    are.  The images come in a random order, which is the same at each call.

    The loader reads PNG, JPEG, BMP, GIF, PPM, TIFF and WebP, through Pillow
    (`python -m pip install "dlbasics[images]"`).  It skips hidden files, and turns photos upright.
    Transparent places become white.  It takes no notice of files beside the folders.

    Args:
        path: The folder.
        size: The height and the width that all images get, in pixels.
        color: True gives the channels red, green and blue; False gives grey values.
        crop: True cuts off the left and right, or upper and lower, margins of a picture whose shape
            is not that of `size`; False stretches the picture.
        test_rate: The share of each class that becomes test images, from 0 to 1.  A class of
            two or more pictures gives at least one to each side; a single picture is a training
            image.  0 makes all pictures training images.
        normalize: True gives x as float32 from 0.0 to 1.0; False gives uint8 from 0 to 255.
        flatten: True gives x the shape (N, C H W); False gives (N, C, H, W).
        one_hot_label: True gives t as one-hot rows, float32, (N, K); False gives the classes, (N,).
        rng: The random generator of the order and the split, or its seed.

    Returns:
        `(x_train, t_train), (x_test, t_test), names`, with the names of the K classes.

    Raises:
        TypeError, ValueError: If an argument is not as above, if there are fewer than two classes,
            if a class has no picture for training, or if a file is damaged, no picture, or too
            large.  The message names the file or folder.
        FileNotFoundError: If there is no such folder.
        ImportError: If Pillow is not installed.
    """
    check_form(normalize, flatten, one_hot_label)
    size, color, crop = as_size(size), as_flag(color, "color"), as_flag(crop, "crop")
    rate = as_number(test_rate, "test_rate", low=0, high=1)
    names, train, test = _splits(as_folder(path, "path"), rate, as_rng(rng))
    x = _read([*train, *test], size, color, crop)
    t = classes([k for _, k in (*train, *test)], len(names))
    x, t = images(x, normalize, flatten), labels(t, one_hot_label, len(names))
    n = len(train)
    return (x[:n], t[:n]), (x[n:], t[n:]), names


def _splits(
    path: Path, test_rate: float, rng: np.random.Generator
) -> tuple[list[str], list[Picture], list[Picture]]:
    """Return the names of the classes, and the shuffled files for training and for test."""
    folders = _folders(path)
    parts = {name.lower(): folder for name, folder in folders.items()}
    if {"train", "test"} <= parts.keys():
        train, test = _pictures(parts["train"]), _pictures(parts["test"])
        names = _in_order({*train, *test})
    else:
        train, test = _pictures(path), {}
        names = _in_order(train)
        for name, files in train.items():
            order = rng.permutation(len(files))
            count = _test_count(len(files), test_rate)
            test[name] = [files[i] for i in order[:count]]
            train[name] = [files[i] for i in order[count:]]
    if len(names) < 2:
        raise ValueError(f"{path}: expected a folder for each of two or more classes, got {names}")
    for name in names:
        if not train.get(name):
            raise ValueError(f"{path}: the class {name!r} has no picture for training")
    if test_rate and not any(test.values()):
        raise ValueError(
            f"{path}: there is no picture for test (the only picture of a class is for training; "
            "test_rate=0 asks for no test images)"
        )
    return names, _shuffled(train, names, rng), _shuffled(test, names, rng)


def _test_count(n: int, rate: float) -> int:
    return min(n - 1, max(1, round(n * rate))) if rate else 0


def _shuffled(
    files: dict[str, list[Path]], names: list[str], rng: np.random.Generator
) -> list[Picture]:
    pictures = [(file, k) for k, name in enumerate(names) for file in files.get(name, ())]
    return [pictures[i] for i in rng.permutation(len(pictures))]


def _pictures(path: Path) -> dict[str, list[Path]]:
    """Return the files in each class's folder, by the name of the class."""
    return {name: _files(folder) for name, folder in _folders(path).items()}


def _folders(path: Path) -> dict[str, Path]:
    return {entry.name: Path(entry.path) for entry in _visible(path) if entry.is_dir()}


def _files(folder: Path) -> list[Path]:
    entries = _visible(folder)
    for entry in entries:
        if not entry.is_file():
            raise ValueError(
                f"{entry.path}: expected a picture in the folder of a class, got a folder or a "
                "file of another kind (folders that split the data must have the names train and "
                "test)"
            )
    return [Path(entry.path) for entry in entries]


def _visible(path: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, by name, without hidden files."""
    with os.scandir(path) as entries:
        found = [e for e in entries if e.name[0] != "." and e.name.lower() not in SYSTEM_FILES]
    return sorted(found, key=lambda entry: entry.name)


def _in_order(names: Any) -> list[str]:
    """Return names in alphabetical order, or in the order of the numbers that all of them are."""
    are_numbers = all(name.isdecimal() for name in names)
    return sorted(names, key=lambda name: (int(name) if are_numbers else 0, name))


def _read(files: list[Picture], size: tuple[int, int], color: bool, crop: bool) -> Array:
    """Return the pictures as an array (N, C, H, W), uint8; show a progress bar in a terminal."""
    from tqdm import tqdm

    x = np.empty((len(files), 3 if color else 1, *size), np.uint8)
    shown = sys.stderr is not None and sys.stderr.isatty()
    for i, (path, _) in enumerate(tqdm(files, desc="reading pictures", disable=not shown)):
        x[i] = resized(read_picture(path, color, least=2 * max(size)), size, crop)
    return x
