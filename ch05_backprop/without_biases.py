"""Tilk, *Efficient implementation*: a network of two matrices, without biases.

The script trains the network y = softmax(sigmoid(x W1) W2) with matrix formulas instead of layers,
and compares the formulas with the gradients of the layers.  It also trains the network with biases,
from the same weights and on the same batches, to see what the missing biases cost.

The formulas of the text are for one sample, and so is its update.  A third training takes a single
image for each update.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import one_hot
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.functions import sigmoid, softmax
from dlbasics.initializers import xavier
from dlbasics.layers import Affine, Sigmoid
from dlbasics.network import Network
from dlbasics.optimizers import SGD


@dataclass(frozen=True)
class Config:
    """The settings of chapter 5.

    Args:
        hidden_size: The number of hidden neurons.
        iters_num: The number of training iterations, each an update from one mini-batch.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate, the factor of the gradient in an update.
        networks: The number of networks of each kind, each with weights of its own.
        single_updates: The number of updates from a single image.
    """

    hidden_size: int = 50
    iters_num: int = 10_000
    batch_size: int = 100
    learning_rate: float = 0.1
    networks: int = 3
    single_updates: int = 20_000


@dataclass(frozen=True)
class Result(Record):
    """What the formulas compute, and how well both kinds of network learn.

    Args:
        gradient_difference: The largest difference between the gradients of formulas and layers,
            in float64, after training.
        largest_gradient: The largest absolute value of these gradients.
        epochs: The number of epochs before each evaluation.
        test_acc: The accuracy on the test images for the kinds "without" and "with" biases,
            (networks, evaluations).
        single_difference: The largest difference between the weights after an update from one image
            by the formulas, and by the layers with SGD, in float64.
        single_losses: The loss of this image before and after the update.
        single_acc: The accuracy on the test images after the updates from single images.
        batch_acc: The accuracy on the test images after mini-batches of as many images, from the
            same weights.
    """

    gradient_difference: float
    largest_gradient: float
    epochs: list[float]
    test_acc: dict[str, np.ndarray]
    single_difference: float
    single_losses: tuple[float, float]
    single_acc: float
    batch_acc: float


def predict(x: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs of both layers, y1 (N, hidden) and y2 (N, 10), for x (N, 784)."""
    y1 = sigmoid(x @ W1)
    y2 = softmax(y1 @ W2)
    return y1, y2


def gradients(
    x: np.ndarray, t: np.ndarray, W1: np.ndarray, W2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return dW1 and dW2 of the mean cross-entropy, for one-hot labels t (N, 10).

    The text's formulas are for one sample; here they are divided by N.
    """
    y1, y2 = predict(x, W1, W2)
    error = (y2 - t) / len(x)
    dW2 = y1.T @ error
    dW1 = x.T @ (error @ W2.T * y1 * (1 - y1))
    return dW1, dW2


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    iter_per_epoch = math.ceil(len(data.x_train) / config.batch_size)
    evaluated_at = [*range(0, config.iters_num, iter_per_epoch), config.iters_num]
    test_acc: dict[str, list[list[float]]] = {"without": [], "with": []}

    for _ in range(config.networks):
        W1, W2 = (
            xavier(shape, rng).astype(np.float32)
            for shape in ((784, config.hidden_size), (config.hidden_size, 10))
        )
        network, optimizer = network_with_biases(W1, W2), SGD(config.learning_rate)
        accuracies = [accuracies_of(W1, W2, network, data)]
        for i in progress(range(1, config.iters_num + 1)):
            batch_mask = rng.choice(len(data.x_train), config.batch_size)
            x_batch, t_batch = data.x_train[batch_mask], data.t_train[batch_mask]

            update(x_batch, t_batch, W1, W2, config.learning_rate)
            optimizer.update(network.params, network.gradient(x_batch, t_batch))
            if i in evaluated_at:
                accuracies.append(accuracies_of(W1, W2, network, data))
        without, with_biases = zip(*accuracies, strict=True)
        test_acc["without"].append([*without])
        test_acc["with"].append([*with_biases])

    x, t = data.x_train[: config.batch_size], data.t_train[: config.batch_size]
    difference, largest = compare(x, t, W1, W2)
    return Result(
        gradient_difference=difference,
        largest_gradient=largest,
        epochs=[i / iter_per_epoch for i in evaluated_at],
        test_acc={kind: np.array(rows) for kind, rows in test_acc.items()},
        **single_samples(config, data, rng),
    )


def single_samples(config: Config, data: Data, rng: Generator) -> dict[str, Any]:
    """Train with updates from single images, and with mini-batches of as many images."""
    first = [xavier((784, config.hidden_size), rng), xavier((config.hidden_size, 10), rng)]
    x, t = data.x_train[:1].astype(np.float64), data.t_train[:1]
    accuracies = []
    for batch_size in (1, config.batch_size):
        W1, W2 = (W.astype(np.float32) for W in first)
        for _ in range(-(-config.single_updates // batch_size)):
            chosen = rng.choice(len(data.x_train), batch_size)
            update(data.x_train[chosen], data.t_train[chosen], W1, W2, config.learning_rate)
        accuracies.append(np.mean(predict(data.x_test, W1, W2)[1].argmax(axis=1) == data.t_test))

    W1, W2 = (W.copy() for W in first)
    network = Network([Affine(first[0], None), Sigmoid(), Affine(first[1], None)])
    loss = network.loss(x, t)
    SGD(config.learning_rate).update(network.params, network.gradient(x, t))
    update(x, t, W1, W2, config.learning_rate)
    return {
        "single_difference": max(
            float(np.abs(W - network.params[key]).max()) for key, W in (("W1", W1), ("W2", W2))
        ),
        "single_losses": (loss, network.loss(x, t)),
        "single_acc": float(accuracies[0]),
        "batch_acc": float(accuracies[1]),
    }


def update(
    x: np.ndarray, t: np.ndarray, W1: np.ndarray, W2: np.ndarray, learning_rate: float
) -> None:
    """Change both matrices in place: W <- W - alpha dE/dW."""
    dW1, dW2 = gradients(x, one_hot(t), W1, W2)
    W1 -= learning_rate * dW1
    W2 -= learning_rate * dW2


def network_with_biases(W1: np.ndarray, W2: np.ndarray) -> Network:
    """Return the same network made of layers, with copies of these weights and biases of 0."""
    return Network(
        [
            Affine(W1.copy(), np.zeros(W1.shape[1], W1.dtype)),
            Sigmoid(),
            Affine(W2.copy(), np.zeros(W2.shape[1], W2.dtype)),
        ]
    )


def accuracies_of(
    W1: np.ndarray, W2: np.ndarray, network: Network, data: Data
) -> tuple[float, float]:
    """Return the accuracies of the two matrices and of the network on the test images."""
    _, y2 = predict(data.x_test, W1, W2)
    without = float(np.mean(y2.argmax(axis=1) == data.t_test))
    return without, network.accuracy(data.x_test, data.t_test)


def compare(x: np.ndarray, t: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> tuple[float, float]:
    """Return the largest difference between the gradients of formulas and layers, in float64.

    The second number is the largest absolute value of the gradients.
    """
    x, W1, W2 = (array.astype(np.float64) for array in (x, W1, W2))
    layers = Network([Affine(W1, None), Sigmoid(), Affine(W2, None)]).gradient(x, t)
    formulas = gradients(x, one_hot(t).astype(np.float64), W1, W2)
    pairs = [*zip(formulas, (layers["W1"], layers["W2"]), strict=True)]
    difference = max(float(np.abs(formula - layer).max()) for formula, layer in pairs)
    return difference, max(float(np.abs(formula).max()) for formula, _ in pairs)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (accuracy, cost) = plotting.subplots(1, 2, width=4.5)
    for kind, style in (("with", {"linewidth": 5, "alpha": 0.5}), ("without", {"marker": "o"})):
        untrained, *mean = result.test_acc[kind].mean(axis=0)
        accuracy.plot(result.epochs[1:], mean, label=f"{kind} biases", markersize=4, **style)
    accuracy.set(xlabel="epoch", ylabel=f"test accuracy (before training: {untrained:.2f})")
    accuracy.set_title("mean of the networks of a kind", fontsize=10)
    accuracy.legend(frameon=False, loc="lower right")
    for costs in 100 * (result.test_acc["with"] - result.test_acc["without"]):
        cost.plot(result.epochs, costs, marker="o", markersize=4)
    cost.axhline(0, color="black", linewidth=0.8)
    cost.set(xlabel="epoch", ylabel="with minus without biases, percentage points")
    cost.set_title("a line for each pair of networks", fontsize=10)
    return {"accuracy": figure}


def final_accuracy(result: Result, kind: str) -> float:
    """Return the mean accuracy of all networks of that kind after training."""
    return float(result.test_acc[kind][:, -1].mean())


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "largest difference of the gradients of formulas and layers, largest gradient",
            None,
            lambda result: [result.gradient_difference, result.largest_gradient],
            lambda v: 0 <= v[0] <= 1e-12 and v[1] >= 1e-4,
            "the first from 0 to 1e-12, the second at least 1e-04",
            "float64 rounds in the sixteenth digit; the gradients are far above that",
            digits=2,
            any_data=True,
        ),
        Claim.between(
            "test accuracy without and with biases",
            None,
            lambda result: [final_accuracy(result, kind) for kind in ("without", "with")],
            low=0.92,
            high=1,
            why="the text prints no number; a margin below every seed measured",
        ),
        Claim.between(
            "test accuracy with minus without biases, each pair of networks",
            None,
            lambda result: result.test_acc["with"][:, -1] - result.test_acc["without"][:, -1],
            low=-0.01,
            high=0.01,
            why="a percentage point is little; far above every seed measured",
            digits=1,
        ),
        Claim.between(
            "update from one image: largest difference of a weight, formulas and layers",
            None,
            lambda result: result.single_difference,
            low=0,
            high=1e-12,
            why="float64 rounds in the sixteenth digit",
            digits=2,
            any_data=True,
        ),
        Claim(
            "loss of the image before and after this update",
            None,
            lambda result: result.single_losses,
            lambda v: 0 < v[1] < v[0],
            "the second is smaller, and above 0",
            "one step against the gradient lowers the loss of its image",
            digits=3,
            any_data=True,
        ),
        Claim(
            "test accuracy: updates from single images, from mini-batches of as many",
            None,
            lambda result: [result.single_acc, result.batch_acc],
            lambda v: 0.85 <= v[0] <= 1 and 0.3 <= v[1] < v[0],
            "the first from 0.85 to 1, the second at least 0.3 and smaller",
            "mini-batches make fewer updates; margins below every seed measured",
        ),
    ],
    quick={"iters_num": 100, "networks": 1, "single_updates": 500},
)

if __name__ == "__main__":
    experiment.main()
