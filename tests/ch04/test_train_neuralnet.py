from dataclasses import replace

import numpy as np
import pytest

from ch04_training import train_neuralnet
from ch04_training.two_layer_net import TwoLayerNet
from tests.helpers import few_digits

DIGITS = few_digits()
TINY = {"hidden_size": 2, "iters_num": 2, "batch_size": 2, "learning_rate": 1.0, "data": DIGITS}


@pytest.mark.long
def test_numerical_gradients_take_the_same_path():
    tiny = train_neuralnet.experiment.run(**TINY)
    numerical = train_neuralnet.experiment.run(**TINY, gradient="numerical")
    np.testing.assert_allclose(numerical.train_loss, tiny.train_loss, rtol=1e-8)
    assert numerical.test_acc == tiny.test_acc
    assert numerical.train_loss != tiny.train_loss  # the gradients differ in their last digits
    assert tiny.train_loss[0] == pytest.approx(np.log(10), abs=0.02)
    assert tiny.train_loss[0] != tiny.train_loss[1]


def test_training_on_a_sixth_of_mnist(mnist):
    few = replace(mnist, x_train=mnist.x_train[:10_000], t_train=mnist.t_train[:10_000])
    result = train_neuralnet.experiment.run(data=few, iters_num=150, learning_rate=1.0)
    assert np.mean(result.train_loss[:15]) > 2
    assert np.mean(result.train_loss[-15:]) < 0.7
    assert result.epochs == [0, 1, 1.5]
    assert result.test_acc[0] < 0.2
    assert result.test_acc[-1] > 0.8
    assert abs(result.train_acc[-1] - result.test_acc[-1]) < 0.03
    assert result.gradient_difference < 1e-8


def test_an_epoch_that_batches_do_not_divide_counts_its_last_batch():
    result = train_neuralnet.experiment.run(**TINY | {"iters_num": 40, "batch_size": 128})
    assert result.epochs == [0, 1, 2, 2.5]


def test_accuracies_are_those_of_training_and_of_test_images(monkeypatch):
    networks = []

    class Recorded(TwoLayerNet):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            networks.append(self)

    monkeypatch.setattr(train_neuralnet, "TwoLayerNet", Recorded)
    data = replace(DIGITS, t_test=(DIGITS.t_test + 1) % 10)
    result = train_neuralnet.experiment.run(
        data=data, hidden_size=10, iters_num=60, learning_rate=1.0
    )
    accuracies = result.train_acc[-1], result.test_acc[-1]
    network = networks[0]
    assert accuracies[0] == network.accuracy(data.x_train, data.t_train) > 0.3
    assert accuracies[1] == network.accuracy(data.x_test, data.t_test) < 0.2


def test_the_gradient_difference_tells_a_wrong_gradient(monkeypatch):
    network = TwoLayerNet(784, 2, 10, weight_init_std=0.1, rng=0)
    numerical = network.numerical_gradient(DIGITS.x_train[:3], DIGITS.t_train[:3])

    class Wrong(TwoLayerNet):
        wrong = None

        def numerical_gradient(self, x, t):
            return numerical

        def gradient(self, x, t):
            grads = super().gradient(x, t)
            return {key: grad * (1.01 if key == self.wrong else 1) for key, grad in grads.items()}

    monkeypatch.setattr(train_neuralnet, "TwoLayerNet", Wrong)
    assert train_neuralnet.gradient_difference(DIGITS) < 1e-8
    for key in ("W1", "b1", "W2", "b2"):
        Wrong.wrong = key
        assert train_neuralnet.gradient_difference(DIGITS) > 1e-6


@pytest.mark.parametrize("gradient, expected", [("numerical", "the time\n"), ("backprop", "")])
def test_only_numerical_training_says_before_it_begins_how_long_it_takes(
    gradient, expected, capsys, monkeypatch
):
    def stop(iterations):
        raise StopIteration

    monkeypatch.setattr(train_neuralnet, "expected_time", lambda config, data: "the time")
    with pytest.raises(StopIteration):
        train_neuralnet.experiment.run(**TINY, gradient=gradient, progress=stop)
    assert capsys.readouterr().out == expected


def test_the_expected_time_is_that_of_one_gradient_times_the_iterations(monkeypatch):
    monkeypatch.setattr(train_neuralnet, "seconds", lambda call: 0.05)
    text = train_neuralnet.expected_time(train_neuralnet.Config(), DIGITS)
    # 39,760 parameters take 198.8 s, as the 10 of b2 take 0.05 s; that 10,000 times is 23 days.
    assert "computes 79,520 losses in about 3 minutes: training takes about 23 days" in text
    assert "--gradient backprop takes the same steps in about 8 minutes" in text


def test_a_wide_network_is_measured_no_longer(monkeypatch):
    losses = []

    class Counting(TwoLayerNet):
        def loss(self, x, t):
            losses.append(1)
            return super().loss(x, t)

    monkeypatch.setattr(train_neuralnet, "TwoLayerNet", Counting)
    train_neuralnet.expected_time(train_neuralnet.Config(hidden_size=300), DIGITS)
    assert len(losses) == 20


@pytest.mark.parametrize(
    "duration, words",
    [
        (0.0123, "0.012 s"),
        (7.0, "7 s"),
        (119.0, "119 s"),
        (120.0, "2 minutes"),
        (7_200.0, "2 hours"),
        (260_000.0, "3 days"),
    ],
)
def test_durations_in_words(duration, words):
    assert train_neuralnet.in_words(duration) == words


@pytest.mark.parametrize("count, panels", [(1, [1]), (1_000, [1_000]), (1_500, [1_500, 1_000])])
def test_figures_show_the_losses_of_all_and_of_the_first_thousand_iterations(count, panels):
    losses = [*np.linspace(2.3, 0.2, count)]
    result = train_neuralnet.Result(losses, [0.0, 1.0], [0.1, 0.9], [0.2, 0.8], 0.0)
    figures = train_neuralnet.plot(result)
    drawn = [axes.lines[0].get_ydata().tolist() for axes in figures["figure_4_11"].axes]
    assert drawn == [losses[:shown] for shown in panels]
    accuracies = [
        {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
        for axes in figures["figure_4_12"].axes
    ]
    assert accuracies == [
        {"training": [0.1, 0.9], "test": [0.2, 0.8]},
        {"training": [0.9], "test": [0.8]},
    ]
