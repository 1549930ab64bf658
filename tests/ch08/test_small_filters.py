"""Small filters, one after another, in place of a large one."""

import numpy as np
import pytest

from ch08_deep import small_filters
from ch08_deep.small_filters import experiment
from dlbasics.layers import Convolution, Relu
from dlbasics.network import Network
from tests.helpers import few_digits, first_test_images

pytestmark = pytest.mark.long


@pytest.mark.slow
def test_small_filters_learn_as_well_as_large_ones_on_mnist(mnist):
    settings = {"train_size": 3_000, "epochs": 1, "networks": 1, "learning_rate": 0.01}
    result = experiment.run(data=first_test_images(mnist, 500), **settings)
    accuracies = [result.test_acc[kind][0] for kind in small_filters.KINDS]
    assert 0.8 < min(accuracies) <= max(accuracies) < min(accuracies) + 0.1


@pytest.mark.parametrize("kind", small_filters.KINDS)
def test_ways_are_what_a_pixel_changes_of_the_output(kind):
    """All weights are 1, so that a pixel that is 1 higher changes the output by its ways."""
    sizes, side = small_filters.KINDS[kind], small_filters.SIDE

    def middle(x):
        for size in sizes:
            x = np.pad(x, size // 2)
            x = np.array(
                [[x[i : i + size, j : j + size].sum() for j in range(side)] for i in range(side)]
            )
        return x[side // 2, side // 2]

    changes = [middle(pixel.reshape(side, side)) for pixel in np.eye(side * side)]
    ways = small_filters.ways_to_the_middle(sizes)
    assert len(ways) == len(sizes) + 1
    assert np.array_equal(ways[0].ravel(), changes)
    assert [small_filters.width(level) for level in ways] == [
        1 + sum(size - 1 for size in sizes[i:]) for i in range(len(sizes) + 1)
    ]


def test_networks_of_small_filters_differ_in_these_filters_alone(monkeypatch):
    made = []

    class Recorded(Network):
        def __init__(self, layers, **kwargs):
            super().__init__(layers, **kwargs)
            made.append(self)
            self.first = {key: param.copy() for key, param in self.params.items()}
            self.batches = []

        def gradient(self, x, t):
            self.batches.append(t.copy())
            return super().gradient(x, t)

    monkeypatch.setattr(small_filters, "Network", Recorded)
    settings = {"filter_num": 3, "train_size": 250, "epochs": 2, "networks": 2}
    data = first_test_images(few_digits(), 100)
    result = experiment.run(data=data, **settings)
    assert len(made) == 8
    for i, network in enumerate(made):
        kind = list(small_filters.KINDS)[i % 4]
        filters = [layer.W for layer in network.layers.values() if isinstance(layer, Convolution)]
        sizes = [W.shape[2:] for W in filters[1:]]
        assert sizes == [(size, size) for size in small_filters.KINDS[kind]]
        assert result.parameters[kind] == sum(W.size for W in filters[1:]) / 9
        assert np.array_equal(network.first["W1"], made[i // 4 * 4].first["W1"])
        assert sum(isinstance(layer, Relu) for layer in network.layers.values()) == len(filters)
        assert [len(t) for t in network.batches] == [100, 100, 50] * 2
        x_test = data.x_test.reshape(-1, 1, 28, 28)
        assert result.test_acc[kind][i // 4] == network.accuracy(x_test, data.t_test)
    assert not np.array_equal(made[0].first["W1"], made[4].first["W1"])


def test_figures_of_small_filters_show_what_was_found():
    ways = {k: small_filters.ways_to_the_middle(sizes) for k, sizes in small_filters.KINDS.items()}
    parameters = dict(zip(ways, (25, 18, 49, 27), strict=True))
    test_acc = {kind: [0.9 + i / 100, 0.92 + i / 100] for i, kind in enumerate(ways)}
    figures = small_filters.plot(small_filters.Result(parameters, ways, {}, test_acc))
    for name, kinds in (
        ("figure_8_5", ["one 5 x 5"]),
        ("figure_8_6", ["two 3 x 3"]),
        ("seven", ["one 7 x 7", "three 3 x 3"]),
    ):
        panels = [axes for axes in figures[name].axes if axes.images]
        levels = [level for kind in kinds for level in ways[kind]]
        for axes, level in zip(panels, levels, strict=True):
            assert np.array_equal(axes.images[0].get_array(), level)
            width = small_filters.width(level)
            assert axes.get_title().endswith(f"\n{width} x {width} pixels")
    (axes,) = figures["accuracy"].axes
    points, means = axes.lines[:-1], axes.lines[-1]
    assert [list(line.get_ydata()) for line in points] == [*test_acc.values()]
    assert list(means.get_ydata()) == pytest.approx([np.mean(acc) for acc in test_acc.values()])
    texts = [label.get_text() for label in axes.get_xticklabels()]
    assert texts == [f"{kind}\n{count} weights" for kind, count in parameters.items()]
