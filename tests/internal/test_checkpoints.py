"""Checkpoints: a training that was killed ends as one that was not."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dlbasics import Affine, Dropout, Momentum, Network, Relu, TwoLayerNet
from dlbasics._internal.checkpoints import CheckpointFolder, states_of
from dlbasics.schedules import CosineDecay, StepDecay, Warmup
from dlbasics.storage import load_arrays, save_arrays
from dlbasics.trainer import Trainer
from tests.internal.killed_training import final_arrays, trainer

SCRIPT = Path(__file__).with_name("killed_training.py")


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        assert found[key].dtype == array.dtype, key
        np.testing.assert_array_equal(found[key], array, err_msg=key)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    running = trainer(tmp_path_factory.mktemp("undisturbed"))
    running.train()
    return final_arrays(running)


def start(folder, final):
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), str(final)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=SCRIPT.parent.parent,
    )
    assert process.stdout.readline() == "training\n"
    return process


def train_with_kills(kills, tmp_path, undisturbed):
    chance = random.Random(kills)
    folder, final = tmp_path / "checkpoints", tmp_path / "final.npz"
    killed = 0
    while killed < kills:
        process = start(folder, final)
        time.sleep(chance.uniform(0, 0.06))
        process.kill()
        process.communicate()
        if process.returncode == 0:  # it was faster
            for path in [*folder.iterdir(), final]:
                path.unlink()
        else:
            killed += 1
    process = start(folder, final)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert_same(load_arrays(final), undisturbed)
    left = sorted(path.name for path in folder.iterdir())
    assert len(left) == 3
    assert left[0] == "best.npz"


def test_killed_and_resumed_a_training_ends_as_if_it_had_not_been(tmp_path, undisturbed):
    train_with_kills(5, tmp_path, undisturbed)


@pytest.mark.slow
def test_50_random_kills_make_no_difference(tmp_path, undisturbed):
    train_with_kills(50, tmp_path, undisturbed)


def small_data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 6), dtype=np.float32)
    return x, x[:, :3].argmax(axis=1)


def small(folder=None, **changes):
    count = changes.pop("train", 40)
    x, t = (array[:count] for array in small_data())
    arguments = {"epochs": 3, "mini_batch_size": 16, "optimizer": Momentum(0.1), "rng": 5}
    network = changes.pop("network", None) or TwoLayerNet(6, 5, 3, 0.5, rng=0)
    return Trainer(
        network, x, t, x, t, verbose=False, checkpoints=folder, **{**arguments, **changes}
    )


class Plain:
    """A schedule whose repr tells where it is in memory."""

    def __call__(self, epoch, epochs):
        return 1.0


class TestResume:
    @pytest.mark.parametrize("sampling", ["epoch", "replacement"])
    @pytest.mark.parametrize("iteration", range(1, 9))
    def test_from_every_iteration_the_rest_is_the_same(self, tmp_path, sampling, iteration):
        arguments = {"sampling": sampling, "schedule": CosineDecay()}
        whole = small(tmp_path / "whole", **arguments)
        whole.train()
        first = small(tmp_path / "parts", checkpoint_every=1, **arguments)
        for _ in range(iteration):
            first.train_step()
        second = small(tmp_path / "parts", **arguments)
        assert second.resume()
        assert second.current_iter == iteration
        second.train()
        assert_same(final_arrays(second), final_arrays(whole))

    def test_more_epochs_go_on_where_the_first_ones_ended(self, tmp_path):
        small(tmp_path / "a", epochs=2).train()
        longer = small(tmp_path / "a", epochs=3)
        longer.resume()
        longer.train()
        whole = small(tmp_path / "b")
        whole.train()
        assert_same(final_arrays(longer), final_arrays(whole))

    def test_generators_that_are_one_stay_one(self, tmp_path):
        def shared(folder):
            rng = np.random.default_rng(3)
            layers = [Affine.create(6, 5, rng=rng), Relu(), Dropout(0.5), Affine.create(5, 3)]
            layers[3].W = layers[3].W * 0 + 0.1
            return small(folder, network=Network(layers, rng=rng), rng=rng)

        whole, first = shared(tmp_path / "a"), shared(tmp_path / "b")
        whole.train()
        for _ in range(3):
            first.train_step()
        second = shared(tmp_path / "b")
        second.resume()
        second.train()
        assert_same(final_arrays(second), final_arrays(whole))

    @pytest.mark.parametrize("kind", ["PCG64DXSM", "MT19937", "Philox", "SFC64"])
    def test_any_generator_comes_back(self, tmp_path, kind):
        def made(folder):
            return small(folder, rng=np.random.Generator(getattr(np.random, kind)(1)))

        whole, first, second = made(tmp_path / "a"), made(tmp_path / "b"), made(tmp_path / "b")
        whole.train()
        for _ in range(3):
            first.train_step()
        second.resume()
        second.train()
        assert_same(final_arrays(second), final_arrays(whole))

    def test_a_readers_network_comes_back_with_its_arrays_in_place(self, tmp_path):
        def made(folder):
            return small(folder, network=Readers(), rng=7)

        whole, first, second = made(tmp_path / "a"), made(tmp_path / "b"), made(tmp_path / "b")
        whole.train()
        for _ in range(3):
            first.train_step()
        second.resume()
        assert second.network.params["W1"] is second.network.layers["first"].W
        second.train()
        assert_same(final_arrays(second), final_arrays(whole))

    def test_the_rate_that_a_schedule_lowers_comes_back_too(self, tmp_path):
        whole = small(tmp_path / "a", schedule=CosineDecay())
        whole.train()
        first = small(tmp_path / "b", schedule=CosineDecay())
        for _ in range(3):
            first.train_step()
        second = small(tmp_path / "b", schedule=CosineDecay(), optimizer=Momentum(7.0))
        second.resume()
        second.train()
        assert second.history.lr == whole.history.lr

    def test_seconds_add_up(self, tmp_path):
        first = small(tmp_path, epochs=1)
        first.train()
        second = small(tmp_path, epochs=2)
        second.resume()
        second.train()
        before, after = second.history.seconds
        assert first.history.seconds == [before]
        assert 0 < before < after < before + 30

    def test_there_is_nothing_in_an_empty_folder(self, tmp_path):
        running = small(tmp_path / "new" / "folder")
        assert not running.resume()
        assert running.current_iter == 0

    def test_from_a_file_without_a_folder(self, tmp_path):
        first = small(tmp_path)
        first.train()
        second = small()
        assert second.resume(tmp_path / "best.npz")
        assert second.current_iter == 3 * first.history.best_epoch

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"mini_batch_size": 8}, "mini_batch_size must be 8, got 16"),
            ({"patience": 2}, "patience must be 2, got None"),
            ({"train": 39}, "train_size must be 39, got 40"),
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
        self, tmp_path, changes, message
    ):
        small(tmp_path).train()
        other = small(tmp_path, **changes)
        before = final_arrays(other)
        state = states_of([other.rng])
        with pytest.raises(ValueError, match=message):
            other.resume()
        assert_same(final_arrays(other), before)
        assert states_of([other.rng]) == state
        assert other.current_iter == 0

    def test_a_setting_that_an_older_file_lacks_is_not_compared(self, tmp_path):
        first = small(tmp_path)
        first.train()
        arrays = load_arrays(first.folder.newest())
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

    def test_a_new_training_does_not_mix_with_an_old_one(self, tmp_path):
        small(tmp_path).train()
        with pytest.raises(ValueError, match="a folder without any"):
            small(tmp_path).train()

    def test_nor_with_one_whose_checkpoints_are_gone(self, tmp_path):
        small(tmp_path / "a").train()
        for path in (tmp_path / "a").glob("checkpoint-*"):
            path.unlink()
        with pytest.raises(ValueError, match="a folder without any"):
            small(tmp_path / "a").train()

    def test_nor_does_one_that_comes_from_another_folder(self, tmp_path):
        small(tmp_path / "a", epochs=1).train()
        small(tmp_path / "b").train()
        other = small(tmp_path / "b")
        other.resume(tmp_path / "a" / "best.npz")
        with pytest.raises(ValueError, match="a folder without any"):
            other.train()

    def test_best_is_the_best(self, tmp_path):
        running = small(tmp_path)
        accuracies = iter([0.5, 0.4, 0.5, 0.9, 0.5, 0.6])
        running.network.accuracy = lambda x, t: next(accuracies)
        at_epoch = []
        running.callbacks = (lambda trainer: at_epoch.append(final_arrays(trainer)["params/W1"]),)
        running.train()
        best = load_arrays(tmp_path / "best.npz")
        np.testing.assert_array_equal(best["network/params/W1"], at_epoch[1])
        assert not np.array_equal(at_epoch[1], at_epoch[2])

    @pytest.mark.parametrize("schedule", [lambda: Warmup(1, lambda epoch, epochs: 1.0), Plain])
    def test_schedules_without_a_name_come_back(self, tmp_path, schedule):
        small(tmp_path, schedule=schedule(), epochs=1).train()
        assert small(tmp_path, schedule=schedule()).resume()

    def test_an_optimizer_without_a_state_to_store_is_refused_at_once(self, tmp_path):
        class Readers:
            def update(self, params, grads): ...

        small(optimizer=Readers())
        with pytest.raises(TypeError, match="state_dict"):
            small(tmp_path, optimizer=Readers())


class Readers:
    """A network as a reader types it, with layers of ours."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.params = {"W1": rng.standard_normal((6, 3)), "b1": np.zeros(3)}
        self.layers = {
            "dropout": Dropout(0.3),
            "first": Affine(self.params["W1"], self.params["b1"]),
        }

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


class TestFolder:
    def written(self, folder):
        return sorted(path.name for path in folder.iterdir())

    def test_the_last_few_and_the_best_are_kept(self, tmp_path):
        folder = CheckpointFolder(tmp_path, keep=2)
        for iteration in (1, 2, 10, 3000):
            folder.save({"a": np.array(iteration)}, iteration, is_best=iteration == 2)
        assert self.written(tmp_path) == [
            "best.npz",
            "checkpoint-00000010.npz",
            "checkpoint-00003000.npz",
        ]
        assert load_arrays(folder.best)["a"] == 2
        assert load_arrays(folder.newest())["a"] == 3000

    def test_numbers_longer_than_eight_digits_are_newer(self, tmp_path):
        folder = CheckpointFolder(tmp_path, keep=2)
        for iteration in (99_999_998, 99_999_999, 100_000_000):
            folder.save({}, iteration, is_best=False)
        assert self.written(tmp_path) == ["checkpoint-100000000.npz", "checkpoint-99999999.npz"]
        assert folder.newest().name == "checkpoint-100000000.npz"

    def test_a_training_that_was_taken_back_loses_what_came_after(self, tmp_path):
        folder = CheckpointFolder(tmp_path, keep=2)
        for iteration in (10, 20, 15):
            folder.save({}, iteration, is_best=False)
        assert self.written(tmp_path) == ["checkpoint-00000010.npz", "checkpoint-00000015.npz"]

    def test_other_files_are_left_alone_but_for_parts(self, tmp_path):
        (tmp_path / "notes.txt").write_text("keep")
        (tmp_path / "checkpoint-x.npz").write_text("keep")
        (tmp_path / ".best.npz.0123456789abcdef.part").write_text("half")
        folder = CheckpointFolder(tmp_path, keep=1)
        folder.remove_parts()
        folder.save({}, 1, is_best=False)
        assert self.written(tmp_path) == [
            "checkpoint-00000001.npz",
            "checkpoint-x.npz",
            "notes.txt",
        ]
