"""A small experiment with a setting of each kind.

It stands for the chapter scripts in these tests; started as a program, it is one.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.random import Generator

from dlbasics import SGD, Trainer, TwoLayerNet
from dlbasics.experiment import Claim, Experiment, Progress, processes


@dataclass(frozen=True)
class Common:
    """Settings that scripts share.

    Args:
        steps: The number of steps.
    """

    steps: int = 10

    def __post_init__(self) -> None:
        if self.steps > 1_000:
            raise ValueError(f"steps must be at most 1000, got {self.steps}")


@dataclass(frozen=True)
class Config(Common):
    """The settings.

    Args:
        rate: The rate of learning, which is
            100% for 1.
        sizes: The sizes.
        smooth: Whether it is smooth.
        method: How it is done.
        count: The count.
        folder: A folder.
        waits: How it waits, if at all.
    """

    rate: float = 0.5
    sizes: tuple[int, ...] = (3, 4)
    smooth: bool = True
    method: Literal["one", "two"] = "one"
    count: int = 1
    folder: Path = Path("here")
    waits: Literal["", "asleep", "training", "in workers", "deaf", "destroying"] = ""


@dataclass(frozen=True)
class Result:
    config: Config
    draw: float
    curve: np.ndarray
    small: list[float]


def run(config: Config, rng: Generator, progress: Progress) -> Result:
    steps = list(progress(range(config.steps)))
    if config.waits:
        print("waiting", flush=True)
        WAITS[config.waits]()
    return Result(config, float(rng.random()), np.arange(2000.0), [np.float32(len(steps)), 2])


def sleep() -> None:
    time.sleep(60)


def train() -> None:
    x, t = np.zeros((1_000, 4)), np.zeros(1_000, int)
    for _ in range(20):  # a Trainer by itself would hold Ctrl-C, and the next one would begin
        network = TwoLayerNet(4, 2, 2)
        Trainer(network, x, t, x, t, epochs=2_000, optimizer=SGD(), verbose=False).train()


def work() -> None:
    with processes(2) as pool:
        assert pool is not None
        for job in [pool.submit(time.sleep, 60) for _ in range(4)]:
            job.result()


def ignore() -> None:
    """Swallow Ctrl-C, as code that cleans up might do."""
    for _ in range(600):
        try:
            time.sleep(0.1)
        except KeyboardInterrupt:
            pass


class Slow:
    """Python swallows Ctrl-C in a destructor."""

    def __del__(self) -> None:
        time.sleep(60)


def destroy() -> None:
    Slow()
    time.sleep(60)


WAITS = {
    "asleep": sleep,
    "training": train,
    "in workers": work,
    "deaf": ignore,
    "destroying": destroy,
}


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    return {"curve": plotting.curves({"a": [1, 2], "b": [2, 1]}, xlabel="x", ylabel="y")}


experiment = Experiment(
    "A title.\n\nMore.",
    run,
    plot,
    Config,
    claims=[
        Claim("steps", 10, lambda r: r.config.steps, lambda v: v == 10),
        Claim("draw", 0.9, lambda r: r.draw, lambda v: v > 2),
        Claim.shown("time", "long", lambda r: 1.5),
    ],
    quick={"steps": 2},
)

if __name__ == "__main__":
    experiment.main()
