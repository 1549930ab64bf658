"""Plain and residual networks of many layers."""

import numpy as np
import pytest

from ch08_deep import depth_and_skips
from ch08_deep.depth_and_skips import experiment
from dlbasics.layers import BatchNorm, Residual
from dlbasics.network import Network
from tests.helpers import few_digits, first_test_images


@pytest.mark.slow
def test_skips_help_networks_of_34_layers_on_mnist(mnist):
    data = first_test_images(mnist, 300)
    result = experiment.run(data=data, blocks=(1, 16), train_size=1_000, epochs=2)
    assert result.parameters["plain"] == result.parameters["residual"]
    assert result.loss["residual"][-1] < 0.75 * result.loss["plain"][-1]
    assert result.test_acc["residual"][-1] > result.test_acc["plain"][-1] + 0.1


@pytest.mark.parametrize("blocks", [1, 3])
def test_plain_and_residual_networks_differ_in_the_skips_alone(blocks):
    plain, residual = (depth_and_skips.make_network(blocks, 4, skips, 0) for skips in (False, True))
    one, other = ([*network.params.values()] for network in (plain, residual))
    assert len(one) == len(other)
    assert all(map(np.array_equal, one, other))
    inner = [layer for top in residual.layers.values() for layer in top.walk()]
    skips = [layer for layer in inner if isinstance(layer, Residual)]
    assert len(skips) == blocks
    kinds = [layer.kind for layer in inner if layer not in skips]
    assert kinds == [layer.kind for layer in plain.layers.values()]
    with_weights = [kind for kind in kinds if kind in ("Conv", "Affine")]
    assert len(with_weights) == 2 * blocks + 2
    assert kinds.count(BatchNorm.kind) == 2 * blocks
    assert plain.layers["Affine1"].W.shape == (4 * 7 * 7, 10)


def test_depth_and_skips_trains_both_kinds_from_the_same_weights_on_the_same_batches(monkeypatch):
    trained = []
    right = Network.gradient

    def gradient(self, x, t):
        if not trained or trained[-1][0] is not self:
            trained.append((self, [], [], [param.copy() for param in self.params.values()]))
        grads = right(self, x, t)
        trained[-1][1].append(x.copy())
        trained[-1][2].append(self.last_loss)
        return grads

    monkeypatch.setattr(Network, "gradient", gradient)
    settings = {"blocks": (1, 2), "filter_num": 2, "train_size": 250, "epochs": 2}
    result = experiment.run(data=few_digits(), **settings)
    assert result.depths == [4, 6]
    x_test = few_digits().x_test[:1_000].reshape(-1, 1, 28, 28)
    for i, (network, batches, losses, first) in enumerate(trained):
        kind, depth = ("plain", "residual")[i % 2], i // 2
        assert all(map(np.array_equal, batches, trained[0][1]))
        assert all(map(np.array_equal, first, trained[i // 2 * 2][3]))
        assert [x.shape for x in batches] == [(n, 1, 28, 28) for n in (100, 100, 50)] * 2
        assert result.loss[kind][depth] == pytest.approx(np.mean(losses[3:]))
        assert result.test_acc[kind][depth] == network.accuracy(x_test, few_digits().t_test[:1_000])
        count = sum(param.size for param in network.params.values())
        assert result.parameters[kind][depth] == count
    assert len(trained) == 4


def test_the_figure_shows_loss_and_accuracy_against_depth():
    loss = {"plain": [0.4, 0.5, 2.0], "residual": [0.4, 0.3, 0.2]}
    test_acc = {"plain": [0.9, 0.8, 0.3], "residual": [0.9, 0.91, 0.92]}
    result = depth_and_skips.Result([4, 10, 20], {}, loss, test_acc)
    panels = depth_and_skips.plot(result)["loss_and_accuracy"].axes
    for axes, values in zip(panels, (loss, test_acc), strict=True):
        curves = {line.get_label(): line.get_xydata().T.tolist() for line in axes.lines}
        assert curves == {kind: [[4, 10, 20], curve] for kind, curve in values.items()}
