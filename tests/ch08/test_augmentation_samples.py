"""What each kind of augmentation makes of an image."""

import numpy as np
import pytest

from ch08_deep.augmentation_samples import KINDS, Result, experiment, plot
from dlbasics import augmentation
from tests.helpers import failed, few_digits


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits())


@pytest.mark.parametrize("claim", experiment.claims, ids=lambda claim: claim.text)
def test_no_claim_on_augmentation_holds_whatever_comes(result, claim):
    value = np.array(claim.value(result), dtype=float)
    assert not claim.holds((value * np.nan).tolist())
    assert not any(claim.holds((value + away).tolist()) for away in (-0.01, 0.01))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_changes_by_nothing_is_seen(kind, monkeypatch):
    right = getattr(augmentation, kind)

    def wrong(x, **given):
        return right(x, **given) * np.float32(0.99)

    monkeypatch.setattr(augmentation, kind, wrong)
    (verdict,) = failed(experiment.claims, experiment.run(data=few_digits()))
    assert verdict.text == "largest change of a pixel where images change by 0"


def test_every_kind_of_augmentation_is_shown(result):
    assert sorted(KINDS) == sorted(augmentation.__all__)
    assert list(result.samples) == list(KINDS)


def test_samples_are_what_each_function_makes_of_the_image(result):
    rng = np.random.default_rng(0)
    x = np.tile(result.image, (8, 1, 1, 1))
    for kind, amounts in KINDS.items():
        made = getattr(augmentation, kind)(x, rng=rng, **amounts)
        assert np.array_equal(result.samples[kind], made[:, 0])
        assert result.samples[kind].shape == (8, 28, 28)
        assert len({sample.tobytes() for sample in made}) >= (2 if kind == "flip" else 5)


def test_the_image_is_the_first_of_its_digit():
    for digit in (0, 7):
        image = experiment.run(data=few_digits(), digit=digit, samples=1).image
        (found,) = np.flatnonzero((few_digits().x_test == image.ravel()).all(axis=1))
        assert few_digits().t_test[found] == digit
        assert digit not in few_digits().t_test[:found]
    with pytest.raises(ValueError, match=r"digit must be one of 0, 1, .*, 9, got 10"):
        experiment.run(digit=10)


def test_figure_8_4_shows_the_image_and_its_most_changed_samples():
    image = np.zeros((28, 28))
    samples = {kind: np.stack([image + i / 50 for i in (1, 3, 2)]) for kind in KINDS}
    samples["shift"] *= 2
    panels = plot(Result(image, samples, 0))["figure_8_4"].axes
    for axes, value in zip(panels, (0, 0.06, 0.12), strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), image + value)


def test_the_sheet_has_a_row_of_samples_for_each_kind(result):
    rows = plot(result)["kinds"].axes
    for axes, samples in zip(rows, result.samples.values(), strict=True):
        shown = np.asarray(axes.images[0].get_array()).reshape(28, 8, 30).swapaxes(0, 1)
        assert np.array_equal(shown[:, :, :28], samples)
