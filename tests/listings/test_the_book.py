"""Every listing of the book itself, where the texts are: only those with misprints fail.

The test reads the listings out of the book, changes their import lines as docs/names.md says, and
runs them in their order.  Nothing of the book is kept here.
"""

import re
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlbasics.data import one_hot
from tests.docs.texts import BOOK
from tests.listings.helpers import check, run
from tests.listings.misprints import MISPRINTS
from tests.listings.test_imports import LOAD_MNIST, ROWS

GIVEN = """
from dlbasics.functions import *
from dlbasics.gradient import *
from dlbasics.layers import *
from dlbasics.optimizers import *
from dlbasics.columns import *
from dlbasics.data import shuffle_dataset
from dlbasics.networks import MultiLayerNet, TwoLayerNet
import matplotlib.pyplot as plt
AND = NAND = OR = lambda x1, x2: 1
A1, W2, B2 = np.zeros(3), np.zeros((3, 2)), np.zeros(2)
x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
y = x > 0
class simpleNet:
    def __init__(self):
        self.W = np.zeros((2, 3))
    def predict(self, x):
        return np.dot(x, self.W)
    def loss(self, x, t):
        return cross_entropy_error(softmax(self.predict(x)), t)
net = simpleNet()
mul_apple_layer, mul_tax_layer = MulLayer(), MulLayer()
price = mul_tax_layer.forward(mul_apple_layer.forward(100, 2), 1.1)
function_1 = function_2 = function_tmp1 = function_tmp2 = lambda x: np.sum(x**2)
x_train, t_train = np.zeros((20, 784)), np.zeros(20, dtype=int)
x_test, t_test = x_train, t_train
activations, node_num = {0: np.zeros(3)}, 100
exp_a, sum_exp_a = np.ones(3), 3
init_x = np.array([-3.0, 4.0])
"""
"""What the listings of a section may need of those before it."""

SMALLER = {"iters_num = 10000": "iters_num = 3", "hidden_size=50": "hidden_size=2"}
NO_PROGRAMS = {
    "Matrix Multiplication": ["ValueError", "SyntaxError"],  # an error is shown, and its message
    "Implementing Signal Transmission in Each Layer": ["NameError"],  # two listings, one misprint
    "Inference for Neural Network": ["NameError"],  # calls functions of the listing that fails
    "Batch Processing": ["NameError"] * 2,  # the same
    "SGD": ["TypeError"],  # said to be no program
    "Implementing Hyperparameter Optimization": ["SyntaxError"],  # what is printed
    "Implementing a Convolution Layer": ["NameError"],  # the arguments of im2col
    "Implementing a CNN": ["NameError"],  # two parts of a method, a misprint each
}
"""Errors of listings that are no programs, or that follow from another listing's error."""


def load_mnist(normalize=True, flatten=True, one_hot_label=False):
    """Return a few images in place of MNIST's."""
    x, t = np.ones((120, 784)), np.arange(120) % 10
    if not normalize:
        x = np.uint8(x)
    labels = one_hot(t) if one_hot_label else t
    return (x, labels), (x, labels)


def listings():
    """Yield the chapter, the section and the text of each listing; page breaks do not divide it."""
    titles = set(re.findall(r"^(\S.*)\t\d+$", BOOK.raw(), flags=re.MULTILINE))
    lines = BOOK.raw().splitlines()
    start, end = lines.index("Perceptrons"), lines.index("Appendix A")
    chapter, section, listing, inside, apart = 1, "", [], False, True
    for line in lines[start:end]:
        if line.strip() == "```":
            if not inside and apart and listing:
                yield chapter, section, "\n".join(listing)
                listing = []
            inside, apart = not inside, False
        elif inside:
            listing.append(line)
        elif line.strip():
            apart = True
            if listing:
                yield chapter, section, "\n".join(listing)
                listing = []
            chapter += line in ("Perceptrons", "Neural Networks", "Neural Network Training")
            chapter += line in ("Backpropagation", "Training Techniques")
            chapter += line in ("Convolutional Neural Networks", "Deep Learning")
            section = line if line in titles else section
    if listing:
        yield chapter, section, "\n".join(listing)


def with_our_imports(listing, chapter, section):
    """Return the listing with its import lines changed as docs/names.md says."""
    modules = {}
    for book, note, ours in ROWS:
        if note in ("", f"chapter {chapter}", f"*{section}*"):
            modules[book.split()[1]] = ours.split()[1]
    listing = re.sub(r"^(import sys, os|sys\.path\.append.*?\))", "", listing, flags=re.MULTILINE)
    listing = listing.replace(LOAD_MNIST, "")
    for book, ours in modules.items():
        listing = listing.replace(f"from {book} import", f"from {ours} import")
    for setting, smaller in SMALLER.items():
        listing = listing.replace(setting, smaller)
    return listing


def programs(listing):
    """Return the listing, or, if it is a session, each of its statements."""
    if ">>>" not in listing:
        return [listing]
    statements = re.findall(r"^>>> ?(.*(?:\n\.\.\. ?.*)*)", listing, flags=re.MULTILINE)
    return [re.sub(r"^\.\.\. ?", "", each, flags=re.MULTILINE) for each in statements]


def run_listing(listing, chapter, section, names):
    """Run a listing in the names of its section; return the errors that its statements raise."""
    found = []
    complete = listing.startswith("import")  # it imports all that it needs
    own = {"load_mnist": load_mnist} if complete else names
    for program in programs(with_our_imports(listing, chapter, section)):
        try:
            exec(compile(program, section, "exec"), own)
        except Exception as error:
            found.append(type(error).__name__)
    names.update(own)
    return [*dict.fromkeys(found)]


@pytest.fixture(scope="module")
def after_the_book(tmp_path_factory):
    """Run all listings; return the errors, and the names that are there in the end, by section."""
    if not BOOK.is_here():
        pytest.skip("the texts: set DLBASICS_TEXTS to the folder with its five files")
    errors, names = {}, {}
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        pytest.MonkeyPatch.context() as patch,
    ):
        warnings.simplefilter("ignore")  # of matplotlib, and of listings that overflow on purpose
        patch.chdir(tmp_path_factory.mktemp("book"))
        patch.setattr("PIL.Image.Image.show", lambda image: None)
        for chapter, section, listing in listings():
            if section not in names:
                names[section] = run(GIVEN, load_mnist=load_mnist)
            found = run_listing(listing, chapter, section, names[section])
            errors.setdefault(section, []).extend(found)
    plt.close("all")  # the listings leave their figures open
    return errors, names


@pytest.mark.long
def test_no_listing_fails_but_those_of_the_page(after_the_book):
    errors, names = after_the_book
    assert len(names) > 40
    expected = {section: [*found] for section, found in NO_PROGRAMS.items()}
    for misprint in MISPRINTS.values():
        if misprint.error:
            expected.setdefault(misprint.section, []).append(misprint.error.__name__)
    assert expected.keys() <= errors.keys()
    for section, found in errors.items():
        assert sorted(found) == sorted(expected.get(section, [])), section


@pytest.mark.long
def test_the_listings_that_fail_without_an_error(after_the_book):
    _, names = after_the_book
    assert len(names["Implementing Mini-Batch Training"]["train_loss_list"]) == 1
    training = names["Training Using Backpropagation"]
    assert (len(training["train_loss_list"]), training["train_acc_list"]) == (3, [])
    y = names["Issues when Implementing the Softmax Function"]["softmax"](np.zeros((5, 2)))
    assert y.sum() == pytest.approx(1)

    params, optimizer = {"x": np.array([-7.0, 2.0])}, names["Momentum"]["Momentum"](lr=0.1)
    for _ in range(2):
        optimizer.update(params, {"x": params["x"] * [0.1, 2]})
    check({"params": params}, {"params['x']": MISPRINTS["momentum"].printed["params['x']"]})
