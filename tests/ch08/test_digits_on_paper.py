"""Test images on sheets of paper, before and after `normalize_digit`."""

import numpy as np
import pytest

from ch03_forward import neuralnet_mnist
from ch08_deep.digits_on_paper import SHOWN, STEPS, Config, experiment, on_paper, plot
from ch08_deep.train_deepnet import trained_network
from dlbasics.datasets import normalize_digit
from tests.helpers import few_digits

pytestmark = pytest.mark.long

BLACK = np.zeros((28, 28))
BLACK[4:24, 4:24] = 1


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), images=60)


def test_the_accuracies_are_those_of_the_networks_on_the_same_digits(result):
    rng = np.random.default_rng(0)  # as the experiment's
    chosen = rng.choice(500, 60, replace=False)
    x, t = few_digits().x_test[chosen], few_digits().t_test[chosen]
    sheets = [on_paper(image.reshape(28, 28), Config(), rng) for image in x]
    for sheet, shown in zip(sheets, result.sheets, strict=False):
        np.testing.assert_array_equal(sheet, shown)
    normalized = np.array([normalize_digit(sheet, flatten=False) for sheet in sheets])
    weights = neuralnet_mnist.init_network()
    for images, part in ((x.reshape(-1, 1, 28, 28), 0), (normalized, 2)):
        deep = trained_network().accuracy(images, t)
        classes = neuralnet_mnist.classify(weights, images.reshape(-1, 784))
        assert result.accuracy["DeepConvNet"][part] == pytest.approx(deep)
        assert result.accuracy["784-50-100-10"][part] == np.mean(classes == t)
    assert result.read == trained_network().predict(normalized[:SHOWN]).argmax(axis=1).tolist()


def test_sheets_are_light_and_the_digit_is_dark_anywhere_and_of_any_size():
    config = Config(noise=0, fade=0)
    rng = np.random.default_rng(0)
    sizes, places = [], []
    for _ in range(300):
        sheet = on_paper(BLACK, config, rng)
        assert (sheet.shape, sheet.dtype) == ((300, 300), np.uint8)
        assert sheet.max() >= 0.7 * 255 - 1
        assert sheet.min() <= 0.4 * sheet.max() + 1
        rows, columns = (np.flatnonzero((sheet < 0.7 * sheet.max()).any(axis=i)) for i in (1, 0))
        sizes.append(len(rows) * 28 / 20)
        places.append([(rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2])
        assert abs(len(rows) - len(columns)) <= 1
    assert 29 < min(sizes) < 40 and 240 < max(sizes) < 275
    assert np.min(places) < 25 and np.max(places) > 275


def test_light_fades_and_pixels_are_noisy():
    def sheet(fade, noise):
        rng = np.random.default_rng(1)
        return on_paper(np.zeros((28, 28)), Config(fade=fade, noise=noise), rng) / 255

    assert np.ptp(sheet(0, 0)) == 0
    assert 0.08 < np.ptp(sheet(0.2, 0)) < 0.3
    assert np.abs(np.diff(sheet(0.2, 0))).max() < 0.01
    assert 0.015 < np.std(np.diff(sheet(0, 0.02))) / np.sqrt(2) < 0.025


def test_the_figure_shows_each_step_of_the_first_sheets(result):
    figure = plot(result)["steps"]
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == SHOWN * len(STEPS)
    last = np.array(shown[len(STEPS) - 1].images[0].get_array())
    np.testing.assert_array_equal(last.reshape(-1), normalize_digit(result.sheets[0]))
    first = np.array(shown[0].images[0].get_array())
    np.testing.assert_array_equal(first, result.sheets[0] / 255)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == [f"read as {k}" for k in result.read]


@pytest.mark.parametrize("wrong", [{"smallest": 0.05}, {"smallest": 0.95}, {"largest": 1.1}])
def test_a_sheet_that_cannot_hold_its_digit_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Config(**wrong)


@pytest.mark.parametrize("seed", [0, 1])
def test_both_networks_read_sheets_as_well_as_test_images(mnist, seed):
    accuracy = experiment.run(data=mnist, seed=seed).accuracy
    for own, _, normalized in accuracy.values():
        assert normalized >= own - 0.01
