"""Your own images: loaders for pictures and for the formats of well-known data sets.

Each loader returns arrays as `load_mnist` does, and the names of the classes: class k has the name
`names[k]`.  Its errors name the file.

    load_folder      a folder of pictures for each class: PNG, JPEG and the like
    load_idx         IDX files, the format of MNIST, Fashion-MNIST and EMNIST
    load_cifar10     the binary version of CIFAR-10
    load_csv         a table of pixels, one image a line
    normalize_digit  a digit on a sheet of paper becomes an image as MNIST's are
"""

from dlbasics.datasets.images.cifar import CIFAR_10, load_cifar10
from dlbasics.datasets.images.csv import load_csv
from dlbasics.datasets.images.digit import normalize_digit
from dlbasics.datasets.images.folder import load_folder
from dlbasics.datasets.images.idx import FASHION_MNIST, load_idx

__all__ = [
    "CIFAR_10", "FASHION_MNIST", "load_cifar10", "load_csv", "load_folder", "load_idx",
    "normalize_digit",
]  # fmt: skip
