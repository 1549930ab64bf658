"""*Distributed Training* (chapter 8): several processes train one network, with MPI.

Start it with as many ranks as there are cores, for example four:

    mpiexec -n 4 python ch08_deep/train_distributed.py

Without mpiexec it is one rank.  The ranks train SimpleConvNet together.  Then the script measures
the time of an iteration with 1, 2, 4, ... ranks, and computes from the time of one rank what 8 to
512 machines would reach (see `Timing.speed_up`).  It needs the extra "mpi"; without it, one process
does what it can alone.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.random import Generator

from ch07_cnn.train_convnet import Images, as_images
from dlbasics.distributed import DistributedTrainer, ranks
from dlbasics.experiment import LEFT_OUT, Claim, Data, Experiment, Record
from dlbasics.network import Network
from dlbasics.networks import DeepConvNet, SimpleConvNet
from dlbasics.optimizers import Adam
from dlbasics.trainer import Trainer

NETWORKS = {"SimpleConvNet": SimpleConvNet, "DeepConvNet": DeepConvNet}
MACHINES = (8, 16, 32, 64, 100, 128, 256, 512)
BOOK = (100, 56)
"""The book: 100 GPUs are 56 times as fast as one."""


@dataclass(frozen=True)
class Config:
    """The training, the measurement, and the network between the machines of the model.

    Args:
        epochs: How often the network sees all training images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by Adam moves the weights.
        train_size: The number of training images.
        iterations: The number of iterations that are measured with each number of ranks.
        gigabits: The bandwidth of each machine, in gigabits a second.
        latency: The time from one machine to another, in microseconds.
    """

    epochs: int = 3
    batch_size: int = 100
    learning_rate: float = 0.001
    train_size: int = 60_000
    iterations: int = 20
    gigabits: float = 10.0
    latency: float = 50.0

    def __post_init__(self) -> None:
        if not self.gigabits > 0:
            raise ValueError(f"gigabits must be above 0, got {self.gigabits}")


@dataclass(frozen=True)
class Timing(Record):
    """The iterations of one network.

    Args:
        ranks: The numbers of ranks.
        seconds: The median time of an iteration with each of them.
        update_seconds: The part of it in which Adam changes all weights, as every rank does.
        nbytes: The number of bytes of all gradients.
        difference: The largest difference of a loss from the same iteration on one rank.
    """

    ranks: list[int]
    seconds: list[float]
    update_seconds: float
    nbytes: int
    difference: float

    def speed_up(self, machines: int, config: Config, *, own_batches: bool) -> float:
        """Return how many times as many images a second that many machines train on as one does.

        The machines are like this one, on which one rank takes the time seconds[0].  They divide a
        batch, so that forward and backward take 1/n of their time.  With `own_batches`, each one
        computes a whole batch, and n batches make one update.  In both cases each one makes the
        whole update, and the sum of the gradients comes after the backward pass.  It goes round a
        ring: in 2 (n - 1) steps, each machine sends 1/n of the bytes to its neighbour.
        """
        n = machines
        part = self.nbytes / n
        sending = 2 * (n - 1) * (1e-6 * config.latency + 8 * part / (1e9 * config.gigabits))
        passes = self.seconds[0] - self.update_seconds
        step = self.update_seconds + sending + (passes if own_batches else passes / n)
        return (n if own_batches else 1) * self.seconds[0] / step


@dataclass(frozen=True)
class Result(Record):
    """The training, and the measurement.

    Args:
        ranks: The number of ranks.
        test_acc: The accuracy on 1,000 test images, by epoch.
        final_acc: The accuracy on all test images, after training.
        seconds: The time of the training.
        timings: What was measured, by network.
        speed_ups: The speed-ups of the model, by network, for MACHINES; first those with one batch
            divided among them, then those with a batch for each.
        gigabits: The bandwidth of the model.
        latency: The latency of the model.
    """

    ranks: int
    test_acc: list[float]
    final_acc: float
    seconds: float
    timings: dict[str, Timing]
    speed_ups: dict[str, list[list[float]]]
    gigabits: float
    latency: float


def run(config: Config, data: Data, rng: Generator) -> Result:
    images = as_images(data, config.train_size)
    if not find_spec("mpi4py"):
        print('mpi4py is not installed (python -m pip install -e ".[mpi]"): one process trains')
    with all_ranks() as comm:
        network = SimpleConvNet(rng=rng)
        trainer = trainer_of(network, images, config, comm, verbose=True, rng=rng)
        trainer.train()
        timings = {
            name: measure(make, images, config, comm, rng) for name, make in NETWORKS.items()
        }
        speed_ups = {
            name: [
                [timing.speed_up(n, config, own_batches=own) for n in MACHINES] for own in (0, 1)
            ]
            for name, timing in timings.items()
        }
        print(table(timings, speed_ups, config))
    _, _, x_test, t_test = images
    return Result(
        comm.size if comm else 1,
        trainer.test_acc_list,
        network.accuracy(x_test, t_test),
        trainer.history.seconds[-1],
        timings,
        speed_ups,
        config.gigabits,
        config.latency,
    )


def all_ranks() -> AbstractContextManager[Any]:
    """Return the ranks; without mpi4py, a context that yields None."""
    return ranks() if find_spec("mpi4py") else nullcontext()


def trainer_of(
    network: Network, images: Images, config: Config, comm: Any, **options: Any
) -> Trainer:
    """Return a trainer for all ranks of `comm`, or for this process alone if it is None."""
    options |= {
        "epochs": config.epochs,
        "mini_batch_size": config.batch_size,
        "optimizer": Adam(config.learning_rate),
        "evaluate_sample_num_per_epoch": 1_000,
    }
    if comm is None:
        network.sharded = False
        return Trainer(network, *images, **options)
    return DistributedTrainer(network, *images, comm=comm, **options)


def measure(
    make: Callable[..., Network], images: Images, config: Config, comm: Any, rng: Generator
) -> Timing:
    """Measure the iterations of a network with 1, 2, 4, ... and all ranks."""
    counts, seconds, losses = [*numbers_of_ranks(comm)], [], []
    seed = int(rng.integers(2**31))
    for count in counts:
        group = comm and comm.Split(int(comm.rank >= count), comm.rank)
        if comm is None or comm.rank < count:
            network = make(rng=seed)
            trainer = trainer_of(network, images, config, group, verbose=False, rng=seed)
            times = [seconds_of(trainer.train_step) for _ in range(config.iterations + 1)]
            seconds.append(float(np.median(times[1:])))  # the first one fills the caches
            losses.append(np.array(trainer.train_loss_list))
        wait(comm)
    if comm and comm.rank:
        return comm.bcast(None)
    params = network.params
    update = partial(Adam(config.learning_rate).update, params)
    zeros = {key: np.zeros_like(param) for key, param in params.items()}
    found = Timing(
        counts,
        seconds,
        min(seconds_of(lambda: update(zeros)) for _ in range(config.iterations)),
        sum(param.nbytes for param in params.values()),
        max(float(np.abs(curve - losses[0]).max()) for curve in losses),
    )
    return comm.bcast(found) if comm else found


def numbers_of_ranks(comm: Any) -> Iterator[int]:
    """Yield 1, 2, 4, ... and the number of ranks."""
    size, count = comm.size if comm else 1, 1
    while count < size:
        yield count
        count *= 2
    yield size


def seconds_of(step: Callable[[], Any]) -> float:
    """Return the time of a call."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def wait(comm: Any) -> None:
    """Wait for all ranks, without the processor that MPI itself would use meanwhile."""
    if comm:
        request = comm.Ibarrier()
        while not request.Test():
            time.sleep(0.002)


def table(
    timings: dict[str, Timing], speed_ups: dict[str, list[list[float]]], config: Config
) -> str:
    """Return what was measured, and the model, as text."""
    lines = []
    for name, timing in timings.items():
        lines.append(f"{name}: {timing.nbytes:,} bytes of gradients in each iteration")
        measured = zip(timing.ranks, timing.seconds, strict=True)
        lines += [f"{count:5} ranks: {1e3 * each:.1f} ms an iteration" for count, each in measured]
        lines += [
            f"times as fast on n machines, with {config.gigabits:g} gigabits a second and "
            f"{config.latency:g} microseconds:",
            "       n  one batch divided  a batch for each",
        ]
        rows = zip(MACHINES, *speed_ups[name], strict=True)
        lines += [f"{count:8}  {divided:17.1f}  {own:16.1f}" for count, divided, own in rows]
    return "\n".join(lines)


def plot(result: Result) -> dict[str, Any]:
    """Draw the time of an iteration against the ranks, and the speed-up of the model."""
    from dlbasics import plotting

    figure, (left, right) = plotting.subplots(1, 2, width=4.6, height=4.2)
    for i, (name, timing) in enumerate(result.timings.items()):
        color = f"C{i}"
        measured = [1e3 * seconds for seconds in timing.seconds]
        left.plot(timing.ranks, measured, "o-", color=color, label=name)
        ideal = [measured[0] / count for count in timing.ranks]
        left.plot(timing.ranks, ideal, ":", color=color, label="time of one rank / ranks")
        divided, own = result.speed_ups[name]
        right.plot(MACHINES, own, "o-", color=color, label=f"{name}, own batches")
        right.plot(MACHINES, divided, "s--", color=color, label=f"{name}, one batch")
    left.set(
        xlabel="ranks on this machine",
        ylabel="ms an iteration",
        xticks=result.timings["SimpleConvNet"].ranks,
        ylim=(0, 1.45e3 * max(max(timing.seconds) for timing in result.timings.values())),
        title="measured",
    )  # the legend stands above the lines
    title = f"model: {result.gigabits:g} Gbit/s, {result.latency:g} \u00b5s"
    right.plot(MACHINES, MACHINES, ":", color="gray", label="n machines, n times")
    right.plot(*BOOK, "k*", markersize=12, label="the book, on GPUs")
    right.set(xlabel="machines", ylabel="times as fast as one machine", title=title)
    for axis in (right.xaxis, right.yaxis):
        plotting.log_axis(axis)
    for axes, place in ((left, "upper right"), (right, "upper left")):
        axes.legend(frameon=False, fontsize=8, loc=place)
    return {"speed": figure}


def at_100(own: int) -> Callable[[Result], list[float]]:
    """Return a function that finds the speed-ups of both networks on 100 machines."""
    place = MACHINES.index(BOOK[0])
    return lambda result: [result.speed_ups[name][own][place] for name in NETWORKS]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "test accuracy of SimpleConvNet, all ranks together",
            None,
            lambda result: result.final_acc,
            0.98,
            1,
            why="after 20 epochs, one process reads 98 to 99%",
        ),
        Claim.between(
            "largest difference of a loss from that on one rank, by network",
            None,
            lambda result: (
                [timing.difference for timing in result.timings.values()]
                if result.ranks > 1
                else LEFT_OUT
            ),
            high=1e-3,
            why="float32 rounds, and Adam divides by small gradients",
            any_data=True,
        ),
        Claim.same(
            "bytes of the gradients in an iteration: SimpleConvNet, DeepConvNet",
            [4 * 433_890, 4 * 123_552],
            lambda result: [timing.nbytes for timing in result.timings.values()],
            printed=False,
            any_data=True,
        ),
        Claim.shown(
            "speed-up of the model on 100 machines, a batch for each: SimpleConvNet, DeepConvNet",
            "56 on 100 GPUs",
            at_100(own=1),
            printed=True,
            digits=2,
        ),
        Claim.shown(
            "speed-up of the model on 100 machines, one batch divided: SimpleConvNet, DeepConvNet",
            "56 on 100 GPUs",
            at_100(own=0),
            printed=True,
            digits=2,
        ),
    ],
    quick={"epochs": 1, "train_size": 300, "iterations": 2},
)


def main() -> None:
    """Run the experiment on all ranks; rank 0 alone stores its result."""
    with all_ranks() as comm, TemporaryDirectory() as nowhere:
        if comm and comm.rank:
            experiment.main([*sys.argv[1:], "--out", nowhere, "--no-show"])
        else:
            experiment.main()


if __name__ == "__main__":
    main()
