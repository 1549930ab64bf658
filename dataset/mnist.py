"""The book's `dataset.mnist`; see `dlbasics.datasets.mnist`."""

from dlbasics.datasets.mnist import load_mnist

__all__ = ["load_mnist"]
