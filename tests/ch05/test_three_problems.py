from dataclasses import replace

import numpy as np
import pytest

from ch05_backprop import three_problems
from ch05_backprop.three_problems import Config, experiment
from dlbasics.experiment import LEFT_OUT, judge
from dlbasics.layers import SoftmaxWithLoss
from tests.ch05.helpers import curves

SHORT = {"iters_num": 60, "table_iters_num": 30, "digits": 200}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def short():
    """A short run, as if scikit-learn were not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(three_problems, "find_spec", lambda name: None)
        return experiment.run(**SHORT)


def test_the_curve_is_a_sine_with_noise_of_0_2(rng):
    problem = three_problems.curve(rng)
    train, test = (problem.x_train, problem.t_train), (problem.x_test, problem.t_test)
    for (x, t), n in ((train, 300), (test, 1_000)):
        assert x.shape == t.shape == (n, 1)
        noise = t - np.sin(x)
        assert -3 <= x.min() < -2.9 < 2.9 < x.max() <= 3
        assert abs(noise.mean()) < 0.03
        assert noise.std() == pytest.approx(0.2, rel=0.1)


def test_the_moons_are_half_circles_with_noise_of_0_2(rng):
    problem = three_problems.moons(rng)
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


def test_the_errors_are_those_of_the_trained_network(rng):
    config = Config(**SHORT)
    problem = three_problems.digits(200)
    network = three_problems.two_layers(problem, config, rng)
    assert network.params["W1"].shape == (784, config.hidden_size)
    assert isinstance(network.last_layer, SoftmaxWithLoss)
    found = three_problems.train(network, problem, config, 10, rng)
    assert len(found.train) == len(found.test) == 2  # of 7 iterations
    wrong = network.predict(problem.x_test).argmax(axis=1) != problem.t_test
    assert found.test[-1] == pytest.approx(wrong.mean())
    assert found.train[-1] < found.test[-1]

    problem = three_problems.curve(rng)
    network = three_problems.two_layers(problem, config, rng)
    found = three_problems.train(network, problem, config, 1, rng)
    squares = (network.predict(problem.x_test) - problem.t_test) ** 2
    assert found.test == [pytest.approx(squares.mean() / 2)]


def test_figures_show_the_three_problems(short):
    figures = experiment.plot(short)
    for axes, name in zip(figures["errors"].axes, ("curve", "moons", "digits"), strict=True):
        both = short.errors[name]
        assert curves(axes) == {"training": both.train, "test": both.test}
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
    """The score of this network is 0 at x1 = 0.5."""
    moons = replace(short.moons, y=short.moons.at[:, :1] - 0.5)
    axes = experiment.plot(replace(short, moons=moons))["two_classes"].axes[0]
    boundary = axes.collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(boundary[:, 0], 0.5, atol=1e-6)
    assert np.ptp(boundary[:, 1]) == pytest.approx(4)


def test_without_scikit_learn_the_table_is_left_out_and_not_judged(short):
    assert short.table is None
    verdicts = judge(experiment.claims, short)
    assert [verdict.holds is None for verdict in verdicts] == [False] * 3 + [True] * 2
    assert [verdict.ours for verdict in verdicts[3:]] == [LEFT_OUT] * 2


def test_standardized_by_the_training_data(rng):
    x_train, x_test = three_problems.standardized(
        rng.normal(5, 3, (50, 2)), np.array([[5.0, 5.0], [8.0, 8.0]])
    )
    np.testing.assert_allclose(x_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x_train.std(axis=0), 1)
    np.testing.assert_allclose(x_test, [[0, 0], [1, 1]], atol=0.4)
    np.testing.assert_allclose(x_test[1] - x_test[0], 1, atol=0.2)


def test_the_gradient_of_an_affine_layer_alone_is_0_at_least_squares(rng):
    x = rng.standard_normal((40, 3))
    t = x @ [[1.0], [-2], [0.5]] + 3 + rng.standard_normal((40, 1))
    predicted = three_problems.least_squares(x, t, x)
    gradient = np.column_stack([x, np.ones(40)]).T @ (predicted - t)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)
    slope = three_problems.least_squares(x, t, x[:5] + 1) - predicted[:5]
    assert np.ptp(slope) < 1e-10


@pytest.mark.extra
def test_the_table_is_predicted_from_other_patients(rng):
    datasets = pytest.importorskip("sklearn.datasets")
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, t = datasets.load_diabetes(return_X_y=True)
    table = three_problems.table(Config(), rng)
    np.testing.assert_array_equal(table.t[:, 0], t)
    for part in np.array_split(np.random.default_rng(0).permutation(442), 5):
        others = np.setdiff1d(np.arange(442), part)
        fit = linear_model.LinearRegression().fit(x[others], t[others])
        np.testing.assert_allclose(table.least_squares[part, 0], fit.predict(x[part]))
    assert 0.5 < three_problems.share_of_variance(table.network, table.t) < 0.65
    (_, axes) = three_problems.predictions(table).axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), table.network[:, 0])


def test_the_error_of_the_mean_is_the_variance():
    t = np.array([[1.0], [2.0], [6.0]])
    assert three_problems.share_of_variance(np.full_like(t, 3), t) == pytest.approx(1)
    assert three_problems.share_of_variance(t, t) == 0
