"""Huang, *Computer Training with MNIST Dataset*: two hidden layers learn digits with Adam.

The network 784-128-64-10 learns for 20 epochs.  The script records loss and accuracy after every
epoch, and the probabilities of the first test image before and after training.  The script
by_hand.py computes each number of such a training.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.functions import softmax
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam
from dlbasics.trainer import Trainer


@dataclass(frozen=True)
class Config:
    """The text's settings.

    Args:
        epochs: The number of epochs, passes over all training images.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate of Adam, about how far a weight moves in an update.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Result(Record):
    """What happened during training.

    Args:
        updates: The number of updates of the parameters.
        train_loss: The mean loss of the mini-batches, by epoch.
        train_acc: The accuracy on the training images, by epoch.
        test_acc: The accuracy on the test images, by epoch.
        image: The first test image, (784,).
        label: The digit that it shows.
        untrained: Its probabilities before training, (10,).
        trained: Its probabilities after training, (10,).
    """

    updates: int
    train_loss: list[float]
    train_acc: list[float]
    test_acc: list[float]
    image: np.ndarray
    label: int
    untrained: np.ndarray
    trained: np.ndarray


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    network = MultiLayerNet(784, [128, 64], 10, rng=rng)
    image = data.x_test[0]
    untrained = softmax(network.predict(image).astype(np.float64))
    trainer = Trainer(
        network,
        data.x_train,
        data.t_train,
        data.x_test,
        data.t_test,
        epochs=config.epochs,
        mini_batch_size=config.batch_size,
        optimizer=Adam(config.learning_rate),
        sampling="epoch",
        verbose=False,
        rng=rng,
    )
    for _ in progress(range(trainer.max_iter)):
        trainer.train_step()
    losses = np.reshape(trainer.train_loss_list, (config.epochs, trainer.iter_per_epoch))
    return Result(
        updates=trainer.current_iter,
        train_loss=losses.mean(axis=1).tolist(),
        train_acc=trainer.train_acc_list,
        test_acc=trainer.test_acc_list,
        image=image,
        label=int(data.t_test[0]),
        untrained=untrained,
        trained=softmax(network.predict(image).astype(np.float64)),
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    epochs = range(1, len(result.train_loss) + 1)
    loss = plotting.curves(
        {"loss": result.train_loss},
        x=epochs,
        xlabel="epoch",
        ylabel="mean loss of the epoch's batches",
        markers=True,
    )
    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=epochs,
        xlabel="epoch",
        ylabel="accuracy",
        markers=True,
    )
    return {"loss": loss, "accuracy": accuracy, "probabilities": probabilities(result)}


def probabilities(result: Result) -> Any:
    """Draw the image, and its ten probabilities before and after training."""
    from dlbasics import plotting

    figure, (picture, before, after) = plotting.subplots(
        1, 3, width=3.2, height=3.2, gridspec_kw={"width_ratios": [0.7, 1, 1]}
    )
    picture.imshow(result.image.reshape(28, 28), cmap="gray_r")
    picture.set(title=f"the first test image, a {result.label}")
    picture.axis("off")
    for axes, when, p in ((before, "before", result.untrained), (after, "after", result.trained)):
        bars = axes.barh(range(10), p)
        axes.bar_label(bars, [written(p_k) for p_k in p], padding=3)
        axes.set(title=f"{when} training", xlabel="probability", xlim=(0, 1.6))
        axes.set(ylabel="digit", yticks=range(10), xticks=(0, 0.5, 1))
        axes.invert_yaxis()
        axes.grid(False)
    return figure


def written(p: float) -> str:
    """Return a probability with two digits, or with all of its nines."""
    return f"{p:.2g}" if p < 0.99 else f"{p:.9f}"


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same("updates", 18_760, lambda result: result.updates),
        Claim.between(
            "training accuracy",
            0.9979,
            lambda result: result.train_acc[-1],
            low=0.99,
            high=1,
            why="it goes up and down from epoch to epoch; below every seed measured",
        ),
        Claim.between(
            "test accuracy",
            None,
            lambda result: result.test_acc[-1],
            low=0.965,
            high=1,
            why="the text prints no number; a margin below every seed measured",
        ),
        Claim.between(
            "probability of the right digit, first test image",
            0.999999166,
            lambda result: float(result.trained[result.label]),
            low=0.99,
            high=1,
            why="the number of nines depends on the seed",
            digits=9,
        ),
    ],
    quick={"epochs": 2},
)

if __name__ == "__main__":
    experiment.main()
