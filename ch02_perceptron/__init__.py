"""Chapter 2 of the book: perceptrons."""
