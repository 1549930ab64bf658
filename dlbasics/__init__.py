"""dlbasics: deep learning from scratch, in the style of *Deep Learning from the Basics*."""

__version__ = "0.1.0"
