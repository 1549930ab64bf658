"""What other texts do with backpropagation: exercises, a network by hand, and its training."""

import numpy as np
import pytest

from ch05_backprop import by_hand, exercises, train_two_hidden_layers
from ch05_backprop.exercises import EXERCISES
from ch05_backprop.graph import Graph, Input
from dlbasics.experiment import LEFT_OUT, judge, load_data
from dlbasics.layers import SigmoidWithLoss, SoftmaxWithLoss
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam

DIGITS = load_data("digits", quick=True)
NAN = float("nan")
BOUNDS = {
    by_hand: [
        (109_386, [109_385, 109_184, NAN]),
        ([0.05, 0.2], [[0.001, 0.2], [0.05, 0.9], [NAN, 0.2], [0.05, NAN]]),
        (1e-15, [1e-11, NAN]),
        (1e-15, [1e-11, NAN]),
        (1e-15, [1e-11, NAN]),
        ([1e-15] * 3, [[1e-11, 0, 0], [0, 1e-11, 0], [0, 0, 1e-11], [0, NAN, 0]]),
        ((0.3, 0.3), [(0.0, 0.3), (0.3, 1e-15), (NAN, 0.3), (0.3, NAN)]),
        (7.4414e-4, [1e-3, 7.43e-4, NAN]),
        (0.99999e-3, [7.441e-4, 1.01e-3, NAN]),
    ],
    train_two_hidden_layers: [
        (18_760, [18_740, 12_000, NAN]),
        (0.9963, [0.99, NAN]),
        (0.9759, [0.96, NAN]),
        (0.9999999, [0.99, NAN]),
    ],
}


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict for verdict in verdicts if verdict.holds is False]


# Exercises


def test_every_answer_of_the_exercises():
    assert failed(exercises, exercises.run()) == []


@pytest.mark.parametrize("wrong", [1.001, -1, NAN])
def test_no_wrong_answer_passes(wrong):
    for claim in exercises.CLAIMS:
        assert claim.holds(np.array(claim.book))
        assert not claim.holds(wrong * np.array(claim.book)), claim.text
        assert not claim.holds(np.array(claim.book)[:-1]), claim.text


def answers(name, **values):
    """The derivatives of an exercise with other numbers, by the names of its inputs."""
    graph = EXERCISES[name]
    inputs = [
        Input(edge.name, values.get(edge.name, edge.value), edge.at, edge.constant)
        for edge in graph.inputs
    ]
    return Graph(graph.title, inputs, graph.nodes, graph.upstream).run().derivatives


@pytest.mark.parametrize("seed", range(5))
def test_the_chain_rule_is_that_of_the_answers_at_any_numbers(seed):
    a, x, y = np.random.default_rng(seed).normal(size=3)

    found = answers("squared_error", a=a, x=x, y=y)
    expected = 2 * x * (a * x - y), 2 * a * (a * x - y), -2 * (a * x - y)
    np.testing.assert_allclose([found[name] for name in "axy"], expected)

    found = answers("branches", x=x, y=y)
    np.testing.assert_allclose([found["x"], found["y"]], [2 * (x + y) + 3, 3 * y**2 + 2 * (x + y)])

    found = answers("functions_of_one", x=x)
    assert found["x"] == pytest.approx(3 * np.exp(x) - 2 * np.exp(-x))

    u = 1 / (1 + np.exp(y - x))
    found = answers("softmax_of_two", x=x, y=y)
    np.testing.assert_allclose([found["x"], found["y"]], np.array([-4, 4]) * u * (1 - u))


@pytest.mark.parametrize("seed", range(5))
def test_the_exercises_on_losses_are_the_layers(seed):
    x, y = np.random.default_rng(seed).normal(size=2)

    softmax, found = SoftmaxWithLoss(), answers("cross_entropy_of_two", x=x, y=y)
    softmax.forward(np.array([x, y]), np.array([0.25, 0.75]))
    np.testing.assert_allclose(softmax.backward(), [found["x"], found["y"]])

    sigmoid, found = SigmoidWithLoss(), answers("sigmoid_with_loss", x=x)
    sigmoid.forward(np.array([x]), np.array([0.3]))
    np.testing.assert_allclose(sigmoid.backward(), [found["x"]])
    assert found["y"] == pytest.approx(-x)


# By hand


@pytest.mark.parametrize("script", BOUNDS, ids=["by_hand", "train_two_hidden_layers"])
def test_claims_know_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(script.CLAIMS, BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


def test_every_claim_of_the_network_by_hand_on_mnist(mnist):
    result = by_hand.run(np.random.default_rng(0), mnist)
    assert failed(by_hand, result) == []
    assert result.label == 5


@pytest.mark.parametrize("seed", range(1, 4))
def test_by_hand_and_by_layers_are_equal_with_other_seeds(seed):
    result = by_hand.run(seed, DIGITS)
    assert failed(by_hand, result) == []
    network = MultiLayerNet(784, [128, 64], 10, rng=seed, dtype=np.float64)
    scores = network.predict(DIGITS.x_train[0].astype(np.float64))
    np.testing.assert_allclose(result.outputs, np.exp(scores) / np.exp(scores).sum())
    assert result.label == DIGITS.t_train[0]


@pytest.mark.parametrize("seed", range(20))
def test_untrained_outputs_are_near_uniform(seed):
    network = MultiLayerNet(784, [128, 64], 10, rng=seed)
    outputs = np.array(by_hand.softmax(network.predict(DIGITS.x_train[0]).tolist()))
    assert by_hand.CLAIMS[1].holds([outputs.min(), outputs.max()])
    assert outputs.sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def network_by_hand():
    """params, x, label, values and gradients."""
    network = MultiLayerNet(784, [128, 64], 10, rng=0, dtype=np.float64)
    params = {key: param.tolist() for key, param in network.params.items()}
    x, label = DIGITS.x_train[0].astype(np.float64).tolist(), int(DIGITS.t_train[0])
    values = by_hand.forward(params, x)
    dz3 = by_hand.output_error(values["a3"], label)
    return params, x, label, values, by_hand.backward(params, x, values, dz3)


def test_the_terms_of_all_outputs_add_up_to_the_gradient(network_by_hand):
    params, x, _, values, grads = network_by_hand
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


ERRORS = {
    "relu": ("values", lambda z: [max(z_j, 1e-9) for z_j in z]),
    "softmax": ("values", lambda z: [np.exp(z_k) for z_k in z]),
    "output_error": ("gradients", lambda a3, label: [a3[k] - (k == 0) for k in range(len(a3))]),
    "hidden_error": ("gradients", lambda dz, W, z: [sum(np.multiply(row, dz)) for row in W]),
    "products": ("gradients", lambda a, dz: [[1.001 * a_i * dz_j for dz_j in dz] for a_i in a]),
    # Right in the first update, wrong in the second.
    "adam": ("parameters", lambda g, m, v, t, right=by_hand.adam: right(g, m, v, 1)),
}


@pytest.mark.parametrize("formula", ERRORS)
def test_an_error_in_any_formula_shows(monkeypatch, formula):
    where, wrong = ERRORS[formula]
    monkeypatch.setattr(by_hand, formula, wrong)
    found = by_hand.run(1, DIGITS).differences
    assert all(differences[where] > 1e-10 for differences in found.values())


def test_by_hand_is_pytorch():
    pytest.importorskip("torch")
    result = by_hand.run(1, DIGITS)
    assert [*result.differences] == ["layers", "PyTorch"]
    assert [*result.differences["PyTorch"]] == ["values", "gradients", "parameters"]
    assert all(0 < difference < 1e-12 for difference in result.differences["PyTorch"].values())


def test_without_pytorch_it_is_left_out_and_not_judged(monkeypatch):
    monkeypatch.setattr(by_hand, "find_spec", lambda name: None)
    result = by_hand.run(1, DIGITS)
    assert [*result.differences] == ["layers"]
    verdicts = judge(by_hand.CLAIMS, result)
    left_out = [verdict.text for verdict in verdicts if verdict.ours is LEFT_OUT]
    assert left_out == ["the same three between by hand and by PyTorch"]
    assert [verdict.text for verdict in verdicts if verdict.holds is None] == left_out


def test_a_number_that_a_layer_lacks_is_not_passed_over():
    with pytest.raises(KeyError, match="b1"):
        by_hand.largest_difference({"W1": [[0]], "b1": [0]}, {"W1": np.zeros((1, 1))})


def test_the_largest_difference_is_that_of_all_numbers():
    by_layers = {"W1": np.zeros((2, 3)), "b1": np.zeros(3)}
    assert (
        by_hand.largest_difference({"W1": [[0, 0, 0], [0, -2, 1]], "b1": [0] * 3}, by_layers) == 2
    )
    unknown = by_hand.largest_difference({"W1": [[0] * 3] * 2, "b1": [0, NAN, 0]}, by_layers)
    assert np.isnan(unknown)


def test_first_steps_of_adam_are_the_texts_and_the_layers():
    result, params = by_hand.run(1, DIGITS), {"b": np.zeros(1)}
    gradient = result.outputs[result.label] - 1
    Adam(by_hand.LR).update(params, {"b": np.array([gradient])})
    v = 0.001 * gradient**2
    text = 0.001 * (1 - 0.999**2) ** 0.5 / (1 - 0.9**2) * 0.1 * -gradient / (v**0.5 + 1e-7)
    assert result.first_steps == pytest.approx((text, params["b"][0]), rel=1e-12)


def test_claims_by_hand_tell_what_was_found():
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
    found = [claim.value(result) for claim in by_hand.CLAIMS]
    assert found == [7, [0.1, 0.6], 1.0, 2.0, 3.0, [4.0, 5.0, 6.0], (0.4, 0.5), 0.2, 0.7]


# Training


def test_training_tells_of_every_epoch():
    config = train_two_hidden_layers.Config(epochs=3, batch_size=300)
    result = train_two_hidden_layers.run(config, 0, DIGITS)
    assert result.updates == 3 * 7
    assert len(result.train_loss) == len(result.train_acc) == len(result.test_acc) == 3
    assert result.train_loss[0] > result.train_loss[1] > result.train_loss[2]
    assert result.label == DIGITS.t_test[0]
    np.testing.assert_array_equal(result.image, DIGITS.x_test[0])
    for p in (result.untrained, result.trained):
        assert p.dtype == np.float64
        assert p.sum() == pytest.approx(1, abs=1e-12)
    assert result.trained[result.label] > 2 * result.untrained[result.label]
    again = train_two_hidden_layers.run(config, 0, DIGITS)
    assert again.train_loss == result.train_loss


def test_a_rate_that_changes_nothing_gives_the_untrained_networks_numbers():
    """The loss too: the mean over batches of one length is that over all images."""
    config = train_two_hidden_layers.Config(epochs=2, batch_size=200, learning_rate=1e-12)
    result = train_two_hidden_layers.run(config, 5, DIGITS)
    network = MultiLayerNet(784, [128, 64], 10, rng=5)
    loss = network.loss(DIGITS.x_train, DIGITS.t_train)
    np.testing.assert_allclose(result.train_loss, loss, rtol=1e-6)
    assert result.train_acc == [network.accuracy(DIGITS.x_train, DIGITS.t_train)] * 2
    assert result.test_acc == [network.accuracy(DIGITS.x_test, DIGITS.t_test)] * 2
    np.testing.assert_allclose(result.trained, result.untrained, rtol=1e-6)


def test_claims_of_the_training_tell_what_was_found():
    result = train_two_hidden_layers.Result(
        updates=5,
        train_loss=[2.0, 1.0],
        train_acc=[0.1, 0.3],
        test_acc=[0.2, 0.4],
        image=np.zeros(784),
        label=1,
        untrained=np.array([0.4, 0.6]),
        trained=np.array([0.7, 0.3]),
    )
    found = [claim.value(result) for claim in train_two_hidden_layers.CLAIMS]
    assert found == [5, 0.3, 0.4, 0.3]


def test_figures_show_the_results():
    config = train_two_hidden_layers.Config(epochs=2, batch_size=500)
    result = train_two_hidden_layers.run(config, 0, DIGITS)
    figures = train_two_hidden_layers.plot(result)
    assert list(figures) == ["loss", "accuracy", "probabilities"]
    lines = figures["accuracy"].axes[0].lines
    curves = {line.get_label(): [*line.get_ydata()] for line in lines}
    assert curves == {"training": result.train_acc, "test": result.test_acc}
    picture, before, after = figures["probabilities"].axes
    assert picture.get_title() == f"the first test image, a {result.label}"
    for axes, p in ((before, result.untrained), (after, result.trained)):
        np.testing.assert_array_equal([bar.get_width() for bar in axes.patches], p)
        assert [text.get_text() for text in axes.texts] == [f"{p_k:.9f}" for p_k in p]


@pytest.mark.slow
def test_every_claim_of_the_training_on_mnist(mnist):
    script = train_two_hidden_layers
    assert failed(script, script.run(script.Config(), np.random.default_rng(0), mnist)) == []
