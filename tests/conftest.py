"""What several test files share."""

import os

import pytest

from dlbasics._internal.table import is_plain
from dlbasics.experiment import Data, load_data

pytest.register_assert_rewrite("tests.helpers")


@pytest.fixture(scope="session")
def mnist() -> Data:
    """Real MNIST, for the tests that a stand-in would make meaningless."""
    if "DLBASICS_DATA" not in os.environ:
        pytest.skip("real MNIST: set DLBASICS_DATA to the folder with its four files")
    return load_data("mnist")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests on MNIST.  With DLBASICS_PLAIN=1, skip the tests of what it switches off."""
    reason = pytest.mark.skip(reason="a test of the fast way, with DLBASICS_PLAIN=1")
    for item in items:
        if "mnist" in getattr(item, "fixturenames", ()):
            item.add_marker("mnist")
        if is_plain() and item.get_closest_marker("fast"):
            item.add_marker(reason)
