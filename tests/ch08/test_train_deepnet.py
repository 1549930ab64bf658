"""The training of DeepConvNet, and its stored weights."""

import numpy as np
import pytest

from ch07_cnn import train_convnet
from ch08_deep import train_deepnet
from ch08_deep.train_deepnet import experiment
from dlbasics.networks import DeepConvNet
from dlbasics.storage import load_arrays
from dlbasics.trainer import Trainer
from tests.helpers import few_digits, first_test_images


@pytest.mark.slow
def test_a_deep_network_learns_within_twenty_iterations_on_mnist(mnist):
    result = experiment.run(data=first_test_images(mnist, 300), epochs=1, train_size=2_000)
    assert 0.3 < result.final_acc == result.test_acc[-1] < 1


def test_the_deep_network_is_trained_with_the_books_settings(monkeypatch, tmp_path):
    made = []

    class Recorded(Trainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(train_convnet, "Trainer", Recorded)
    data = first_test_images(few_digits(), 100)
    weights = str(tmp_path / "w.npz")
    result = experiment.run(data=data, epochs=2, train_size=250, weights=weights)
    (trainer,) = made
    network = trainer.network
    assert isinstance(network, DeepConvNet)
    assert trainer.optimizer.__class__.__name__ == "Adam"
    assert (trainer.optimizer.lr, trainer.batch_size, trainer.current_iter) == (0.001, 100, 6)
    assert trainer.evaluate_sample_num_per_epoch == 1_000
    assert trainer.x_train.shape == (250, 1, 28, 28)
    assert np.array_equal(trainer.x_train.reshape(250, 784), few_digits().x_train[:250])
    assert result.train_acc == trainer.train_acc_list
    assert len(result.test_acc) == 2
    assert result.final_acc == network.accuracy(trainer.x_test, data.t_test)

    book = train_deepnet.Config()
    assert (book.epochs, book.batch_size, book.learning_rate) == (20, 100, 0.001)
    stored = load_arrays(tmp_path / "w.npz")
    for key, param in network.params.items():
        assert stored[key].dtype == np.float16
        assert np.array_equal(stored[key], param.astype(np.float16))


def test_the_committed_weights_are_small_and_used_in_float32():
    assert train_deepnet.WEIGHTS.stat().st_size < 300_000
    stored = load_arrays(train_deepnet.WEIGHTS)
    for key, param in train_deepnet.trained_network().params.items():
        assert stored[key].dtype == np.float16
        assert param.dtype == np.float32
        assert np.array_equal(param, stored[key])


def test_the_figure_of_the_training_shows_both_accuracies():
    result = train_deepnet.Result([0.1, 0.3], [0.2, 0.4], 0.9912)
    (axes,) = train_deepnet.plot(result)["accuracy"].axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.1, 0.3], [0.2, 0.4]]
    assert "99.12%" in axes.get_title()
