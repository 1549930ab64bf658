"""What all scripts of chapter 6 promise: their claims, their figures, and one result for a seed."""

from functools import cache
from inspect import signature

import numpy as np
import pytest

from ch06_techniques import (
    batch_norm_gradient_check,
    batch_norm_test,
    dataset_normalization,
    deep_sigmoid,
    early_stopping,
    ensemble,
    equal_weights,
    hidden_nodes,
    hyperparameter_optimization,
    l1_against_l2,
    label_noise,
    learning_rate_decay,
    optimizer_compare_mnist,
    optimizer_compare_naive,
    overfit_dropout,
    overfit_weight_decay,
    weight_init_activation_histogram,
    weight_init_compare,
)
from tests.helpers import failed, few_digits

NAN = float("nan")
STOPPED = {"size": 300, "hidden_size": 10, "epochs": 3, "patience": 1}
SCRIPTS = {
    batch_norm_gradient_check: ({"hidden_size": 2}, ""),
    batch_norm_test: (
        {"scales": 2, "train_size": 200, "epochs": 1},
        "figure_6_18 figure_6_19",
    ),
    dataset_normalization: ({"count": 100, "train_size": 300}, "numbers_and_loss"),
    deep_sigmoid: ({"depths": (1, 3), "train_size": 200, "epochs": 1}, "accuracy"),
    early_stopping: (STOPPED, "accuracy"),
    ensemble: ({"train_size": 200, "epochs": 1}, "accuracy"),
    equal_weights: ({"hidden_size": 5, "iters_num": 60}, "hidden_units loss"),
    hidden_nodes: ({"hidden_sizes": (2, 3), "epochs": 2}, "time_and_accuracy"),
    hyperparameter_optimization: ({"trials": 5, "epochs": 1}, "figure_6_24"),
    l1_against_l2: ({}, "contours"),
    label_noise: (STOPPED | {"epochs": 1}, "accuracy"),
    learning_rate_decay: ({"train_size": 200, "epochs": 2}, "loss_and_accuracy"),
    optimizer_compare_mnist: ({"iters_num": 3}, "figure_6_9"),
    optimizer_compare_naive: (
        {},
        "figure_6_1 figure_6_2 figure_6_3 figure_6_5 figure_6_6 figure_6_7 figure_6_8 narrow_bowl",
    ),
    overfit_dropout: ({"epochs": 2}, "figure_6_23"),
    overfit_weight_decay: ({"epochs": 2}, "figure_6_20 figure_6_21"),
    weight_init_activation_histogram: (
        {},
        "figure_6_10 figure_6_11 figure_6_12 figure_6_13 figure_6_14 tanh",
    ),
    weight_init_compare: ({"iters_num": 3}, "figure_6_15"),
}
"""For each script, settings that take little time, and the names of its figures."""

ANY_DATA = [
    batch_norm_gradient_check,
    l1_against_l2,
    optimizer_compare_naive,
    weight_init_activation_histogram,
]
"""The scripts whose claims hold at once, without MNIST."""

# hidden_nodes.py takes minutes; the search has a test of its own, in two processes.
ON_MNIST = {*SCRIPTS} - {*ANY_DATA[1:], hidden_nodes, hyperparameter_optimization}

BOUNDS = {
    dataset_normalization: [
        ((2.0, 25.0), [(2.0, 5.0), (0.0, 1.0), (2.1, 25.0), (NAN, 25.0)]),
        (0.113, [0.9, 0.0, NAN]),
        ([0.929, 0.954], [[0.95, 0.95], [0.954, 0.929], [0.8, 0.95], [NAN, 0.95], [0.92, NAN]]),
        ([0.954, 0.914], [[0.95, 0.945], [0.9, 0.95], [0.9, 0.1], [NAN, 0.9], [0.95, NAN]]),
    ],
    deep_sigmoid: [
        ([0.664, 0.116], [[0.1, 0.1], [0.8, 0.8], [NAN, 0.1], [0.8, NAN]]),
        (1, [0, 2, 20, NAN]),
        (2, [1, 5, NAN]),
        (5, [3, 20, NAN]),
        (2, [1, 10, NAN]),
        (20, [10, 0, NAN]),
        (20, [5, 0, NAN]),
        (0.894, [0.1, 0.7, NAN]),
    ],
    early_stopping: [
        (0.986, [0.8, 1.1, NAN]),
        ([0.919, 0.84], [[0.919, 0.9], [0.84, 0.919], [NAN, 0.8], [0.9, NAN]]),
        ([14, 6], [[14, 14], [60, 6], [6, 14]]),
        ([0.84, 0.915], [[0.84, 0.85], [0.915, 0.84], [NAN, 0.9], [0.8, NAN]]),
    ],
    ensemble: [
        ([0.9722, 0.9783], [[0.9722, 0.973], [0.9783, 0.9722], [NAN, 0.97], [0.97, NAN]]),
        ([0.973, 0.9783], [[0.9783, 0.973], [0.97, 0.97], [NAN, 0.97], [0.97, NAN]]),
        (
            [0.9722, 0.9756, 0.9771, 0.9775, 0.9783],
            [
                [0.9722, 0.9771, 0.9756, 0.9775, 0.977],
                [0.9722, 0.9723, 0.9724, 0.9725, 0.9783],
                [0.9722, 0.9701, 0.9771, 0.9775, 0.9783],
                [NAN] * 5,
            ],
        ),
    ],
    hidden_nodes: [
        ([0.96, 0.97], [[0.9, 0.97], [0.97, 0.9], [1.1, 0.97], [NAN, 0.97]]),
        ([0.97, 0.98], [[0.9, 0.98], [0.98, 0.9], [1.1, 0.98], [0.98, NAN]]),
        (
            [[-0.01, 0], [0.01, 0.02]],
            [[[0, 0.03], [0.01, 0.02]], [[-0.02, 0], [-0.01, 0.01]], [[NAN, 0], [NAN, 0.01]]],
        ),
    ],
    label_noise: [
        (
            [0.943, 0.84, 0.66, 0.461, 0.24],
            [[0.9, 0.8, 0.82, 0.4, 0.2], [0.94, 0.9, 0.8, 0.7, 0.6], [0.9, 0.2], [NAN] * 5],
        ),
        (
            [0.94, 0.908, 0.892, 0.82, 0.478],
            [[0.94, 0.84, 0.66, 0.46, 0.24], [0.8, 0.9, 0.89, 0.82, 0.47], [0.94], [NAN] * 5],
        ),
        ([0.943, 0.954], [[0.954, 0.943], [0.95, 0.95], [NAN, 0.9], [0.9, NAN]]),
        ([0.66, 0.645], [[0.66, 0.9], [0.66, 0.72], [0.9, 0.66], [NAN, 0.6], [0.66, NAN]]),
    ],
    learning_rate_decay: [
        ([0.367, 0.444], [[0.444, 0.367], [NAN, 0.4], [0.4, NAN]]),
        ([0.0412, 0.0215], [[0.04, 0.04], [0.04, 0.035], [0.04, 0], [NAN, 0.02], [0.04, NAN]]),
        (
            [0.9739, 0.9758, 0.9774],
            [[0.978, 0.975, 0.977], [0.97, 0.978, 0.977], [0.97, 0.97, NAN], [NAN, 0.97, 0.96]],
        ),
    ],
}
"""For each judged claim of a script, a right value and some wrong ones."""


def takes(script, argument):
    return argument in signature(script.run).parameters


def run(script, seed=0):
    data = few_digits() if takes(script, "data") else None
    return script.experiment.run(seed=seed, data=data, **SCRIPTS[script][0])


result_of = cache(run)


def judged(script):
    return [claim for claim in script.experiment.claims if claim.holds is not None]


def of_scripts(scripts):
    ordered = sorted(scripts, key=lambda script: script.__name__)
    return pytest.mark.parametrize("script", ordered, ids=lambda script: script.__name__[16:])


@pytest.mark.slow
@of_scripts(ON_MNIST)
def test_every_claim_holds_on_mnist(script, mnist):
    assert failed(script.experiment.claims, script.experiment.run(data=mnist)) == []


@of_scripts(ANY_DATA)
def test_every_claim_holds_on_any_data(script):
    assert failed(script.experiment.claims, result_of(script)) == []


@of_scripts(SCRIPTS)
def test_no_claim_holds_for_nan_or_for_numbers_far_above_and_far_below_ours(script):
    for claim in judged(script):
        value = np.array(claim.value(result_of(script)), dtype=float)
        away = 1_000 * np.arange(1, value.size + 1).reshape(value.shape) * (1 + np.abs(value))
        assert not claim.holds((value * np.nan).tolist()), claim.text
        assert not all(claim.holds((value + sign * away).tolist()) for sign in (1, -1)), claim.text


@of_scripts(BOUNDS)
def test_claims_tell_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(judged(script), BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


# The result of hidden_nodes.py holds times.
@of_scripts(script for script in SCRIPTS if takes(script, "rng") and script is not hidden_nodes)
def test_the_seed_decides_the_result(script):
    assert repr(run(script)) == repr(result_of(script)) != repr(run(script, seed=1))


@of_scripts(SCRIPTS)
def test_all_figures_are_drawn(script):
    figures = script.experiment.plot(result_of(script))
    assert sorted(figures) == sorted(SCRIPTS[script][1].split())
