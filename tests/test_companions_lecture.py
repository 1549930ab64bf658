"""What Takenawa's lecture does: three kinds of problem, and its formulas."""

from dataclasses import replace

import numpy as np
import pytest

from ch05_backprop import three_problems
from ch05_backprop.three_problems import Config
from dlbasics.experiment import judge
from dlbasics.experiment.results import shown
from dlbasics.initializers import glorot
from dlbasics.layers import Affine, BatchNorm, IdentityWithLoss, LeakyRelu, SoftmaxWithLoss
from dlbasics.network import Network
from dlbasics.optimizers import Adam

NAN = float("nan")
BOUNDS = {
    three_problems: [
        ([0.019, 0.023], [[0.04, 0.023], [0.019, 0.04], [0.019, 0.01], [NAN, 0.02], [0.02, NAN]]),
        ([0.0133, 0.041], [[0.1, 0.041], [0.0133, 0.12], [0, 0], [NAN, 0.04], [0.01, NAN]]),
        ([0.0, 0.148], [[0.1, 0.148], [0, 0.9], [0, 0], [-1, 0.1], [NAN, 0.1], [0, NAN]]),
        (0.504, [0.45, 0.55, 1, NAN]),
        (0.569, [0.4, 0.7, 1, NAN]),
    ],
}


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict for verdict in verdicts if verdict.holds is False]


@pytest.mark.parametrize("script", BOUNDS, ids=lambda script: script.__name__)
def test_claims_of_the_lecture_know_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(script.CLAIMS, BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


# Three kinds of problem

SHORT = Config(iters_num=60, table_iters_num=30, digits=200)


@pytest.fixture(scope="module")
def short():
    """As where scikit-learn is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(three_problems, "find_spec", lambda name: None)
        return three_problems.run(SHORT, 0)


def test_the_curve_is_a_sine_with_noise_of_0_2():
    problem = three_problems.curve(0)
    for x, t, n in (
        (problem.x_train, problem.t_train, 300),
        (problem.x_test, problem.t_test, 1_000),
    ):
        assert x.shape == t.shape == (n, 1)
        noise = t - np.sin(x)
        assert -3 <= x.min() < -2.9 < 2.9 < x.max() <= 3
        assert abs(noise.mean()) < 0.03
        assert noise.std() == pytest.approx(0.2, rel=0.1)


def test_the_moons_are_half_circles_with_noise_of_0_2():
    problem = three_problems.moons(0)
    x = np.vstack([problem.x_train, problem.x_test])
    t = np.vstack([problem.t_train, problem.t_test])[:, 0]
    assert len(problem.x_train) == 300
    assert set(t) == {0, 1}
    for label, centre, side in ((0, (0, 0), 1), (1, (1, 0.5), -1)):
        away = x[t == label] - centre
        radius = np.hypot(*away.T)
        assert radius.mean() == pytest.approx(1, abs=0.05)
        assert radius.std() == pytest.approx(0.2, rel=0.1)
        assert (side * away[:, 1]).mean() == pytest.approx(2 / np.pi, abs=0.05)


def test_the_errors_are_those_of_the_trained_network():
    problem = three_problems.digits(200)
    network = three_problems.two_layers(problem, SHORT, 0)
    assert network.params["W1"].shape == (784, SHORT.hidden_size)
    assert isinstance(network.last_layer, SoftmaxWithLoss)
    found = three_problems.train(network, problem, SHORT, 10, 0)
    assert len(found.train) == len(found.test) == 2  # of 7 iterations
    wrong = network.predict(problem.x_test).argmax(axis=1) != problem.t_test
    assert found.test[-1] == pytest.approx(wrong.mean())
    assert found.train[-1] < found.test[-1]

    problem = three_problems.curve(0)
    network = three_problems.two_layers(problem, SHORT, 0)
    found = three_problems.train(network, problem, SHORT, 1, 0)
    squares = (network.predict(problem.x_test) - problem.t_test) ** 2
    assert found.test == [pytest.approx(squares.mean() / 2)]


def test_figures_show_the_three_problems(short):
    figures = three_problems.plot(short)
    assert list(figures) == ["errors", "regression", "two_classes"]
    for axes, name in zip(figures["errors"].axes, ("curve", "moons", "digits"), strict=True):
        assert axes.get_title() == name
        shown_errors = {line.get_label(): [*line.get_ydata()] for line in axes.lines}
        both = short.errors[name]
        assert shown_errors == {"training": both.train, "test": both.test}
    lines = {line.get_label(): line.get_data() for line in figures["regression"].axes[0].lines}
    x, t, at, y = (getattr(short.curve, name)[:, 0] for name in ("x", "t", "at", "y"))
    np.testing.assert_array_equal(lines["training data"], (x, t))
    np.testing.assert_array_equal(lines["sin x"], (at, np.sin(at)))
    np.testing.assert_array_equal(lines["network"], (at, y))
    points = {line.get_label(): line.get_xydata() for line in figures["two_classes"].axes[0].lines}
    for label in (0, 1):
        of_class = short.moons.x[short.moons.t[:, 0] == label]
        np.testing.assert_array_equal(points[f"class {label}"], of_class)


def test_the_decision_boundary_is_where_the_score_is_0(short):
    """A score that is 0 where x1 = 0.5 stands in for the network's."""
    moons = replace(short.moons, y=short.moons.at[:, :1] - 0.5)
    axes = three_problems.plot(replace(short, moons=moons))["two_classes"].axes[0]
    boundary = axes.collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(boundary[:, 0], 0.5, atol=1e-6)
    assert np.ptp(boundary[:, 1]) == pytest.approx(4)


def test_without_scikit_learn_the_table_is_left_out_and_not_judged(short):
    assert short.table is None
    verdicts = judge(three_problems.CLAIMS, short)
    assert [verdict.holds is None for verdict in verdicts] == [False] * 3 + [True] * 2
    assert [shown(verdict.ours) for verdict in verdicts[3:]] == ["left out"] * 2


def test_standardized_by_the_training_data():
    rng = np.random.default_rng(0)
    x_train, x_test = three_problems.standardized(
        rng.normal(5, 3, (50, 2)), np.array([[5.0, 5.0], [8.0, 8.0]])
    )
    np.testing.assert_allclose(x_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x_train.std(axis=0), 1)
    np.testing.assert_allclose(x_test, [[0, 0], [1, 1]], atol=0.4)
    np.testing.assert_allclose(x_test[1] - x_test[0], 1, atol=0.2)


def test_least_squares_is_where_an_affine_layer_alone_arrives():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    t = x @ [[1.0], [-2], [0.5]] + 3 + rng.standard_normal((40, 1))
    network = Network([Affine.create(3, 1, rng=0, dtype=np.float64)], IdentityWithLoss())
    optimizer = Adam(0.05)
    for _ in range(1_500):
        optimizer.update(network.params, network.gradient(x, t))
    np.testing.assert_allclose(
        three_problems.least_squares(x, t, x[:5] + 1), network.predict(x[:5] + 1), atol=1e-4
    )


def test_the_table_is_predicted_from_other_patients():
    datasets = pytest.importorskip("sklearn.datasets")
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, t = datasets.load_diabetes(return_X_y=True)
    table = three_problems.table(Config(), 0)
    np.testing.assert_array_equal(table.t[:, 0], t)
    for part in np.array_split(np.random.default_rng(0).permutation(442), 5):
        others = np.setdiff1d(np.arange(442), part)
        fit = linear_model.LinearRegression().fit(x[others], t[others])
        np.testing.assert_allclose(table.least_squares[part, 0], fit.predict(x[part]))
    assert 0.5 < three_problems.share_of_variance(table.network, table.t) < 0.65
    (_, axes) = three_problems.predictions(table).axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), table.network[:, 0])


def test_the_mean_itself_is_one_variance_off():
    t = np.array([[1.0], [2.0], [6.0]])
    assert three_problems.share_of_variance(np.full_like(t, 3), t) == pytest.approx(1)
    assert three_problems.share_of_variance(t, t) == 0


# Its formulas


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_of_batch_normalization_is_the_lectures(seed):
    """dX = gamma / sigma (dY - mean(dY) - Xhat mean(Xhat dY)), the mean by column."""
    rng = np.random.default_rng(seed)
    X, dY = rng.normal(3, 2, (7, 4)), rng.standard_normal((7, 4))
    gamma, beta = rng.standard_normal((2, 4))
    sigma = np.sqrt(X.var(axis=0) + BatchNorm.eps)
    Xhat = (X - X.mean(axis=0)) / sigma
    layer = BatchNorm(gamma, beta)
    np.testing.assert_allclose(layer.forward(X), gamma * Xhat + beta)
    dX = gamma / sigma * (dY - dY.mean(axis=0) - Xhat * (Xhat * dY).mean(axis=0))
    np.testing.assert_allclose(layer.backward(dY), dX, atol=1e-12)


def test_the_variance_of_glorots_weights_is_the_lectures():
    W = glorot((300, 500), np.random.default_rng(0))
    assert W.var() == pytest.approx(2 / (300 + 500), rel=0.02)


def test_leaky_relu_with_the_lectures_slope_of_0_1():
    layer, x = LeakyRelu(0.1), np.array([[-2.0, -0.5], [0.5, 3.0]])
    np.testing.assert_allclose(layer.forward(x), [[-0.2, -0.05], [0.5, 3.0]])
    np.testing.assert_allclose(layer.backward(np.full((2, 2), 2.0)), [[0.2, 0.2], [2, 2]])


def steps_of_adam(gradient, steps, lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """The lecture's, from 0: epsilon stands under the root, beside the corrected v."""
    w = m = v = 0.0
    for t in range(1, steps + 1):
        g = gradient(t)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        w -= lr * m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + epsilon)
    return w


def our_steps(gradient, steps):
    optimizer, params = Adam(), {"w": np.zeros(1)}
    for t in range(1, steps + 1):
        optimizer.update(params, {"w": np.array([gradient(t)])})
    return params["w"][0]


@pytest.mark.parametrize("size, apart", [(10.0, 1e-6), (1.0, 1e-5), (0.1, 1e-4), (1e-2, 1e-3)])
def test_adam_with_epsilon_under_the_root_is_ours_while_gradients_are_far_larger(size, apart):
    """A gradient g stands against sqrt(epsilon) = 1e-4 there: 1 + epsilon / (2 g^2) apart."""

    def gradient(t):
        return size * (1.5 + np.sin(t))

    assert our_steps(gradient, 100) == pytest.approx(steps_of_adam(gradient, 100), rel=apart)


def test_adam_with_epsilon_under_the_root_is_slower_where_gradients_are_small():
    """sqrt(g^2 + epsilon) is sqrt(2) g at g = 1e-4, and ten times g at g = 1e-5."""
    for size, ratio in ((1e-4, 2**0.5), (1e-5, 101**0.5)):
        ours, lectures = (steps(lambda t, g=size: g, 20) for steps in (our_steps, steps_of_adam))
        # The 1e-7 of ours begins to count too.
        assert ours / lectures == pytest.approx(ratio, rel=0.15)
