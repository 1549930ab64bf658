"""The public names of `dlbasics.datasets`; see `dlbasics/__init__.pyi`."""

from . import choice as choice, digits as digits, images as images, mnist as mnist
from .choice import Data as Data, load_data as load_data
from .digits import load_digits as load_digits
from .images import (
    CIFAR_10 as CIFAR_10,
    FASHION_MNIST as FASHION_MNIST,
    load_cifar10 as load_cifar10,
    load_csv as load_csv,
    load_folder as load_folder,
    load_idx as load_idx,
    normalize_digit as normalize_digit,
)
from .mnist import load_mnist as load_mnist
