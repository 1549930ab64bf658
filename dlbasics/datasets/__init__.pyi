"""The public names of `dlbasics.datasets`; see `dlbasics/__init__.pyi`."""

from . import choice as choice, digits as digits, mnist as mnist
from .choice import Data as Data, load_data as load_data
from .digits import load_digits as load_digits
from .mnist import load_mnist as load_mnist
