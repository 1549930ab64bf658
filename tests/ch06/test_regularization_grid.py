"""Chapter 6, regularization_grid.py: every combination of four kinds of regularization."""

import numpy as np

from ch06_techniques import regularization_grid
from ch06_techniques.regularization_grid import LAYERS, PENALTIES, Result, best
from dlbasics.regularizers import L1, L2
from tests.ch06.helpers import Recorded
from tests.helpers import few_digits

ACCURACIES = np.array([[0.7, 0.8, 0.7, 0.7], [0.7, 0.7, 0.7, 0.9], [0.6, 0.6, 0.6, 0.6]])


def test_every_combination_is_trained_from_the_same_weights(monkeypatch):
    made = []

    def make(*args, **kwargs):
        made.append(Recorded(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(regularization_grid, "MultiLayerNet", make)
    data = few_digits()
    settings = {"train_size": 100, "epochs": 1, "networks": 2}
    result = regularization_grid.experiment.run(data=data, **settings)
    assert len(made) == 2 * len(PENALTIES) * len(LAYERS)
    for i, network in enumerate(made):
        kinds = {layer.kind for layer in network.layers.values()}
        layers, penalty = LAYERS[i // 2 % 4], PENALTIES[i // 8]
        assert ("Dropout" in kinds) == (layers in ("dropout", "both"))
        assert ("BatchNorm" in kinds) == (layers in ("batch norm", "both"))
        assert type(network.regularizer) is {"no penalty": type(None), "L2": L2, "L1": L1}[penalty]
        assert np.array_equal(network.first["W1"], made[i % 2].first["W1"])
    accuracy = [network.accuracy(data.x_test[:2_000], data.t_test[:2_000]) for network in made[:2]]
    np.testing.assert_allclose(result.test_acc[0, 0], np.mean(accuracy))


def test_the_best_combination_is_found_and_named():
    result = Result(ACCURACIES, ACCURACIES, [0.0, 0.3, 0.9])
    assert best(result) == (1, 3)
    named = regularization_grid.experiment.claims[1]
    assert named.value(result) == "L2, both"


def test_the_figure_has_a_number_for_each_combination():
    figure = regularization_grid.plot(Result(ACCURACIES, ACCURACIES, [0.0, 0.3, 0.9]))["grid"]
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == [f"{v:.3f}" for v in ACCURACIES.ravel()]
