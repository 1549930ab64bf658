"""The training loop draws batches, computes gradients, updates, and evaluates after each epoch."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, Literal

import numpy as np

from dlbasics._internal.blas import one_core_if_small
from dlbasics._internal.checkpoint_folder import CheckpointFolder
from dlbasics._internal.checkpoints import checkpoint_of, load_checkpoint, load_newest
from dlbasics._internal.checks import TINY, Array, RngLike, as_count, as_flag, as_number, as_rng
from dlbasics._internal.divergence import check_loss_is_finite, check_params_are_finite
from dlbasics._internal.evaluation import Metric, evaluate, record
from dlbasics._internal.files import as_folder
from dlbasics._internal.history_table import trainer_text
from dlbasics._internal.interrupt import hold_interrupt
from dlbasics._internal.network_state import arrays_of, put_back, set_missing_generators
from dlbasics._internal.progress import progress_bar, report_epoch
from dlbasics._internal.trainer_arguments import (
    as_metrics,
    as_monitor,
    as_network,
    as_optimizer,
    check_can_be_stored,
    check_options,
    optional,
)
from dlbasics._internal.training_hints import say_if_at_chance_level, say_if_inputs_are_large
from dlbasics._internal.training_settings import (
    data_settings,
    network_settings,
    settings_of_part,
)
from dlbasics.data import as_pair, batch_count, nth_batch
from dlbasics.history import History
from dlbasics.network import Network
from dlbasics.optimizers import clip_by_norm
from dlbasics.schedules import Schedule
from dlbasics.storage import PathLike, load_arrays

__all__ = ["Trainer", "np"]

Callback = Callable[["Trainer"], Any]

INTERRUPTED = "interrupted"
"""What `history.stopped` says after Ctrl-C."""


class Trainer:
    """Train a network.

    `train` trains for all epochs.  `train_step` does one iteration, for a loop of your own.

    Args:
        network: A network of this library, or any object with `params`, `gradient(x, t)`,
            `loss(x, t)` and, unless it is a regression, `accuracy(x, t)`.
        x_train: The training samples, (N, ...).
        t_train: Their labels, N of them; for a regression, numbers in the shape of the output.
        x_test: The test samples.  If you use them to choose the best epoch (`patience`, or best.npz
            of `checkpoints`) or hyperparameters, give validation samples instead.
        t_test: The labels of x_test.
        epochs: The number of epochs.  One epoch is ceil(N / mini_batch_size) iterations, unless
            `sampling` is 'epoch' and one sample is left over.
        mini_batch_size: The number of samples in a batch.
        optimizer: An optimizer, or the name of a class in dlbasics.optimizers, such as 'Adam', in
            upper or lower case.
        optimizer_param: The arguments of the optimizer, if `optimizer` is a name.  None stands for
            {'lr': 0.01}.
        evaluate_sample_num_per_epoch: The number of training samples, and of test samples, that
            the trainer evaluates.  It takes the first ones.  None stands for all.
        verbose: If True, print a line after each epoch and show a progress bar in a terminal.  The
            trainer also says if the inputs are large, and if the training ends at chance level.
        sampling: 'replacement' draws each batch from all samples, as the book does.  'epoch' takes
            each sample once in an epoch; the last batch of the epoch holds the rest.  A rest of one
            sample joins the batch before it, because batch normalization needs two.
        augment: A function f(x, rng) that changes the batch x before the network gets it, such as
            `lambda x, rng: rotate(x, 15, rng)` with `rotate` from dlbasics.augmentation.
        schedule: A function f(epoch, epochs) that returns the factor for the optimizer's learning
            rate, such as `CosineDecay()` (see dlbasics.schedules).
        max_norm: The largest norm of the gradients.  The trainer shortens longer ones to it (see
            `clip_by_norm`).
        patience: The number of epochs without a better test accuracy, or test loss (see `monitor`),
            after which the training stops.  At the end of the training, unless Ctrl-C ended it, the
            network gets back the weights of its best epoch.
        callbacks: Functions f(trainer).  The trainer calls them in order after each evaluation;
            they may call `stop`.
        checkpoints: A folder, to which one training at a time writes.  After each epoch the trainer
            saves a checkpoint in it, for `resume`: network, optimizer, random generators, position
            and history.  It keeps the last `keep` checkpoints, and the best one as best.npz.  For a
            network that you wrote, a checkpoint holds `params`, and the running statistics and
            generators of the dlbasics layers in its `layers`.  It does not hold what callbacks,
            `augment` or layers that you wrote store.
        checkpoint_every: A number of iterations, after which the trainer also saves a checkpoint,
            again and again.
        keep: The number of checkpoints to keep.
        rng: The random generator, or its seed.  It draws the batches, and `augment` gets it.  In a
            network that you wrote, our layers without a generator use it, too.
        metrics: Functions f(y, t) by name, such as {"mean error": lambda y, t: abs(y - t).mean()}.
            After each epoch the trainer calls each one for the training samples and for the test
            samples.  y holds what `predict` returns, the scores (N, K), and t the labels.
        monitor: What makes an epoch the best one: the highest test 'accuracy', or the lowest test
            'loss'.  A regression has no accuracy, so there it is always the loss.

    Attributes:
        train_loss_list: The loss of each iteration's batch, before its update.
        train_acc_list: The accuracy on training samples after each epoch.
        test_acc_list: The accuracy on test samples after each epoch.
        history: These lists, the losses and the metrics after each epoch, the learning rates, the
            times, and why the training stopped.
        iter_per_epoch: The number of iterations in an epoch.
        current_iter: The number of iterations done.

    Raises:
        TypeError, ValueError: If an argument is not as above.  The message names it.

    Book: *Overfitting* (the loop) and *Dropout* (the class).
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
        metrics: Mapping[str, Metric] | None = None,
        monitor: Literal["accuracy", "loss"] = "accuracy",
    ) -> None:
        # Functions such as as_pair and as_count return an argument, or raise an error if it is bad.
        self.network = as_network(network)
        self.x_train, self.t_train = as_pair(x_train, t_train, "x_train", "t_train")
        self.x_test, self.t_test = as_pair(x_test, t_test, "x_test", "t_test")
        self.epochs = as_count(epochs, "epochs")
        self.batch_size = as_count(mini_batch_size, "mini_batch_size")
        self.optimizer = as_optimizer(optimizer, optimizer_param)
        self.evaluate_sample_num_per_epoch = optional(
            as_count, evaluate_sample_num_per_epoch, "evaluate_sample_num_per_epoch"
        )
        self.verbose = as_flag(verbose, "verbose")
        self.sampling = sampling
        self.augment = augment
        self.schedule = schedule
        self.max_norm = optional(as_number, max_norm, "max_norm", low=TINY)
        self.patience = optional(as_count, patience, "patience")
        self.checkpoint_every = optional(as_count, checkpoint_every, "checkpoint_every")
        check_options(sampling, augment, schedule, callbacks, checkpoints, checkpoint_every)
        self.callbacks = tuple(callbacks)
        self.metrics = as_metrics(metrics, network)
        self.monitor = as_monitor(monitor)
        keep, folder = as_count(keep, "keep"), optional(as_folder, checkpoints, "checkpoints")
        self.rng = as_rng(rng)
        self.folder: CheckpointFolder | None = None
        if folder is not None:
            check_can_be_stored(self.optimizer)
            self.folder = CheckpointFolder(folder, keep)
        set_missing_generators(network, self.rng)

        self.train_size = len(self.x_train)
        self.iter_per_epoch = batch_count(self.train_size, self.batch_size, sampling)
        self.current_iter = 0
        self.history = History(monitor=monitor)
        self._initial_lr = getattr(self.optimizer, "lr", math.nan)  # `schedule` multiplies it
        # The training may change settings, such as the ratio of a dropout layer.
        self._network_settings = network_settings(network)
        self._optimizer_settings = settings_of_part("optimizer", self.optimizer)
        self._optimizer_settings.pop("optimizer.lr", None)  # `resume` takes that of the checkpoint
        self._order: Array | None = None  # the order of the samples, for sampling='epoch'
        self._best: dict[str, Array] = {}  # copies of the best epoch's weights, for `patience`
        self._started: float | None = None  # the time at which this call of `train` began
        self._seconds_before = 0.0  # the duration of the calls before

    def __repr__(self) -> str:
        return trainer_text(self)

    def train(self) -> History:
        """Train until all iterations are done, or until something stops the training.

        Ctrl-C ends the training after the current iteration and saves a checkpoint; call `train`
        again to go on.  A second Ctrl-C ends it at once.

        Returns:
            The history.

        Raises:
            FloatingPointError: If the loss or a parameter is NaN or infinite.
            ValueError: If the folder holds checkpoints of another training.
            BlockingIOError: If another training writes to the folder now.
        """
        if self.history.stopped == INTERRUPTED:
            self.history.stopped = ""
        if self.verbose and not self.current_iter:
            say_if_inputs_are_large(self)
        with self._alone(), hold_interrupt() as interrupted, progress_bar(self) as show_progress:
            while not self._is_over():
                self.train_step()
                show_progress()
                if interrupted.is_set() and not self._is_over():
                    self._save_checkpoint()
                    self.stop(INTERRUPTED)
        self._seconds_before, self._started = self._seconds(), None
        if self.patience is not None and self._best and self.history.stopped != INTERRUPTED:
            put_back(self.network, self._best)
        if self.verbose and self.history.stopped != INTERRUPTED:
            say_if_at_chance_level(self)
        if self.verbose and self.history.stopped:
            print(f"stopped after iteration {self.current_iter}: {self.history.stopped}")
        return self.history

    def train_step(self) -> None:
        """Do one iteration: draw a batch, compute the gradients, update the parameters.

        The last iteration of an epoch also evaluates the network.

        Raises:
            FloatingPointError: If the loss or a parameter is NaN or infinite.
        """
        if self._started is None:
            self._start()
        x_batch, t_batch = self._draw_batch()
        if self.schedule is not None:
            epoch = self.current_iter / self.iter_per_epoch
            self.optimizer.lr = self._initial_lr * self.schedule(epoch, self.epochs)

        if isinstance(self.network, Network):
            self.network.last_loss = None  # a subclass may have a `gradient` that does not set it
        grads = self.network.gradient(x_batch, t_batch)
        self._record_loss(x_batch, t_batch)
        if self.max_norm is not None:
            grads = clip_by_norm(grads, self.max_norm)
        self.optimizer.update(self.network.params, grads)

        self.current_iter += 1
        if self.current_iter % self.iter_per_epoch == 0:
            self._end_epoch()
        elif self.checkpoint_every and self.current_iter % self.checkpoint_every == 0:
            self._save_checkpoint()

    def _draw_batch(self) -> tuple[Array, Array]:
        """Return the samples of the next batch, augmented, and their labels."""
        if self.sampling == "replacement":
            batch_mask = self.rng.integers(self.train_size, size=self.batch_size)
        else:
            i = self.current_iter % self.iter_per_epoch
            if i == 0 or self._order is None:
                self._order = self.rng.permutation(self.train_size)
            batch_mask = nth_batch(self._order, i, self.iter_per_epoch, self.batch_size)
        x_batch, t_batch = self.x_train[batch_mask], self.t_train[batch_mask]
        if self.augment is not None:
            x_batch = self.augment(x_batch, self.rng)
        return x_batch, t_batch

    def _record_loss(self, x_batch: Array, t_batch: Array) -> None:
        """Append the loss that `gradient` has computed; compute it again if it is unknown."""
        loss = self.network.last_loss if isinstance(self.network, Network) else None
        if loss is None:
            loss = float(self.network.loss(x_batch, t_batch))
        for curve in (self.history.train_loss, self.history.lr):
            del curve[self.current_iter :]  # of an iteration that an error has cut short
        self.history.train_loss.append(loss)
        self.history.lr.append(getattr(self.optimizer, "lr", math.nan))
        check_loss_is_finite(self, x_batch)

    def _end_epoch(self) -> None:
        """Evaluate the network, stop early if asked to, report, call back, save a checkpoint."""
        check_params_are_finite(self)
        n = self.evaluate_sample_num_per_epoch  # x[:None] is all of x
        train = evaluate(self.network, self.x_train[:n], self.t_train[:n], self.metrics)
        test = evaluate(self.network, self.x_test[:n], self.t_test[:n], self.metrics)
        record(self.history, train, test)
        self.history.seconds.append(self._seconds())
        best_epoch = self.history.best_epoch
        if self.patience is not None:
            if best_epoch == self.current_epoch:
                self._best = arrays_of(self.network)
            if self.current_epoch - best_epoch >= self.patience:
                better = "loss has not fallen" if self.history.by_loss else "accuracy has not risen"
                self.stop(f"test {better} for {self.patience} epochs")
        if self.verbose:
            report_epoch(self)
        for callback in self.callbacks:
            callback(self)
        self._save_checkpoint(is_best=best_epoch == self.current_epoch)

    def stop(self, reason: str) -> None:
        """End the training after the current iteration.  Callbacks may call this.

        Args:
            reason: The text that `history.stopped` will hold.
        """
        self.history.stopped = reason

    def resume(self, path: PathLike | None = None) -> bool:
        """Go back to a checkpoint, from which `train` goes on.

        Make this trainer with the arguments of the one that saved the checkpoint: the same data,
        layers, and settings.  The training then gives the same numbers, to the bit, as one without
        an interruption; only its times differ.  You may change `verbose`, `callbacks`, `metrics`,
        the arguments about checkpoints, and `epochs` (the learning rate then jumps if the schedule
        depends on it).  The learning rate becomes that of the checkpoint.  When the trainer saves
        its next checkpoint, it removes those of later iterations from the folder.

        You may also look at a training that runs in another process: `resume` changes no file.

        Args:
            path: The checkpoint.  None stands for the newest one in the folder `checkpoints`.  If
                that file is damaged, a warning says so, and the one before it counts.

        Returns:
            False if there is no checkpoint in the folder, else True.

        Raises:
            ValueError: If the file is damaged or not a checkpoint of this training (the trainer
                then stays as it was), or if there is neither a path nor a folder.
            FileNotFoundError: If there is no file at `path`.
        """
        if path is None:
            if self.folder is None:
                raise ValueError("resume needs a path, or a Trainer with checkpoints=")
            return load_newest(self, self.folder)
        seen = [] if self.folder is None else self.folder.newest_first()
        load_checkpoint(self, path, load_arrays(path), seen)
        return True

    @property
    def max_iter(self) -> int:
        """The number of iterations in all epochs."""
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
        """The accuracy on training samples after each epoch."""
        return self.history.train_acc

    @property
    def test_acc_list(self) -> list[float]:
        """The accuracy on test samples after each epoch."""
        return self.history.test_acc

    def _is_over(self) -> bool:
        return self.current_iter >= self.max_iter or bool(self.history.stopped)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other trainings out of the folder, and small matrix products on one core."""
        held = nullcontext() if self.folder is None else self.folder.held()
        with held, one_core_if_small(self.network.params, self.batch_size):
            yield

    @cached_property
    def _data_settings(self) -> dict[str, str]:
        """Checksums of the data, by which a checkpoint is known to be one of this training."""
        names = ("x_train", "t_train", "x_test", "t_test")
        return data_settings({name: getattr(self, name) for name in names})

    def _start(self) -> None:
        """Start the clock.  Raise an error if the folder belongs to another training."""
        if self.folder is not None:
            self.folder.claim()
        self._started = time.perf_counter()

    def _seconds(self) -> float:
        """Return the seconds of training so far, without pauses between two calls of `train`."""
        running = 0.0 if self._started is None else time.perf_counter() - self._started
        return self._seconds_before + running

    def _save_checkpoint(self, *, is_best: bool = False) -> None:
        if self.folder is not None:
            check_params_are_finite(self)
            self.folder.save(checkpoint_of(self), self.current_iter, is_best=is_best)
