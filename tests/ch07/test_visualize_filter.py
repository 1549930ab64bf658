"""The filters before and after training."""

from dataclasses import replace

import numpy as np
import pytest

from ch07_cnn import train_convnet, visualize_filter
from ch07_cnn.visualize_filter import experiment
from tests.helpers import few_digits


@pytest.fixture(scope="module")
def result():
    return experiment.run()


def test_filters_before_training_are_those_that_training_starts_from(result, monkeypatch):
    started = []

    def note(network, *_):
        started.append(network.params["W1"].copy())
        raise KeyboardInterrupt

    monkeypatch.setattr(train_convnet, "train", note)
    with pytest.raises(KeyboardInterrupt):
        train_convnet.experiment.run(data=few_digits())
    assert np.array_equal(result.before, started[0])


def test_likeness_is_that_of_neighbors():
    ramp = np.add.outer(np.arange(5.0), np.arange(5.0)).reshape(1, 1, 5, 5)
    chess = (-1.0) ** ramp
    noise = np.random.default_rng(0).standard_normal((2_000, 1, 5, 5))
    assert visualize_filter.likeness(ramp) > 0.8
    assert visualize_filter.likeness(chess) < -0.9
    # Without its own mean, a pixel correlates by -1 / 24 with any other.
    assert visualize_filter.likeness(noise) == pytest.approx(-1 / 24, abs=0.01)
    # A difference between filters, but not within one, is no pattern.
    offsets = 100 * np.arange(2_000).reshape(-1, 1, 1, 1)
    assert visualize_filter.likeness(noise + offsets) == pytest.approx(-1 / 24, abs=0.01)
    rows = np.broadcast_to((-1.0) ** np.arange(5).reshape(5, 1), (1, 1, 5, 5))
    for stripes in (rows, rows.swapaxes(2, 3)):
        assert abs(visualize_filter.likeness(stripes)) < 0.1


def test_figure_7_24_shows_every_filter(result):
    # With changed signs, the largest weight is above 0 in one of the two.
    result = replace(result, after=-result.after)
    figures = visualize_filter.plot(result)
    for name, W in (("before", result.before), ("after", result.after)):
        *panels, bar = figures[f"figure_7_24_{name}"].axes
        assert bar.get_ylabel() == "weight"
        most = np.abs(W).max()
        for axes, image in zip(panels, W[:, 0], strict=True):
            (drawn,) = axes.images
            np.testing.assert_array_equal(drawn.get_array(), image)
            assert drawn.get_clim() == pytest.approx((-most, most))


def test_flat_filters_have_another_frame(result):
    W = np.random.default_rng(0).uniform(-1, 1, (3, 1, 5, 5))
    W[1] /= 6
    assert visualize_filter.flat(W).tolist() == [False, True, False]
    assert not visualize_filter.flat(result.before).any()
    *panels, _ = visualize_filter.plot(result)["figure_7_24_after"].axes
    colors = [axes.spines["top"].get_edgecolor() for axes in panels]
    assert len({*colors}) == 2
    framed = np.array([color != colors[0] for color in colors])
    assert np.array_equal(framed, visualize_filter.flat(result.after))
