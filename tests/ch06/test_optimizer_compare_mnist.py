"""Chapter 6, optimizer_compare_mnist.py: the order of the optimizers, and what they start from."""

import numpy as np

from ch06_techniques.optimizer_compare_mnist import Result, experiment, iterations_to_low
from tests.ch06.helpers import curves_of, wrong_values_that_hold
from tests.helpers import few_digits


def test_sgd_is_slowest_in_120_iterations_on_mnist(mnist):
    result = experiment.run(data=mnist, iters_num=120)
    last = {key: np.mean(losses[-20:]) for key, losses in result.train_loss.items()}
    assert last.pop("SGD") > 1.5 * max(last.values())
    assert iterations_to_low(result, "SGD") == 120
    assert 20 < iterations_to_low(result, "Adam") < 120


def test_all_optimizers_start_from_the_same_weights_and_batch():
    result = experiment.run(data=few_digits(), iters_num=20)
    loss = result.train_loss
    assert len(loss) == 6
    assert len({losses[0] for losses in loss.values()}) == 1
    assert len({losses[-1] for losses in loss.values()}) == 6


def test_iterations_to_low_are_all_if_the_loss_stays_high():
    result = Result({"never": [1.0] * 40, "at 20": [1.0] * 20 + [0.0] * 20})
    assert iterations_to_low(result, "never") == 40
    assert 20 <= iterations_to_low(result, "at 20") <= 24


def test_the_figure_shows_the_mean_of_the_last_50_losses_on_a_logarithmic_axis():
    losses = np.exp(np.linspace(0, -3, 120))
    keys = experiment.run(data=few_digits(), iters_num=2).train_loss
    (axes,) = experiment.plot(Result({key: losses.tolist() for key in keys}))["figure_6_9"].axes
    assert axes.get_yscale() == "log"
    for iterations, means in curves_of(axes).values():
        assert iterations == [*range(50, 121)]
        np.testing.assert_allclose([means[0], means[-1]], [losses[:50].mean(), losses[70:].mean()])
    styles = {line.get_label(): line.get_linestyle() for line in axes.lines}
    assert styles["Momentum"] != styles["Nesterov"]


def test_claims_know_wrong_values():
    assert (
        wrong_values_that_hold(
            experiment.claims,
            {
                "iterations": [[700, 138, 64, 700], [64, 138, 700, 105]],
                "mean loss": [[0.2, 0.1, 0.1, 0.1, 0.1, 0.2], [0.1, 0.2, 0.1, 0.1, 0.1, 0.1]],
            },
        )
        == []
    )
