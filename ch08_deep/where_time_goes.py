"""Issues to be Solved (chapter 8): what share of its time a network spends in which layer.

As figure 8.14 has it for AlexNet, here for our own two networks, forward and backward, one core.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics._internal.halves import in_working_order
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.network import Network
from dlbasics.networks import DeepConvNet, SimpleConvNet
from dlbasics.typing import Array, RngLike

COLORS = {
    "Conv": "tab:blue",
    "Relu": "tab:orange",
    "Pool": "tab:green",
    "Affine": "tab:red",
    "Dropout": "tab:purple",
}
"""By kind of layer, as the layers' names begin."""

Times = dict[str, list[float]]


@dataclass(frozen=True)
class Config:
    batch_size: int = 100
    repeats: int = 100


@dataclass(frozen=True)
class Result:
    """By network, "forward" or "backward", and layer: the least seconds for a batch."""

    seconds: dict[str, dict[str, dict[str, float]]]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    x = data.x_train[: config.batch_size].reshape(-1, 1, 28, 28)
    t = data.t_train[: config.batch_size]
    networks = {"SimpleConvNet": SimpleConvNet(rng=rng), "DeepConvNet": DeepConvNet(rng=rng)}
    seconds = {
        name: layer_seconds(network, x, t, config.repeats, progress)
        for name, network in networks.items()
    }
    return Result(seconds)


def layer_seconds(
    network: Network, x: Array, t: Array, repeats: int, progress: Progress
) -> dict[str, dict[str, float]]:
    """The least seconds of each layer's forward and backward pass over the batch.

    The least of all repeats: what other programs take of the processor is not the layer's.
    """
    names = {layer: name for name, layer in network.layers.items()}
    # As `Network.gradient` has them: max pooling before ReLU.
    layers = {names[layer]: layer for layer in in_working_order([*names])}
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
            # The first layer's dx is of no use, and never computed in training.
            step = layer.backward_params if name == first else layer.backward
            dout = timed(step, dout, backward[name])
    passes = {"forward": forward, "backward": backward}
    return {
        way: {name: min(measured) for name, measured in times.items()}
        for way, times in passes.items()
    }


def timed(step: Callable[[Array], Any], x: Array, seconds: list[float]) -> Any:
    """step(x), after which `seconds` has one more entry."""
    start = time.perf_counter()
    y = step(x)
    seconds.append(time.perf_counter() - start)
    return y


def kind_of(layer: str) -> str:
    return layer.rstrip("0123456789")


def shares(seconds: dict[str, float]) -> dict[str, float]:
    """The share of the time that each kind of layer takes, all its layers together."""
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
    def conv_and_next(result: Result) -> list[float]:
        share = shares(result.seconds[network]["forward"])
        return [share["Conv"], max(value for kind, value in share.items() if kind != "Conv")]

    return Claim(
        f"share of the forward time, {network}: convolutions, and the next kind of layer",
        "AlexNet: 0.89 on a CPU, 0.95 on a GPU",
        conv_and_next,
        lambda v: v[0] > v[1],
        digits=2,
        any_data=True,
    )


CLAIMS = [forward_claim("SimpleConvNet"), forward_claim("DeepConvNet")]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"repeats": 3})
