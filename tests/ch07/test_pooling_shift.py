"""What shifts cost networks with and without pooling."""

from dataclasses import replace

import numpy as np
import pytest

from ch07_cnn import pooling_shift
from ch07_cnn.pooling_shift import experiment
from tests.helpers import few_digits, first_test_images


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), epochs=1, train_size=200, test_size=200)


@pytest.mark.slow
def test_convolutional_networks_lose_less_by_shifts_on_mnist(mnist):
    settings = {"epochs": 1, "train_size": 6_000, "learning_rate": 0.003, "test_size": 500}
    result = experiment.run(data=first_test_images(mnist, 500), **settings)
    assert min(curve[0] for curve in result.accuracy.values()) > 0.8
    for pixels in (2, 3):
        affine, *convolutional = pooling_shift.lost(result, pixels)
        assert 0.05 < max(convolutional) < affine - 0.02
    assert result.change[1] < 0.9 * result.change[0]


@pytest.mark.parametrize("down", [-2, 0, 3])
@pytest.mark.parametrize("right", [-3, 0, 1])
def test_shifted_images_are_moved_and_filled_with_0(down, right):
    x = np.random.default_rng(0).random((2, 1, 6, 7)) + 1
    moved = pooling_shift.shift(x, down, right)
    for row, column in np.ndindex(6, 7):
        y, z = row - down, column - right
        inside = 0 <= y < 6 and 0 <= z < 7
        wanted = x[:, :, y, z] if inside else np.zeros((2, 1))
        np.testing.assert_array_equal(moved[:, :, row, column], wanted)


def test_accuracy_is_the_mean_of_four_directions():
    class ByPlace:
        """Right where the bright pixel is at one of some places."""

        def __init__(self, *places):
            self.places = places

        def accuracy(self, x, t):
            return np.mean([tuple(np.argwhere(image)[0, 1:]) in self.places for image in x])

    x = np.zeros((3, 1, 9, 9))
    x[:, :, 4, 4] = 1
    t = np.zeros(3, int)
    assert pooling_shift.mean_accuracy(ByPlace((4, 4)), x, t, 0) == 1
    for place in ((4, 6), (6, 4), (4, 2), (2, 4)):
        assert pooling_shift.mean_accuracy(ByPlace(place), x, t, 2) == 0.25
    assert pooling_shift.mean_accuracy(ByPlace((5, 5), (4, 4)), x, t, 1) == 0


def test_the_three_networks_are_of_one_size(result):
    counts = [*result.parameters.values()]
    assert len(counts) == 3
    assert max(counts) < 1.001 * min(counts)
    networks = pooling_shift.networks(np.random.default_rng(0))
    kinds = [[layer.kind for layer in network.layers.values()] for network in networks.values()]
    assert ["Conv" in kind for kind in kinds] == [False, True, True]
    assert ["Pool" in kind for kind in kinds] == [False, False, True]
    without, with_it = (networks[key] for key in (pooling_shift.STRIDE, pooling_shift.POOLING))
    shapes = [
        dict((row[0], row[1]) for row in n.summary((1, 28, 28)).rows) for n in (without, with_it)
    ]
    assert shapes[0]["Relu1"] == shapes[1]["Pool1"] == (30, 12, 12)


def test_changes_are_those_of_relu_and_pooling():
    network = pooling_shift.networks(np.random.default_rng(0))[pooling_shift.POOLING]
    x = few_digits().x_test[:3].reshape(-1, 1, 28, 28)
    network.params["b1"][:] = 0.1
    found = pooling_shift.changes(network, x)

    def outputs(images):
        relu = np.maximum(network.layers["Conv1"].forward(images), 0)
        pool = relu.reshape(3, 30, 12, 2, 12, 2).max(axis=(3, 5))
        return relu, pool

    for change, one, other in zip(
        found, outputs(x), outputs(pooling_shift.shift(x, 0, 1)), strict=True
    ):
        assert change == pytest.approx(np.sqrt(((other - one) ** 2).sum() / (one**2).sum()), 1e-4)


def test_figures_on_shifts_show_the_result(result):
    result = replace(
        result,
        accuracy={key: np.arange(4) / (i + 4) for i, key in enumerate("abc")},
        images=np.tile(np.arange(28.0) >= np.arange(4, 8).reshape(4, 1, 1), (1, 28, 1)),
    )
    figures = pooling_shift.plot(result)
    (axes,) = figures["accuracy"].axes
    for line, curve in zip(axes.lines, result.accuracy.values(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.stack([np.arange(4), curve], axis=1))
    for n, (axes, image) in enumerate(zip(figures["images"].axes, result.images, strict=True)):
        np.testing.assert_array_equal(axes.images[0].get_array(), image)
        assert axes.get_title() == (f"shifted by {n}" if n else "not shifted")
        (line,) = axes.lines
        assert list(line.get_xdata()) == [3.5, 3.5]
    assert pooling_shift.lost(result, 2) == pytest.approx([-2 / 4, -2 / 5, -2 / 6])
