"""The binary version of CIFAR-10."""

import re
from pathlib import Path

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.files import as_folder
from dlbasics._internal.image_forms import check_form, images, labels
from dlbasics.typing import PathLike

CIFAR_10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
"""The names of CIFAR-10's classes, as batches.meta.txt has them."""

IMAGE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32
"""The number of bytes of an image: its class, then all red, all green and all blue values."""

Split = tuple[Array, Array]


def load_cifar10(
    path: PathLike,
    *,
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
) -> tuple[Split, Split, list[str]]:
    """Load CIFAR-10, or data of your own in its binary format.

    Args:
        path: The folder with the training images, data_batch_1.bin, data_batch_2.bin and so on, and
            the test images, test_batch.bin.  CIFAR-10 has five training files of 10,000 images; any
            number is allowed.  An image takes 3,073 bytes: its class, then 32x32 values of red, of
            green and of blue.
        normalize: True gives x as float32 from 0.0 to 1.0; False gives uint8 from 0 to 255.
        flatten: True gives x the shape (N, 3072); False gives (N, 3, 32, 32).
        one_hot_label: True gives t as one-hot rows, float32, (N, 10); False gives the classes,
            uint8, (N,).

    Returns:
        `(x_train, t_train), (x_test, t_test), names`.  The names come from batches.meta.txt, one a
        line, and are `CIFAR_10` if there is no such file.

    Raises:
        TypeError: If an argument is not as above.
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged or in another format.  The message names the file.
    """
    check_form(normalize, flatten, one_hot_label)
    folder = as_folder(path, "path")
    names = _names(folder)
    train = [_read(file, names) for file in _training_files(folder)]
    test = _read(folder / "test_batch.bin", names)
    x, t = (np.concatenate(arrays) for arrays in zip(*train, test, strict=True))
    x, t = images(x, normalize, flatten), labels(t, one_hot_label, len(names))
    n = len(x) - len(test[0])
    return (x[:n], t[:n]), (x[n:], t[n:]), names


def _training_files(folder: Path) -> list[Path]:
    """Return data_batch_1.bin to data_batch_n.bin, the last one in the folder."""
    found = (re.fullmatch(r"data_batch_(\d{1,3})\.bin", file.name) for file in folder.iterdir())
    last = max((int(name[1]) for name in found if name), default=1)
    files = [folder / f"data_batch_{i}.bin" for i in range(1, last + 1)]
    for file in (*files, folder / "test_batch.bin"):
        if not file.is_file():
            is_other = file.with_suffix("").exists()
            raise FileNotFoundError(
                f"{file} is missing"
                + (": this is the version for Python; expected the binary one" if is_other else "")
            )
    return files


def _names(folder: Path) -> list[str]:
    file = folder / "batches.meta.txt"
    if not file.is_file():
        return [*CIFAR_10]
    try:
        names = file.read_text(encoding="utf-8").split("\n")
    except ValueError as error:
        raise ValueError(f"{file}: expected the names of the classes, got {error}") from None
    names = [name.strip() for name in names if name.strip()]
    if not 2 <= len(names) <= 256:
        raise ValueError(f"{file}: expected the names of 2 to 256 classes, got {len(names)}")
    return names


def _read(file: Path, names: list[str]) -> Split:
    """Return the images (N, 3, 32, 32) and the classes (N,) in a file, uint8."""
    size = file.stat().st_size
    if size == 0 or size % RECORD:
        raise ValueError(f"{file}: expected {RECORD} bytes for each image, got {size} bytes")
    records = np.fromfile(file, np.uint8).reshape(-1, RECORD)
    t = records[:, 0]
    if t.max() >= len(names):
        raise ValueError(f"{file}: expected classes from 0 to {len(names) - 1}, got {t.max()}")
    return records[:, 1:].reshape(-1, *IMAGE), t
