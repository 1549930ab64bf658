"""Chapter 4 of the book: training by numerical gradients."""
