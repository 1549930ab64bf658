"""The Trainer: the book's arguments and attributes, and what happens beside training."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from dlbasics import SGD, Adam, Affine, Dropout, Momentum, Network, Relu, TwoLayerNet, optimizers
from dlbasics.augmentation import rotate
from dlbasics.history import History
from dlbasics.layers import BatchNorm, Layer
from dlbasics.optimizers import Optimizer, clip_by_norm
from dlbasics.schedules import StepDecay
from dlbasics.trainer import Trainer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 6), dtype=np.float32)
T = X[:, :3].argmax(axis=1)
X_TEST = RNG.standard_normal((30, 6), dtype=np.float32)
T_TEST = X_TEST[:, :3].argmax(axis=1)


def net():
    return TwoLayerNet(6, 5, 3, 0.5, rng=0)


def made(network=None, **changes):
    arguments = {"epochs": 3, "mini_batch_size": 16, "verbose": False, "rng": 1, **changes}
    return Trainer(network or net(), X, T, X_TEST, T_TEST, **arguments)


class TestTheBooksTrainer:
    def test_arguments_in_the_books_order(self):
        trainer = Trainer(net(), X, T, X_TEST, T_TEST, 2, 10, "adam", {"lr": 0.002}, 5, False)
        assert (trainer.epochs, trainer.batch_size) == (2, 10)
        assert (type(trainer.optimizer), trainer.optimizer.lr) == (Adam, 0.002)
        assert (trainer.evaluate_sample_num_per_epoch, trainer.verbose) == (5, False)

    def test_defaults_are_the_books(self):
        trainer = Trainer(net(), X, T, X_TEST, T_TEST)
        assert (trainer.epochs, trainer.batch_size, trainer.verbose) == (20, 100, True)
        assert (type(trainer.optimizer), trainer.optimizer.lr) == (SGD, 0.01)
        assert trainer.evaluate_sample_num_per_epoch is None
        assert trainer.sampling == "replacement"

    def test_two_trainers_share_no_default(self):
        first, second = made(), made()
        first.optimizer.lr = 7
        assert second.optimizer.lr == 0.01

    def test_an_epoch_is_the_ceiling_of_samples_over_batch(self):
        trainer = made()
        assert trainer.iter_per_epoch == 4  # 50 / 16, not 3.125
        assert trainer.max_iter == 12
        trainer.train()
        assert trainer.current_iter == len(trainer.train_loss_list) == 12
        assert trainer.current_epoch == len(trainer.train_acc_list) == 3
        assert len(trainer.test_acc_list) == len(trainer.history.seconds) == 3

    def test_training_by_hand_gives_the_same(self):
        network, rng, optimizer = net(), np.random.default_rng(1), SGD(0.1)
        losses, accuracies = [], []
        for i in range(12):
            batch_mask = rng.choice(50, 16)
            grads = network.gradient(X[batch_mask], T[batch_mask])
            optimizer.update(network.params, grads)
            losses.append(network.last_loss)
            if i % 4 == 3:
                accuracies.append(network.accuracy(X_TEST, T_TEST))
        trainer = made(optimizer_param={"lr": 0.1})
        trainer.train()
        assert trainer.train_loss_list == losses
        assert trainer.test_acc_list == accuracies
        for key, param in network.params.items():
            np.testing.assert_array_equal(trainer.network.params[key], param)

    def test_train_step_by_train_step_is_train(self):
        one, other = made(), made()
        one.train()
        while other.current_iter < other.max_iter:
            other.train_step()
        assert other.train_loss_list == one.train_loss_list
        assert other.test_acc_list == one.test_acc_list

    def test_only_the_first_samples_are_evaluated(self):
        asked = []
        network = net()
        network.accuracy = lambda x, t: asked.append((x, t)) or 0.5
        made(network, epochs=1, evaluate_sample_num_per_epoch=7).train()
        np.testing.assert_array_equal(asked[0][0], X[:7])
        np.testing.assert_array_equal(asked[0][1], T[:7])
        np.testing.assert_array_equal(asked[1][0], X_TEST[:7])

    def test_every_public_optimizer_has_a_name(self):
        public = [getattr(optimizers, name) for name in optimizers.__all__]
        kinds = {kind for kind in public if isinstance(kind, type) and hasattr(kind, "update")}
        assert Adam in kinds
        for kind in kinds - {Optimizer}:
            assert type(made(optimizer=kind.__name__).optimizer) is kind

    @pytest.mark.parametrize("name", ["SGD", "momentum", "Nesterov", "AdaGrad", "RMSProp", "ADAMW"])
    def test_optimizers_by_name_in_any_case(self, name):
        assert type(made(optimizer=name).optimizer).__name__.lower() == name.lower()

    def test_arguments_of_an_optimizer(self):
        optimizer = made(optimizer="Momentum", optimizer_param={"momentum": 0.5}).optimizer
        assert (optimizer.lr, optimizer.momentum) == (0.01, 0.5)

    def test_an_optimizer_as_an_object(self):
        optimizer = Momentum(0.05)
        assert made(optimizer=optimizer).optimizer is optimizer


class TestBatches:
    def batches(self, **changes):
        seen = []
        trainer = made(augment=lambda x, rng: seen.append(x) or x, **changes)
        trainer.train()
        return seen

    def test_an_epoch_takes_each_sample_once_and_the_last_batch_what_is_left(self):
        batches = self.batches(sampling="epoch")
        assert [len(x) for x in batches] == [16, 16, 16, 2] * 3
        orders = [np.concatenate(batches[i : i + 4]) for i in (0, 4, 8)]
        for order in orders:
            np.testing.assert_array_equal(np.sort(order, axis=0), np.sort(X, axis=0))
        assert not np.array_equal(orders[0], orders[1])

    def test_replacement_draws_from_all(self):
        batches = self.batches()
        assert [len(x) for x in batches] == [16] * 12
        assert len(np.unique(np.concatenate(batches[:4]), axis=0)) < 50

    def test_images_and_labels_belong_together(self):
        network = net()
        right = network.gradient

        def gradient(x, t):
            np.testing.assert_array_equal(t, x[:, :3].argmax(axis=1))
            return right(x, t)

        network.gradient = gradient
        made(network, sampling="epoch").train()

    def test_augmented_batches_are_what_is_learned(self):
        trainer = made(augment=lambda x, rng: np.full_like(x, 1 + rng.random()))
        before = trainer.network.params["W1"].copy()
        trainer.train_step()
        moved = trainer.network.params["W1"] - before
        np.testing.assert_allclose(moved, moved[:1].repeat(6, axis=0), atol=1e-6)
        assert abs(moved).max() > 1e-4

    def test_training_data_are_left_alone(self):
        x, t = X.copy(), T.copy()
        made(augment=lambda x, rng: np.negative(x, out=x)).train()
        np.testing.assert_array_equal(X, x)
        np.testing.assert_array_equal(T, t)

    def test_same_seed_same_training(self):
        one, same, other = made(), made(), made(rng=2)
        for trainer in (one, same, other):
            trainer.train()
        assert one.train_loss_list == same.train_loss_list != other.train_loss_list

    def test_the_librarys_augmentations_fit(self):
        images = np.repeat(X, 6, axis=1).reshape(50, 1, 6, 6)
        network = Network([Affine.create(36, 3, rng=0)])
        trainer = Trainer(
            *(network, images, T, images, T, 2, 16),
            augment=lambda x, rng: rotate(x, 15, rng),
            verbose=False,
            rng=0,
        )
        assert all(np.isfinite(trainer.train().train_loss))


class TestLoss:
    def test_there_is_no_second_forward_pass(self):
        network, calls = net(), []
        forward = network.layers["Affine1"].forward
        network.layers["Affine1"].forward = lambda *args: calls.append(1) or forward(*args)
        trainer = made(network)
        for _ in range(3):
            trainer.train_step()
        assert len(calls) == 3

    def test_a_readers_network_is_asked_for_its_loss(self):
        class Readers:
            def __init__(self):
                self.params = {"W": np.zeros((6, 3))}

            def loss(self, x, t):
                return float(((x @ self.params["W"] - np.eye(3)[t]) ** 2).mean())

            def gradient(self, x, t):
                return {"W": 2 * x.T @ (x @ self.params["W"] - np.eye(3)[t]) / (3 * len(x))}

            def accuracy(self, x, t):
                return ((x @ self.params["W"]).argmax(axis=1) == t).mean()

        trainer = made(Readers(), epochs=20, optimizer_param={"lr": 0.5})
        history = trainer.train()
        assert history.train_loss[0] == pytest.approx(1 / 3)
        assert history.train_loss[-1] < 0.2
        assert history.test_acc[-1] > 0.75
        assert {type(loss) for loss in history.train_loss} == {float}

    def test_a_subclass_that_does_not_keep_its_loss_is_asked_too(self):
        class Own(TwoLayerNet):
            def gradient(self, x, t):
                self.loss(x, t, train_flg=True)
                self.layers["Affine2"].backward(self.last_layer.backward())
                return {key: np.zeros_like(param) for key, param in self.params.items()}

        network = Own(6, 5, 3, rng=0)
        network.last_loss = 99.0
        trainer = made(network)
        trainer.train_step()
        assert trainer.train_loss_list[0] == pytest.approx(np.log(3), abs=1e-3)

    def test_layers_of_a_readers_network_draw_from_the_trainers_generator(self):
        class Readers:
            layers = [Dropout(0.5)]  # noqa: RUF012
            params = {}  # noqa: RUF012

        rng = np.random.default_rng(0)
        trainer = made(Readers(), rng=rng)
        assert trainer.network.layers[0].rng is rng


class TestSchedulesAndClipping:
    def test_the_rate_follows_the_schedule_by_fractions_of_an_epoch(self):
        trainer = made(schedule=lambda epoch, epochs: (1 + epoch) / epochs)
        history = trainer.train()
        np.testing.assert_allclose(history.lr, 0.01 * (1 + np.arange(12) / 4) / 3)

    def test_the_rate_that_is_recorded_is_the_one_that_was_used(self):
        trainer = made(schedule=StepDecay(1, 0.0))
        trainer.train()
        network = net()
        rng, optimizer = np.random.default_rng(1), SGD(0.01)
        for _ in range(4):
            batch_mask = rng.choice(50, 16)
            optimizer.update(network.params, network.gradient(X[batch_mask], T[batch_mask]))
        np.testing.assert_array_equal(trainer.network.params["W1"], network.params["W1"])
        assert trainer.history.lr == [0.01] * 4 + [0.0] * 8

    def test_without_a_schedule_the_rate_may_be_changed_by_hand(self):
        def lower(trainer):
            trainer.optimizer.lr /= 10

        assert made(callbacks=[lower]).train().lr == [0.01] * 4 + [0.001] * 4 + [0.0001] * 4

    def test_gradients_are_clipped_before_the_update(self):
        seen = []

        class Recorder(SGD):
            def update(self, params, grads):
                seen.append({key: grad.copy() for key, grad in grads.items()})
                super().update(params, grads)

        trainer = made(optimizer=Recorder(0.01), max_norm=0.05)
        trainer.train()
        norms = [np.sqrt(sum((g**2).sum() for g in grads.values())) for grads in seen]
        np.testing.assert_allclose(norms, 0.05, rtol=1e-4)
        layer = trainer.network.layers["Affine1"]
        np.testing.assert_allclose(
            clip_by_norm({key: g for key, g in _grads(trainer.network).items()}, 0.05)["W1"],
            seen[-1]["W1"],
            rtol=1e-5,
        )
        assert layer.dW is not seen[-1]["W1"]


def _grads(network):
    """What the layers hold from the last backward pass."""
    return {
        f"{name}{i}": getattr(network.layers[f"Affine{i}"], f"d{name}")
        for i in (1, 2)
        for name in ("W", "b")
    }


@pytest.mark.usefixtures("interruptible")
class TestEarlyStopping:
    def trainer(self, accuracies, **changes):
        """Test accuracies as given; W1 counts the updates."""
        network = Network([BatchNorm.create(6), Affine(np.zeros((6, 3)), np.zeros(3))])
        given = iter([a for accuracy in accuracies for a in (0.5, accuracy)])
        network.accuracy = lambda x, t: next(given)
        return made(network, epochs=len(accuracies), **changes)

    def test_it_stops_when_accuracy_has_not_risen_and_restores_the_best(self):
        at_epoch = {}

        def note(trainer):
            params = {key: param.copy() for key, param in trainer.network.params.items()}
            layer = trainer.network.layers["BatchNorm1"]
            at_epoch[trainer.current_epoch] = {**params, "mean": layer.running_mean.copy()}

        trainer = self.trainer([0.5, 0.7, 0.7, 0.6, 0.8], patience=2, callbacks=[note])
        history = trainer.train()
        assert trainer.current_epoch == 4
        assert history.best_epoch == 2
        assert history.stopped == "test accuracy has not risen for 2 epochs"
        assert history.test_acc == [0.5, 0.7, 0.7, 0.6]
        for key, param in trainer.network.params.items():
            np.testing.assert_array_equal(param, at_epoch[2][key])
            assert not np.array_equal(param, at_epoch[4][key])
        layer = trainer.network.layers["BatchNorm1"]
        np.testing.assert_array_equal(layer.running_mean, at_epoch[2]["mean"])

    def test_the_best_is_restored_at_the_last_epoch_too(self):
        trainer = self.trainer([0.9, 0.5, 0.6], patience=3)
        trainer.network.params["W1"][:] = 0
        one = self.trainer([0.9])
        trainer.train()
        one.train()
        assert trainer.current_epoch == 3
        assert trainer.history.stopped == ""
        np.testing.assert_array_equal(trainer.network.params["W1"], one.network.params["W1"])

    def test_without_patience_nothing_is_restored(self):
        trainer = self.trainer([0.9, 0.5])
        one = self.trainer([0.9])
        trainer.train()
        one.train()
        assert not np.array_equal(trainer.network.params["W1"], one.network.params["W1"])

    def test_an_interrupted_training_keeps_its_weights(self):
        trainer = self.trainer([0.9, 0.5, 0.6], patience=3)
        seen = []

        def interrupt(x, rng):
            seen.append(trainer.network.params["W1"].copy())
            if len(seen) == 7:
                signal.raise_signal(signal.SIGINT)
            return x

        trainer.augment = interrupt
        assert trainer.train().stopped == "interrupted"
        trainer.train()
        undisturbed = self.trainer([0.9, 0.5, 0.6])
        for _ in range(7):
            undisturbed.train_step()
        np.testing.assert_array_equal(seen[7], undisturbed.network.params["W1"])

    def test_after_a_resume_the_best_is_still_known(self, tmp_path):
        first = self.trainer([0.9, 0.5], patience=3, checkpoints=tmp_path)
        for _ in range(8):
            first.train_step()
        best = first._best["params/W1"]
        second = self.trainer([0.5, 0.6, 0.7], patience=3, checkpoints=tmp_path)
        second.resume()
        second.train()
        np.testing.assert_array_equal(second.network.params["W1"], best)
        assert second.history.test_acc[:2] == [0.9, 0.5]


class TestCallbacks:
    def test_they_are_called_in_order_after_each_evaluation(self):
        seen = []
        made(
            callbacks=[
                lambda trainer: seen.append(("a", len(trainer.test_acc_list))),
                lambda trainer: seen.append(("b", trainer.current_epoch)),
            ]
        ).train()
        assert seen == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3)]

    def test_one_may_end_the_training(self):
        trainer = made(callbacks=[lambda trainer: trainer.stop("enough")])
        history = trainer.train()
        assert trainer.current_epoch == 1
        assert history.stopped == "enough"
        trainer.train()
        assert trainer.current_epoch == 1


class Broken(Layer):
    """y = x, with NaN in it from the given training pass on."""

    def __init__(self, at):
        self.at, self.passes = at, 0

    def forward(self, x, train_flg=True):
        self.passes += train_flg
        return x * np.nan if self.passes >= self.at else x * 1

    def backward(self, dout):
        return dout * 1


class TestDivergence:
    def test_a_loss_that_is_nan_stops_at_once_and_names_the_layer(self):
        layers = {"first": Affine.create(6, 3, rng=0), "broken": Broken(6), "relu": Relu()}
        trainer = made(Network(layers))
        before = None
        with pytest.raises(FloatingPointError) as raised:
            for _ in range(12):
                before = trainer.network.params["W1"].copy()
                trainer.train_step()
        message = str(raised.value)
        assert message.startswith("iteration 6 (epoch 2): the loss is nan.")
        assert "first: layer broken: its output holds 48 nan, though its input" in message
        assert "a smaller learning rate (it is 0.01)" in message
        np.testing.assert_array_equal(trainer.network.params["W1"], before)
        assert trainer.history.stopped == "the loss is nan"

    def test_a_rate_that_is_far_too_large(self):
        network = Network([Affine.create(6, 5, rng=0), Affine.create(5, 3, rng=1)])
        with pytest.raises(FloatingPointError, match=r"layer Affine2: its output holds 48 inf"):
            made(network, optimizer_param={"lr": 1e30}, epochs=50).train()

    def test_a_parameter_that_is_infinite_while_the_loss_is_not(self):
        class Spoil(SGD):
            def update(self, params, grads):
                super().update(params, grads)
                params["b1"][2] = -np.inf  # ReLU makes it 0

        with pytest.raises(FloatingPointError, match=r"iteration 4 \(epoch 1\): b1 .* 1 inf\."):
            made(optimizer=Spoil()).train()

    def test_behind_dropout_and_normalization_too(self):
        class Spoil(SGD):
            def update(self, params, grads):
                super().update(params, grads)
                params["W2"][:] = np.nan

        layers = [Affine.create(6, 5), BatchNorm.create(5), Relu(), Dropout(), Affine.create(5, 3)]
        with pytest.raises(FloatingPointError, match=r"layer Affine2: W2 holds 15 nan"):
            made(Network(layers), mini_batch_size=50, optimizer=Spoil()).train()

    def test_a_spoilt_parameter_is_not_stored(self, tmp_path):
        class Spoil(SGD):
            def update(self, params, grads):
                super().update(params, grads)
                params["b1"][2] = -np.inf

        with pytest.raises(FloatingPointError, match="iteration 2"):
            made(optimizer=Spoil(), checkpoints=tmp_path, checkpoint_every=2).train()
        assert list(tmp_path.iterdir()) == []

    def test_running_statistics_are_looked_at(self):
        network = Network({"norm": BatchNorm.create(6), "affine": Affine.create(6, 3)})
        network.layers["norm"].running_mean = np.full(6, np.inf, np.float32)
        network.layers["norm"].running_var = np.ones(6, np.float32)
        network.params["W1"][0, 0] = np.nan
        with pytest.raises(FloatingPointError, match="layer norm: running_mean1 holds 6 inf"):
            made(network).train()

    def test_images_that_are_not_finite_are_named(self):
        x = X.copy()
        x[:, 3] = np.nan
        with pytest.raises(FloatingPointError, match=r"the input x of this batch.* 16 nan"):
            Trainer(net(), x, T, X_TEST, T_TEST, mini_batch_size=16, verbose=False).train()

    def test_a_readers_network_is_searched_for_parameters(self):
        class Readers:
            params = {"W": np.ones(3), "c": np.array([1.0, np.inf])}  # noqa: RUF012

            def gradient(self, x, t):
                return self.params

            def loss(self, x, t):
                return np.inf

        with pytest.raises(FloatingPointError, match=r"the loss is inf\..*first: c holds 1 inf"):
            made(Readers()).train_step()

    def test_a_loss_of_finite_scores(self):
        class Readers:
            params = {"W": np.ones(3)}  # noqa: RUF012

            def gradient(self, x, t):
                return self.params

            def loss(self, x, t):
                return np.nan

        with pytest.raises(FloatingPointError, match="the loss, while all parameters are finite"):
            made(Readers()).train_step()


INTERRUPTED = """
import signal, sys, time
import numpy as np
from dlbasics import TwoLayerNet
from dlbasics.trainer import Trainer

signal.signal(signal.SIGINT, signal.default_int_handler)

x = np.ones((40, 6), np.float32)
def slow(x, rng):
    time.sleep(0.02)
    return x
trainer = Trainer(TwoLayerNet(6, 5, 3, rng=0), x, np.zeros(40, int), x, np.zeros(40, int), 1000, 10,
                  augment=slow, verbose=False, checkpoints=sys.argv[1], rng=0)
print("go", flush=True)
history = trainer.train()
trainer.network.save_params(sys.argv[1] + "/params.npz")
print(history.stopped, trainer.current_iter, len(history.train_loss), flush=True)
"""


@pytest.fixture
def interruptible():
    """A shell's background process ignores Ctrl-C, and so would the tests in it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
class TestInterrupt:
    @pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
    def test_ctrl_c_ends_with_checkpoint_and_history(self, tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout.readline() == "go\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        assert (process.returncode, err) == (0, "")
        word, iterations, losses = out.split()
        assert (word, iterations) == ("interrupted", losses)
        assert 0 < int(iterations) < 1000
        assert (tmp_path / f"checkpoint-{int(iterations):08d}.npz").exists()

    def test_training_goes_on_after_it(self, monkeypatch):
        trainer = made()
        calls = []

        def interrupting(x, rng):
            calls.append(1)
            if len(calls) == 5:
                signal.raise_signal(signal.SIGINT)
            return x

        trainer.augment = interrupting
        assert trainer.train().stopped == "interrupted"
        assert trainer.current_iter == 5
        assert trainer.train().stopped == ""
        assert trainer.current_iter == 12
        assert len(calls) == 12

    def test_ctrl_c_does_not_hide_why_a_training_ended(self):
        def interrupt(trainer):
            signal.raise_signal(signal.SIGINT)

        stops = [interrupt, lambda trainer: trainer.stop("enough")]
        assert made(callbacks=stops).train().stopped == "enough"
        assert made(epochs=1, callbacks=[interrupt]).train().stopped == ""

    def test_the_time_between_two_parts_does_not_count(self):
        trainer = made(callbacks=[lambda trainer: trainer.stop("enough")])
        trainer.train()
        time.sleep(0.5)
        trainer.history.stopped = ""
        assert trainer.train().seconds[1] < 0.4

    def test_the_second_ctrl_c_is_raised(self):
        def twice(x, rng):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            made(augment=twice).train()
        assert signal.getsignal(signal.SIGINT) is before

    def test_the_handler_is_as_before_whatever_happens(self):
        before = signal.getsignal(signal.SIGINT)
        made().train()
        assert signal.getsignal(signal.SIGINT) is before
        with pytest.raises(ZeroDivisionError):
            made(augment=lambda x, rng: 1 / 0).train()
        assert signal.getsignal(signal.SIGINT) is before

    def test_other_threads_train_too(self):
        trainer = made()
        thread = threading.Thread(target=trainer.train)
        thread.start()
        thread.join()
        assert trainer.current_epoch == 3


class TestOutput:
    def test_a_line_an_epoch(self, capsys):
        trainer = made(verbose=True)
        trainer.train()
        out, err = capsys.readouterr()
        lines = out.splitlines()
        assert len(lines) == 3
        loss = np.mean(trainer.train_loss_list[4:8])
        accuracies = trainer.train_acc_list[1], trainer.test_acc_list[1]
        wanted = "epoch 2: mean loss {:.4f}, training accuracy {:.4f}, test accuracy {:.4f}"
        assert lines[1] == wanted.format(loss, *accuracies)
        assert err == ""

    def test_nothing_unless_verbose(self, capsys):
        made().train()
        assert capsys.readouterr() == ("", "")

    def test_why_it_stopped(self, capsys):
        made(verbose=True, callbacks=[lambda trainer: trainer.stop("enough")]).train()
        assert capsys.readouterr().out.endswith("stopped after iteration 4: enough\n")

    def test_a_bar_with_loss_and_accuracy_in_a_terminal(self, capsys, monkeypatch):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        made(verbose=True, augment=lambda x, rng: time.sleep(0.03) or x).train()
        bar = capsys.readouterr().err
        assert "/12 [" in bar
        assert "loss=" in bar
        assert "accuracy=" in bar


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"epochs": 0}, ValueError, "epochs must be at least 1"),
            ({"mini_batch_size": 0}, ValueError, "mini_batch_size must be at least 1"),
            ({"mini_batch_size": 1.5}, TypeError, "mini_batch_size must be an integer"),
            ({"optimizer": "adams"}, ValueError, "optimizer must be one of .'sgd'"),
            ({"optimizer": Adam}, TypeError, "a name or an object as Adam"),
            ({"optimizer": None}, TypeError, "a name or an object"),
            ({"optimizer_param": {"rate": 1}}, ValueError, r"arguments of SGD, got \['rate'\]"),
            ({"optimizer_param": {"lr": -1}}, ValueError, "lr must be"),
            ({"optimizer": SGD(), "optimizer_param": {}}, ValueError, "goes with a name"),
            ({"evaluate_sample_num_per_epoch": 0}, ValueError, "evaluate_sample_num_per_epoch"),
            ({"sampling": "all"}, ValueError, "sampling must be 'replacement' or 'epoch'"),
            ({"max_norm": 0}, ValueError, "max_norm"),
            ({"patience": 0}, ValueError, "patience must be at least 1"),
            ({"checkpoint_every": 0}, ValueError, "checkpoint_every"),
            ({"checkpoint_every": 5}, ValueError, "checkpoint_every needs checkpoints"),
            ({"schedule": 0.5}, TypeError, "schedule must be one like CosineDecay"),
            ({"schedule": StepDecay}, TypeError, "schedule must be one like CosineDecay"),
            ({"callbacks": print}, TypeError, "callbacks must be a list of functions"),
            ({"callbacks": [3]}, TypeError, "callbacks must be a list of functions"),
            ({"rng": -1}, TypeError, "rng must be"),
        ],
    )
    def test_arguments_are_checked(self, changes, error, message):
        with pytest.raises(error, match=message):
            made(**changes)

    def test_data_of_two_lengths(self):
        with pytest.raises(ValueError, match=r"x_train and t_train .* got \(50, 6\) and"):
            Trainer(net(), X, T[:-1], X_TEST, T_TEST)
        with pytest.raises(ValueError, match="x_test and t_test"):
            Trainer(net(), X, T, X_TEST, T_TEST[:0])


def test_the_trainer_learns_mnist_as_the_book_says(mnist):
    trainer = Trainer(
        TwoLayerNet(784, 50, 10, rng=0),
        mnist.x_train,
        mnist.t_train,
        mnist.x_test,
        mnist.t_test,
        epochs=4,
        optimizer_param={"lr": 0.1},
        evaluate_sample_num_per_epoch=2000,
        verbose=False,
        rng=0,
    )
    history = trainer.train()
    assert isinstance(history, History)
    assert history.test_acc[-1] > 0.9
    assert history.train_loss[0] == pytest.approx(np.log(10), abs=0.05)
