"""Chapter 6, label_noise.py: the kinds of training, and what the claims read."""

import numpy as np
import pytest

from ch06_techniques import early_stopping
from ch06_techniques.label_noise import KINDS, Result, after_all_epochs, experiment
from dlbasics.experiment import LEFT_OUT
from tests.ch06.helpers import assert_values
from tests.helpers import few_digits


def test_claims_read_the_numbers_they_name():
    test_acc = dict(zip(KINDS, np.arange(8).reshape(4, 2).tolist(), strict=True))
    result = Result((0.0, 0.4), test_acc)
    assert_values(experiment.claims, result, [0, 1], [4, 5], [0, 2], [1, 3])


def test_every_kind_of_training_gets_the_labels_of_its_share(monkeypatch):
    seen = []

    def train(t, data, config, rng, patience, smoothing):
        seen.append((t, rng.random(), patience, smoothing))
        return early_stopping.Trained([], [], [], len(seen) / 100)

    monkeypatch.setattr(early_stopping, "train", train)
    result = experiment.run(data=few_digits(), shares=(0.0, 0.5), size=1_000)
    kinds = [(None, 0), (None, 0.2), (8, 0), (8, 0.2)]
    assert [kind[2:] for kind in seen] == kinds * 2
    for of_share, share in ((seen[:4], 0), (seen[4:], 0.5)):
        for t, draw, _, _ in of_share:
            assert draw == of_share[0][1], "not the same weights and batches for all"
            np.testing.assert_array_equal(t, of_share[0][0])
            assert (t != few_digits().t_train[:1_000]).mean() == pytest.approx(share, abs=0.06)
    assert [*result.test_acc.values()] == [[0.01, 0.05], [0.02, 0.06], [0.03, 0.07], [0.04, 0.08]]
    assert after_all_epochs(result, 0.5) == [0.05, 0.06]
    assert after_all_epochs(result, 0.4) is LEFT_OUT
    (axes,) = experiment.plot(result)["accuracy"].axes
    np.testing.assert_array_equal(axes.lines[3].get_xydata(), [[0, 0.04], [0.5, 0.08]])
