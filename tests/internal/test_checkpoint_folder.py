"""The folder of checkpoints: it always resumes or starts, and only one training writes to it."""

import copy
import errno
import gc
import pickle
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from dlbasics import Momentum
from dlbasics._internal.checkpoint_folder import CheckpointFolder
from dlbasics._internal.files import locked
from dlbasics.storage import load_arrays
from tests.helpers import ROOT, small_trainer
from tests.internal.killed_training import (
    assert_same,
    before_each_file_operation,
    final_arrays,
    trainer,
)


def small(folder=None, **changes):
    return small_trainer(**{"optimizer": Momentum(0.1), "checkpoints": folder, **changes})


def pickled(trainer):
    return pickle.loads(pickle.dumps(trainer))  # noqa: S301 it is our own


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def start(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.internal.killed_training", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout.readline() in ("training\n", "")  # it may be killed before
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
    finish(start(epochs, final, folder))
    assert_same(load_arrays(final), final_arrays(undisturbed))
    assert len(names_in(folder)) == 3 and names_in(folder)[0] == "best.npz"


def finish(process):
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_between_any_two_file_operations_it_ends_as_if_undisturbed(tmp_path, step):
    undisturbed = trainer(2)
    undisturbed.train()
    for number in range(1, 45, step):
        folder, final = tmp_path / str(number), tmp_path / f"{number}.npz"
        killed = start(2, final, folder, number)
        killed.communicate()
        assert killed.returncode == -9
        finish(start(2, final, folder))
        assert_same(load_arrays(final), final_arrays(undisturbed))


class Killed(BaseException):
    """The process ends here: no code after it changes a file."""


def run_until_killed(running, number):
    """Train until the file operation of that number; return whether there was one."""
    count = iter(range(number))

    def die():
        if next(count, None) is None:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        before_each_file_operation(die, patch.setattr)
        try:
            running.resume()
            running.train()
        except Killed:
            return True
    return False


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a process that is killed closes no file
def test_wherever_a_training_is_killed_it_resumes_or_starts_anew(tmp_path):
    """Killed between best.npz and the first checkpoint, it did neither."""
    whole = small()
    whole.train()
    number, last = 0, ["checkpoint-00000009.npz", "checkpoint-00000012.npz"]
    while run_until_killed(small(tmp_path / str(number), checkpoint_every=3), number):
        gc.collect()  # the end of a process also closes its files
        again = small(tmp_path / str(number), checkpoint_every=3)
        again.resume()
        again.train()
        assert_same(final_arrays(again), final_arrays(whole))
        best, *numbered = names_in(tmp_path / str(number))
        assert best == "best.npz" and numbered[-2:] == last
        assert len(numbered) <= 3  # one that it was about to remove may be left
        number += 1
    assert number > 30


def test_wherever_the_disk_is_full_it_resumes_or_starts_anew_and_goes_on(tmp_path):
    def fail_at(number):
        count = iter(range(number))

        def fail():
            if next(count, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")

        return fail

    whole = small()
    whole.train()
    for number in range(1, 20):
        folder = tmp_path / str(number)
        running, again = small(folder), small(folder)
        with pytest.MonkeyPatch.context() as patch:
            before_each_file_operation(fail_at(number), patch.setattr)
            with pytest.raises(OSError, match="No space left"):
                running.train()
        stopped_at = running.current_iter
        again.resume()
        assert again.current_iter in (0, stopped_at - 4, stopped_at)
        running.train()
        assert_same(final_arrays(running), final_arrays(whole))


class TestTwoTrainings:
    def test_one_that_runs_keeps_others_out_and_others_may_look(self, tmp_path):
        def try_others(running):
            part = tmp_path / ".best.npz.0123456789abcdef.part"
            part.write_text("it is being written")
            with pytest.raises(BlockingIOError, match=r"another training writes .* to .*folder"):
                small(tmp_path).train()
            with pytest.raises(BlockingIOError, match="another training writes"):
                small(tmp_path).train_step()
            looking = small(tmp_path)
            assert looking.resume() == (running.current_epoch > 1)
            assert looking.current_iter in (0, running.current_iter - 4)
            assert part.exists()
            part.unlink()
            looked.append(looking)

        looked, whole = [], small()
        tmp_path = tmp_path / "folder"
        running = small(tmp_path, callbacks=[try_others])
        running.train()
        whole.train()
        assert len(looked) == 3
        assert_same(final_arrays(running), final_arrays(whole))
        with pytest.raises(
            ValueError, match=r"checkpoints of another training, .* call resume\(\)"
        ):
            looked[-1].train()

    def test_a_lock_of_another_process_counts_and_its_end_frees_the_folder(self, tmp_path):
        code = "from dlbasics._internal.files import locked; from pathlib import Path; import sys;"
        code += " file = locked(Path(sys.argv[1])); print('locked', flush=True); input()"
        holder = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / ".lock"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(BlockingIOError, match="another training writes"):
            small(tmp_path).train()
        holder.kill()
        holder.communicate()
        small(tmp_path).train()
        assert names_in(tmp_path) == [
            "best.npz",
            "checkpoint-00000008.npz",
            "checkpoint-00000012.npz",
        ]

    @pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
    def test_a_copy_of_a_training_that_runs_is_kept_out(self, tmp_path, copied):
        training = small(tmp_path)
        with training.folder.held(), pytest.raises(BlockingIOError, match="another training"):
            copied(training).train()

    def test_after_an_error_the_folder_is_free_in_the_same_process(self, tmp_path):
        def fail(running):
            raise KeyError("a callback failed")

        failed = small(tmp_path, callbacks=[fail], checkpoint_every=2)
        with pytest.raises(KeyError):
            failed.train()
        again = small(tmp_path)
        assert again.resume()
        again.train()
        assert again.current_iter == 12

    def test_loops_of_ones_own_do_not_mix_their_files(self, tmp_path):
        first, second = small(tmp_path), small(tmp_path)
        for _ in range(3):
            first.train_step()
            second.train_step()
        first.train_step()
        with pytest.raises(ValueError, match="a folder without any checkpoints"):
            second.train_step()

    def test_where_files_cannot_be_locked_they_do_not_mix_either(self, tmp_path, monkeypatch):
        monkeypatch.setattr("dlbasics._internal.checkpoint_folder.locked", lambda path: None)
        other = small(tmp_path)
        other.train_step()
        with pytest.raises(ValueError, match="a folder without any checkpoints"):
            small(tmp_path, callbacks=[lambda it: other.train()]).train()
        assert other.current_iter == 12


def test_a_lock_that_is_removed_frees_its_path(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    with folder.held(), folder.held():
        with pytest.raises(BlockingIOError):
            locked(tmp_path / ".lock")
    assert names_in(tmp_path) == []


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
        folder.claim()
        for iteration in iterations:
            folder.save({"a": np.array(iteration)}, iteration, is_best=iteration == iterations[1])
        kept = ["best.npz", *(f"checkpoint-{n}.npz" for n in left)]
        assert names_in(tmp_path) == sorted([*others, *kept])
        assert load_arrays(folder.best)["a"] == iterations[1]
        assert folder.newest().name == f"checkpoint-{left[-1]}.npz"
        assert load_arrays(folder.newest())["a"] == iterations[-1]
