"""Chapter 3 of the book: the forward pass of a neural network."""
