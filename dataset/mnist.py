"""The book's name for `dlbasics.datasets.mnist`."""

from dlbasics.datasets.mnist import load_mnist

__all__ = ["load_mnist"]
