"""The embedded digits; see `dlbasics.datasets.digits`."""

from dlbasics.datasets.digits import load_digits

__all__ = ["load_digits"]
