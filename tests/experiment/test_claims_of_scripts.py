"""What every chapter script promises: its claims, its figures, and one result for a seed."""

import re
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial
from inspect import signature
from pathlib import Path

import numpy as np
import pytest

from dlbasics.experiment import LEFT_OUT, judge
from dlbasics.experiment.claims import shown
from dlbasics.experiment.docs import BEGIN, END
from dlbasics.experiment.output import save_result
from tests.experiment.claim_values import VALUES
from tests.experiment.helpers import SCRIPTS, experiment_of, module_of, readme_of
from tests.helpers import failed, few_digits, first_test_images
from tests.test_register import ROWS, covers

pytestmark = pytest.mark.long  # other versions of NumPy round in other ways

STOPPED = {"size": 300, "hidden_size": 10, "epochs": 3, "patience": 1}
SHORT = {
    "ch03_forward/neuralnet_mnist": {"repeats": 1},
    "ch03_forward/show_digits": {"train": 100, "test": 100},
    "ch03_forward/train_weights": {"epochs": 1},
    "ch04_training/accuracy_staircase": {"hidden_size": 10, "iters_num": 100, "points": 11},
    "ch04_training/equal_areas": {"tries": 3_000, "single_tries": 300, "starts": 1},
    "ch04_training/train_neuralnet": {"hidden_size": 2, "iters_num": 4},
    "ch05_backprop/central_differences": {
        "hidden_size": 1,
        "epochs": 1,
        "batch_size": 100,
        "budget": 1e-9,
    },
    "ch05_backprop/computational_graphs": {"only": ("figure_5_5", "figure_A_11")},
    "ch05_backprop/three_problems": {"iters_num": 20, "table_iters_num": 10, "digits": 100},
    "ch05_backprop/train_neuralnet": {"iters_num": 20},
    "ch05_backprop/train_two_hidden_layers": {"epochs": 2, "batch_size": 500},
    "ch05_backprop/without_biases": {
        "hidden_size": 8,
        "iters_num": 20,
        "networks": 1,
        "single_updates": 100,
    },
    "ch06_techniques/batch_norm_promises": {
        "rates": 2,
        "rate_epochs": 1,
        "epochs": 2,
        "evaluate_every": 1,
    },
    "ch06_techniques/batch_sizes": {"train_size": 100, "epochs": 1},
    "ch06_techniques/regularization_grid": {"train_size": 100, "epochs": 1, "networks": 1},
    "ch06_techniques/batch_norm_gradient_check": {"hidden_size": 2},
    "ch06_techniques/batch_norm_test": {"scales": 2, "train_size": 200, "epochs": 1},
    "ch06_techniques/dataset_normalization": {"count": 100, "train_size": 300},
    "ch06_techniques/deep_sigmoid": {"depths": (1, 3), "train_size": 200, "epochs": 1},
    "ch06_techniques/early_stopping": STOPPED,
    "ch06_techniques/ensemble": {"train_size": 200, "epochs": 1},
    "ch06_techniques/equal_weights": {"hidden_size": 5, "iters_num": 60},
    "ch06_techniques/hidden_nodes": {"hidden_sizes": (2, 3), "epochs": 2},
    "ch06_techniques/hyperparameter_optimization": {"trials": 5, "epochs": 1},
    "ch06_techniques/label_noise": STOPPED | {"epochs": 1},
    "ch06_techniques/learning_rate_decay": {"train_size": 200, "epochs": 2},
    "ch06_techniques/optimizer_compare_mnist": {"iters_num": 3},
    "ch06_techniques/overfit_dropout": {"epochs": 2},
    "ch06_techniques/overfit_weight_decay": {"epochs": 2},
    "ch06_techniques/weight_init_compare": {"iters_num": 3},
    "ch07_cnn/alexnet": {"train_size": 100, "epochs": 1},
    "ch07_cnn/pooling_shift": {"epochs": 1, "train_size": 100, "test_size": 100},
    "ch07_cnn/seven_loops": {"images": 1, "channels": 1, "filters": 2, "rounds": 1},
    "ch07_cnn/train_convnet": {"epochs": 1, "train_size": 100},
    "ch08_deep/best": {"networks": 1, "epochs": 1, "batch_size": 500, "processes": 1},
    "ch08_deep/depth_and_skips": {
        "blocks": (1, 2),
        "filter_num": 2,
        "train_size": 100,
        "epochs": 1,
    },
    "ch08_deep/digits_on_paper": {"images": 20},
    "ch08_deep/drawn_digits": {"drawings": 4, "epochs": 1},
    "ch08_deep/fewer_bits": {"images": 5},
    "ch08_deep/half_float_network": {"images": 5},
    "ch08_deep/inception": {"train_size": 100, "epochs": 1},
    "ch08_deep/small_filters": {"filter_num": 2, "train_size": 100, "epochs": 1, "networks": 1},
    "ch08_deep/train_deepnet": {"epochs": 1, "train_size": 100},
    "ch08_deep/train_distributed": {"epochs": 1, "train_size": 100, "iterations": 1},
    "ch08_deep/transfer_learning": {
        "first_size": 100,
        "first_epochs": 1,
        "sizes": (10, 20),
        "updates": 2,
        "tries": 1,
    },
    "ch08_deep/vgg": {"train_size": 100, "epochs": 1},
    "ch08_deep/where_time_goes": {"batch_size": 5, "repeats": 1},
}
"""Settings with which a script takes little time; the others take little with the book's."""

QUICK_ON_MNIST = {
    "ch03_forward/neuralnet_mnist": {"repeats": 1},
    "ch03_forward/show_mnist": {},
    "ch04_training/accuracy_staircase": {"points": 101},
    "ch05_backprop/by_hand": {},
    "ch05_backprop/gradient_check": {},
    "ch06_techniques/overfit_dropout": {"epochs": 120},
    "ch06_techniques/overfit_weight_decay": {"epochs": 120},
    "ch08_deep/augmentation_samples": {},
    "ch08_deep/digits_on_paper": {"images": 100},
    "ch08_deep/fewer_bits": {"images": 400},
    "ch08_deep/half_float_network": {"images": 50},
    "ch08_deep/misclassified_mnist": {},
}
"""Settings with which all claims of a script hold on MNIST, in a second or two."""

OWN_TEST_ON_MNIST = {
    "ch05_backprop/train_neuralnet",  # with five seeds
    "ch06_techniques/hidden_nodes",  # it takes minutes
    "ch08_deep/drawn_digits",  # it takes minutes
    "ch08_deep/train_distributed",  # it takes half a minute
    "ch08_deep/where_time_goes",  # its numbers are times
}
SEEDS_ON_MNIST = {"ch06_techniques/batch_norm_test": 4, "ch08_deep/depth_and_skips": 4}
SEEDS_ON_ANY_DATA = {
    "ch03_forward/linear_layers": 5,
    "ch06_techniques/weight_init_activation_histogram": 6,
    "ch08_deep/augmentation_samples": 3,
}
"""The claims of these scripts hold with so many seeds."""


NEED_MORE = {
    "ch03_forward/show_mnist",
    "ch06_techniques/equal_weights",
    "ch08_deep/depth_and_skips",
}
"""Claims of these scripts hold for digits, but not for a few digits or with short settings."""


def takes(script, argument):
    return argument in signature(module_of(script).run).parameters


WITH_DATA = [script for script in SCRIPTS if takes(script, "data")]
# All numbers of these scripts are times, or 0.
WITHOUT_SEED = {"ch07_cnn/seven_loops", "ch08_deep/where_time_goes"}
WITH_RNG = [script for script in SCRIPTS if takes(script, "rng") and script not in WITHOUT_SEED]
OF_THE_README = [
    pytest.param(script, marks=[pytest.mark.slow] * script.endswith("equal_areas"))
    for script in SCRIPTS
    if script not in WITH_DATA and not script.endswith("show_digits")  # it draws all of them
]


def run(script, seed=0):
    data = few_digits() if script in WITH_DATA else None
    if data is not None and script.startswith(("ch07", "ch08")):
        few = replace(data, x_train=data.x_train[:200], t_train=data.t_train[:200])
        data = first_test_images(few, 100)
    return experiment_of(script).run(seed=seed, data=data, **SHORT.get(script, {}))


result_of = cache(run)


def judged(script):
    return [claim for claim in experiment_of(script).claims if claim.holds is not None]


@pytest.mark.parametrize("script", OF_THE_README)
def test_claims_hold_and_our_numbers_in_the_readme_are_those_of_a_run(script):
    claims = experiment_of(script).claims
    result = experiment_of(script).run() if script in SHORT else result_of(script)
    for verdict, (text, _, ours) in zip(judge(claims, result), rows_of(script), strict=True):
        if verdict.ours is LEFT_OUT or verdict.holds is None:
            continue
        assert verdict.holds, verdict
        assert same_numbers(shown(verdict.ours, verdict.digits), ours), text


@pytest.mark.parametrize("script", [s for s in WITH_DATA if s not in NEED_MORE])
def test_claims_on_any_data_hold_for_digits(script):
    verdicts = judge(experiment_of(script).claims, result_of(script), on_mnist=False)
    assert [verdict for verdict in verdicts if verdict.holds is False] == []


@pytest.mark.parametrize(
    ("script", "seed"),
    [(script, seed) for script, count in SEEDS_ON_ANY_DATA.items() for seed in range(count)],
)
def test_claims_hold_with_other_seeds(script, seed):
    assert failed(experiment_of(script).claims, run(script, seed)) == []


@pytest.mark.parametrize("script", [*QUICK_ON_MNIST])
def test_claims_hold_on_mnist_with_quick_settings(script, mnist):
    count = {"overfit": 300, "misclas": 2_000}.get(script.partition("/")[2][:7], 10_000)
    data = first_test_images(mnist, count)
    result = experiment_of(script).run(data=data, **QUICK_ON_MNIST[script])
    assert failed(experiment_of(script).claims, result) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "seed"),
    [
        (script, seed)
        for script in WITH_DATA
        if script not in OWN_TEST_ON_MNIST
        for seed in range(SEEDS_ON_MNIST.get(script, 1))
    ],
)
def test_claims_hold_on_mnist(script, seed, mnist):
    result = experiment_of(script).run(seed=seed, data=mnist)
    assert failed(experiment_of(script).claims, result) == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_claim_holds_whatever_comes(script):
    assert [
        claim.text
        for claim in judged(script)
        if claim.value(result_of(script)) is not LEFT_OUT
        and holds_whatever_comes(claim, result_of(script))
    ] == []


def holds_whatever_comes(claim, result):
    """Return whether a claim holds for NaN, or for numbers far above and far below ours."""
    ours = np.array(claim.value(result))
    if ours.dtype.kind == "U":
        return holds(claim, np.char.add("not ", ours).tolist())
    # The naive softmax is meant to be NaN; anything else must not be.
    value = ours.astype(float)
    nowhere = np.where(np.isnan(value), 0, np.nan)
    value = np.nan_to_num(value)
    away = 1_000 * np.arange(1, value.size + 1).reshape(value.shape) * (1 + np.abs(value))
    far = [holds(claim, (value + sign * away).tolist()) for sign in (1, -1)]
    return holds(claim, nowhere.tolist()) or all(far)


def holds(claim, ours):
    """Return whether a claim holds if this is our number."""
    return judge([replace(claim, value=lambda _: ours)], None)[0].holds


def by_hand(script):
    """Return the claims whose condition is neither that of Claim.same nor of Claim.between."""
    return [claim for claim in judged(script) if not isinstance(claim.holds, partial)]


@pytest.mark.parametrize("script", VALUES)
def test_claims_know_right_values_from_wrong_ones(script):
    rows = VALUES[script]
    claims = by_hand(script) if len(rows) == len(by_hand(script)) else judged(script)
    for claim, (right, wrong) in zip(claims, rows, strict=True):
        assert holds(claim, right), claim.text
        assert [value for value in wrong + with_nan(right) if holds(claim, value)] == [], claim.text


def with_nan(right):
    """Return numbers with NaN in the place of each in turn."""
    value = np.array(right)
    if value.dtype.kind not in "fiu":
        return []
    places = np.eye(value.size, dtype=bool).reshape(-1, *value.shape)
    return [np.where(place, np.nan, value).tolist() for place in places]


@pytest.mark.parametrize("script", WITH_RNG)
def test_the_seed_decides_the_result(script):
    first, again, other = (
        numbers(result) for result in (result_of(script), run(script), run(script, seed=1))
    )
    assert first == again != other


OF_TIME = {"seconds", "update_seconds", "speed_ups"}


def numbers(value):
    """Return what a result holds, but for its times."""
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items() if key not in OF_TIME}
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return [numbers(item) for item in value] if isinstance(value, list | tuple) else repr(value)


@pytest.mark.parametrize("script", SCRIPTS)
def test_figures_are_those_of_the_readme_and_the_result_can_be_stored(script, tmp_path):
    result = result_of(script)
    save_result(result, {}, tmp_path / "result.json")
    figures = experiment_of(script).plot(result)
    name = Path(script).name
    text = readme_of(script).partition(BEGIN)[0]
    named = {*re.findall(rf"[`/]{name}_(\w+)\.png[`)\"]", text)}
    expected = {*SHORT.get(script, {}).get("only", named)}
    # Without scikit-learn there is no figure of its table, and without PyTorch none of its graph.
    missing = {"table", "graph"}
    assert figures.keys() - missing == expected - missing
    if not script.endswith("computational_graphs"):  # test_register.py has all of its figures
        registered = {key for row in ROWS for path, key in covers(row) if path == f"{script}.py"}
        assert registered - {""} - missing == figures.keys() - missing


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_chapters_readme_has_a_row_for_every_claim_and_no_other(script):
    claims = experiment_of(script).claims
    claimed = [(claim.text, claim.expected) for claim in claims]
    assert [(text, book) for text, book, _ in rows_of(script)] == claimed


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_claim_says_what_is_tested_and_why_a_tolerance_is_as_it_is(script):
    claims = [claim for claim in experiment_of(script).claims if claim.holds is not None]
    assert [claim.text for claim in claims if not claim.condition] == []
    assert [claim.text for claim in claims if claim.condition != "equal" and not claim.why] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_accuracy_above_1_is_never_right(script):
    claims = [claim for claim in judged(script) if "accuracy" in claim.text.lower()]
    assert [claim.text for claim in claims if claim.condition.startswith("at least 0.")] == []


def rows_of(script):
    """(text, book, ours) of each row that the table of numbers has for this script."""
    table = readme_of(script).partition(BEGIN)[2].partition(END)[0]
    first = f"| [`{Path(script).name}.py`]"
    rows = [line for line in table.splitlines() if line.startswith(first)]
    return [tuple(re.match(r"\| .*? \| (.*) \| (.*) \| (.*) \|$", row).groups()) for row in rows]


def same_numbers(first, second):
    """Whether two texts are the same but for the rounding of their numbers."""
    number = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
    one, other = (np.array(re.findall(number, text), float) for text in (first, second))
    same_words = re.sub(number, "", first) == re.sub(number, "", second)
    return same_words and np.allclose(one, other, rtol=1e-3, atol=1e-8)
