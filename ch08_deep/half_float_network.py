"""*Reducing the Bit Number for Arithmetic Precision* (chapter 8): double, single and half.

The network has the weights of train_deepnet.py.  Not only its weights have few bits: every layer
takes and returns numbers of that precision.  Few processors multiply half floats, so a layer
computes them in float32 and rounds the result.  Here they save memory and cost time.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ch08_deep.train_deepnet import trained_network
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record

DTYPES = ("float64", "float32", "float16")


@dataclass(frozen=True)
class Config:
    """The images.

    Args:
        images: The number of test images that the network reads.
    """

    images: int = 1_000


@dataclass(frozen=True)
class Result(Record):
    """The network in each precision.

    Args:
        scores: The scores (N, 10) of the test images.
        accuracy: The accuracy.
        unlike: The number of images whose class differs from that in float64.
        error: The largest difference from the scores in float64, relative to the largest score.
        seconds: The time for an image.
        slower: The time for an image, divided by that of float32.
        megabytes: The memory for the parameters.
    """

    scores: dict[str, np.ndarray]
    accuracy: dict[str, float]
    unlike: dict[str, int]
    error: dict[str, float]
    seconds: dict[str, float]
    slower: dict[str, float]
    megabytes: dict[str, float]


def run(config: Config, data: Data, progress: Progress) -> Result:
    x = data.x_test[: config.images].reshape(-1, 1, 28, 28)
    t = data.t_test[: config.images]
    scores: dict[str, np.ndarray] = {}
    seconds, megabytes = {}, {}
    for dtype in progress(DTYPES):
        network = trained_network().astype(dtype)
        start = time.perf_counter()
        scores[dtype] = network.predict(x.astype(dtype))
        seconds[dtype] = (time.perf_counter() - start) / len(x)
        megabytes[dtype] = sum(param.nbytes for param in network.params.values()) / 1e6
    exact = scores["float64"]
    classes = {dtype: y.argmax(axis=1) for dtype, y in scores.items()}
    return Result(
        scores=scores,
        accuracy={dtype: float(np.mean(c == t)) for dtype, c in classes.items()},
        unlike={dtype: int(np.sum(c != classes["float64"])) for dtype, c in classes.items()},
        error={d: float(np.abs(y - exact).max() / np.abs(exact).max()) for d, y in scores.items()},
        seconds=seconds,
        slower={dtype: value / seconds["float32"] for dtype, value in seconds.items()},
        megabytes=megabytes,
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(2, 2, width=3.5, height=2.6)
    images = len(result.scores["float64"])
    bars = {
        f"accuracy on {images:,} images": result.accuracy,
        "largest change of a score\n(largest score: 1), log axis": result.error,
        "milliseconds an image": {d: 1e3 * value for d, value in result.seconds.items()},
        "megabytes of parameters": result.megabytes,
    }
    for axes, (title, values) in zip(panels.flat, bars.items(), strict=True):
        drawn = axes.bar([*values], [*values.values()])
        axes.bar_label(drawn, fmt="{:.3g}")
        axes.set_title(title, fontsize=10)
        axes.margins(y=0.15)
    panels[0, 1].set(yscale="log", ylim=(1e-8, 1))
    return {"precisions": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "accuracy in float64, float32 and float16",
            "half floats do not reduce it",
            lambda result: [*result.accuracy.values()],
            lambda v: v[0] >= 0.98 and np.ptp(v) < 0.0015,
            condition="the first is at least 0.98, the others differ by less than 0.0015",
            why="one image of 1,000 is 0.001, and may tip over",
        ),
        Claim(
            "images with another class than in float64: float32, float16",
            None,
            lambda result: [result.unlike["float32"], result.unlike["float16"]],
            lambda v: v[0] == 0 and 0 <= v[1] <= 1,
            condition="the first is 0, the second 0 or 1",
            why="float16 has three digits: one image in doubt may tip over",
        ),
        Claim(
            "type of the scores",
            None,
            lambda result: [str(y.dtype) for y in result.scores.values()],
            lambda v: tuple(v) == DTYPES,
            condition="float64, float32, float16",
            why="else a layer would compute in another precision",
            any_data=True,
        ),
        Claim(
            "largest difference from the scores in float64: float32, float16",
            None,
            lambda result: [result.error["float32"], result.error["float16"]],
            lambda v: 1e-8 < v[0] < 1e-5 and 1e-4 < v[1] < 2e-2,
            condition="the first is from 1e-8 to 1e-5, the second from 1e-4 to 0.02",
            why="float32 has seven digits and float16 three; eight layers lose one",
            digits=2,
            any_data=True,
        ),
    ],
    quick={"images": 50},
)

if __name__ == "__main__":
    experiment.main()
