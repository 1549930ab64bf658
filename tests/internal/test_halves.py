"""Gradients in two halves: equal to the whole, whatever the number of cores."""

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from dlbasics import (
    Adam,
    Affine,
    Convolution,
    Dropout,
    MultiLayerNet,
    Network,
    Pooling,
    Relu,
    SoftmaxWithLoss,
    Trainer,
    check_gradients,
)
from dlbasics._internal import halves
from dlbasics._internal.fast import threads
from dlbasics._internal.fast.order import pooling_before_relu
from dlbasics.layers import BatchNorm
from dlbasics.regularizers import L2

RNG = np.random.default_rng(0)
X = RNG.standard_normal((7, 2, 8, 8))
T = RNG.integers(0, 3, 7)


def net(*extra, dtype=np.float64, **options):
    layers = [
        Convolution.create(2, 4, 3, rng=1, dtype=dtype),
        Relu(),
        Pooling(2, 2, stride=2),
        *extra,
        Affine.create(36, 3, rng=2, dtype=dtype),
    ]
    return Network(layers, **options)


def gradients(network, sharded, x=X, t=T):
    network.sharded = sharded
    return network.gradient(x, t), network.last_loss


class TestGradient:
    @pytest.mark.parametrize("labels", [T, T[:, np.newaxis], np.eye(3)[T], RNG.random((7, 3))])
    @pytest.mark.parametrize("count", [2, 3, 6, 7])
    def test_it_is_that_of_the_whole_batch(self, labels, count):
        network = net(regularizer=L2(0.1))
        x, t = X[:count], labels[:count]
        (whole, whole_loss), (found, loss) = (
            gradients(network, way, x, t) for way in (False, True)
        )
        assert loss == pytest.approx(whole_loss, rel=1e-13)
        assert found.keys() == whole.keys()
        for key in whole:
            np.testing.assert_allclose(found[key], whole[key], rtol=1e-10, atol=1e-14)

    @pytest.mark.parametrize("window", [(2, 2, 2, 0), (3, 3, 1, 1), (2, 4, 2, 0)])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_pooling_comes_before_relu_and_nothing_else_changes(self, window, dtype):
        """Equal to the bit, also where windows overlap, or hold equal or no positive numbers."""
        pool_h, pool_w, stride, pad = window

        class OwnRelu(Relu):
            pass

        x = np.round(2 * RNG.standard_normal((7, 2, 8, 8))).astype(dtype)
        x[3] = -np.abs(x[3])
        layers = Relu(), Pooling(pool_h, pool_w, stride, pad)
        swapped = pooling_before_relu(layers)
        assert swapped == [*layers[::-1]]
        y = layers[1].forward(layers[0].forward(x))
        dout = RNG.standard_normal(y.shape).astype(dtype)
        dx = layers[0].backward(layers[1].backward(dout))
        np.testing.assert_array_equal(swapped[1].forward(swapped[0].forward(x)), y)
        np.testing.assert_array_equal(swapped[0].backward(swapped[1].backward(dout)), dx)
        for others in ((OwnRelu(), Pooling(2, 2)), (Relu(), Dropout()), (Pooling(2, 2), Relu())):
            assert pooling_before_relu(others) == [*others]

    @pytest.mark.fast
    def test_gradients_and_predictions_pool_first(self, monkeypatch):
        seen, forward = set(), Relu.forward

        def noted(self, x, train_flg=True):
            seen.add(x.shape[2:])
            return forward(self, x, train_flg)

        monkeypatch.setattr(Relu, "forward", noted)
        network = net()
        network.gradient(X, T)
        network.predict(X)
        assert seen == {(3, 3)}
        network.loss(X, T)
        assert seen == {(3, 3), (6, 6)}

    def test_no_thread_warns_of_infinite_numbers(self):
        """Where warnings are errors, as here, one would be raised."""

        class Overflow(Relu):
            def forward(self, x, train_flg=True):
                return super().forward(x * np.float64(1e300) * 1e300, train_flg)

        network = net(Overflow())
        network.sharded = True
        network.gradient(X, T)
        assert not np.isfinite(network.last_loss)

    def test_layers_hold_it(self):
        network = net()
        grads = network.gradient(X, T)
        assert network.layers["Conv1"].dW is grads["W1"]
        assert network.layers["Affine1"].db is grads["b2"]

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

    @pytest.mark.fast
    def test_both_halves_are_worked_on_at_the_same_time(self, monkeypatch):
        """Each waits for the other, in vain were they to come one after the other."""
        meeting = threading.Barrier(2, timeout=20)

        class Meet(Relu):
            def forward(self, x, train_flg=True):
                meeting.wait()
                return super().forward(x, train_flg)

        network = net(Meet())
        network.sharded = True
        network.gradient(X, T)
        network.predict(np.concatenate([X] * 57))

    def test_one_after_the_other_where_blas_cannot_be_limited(self, monkeypatch):
        class Nothing:
            lib_controllers = ()

        network = net()
        wanted = network.gradient(X, T)
        monkeypatch.setattr(threads, "_blas", Nothing)
        before = threading.active_count()
        seen = []
        monkeypatch.setattr(threading, "Thread", lambda *_, **__: seen.append(1))
        found = network.gradient(X, T)
        assert threading.active_count() == before
        assert not seen
        for key in wanted:
            np.testing.assert_array_equal(found[key], wanted[key])

    def test_parameters_that_were_replaced_count(self):
        network = net()
        network.gradient(X, T)
        network.params["W1"] = np.zeros_like(network.params["W1"])
        network.params["b1"] = -np.ones(4)
        assert not network.gradient(X, T)["W2"].any()

    def test_a_layer_without_bias(self):
        layers = [Convolution(RNG.standard_normal((4, 2, 3, 3)), None), Relu()]
        network = Network([*layers, Affine(RNG.standard_normal((144, 3)), None)])
        whole, found = (gradients(network, way)[0] for way in (False, True))
        assert [*found] == ["W1", "W2"]
        np.testing.assert_allclose(found["W1"], whole["W1"])

    def test_arrays_are_fresh_each_time(self):
        network = net()
        first = network.gradient(X, T)
        kept = {key: grad.copy() for key, grad in first.items()}
        network.gradient(-X, T)
        for key in kept:
            np.testing.assert_array_equal(first[key], kept[key])

    def test_numerical_gradients_agree(self):
        network = net(Dropout(0.3))
        assert network.sharded
        assert check_gradients(network, X, T)


class TestSwitch:
    def test_it_is_on_for_convolutions_and_off_for_others(self):
        assert net().sharded
        assert not MultiLayerNet(4, [3], 2).sharded
        assert not net(BatchNorm.create(4)).sharded

    def test_a_single_image_and_one_alone_go_through_as_they_are(self):
        network = net()
        one = network.gradient(X[:1], T[:1])
        single = network.gradient(X[0], T[0])
        for key in one:
            np.testing.assert_allclose(single[key], one[key])

    def test_wrong_labels_are_an_error_as_ever(self):
        for t in (T[:5], np.concatenate([T, T])):
            with pytest.raises(ValueError, match="t must be integer classes"):
                net().gradient(X, t)

    def test_batch_normalization_by_halves_when_asked_for(self):
        network = net(BatchNorm.create(4, dtype=np.float64))
        network.sharded = True
        network.gradient(X[:6], T[:6])
        norm = network.layers["BatchNorm1"]
        halves = []
        for part in (slice(0, 3), slice(3, 6)):
            other = net(BatchNorm.create(4, dtype=np.float64))
            other.gradient(X[part], T[part])
            halves.append(other.layers["BatchNorm1"])
        np.testing.assert_allclose(
            norm.running_mean, (halves[0].running_mean + halves[1].running_mean) / 2
        )
        np.testing.assert_allclose(
            norm.running_var, (halves[0].running_var + halves[1].running_var) / 2
        )

    def test_it_is_off_for_layers_that_readers_wrote_until_they_ask_for_it(self):
        """They may keep arrays that they write into, in which two threads would meet."""

        class Own(Relu):
            pass

        class OwnLoss(SoftmaxWithLoss):
            pass

        for network in (net(Own()), net(last_layer=OwnLoss())):
            assert not network.sharded
            whole = network.gradient(X, T)
            network.sharded = True
            assert network.sharded
            for key, found in network.gradient(X, T).items():
                np.testing.assert_allclose(found, whole[key], rtol=1e-10, atol=1e-14)

    def test_networks_without_images_divide_batches_too_when_asked_to(self, monkeypatch):
        seen = []
        run_all = halves.run_all
        monkeypatch.setattr(halves, "run_all", lambda work: seen.append(1) or run_all(work))
        network = MultiLayerNet(4, [3], 2, rng=0, dtype=np.float64)
        x, t = RNG.standard_normal((6, 4)), np.array([0, 1, 1, 0, 1, 0])
        whole = network.gradient(x, t)
        assert not seen
        network.sharded = True
        for key, found in network.gradient(x, t).items():
            np.testing.assert_allclose(found, whole[key], rtol=1e-10, atol=1e-14)
        assert seen


def blas_threads():
    return [found["num_threads"] for found in threadpool_info()]


class TestThreads:
    def test_blas_is_free_again_after_several_networks_at_once(self):
        before = blas_threads()

        def work():
            network = net()
            for _ in range(30):
                network.gradient(X, T)

        others = [threading.Thread(target=work) for _ in range(3)]
        for thread in others:
            thread.start()
        for thread in others:
            thread.join()
        assert blas_threads() == before

    @pytest.mark.fast
    def test_ctrl_c_waits_for_the_other_half(self, monkeypatch):
        """One that comes while the first half, done, waits for the second."""
        before, ended, asked = blas_threads(), [], []

        class Slow(Relu):
            def forward(self, x, train_flg=True):
                if threading.current_thread() is not threading.main_thread():
                    time.sleep(0.2)
                    ended.append(1)
                return super().forward(x, train_flg)

        class Interrupted(threading.Thread):
            def join(self, timeout=None):
                asked.append(1)
                if len(asked) == 1:
                    raise KeyboardInterrupt
                super().join(timeout)

        monkeypatch.setattr(threading, "Thread", Interrupted)
        network = net(Slow())
        network.sharded = True
        with pytest.raises(KeyboardInterrupt):
            network.gradient(X, T)
        assert len(ended) == 1
        assert blas_threads() == before

    def test_what_one_raises_is_raised_and_blas_is_free_again(self):
        class Fails(Relu):
            def backward(self, dout):
                raise ZeroDivisionError(threading.current_thread().name)

        before, network = blas_threads(), net(Fails())
        network.sharded = True
        with pytest.raises(ZeroDivisionError, match="MainThread"):
            network.gradient(X, T)
        assert blas_threads() == before

    @pytest.mark.fast
    def test_what_the_other_thread_raises_too(self):
        class FailsElsewhere(Relu):
            def forward(self, x, train_flg=True):
                if threading.current_thread() is not threading.main_thread():
                    raise ZeroDivisionError
                return super().forward(x)

        network = net(FailsElsewhere())
        network.sharded = True
        with pytest.raises(ZeroDivisionError):
            network.gradient(X, T)

    def test_overflow_is_quiet_in_both(self):
        network = net(dtype=np.float32)
        network.params["W1"][:] = 3e38
        network.gradient(np.full_like(X, 1e38, dtype=np.float32), T)
        assert not np.isfinite(network.last_loss)


class TestGenerators:
    def test_halves_draw_from_generators_of_their_own(self):
        network = net(Dropout(0.5), rng=5)
        state = network.layers["Dropout1"].rng.bit_generator.state
        grads = network.gradient(np.concatenate([X[:3]] * 2), np.concatenate([T[:3]] * 2))
        assert network.layers["Dropout1"].rng.bit_generator.state == state
        again = net(Dropout(0.5), rng=5).gradient(np.concatenate([X[:3]] * 2), [*T[:3]] * 2)
        for key in grads:
            np.testing.assert_array_equal(grads[key], again[key])
        first, second = (rngs[0].random() for rngs in network.shard_rngs)
        assert first != second

    def test_layers_with_a_generator_of_their_own_have_one_in_each_half(self):
        """Seeds of layers decide, where the network has none."""

        def seeded(seed):
            layers = [Convolution.create(2, 4, 3, rng=1), Dropout(0.5, rng=seed)]
            return Network([*layers, Affine.create(144, 3, rng=2)])

        first, again, other = (seeded(seed).gradient(X, T)["W2"] for seed in (7, 7, 8))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_a_generator_that_cannot_spawn(self):
        """As one made of the generator of before NumPy 1.17."""

        def network():
            return net(
                Dropout(0.5), rng=np.random.Generator(np.random.RandomState(3)._bit_generator)
            )

        first, again = (network().gradient(X, T)["W1"] for _ in range(2))
        np.testing.assert_array_equal(first, again)

    def test_a_resumed_training_is_the_same(self, tmp_path):
        def trainer(folder):
            network = net(Dropout(0.5), dtype=np.float32, rng=5)
            x = X.astype(np.float32)
            return Trainer(
                *(network, x, T, x, T, 4, 4, Adam(0.01)),
                verbose=False,
                checkpoints=folder,
                checkpoint_every=1,
                rng=0,
            )

        whole, first, second = trainer(tmp_path / "a"), trainer(tmp_path / "b"), None
        whole.train()
        for _ in range(3):
            first.train_step()
        second = trainer(tmp_path / "b")
        second.resume()
        second.train()
        assert second.train_loss_list == whole.train_loss_list
        for key, param in whole.network.params.items():
            np.testing.assert_array_equal(second.network.params[key], param)


def test_predictions_are_in_order():
    network = net()
    x = RNG.standard_normal((530, 2, 8, 8))
    wanted = np.concatenate([network.predict(x[i : i + 1]) for i in range(530)])
    np.testing.assert_allclose(network.predict(x), wanted, atol=1e-12)


def test_one_image_of_more_channels_than_a_block_has_images():
    network = Network([Convolution.create(128, 4, 3, rng=0), Relu(), Affine.create(16, 3, rng=1)])
    x = RNG.standard_normal((2, 128, 4, 4))
    np.testing.assert_allclose(network.predict(x[0]), network.predict(x)[0], rtol=1e-6)
    flat = Network([Affine.create(2_400, 3, rng=0)])
    x = RNG.standard_normal((2, 600, 2, 2))
    np.testing.assert_allclose(flat.predict(x[0]), flat.predict(x)[0], rtol=1e-6)
