"""Chapter 6, equal_weights.py: the three starts, and units that stay equal."""

import numpy as np
import pytest

from ch06_techniques.equal_weights import STARTS, difference, experiment, initial_network
from dlbasics import plotting
from tests.ch06.helpers import wrong_values_that_hold
from tests.helpers import few_digits


def test_units_stay_equal_on_the_digits_too():
    result = experiment.run(data=few_digits(), hidden_size=5, iters_num=60)
    assert max(result.difference["zero"], result.difference["equal"]) < 1e-9
    assert result.difference["random"] > 0.1
    assert all(np.ptp(result.W1[start]) > 0 for start in STARTS)
    assert all(
        len(losses) == 60 and losses[0] == pytest.approx(np.log(10), abs=0.3)
        for losses in result.train_loss.values()
    )


def test_difference_is_that_between_units_in_both_layers():
    network = initial_network("equal", 3, np.random.default_rng(0))
    assert difference(network) == 0
    network.params["W1"][5] = [0.0, 0.25, -0.5]
    assert difference(network) == 0.75
    network.params["W1"][5] = 0
    network.params["W2"][:, 1] = [1, 2, 4]
    assert difference(network) == 3


def test_the_three_starts():
    for start, low, high in (("zero", 0, 0), ("equal", 0.01, 0.01), ("random", -0.3, 0.3)):
        network = initial_network(start, 20, np.random.default_rng(0))
        W1 = network.params["W1"]
        assert W1.shape == (784, 20)
        assert low <= W1.min() <= W1.max() <= high
    assert W1.std() == pytest.approx(1 / 28, rel=0.05)


@pytest.mark.parametrize("hidden_size", [1, 5])
def test_the_units_have_one_scale_and_a_color_bar(hidden_size):
    result = experiment.run(data=few_digits(), hidden_size=hidden_size, iters_num=60)
    figure = experiment.plot(result)["hidden_units"]
    assert plotting.png(figure), "there is room for all"
    *panels, bar = figure.axes
    assert len(panels) == 3 * hidden_size
    assert len({axes.images[0].get_clim() for axes in panels}) == 1
    assert bar.get_ylabel() == "weight"


def test_claims_know_wrong_values():
    assert (
        wrong_values_that_hold(
            experiment.claims,
            {
                "largest difference between two hidden units, weights 0": [[0, 1e-5], [1e-5, 0]],
                "largest difference between two hidden units, random": [0.01],
                "largest change": [[0, 0.1, 0.4], [0.1, 0, 0.4], [0.1, 0.1, 0]],
                "test accuracy: zero": [[0.3, 0.6], [0.6, 0.3]],
                "test accuracy: random": [0.7, 1.1],
            },
        )
        == []
    )
