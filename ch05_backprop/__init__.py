"""Chapter 5 of the book: backpropagation."""
