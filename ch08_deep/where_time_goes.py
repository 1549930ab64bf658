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

Times = dict[str, list[float]]


@dataclass(frozen=True)
class Config:
    """The measurement.

    Args:
        batch_size: The number of images that pass the layers together.
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
    total: dict[str, float] = {}
    for layer, value in seconds.items():
        total[kind_of(layer)] = total.get(kind_of(layer), 0) + value
    return {kind: value / sum(total.values()) for kind, value in total.items()}


def plot(result: Result) -> dict[str, Any]:
    """Draw two bars for each layer, in the order of `summary`: its share of either pass."""
    from dlbasics import plotting

    passes = result.seconds.values()
    figure, panels = plotting.subplots(
        len(passes),
        1,
        width=8,
        height=3.8,
        sharex=True,
        gridspec_kw={"height_ratios": [len(seconds["forward"]) for seconds in passes]},
    )
    for axes, (network, both) in zip(panels, result.seconds.items(), strict=True):
        titles = []
        for i, (way, seconds) in enumerate(both.items()):
            total = sum(seconds.values())
            share = [value / total for value in seconds.values()]
            bars = axes.barh(np.arange(len(share)) + 0.4 * (i - 0.5), share, 0.4, label=way)
            texts = [f"{value:.0%}" if value >= 0.005 else "" for value in share]
            axes.bar_label(bars, texts, fontsize=7, padding=2)
            titles.append(f"{way} {1e3 * total:.3g} ms, {shares(seconds)['Conv']:.0%} in Conv")
        axes.set_yticks(range(len(seconds)), seconds)
        axes.margins(y=0.01)
        axes.invert_yaxis()
        axes.set_title(f"{network}: {'; '.join(titles)}", fontsize=10)
        axes.xaxis.set_major_formatter("{x:.0%}")
    panels[-1].set_xlabel("share of the time of the pass")
    panels[-1].legend(frameon=False, loc="lower right")
    return {"figure_8_14": figure}


def forward_claim(network: str) -> Claim:
    """Return the claim that convolutions take most of the forward time."""

    def conv_and_next(result: Result) -> list[float]:
        share = shares(result.seconds[network]["forward"])
        return [share["Conv"], max(value for kind, value in share.items() if kind != "Conv")]

    return Claim.shown(
        f"share of the forward time, {network}: convolutions, next kind",
        "0.89 in AlexNet",
        conv_and_next,
        printed=True,
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
