"""Chapter 8 of the book: deep learning."""
