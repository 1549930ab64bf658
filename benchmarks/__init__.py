"""Benchmarks of the library.  Each file compares its subject with something else, side by side."""
