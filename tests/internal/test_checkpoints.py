"""Checkpoints: a training that was resumed ends as one in one go; other files are refused."""

import json
import random
import threading

import numpy as np
import pytest

from dlbasics import Affine, Dropout, Momentum, Network, Relu, TwoLayerNet
from dlbasics._internal.checkpoints import checkpoint_of
from dlbasics.schedules import CosineDecay, StepDecay, Warmup
from dlbasics.storage import load_arrays, save_arrays
from tests.helpers import small_trainer
from tests.internal.killed_training import assert_same, final_arrays, noisy, trainer


def everything(it):
    """All that `resume` changes, as arrays."""
    return checkpoint_of(it) | {"trainer/seconds": np.array(it._seconds_before)}


def small(folder=None, **changes):
    network = changes.pop("network", None)
    return small_trainer(network, **{"optimizer": Momentum(0.1), "checkpoints": folder, **changes})


class Readers:
    """A network as a reader types it, with layers of ours."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.params = {"W1": rng.standard_normal((6, 3)), "b1": np.zeros(3)}
        first = Affine(self.params["W1"], self.params["b1"])
        self.layers = {"dropout": Dropout(0.3), "first": first}

    def predict(self, x, train_flg=False):
        for layer in self.layers.values():
            x = layer.forward(x, train_flg)
        return x

    def loss(self, x, t):
        return float(((self.predict(x) - np.eye(3)[t]) ** 2).mean())

    def gradient(self, x, t):
        dout = 2 * (self.predict(x, train_flg=True) - np.eye(3)[t]) / (3 * len(x))
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        return {"W1": self.layers["first"].dW, "b1": self.layers["first"].db}

    def accuracy(self, x, t):
        return float((self.predict(x).argmax(axis=1) == t).mean())


def one_generator():
    """A network and a trainer that share a generator."""
    rng = np.random.default_rng(3)
    layers = [Affine.create(6, 5, rng=rng), Relu(), Dropout(0.5), Affine.create(5, 3, rng=0)]
    return {"network": Network(layers, rng=rng), "rng": rng}


FRESH = {
    "generators of their own": lambda: {
        "network": Network([Affine.create(6, 3, rng=0), Dropout(0.5, rng=2)])
    },
    "one generator for all": one_generator,
    "a reader's network": lambda: {"network": Readers(), "rng": 7},
}
for kind in ("PCG64DXSM", "MT19937", "Philox", "SFC64"):
    bits = getattr(np.random, kind)
    FRESH[kind] = lambda bits=bits: {"rng": np.random.Generator(bits(1))}


def check_resumed_after(iteration, folder, fresh, **changes):
    """Compare a training that goes on in another trainer, of another rate, with one in one go."""
    whole = small(**fresh(), **changes)
    first = small(folder, checkpoint_every=1, **fresh(), **changes)
    second = small(folder, optimizer=Momentum(7.0), **fresh(), **changes)
    whole.train()
    for _ in range(iteration):
        first.train_step()
    W = second.network.params["W1"]
    assert second.resume()
    assert second.current_iter == iteration
    assert second.network.params["W1"] is W
    second.train()
    assert_same(final_arrays(second), final_arrays(whole))


class Plain:
    """A schedule whose repr tells where it is in memory."""

    def __call__(self, epoch, epochs):
        return 1.0


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a training that is over."""
    folder = tmp_path_factory.mktemp("finished")
    small(folder).train()
    return folder


class TestResume:
    @pytest.mark.parametrize("sampling", ["epoch", "replacement"])
    @pytest.mark.parametrize("iteration", range(1, 9))
    def test_from_every_iteration_the_rest_is_the_same(self, tmp_path, sampling, iteration):
        check_resumed_after(iteration, tmp_path, dict, sampling=sampling, schedule=CosineDecay())

    @pytest.mark.parametrize("fresh", FRESH.values(), ids=FRESH)
    def test_generators_and_networks_of_any_kind_come_back(self, tmp_path, fresh):
        check_resumed_after(3, tmp_path, fresh)

    def test_more_epochs_go_on_where_the_first_ones_ended(self, tmp_path):
        small(tmp_path, epochs=2).train()
        longer, whole = small(tmp_path, epochs=3), small(epochs=3)
        longer.resume()
        longer.train()
        whole.train()
        assert_same(final_arrays(longer), final_arrays(whole))

    def test_without_a_checkpoint_it_returns_false(self, tmp_path):
        running = small(tmp_path / "new" / "folder")
        (tmp_path / "new" / "folder" / ".best.npz.0123456789abcdef.part").write_text("half")
        assert not running.resume()
        assert running.current_iter == 0

    def test_from_a_file_without_a_folder(self, tmp_path):
        first = small(tmp_path)
        first.train()
        second = small()
        assert second.resume(tmp_path / "best.npz")
        assert second.current_iter == 4 * first.history.best_epoch

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"mini_batch_size": 8}, "mini_batch_size must be 8, got 16"),
            ({"patience": 2}, "patience must be 2, got None"),
            ({"train_size": 49}, "train_size must be 49, got 50"),
            ({"sampling": "epoch"}, "sampling must be epoch, got replacement"),
            ({"schedule": StepDecay(2)}, r"schedule must be StepDecay\(every=2"),
            ({"max_norm": 2}, "max_norm must be 2.0, got None"),
            ({"augment": noisy}, "augment must be noisy, got None"),
            ({"evaluate_sample_num_per_epoch": 9}, "evaluate_sample_num_per_epoch must be 9"),
            ({"optimizer": "SGD"}, "optimizer must be SGD, got Momentum"),
            ({"optimizer": Momentum(0.1, 0.8)}, "optimizer.momentum must be 0.8, got 0.9"),
            ({"network": TwoLayerNet(6, 4, 3)}, r"params/W1 must be float32 of shape \(6, 4\)"),
            ({"network": Network([Affine.create(6, 3)])}, "layer 2 must be None, got Relu"),
            ({"rng": np.random.Generator(np.random.SFC64(0))}, "must be .'SFC64'.* got .'PCG64'"),
        ],
    )
    def test_another_trainings_checkpoint_is_refused_and_changes_nothing(
        self, finished, tmp_path, changes, message
    ):
        other = small(tmp_path, **changes)
        other.train_step()
        before = everything(other)
        with pytest.raises(ValueError, match=f"no checkpoint of this training: .*{message}"):
            other.resume(finished / "best.npz")
        assert_same(everything(other), before)

    def test_a_setting_that_an_older_file_lacks_is_not_compared(self, finished, tmp_path):
        arrays = load_arrays(finished / "best.npz")
        settings = json.loads(str(arrays["trainer/settings"]))
        for name in ("patience", "sharded", "network", "optimizer", "data"):
            del settings[name]
        arrays["trainer/settings"] = np.array(json.dumps(settings))
        save_arrays(tmp_path / "older.npz", arrays)
        assert small(patience=2).resume(tmp_path / "older.npz")

    def test_other_files_are_refused(self, tmp_path):
        save_arrays(tmp_path / "params.npz", {"W1": np.ones(3)})
        with pytest.raises(ValueError, match="no checkpoint of this training"):
            small().resume(tmp_path / "params.npz")
        with pytest.raises(FileNotFoundError):
            small().resume(tmp_path / "missing.npz")
        with pytest.raises(ValueError, match="needs a path"):
            small().resume()

    @pytest.mark.parametrize("schedule", [lambda: Warmup(1, lambda epoch, epochs: 1.0), Plain])
    def test_schedules_without_a_name_come_back(self, tmp_path, schedule):
        small(tmp_path, schedule=schedule(), epochs=1).train()
        assert small(tmp_path, schedule=schedule()).resume()

    def test_the_learning_rate_may_change_in_the_training(self, tmp_path):
        halve = lambda it: setattr(it.optimizer, "lr", it.optimizer.lr / 2)  # noqa: E731
        check_resumed_after(5, tmp_path, dict, callbacks=[halve])


class HaltError(Exception):
    """It comes in the middle of an iteration."""


def test_an_iteration_that_an_error_cut_short_does_not_count(tmp_path):
    """The loss of such an iteration was kept, so that the history was one longer."""
    running = small(tmp_path)
    update = running.optimizer.update

    def fail_once(params, grads):
        running.optimizer.update = update
        raise HaltError

    running.train_step()
    running.optimizer.update = fail_once
    with pytest.raises(HaltError):
        running.train_step()
    running.train()
    assert len(running.train_loss_list) == running.current_iter == 12
    assert small(tmp_path).resume()


@pytest.fixture(scope="module")
def halfway(tmp_path_factory):
    """The arrays of a checkpoint in the middle of an epoch, of a training with every state."""
    folder = tmp_path_factory.mktemp("halfway")
    running = trainer(5, folder)
    for _ in range(22):
        running.train_step()
    return load_arrays(folder / "checkpoint-00000022.npz")


def with_settings(arrays, **changes):
    settings = json.loads(str(arrays["trainer/settings"])) | changes
    return np.array(json.dumps(settings))


def with_generator(arrays, **changes):
    first, *others = arrays["trainer/generators"].tolist()
    return np.array([json.dumps(json.loads(first) | changes), *others])


def elsewhere(array, value):
    """The array with another value at its first place."""
    changed = array.copy()
    changed.flat[0] = value
    return changed


MOMENTS = ("optimizer/m", "optimizer/v")

DAMAGE = {
    "iteration is negative": lambda a: {"trainer/iteration": np.array(-5)},
    "iteration too large": lambda a: {"trainer/iteration": np.array(23)},
    "iteration too small": lambda a: {"trainer/iteration": np.array(21)},
    "iteration is no integer": lambda a: {"trainer/iteration": np.array(22.0)},
    "iteration is a list": lambda a: {"trainer/iteration": np.array([22])},
    "epochs of another length": lambda a: {"trainer/iter_per_epoch": np.array(8)},
    "rate is negative": lambda a: {"trainer/lr": np.array(-1.0)},
    "rate is NaN": lambda a: {"trainer/lr": np.array(np.nan)},
    "seconds are infinite": lambda a: {"trainer/seconds": np.array(np.inf)},
    "order out of range": lambda a: {"trainer/order": elsewhere(a["trainer/order"], 130)},
    "order holds an index twice": lambda a: {
        "trainer/order": elsewhere(a["trainer/order"], a["trainer/order"][1])
    },
    "order is short": lambda a: {"trainer/order": a["trainer/order"][:-1]},
    "order of floats": lambda a: {"trainer/order": a["trainer/order"] * 1.0},
    "no order": lambda a: {"trainer/order": None},
    "settings are no JSON": lambda a: {"trainer/settings": np.array("{")},
    "settings are a list": lambda a: {"trainer/settings": np.array("[]")},
    "settings are too long": lambda a: {"trainer/settings": np.array(" " * 3_000_000 + "{}")},
    "settings are nested": lambda a: {"trainer/settings": np.array("[" * 100_000)},
    "other data": lambda a: {"trainer/settings": with_settings(a, data={"x_train": "other"})},
    "a generator less": lambda a: {"trainer/generators": a["trainer/generators"][:-1]},
    "generator is no JSON": lambda a: {"trainer/generators": np.array(["x", "y", "z"])},
    "generator without a state": lambda a: {"trainer/generators": with_generator(a, state={})},
    "generator out of range": lambda a: {"trainer/generators": with_generator(a, has_uint32=2)},
    "generator's state too large": lambda a: {
        "trainer/generators": with_generator(a, state={"state": 2**200, "inc": 1})
    },
    "a loss less": lambda a: {"history/train_loss": a["history/train_loss"][:-1]},
    "a rate less": lambda a: {"history/lr": a["history/lr"][:-1]},
    "an accuracy too many": lambda a: {
        f"history/{name}": np.ones(3) for name in ("train_acc", "test_acc", "seconds")
    },
    "a test loss less": lambda a: {"history/test_loss": a["history/test_loss"][:-1]},
    "no test loss": lambda a: {"history/test_loss": None},
    "no test accuracy": lambda a: {"history/test_acc": a["history/test_acc"][:0]},
    "a metric less": lambda a: {"history/test_metrics/mean error": np.ones(1)},
    "metrics of text": lambda a: {"history/train_metrics/mean error": np.array(["x", "y"])},
    "another monitor": lambda a: {"trainer/settings": with_settings(a, monitor="loss")},
    "losses of text": lambda a: {"history/train_loss": a["history/train_loss"].astype("U")},
    "unknown curve": lambda a: {"history/other": np.ones(2)},
    "weights of another shape": lambda a: {"network/params/W1": a["network/params/W1"].T},
    "weights of another dtype": lambda a: {"network/params/b1": np.zeros(16)},
    "weights that are NaN": lambda a: {
        "network/params/W1": elsewhere(a["network/params/W1"], np.nan)
    },
    "a parameter less": lambda a: {"network/params/W1": None},
    "best weights of another shape": lambda a: {"best/params/b2": np.zeros(4, np.float32)},
    "a best parameter less": lambda a: {"best/params/W1": None},
    "statistics of another shape": lambda a: {"network/states/running_mean1": np.zeros(1, "f")},
    "statistics of another dtype": lambda a: {"network/states/running_var1": np.ones(16)},
    "statistics of text": lambda a: {"network/states/running_var1": np.full(16, "1")},
    "half of the statistics": lambda a: {"network/states/running_var1": None},
    "negative variance": lambda a: {"network/states/running_var1": np.full(16, -1, "f")},
    "moments of another shape": lambda a: {"optimizer/m/W1": a["optimizer/m/W1"][:1]},
    "moments of another dtype": lambda a: {"optimizer/m/W1": a["optimizer/m/W1"] * np.ones(1)},
    "moments that are NaN": lambda a: {"optimizer/m/W1": elsewhere(a["optimizer/m/W1"], np.nan)},
    "negative squares": lambda a: {"optimizer/v/W1": -a["optimizer/v/W1"] - 1},
    "moments of one parameter less": lambda a: {"optimizer/m/W1": None, "optimizer/v/W1": None},
    "no moments": lambda a: {name: None for name in a if name[:11] in MOMENTS},
    "unknown group": lambda a: {"other/W1": np.ones(2)},
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_refused_with_a_value_error_that_names_the_file_and_changes_nothing(
    halfway, tmp_path, damage
):
    changed = {**halfway, **damage(halfway)}
    path = tmp_path / "damaged.npz"
    save_arrays(path, {name: array for name, array in changed.items() if array is not None})
    running = trainer(5)
    for _ in range(3):
        running.train_step()
    before = everything(running)
    with pytest.raises(ValueError, match=r"damaged\.npz is no checkpoint of this training: "):
        running.resume(path)
    assert_same(everything(running), before)


@pytest.mark.parametrize("name, position", [("MT19937", "pos"), ("Philox", "buffer_pos")])
def test_a_position_beyond_the_end_of_a_generators_numbers_is_refused(tmp_path, name, position):
    """NumPy takes it, and then reads beyond its array."""
    rng = np.random.Generator(getattr(np.random, name)(0))
    small(tmp_path, rng=rng).train()
    arrays = load_arrays(tmp_path / "best.npz")
    first, *others = [json.loads(text) for text in arrays["trainer/generators"]]
    (first if position in first else first["state"])[position] = 625
    arrays["trainer/generators"] = np.array([json.dumps(state) for state in [first, *others]])
    save_arrays(tmp_path / "beyond.npz", arrays)
    with pytest.raises(ValueError, match=f"a random generator must have a {position} in its"):
        small(rng=rng).resume(tmp_path / "beyond.npz")


def test_bytes_that_change_at_random_never_change_a_trainer_in_part(halfway, tmp_path):
    save_arrays(tmp_path / "whole.npz", halfway)
    whole = (tmp_path / "whole.npz").read_bytes()
    chance, path, running = random.Random(0), tmp_path / "damaged.npz", trainer(5)
    before, refused = everything(running), 0
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 10])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice([chance.randrange(len(whole)), None])])
        try:
            running.resume(path)
        except ValueError as error:
            assert str(path) in str(error)
            assert_same(everything(running), before)
            refused += 1
        else:  # the byte was one of no meaning, or the same as before
            found = everything(running) | {"trainer/seconds": halfway["trainer/seconds"]}
            assert_same(found, halfway)
            running = trainer(5)
            before = everything(running)
    assert refused > 50


class Fragile(Momentum):
    """An optimizer of a reader's that fails half way."""

    def load_state_dict(self, state):
        self.lr = 77.0
        raise KeyError("v")


def test_an_optimizer_that_fails_half_way_stays_as_it_was(tmp_path):
    small(tmp_path, optimizer=Fragile(0.1)).train()
    running = small(optimizer=Fragile(0.1))
    with pytest.raises(ValueError, match=r"best\.npz is no checkpoint of this training: 'v'"):
        running.resume(tmp_path / "best.npz")
    assert running.optimizer.lr == 0.1


class WithoutCopies(Momentum):
    """An optimizer of a reader's that cannot be copied."""

    def __init__(self, lr):
        super().__init__(lr)
        self.lock = threading.Lock()


def test_an_optimizer_that_cannot_be_copied_resumes(tmp_path):
    small(tmp_path, optimizer=WithoutCopies(0.1)).train()
    running = small(tmp_path, optimizer=WithoutCopies(0.1))
    assert running.resume()
    stored = load_arrays(running.folder.newest())
    np.testing.assert_array_equal(running.optimizer.v["W1"], stored["optimizer/v/W1"])
    before = everything(running)
    save_arrays(tmp_path / "other.npz", {**stored, "optimizer/kind": np.array("Adam")})
    with pytest.raises(
        ValueError, match=r"other\.npz is no checkpoint .* must be of WithoutCopies"
    ):
        running.resume(tmp_path / "other.npz")
    assert_same(everything(running), before)


def test_an_old_checkpoint_with_batches_of_one_is_refused_for_batch_normalization(
    halfway, tmp_path
):
    """Its epochs have 11 batches of 13 samples with a rest of one; they now have 10."""
    settings = json.loads(str(halfway["trainer/settings"]))
    older = {"train_size": 131, "mini_batch_size": 13}
    for name in ("network", "optimizer", "data", "augment"):
        del settings[name]
    arrays = {**halfway, "trainer/settings": np.array(json.dumps(settings | older))}
    del arrays["trainer/iter_per_epoch"]
    save_arrays(tmp_path / "old.npz", arrays)
    running = trainer(5, train_size=131, mini_batch_size=13)
    with pytest.raises(ValueError, match="batch of one sample, which batch normalization"):
        running.resume(tmp_path / "old.npz")


class TestDamagedFile:
    def test_the_checkpoint_before_the_newest_counts_and_a_warning_says_so(self, tmp_path):
        first = small(tmp_path)
        first.train()
        newest = first.folder.newest()
        newest.write_bytes(newest.read_bytes()[:500])
        second = small(tmp_path)
        with pytest.warns(UserWarning, match=r"00000012\.npz is damaged.* from .*00000008\.npz"):
            assert second.resume()
        assert second.current_iter == 8
        second.train()
        assert_same(final_arrays(second), final_arrays(first))
        assert small(tmp_path).resume()

    def test_the_best_one_counts_last(self, tmp_path):
        first = small(tmp_path)
        first.train()
        for path in tmp_path.glob("checkpoint-*"):
            path.write_bytes(b"")
        second = small(tmp_path)
        with pytest.warns(UserWarning, match=r"from .*best\.npz"):
            assert second.resume()
        (tmp_path / "best.npz").write_bytes(b"")
        with pytest.raises(ValueError, match=r"00000012\.npz must be an \.npz file"):
            second.resume()

    def test_a_file_of_another_training_is_not_passed_over(self, tmp_path):
        small(tmp_path).train()
        with pytest.raises(ValueError, match=r"00000012.*mini_batch_size must be 8"):
            small(tmp_path, mini_batch_size=8).resume()


def test_a_checkpoint_that_a_running_training_removes_is_not_missed(tmp_path, monkeypatch):
    first = small(tmp_path)
    for _ in range(4):
        first.train_step()

    def removed_at_first(path):
        monkeypatch.undo()
        while first.folder.newest() in seen:
            first.train_step()
        (tmp_path / "checkpoint-00000004.npz").unlink()
        return load_arrays(path)

    seen = first.folder.newest_first()
    monkeypatch.setattr("dlbasics._internal.checkpoints.load_arrays", removed_at_first)
    looking = small(tmp_path)
    assert looking.resume()
    assert looking.current_iter == 8
