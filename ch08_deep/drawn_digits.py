"""Takahashi, *Accuracy outside MNIST Dataset*: why a network of MNIST does not read what you draw.

The text's program reads a digit drawn by mouse on a canvas of 28x28 pixels.  Its network is right
on about 95% of MNIST, and on about 20% of such drawings; the text leaves the cause open.  The
script draws digits as people do, and measures what each step from a drawing to an image like
MNIST's is worth: all steps, all but one, and one after another.  Then it does what the text's
program does, with a network as the text trains it.  The text does not say which colour the ink has
and how wide the pen is, so the script tries both colours and three pens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch03_forward.show_mnist import img_show
from ch08_deep.strokes import KINDS, Drawing, draw_strokes, picture
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.network import Network
from dlbasics.networks import TwoLayerNet
from dlbasics.optimizers import SGD
from dlbasics.pad.networks import probabilities, shipped_networks
from dlbasics.pad.steps import STEPS, as_mnist

LEFT_OUT = {
    "all steps": (),
    **{f"without {step}": (step,) for step in STEPS},
    "no step": tuple(STEPS),
    **{f"up to {step}": tuple(STEPS)[i + 1 :] for i, step in enumerate(STEPS)},
}
"""The steps that are left out."""

CANVAS = 28
"""The side of the text's canvas, in pixels."""

CANVAS_KINDS = ("usual", "off-centre", "large")
"""The kinds of drawings on the text's canvas, on which a small digit has too few pixels."""

PENS = (1, 2, 3)
"""The widths of the pen on the text's canvas, in pixels."""


@dataclass(frozen=True)
class Config:
    """The drawings, and the text's network.

    Args:
        drawings: The number of drawings of each kind.
        hidden_size: The number of neurons in the hidden layer of the text's network.  The text has
            50 to 300.
        epochs: How often the text's network sees all training images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by SGD moves the weights.
    """

    drawings: int = 200
    hidden_size: int = 100
    epochs: int = 50
    batch_size: int = 100
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Result(Record):
    """What the networks read.

    Args:
        accuracy: The accuracy of each network, by what is left out (`LEFT_OUT`).
        kinds: The accuracy of each network with all steps, by the kind of the drawings.
        on_mnist: The accuracy of the text's network on MNIST's test images.
        on_canvas: Its accuracy on the text's canvas, by the kind of the drawings and the width of
            the pen: dark ink on light paper, light on dark, and after all steps.
        shown: A drawing of each digit, by kind: what is drawn, and what a network sees after all
            steps.
        canvases: Drawings on the text's canvas, by kind, with the second pen: light ink on dark.
    """

    accuracy: dict[str, dict[str, float]]
    kinds: dict[str, dict[str, float]]
    on_mnist: float
    on_canvas: dict[str, dict[int, tuple[float, float, float]]]
    shown: dict[str, tuple[np.ndarray, np.ndarray]]
    canvases: dict[str, np.ndarray]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    t = np.arange(config.drawings) % 10
    drawings = {kind: draw_strokes(t, rng, kind) for kind in KINDS}
    sheets = {kind: [picture(*drawing) for drawing in drawings[kind]] for kind in KINDS}

    networks = shipped_networks()
    right: dict[tuple[str, ...], dict[str, np.ndarray]] = {}
    for left_out in progress([*dict.fromkeys(LEFT_OUT.values())]):
        images = np.array([image(sheet, left_out) for kind in KINDS for sheet in sheets[kind]])
        right[left_out] = {
            name: probabilities(network, images).argmax(axis=1).reshape(len(KINDS), -1) == t
            for name, network in networks.items()
        }
        if not left_out:
            seen = images.reshape(len(KINDS), -1, 28, 28)

    network = text_network(config, data, rng, progress)
    on_canvas: dict[str, dict[int, tuple[float, float, float]]] = {}
    canvases = {}
    for kind in CANVAS_KINDS:
        inks = {p: np.array([on_canvas_of(drawing, p) for drawing in drawings[kind]]) for p in PENS}
        on_canvas[kind] = {pen: read_canvas(network, ink, t) for pen, ink in inks.items()}
        canvases[kind] = inks[PENS[1]][:10]
    return Result(
        accuracy={
            name: {what: float(right[out][name].mean()) for what, out in LEFT_OUT.items()}
            for name in networks
        },
        kinds={
            name: dict(zip(KINDS, right[()][name].mean(axis=1).tolist(), strict=True))
            for name in networks
        },
        on_mnist=network.accuracy(data.x_test, data.t_test),
        on_canvas=on_canvas,
        shown={k: (np.array(sheets[k][:10]), seen[i, :10]) for i, k in enumerate(KINDS)},
        canvases=canvases,
    )


def read_canvas(network: Network, ink: np.ndarray, t: np.ndarray) -> tuple[float, float, float]:
    """Return the accuracy on dark ink on light paper, on light on dark, and after all steps."""
    normalized = np.array([image(1 - x) for x in ink])
    dark, light, steps = (
        float(np.mean(probabilities(network, x).argmax(axis=1) == t))
        for x in (1 - ink, ink, normalized)
    )
    return dark, light, steps


def image(sheet: np.ndarray, left_out: tuple[str, ...] = ()) -> np.ndarray:
    """Return what a network sees of a sheet, (28, 28)."""
    return as_mnist(sheet, left_out)[-1].picture


def text_network(config: Config, data: Data, rng: Generator, progress: Progress) -> Network:
    """Train a network as Takahashi, table 4.3, does."""
    network = TwoLayerNet(784, config.hidden_size, 10, rng=rng)
    optimizer = SGD(config.learning_rate)
    count = len(data.x_train)
    for _ in progress(range(config.epochs * count // config.batch_size)):
        batch = rng.integers(count, size=config.batch_size)
        grads = network.gradient(data.x_train[batch], data.t_train[batch])
        optimizer.update(network.params, grads)
    return network


def on_canvas_of(drawing: Drawing, pen: int) -> np.ndarray:
    """Return a drawing on the text's canvas: 1 where the pen was, and 0 elsewhere.

    The mouse is in one of the canvas's pixels, and each pixel has ink or none, as tkinter draws.
    """
    strokes = [
        (np.minimum(np.floor(stroke * CANVAS), CANVAS - 1) + 0.5) / CANVAS
        for stroke in drawing.strokes
    ]
    return (picture(strokes, pen / CANVAS, CANVAS) < 128).astype(np.float32)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 2, width=4.7, height=4.6)
    names = {
        "each step left out": ["all steps", *(f"without {step}" for step in STEPS)],
        "one step after another": ["no step", *(f"up to {step}" for step in STEPS)],
    }
    for axes, (title, rows) in zip(panels, names.items(), strict=True):
        for i, (name, accuracy) in enumerate(result.accuracy.items()):
            places = np.arange(len(rows)) + 0.27 * (i - 1)
            bars = axes.barh(places, [100 * accuracy[row] for row in rows], 0.25, label=name)
            axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)
        axes.set_yticks(range(len(rows)), rows)
        axes.invert_yaxis()
        axes.set_xlim(0, 112)
        axes.set_xlabel("accuracy in %")
        axes.set_title(title)
    panels[1].legend(fontsize=8, loc="upper right")

    columns = len(next(iter(result.canvases.values())))
    size: dict[str, Any] = {"width": 0.75, "squeeze": False}
    drawn, grid = plotting.subplots(2 * len(result.shown), columns, height=0.75, **size)
    for i, (kind, pictures) in enumerate(result.shown.items()):
        for row, images in zip(grid[2 * i : 2 * i + 2], pictures, strict=True):
            for axes, x in zip(row, images, strict=True):
                img_show(axes, x / (255 if x.dtype == np.uint8 else 1), " " if x.size > 784 else "")
        write_above(grid[2 * i, 0], kind)

    canvas, grid = plotting.subplots(len(result.canvases), columns, height=0.9, **size)
    for row, (kind, images) in zip(grid, result.canvases.items(), strict=True):
        for axes, x in zip(row, images, strict=True):
            img_show(axes, x, " ")
        dark, light, steps = (f"{accuracy:.0%}" for accuracy in means(result, kind))
        texts = f"dark on light {dark}", f"light on dark {light}", f"after all steps {steps}"
        write_above(row[0], f"{kind}: {', '.join(texts)}")
    return {"steps": figure, "drawings": drawn, "canvas": canvas}


def write_above(axes: Any, text: str) -> None:
    """Write a text that may be wider than the axes, and takes no room from those beside them."""
    axes.text(0, 1.08, text, transform=axes.transAxes, fontsize=9).set_in_layout(False)


def means(result: Result, kind: str) -> list[float]:
    """Return the accuracies on the text's canvas, as the mean over the pens."""
    return np.mean([*result.on_canvas[kind].values()], axis=0).tolist()


def lost(accuracy: dict[str, float], step: str) -> float:
    """Return how much lower the accuracy is without a step."""
    return accuracy["all steps"] - accuracy[f"without {step}"]


def on_canvas(i: int) -> Callable[[Result], list[float]]:
    """Return the function that finds the accuracy i of `means` for each kind of drawings."""
    return lambda result: [means(result, kind)[i] for kind in CANVAS_KINDS]


ON_CANVAS = f"on the text's canvas, {', '.join(CANVAS_KINDS)}"

experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "accuracy of the text's network on MNIST",
            0.95,
            lambda r: r.on_mnist,
            0.94,
            1,
            why="the text says 'about'; it may be better, for the text's settings vary",
        ),
        Claim.between(
            f"{ON_CANVAS}: dark ink on light",
            0.2,
            on_canvas(0),
            0,
            0.2,
            why="the text has 'around 20%'; dark ink may be worse, a guess is right at 0.1",
            digits=2,
        ),
        Claim(
            f"{ON_CANVAS}: light ink on dark",
            0.2,
            on_canvas(1),
            lambda v: v[1] < 0.2 < v[2] < v[0] < 0.9,
            condition="second < 0.2 < third < first < 0.9",
            why="the text's 'around 20%' lies between digits off the middle and large ones",
            digits=2,
        ),
        Claim.between(
            f"{ON_CANVAS}: after all steps",
            None,
            on_canvas(2),
            0.75,
            1,
            why="far from 20%; a tenth below what was measured",
            digits=2,
        ),
        Claim(
            "accuracy of DeepConvNet on all drawings: all steps, no step",
            None,
            lambda r: [r.accuracy["DeepConvNet"][name] for name in ("all steps", "no step")],
            lambda v: v[0] >= 0.95 and v[1] < 0.5,
            condition="the first is at least 0.95, the second below 0.5",
            why="the pad shall read 19 of 20; without the steps less than every second",
            any_data=True,
        ),
        Claim.between(
            "accuracy of TwoLayerNet and SimpleConvNet with all steps",
            None,
            lambda r: [r.accuracy[name]["all steps"] for name in ("TwoLayerNet", "SimpleConvNet")],
            0.95,
            1,
            why="some points below what was measured; which is better depends on the seed",
        ),
        *(
            Claim(
                f"what {name} loses without {', '.join(STEPS)}",
                None,
                lambda r, name=name: [lost(r.accuracy[name], step) for step in STEPS],
                lambda v: v[0] == max(v),
                condition="the first is the largest",
                why="dark ink stays dark: no other step changes as much",
                digits=2,
            )
            for name in ("TwoLayerNet", "SimpleConvNet", "DeepConvNet")
        ),
    ],
    quick={"drawings": 4, "epochs": 1},
)

if __name__ == "__main__":
    experiment.main()
