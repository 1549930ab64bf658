"""Chapter 6, weight_init_activation_histogram.py: the activations, and how they are counted."""

import numpy as np
import pytest

from ch06_techniques.weight_init_activation_histogram import (
    BOOK_MEANS,
    MOST,
    RANGES,
    activations,
    experiment,
)
from tests.ch06.helpers import wrong_values_that_hold

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def result():
    return experiment.run()


def test_every_activation_of_a_bounded_function_is_counted(result):
    for name, counts in result.counts.items():
        assert counts.shape == (5, 30)
        if not name.startswith("ReLU"):
            assert (counts.sum(axis=1) == 100_000).all(), name


def test_half_the_inputs_of_the_first_relu_are_below_0(result):
    """The inputs are Gaussian, with std 0.1."""
    mean = 0.1 / np.sqrt(2 * np.pi)
    assert result.means["ReLU, std 0.01"][0] == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize("name", ["sigmoid, Xavier", "tanh, Xavier"])
def test_means_and_spreads_agree_with_the_counts(name, result):
    edges = np.linspace(*RANGES[name.partition(",")[0]], 31)
    centres = (edges[:-1] + edges[1:]) / 2
    share = result.counts[name] / 100_000
    mean = share @ centres
    np.testing.assert_allclose(result.means[name], mean, atol=0.01)
    np.testing.assert_allclose(result.stds[name] ** 2, share @ centres**2 - mean**2, atol=0.01)
    ends = share[:, :3].sum(axis=1) + share[:, -3:].sum(axis=1)
    np.testing.assert_allclose(result.at_the_ends[name], ends, atol=1e-12)


def test_tanh_with_xaviers_weights_is_bell_shaped(result):
    last = result.counts["tanh, Xavier"][-1]
    assert last[13:17].min() > 2 * last[5:8].max() > 4 * last[:2].max()
    np.testing.assert_allclose(last, last[::-1], atol=0.1 * last.max())


def test_each_layer_gets_the_output_of_the_one_before():
    x = np.ones((2, 100))
    layers = activations(x, lambda a: a, lambda shape, rng: 2 * np.eye(100), None)
    np.testing.assert_array_equal(layers[:, 0, 0], [2, 4, 8, 16, 32])


@pytest.mark.parametrize(
    ("figure", "name"),
    [
        ("figure_6_10", "sigmoid, std 1"),
        ("figure_6_11", "sigmoid, std 0.01"),
        ("figure_6_13", "sigmoid, Xavier"),
    ],
)
def test_figures_show_the_counts_of_each_layer(figure, name, result):
    panels = experiment.plot(result)[figure].axes
    for axes, counts in zip(panels, result.counts[name], strict=True):
        np.testing.assert_array_equal(axes.patches[0].get_data().values, counts)


def test_bars_that_are_cut_off_have_a_break_mark_and_their_counts(result):
    panels = experiment.plot(result)["figure_6_14"].axes
    names = ("ReLU, std 0.01", "ReLU, Xavier", "ReLU, He")
    counts_of_panels = [counts for name in names for counts in result.counts[name]]
    for axes, counts in zip(panels, counts_of_panels, strict=True):
        assert axes.get_ylim() == (0, MOST)
        (text,) = axes.texts
        assert text.get_text().split("\n") == [f"{count:,}" for count in counts if count > MOST]
        (mark,) = axes.lines
        assert mark.get_xdata()[1] == pytest.approx(np.sum(counts > MOST) / len(counts))
    assert panels[5].get_ylabel() == "ReLU, Xavier\ncount"


def test_claims_know_wrong_values():
    means = np.array(BOOK_MEANS)
    assert (
        wrong_values_that_hold(
            experiment.claims,
            {
                "sigmoid, std 1": [0.4, 1.1],
                "sigmoid, std 0.01": [[0.56, 0.01], [0.44, 0.01], [0.5, 0.06], [0.5, 0]],
                "sigmoid: standard": [1.5],
                "mean activation": [means * 2.1, means / 2.1, means * [1, 1, 1, 1, 2.1]],
                "ReLU, Xavier": [0.05, 0.6],
                "ReLU, He": [0.4, 2.1],
            },
        )
        == []
    )
