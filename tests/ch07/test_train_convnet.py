"""The training of SimpleConvNet."""

from dataclasses import replace

import numpy as np
import pytest

from ch07_cnn import train_convnet, visualize_filter
from ch07_cnn.train_convnet import experiment
from dlbasics.data import smooth_curve
from dlbasics.networks import SimpleConvNet
from dlbasics.storage import load_arrays
from tests.helpers import few_digits, first_test_images

QUICK = {"epochs": 1, "train_size": 100}


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), **QUICK)


def test_convnet_learns_mnist_in_80_iterations(mnist):
    data = first_test_images(mnist, 1_000)
    result = experiment.run(data=data, epochs=1, train_size=8_000)
    assert len(result.train_loss) == 80
    assert result.final_test_acc > 0.85
    assert 0.85 < result.final_train_acc < 1
    assert np.mean(result.train_loss[-20:]) < 0.6 < 2.2 < result.train_loss[0] < 2.4


def test_training_is_the_published_one_and_writes_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = []

    class Watched(train_convnet.Trainer):
        def __init__(self, *args, **given):
            super().__init__(*args, **given)
            made.append((self, {key: p.copy() for key, p in self.network.params.items()}))

    monkeypatch.setattr(train_convnet, "Trainer", Watched)
    digits = few_digits()
    result = experiment.run(data=digits, epochs=1, train_size=150, learning_rate=0.002)
    assert [*tmp_path.iterdir()] == []
    ((trainer, first),) = made
    assert len(result.train_loss) == 2
    assert len(result.train_acc) == len(result.test_acc) == 1
    assert (trainer.batch_size, trainer.epochs, trainer.max_iter) == (100, 1, 2)
    assert type(trainer.optimizer).__name__ == "Adam"
    assert trainer.optimizer.lr == 0.002
    assert trainer.evaluate_sample_num_per_epoch == 1_000
    assert trainer.x_train.shape == (150, 1, 28, 28)
    assert np.array_equal(trainer.x_train.reshape(150, 784), digits.x_train[:150])
    assert np.array_equal(trainer.x_test.reshape(-1, 784), digits.x_test)
    assert isinstance(trainer.network, SimpleConvNet)
    assert first["W1"].shape == (30, 1, 5, 5)
    assert first["W1"].std() == pytest.approx(0.01, rel=0.1)
    for key, param in trainer.network.params.items():
        assert result.params[key] is param
        assert np.any(param != first[key])
    assert train_convnet.Config() == train_convnet.Config(20, 100, 0.001, 60_000)
    x, t = trainer.x_train, trainer.t_train
    assert result.final_train_acc == trainer.network.accuracy(x, t)
    assert result.final_test_acc == trainer.network.accuracy(trainer.x_test, digits.t_test)


def test_weights_are_written_in_half_precision_and_read_again(tmp_path, monkeypatch, capsys):
    file = tmp_path / "weights.npz"
    assert train_convnet.Config(weights=str(file)) == train_convnet.Config()
    result = experiment.run(data=few_digits(), weights=str(file), **QUICK)
    assert str(file) in capsys.readouterr().out
    stored = load_arrays(file)
    assert {stored[key].dtype for key in result.params} == {np.dtype(np.float16)}
    network = train_convnet.trained_network(file)
    for key, param in network.params.items():
        assert param.dtype == np.float32
        np.testing.assert_allclose(param, result.params[key], rtol=1e-3, atol=1e-6)
    for wrong in (tmp_path, tmp_path / "nowhere" / "weights.npz"):
        with pytest.raises(ValueError, match="weights must be a file in a folder that exists"):
            train_convnet.Config(weights=str(wrong))
    monkeypatch.chdir(tmp_path / "..")
    filters = visualize_filter.experiment.run(weights=str(file)).after
    assert np.array_equal(filters, network.params["W1"])
    with pytest.raises(ValueError, match="weights must be a file of"):
        visualize_filter.Config(str(tmp_path / "nothing.npz"))


def test_the_committed_weights_read_mnist(mnist):
    network = train_convnet.trained_network()
    *_, x_test, t_test = train_convnet.as_images(mnist, 1)
    assert network.accuracy(x_test, t_test) >= 0.985
    assert train_convnet.WEIGHTS.stat().st_size < 900_000


def test_the_curves_are_those_of_the_result(result):
    loss = [1.0] * 30 + [0.1] * 30
    result = replace(result, train_acc=[0.5, 0.75], test_acc=[0.25, 0.5], train_loss=loss)
    figures = train_convnet.plot(result)
    (axes,) = figures["accuracy"].axes
    shown = {line.get_label(): line.get_xydata().T.tolist() for line in axes.lines}
    assert shown == {"training": [[1, 2], [0.5, 0.75]], "test": [[1, 2], [0.25, 0.5]]}
    batches, epochs = figures["loss"].axes[0].lines
    np.testing.assert_allclose(batches.get_ydata(), smooth_curve(loss))
    np.testing.assert_allclose(epochs.get_xydata(), [[14.5, 1], [44.5, 0.1]])
