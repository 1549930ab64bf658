"""Training a network: batches, updates, evaluation, and all that happens beside."""

import inspect
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlbasics import optimizers
from dlbasics._internal.checkpoints import CheckpointFolder, as_states, flat, grouped, states_of
from dlbasics._internal.checks import Array, RngLike, as_count, as_number, as_rng
from dlbasics._internal.divergence import first_not_finite, not_finite_param
from dlbasics._internal.network_state import (
    arrays_of,
    check_fit,
    generators_of,
    layers_of,
    put_back,
)
from dlbasics.data import as_pair
from dlbasics.history import History
from dlbasics.network import Network
from dlbasics.optimizers import TINY, Optimizer, clip_by_norm
from dlbasics.schedules import Schedule
from dlbasics.storage import PathLike, load_arrays, without_addresses

__all__ = ["Trainer", "np"]

Callback = Callable[["Trainer"], Any]

INTERRUPTED = "interrupted"
BAR_SECONDS = 0.1


class Trainer:
    """Train a network (book, chapter 6, from *Overfitting* on), one `train_step` after another.

    network: ours, or any object with params, gradient(x, t), loss(x, t) and accuracy(x, t).
    x_train, t_train, x_test, t_test: batches of one length each.  Where training is to be chosen
        by its accuracy (`patience`, checkpoints), give validation data in place of test data.
    epochs: of ceil(N / mini_batch_size) iterations.
    optimizer: its name, in any case, with its arguments in `optimizer_param` (as in the book,
        {'lr': 0.01} unless given), or an optimizer.
    evaluate_sample_num_per_epoch: how many images of either kind are evaluated, from the first on;
        None: all.
    verbose: a line after each epoch, and a progress bar where there is a terminal.

    sampling: 'replacement' draws every batch from all samples, as the book does; 'epoch' takes each
        sample once an epoch, the last batch what is left.
    augment: f(x, rng), which changes each batch before it is used, for instance, with
        dlbasics.augmentation, `lambda x, rng: rotate(x, 15, rng)`.
    schedule: how the learning rate changes (dlbasics.schedules).
    max_norm: gradients that are longer than this, all together, are shortened (`clip_by_norm`).
    patience: stop when test accuracy has not risen for so many epochs; at the end of training,
        stopped or not, the best weights are restored.
    callbacks: functions f(trainer), called after the evaluation of each epoch; see `stop`.
    checkpoints: a folder, for `resume`.  Written after each epoch, and after every
        `checkpoint_every` iterations: network, optimizer, random generators, position, history.
        Kept are the last `keep`, and best.npz.  Of a reader's network that is its params, and
        statistics and generators of our layers in its `layers`; what callbacks, augment and the
        reader's own layers keep is not in there.
    rng: for batches and `augment`, and for layers of a reader's network that have none.

    Attributes: train_loss_list, by iteration, the loss of the pass that made the gradients;
    train_acc_list and test_acc_list, by epoch, at its end; history, these and more.
    """

    def __init__(
        self,
        network: Any,
        x_train: Array,
        t_train: Array,
        x_test: Array,
        t_test: Array,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: Any = "SGD",
        optimizer_param: Mapping[str, Any] | None = None,
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
        *,
        sampling: Literal["replacement", "epoch"] = "replacement",
        augment: Callable[[Array, np.random.Generator], Array] | None = None,
        schedule: Schedule | None = None,
        max_norm: float | None = None,
        patience: int | None = None,
        callbacks: Sequence[Callback] = (),
        checkpoints: PathLike | None = None,
        checkpoint_every: int | None = None,
        keep: int = 2,
        rng: RngLike = None,
    ) -> None:
        self.network = network
        self.x_train, self.t_train = as_pair(x_train, t_train, "x_train", "t_train")
        self.x_test, self.t_test = as_pair(x_test, t_test, "x_test", "t_test")
        self.epochs = as_count(epochs, "epochs")
        self.batch_size = as_count(mini_batch_size, "mini_batch_size")
        self.optimizer = _optimizer(optimizer, optimizer_param)
        self.evaluate_sample_num_per_epoch = _count_or_none(
            evaluate_sample_num_per_epoch, "evaluate_sample_num_per_epoch"
        )
        self.verbose = verbose
        if sampling not in ("replacement", "epoch"):
            raise ValueError(f"sampling must be 'replacement' or 'epoch', got {sampling!r}")
        self.sampling = sampling
        self.augment = augment
        if not (schedule is None or callable(schedule)) or inspect.isclass(schedule):
            raise TypeError(f"schedule must be one like CosineDecay() or None, got {schedule!r}")
        self.schedule = schedule
        self.max_norm = None if max_norm is None else as_number(max_norm, "max_norm", low=TINY)
        self.patience = _count_or_none(patience, "patience")
        if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
            raise TypeError(f"callbacks must be a list of functions, got {callbacks!r}")
        self.callbacks = tuple(callbacks)
        self.folder = None
        if checkpoints is not None:
            if not hasattr(self.optimizer, "state_dict"):
                raise TypeError(f"for checkpoints, optimizer needs state_dict(), got {optimizer!r}")
            self.folder = CheckpointFolder(checkpoints, as_count(keep, "keep"))
        self.checkpoint_every = _count_or_none(checkpoint_every, "checkpoint_every")
        if checkpoint_every is not None and checkpoints is None:
            raise ValueError("checkpoint_every needs checkpoints, a folder")
        self.rng = as_rng(rng)
        for top in layers_of(network).values():
            for layer in top.walk():
                layer.rng = layer.rng or self.rng

        self.train_size = len(self.x_train)
        self.iter_per_epoch = math.ceil(self.train_size / self.batch_size)
        self.current_iter = 0
        self.history = History()
        self._lr = getattr(self.optimizer, "lr", math.nan)
        self._order: Array | None = None
        self._best: dict[str, Array] = {}
        self._started: float | None = None
        self._seconds_before = 0.0
        self._owns_folder = False

    @property
    def max_iter(self) -> int:
        """The iterations of all epochs together."""
        return self.epochs * self.iter_per_epoch

    @property
    def current_epoch(self) -> int:
        """The number of epochs that are complete."""
        return self.current_iter // self.iter_per_epoch

    @property
    def train_loss_list(self) -> list[float]:
        """The loss of each iteration's batch."""
        return self.history.train_loss

    @property
    def train_acc_list(self) -> list[float]:
        """The accuracy on training images at the end of each epoch."""
        return self.history.train_acc

    @property
    def test_acc_list(self) -> list[float]:
        """The accuracy on test images at the end of each epoch."""
        return self.history.test_acc

    def train(self) -> History:
        """All iterations that are left; returns the history.

        Ctrl-C ends it after the iteration that is under way, with a checkpoint and the history; a
        second Ctrl-C at once.  Raises FloatingPointError when the loss or a parameter is NaN or
        infinite.
        """
        if self.history.stopped == INTERRUPTED:
            self.history.stopped = ""
        with _interrupt_held() as interrupted, self._bar() as show:
            while not self._is_over():
                self.train_step()
                show()
                if interrupted.is_set() and not self._is_over():
                    self._save_checkpoint()
                    self.stop(INTERRUPTED)
        self._seconds_before, self._started = self._seconds(), None
        if self.patience is not None and self._best and self.history.stopped != INTERRUPTED:
            put_back(self.network, self._best)
        if self.verbose and self.history.stopped:
            print(f"stopped after iteration {self.current_iter}: {self.history.stopped}")
        return self.history

    def train_step(self) -> None:
        """One iteration: a batch, its gradients, an update; at an epoch's end, the evaluation."""
        if self._started is None:
            self._begin()
        x_batch, t_batch = self._next_batch()
        if self.schedule is not None:
            position = self.current_iter / self.iter_per_epoch
            self.optimizer.lr = self._lr * self.schedule(position, self.epochs)
        loss, grads = self._loss_and_gradients(x_batch, t_batch)
        self.train_loss_list.append(loss)
        self.history.lr.append(getattr(self.optimizer, "lr", math.nan))
        if not math.isfinite(loss):
            self._give_up(f"the loss is {loss}", first_not_finite(self.network, x_batch))
        if self.max_norm is not None:
            grads = clip_by_norm(grads, self.max_norm)
        self.optimizer.update(self.network.params, grads)
        self.current_iter += 1
        if self.current_iter % self.iter_per_epoch == 0:
            self._end_epoch()
        elif self.checkpoint_every and self.current_iter % self.checkpoint_every == 0:
            self._save_checkpoint()

    def stop(self, reason: str) -> None:
        """End the training after this iteration: for callbacks."""
        self.history.stopped = reason

    def resume(self, path: PathLike | None = None) -> bool:
        """Go back to a checkpoint: the one at `path`, or the newest; False where there is none.

        The trainer must have been made with the arguments of the one that wrote it; `epochs` may
        differ (a schedule that depends on it then jumps), and what is only for looking at.  What
        comes then is equal to the bit, times apart, to what would have come without the
        interruption.  Checkpoints of later iterations in the folder go with the next one that is
        written.  Raises ValueError for the checkpoint of another training, FileNotFoundError;
        everything then stays as it was.
        """
        if path is None:
            if self.folder is None:
                raise ValueError("resume needs a path, or a Trainer with checkpoints=")
            self.folder.remove_parts()
            path = self.folder.newest()
            if path is None:
                return False
        arrays = load_arrays(path)
        try:
            self._load(arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no checkpoint of this training: {error}") from None
        folder = None if self.folder is None else self.folder.folder.resolve()
        self._owns_folder = Path(path).resolve().parent == folder
        return True

    def _begin(self) -> None:
        if self.folder is not None and not self._owns_folder and not self.folder.is_empty():
            raise ValueError(
                f"checkpoints must be a folder without any, got {self.folder.folder}: "
                "call resume() to go on with that training"
            )
        self._owns_folder = True
        self._started = time.perf_counter()

    def _is_over(self) -> bool:
        return self.current_iter >= self.max_iter or bool(self.history.stopped)

    def _next_batch(self) -> tuple[Array, Array]:
        n, size = self.train_size, self.batch_size
        if self.sampling == "replacement":
            batch_mask = self.rng.integers(n, size=size)
        else:
            start = self.current_iter % self.iter_per_epoch * size
            if start == 0 or self._order is None:
                self._order = self.rng.permutation(n)
            batch_mask = self._order[start : start + size]
        x_batch, t_batch = self.x_train[batch_mask], self.t_train[batch_mask]
        if self.augment is not None:
            x_batch = self.augment(x_batch, self.rng)
        return x_batch, t_batch

    def _loss_and_gradients(self, x: Array, t: Array) -> tuple[float, Mapping[str, Array]]:
        if isinstance(self.network, Network):
            self.network.last_loss = None  # a subclass with its own gradient may not set it
            grads = self.network.gradient(x, t)
            if self.network.last_loss is not None:
                return self.network.last_loss, grads
        else:
            grads = self.network.gradient(x, t)
        return float(self.network.loss(x, t)), grads

    def _end_epoch(self) -> None:
        if found := not_finite_param(self.network):
            self._give_up(found, first_not_finite(self.network, self.x_train[:1]))
        n, history = self.evaluate_sample_num_per_epoch, self.history
        history.train_acc.append(float(self.network.accuracy(self.x_train[:n], self.t_train[:n])))
        history.test_acc.append(float(self.network.accuracy(self.x_test[:n], self.t_test[:n])))
        history.seconds.append(self._seconds())
        is_best = history.best_epoch == self.current_epoch
        if self.patience is not None:
            if is_best:
                self._best = arrays_of(self.network)
            if self.current_epoch - history.best_epoch >= self.patience:
                self.stop(f"test accuracy has not risen for {self.patience} epochs")
        if self.verbose:
            self._report()
        for callback in self.callbacks:
            callback(self)
        self._save_checkpoint(is_best=is_best)

    def _report(self) -> None:
        from tqdm import tqdm

        loss = np.mean(self.train_loss_list[-self.iter_per_epoch :])
        tqdm.write(
            f"epoch {self.current_epoch}: mean loss {loss:.4f}, "
            f"training accuracy {self.train_acc_list[-1]:.4f}, "
            f"test accuracy {self.test_acc_list[-1]:.4f}"
        )

    @contextmanager
    def _bar(self) -> Iterator[Callable[[], None]]:
        """A progress bar; what is yielded brings it up to date, ten times a second at most."""
        if not self.verbose or not sys.stderr.isatty():
            yield lambda: None
            return
        from tqdm import tqdm

        with tqdm(total=self.max_iter, initial=self.current_iter, leave=False) as bar:
            next_time = 0.0

            def show() -> None:
                nonlocal next_time
                if time.perf_counter() < next_time:
                    return
                next_time = time.perf_counter() + BAR_SECONDS
                numbers = {"loss": self.train_loss_list[-1:], "accuracy": self.test_acc_list[-1:]}
                bar.set_postfix({k: f"{v[0]:.3f}" for k, v in numbers.items() if v}, refresh=False)
                bar.update(self.current_iter - bar.n)

            yield show

    def _give_up(self, what: str, where: str) -> None:
        self.history.stopped = what
        iteration = len(self.train_loss_list)
        raise FloatingPointError(
            f"iteration {iteration} (epoch {math.ceil(iteration / self.iter_per_epoch)}): {what}. "
            f"What is not finite first: {where}. What usually helps: a smaller learning rate "
            f"(it is {self.history.lr[-1]:g}), shorter gradients (max_norm=1), initial weights "
            "'he' or 'xavier', batch normalization, inputs from 0 to 1"
        )

    def _seconds(self) -> float:
        now = time.perf_counter()
        return self._seconds_before + (now - (now if self._started is None else self._started))

    def _save_checkpoint(self, *, is_best: bool = False) -> None:
        if self.folder is None:
            return
        if found := not_finite_param(self.network):
            self._give_up(found, first_not_finite(self.network, self.x_train[:1]))
        self.folder.save(self._state(), self.current_iter, is_best=is_best)

    def _settings(self) -> dict[str, Any]:
        """What a checkpoint's training must have had in common with this one."""
        return {
            "train_size": self.train_size,
            "mini_batch_size": self.batch_size,
            "sampling": self.sampling,
            "schedule": without_addresses(repr(self.schedule)),
            "max_norm": self.max_norm,
            "patience": self.patience,
            "sharded": getattr(self.network, "sharded", False),
        }

    def _generators(self) -> list[np.random.Generator]:
        return [*dict.fromkeys([self.rng, *generators_of(self.network)])]

    def _state(self) -> dict[str, Array]:
        trainer = {
            "settings": json.dumps(self._settings()),
            "generators": states_of(self._generators()),
            "iteration": self.current_iter,
            "lr": self._lr,
            "seconds": self._seconds(),
        }
        if self._order is not None:
            trainer["order"] = self._order
        return flat(
            {
                "trainer": trainer,
                "network": arrays_of(self.network),
                "best": self._best,
                "optimizer": self.optimizer.state_dict(),
                "history": vars(self.history),
            }
        )

    def _load(self, arrays: Mapping[str, Array]) -> None:
        groups = grouped(arrays)
        trainer, best = groups["trainer"], groups.get("best", {})
        settings = json.loads(str(trainer["settings"]))
        for key, own in self._settings().items():
            if settings.get(key) != own:
                raise ValueError(f"{key} must be {own}, got {settings.get(key)}")
        history = History(**{key: array.tolist() for key, array in groups["history"].items()})
        for stored in [groups["network"], best] if best else [groups["network"]]:
            check_fit(self.network, stored)
        states = as_states(trainer["generators"], self._generators())
        self.optimizer.load_state_dict(groups["optimizer"])
        put_back(self.network, groups["network"])
        for generator, state in zip(self._generators(), states, strict=True):
            generator.bit_generator.state = state
        self.history, self._best, self._order = history, best, trainer.get("order")
        self.current_iter, self._lr = int(trainer["iteration"]), float(trainer["lr"])
        self._seconds_before, self._started = float(trainer["seconds"]), None


def _optimizer(optimizer: Any, param: Mapping[str, Any] | None) -> Any:
    if isinstance(optimizer, str):
        public = [getattr(optimizers, name) for name in optimizers.__all__]
        kinds = {
            kind.__name__.lower(): kind
            for kind in public
            if inspect.isclass(kind) and issubclass(kind, Optimizer) and kind is not Optimizer
        }
        if optimizer.lower() not in kinds:
            raise ValueError(f"optimizer must be one of {[*kinds]} or an object, got {optimizer!r}")
        kind, given = kinds[optimizer.lower()], {"lr": 0.01} if param is None else dict(param)
        if unknown := given.keys() - inspect.signature(kind).parameters.keys():
            raise ValueError(
                f"optimizer_param must hold arguments of {kind.__name__}, got {sorted(unknown)}"
            )
        return kind(**given)
    if inspect.isclass(optimizer) or not hasattr(optimizer, "update"):
        raise TypeError(f"optimizer must be a name or an object as Adam(), got {optimizer!r}")
    if param is not None:
        raise ValueError(f"optimizer_param goes with a name; {optimizer!r} already has its own")
    return optimizer


def _count_or_none(value: int | None, name: str) -> int | None:
    return None if value is None else as_count(value, name)


@contextmanager
def _interrupt_held() -> Iterator[threading.Event]:
    """Within the block Ctrl-C only sets the event that is yielded; the second one is raised."""
    came = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield came
        return

    def hold(signum: int, frame: Any) -> None:
        came.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, hold)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
