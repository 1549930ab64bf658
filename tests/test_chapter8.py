"""The scripts of chapter 8: their claims, and what they compute."""

import numpy as np
import pytest

from ch08_deep.augmentation_samples import CLAIMS, KINDS, Config, Result, plot, run
from dlbasics import augmentation
from dlbasics.experiment import judge, load_data
from dlbasics.results import save_result

DIGITS = load_data("digits", quick=True)
RESULT = run(Config(), 0, DIGITS)


def failed(result):
    verdicts = judge(CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict.text for verdict in verdicts if not verdict.holds]


@pytest.mark.parametrize("seed", range(3))
def test_every_claim_holds(seed):
    assert failed(run(Config(), seed, DIGITS)) == []


def test_every_claim_of_chapter_8_holds_on_mnist(mnist):
    result = run(Config(), np.random.default_rng(0), mnist)
    assert failed(result) == []
    assert np.array_equal(result.image.ravel(), mnist.x_test[0])  # a 7


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.text)
def test_no_claim_of_chapter_8_holds_whatever_comes(claim):
    value = np.array(claim.value(RESULT), dtype=float)
    assert not claim.holds((value * np.nan).tolist())
    assert not any(claim.holds((value + away).tolist()) for away in (-0.01, 0.01))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_changes_by_nothing_is_seen(kind, monkeypatch):
    right = getattr(augmentation, kind)

    def wrong(x, **given):
        return right(x, **given) * np.float32(0.99)

    monkeypatch.setattr(augmentation, kind, wrong)
    assert failed(run(Config(), 0, DIGITS)) == [CLAIMS[0].text]


def test_every_kind_of_augmentation_is_shown():
    assert sorted(KINDS) == sorted(augmentation.__all__)
    assert list(RESULT.samples) == list(KINDS)


def test_samples_are_what_each_function_makes_of_the_image():
    rng = np.random.default_rng(0)
    x = np.tile(RESULT.image, (8, 1, 1, 1))
    for kind, (name, amount) in KINDS.items():
        made = getattr(augmentation, kind)(x, rng=rng, **{name: amount})
        assert np.array_equal(RESULT.samples[kind], made[:, 0])
        assert RESULT.samples[kind].shape == (8, 28, 28)
        assert len({sample.tobytes() for sample in made}) >= (2 if kind == "flip" else 5)


def test_the_image_is_the_first_of_its_digit():
    for digit in (0, 7):
        image = run(Config(digit, samples=1), 0, DIGITS).image
        (found,) = np.flatnonzero((DIGITS.x_test == image.ravel()).all(axis=1))
        assert DIGITS.t_test[found] == digit
        assert digit not in DIGITS.t_test[:found]
    with pytest.raises(ValueError, match="digit must be from 0 to 9, got 10"):
        Config(digit=10)


def test_figure_8_4_shows_the_image_and_its_most_changed_samples():
    image = np.zeros((28, 28))
    samples = {kind: np.stack([image + i / 50 for i in (1, 3, 2)]) for kind in KINDS}
    samples["shift"] *= 2
    panels = plot(Result(image, samples, 0))["figure_8_4"].axes
    assert [axes.get_title() for axes in panels] == ["the image", "rotated", "shifted"]
    for axes, value in zip(panels, (0, 0.06, 0.12), strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), image + value)
        assert axes.images[0].get_clim() == (0, 1)


def test_the_sheet_has_a_row_of_samples_for_each_kind(tmp_path):
    rows = plot(RESULT)["kinds"].axes
    for axes, (kind, samples) in zip(rows, RESULT.samples.items(), strict=True):
        assert axes.get_title(loc="left").startswith(f"{kind}(x, ")
        shown = np.asarray(axes.images[0].get_array()).reshape(28, 8, 30).swapaxes(0, 1)
        assert np.array_equal(shown[:, :, :28], samples)
    save_result(RESULT, {}, tmp_path / "result.json")


def test_same_seed_same_samples():
    again, other = run(Config(), 0, DIGITS), run(Config(), 1, DIGITS)
    for kind, samples in RESULT.samples.items():
        assert np.array_equal(again.samples[kind], samples)
        assert not np.array_equal(other.samples[kind], samples)
