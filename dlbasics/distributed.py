"""Data-parallel training: several processes, on one machine or many, train one network with MPI."""

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib import import_module
from typing import Any

from dlbasics._internal.blas import one_core_by_default
from dlbasics._internal.checkpoints import checkpoint_of, restore
from dlbasics._internal.checks import as_flag
from dlbasics._internal.data_parallel import DataParallel
from dlbasics._internal.interrupt import raise_at_once
from dlbasics._internal.trainer_arguments import check_can_be_stored
from dlbasics.history import History
from dlbasics.storage import PathLike
from dlbasics.trainer import Trainer

__all__ = ["DistributedTrainer", "ranks"]

GRACE = 1.5
"""The seconds for which the other ranks leave it to rank 0 to report an error that all meet."""

FLUSH = 0.5
"""The seconds in which mpiexec prints what a rank has written.  It loses what it has not read."""

RESUME = "\nThe same command goes on from the newest checkpoint, if it calls `resume`."

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
"""The environment variables in which mpiexec tells a process how many it has started."""


@contextmanager
def ranks() -> Iterator[Any]:
    """Run the block on all ranks, and yield their communicator, mpi4py's `COMM_WORLD`.

    A rank is one of the n processes that `mpiexec -n n` has started; a program without mpiexec is
    one rank.  Within the block, only rank 0 prints to the standard output.  If an error ends the
    block on one rank, it ends all of them, which would wait for that rank for ever.

    Raises:
        ImportError: If mpi4py is not installed.
        RuntimeError: If mpiexec belongs to another MPI than mpi4py uses.
    """
    comm = _world()
    with ExitStack() as stack:
        if comm.rank:
            nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(redirect_stdout(nowhere))
        with _one_ends_all(comm):
            yield comm


class DistributedTrainer(Trainer):
    """Train a network on all ranks: each computes the gradient of its part of every batch.

    All ranks make this object with the same arguments, and call its methods together.  The network
    learns as it does on one rank, up to rounding: batches, dropout masks and updates are the same.
    Only batch normalization differs, unless `sync_batch_norm` is True: each rank uses the mean and
    variance of its part, and the running statistics become the mean of those of the parts.

    Rank 0 alone evaluates, prints, calls callbacks and writes checkpoints.  The other ranks take
    its state (weights, optimizer, generators and history) at the beginning and after each epoch.
    An error or Ctrl-C on one rank ends all ranks; `resume` goes on, with any number of ranks, from
    the newest checkpoint.  Matrix products use one core of each rank, unless a variable such as
    OMP_NUM_THREADS says otherwise.

    Args:
        network: A network of this library.  Its layers may be your own subclasses of `Layer`, which
            draw random numbers by `self.rng.random(x.shape)`.  Halves of a batch are not computed
            separately (see `Network.sharded`), so that dropout draws the masks of a network whose
            `sharded` is False.
        *args: The arguments of `Trainer`.
        sync_batch_norm: If True, batch normalization uses mean and variance of the whole batch, as
            one process does.  Each layer then sends its sums five times in an iteration.
        comm: The communicator of the ranks that train together.  None stands for all ranks.
        **kwargs: The arguments of `Trainer`, by name.

    Attributes:
        comm: The communicator; `comm.rank` is the number of this rank, and `comm.size` of all.

    Raises:
        ImportError: If mpi4py is not installed.
        TypeError, ValueError: If an argument is not as above, or differs from that of rank 0.
    """

    def __init__(
        self,
        network: Any,
        *args: Any,
        sync_batch_norm: bool = False,
        comm: Any = None,
        **kwargs: Any,
    ) -> None:
        self.comm = _world() if comm is None else comm
        self._hint = RESUME if kwargs.get("checkpoints") is not None else ""
        with _one_ends_all(self.comm):
            if self.comm.rank:
                kwargs |= {"checkpoints": None, "checkpoint_every": None}
            sync_batch_norm = as_flag(sync_batch_norm, "sync_batch_norm")
            super().__init__(DataParallel(network, self.comm, sync_batch_norm), *args, **kwargs)
            check_can_be_stored(self.optimizer)
            self.verbose = self.verbose and self.comm.rank == 0
            self._take_state_of_rank_0()

    def train(self) -> History:
        """Train as `Trainer.train` does, on all ranks.

        Ctrl-C ends all ranks at once, without a further checkpoint.

        Returns:
            The history, the same on all ranks.
        """
        with _one_ends_all(self.comm, self._hint), one_core_by_default(), raise_at_once():
            return super().train()

    def train_step(self) -> None:
        """Do one iteration on all ranks, as `Trainer.train_step` does."""
        with _one_ends_all(self.comm, self._hint):
            super().train_step()

    def resume(self, path: PathLike | None = None) -> bool:
        """Go back to a checkpoint that rank 0 reads, as `Trainer.resume` does.

        Args:
            path: The checkpoint.  None stands for the newest one in the folder `checkpoints`.

        Returns:
            False if there is no checkpoint in the folder, else True.
        """
        with _one_ends_all(self.comm):
            found: bool = self.comm.bcast(self.comm.rank == 0 and super().resume(path))
            self._take_state_of_rank_0()
            return found

    def _end_epoch(self) -> None:
        if self.comm.rank == 0:
            super()._end_epoch()
        self._take_state_of_rank_0()

    def _take_state_of_rank_0(self) -> None:
        """Bring the other ranks to the state of rank 0; raise an error if their data differ."""
        state = self.comm.bcast(checkpoint_of(self) if self.comm.rank == 0 else None)
        if self.comm.rank:
            try:
                restore(self, state)
            except Exception as error:
                raise ValueError(f"ranks 0 and {self.comm.rank} differ: {error}") from error


def _world() -> Any:
    """Return the communicator of all ranks."""
    try:
        comm = import_module("mpi4py.MPI").COMM_WORLD
    except (ImportError, RuntimeError) as error:  # the latter without an MPI
        raise ImportError(
            'distributed training needs mpi4py and an MPI: python -m pip install -e ".[mpi]" '
            f"({error})"
        ) from error
    started = max(int(os.environ.get(name, "1")) for name in SIZES)
    if comm.size == 1 < started:
        raise RuntimeError(
            f"mpiexec has started {started} processes, but mpi4py sees one: use the mpiexec of the "
            "MPI that mpi4py uses; the extra 'mpi' puts one beside python"
        )
    return comm


@contextmanager
def _one_ends_all(comm: Any, hint: str = "") -> Iterator[None]:
    """If an error ends the block on this rank, report it with the hint, and end all ranks."""
    try:
        yield
    except BaseException as error:
        code = error.code if isinstance(error, SystemExit) else str(error)
        if comm.size > 1 and code not in (None, 0):
            if comm.rank:
                time.sleep(GRACE)  # if rank 0 meets the error, too, it ends this one now
            if not isinstance(code, int):  # with a number, the program has said more by itself
                _report(comm, error, hint)
                code = 1
            time.sleep(FLUSH)
            comm.Abort(code)
            os._exit(code)  # while mpiexec handles Ctrl-C, Abort returns
        raise


def _report(comm: Any, error: BaseException, hint: str) -> None:
    if isinstance(error, Exception):
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    print(f"rank {comm.rank} of {comm.size} ends all ranks: {what}{hint}", file=sys.stderr)
    sys.stderr.flush()
