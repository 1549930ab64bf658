"""The listings leave generators without a seed; here these have one."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def same_numbers_each_time(monkeypatch):
    """Seed NumPy's global generator, and each generator that is made without a seed."""
    default_rng, seeds = np.random.default_rng, np.random.default_rng(0)
    np.random.seed(0)  # noqa: NPY002
    monkeypatch.setattr(
        np.random,
        "default_rng",
        lambda seed=None: default_rng(seeds.integers(2**32) if seed is None else seed),
    )
