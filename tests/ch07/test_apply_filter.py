"""What filters respond to."""

from dataclasses import replace

import numpy as np
import pytest

from ch07_cnn import apply_filter
from ch07_cnn.apply_filter import experiment
from tests.helpers import failed


@pytest.fixture(scope="module")
def result():
    return experiment.run()


def test_windows_with_edges_of_one_direction_are_found():
    image = np.zeros((12, 12), np.float32)
    image[6:, :] = 1
    vertical, horizontal = apply_filter.edges(image)
    assert not vertical.any()
    assert horizontal[2:6].all()
    assert horizontal.sum() == 4 * 8
    for found, wanted in zip(apply_filter.edges(image.T), (horizontal.T, vertical), strict=True):
        assert np.array_equal(found, wanted)
    image[:, 6:] = 2
    vertical, horizontal = apply_filter.edges(image)
    assert not (vertical & horizontal).any()
    assert not (vertical | horizontal)[2:6, 2:6].any()


def test_filters_are_chosen_by_their_halves():
    W = np.random.default_rng(0).standard_normal((4, 5, 5)) / 10
    W[1, :, 3:] += 1
    W[2, 3:] -= 1
    W[3, 3:, 3:] += 2
    chosen = apply_filter.edge_filters(W)
    assert np.array_equal(chosen["vertical"], W[1])
    assert np.array_equal(chosen["horizontal"], W[2])


def test_outputs_are_convolutions_of_the_picture(result):
    assert result.image.shape == (96, 128)
    assert 0 <= result.image.min() < result.image.max() <= 1
    windows = np.lib.stride_tricks.sliding_window_view(result.image, (5, 5))
    for key, W in result.filters.items():
        np.testing.assert_allclose(
            result.outputs[key], np.einsum("yxij,ij->yx", windows, W), atol=1e-5
        )
    found = apply_filter.edges(result.image)
    assert min(edges.sum() for edges in found) > 300


def test_the_claims_on_edges_fail_with_filters_changed_round_or_random(result):
    turned = {key: values[::-1] for key, values in result.strength.items()}
    assert len(failed(experiment.claims, replace(result, strength=turned))) == 2


def test_figure_7_25_shows_picture_filter_and_output(result):
    panels = apply_filter.plot(result)["figure_7_25"].axes
    keys = ("vertical", "horizontal")
    images = [image for key in keys for image in (result.filters[key], result.outputs[key])]
    for axes, image in zip(panels, [*images, result.image], strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), image)
        # Without a frame, white cells at the edge are not seen.
        assert all(spine.get_visible() for spine in axes.spines.values())
