"""What several test files of chapter 6 share."""

import pytest

from ch06_techniques import batch_norm_test, deep_sigmoid, overfit_weight_decay
from tests.helpers import few_digits

pytest.register_assert_rewrite("tests.ch06.helpers")


@pytest.fixture
def recorded(monkeypatch):
    """recorded(experiment, **settings): the result on digits, and its networks in order."""
    from tests.ch06.helpers import Recorded  # after its assertions are registered

    def run(experiment, **settings):
        networks = []

        def make(*args, **kwargs):
            networks.append(Recorded(*args, **kwargs))
            return networks[-1]

        for module in (batch_norm_test, deep_sigmoid, overfit_weight_decay):
            monkeypatch.setattr(module, "MultiLayerNet", make)
        return experiment.run(data=few_digits(), **settings), networks

    return run
