"""The short name for `dlbasics.datasets.digits`."""

from dlbasics.datasets.digits import load_digits

__all__ = ["load_digits"]
