"""The book's name for `dlbasics.datasets`, so that its listings find `dataset.mnist`."""
