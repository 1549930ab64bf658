import numpy as np
import pytest

from ch05_backprop.train_two_hidden_layers import Result, experiment, written
from dlbasics.networks import MultiLayerNet
from tests.ch05.helpers import curves
from tests.helpers import few_digits

SETTINGS = {"epochs": 3, "batch_size": 300}


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), **SETTINGS)


def test_claims_show_what_was_found():
    result = Result(
        updates=5,
        train_loss=[2.0, 1.0],
        train_acc=[0.1, 0.3],
        test_acc=[0.2, 0.4],
        image=np.zeros(784),
        label=1,
        untrained=np.array([0.4, 0.6]),
        trained=np.array([0.7, 0.3]),
    )
    assert [claim.value(result) for claim in experiment.claims] == [5, 0.3, 0.4, 0.3]


def test_every_epoch_is_recorded(result):
    assert result.updates == 3 * 7
    assert len(result.train_loss) == len(result.train_acc) == len(result.test_acc) == 3
    assert result.train_loss[0] > result.train_loss[1] > result.train_loss[2]
    assert result.label == few_digits().t_test[0]
    np.testing.assert_array_equal(result.image, few_digits().x_test[0])
    for p in (result.untrained, result.trained):
        assert p.dtype == np.float64
        assert p.sum() == pytest.approx(1, abs=1e-12)
    assert result.trained[result.label] > 2 * result.untrained[result.label]


def test_a_rate_that_changes_nothing_gives_the_untrained_networks_numbers():
    """The loss, too: its mean over batches of equal size is that over all images."""
    x, t = few_digits().x_train, few_digits().t_train
    settings = {"epochs": 2, "batch_size": 200, "learning_rate": 1e-12}
    result = experiment.run(seed=5, data=few_digits(), **settings)
    network = MultiLayerNet(784, [128, 64], 10, rng=5)
    np.testing.assert_allclose(result.train_loss, network.loss(x, t), rtol=1e-6)
    assert result.train_acc == [network.accuracy(x, t)] * 2
    assert result.test_acc == [network.accuracy(few_digits().x_test, few_digits().t_test)] * 2
    np.testing.assert_allclose(result.trained, result.untrained, rtol=1e-6)


@pytest.mark.long
def test_figures_show_the_results(result):
    figures = experiment.plot(result)
    (loss,) = curves(figures["loss"].axes[0]).values()
    assert loss == result.train_loss
    accuracies = {"training": result.train_acc, "test": result.test_acc}
    assert curves(figures["accuracy"].axes[0]) == accuracies
    picture, before, after = figures["probabilities"].axes
    assert picture.get_title() == f"the first test image, a {result.label}"
    for axes, p in ((before, result.untrained), (after, result.trained)):
        np.testing.assert_array_equal([bar.get_width() for bar in axes.patches], p)
        assert [text.get_text() for text in axes.texts] == [written(p_k) for p_k in p]


def test_no_probability_is_written_as_0_and_none_below_1_as_1():
    texts = [written(p) for p in (0.05699, 0.0008, 1.3e-8, 3e-14, 0.999999986)]
    assert texts == ["0.057", "0.0008", "1.3e-08", "3e-14", "0.999999986"]
