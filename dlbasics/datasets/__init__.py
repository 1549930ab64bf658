"""The data sets: MNIST, the embedded digits, which this library draws, and your own images.

`from dlbasics.datasets import load_mnist` works, and so does the longer path,
`from dlbasics.datasets.mnist import load_mnist`.  Python loads a module when you first ask for its
name.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
