"""*Challenges to Overcome* (chapter 8): what share of its time a network spends in which layer.

The book's figure 8.14 shows the shares for AlexNet.  This script measures them for SimpleConvNet
and DeepConvNet, in the forward and the backward pass, on one core.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.network import Network
from dlbasics.networks import DeepConvNet, SimpleConvNet

COLORS = {
    "Conv": "tab:blue",
    "Relu": "tab:orange",
    "Pool": "tab:green",
    "Affine": "tab:red",
    "Dropout": "tab:purple",
}
"""The color of each kind of layer, by the beginning of its name."""

Times = dict[str, list[float]]


@dataclass(frozen=True)
class Config:
    """The measurement.

    Args:
        batch_size: The number of images in the batch.
        repeats: How often each pass is measured.
    """

    batch_size: int = 100
    repeats: int = 100


@dataclass(frozen=True)
class Result(Record):
    """The times.

    Args:
        seconds: The shortest time for a batch, by network, "forward" or "backward", and layer.
    """

    seconds: dict[str, dict[str, dict[str, float]]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    x = data.x_train[: config.batch_size].reshape(-1, 1, 28, 28)
    t = data.t_train[: config.batch_size]
    networks = {"SimpleConvNet": SimpleConvNet(rng=rng), "DeepConvNet": DeepConvNet(rng=rng)}
    seconds = {
        name: layer_seconds(network, x, t, config.repeats, progress)
        for name, network in networks.items()
    }
    return Result(seconds)


def layer_seconds(
    network: Network, x: np.ndarray, t: np.ndarray, repeats: int, progress: Progress
) -> dict[str, dict[str, float]]:
    """Return the shortest times of each layer's forward and backward pass over the batch.

    A time is longer when other programs use the processor; the shortest is nearest to the truth.
    """
    layers = network.layers
    first = next(iter(layers))
    forward: Times = {name: [] for name in layers}
    backward: Times = {name: [] for name in layers}
    for _ in progress(range(repeats)):
        y = x
        for name, layer in layers.items():
            y = timed(layer.forward, y, forward[name])
        network.last_layer.forward(y, t)
        dout = network.last_layer.backward()
        for name, layer in reversed(layers.items()):
            # Training never computes the first layer's dx, which nothing needs.
            step = layer.backward_params if name == first else layer.backward
            dout = timed(step, dout, backward[name])
    passes = {"forward": forward, "backward": backward}
    return {
        way: {name: min(measured) for name, measured in times.items()}
        for way, times in passes.items()
    }


def timed(step: Callable[[np.ndarray], Any], x: np.ndarray, seconds: list[float]) -> Any:
    """Return step(x), and append the time that it took to `seconds`."""
    start = time.perf_counter()
    y = step(x)
    seconds.append(time.perf_counter() - start)
    return y


def kind_of(layer: str) -> str:
    """Return the kind of a layer: its name without the number."""
    return layer.rstrip("0123456789")


def shares(seconds: dict[str, float]) -> dict[str, float]:
    """Return the share of the time that all layers of each kind take together."""
    total = dict.fromkeys(COLORS, 0.0)
    for layer, value in seconds.items():
        total[kind_of(layer)] += value
    return {kind: value / sum(total.values()) for kind, value in total.items()}


def plot(result: Result) -> dict[str, Any]:
    from matplotlib.patches import Patch

    from dlbasics import plotting

    figure, axes = plotting.subplots(width=11, height=4)
    for network, passes in result.seconds.items():
        for way, seconds in passes.items():
            label = f"{network}\n{way}, {1e3 * sum(seconds.values()):.3g} ms"
            left = 0.0
            for layer, value in seconds.items():
                share = value / sum(seconds.values())
                color = COLORS[kind_of(layer)]
                axes.barh(label, share, left=left, color=color, edgecolor="white")
                if share > 0.045:
                    text = f"{layer}\n{share:.0%}"
                    axes.text(left + share / 2, label, text, ha="center", va="center", fontsize=8)
                left += share
    axes.invert_yaxis()
    axes.grid(False)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set(xlabel="share of the pass, layers in order", xlim=(0, 1))
    patches = [Patch(color=color, label=kind) for kind, color in COLORS.items()]
    axes.legend(
        handles=patches,
        frameon=False,
        ncols=len(COLORS),
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
    )
    return {"figure_8_14": figure}


def forward_claim(network: str) -> Claim:
    """Return the claim that convolutions take most of the forward time."""

    def conv_and_next(result: Result) -> list[float]:
        share = shares(result.seconds[network]["forward"])
        return [share["Conv"], max(value for kind, value in share.items() if kind != "Conv")]

    return Claim.shown(
        f"share of the forward time, {network}: convolutions, and the next kind of layer",
        "AlexNet: 0.89 on a CPU, 0.95 on a GPU",
        conv_and_next,
        digits=2,
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[forward_claim("SimpleConvNet"), forward_claim("DeepConvNet")],
    quick={"repeats": 3},
)

if __name__ == "__main__":
    experiment.main()
