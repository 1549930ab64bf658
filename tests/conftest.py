"""What several test files share."""

import os

import pytest

from dlbasics.experiment import Data, load_data


@pytest.fixture(scope="session")
def mnist() -> Data:
    """Real MNIST, for the tests that a stand-in would make meaningless."""
    if "DLBASICS_DATA" not in os.environ:
        pytest.skip("real MNIST: set DLBASICS_DATA to the folder with its four files")
    return load_data("mnist")
