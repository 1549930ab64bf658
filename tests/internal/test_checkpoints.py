"""Checkpoints: a training that was killed ends as one that was not."""

import json
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from dlbasics import Affine, Dropout, Momentum, Network, Relu, TwoLayerNet
from dlbasics._internal.checkpoint_folder import CheckpointFolder
from dlbasics._internal.checkpoints import states_of
from dlbasics.schedules import CosineDecay, StepDecay, Warmup
from dlbasics.storage import load_arrays, save_arrays
from tests.helpers import ROOT, small_trainer
from tests.internal.killed_training import final_arrays, trainer


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        assert found[key].dtype == array.dtype, key
        np.testing.assert_array_equal(found[key], array, err_msg=key)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def start(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.internal.killed_training", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout.readline() == "training\n"
    return process


@pytest.mark.long
@pytest.mark.parametrize("kills, epochs", [(3, 10), pytest.param(50, 40, marks=pytest.mark.slow)])
def test_killed_at_random_and_resumed_training_ends_as_if_undisturbed(tmp_path, kills, epochs):
    undisturbed = trainer(epochs)
    undisturbed.train()
    chance = random.Random(kills)
    folder, final = tmp_path / "checkpoints", tmp_path / "final.npz"
    killed = 0
    while killed < kills:
        process = start(epochs, final, folder)
        time.sleep(chance.uniform(0, 0.06))
        process.kill()
        process.communicate()
        if process.returncode == 0:  # it was faster
            for path in [*folder.iterdir(), final]:
                path.unlink()
        else:
            killed += 1
    process = start(epochs, final, folder)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert_same(load_arrays(final), final_arrays(undisturbed))
    assert len(names_in(folder)) == 3 and names_in(folder)[0] == "best.npz"


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

    def test_a_folder_without_a_whole_checkpoint_is_cleared_and_there_is_none(self, tmp_path):
        running = small(tmp_path / "new" / "folder")
        assert not running.resume()
        (tmp_path / "new" / "folder" / ".best.npz.0123456789abcdef.part").write_text("half")
        assert not running.resume()
        assert running.current_iter == 0
        assert names_in(tmp_path / "new" / "folder") == []

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
            ({"optimizer": "SGD"}, "state must be of SGD, got Momentum"),
            ({"network": TwoLayerNet(6, 4, 3)}, r"params/W1 must be float32 of shape \(6, 4\)"),
            ({"network": Network([Affine.create(6, 3)])}, "differ in .'params/W2'"),
            ({"rng": np.random.Generator(np.random.SFC64(0))}, "must be .'SFC64'.* got .'PCG64'"),
        ],
    )
    def test_another_trainings_checkpoint_is_refused_and_changes_nothing(
        self, finished, changes, message
    ):
        other = small(finished, **changes)
        before, state = final_arrays(other), states_of([other.rng])
        with pytest.raises(ValueError, match=message):
            other.resume()
        assert_same(final_arrays(other), before)
        assert states_of([other.rng]) == state
        assert other.current_iter == 0

    def test_a_setting_that_an_older_file_lacks_is_not_compared(self, finished, tmp_path):
        arrays = load_arrays(finished / "best.npz")
        settings = json.loads(str(arrays["trainer/settings"]))
        del settings["patience"], settings["sharded"]
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


class TestFolder:
    @pytest.mark.parametrize("gone", ["best.npz", "checkpoint-*"])
    def test_a_new_training_does_not_mix_with_what_is_left_of_an_old_one(self, tmp_path, gone):
        small(tmp_path).train()
        for path in tmp_path.glob(gone):
            path.unlink()
        with pytest.raises(ValueError, match="a folder without any"):
            small(tmp_path).train()
        small(tmp_path / "other", epochs=1).train()
        elsewhere = small(tmp_path)
        elsewhere.resume(tmp_path / "other" / "best.npz")
        with pytest.raises(ValueError, match="a folder without any"):
            elsewhere.train()

    def test_best_is_the_best(self, tmp_path):
        at_epoch = []
        note = lambda trainer: at_epoch.append(final_arrays(trainer)["params/W1"])  # noqa: E731
        running = small(tmp_path, callbacks=[note])
        accuracies = iter([0.5, 0.4, 0.5, 0.9, 0.5, 0.6])
        running.network.accuracy = lambda x, t: next(accuracies)
        running.train()
        best = load_arrays(tmp_path / "best.npz")
        np.testing.assert_array_equal(best["network/params/W1"], at_epoch[1])
        assert not np.array_equal(at_epoch[1], at_epoch[2])

    @pytest.mark.parametrize(
        ("iterations", "left"),
        [
            ((1, 2, 10, 3000), ["00000010", "00003000"]),
            ((99_999_998, 99_999_999, 100_000_000), ["99999999", "100000000"]),
            ((10, 20, 15), ["00000010", "00000015"]),  # it was resumed from the first
        ],
    )
    def test_the_last_few_the_best_and_other_files_are_kept(self, tmp_path, iterations, left):
        others = ["checkpoint-x.npz", "notes.txt"]
        for name in (*others, ".best.npz.0123456789abcdef.part"):
            (tmp_path / name).write_text("neither")
        folder = CheckpointFolder(tmp_path, keep=2)
        folder.remove_parts()
        for iteration in iterations:
            folder.save({"a": np.array(iteration)}, iteration, is_best=iteration == iterations[1])
        kept = ["best.npz", *(f"checkpoint-{n}.npz" for n in left)]
        assert names_in(tmp_path) == sorted([*others, *kept])
        assert load_arrays(folder.best)["a"] == iterations[1]
        assert folder.newest().name == f"checkpoint-{left[-1]}.npz"
        assert load_arrays(folder.newest())["a"] == iterations[-1]
