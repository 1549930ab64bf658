"""Chapter 6 of the book: training techniques."""
