"""MNIST (book: *Handwritten Digit Recognition*): 60,000 training and 10,000 test images.

`load_mnist` looks for the four files in this order:

1. in the folder that the environment variable `DLBASICS_DATA` names.  If the variable is set, the
   folder must hold all four files, gzipped (`.gz`) or not, and nothing else is tried.  Names such
   as `train-images.idx3-ubyte` are allowed, too;
2. in the cache: the folder that `DLBASICS_CACHE` names, else the user's cache folder for dlbasics;
3. on the servers in `MIRRORS`.  A download goes into the cache.

The module verifies every array: the SHA-256 of its uncompressed IDX file must be the published one.
To make later loads quick, the cache keeps each array as a `.npy` file.  It also keeps a "stamp", an
empty file, for each verified file.  A stamp's name depends on the path, the size and the times of
the file, so a file that has changed has no stamp, and the module verifies it anew.  If the cache is
read-only, every load takes longer, but works.
"""

import hashlib
import math
import os
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlbasics._internal.cache import cache_folder, named_folder
from dlbasics._internal.checks import Array, as_number
from dlbasics._internal.files import atomic_write
from dlbasics._internal.image_forms import check_form, images, labels
from dlbasics.datasets.idx import idx_header, read_idx


class MnistFile(NamedTuple):
    """One of the four files."""

    name: str
    size: int  # of the published .gz file, in bytes
    md5: str  # of the published .gz file
    sha256: str  # of the uncompressed file


FILES = (
    MnistFile(
        "train-images-idx3-ubyte",
        9_912_422,
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    MnistFile(
        "train-labels-idx1-ubyte",
        28_881,
        "d53e105ee54ea40749a09fcbcd1e9432",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    MnistFile(
        "t10k-images-idx3-ubyte",
        1_648_877,
        "9fb629c4189551a2d022fa330f9573f3",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    MnistFile(
        "t10k-labels-idx1-ubyte",
        4_542,
        "ec29112dd5afa0611ce80d1b7f02629c",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
    "https://azureopendatastorage.blob.core.windows.net/mnist/",
)

_failures: dict[str, str] = {}
"""Mirrors that failed, each with its reason.  No later call asks them while this Python runs."""


def load_mnist(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    timeout: float = math.inf,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load MNIST: 60,000 training images and 10,000 test images of handwritten digits.

    The first call downloads MNIST if it finds no copy.  The module's docstring says where it looks.

    Args:
        normalize: True gives x as float32 from 0.0 to 1.0; False gives uint8 from 0 to 255.
        flatten: True gives x the shape (N, 784); False gives (N, 1, 28, 28).
        one_hot_label: True gives t as one-hot rows, float32, (N, 10); False gives the digits
            themselves, uint8, (N,).
        timeout: The number of seconds that a download may take.

    Returns:
        `(x_train, t_train), (x_test, t_test)`.  The caller owns the arrays and may change them.

    Raises:
        TypeError: If `timeout` is not a number, or another argument neither True nor False.
        FileNotFoundError: If `DLBASICS_DATA` is set, but its folder lacks a file.
        ValueError: If a file in that folder is damaged, or is not MNIST's; or `timeout` is NaN.
        ConnectionError: If no mirror delivers MNIST in time.  The function does not ask a mirror
            that failed again while this Python runs.

    Book: *MNIST Dataset*.
    """
    check_form(normalize, flatten, one_hot_label)
    is_endless = isinstance(timeout, float) and timeout == math.inf
    seconds = timeout if is_endless else as_number(timeout, "timeout")
    deadline = time.monotonic() + seconds
    x_train, t_train, x_test, t_test = (_load(file, deadline) for file in FILES)
    return (
        (images(x_train, normalize, flatten), labels(t_train, one_hot_label)),
        (images(x_test, normalize, flatten), labels(t_test, one_hot_label)),
    )


def mnist_is_local() -> bool:
    """Return whether `load_mnist` would succeed without a download.

    The folder that `DLBASICS_DATA` names must hold the four files.  If the variable is not set, the
    cache must hold them.  The function also verifies the files.
    """
    try:
        return all(_load_local(file) is not None for file in FILES)
    except (OSError, ValueError):
        return False


# ---- Finding and verifying ----


def _load(file: MnistFile, deadline: float) -> Array:
    array = _load_local(file)
    return _download(file, deadline) if array is None else array


def _load_local(file: MnistFile) -> Array | None:
    """Return the array from `DLBASICS_DATA`'s folder if it is set, else from the cache, or None."""
    folder = os.environ.get("DLBASICS_DATA")
    if folder:
        return _load_source(_find_source(named_folder("DLBASICS_DATA"), file), file)
    array = _load_cached(file)
    if array is not None:
        return array
    # Whether the archive is missing or damaged, the caller has to download MNIST.
    with suppress(OSError, ValueError):
        return _load_source(_archive_path(file), file)
    return None


def _find_source(folder: Path, file: MnistFile) -> Path:
    dotted = file.name.replace("-idx", ".idx")  # as some programs name what they unpack
    for name in (file.name, dotted):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    problem = f"which has no {file.name}" if folder.is_dir() else "which is not a folder"
    raise FileNotFoundError(
        f"the environment variable DLBASICS_DATA names {folder}, {problem}; expected a folder with "
        f"{', '.join(f.name for f in FILES)}, each with or without .gz "
        "(without DLBASICS_DATA, dlbasics downloads MNIST)"
    )


def _load_source(source: Path, file: MnistFile) -> Array:
    """Return the array of an IDX file, from the cache if this very file has been verified."""
    stamp = _stamp(source, file)
    if os.path.exists(stamp):
        array = _load_cached(file)
        if array is not None:
            return array
    array = _read_verified(source, file)
    _cache_array(array, file)
    _put_stamp(stamp)
    return array


def _read_verified(source: Path, file: MnistFile) -> Array:
    array = read_idx(source)
    sha256 = _sha256(array)
    if sha256 != file.sha256:
        raise ValueError(
            f"{source}: expected MNIST's {file.name}, uncompressed with SHA-256 {file.sha256}, "
            f"got an IDX file of shape {array.shape} with SHA-256 {sha256}"
        )
    return array


def _sha256(array: Array) -> str:
    """Return the SHA-256 of the IDX file that holds this array."""
    digest = hashlib.sha256(idx_header(array.shape))
    digest.update(array.tobytes())
    return digest.hexdigest()


# ---- The cache ----


def _archive_path(file: MnistFile) -> Path:
    return cache_folder("mnist") / f"{file.name}.gz"


def _array_path(file: MnistFile) -> Path:
    return cache_folder("mnist") / f"{file.name}.npy"


def _stamp(path: Path, file: MnistFile) -> Path:
    """Return the stamp of `path`: if it exists, `path` was verified as `file` and is unchanged."""
    stat = path.stat()
    # The mtime alone is not enough: a file that was copied or unpacked may keep its old one.
    key = (str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, file.sha256)
    return cache_folder("mnist") / "verified" / hashlib.sha256(repr(key).encode()).hexdigest()


def _load_cached(file: MnistFile) -> Array | None:
    """Return the array from its .npy file, or None if that file is missing or damaged."""
    path = _array_path(file)
    try:
        stamp = _stamp(path, file)
        with open(path, "rb") as npy:
            array: Array = np.lib.format.read_array(npy, allow_pickle=False)
    except Exception:  # NumPy raises almost anything on a damaged file
        return None
    if not os.path.exists(stamp):
        if array.dtype != np.uint8 or _sha256(array) != file.sha256:
            return None
        _put_stamp(stamp)
    return array


def _cache_array(array: Array, file: MnistFile) -> None:
    path = _array_path(file)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as npy:
            np.save(npy, array, allow_pickle=False)
        _put_stamp(_stamp(path, file))


def _cache_archive(content: bytes, file: MnistFile) -> None:
    path = _archive_path(file)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as archive:
            archive.write(content)


def _put_stamp(stamp: Path) -> None:
    with suppress(OSError):
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()


# ---- The download ----


def _download(file: MnistFile, deadline: float) -> Array:
    from dlbasics.datasets.download import DeadlineError

    too_slow = ""
    for mirror in MIRRORS:
        if mirror in _failures:
            continue
        try:
            return _download_from(mirror, file, deadline)
        except DeadlineError as error:
            too_slow += f"\n  {mirror}: {file.name}.gz: {error}"
        except (OSError, ValueError) as error:
            _failures[mirror] = f"{file.name}.gz: {error}"
    if too_slow:
        raise ConnectionError(f"MNIST could not be downloaded in time:{too_slow}")
    tried = "".join(f"\n  {mirror}: {_failures[mirror]}" for mirror in MIRRORS)
    raise ConnectionError(
        "MNIST could not be downloaded. These servers failed, and dlbasics does not ask them again "
        f"before Python restarts:{tried}\nTo supply MNIST by hand, put the files "
        f"{', '.join(f'{f.name}.gz' for f in FILES)} into a folder and set the environment "
        "variable DLBASICS_DATA to its path."
    )


def _download_from(mirror: str, file: MnistFile, deadline: float) -> Array:
    import pooch  # type: ignore[import-untyped]

    from dlbasics.datasets.download import fetch

    pooch.get_logger().setLevel("WARNING")  # else it prints the address and the folder
    # A temporary folder, because the cache may be read-only, and several processes may download at
    # the same time.  If this process is killed, the folder stays until the system removes it.
    with tempfile.TemporaryDirectory(prefix="dlbasics-") as folder:
        archive = pooch.retrieve(
            f"{mirror}{file.name}.gz",
            known_hash=f"md5:{file.md5}",
            fname=f"{file.name}.gz",
            path=folder,
            downloader=partial(fetch, size=file.size, deadline=deadline),
        )
        array = _read_verified(Path(archive), file)
        content = Path(archive).read_bytes()
    _cache_archive(content, file)
    _cache_array(array, file)
    return array
