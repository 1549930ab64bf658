"""The public names of `dlbasics.datasets`; see `dlbasics/__init__.pyi`."""

from . import digits as digits, mnist as mnist
from .digits import load_digits as load_digits
from .mnist import load_mnist as load_mnist
