"""The Trainer: the book's arguments and attributes, batches, losses, rates and early stopping.

Its checkpoints, progress bar, Ctrl-C, divergence and arguments are tested in tests/internal.
"""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from dlbasics import SGD, Adam, Affine, Dropout, Network, TwoLayerNet
from dlbasics.history import History
from dlbasics.layers import BatchNorm
from dlbasics.optimizers import clip_by_norm
from dlbasics.schedules import StepDecay
from dlbasics.storage import load_arrays
from dlbasics.trainer import Trainer
from tests.helpers import labelled, mean_error, regression, small_trainer

X, T = labelled(50)
X_TEST, T_TEST = labelled(30, seed=1)


def net():
    return TwoLayerNet(6, 5, 3, 0.5, rng=0)


def trained_by_hand(steps, lr):
    """Return a network after so many updates, and its losses, on the data of `small_trainer`."""
    network, rng, optimizer, losses = net(), np.random.default_rng(1), SGD(lr), []
    for _ in range(steps):
        batch_mask = rng.choice(50, 16)
        optimizer.update(network.params, network.gradient(X[batch_mask], T[batch_mask]))
        losses.append(network.last_loss)
    return network, losses


def assert_same_params(network, other):
    for key, param in other.params.items():
        np.testing.assert_array_equal(network.params[key], param, err_msg=key)


class TestTheBooksTrainer:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ([], [20, 100, SGD, 0.01, None, True, "replacement"]),
            ([2, 9, "adam", {"lr": 0.2}, 5, False], [2, 9, Adam, 0.2, 5, False, "replacement"]),
        ],
        ids=["none", "all"],
    )
    def test_arguments_in_the_books_order_and_its_defaults(self, arguments, expected):
        it = Trainer(net(), X, T, X_TEST, T_TEST, *arguments)
        found = [it.epochs, it.batch_size, type(it.optimizer), it.optimizer.lr]
        found += [it.evaluate_sample_num_per_epoch, it.verbose, it.sampling]
        assert found == expected

    def test_two_trainers_share_no_default(self):
        first, second = small_trainer(), small_trainer()
        first.optimizer.lr = 7
        assert second.optimizer.lr == 0.01

    def test_an_epoch_is_the_ceiling_of_samples_over_batch(self):
        trainer = small_trainer()
        assert trainer.iter_per_epoch == 4  # 50 / 16, not 3.125
        assert trainer.max_iter == 12
        trainer.train()
        assert trainer.current_iter == len(trainer.train_loss_list) == 12
        assert trainer.current_epoch == len(trainer.train_acc_list) == 3
        assert len(trainer.test_acc_list) == len(trainer.history.seconds) == 3

    def test_training_by_hand_gives_the_same(self):
        trainer = small_trainer(optimizer_param={"lr": 0.1})
        trainer.train()
        for epoch in (1, 2, 3):
            network, losses = trained_by_hand(4 * epoch, 0.1)
            assert trainer.train_acc_list[epoch - 1] == network.accuracy(X, T)
            assert trainer.test_acc_list[epoch - 1] == network.accuracy(X_TEST, T_TEST)
        assert trainer.train_loss_list == losses
        assert_same_params(trainer.network, network)

    def test_only_the_first_samples_are_evaluated(self):
        asked, network = [], net()
        network.accuracy = lambda x, t: asked.append((x, t)) or 0.5
        small_trainer(network, epochs=1, evaluate_sample_num_per_epoch=7).train()
        for found, expected in zip(asked, ((X, T), (X_TEST, T_TEST)), strict=True):
            np.testing.assert_array_equal(found[0], expected[0][:7])
            np.testing.assert_array_equal(found[1], expected[1][:7])


class TestBatches:
    def test_an_epoch_takes_each_sample_once_and_the_last_batch_what_is_left(self):
        def gradient(x, t):
            np.testing.assert_array_equal(t, x[:, :3].argmax(axis=1))
            batches.append(x)
            return right(x, t)

        network, batches = net(), []
        right, network.gradient = network.gradient, gradient
        small_trainer(network, sampling="epoch").train()
        assert [len(x) for x in batches] == [16, 16, 16, 2] * 3
        orders = [np.concatenate(batches[i : i + 4]) for i in (0, 4, 8)]
        for order in orders:
            np.testing.assert_array_equal(np.sort(order, axis=0), np.sort(X, axis=0))
        assert not np.array_equal(orders[0], orders[1])

    @pytest.mark.parametrize(
        ("samples", "size", "lengths"),
        [(49, 16, [16, 16, 17]), (9, 8, [9]), (3, 1, [1, 1, 1]), (1, 16, [1])],
    )
    def test_a_rest_of_one_sample_joins_the_batch_before(self, samples, size, lengths):
        network, found = net(), []
        right = network.gradient
        network.gradient = lambda x, t: found.append(len(x)) or right(x, t)
        options = {"mini_batch_size": size, "sampling": "epoch", "schedule": StepDecay(1, 0.5)}
        trainer = small_trainer(network, train_size=samples, **options)
        history = trainer.train()
        assert found == lengths * 3
        assert trainer.iter_per_epoch == len(lengths)
        assert trainer.max_iter == trainer.current_iter == len(history.train_loss) == len(found)
        assert len(history.test_acc) == trainer.current_epoch == 3
        factors = np.repeat([1, 0.5, 0.25], len(lengths))
        np.testing.assert_allclose(history.lr, 0.01 * factors)
        drawn = small_trainer(train_size=samples, mini_batch_size=size)
        assert drawn.iter_per_epoch == -(-samples // size)

    def test_running_statistics_do_not_depend_on_whether_one_sample_is_left(self):
        """101 samples gave the variance .109, where 100 gave .167."""
        variances = []
        for n in (96, 97):
            network = Network([BatchNorm.create(6), Affine.create(6, 3, rng=0)])
            small_trainer(network, train_size=n, epochs=5, sampling="epoch").train()
            variances.append(network.layers["BatchNorm1"].running_var)
        np.testing.assert_allclose(*variances, rtol=0.2)

    def test_augmented_batches_are_what_is_learned(self):
        trainer = small_trainer(augment=lambda x, rng: np.full_like(x, 1 + rng.random()))
        before = trainer.network.params["W1"].copy()
        trainer.train_step()
        moved = trainer.network.params["W1"] - before
        np.testing.assert_allclose(moved, moved[:1].repeat(6, axis=0), atol=1e-6)
        assert abs(moved).max() > 1e-4

    def test_training_data_are_left_alone(self):
        trainer = small_trainer(augment=lambda x, rng: np.negative(x, out=x))
        trainer.train()
        np.testing.assert_array_equal(trainer.x_train, X)
        np.testing.assert_array_equal(trainer.t_train, T)


class Readers:
    """A network that a reader wrote: y = x W and the mean squared error."""

    def __init__(self):
        self.params, self.layers = {"W": np.zeros((6, 3))}, [Dropout(0.5)]

    def error(self, x, t):
        return x @ self.params["W"] - np.eye(3)[t]

    def loss(self, x, t):
        return (self.error(x, t) ** 2).mean()

    def gradient(self, x, t):
        return {"W": 2 * x.T @ self.error(x, t) / (3 * len(x))}

    def accuracy(self, x, t):
        return ((x @ self.params["W"]).argmax(axis=1) == t).mean()


class TestLoss:
    def test_there_is_no_second_forward_pass(self):
        network, calls = net(), []
        forward = network.layers["Affine1"].forward
        network.layers["Affine1"].forward = lambda *args: calls.append(1) or forward(*args)
        trainer = small_trainer(network)
        for _ in range(3):
            trainer.train_step()
        assert len(calls) == 3

    def test_a_readers_network_is_asked_for_its_loss(self):
        history = small_trainer(Readers(), epochs=20, optimizer_param={"lr": 0.5}).train()
        assert history.train_loss[0] == pytest.approx(1 / 3)
        assert history.train_loss[-1] < 0.2
        assert history.test_acc[-1] > 0.75
        assert {type(loss) for loss in history.train_loss} == {float}
        rng = np.random.default_rng(0)
        assert small_trainer(Readers(), rng=rng).network.layers[0].rng is rng

    def test_a_subclass_that_does_not_keep_its_loss_is_asked_too(self):
        class Own(TwoLayerNet):
            def gradient(self, x, t):
                self.loss(x, t, train_flg=True)
                self.layers["Affine2"].backward(self.last_layer.backward())
                return {key: np.zeros_like(param) for key, param in self.params.items()}

        network = Own(6, 5, 3, rng=0)
        network.last_loss = 99.0
        trainer = small_trainer(network)
        trainer.train_step()
        assert trainer.train_loss_list[0] == pytest.approx(np.log(3), abs=1e-3)


class TestSchedulesAndClipping:
    def test_the_rate_follows_the_schedule_by_fractions_of_an_epoch(self):
        history = small_trainer(schedule=lambda epoch, epochs: (1 + epoch) / epochs).train()
        np.testing.assert_allclose(history.lr, 0.01 * (1 + np.arange(12) / 4) / 3)

    def test_the_rate_that_is_recorded_is_the_one_that_was_used(self):
        trainer = small_trainer(schedule=StepDecay(1, 0.0))
        trainer.train()
        assert_same_params(trainer.network, trained_by_hand(4, 0.01)[0])
        assert trainer.history.lr == [0.01] * 4 + [0.0] * 8

    def test_without_a_schedule_the_rate_may_be_changed_by_hand(self):
        def lower(trainer):
            trainer.optimizer.lr /= 10

        lr = small_trainer(callbacks=[lower]).train().lr
        assert lr == [0.01] * 4 + [0.001] * 4 + [0.0001] * 4

    def test_gradients_are_clipped_before_the_update(self):
        seen = []

        class Recorder(SGD):
            def update(self, params, grads):
                seen.append({key: grad.copy() for key, grad in grads.items()})
                super().update(params, grads)

        trainer = small_trainer(optimizer=Recorder(0.01), max_norm=0.05)
        trainer.train()
        norms = [np.sqrt(sum((g**2).sum() for g in grads.values())) for grads in seen]
        np.testing.assert_allclose(norms, 0.05, rtol=1e-4)
        layers = trainer.network.layers
        grads = {key: getattr(layers[f"Affine{key[1]}"], f"d{key[0]}") for key in seen[-1]}
        np.testing.assert_allclose(clip_by_norm(grads, 0.05)["W1"], seen[-1]["W1"], rtol=1e-5)
        assert abs(grads["W1"]).max() > 2 * abs(seen[-1]["W1"]).max()  # the layers' own stay


class TestEarlyStopping:
    def trainer(self, accuracies, **changes):
        """Return a trainer whose test accuracies are these, epoch by epoch."""
        network = Network([BatchNorm.create(6), Affine(np.zeros((6, 3)), np.zeros(3))])
        given = iter([a for accuracy in accuracies for a in (0.5, accuracy)])
        network.accuracy = lambda x, t: next(given)
        return small_trainer(network, epochs=len(accuracies), **changes)

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

    @pytest.mark.parametrize(("patience", "kept"), [(3, 1), (None, 3)])
    def test_the_best_is_restored_at_the_last_epoch_too_but_only_with_patience(
        self, patience, kept
    ):
        shorter = self.trainer([0] * kept)
        trainer = self.trainer([0.9, 0.5, 0.6], patience=patience)
        assert trainer.train().stopped == ""
        assert trainer.current_epoch == 3
        shorter.train()
        assert_same_params(trainer.network, shorter.network)

    def test_after_a_resume_the_best_is_still_known(self, tmp_path):
        first = self.trainer([0.9, 0.5], patience=3, checkpoints=tmp_path)
        for _ in range(8):
            first.train_step()
        second = self.trainer([0.5, 0.6, 0.7], patience=3, checkpoints=tmp_path)
        second.resume()
        second.train()
        shorter = self.trainer([0.9])
        shorter.train()
        assert_same_params(second.network, shorter.network)
        assert second.history.test_acc[:2] == [0.9, 0.5]

    def test_it_may_look_at_the_loss(self, tmp_path):
        losses = iter([3.0, 2.0, 2.0, 2.5, 1.0])
        changes = {"patience": 2, "monitor": "loss", "checkpoints": tmp_path}
        trainer = self.trainer([0.5, 0.6, 0.7, 0.8, 0.9], **changes)
        trainer.network.loss = lambda x, t: next(losses) if len(t) == len(T_TEST) else 9.0
        history = trainer.train()
        assert history.test_loss == [3, 2, 2, 2.5]
        assert (history.best_epoch, history.monitor) == (2, "loss")
        assert history.stopped == "test loss has not fallen for 2 epochs"
        assert len(load_arrays(tmp_path / "best.npz")["history/seconds"]) == 2
        resumed = self.trainer([0.5, 0.6, 0.7, 0.8, 0.9], **changes)
        assert resumed.resume()
        assert (resumed.history.best_epoch, resumed.history.monitor) == (2, "loss")


class TestRegression:
    def test_it_has_losses_in_the_place_of_accuracies(self):
        trainer = regression(epochs=20, optimizer_param={"lr": 0.1})
        history = trainer.train()
        assert history.train_acc == history.test_acc == []
        assert len(history.epoch_loss) == len(history.test_loss) == len(history.seconds) == 20
        for curve, x, t in (
            (history.epoch_loss, trainer.x_train, trainer.t_train),
            (history.test_loss, trainer.x_test, trainer.t_test),
        ):
            assert curve[-1] == pytest.approx(trainer.network.loss(x, t), rel=1e-5)
            assert curve[-1] < curve[0] / 100

    def test_patience_looks_at_the_loss_and_the_best_weights_come_back(self):
        def spoil(trainer):
            if trainer.current_epoch >= 3:
                trainer.network.params["W1"][...] += 1  # the next epoch begins here

        trainer = regression(epochs=9, patience=2, optimizer_param={"lr": 0.1}, callbacks=[spoil])
        history = trainer.train()
        assert history.best_epoch == int(np.argmin(history.test_loss)) + 1 == 3
        assert history.stopped == "test loss has not fallen for 2 epochs"
        loss = trainer.network.loss(trainer.x_test, trainer.t_test)
        assert loss == pytest.approx(min(history.test_loss), rel=1e-5)

    @pytest.mark.parametrize("has_accuracy", [True, False])
    def test_a_readers_network_needs_no_accuracy(self, has_accuracy):
        class Own(Readers):
            def error(self, x, t):
                return x @ self.params["W"] - t

        if not has_accuracy:
            Own.accuracy = None
        own = Own()
        own.params["W"] = np.zeros((6, 2))
        history = regression(own).train() if not has_accuracy else small_trainer(Readers()).train()
        assert len(history.test_loss) == len(history.epoch_loss) == 3
        assert len(history.test_acc) == (3 if has_accuracy else 0)

    def test_resume_gives_the_same_numbers(self, tmp_path):
        options = {"patience": 9, "metrics": {"mean error": mean_error}, "checkpoints": tmp_path}
        whole = regression(patience=9, metrics={"mean error": mean_error}).train()
        first = regression(**options)
        for _ in range(6):
            first.train_step()
        second = regression(**options)
        assert second.resume()
        second.train()
        whole.seconds = second.history.seconds
        assert second.history == whole


class TestMetrics:
    def test_they_get_the_scores_and_the_labels(self):
        seen = []

        def most(y, t):
            seen.append((y, t))
            return np.float32(y.max())

        network = net()
        network.block_size = 16
        trainer = small_trainer(network, epochs=1, metrics={"most": most, "mean": lambda y, t: 1})
        history = trainer.train()
        for (y, t), x, labels in zip(seen, (X, X_TEST), (T, T_TEST), strict=True):
            np.testing.assert_allclose(y, network.predict(x), rtol=1e-5)
            np.testing.assert_array_equal(t, labels)
        assert history.train_metrics == {"most": [float(seen[0][0].max())], "mean": [1.0]}
        assert history.test_metrics == {"most": [float(seen[1][0].max())], "mean": [1.0]}
        assert type(history.test_metrics["most"][0]) is float

    def test_only_the_first_samples_count(self):
        lengths = []
        small_trainer(
            epochs=1, evaluate_sample_num_per_epoch=7,
            metrics={"n": lambda y, t: lengths.append((len(y), len(t))) or 0},
        ).train()  # fmt: skip
        assert lengths == [(7, 7), (7, 7)]

    def test_one_that_returns_no_number_is_named(self):
        trainer = small_trainer(metrics={"f1": lambda y, t: None})
        with pytest.raises(TypeError, match=r"metrics\['f1'\] must return a number, got None"):
            trainer.train()

    def test_resume_takes_other_metrics(self, tmp_path):
        def trainer(**metrics):
            return small_trainer(metrics=metrics, checkpoints=tmp_path)

        first = trainer(same=lambda y, t: 1, gone=lambda y, t: 2)
        for _ in range(4):
            first.train_step()
        second = trainer(same=lambda y, t: 3, new=lambda y, t: 4)
        second.resume()
        history = second.train()
        assert history.test_metrics["same"] == [1, 3, 3]
        np.testing.assert_array_equal(history.test_metrics["new"], [np.nan, 4, 4])
        assert history.train_metrics.keys() == {"same", "new"}


class TestCallbacks:
    def test_they_are_called_in_order_after_each_evaluation(self):
        seen = []
        first = lambda trainer: seen.append(len(trainer.test_acc_list))  # noqa: E731
        second = lambda trainer: seen.append(-trainer.current_epoch)  # noqa: E731
        small_trainer(callbacks=[first, second]).train()
        assert seen == [1, -1, 2, -2, 3, -3]

    def test_one_may_end_the_training(self):
        trainer = small_trainer(callbacks=[lambda trainer: trainer.stop("enough")])
        history = trainer.train()
        assert trainer.current_epoch == 1
        assert history.stopped == "enough"
        trainer.train()
        assert trainer.current_epoch == 1


def test_the_time_between_two_parts_of_a_training_does_not_count(monkeypatch, tmp_path):
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)

    def tick(x, rng):
        clock.now += 1  # each iteration takes a second
        return x

    monkeypatch.setattr("dlbasics.trainer.time", clock)
    stopped = small_trainer(
        augment=tick, callbacks=[lambda it: it.stop("enough")], checkpoints=tmp_path
    )
    stopped.train()
    clock.now += 500
    stopped.history.stopped = ""
    assert stopped.train().seconds == [4, 8]
    clock.now += 500
    resumed = small_trainer(augment=tick)
    resumed.resume(stopped.folder.newest())
    resumed.history.stopped = ""
    assert resumed.train().seconds == [4, 8, 12]


def test_trainings_in_threads_give_the_same_numbers_as_one_after_the_other(tmp_path):
    def train(seed, folder=None):
        layers = [Affine.create(6, 40, rng=seed), BatchNorm.create(40), Dropout(0.3)]
        network = Network([*layers, Affine.create(40, 3, rng=seed)], rng=seed)
        options = {"optimizer": Adam(), "sampling": "epoch", "patience": 5, "epochs": 10}
        trainer = small_trainer(network, rng=seed, checkpoints=folder, **options)
        history = trainer.train()
        return [history.train_loss, history.test_acc, network.params["W2"].tolist()]

    seeds = range(8)
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(train, seeds, [tmp_path / str(seed) for seed in seeds])]
    assert found == [train(seed) for seed in seeds]


def test_the_trainer_learns_mnist_as_the_book_says(mnist):
    data = mnist.x_train, mnist.t_train, mnist.x_test, mnist.t_test
    options = {"evaluate_sample_num_per_epoch": 2000, "verbose": False, "rng": 0}
    network, rate = TwoLayerNet(784, 50, 10, rng=0), {"lr": 0.1}
    history = Trainer(network, *data, epochs=4, optimizer_param=rate, **options).train()
    assert isinstance(history, History)
    assert history.test_acc[-1] > 0.9
    assert history.train_loss[0] == pytest.approx(np.log(10), abs=0.05)
