import numpy as np
import pytest

from ch05_backprop import without_biases
from ch05_backprop.without_biases import Result, experiment
from dlbasics.gradient import numerical_gradient
from dlbasics.layers import Affine, Sigmoid
from dlbasics.network import Network
from tests.ch05.helpers import curves
from tests.helpers import failed, few_digits

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), hidden_size=8, iters_num=50, networks=2)


def test_missing_biases_cost_little_on_mnist(mnist):
    result = experiment.run(data=mnist, iters_num=800, networks=1)
    without, with_biases = result.test_acc["without"][0, -1], result.test_acc["with"][0, -1]
    assert 0.85 < without < 0.95
    assert abs(with_biases - without) < 0.01
    short = experiment.claims[1].text  # the accuracy, for which the training is too short
    assert [verdict.text for verdict in failed(experiment.claims, result)] in ([], [short])


def test_claims_and_figure_show_what_the_missing_biases_cost():
    accuracies = {"without": [[0.125, 0.5], [0.25, 0.5]], "with": [[0.125, 0.75], [0.25, 0.375]]}
    test_acc = {kind: np.array(rows) for kind, rows in accuracies.items()}
    result = Result(1e-17, 0.25, [0, 1], test_acc, 1e-16, (2.0, 1.0), 0.75, 0.5)
    difference, both, costs, *single = (claim.value(result) for claim in experiment.claims)
    assert difference == [1e-17, 0.25]
    assert both == [0.5, 0.5625]
    assert costs.tolist() == [0.25, -0.125]
    assert single == [1e-16, (2.0, 1.0), [0.75, 0.5]]
    accuracy, cost = experiment.plot(result)["accuracy"].axes
    assert curves(accuracy) == {
        "with biases": [0.5625],
        "without biases": [0.5],
    }
    assert [line.get_xdata() for line in accuracy.lines] == [[1], [1]]
    assert accuracy.get_ylabel() == "test accuracy (before training: 0.19)"
    assert [line.get_ydata().tolist() for line in cost.lines[:2]] == [[0, 25], [0, -12.5]]


def matrices(rng):
    return rng.standard_normal((5, 3)), rng.standard_normal((3, 4))


def test_the_matrix_formulas_are_the_gradient_of_the_mean_cross_entropy():
    rng = np.random.default_rng(0)
    W1, W2 = matrices(rng)
    x, t = rng.standard_normal((7, 5)), np.eye(4)[rng.integers(4, size=7)]

    def loss(_):
        y1, y2 = without_biases.predict(x, W1, W2)
        assert y1.shape == (7, 3)
        return -np.log(y2[t == 1]).mean()

    for formula, W in zip(without_biases.gradients(x, t, W1, W2), (W1, W2), strict=True):
        assert np.allclose(formula, numerical_gradient(loss, W), atol=1e-8)


def test_the_matrix_formulas_equal_the_layers_and_a_wrong_one_does_not(result, monkeypatch):
    assert result.gradient_difference < 1e-14
    assert result.largest_gradient > 1e-3
    right = without_biases.gradients
    arrays = [
        np.arange(45).reshape(9, 5) / 45,
        few_digits().t_train[:9] % 4,
        *matrices(np.random.default_rng(1)),
    ]
    monkeypatch.setattr(without_biases, "one_hot", lambda t: np.eye(4)[t])
    assert without_biases.compare(*arrays)[0] < 1e-14
    monkeypatch.setattr(
        without_biases, "gradients", lambda *args: (right(*args)[0] - 1e-3, right(*args)[1])
    )
    assert abs(without_biases.compare(*arrays)[0] - 1e-3) < 1e-12


def test_both_networks_start_alike_and_learn(result):
    accuracies = result.test_acc
    assert result.epochs == [0, 1, 2, 2.5]
    for kind in ("without", "with"):
        assert accuracies[kind].shape == (2, 4)
        assert (accuracies[kind][:, -1] > accuracies[kind][:, 0] + 0.1).all()
    assert np.array_equal(accuracies["without"][:, 0], accuracies["with"][:, 0])
    assert not np.array_equal(accuracies["without"], accuracies["with"])
    assert not np.array_equal(accuracies["with"][0], accuracies["with"][1])


def test_matrices_and_layers_without_biases_are_trained_alike(monkeypatch):
    def layers_without_biases(W1, W2):
        return Network([Affine(W1.copy(), None), Sigmoid(), Affine(W2.copy(), None)])

    monkeypatch.setattr(without_biases, "network_with_biases", layers_without_biases)
    settings = {"hidden_size": 8, "iters_num": 60, "learning_rate": 0.5, "networks": 1}
    result = experiment.run(data=few_digits(), **settings)
    assert np.abs(result.test_acc["with"] - result.test_acc["without"]).max() <= 0.002


def test_accuracies_of_both_kinds_are_those_on_the_test_images():
    rng, data = np.random.default_rng(0), few_digits()
    W1, W2 = rng.standard_normal((784, 5)), rng.standard_normal((5, 10))
    network = without_biases.network_with_biases(W1, W2)
    for W, key in ((W1, "W1"), (W2, "W2")):
        np.testing.assert_array_equal(network.params[key], W)
        assert not np.shares_memory(network.params[key], W)
    assert not network.params["b1"].any()
    assert not network.params["b2"].any()
    network.params["b2"][:] = np.arange(10)
    one = Network([Affine(W1, None), Sigmoid(), Affine(W2, None)])
    expected = [each.accuracy(data.x_test, data.t_test) for each in (one, network)]
    assert [*without_biases.accuracies_of(W1, W2, network, data)] == expected
    assert expected[0] != expected[1]
    assert expected[0] != one.accuracy(data.x_train, data.t_train)


def test_an_update_from_one_image_is_the_formula_of_the_text():
    rng = np.random.default_rng(0)
    (W1, W2), x = matrices(rng), rng.standard_normal((1, 5))
    y1, y2 = without_biases.predict(x, W1, W2)
    error = y2[0] - np.eye(4)[2]
    dW2 = np.outer(y1[0], error)
    dW1 = np.outer(x[0], (W2 @ error) * y1[0] * (1 - y1[0]))
    new1, new2 = W1.copy(), W2.copy()
    t = np.eye(4)[[2]]
    first, second = without_biases.gradients(x, t, W1, W2)
    np.testing.assert_allclose(first, dW1)
    np.testing.assert_allclose(second, dW2)
    new1 -= 0.5 * first
    new2 -= 0.5 * second
    np.testing.assert_allclose(new1, W1 - 0.5 * dW1)
    np.testing.assert_allclose(new2, W2 - 0.5 * dW2)
