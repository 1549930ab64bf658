import numpy as np
import pytest

from ch05_backprop import by_hand
from ch05_backprop.by_hand import experiment
from dlbasics.experiment import LEFT_OUT
from dlbasics.networks import MultiLayerNet
from tests.helpers import few_digits

NAN = float("nan")


@pytest.fixture
def small(monkeypatch):
    """The network 784-6-5-10, which takes a twentieth of the time of 784-128-64-10."""

    def network(n_in, hidden, n_out, **options):
        assert hidden == [128, 64]
        return MultiLayerNet(n_in, [6, 5], n_out, **options)

    monkeypatch.setattr(by_hand, "MultiLayerNet", network)


@pytest.fixture
def parts():
    """The parameters of a small network, an image, its values and the gradients."""
    network = MultiLayerNet(784, [6, 5], 10, rng=0, dtype=np.float64)
    params = {key: param.tolist() for key, param in network.params.items()}
    x, label = few_digits().x_train[0].tolist(), int(few_digits().t_train[0])
    values = by_hand.forward(params, x)
    dz3 = by_hand.output_error(values["a3"], label)
    return params, x, values, by_hand.backward(params, x, values, dz3)


def test_claims_show_what_was_found():
    result = by_hand.Result(
        parameters=7,
        label=2,
        outputs=[0.3, 0.1, 0.6],
        one_term=(0.4, 0.5),
        first_steps=(0.2, 0.7),
        differences={
            "layers": {"parameters": 3.0, "gradients": 2.0, "values": 1.0},
            "PyTorch": {"values": 4.0, "gradients": 5.0, "parameters": 6.0},
        },
    )
    found = [claim.value(result) for claim in experiment.claims]
    assert found == [7, [0.1, 0.6], 1.0, 2.0, 3.0, [4.0, 5.0, 6.0], (0.4, 0.5), 0.2, 0.7]


@pytest.mark.parametrize("seed", range(1, 4))
def test_loops_and_layers_are_equal_with_other_seeds(small, seed):
    result = experiment.run(seed=seed, data=few_digits())
    assert max(result.differences["layers"].values()) < 1e-12
    network = MultiLayerNet(784, [6, 5], 10, rng=seed, dtype=np.float64)
    scores = network.predict(few_digits().x_train[0].astype(np.float64))
    np.testing.assert_allclose(result.outputs, np.exp(scores) / np.exp(scores).sum())
    assert result.label == few_digits().t_train[0]


ERRORS = {
    "relu": ("values", lambda z: [max(z_j, 1e-9) for z_j in z]),
    "softmax": ("values", lambda z: [np.exp(z_k) for z_k in z]),
    "output_error": ("gradients", lambda a3, label: [a3[k] - (k == 0) for k in range(len(a3))]),
    "hidden_error": ("gradients", lambda dz, W, z: [sum(np.multiply(row, dz)) for row in W]),
    "products": ("gradients", lambda a, dz: [[1.001 * a_i * dz_j for dz_j in dz] for a_i in a]),
    # The first update is right, the second wrong.
    "adam": ("parameters", lambda g, m, v, t, right=by_hand.adam: right(g, m, v, 1)),
}


@pytest.mark.parametrize("formula", ERRORS)
def test_an_error_in_any_formula_shows(small, monkeypatch, formula):
    where, wrong = ERRORS[formula]
    monkeypatch.setattr(by_hand, formula, wrong)
    result = experiment.run(seed=1, data=few_digits())
    assert all(differences[where] > 1e-10 for differences in result.differences.values())


def test_the_terms_of_all_outputs_add_up_to_the_gradient(parts):
    params, x, values, grads = parts
    terms = [
        by_hand.backward(params, x, values, (row * grads["b3"]).tolist()) for row in np.eye(10)
    ]
    for key, expected in grads.items():
        total = np.sum([np.array(term[key]) for term in terms], axis=0)
        np.testing.assert_allclose(total, expected, rtol=1e-12, atol=1e-15)
    assert by_hand.nearest_terms(params, x, values, grads) == tuple(
        min(by_hand.relative_difference(term[key], grads[key]) for term in terms)
        for key in ("W2", "W1")
    )


@pytest.mark.extra
def test_loops_and_pytorch_are_equal(small):
    pytest.importorskip("torch")
    found = experiment.run(seed=1, data=few_digits()).differences
    assert [*found["PyTorch"]] == ["values", "gradients", "parameters"]
    assert all(0 < difference < 1e-12 for difference in found["PyTorch"].values())


def test_without_pytorch_its_claim_is_left_out(small, monkeypatch):
    monkeypatch.setattr(by_hand, "find_spec", lambda name: None)
    result = experiment.run(seed=1, data=few_digits())
    (left_out,) = (claim for claim in experiment.claims if claim.value(result) is LEFT_OUT)
    assert left_out.text == "the same three differences between loops and PyTorch"


def test_the_largest_difference_is_that_of_all_numbers():
    by_layers = {"W1": np.zeros((2, 3)), "b1": np.zeros(3)}
    found = by_hand.largest_difference({"W1": [[0, 0, 0], [0, -2, 1]], "b1": [0] * 3}, by_layers)
    assert found == 2
    unknown = by_hand.largest_difference({"W1": [[0] * 3] * 2, "b1": [0, NAN, 0]}, by_layers)
    assert np.isnan(unknown)
    with pytest.raises(KeyError, match="b2"):
        by_hand.largest_difference({"b2": [0]}, by_layers)
