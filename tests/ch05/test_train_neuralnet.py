import numpy as np
import pytest

from ch05_backprop.train_neuralnet import experiment
from tests.ch05.helpers import curves
from tests.helpers import failed, few_digits


@pytest.mark.long
def test_a_short_training_learns_mnist(mnist):
    result = experiment.run(data=mnist, iters_num=1_500)
    assert len(result.train_loss) == 1_500
    assert result.epochs == [0, 1, 2, 2.5]
    assert result.test_acc[0] < 0.2
    assert result.test_acc[-1] > 0.92


@pytest.mark.slow
def test_all_claims_hold_and_five_seeds_average_97_percent_on_mnist(mnist):
    results = [experiment.run(seed=seed, data=mnist) for seed in range(5)]
    assert failed(experiment.claims, results[0]) == []
    accuracies = [result.test_acc[-1] for result in results]
    print(accuracies, np.mean(accuracies))
    assert abs(np.mean(accuracies) - 0.970) < 0.003


def test_an_epoch_that_batches_do_not_divide_is_evaluated_each_time():
    """With a float `iter_per_epoch`, only iteration 0 would be a multiple of 2,000 / 128."""
    result = experiment.run(data=few_digits(), iters_num=40, batch_size=128)
    assert result.epochs == [0, 1, 2, 2.5]
    assert len(result.train_acc) == len(result.test_acc) == 4


def test_the_accuracies_begin_after_the_first_epoch():
    result = experiment.run(data=few_digits(), iters_num=40, batch_size=128)
    (axes,) = experiment.plot(result)["accuracy"].axes
    assert curves(axes) == {"training": result.train_acc[1:], "test": result.test_acc[1:]}
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2, 2.5]] * 2
    assert axes.get_ylabel() == f"accuracy (before training: {result.test_acc[0]:.2f})"
