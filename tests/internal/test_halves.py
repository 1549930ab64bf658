"""The gradient of a batch in two halves equals that of the whole batch."""

import numpy as np
import pytest

from dlbasics import Adam, MultiLayerNet, Network, Trainer, check_gradients
from dlbasics._internal import halves
from dlbasics.layers import Affine, BatchNorm, Convolution, Dropout, Relu, SoftmaxWithLoss
from dlbasics.regularizers import L2
from tests.helpers import normal
from tests.internal.convnet import T, X, net


def gradients(network, sharded, x=X, t=T):
    network.sharded = sharded
    return network.gradient(x, t), network.last_loss


def assert_halves_give_the_whole(network, x=X, t=T):
    """Assert it for the loss and the gradients; return the gradients."""
    (whole, whole_loss), (found, loss) = (gradients(network, way, x, t) for way in (False, True))
    assert loss == pytest.approx(whole_loss, rel=1e-13)
    assert found.keys() == whole.keys()
    for key in whole:
        np.testing.assert_allclose(found[key], whole[key], rtol=1e-10, atol=1e-14)
    return found


class TestGradient:
    @pytest.mark.parametrize("labels", [T, T[:, np.newaxis], np.eye(3)[T], normal(7, 3) ** 2])
    @pytest.mark.parametrize("count", [2, 3, 6, 7])
    def test_it_is_that_of_the_whole_batch(self, labels, count):
        assert_halves_give_the_whole(net(regularizer=L2(0.1)), X[:count], labels[:count])

    def test_layers_without_bias(self):
        layers = [Convolution(normal(4, 2, 3, 3), None), Relu(), Affine(normal(144, 3), None)]
        assert [*assert_halves_give_the_whole(Network(layers))] == ["W1", "W2"]

    def test_layers_hold_it_in_fresh_arrays_and_replaced_parameters_count(self):
        network = net(Dropout(0.3))
        assert network.sharded and check_gradients(network, X, T)
        first = network.gradient(X, T)
        assert network.layers["Conv1"].dW is first["W1"]
        assert network.layers["Affine1"].db is first["b2"]
        kept = {key: grad.copy() for key, grad in first.items()}
        network.params["W1"] = np.zeros_like(network.params["W1"])
        network.params["b1"] = -np.ones(4)
        assert not network.gradient(-X, T)["W2"].any()
        for key in kept:
            np.testing.assert_array_equal(first[key], kept[key])

    @pytest.mark.parametrize("labels", [T, T[:, np.newaxis], np.eye(3)[T]])
    def test_the_loss_layer_is_as_after_the_whole_batch(self, labels):
        network = net()
        network.loss(-X, labels)
        network.gradient(X, labels)
        found, whole = network.last_layer, SoftmaxWithLoss()
        whole.forward(network.predict(X), labels)
        assert found.loss == network.last_loss == pytest.approx(whole.loss, rel=1e-13)
        assert found.t is labels
        np.testing.assert_allclose(found.y, whole.y, rtol=1e-12)
        np.testing.assert_allclose(found.backward(), whole.backward(), rtol=1e-12, atol=1e-15)

    def test_a_single_image_and_one_alone_go_through_and_wrong_labels_do_not(self):
        network = net()
        one, single = network.gradient(X[:1], T[:1]), network.gradient(X[0], T[0])
        for key in one:
            np.testing.assert_allclose(single[key], one[key])
        for t in (T[:5], np.concatenate([T, T])):
            with pytest.raises(ValueError, match="t must be integer classes"):
                network.gradient(X, t)

    @pytest.mark.parametrize(
        ("x", "t", "message"),
        [
            (X, T + 0.5, r"got float64 of shape \(7,\)"),
            (X, [1, 2, 0], r"t must be integer classes of shape \(7,\)"),
            (X[:, 0], T, r"x must have shape .*, got \(7, 8, 8\)"),
            (X[..., :4], T, r"values a sample, .*, got \(7, 4, 3, 1\)"),
        ],
        ids=["half classes", "few labels", "no channels", "narrow images"],
    )
    def test_an_error_speaks_of_the_whole_batch(self, x, t, message):
        network = net()
        assert network.sharded
        with pytest.raises(ValueError, match=message):
            network.gradient(x, t)

    def test_so_does_one_of_predictions(self):
        with pytest.raises(ValueError, match=r"x must have shape .*, got \(250, 3, 8, 8\)"):
            net().predict(np.ones((250, 3, 8, 8)))

    def test_an_error_that_only_a_half_meets_is_raised_too(self):
        class Odd(Relu):
            def _forward(self, x, train_flg):
                if len(x) < 7:
                    raise ValueError("only halves")
                return super()._forward(x, train_flg)

        layers = [Convolution(normal(4, 2, 3, 3), None), Odd(), Affine(normal(144, 3), None)]
        network = Network(layers)
        network.sharded = True
        with pytest.raises(ValueError, match="only halves"):
            network.gradient(X, T)

    def test_running_statistics_are_the_mean_of_those_of_the_halves(self):
        network = net(BatchNorm.create(4, dtype=np.float64))
        network.sharded = True
        network.gradient(X[:6], T[:6])
        norms = []
        for part in (slice(0, 3), slice(3, 6)):
            other = net(BatchNorm.create(4, dtype=np.float64))
            other.gradient(X[part], T[part])
            norms.append(other.layers["BatchNorm1"])
        for name in BatchNorm.state_names:
            mean = sum(getattr(norm, name) for norm in norms) / 2
            np.testing.assert_allclose(getattr(network.layers["BatchNorm1"], name), mean)


class OwnLayer(Relu):
    pass


class OwnLoss(SoftmaxWithLoss):
    pass


class TestSwitch:
    def test_it_is_on_for_convolutions_and_off_for_others(self):
        assert net().sharded
        assert not MultiLayerNet(4, [3], 2).sharded
        assert not net(BatchNorm.create(4)).sharded

    @pytest.mark.parametrize("network", [net(OwnLayer()), net(last_layer=OwnLoss())])
    def test_it_is_off_for_layers_that_readers_wrote_until_they_ask_for_it(self, network):
        """Such a layer may write into arrays that it keeps, so threads would meet there."""
        assert not network.sharded
        assert_halves_give_the_whole(network)
        assert network.sharded

    def test_networks_without_images_divide_batches_too_when_asked_to(self, monkeypatch):
        seen, run_all = [], halves.run_all
        monkeypatch.setattr(halves, "run_all", lambda work: seen.append(1) or run_all(work))
        network = MultiLayerNet(4, [3], 2, rng=0, dtype=np.float64)
        x, t = normal(6, 4), np.array([0, 1, 1, 0, 1, 0])
        network.gradient(x, t)
        assert not seen
        assert_halves_give_the_whole(network, x, t)
        assert seen


class TestGenerators:
    def test_halves_draw_from_generators_of_their_own(self):
        network, x, t = net(Dropout(0.5), rng=5), np.tile(X[:3], (2, 1, 1, 1)), np.tile(T[:3], 2)
        state = network.layers["Dropout1"].rng.bit_generator.state
        grads = network.gradient(x, t)
        assert network.layers["Dropout1"].rng.bit_generator.state == state
        again = net(Dropout(0.5), rng=5).gradient(x, t)
        for key in grads:
            np.testing.assert_array_equal(grads[key], again[key])
        first, second = (rngs[0].random() for rngs in network.shard_rngs)
        assert first != second

    def test_layers_with_a_generator_of_their_own_have_one_in_each_half(self):
        """The network has no seed, so those of its layers decide."""

        def seeded(seed):
            layers = [Convolution.create(2, 4, 3, rng=1), Dropout(0.5, rng=seed)]
            return Network([*layers, Affine.create(144, 3, rng=2)])

        first, again, other = (seeded(seed).gradient(X, T)["W2"] for seed in (7, 7, 8))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_a_generator_that_cannot_spawn(self):
        """Legacy bit generators, those of NumPy before 1.17, cannot."""
        legacy = [np.random.Generator(np.random.RandomState(3)._bit_generator) for _ in range(2)]
        first, again = (net(Dropout(0.5), rng=rng).gradient(X, T)["W1"] for rng in legacy)
        np.testing.assert_array_equal(first, again)

    def test_a_resumed_training_is_the_same(self, tmp_path):
        def trainer(folder):
            network, x = net(Dropout(0.5), dtype=np.float32, rng=5), X.astype(np.float32)
            options = {"verbose": False, "checkpoints": folder, "checkpoint_every": 1, "rng": 0}
            return Trainer(network, x, T, x, T, 4, 4, Adam(0.01), **options)

        whole, interrupted = trainer(tmp_path / "a"), trainer(tmp_path / "b")
        whole.train()
        for _ in range(3):
            interrupted.train_step()
        resumed = trainer(tmp_path / "b")
        resumed.resume()
        resumed.train()
        assert resumed.train_loss_list == whole.train_loss_list
        for key, param in whole.network.params.items():
            np.testing.assert_array_equal(resumed.network.params[key], param)


class TestSmallBatches:
    """Batch normalization needs two samples, so that a half has two or the batch stays whole."""

    @pytest.mark.parametrize(("count", "passes"), [(2, 1), (3, 1), (4, 2), (5, 2)])
    def test_with_batch_normalization_each_half_has_two_samples(self, count, passes):
        lengths = []

        class Look(Relu):
            def _forward(self, x, train_flg):
                lengths.append(len(x))
                return super()._forward(x, train_flg)

        network = net(BatchNorm(np.ones(4), np.zeros(4)), Look())
        network.sharded = True
        network.gradient(X[:count], T[:count])
        assert len(lengths) == passes and sum(lengths) == count and min(lengths) > 1


def test_lists_are_taken_as_arrays_are():
    network = net()
    wanted = network.gradient(X, T)
    for key, array in network.gradient(X.tolist(), T.tolist()).items():
        np.testing.assert_array_equal(array, wanted[key])


class TestPredictions:
    def test_they_are_in_order(self):
        network, x = net(), normal(130, 2, 8, 8)
        network.block_size = 25
        wanted = np.concatenate([network.predict(x[i : i + 1]) for i in range(len(x))])
        np.testing.assert_allclose(network.predict(x), wanted, atol=1e-12)

    @pytest.mark.parametrize(
        ("count", "size", "in_halves", "lengths"),
        [
            (100, 100, True, [50, 50]),
            (250, 100, True, [63, 63, 62, 62]),
            (20, 100, True, [20]),
            (20, 15, True, [15, 5]),
            (100, 100, False, [100]),
            (250, 100, False, [100, 100, 50]),
            (0, 100, True, [0]),
        ],
    )
    def test_a_batch_of_some_samples_is_divided_evenly(self, count, size, in_halves, lengths):
        x = np.arange(count)
        blocks = halves.blocks(x, size, in_halves)
        assert [*map(len, blocks)] == lengths
        np.testing.assert_array_equal(np.concatenate(blocks), x)

    def test_one_batch_is_predicted_in_both_halves(self, monkeypatch):
        seen, run_all = [], halves.run_all
        monkeypatch.setattr(halves, "run_all", lambda work: seen.append(1) or run_all(work))
        network, x = net(), normal(40, 2, 8, 8)
        for options, count in (({}, 1), ({"train_flg": True}, 0)):
            seen.clear()
            network.predict(x, **options)
            assert len(seen) == count

    def test_one_image_of_more_channels_than_a_block_has_images(self):
        layers = [Convolution.create(128, 4, 3, rng=0), Relu(), Affine.create(16, 3, rng=1)]
        network, x = Network(layers), normal(2, 128, 4, 4)
        np.testing.assert_allclose(network.predict(x[0]), network.predict(x)[0], rtol=1e-6)
