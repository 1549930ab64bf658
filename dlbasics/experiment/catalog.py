"""The chapters and their experiments, in reading order; the scripts are imported by name."""

import ast
import importlib
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import dlbasics

if TYPE_CHECKING:
    from dlbasics.experiment.experiment import Experiment

ROOT = Path(dlbasics.__file__).parent.parent
"""The folder of the chapters' folders: that of the project, or site-packages."""


@dataclass(frozen=True)
class Chapter:
    """A chapter.

    Attributes:
        number: The number of the chapter.
        folder: The name of its folder.
        title: What it is about.
        scripts: The names of its experiments.
    """

    number: int
    folder: str
    title: str
    scripts: tuple[str, ...]

    @property
    def entries(self) -> list["Entry"]:
        """The chapter's experiments."""
        return [Entry(self.folder, script) for script in self.scripts]


@dataclass(frozen=True)
class Entry:
    """An experiment of the catalogue, which is not imported yet.

    Attributes:
        folder: The folder of its chapter.
        script: The name of its script.
    """

    folder: str
    script: str

    @property
    def name(self) -> str:
        """The name of the experiment, such as 'ch05_backprop/train_neuralnet'."""
        return f"{self.folder}/{self.script}"

    @property
    def path(self) -> Path:
        """The file of the script."""
        return ROOT / self.folder / f"{self.script}.py"

    @property
    def doc(self) -> str:
        """The description at the head of the script, which is read and not imported."""
        return ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or ""

    @property
    def title(self) -> str:
        """The first line of the description."""
        return self.doc.split("\n")[0]

    @property
    def is_long(self) -> bool:
        """Whether the experiment takes half an hour or more."""
        return self.name in LONG

    @property
    def is_timed(self) -> bool:
        """Whether the experiment measures times, which others that run beside it would change."""
        return self.name in TIMED

    def load(self) -> "Experiment":
        """Import the script, and return its experiment."""
        experiment: Experiment = importlib.import_module(f"{self.folder}.{self.script}").experiment
        return experiment


CHAPTERS = (
    Chapter(
        2,
        "ch02_perceptron",
        "Perceptrons",
        ("gates", "regions", "learning_rule", "adders", "parity"),
    ),
    Chapter(
        3,
        "ch03_forward",
        "The forward pass",
        (
            "activation_functions",
            "linear_layers",
            "matrix_products",
            "three_layer_net",
            "softmax_overflow",
            "show_mnist",
            "show_digits",
            "draw_digit",
            "train_weights",
            "neuralnet_mnist",
        ),
    ),
    Chapter(
        4,
        "ch04_training",
        "Training by numerical gradients",
        (
            "loss_functions",
            "accuracy_staircase",
            "step_and_sigmoid",
            "rounding_error",
            "numerical_differentiation",
            "gradient_field",
            "gradient_descent",
            "equal_areas",
            "simple_net",
            "train_neuralnet",
        ),
    ),
    Chapter(
        5,
        "ch05_backprop",
        "Backpropagation",
        (
            "computational_graphs",
            "buy_apple",
            "buy_apple_orange",
            "layers_by_example",
            "scores",
            "gradient_check",
            "train_neuralnet",
            "exercises",
            "graphs_in_pytorch",
            "three_problems",
            "by_hand",
            "update_tables",
            "train_two_hidden_layers",
            "central_differences",
            "without_biases",
        ),
    ),
    Chapter(
        6,
        "ch06_techniques",
        "Techniques for training",
        (
            "optimizer_compare_naive",
            "optimizer_compare_mnist",
            "equal_weights",
            "weight_init_activation_histogram",
            "weight_init_compare",
            "batch_norm_gradient_check",
            "batch_norm_test",
            "batch_norm_promises",
            "overfit_weight_decay",
            "overfit_dropout",
            "hyperparameter_optimization",
            "l1_against_l2",
            "hidden_nodes",
            "batch_sizes",
            "regularization_grid",
            "deep_sigmoid",
            "dataset_normalization",
            "learning_rate_decay",
            "early_stopping",
            "label_noise",
            "ensemble",
        ),
    ),
    Chapter(
        7,
        "ch07_cnn",
        "Convolutional networks",
        (
            "im2col_drawn",
            "seven_loops",
            "gradient_check",
            "train_convnet",
            "visualize_filter",
            "apply_filter",
            "alexnet",
            "pooling_shift",
        ),
    ),
    Chapter(
        8,
        "ch08_deep",
        "Deep learning",
        (
            "train_deepnet",
            "misclassified_mnist",
            "half_float_network",
            "fewer_bits",
            "small_filters",
            "vgg",
            "inception",
            "transfer_learning",
            "depth_and_skips",
            "where_time_goes",
            "train_distributed",
            "augmentation_samples",
            "digits_on_paper",
            "drawn_digits",
            "best",
        ),
    ),
)

LONG = {"ch08_deep/best"}

TIMED = {
    "ch03_forward/neuralnet_mnist",
    "ch05_backprop/central_differences",
    "ch06_techniques/batch_sizes",
    "ch06_techniques/hidden_nodes",
    "ch07_cnn/seven_loops",
    "ch08_deep/fewer_bits",
    "ch08_deep/half_float_network",
    "ch08_deep/train_distributed",
    "ch08_deep/where_time_goes",
}


def entries() -> list[Entry]:
    """Return all experiments, in reading order."""
    return [entry for chapter in CHAPTERS for entry in chapter.entries]


def find_chapter(name: str) -> Chapter | None:
    """Return the chapter that is called '5', 'ch5', 'ch05' or 'ch05_backprop'; None if none is."""
    number = re.fullmatch(r"(?:ch)?0?(\d)", name)
    for chapter in CHAPTERS:
        if name == chapter.folder or (number and int(number[1]) == chapter.number):
            return chapter
    return None


def find(name: str) -> list[Entry]:
    """Return the experiments that are called so; several if two chapters have the name.

    Args:
        name: The name of a script, alone or after its chapter, in any of the ways in which people
            write it: 'train_convnet', 'ch07/train_convnet', 'ch07_cnn/train_convnet.py',
            'ch07_cnn.train_convnet'.
    """
    name = name.strip().replace("\\", "/").removeprefix("./").removesuffix(".py")
    folder, _, script = name.replace(".", "/").rpartition("/")
    found = [entry for entry in entries() if entry.script == script]
    if folder:
        chapter = find_chapter(folder.rpartition("/")[2])
        found = [entry for entry in found if chapter and entry.folder == chapter.folder]
    return found


def similar(name: str) -> list[Entry]:
    """Return the experiments with the names most like this one."""
    script = re.split(r"[/\\.]", name.removesuffix(".py"))[-1]
    names = {entry.script for entry in entries()}
    close = get_close_matches(script, names, n=3, cutoff=0.6)
    close += [other for other in sorted(names) if script and script in other and other not in close]
    return [entry for other in close for entry in entries() if entry.script == other]
