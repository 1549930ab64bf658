"""Chapter 7 of the book: convolutional networks."""
