"""Chapter 6, ensemble.py: what networks answer together, and which ensembles are tested."""

import numpy as np
import pytest

from ch06_techniques import ensemble
from ch06_techniques.ensemble import Result, accuracy, experiment, means
from dlbasics.functions import softmax
from tests.ch06.helpers import assert_values
from tests.helpers import few_digits


def test_claims_read_the_numbers_they_name():
    result = Result([[0.1, 0.3, 0.5], [0.6, 0.7, 0.8], [0.9]])
    assert_values(experiment.claims, result, [0.3, 0.9], [0.5, 0.9], [0.3, 0.7, 0.9])


def test_an_ensemble_answers_with_the_highest_mean_probability():
    sure, unsure = np.array([[0.9, 0.1]]), np.array([[0.3, 0.7]])
    t = np.array([0])
    assert accuracy((sure,), t) == 1
    assert accuracy((unsure,), t) == 0
    assert accuracy((sure, unsure), t) == 1
    assert accuracy((sure, unsure, unsure, unsure, unsure), t) == 0


def test_every_choice_of_networks_is_tested(monkeypatch):
    networks = []
    right = ensemble.train

    def train(data, config, rng):
        networks.append(right(data, config, rng))
        return networks[-1]

    monkeypatch.setattr(ensemble, "train", train)
    result = experiment.run(data=few_digits(), networks=3, train_size=500, epochs=1)
    assert [len(accuracies) for accuracies in result.test_acc] == [3, 3, 1]
    x, t = few_digits().x_test, few_digits().t_test
    alone = [network.accuracy(x, t) for network in networks]
    assert result.test_acc[0] == pytest.approx(alone)
    assert len({*alone}) > 1
    each = [softmax(network.predict(x)) for network in networks]
    for count, choices in ((2, [(0, 1), (0, 2), (1, 2)]), (3, [(0, 1, 2)])):
        together = [sum(each[i] for i in chosen).argmax(axis=1) for chosen in choices]
        wanted = [np.mean(said == t) for said in together]
        assert result.test_acc[count - 1] == pytest.approx(wanted)
    assert means(result)[0] == pytest.approx(np.mean(alone))
    (axes,) = experiment.plot(result)["accuracy"].axes
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), result.test_acc[1])
    np.testing.assert_array_equal(axes.lines[3].get_ydata(), means(result))
