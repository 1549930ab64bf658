"""The book's name for `dlbasics.datasets`, so that `from dataset.mnist import load_mnist` works.

It works in a checkout.  The wheel leaves this package out, and our code does not import it, because
readers have modules of this name.
"""
