"""Chapter 8, transfer_learning.py: trained weights for a new task."""

import numpy as np

from ch08_deep import transfer_learning
from ch08_deep.transfer_learning import CONVOLUTIONS, WAYS, halves, train
from dlbasics.networks import VGG
from tests.helpers import few_digits

SETTINGS = {"first_size": 100, "first_epochs": 1, "sizes": (10, 20), "updates": 2, "tries": 1}


def test_the_digits_are_split_and_both_halves_have_labels_0_to_4():
    data = few_digits()
    (x_low, t_low), (x_high, t_high) = halves(data.x_test, data.t_test)
    assert set(t_low) == set(t_high) == set(range(5))
    images = data.x_test.reshape(-1, 1, 28, 28)
    assert np.array_equal(x_high[t_high == 2], images[data.t_test == 7])
    assert len(x_low) + len(x_high) == len(data.x_test)


def test_fixed_parameters_stay_and_the_others_learn():
    (x, t), _ = halves(few_digits().x_train, few_digits().t_train)
    network = VGG(output_size=5, rng=0)
    before = {key: param.copy() for key, param in network.params.items()}
    train(network, x[:20], t, 3, 10, 0.001, np.random.default_rng(0), fixed=2 * CONVOLUTIONS)
    same = [key for key in before if np.array_equal(before[key], network.params[key])]
    assert same == ["W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"]


def test_the_convolutions_start_from_the_trained_ones(monkeypatch):
    seen = []

    def recorded(network, *args, **kwargs):
        seen.append({key: param.copy() for key, param in network.params.items()})
        train(network, *args, **kwargs)
        seen.append(network)

    monkeypatch.setattr(transfer_learning, "train", recorded)
    result = transfer_learning.experiment.run(data=few_digits(), **SETTINGS)
    first = seen[1].params
    starts = seen[2::2]
    assert len(starts) == 2 * len(WAYS)
    for i, start in enumerate(starts):
        own = start["W1"].shape == first["W1"].shape and np.array_equal(start["W1"], first["W1"])
        assert own == (WAYS[i % 3] != WAYS[0])
        assert not np.array_equal(start["W5"], first["W5"])
        assert np.array_equal(start["W5"], starts[i // 3 * 3]["W5"])
    assert all(accuracies.shape == (2, 1) for accuracies in result.test_acc.values())
