"""Processes that take turns: each does a task in its own way, and waits while another one does it.

A process runs `serve`.  It waits for a line with a number of seconds, does the task over and over
for so long, and answers with the median time.  Before the clock starts, it draws a new batch.
"""

import math
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from benchmarks.sides import NUMPY_ALONE, SIDES, TASKS, library
from dlbasics._internal.blas import VARIABLES

CLOCKS = {2: time.perf_counter, 1: time.process_time}
"""What is measured with so many threads: the time by the clock, or the processor time."""

ENVIRONMENTS = {
    NUMPY_ALONE: {"DLBASICS_NUMBA": "0"},
    "PyTorch at its best": {
        "MALLOC_MMAP_THRESHOLD_": "1073741824",
        "MALLOC_TRIM_THRESHOLD_": "4294967296",
    },
}

LIMIT = 50
"""The seconds after which no new round of a task begins."""

Times = dict[tuple[str, int], list[float]]
"""The median time of each turn, by side and number of threads."""


def environment(side: str, threads: int) -> dict[str, str]:
    """Return the variables for a process; those of the caller must not choose for it."""
    chosen = ("DLBASICS_PLAIN", "DLBASICS_NUMBA", *VARIABLES)
    env = {name: value for name, value in os.environ.items() if name not in chosen}
    if threads == 1 or SIDES[side] is not library:  # the library chooses by itself
        env |= dict.fromkeys(VARIABLES, str(threads))
    return env | ENVIRONMENTS.get(side, {})


class Worker:
    """A process that does a task on demand."""

    def __init__(self, task: str, side: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.turns", task, side, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(side, threads),
            start_new_session=True,  # Ctrl-C reaches it as the end of its input
        )

    def turn(self, seconds: float) -> float:
        """Return the median time of the steps in one turn."""
        pipes = self.process.stdin, self.process.stdout
        with suppress(BrokenPipeError):
            print(seconds, file=pipes[0], flush=True)
        if not (answer := pipes[1].readline()):
            raise RuntimeError("a process has ended; its error stands above")
        return float(answer)

    def end(self) -> None:
        self.process.communicate()


def measure(task: str, sides: Sequence[str], rounds: int, seconds: float) -> Times:
    """Let the sides take turns, in a random order in each round.

    A side whose steps are much longer than a turn takes part in every third round alone.  Its times
    of the others are NaN.  On a busy machine there are fewer rounds, so that they end in time.
    """
    end = time.perf_counter() + LIMIT
    order = random.Random(0)
    workers = {(side, n): Worker(task, side, n) for side in sides for n in CLOCKS}
    times: Times = {key: [] for key in workers}
    try:
        first = {key: worker.turn(seconds) for key, worker in workers.items()}  # does not count
        for i in range(rounds):
            if i and time.perf_counter() > end:
                break
            for key in order.sample([*workers], len(workers)):
                takes_part = first[key] < 3 * seconds or i % 3 == 0
                times[key].append(workers[key].turn(seconds) if takes_part else math.nan)
    finally:
        for worker in workers.values():
            worker.end()
    return times


def serve(name: str, side: str, threads: int) -> None:
    task, clock, rng = TASKS[name], CLOCKS[threads], np.random.default_rng(0)
    step, prepare = SIDES[side](task, threads)
    # With another mean than 0, many units die.  Adam's m of a dead unit shrinks to numbers so small
    # that processors are slow with them.
    shape = (1, 28, 28) if task.has_convolutions else (784,)
    images, labels = rng.standard_normal((4_000, *shape), np.float32), rng.integers(0, 10, 4_000)
    for line in sys.stdin:
        times: list[float] = []
        end = time.perf_counter() + float(line)
        while not times or time.perf_counter() < end:
            drawn = rng.integers(0, len(images), task.batch * task.batches)
            x, t = prepare(images[drawn], labels[drawn])
            start = clock()
            step(x, t)
            times.append(clock() - start)
        if threads == 1 and threading.active_count() > 1:
            raise RuntimeError("a step on one thread has started another thread")
        wait_for_threads()
        print(statistics.median(times), flush=True)


def wait_for_threads() -> None:
    """Wait until no thread of this process is busy.

    After their work, threads of OpenMP spin for some milliseconds, and those of OpenBLAS for a
    tenth of a second.  If they do not (OMP_WAIT_POLICY=PASSIVE), small networks take PyTorch three
    times as long.
    """
    is_busy = True
    while is_busy:
        start = time.process_time()
        time.sleep(0.005)
        is_busy = time.process_time() - start > 0.0005


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
