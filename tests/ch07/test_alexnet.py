"""Chapter 7, alexnet.py and cost.py: what networks cost, and what they learn."""

import numpy as np
import pytest

from ch07_cnn import alexnet, cost
from ch07_cnn.cost import multiplications
from dlbasics.layers import Affine, Concatenate, Convolution, Pooling, Relu
from dlbasics.networks import LeNet
from tests.helpers import few_digits, first_test_images


@pytest.mark.parametrize(
    ("layers", "shape", "count"),
    [
        ([Affine.create(6, 4, rng=0), Relu(), Affine.create(4, 3, rng=0)], (6,), 6 * 4 + 4 * 3),
        ([Convolution.create(2, 3, 3, rng=0)], (2, 5, 7), 2 * 3 * 9 * 3 * 5),
        (
            [Pooling(2, 2, 2), Convolution.create(2, 3, 1, rng=0), Affine.create(18, 5, rng=0)],
            (2, 4, 6),
            2 * 3 * 6 + 18 * 5,
        ),
        (
            [Concatenate([[Convolution.create(2, 3, 1, rng=0)], [], [Relu()]])],
            (2, 4, 4),
            2 * 3 * 16,
        ),
    ],
)
def test_multiplications_are_those_of_convolutions_and_affine_layers(layers, shape, count):
    assert multiplications(layers, shape) == count


def test_a_training_is_measured():
    data = first_test_images(few_digits(), 100)
    network = LeNet(modern=True, rng=0)
    config = cost.Training(train_size=200, epochs=3, learning_rate=0.01)
    found = cost.train(network, config, data, 0)
    x_test = data.x_test.reshape(-1, 1, 28, 28)
    assert len(found.test_acc) == 3
    assert found.test_acc[-1] == network.accuracy(x_test, data.t_test)
    assert found.parameters == 61_706
    assert found.multiplications == 150 * 784 + 2_400 * 100 + 48_000 + 10_080 + 840
    assert found.seconds > 0


def test_the_figure_has_a_curve_and_bars_for_each_network():
    costs = {"one": cost.Cost(1_000, 2_000_000, 3.0, [0.5, 0.6])}
    costs["two"] = cost.Cost(2_000, 1_000_000, 5.0, [0.6, 0.7])
    errors, *panels = cost.draw(costs).axes
    percent = [line.get_ydata().tolist() for line in errors.lines]
    assert percent == [pytest.approx([50, 40]), pytest.approx([40, 30])]
    widths = [[bar.get_width() for bar in axes.patches] for axes in panels]
    assert widths == [[1, 2], [2, 1], [3, 5]]
    for axes in panels:
        assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]


def test_local_response_normalization_weakens_a_pixel_among_strong_ones():
    expected = [(2 + 1e-4 * (1 + 4 * n**2)) ** -0.75 for n in (0, 1, 10, 100)]
    found = [alexnet.strength(n) for n in (0, 1, 10, 100)]
    np.testing.assert_allclose(found, expected)


def test_the_networks_are_those_of_their_names():
    kinds = {
        name: {layer.kind for layer in make(rng=0).layers.values()}
        for name, make in alexnet.NETWORKS.items()
    }
    assert {name for name in kinds if "LocalResponseNorm" in kinds[name]} == {
        "AlexNet",
        "without dropout",
    }
    assert {name for name in kinds if "Dropout" in kinds[name]} == {"AlexNet", "without LRN"}
    assert {name for name in kinds if "Sigmoid" in kinds[name]} == {"LeNet"}
