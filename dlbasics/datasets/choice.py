"""The choice between MNIST and the embedded digits, which this library draws."""

import os
from dataclasses import dataclass

from dlbasics._internal.checks import Array, as_flag
from dlbasics._internal.image_forms import images
from dlbasics._internal.reprs import Record

DOWNLOAD_SECONDS = 15.0
"""The time that `load_data("auto")` gives a download."""

TRAIN, TEST = 2_000, 500
"""The number of images of a quick run."""

Samples = tuple[Array, Array]

_out_of_reach: set[str] = set()  # the data sets that this process could not download


@dataclass(frozen=True)
class Data(Record):
    """A data set with images for training and for test.

    Attributes:
        name: 'mnist' or 'digits'.
        x_train: The training images, (N, 784), float32 from 0 to 1.
        t_train: Their classes, (N,).
        x_test: The test images, in the same form.
        t_test: Their classes.
    """

    name: str
    x_train: Array
    t_train: Array
    x_test: Array
    t_test: Array


def load_data(name: str = "auto", *, quick: bool = False) -> Data:
    """Load a data set.

    Args:
        name: 'mnist', or 'digits' for the embedded digits.  'auto' stands for MNIST if it is on
            this machine or a download takes less than DOWNLOAD_SECONDS, else for the digits; a
            printed line then says so.
        quick: If True, the function downloads nothing, and returns only 2,000 training images and
            500 test images.

    Raises:
        TypeError: If `quick` is neither True nor False.
        ValueError: If there is no data set of that name, or a file of MNIST is damaged.
        OSError: If MNIST is not on this machine and the download fails.
    """
    from dlbasics.datasets import mnist
    from dlbasics.datasets.digits import load_digits

    quick = as_flag(quick, "quick")
    if not isinstance(name, str) or name not in ("auto", "mnist", "digits"):
        raise ValueError(f"name must be 'auto', 'mnist' or 'digits', got {name!r}")
    # A folder that the user names must be good.  Without one, MNIST may still be in the cache.
    local = bool(os.environ.get("DLBASICS_DATA")) or mnist.mnist_is_local()
    if name == "mnist" and quick and not local:
        raise FileNotFoundError("--quick never downloads, and MNIST is not on this machine")
    if name == "mnist" or (name == "auto" and local):
        train, test = _few(*mnist.load_mnist(normalize=False)) if quick else mnist.load_mnist()
        return Data("mnist", *train, *test)
    if name == "auto" and not quick and "MNIST" not in _out_of_reach:
        try:
            train, test = mnist.load_mnist(timeout=DOWNLOAD_SECONDS)
            return Data("mnist", *train, *test)
        except ConnectionError:
            _out_of_reach.add("MNIST")
    if name == "auto":
        reason = "is not on this machine" + ("" if quick else " and could not be downloaded")
        line = f"data: the embedded digits, as MNIST {reason}; accuracies differ from the book's"
        print(line, flush=True)
    train, test = load_digits(train=TRAIN, test=TEST) if quick else load_digits()
    return Data("digits", *train, *test)


def _few(train: Samples, test: Samples) -> tuple[Samples, Samples]:
    """Return the first images, uint8 before and float32 now, and their labels."""
    (x_train, t_train), (x_test, t_test) = train, test
    return (
        (images(x_train[:TRAIN], normalize=True, flatten=True), t_train[:TRAIN]),
        (images(x_test[:TEST], normalize=True, flatten=True), t_test[:TEST]),
    )
