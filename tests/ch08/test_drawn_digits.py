"""What the pad's networks read of drawn digits, and what the text's program reads."""

from itertools import product

import numpy as np
import pytest

from ch08_deep import drawn_digits
from ch08_deep.drawn_digits import (
    CANVAS_KINDS,
    LEFT_OUT,
    PENS,
    Config,
    experiment,
    on_canvas_of,
    plot,
)
from ch08_deep.strokes import KINDS, Drawing, draw_strokes, picture
from dlbasics.optimizers import SGD
from dlbasics.pad.networks import probabilities, shipped_networks
from dlbasics.pad.steps import STEPS, as_mnist
from tests.helpers import few_digits

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), drawings=10, epochs=1)


def test_each_step_is_left_out_alone_and_added_in_order():
    steps = [*STEPS]
    for step in steps:
        assert LEFT_OUT[f"without {step}"] == (step,)
        later = steps[steps.index(step) + 1 :]
        assert [*LEFT_OUT[f"up to {step}"]] == later
    assert LEFT_OUT["all steps"] == () == LEFT_OUT[f"up to {steps[-1]}"]
    assert [*LEFT_OUT["no step"]] == steps


def test_the_accuracies_are_those_of_the_pad_on_these_drawings(result):
    rng = np.random.default_rng(0)  # as the experiment's
    t = np.arange(10)
    sheets = {k: [picture(*d) for d in draw_strokes(t, rng, k)] for k in KINDS}
    networks = shipped_networks()
    for setting in ("all steps", "without crop", "no step", "up to crop"):
        right = {name: [] for name in networks}
        for kind, drawn in sheets.items():
            images = np.array([as_mnist(s, LEFT_OUT[setting])[-1].picture for s in drawn])
            for name, network in networks.items():
                right[name] += [*(probabilities(network, images).argmax(axis=1) == t)]
                if setting == "all steps":
                    assert result.kinds[name][kind] == pytest.approx(np.mean(right[name][-10:]))
            if setting == "all steps":
                np.testing.assert_array_equal(result.shown[kind][0], drawn)
                np.testing.assert_array_equal(result.shown[kind][1], images)
        for name, answers in right.items():
            assert result.accuracy[name][setting] == pytest.approx(np.mean(answers))


def test_the_best_network_reads_drawings_and_without_the_steps_it_does_not(result):
    assert result.accuracy["DeepConvNet"]["all steps"] >= 0.95
    assert result.accuracy["DeepConvNet"]["no step"] < 0.5


def test_the_text_trains_by_sgd_with_the_learning_rate_of_its_table(monkeypatch):
    made = []

    class Noted(SGD):
        def __init__(self, lr):
            super().__init__(lr)
            made.append(self)

        def update(self, params, grads):
            made.append(params["W1"].shape)
            super().update(params, grads)

    monkeypatch.setattr(drawn_digits, "SGD", Noted)
    data = few_digits()
    config = Config(hidden_size=7, epochs=2)
    drawn_digits.text_network(config, data, np.random.default_rng(0), iter)
    assert made[0].lr == 0.1
    assert made[1:] == [(784, 7)] * (2 * len(data.x_train) // 100)


def test_the_texts_canvas_has_28_pixels_with_ink_or_none():
    line = np.array([[0.1, 0.5], [0.9, 0.5]])
    for pen in PENS:
        ink = on_canvas_of(Drawing([line], 0.3), pen)
        assert (ink.shape, ink.dtype) == ((28, 28), np.float32)
        assert {*np.unique(ink)} == {0.0, 1.0}
        assert ink[:, 14].sum() == pen  # whatever the pen of the drawing
    dot = on_canvas_of(Drawing([np.array([[0.99, 0.01], [1.0, 0.0]])], 0.1), 1)
    assert dot.sum() == dot[0, 27] == 1


def test_the_texts_network_gets_both_colours_and_the_steps(monkeypatch):
    got = []

    class TextNetwork:
        def accuracy(self, x, t):
            return 0.5

    def noted(network, images):
        if isinstance(network, TextNetwork):
            got.append(images)
            return np.eye(10)[np.full(len(images), len(got) % 10)]
        return probabilities(network, images)

    monkeypatch.setattr(drawn_digits, "text_network", lambda *args: TextNetwork())
    monkeypatch.setattr(drawn_digits, "probabilities", noted)
    result = experiment.run(data=few_digits(), drawings=10)
    assert result.on_mnist == 0.5
    assert len(got) == 3 * len(PENS) * len(CANVAS_KINDS)
    for i, (kind, pen) in enumerate(product(CANVAS_KINDS, PENS)):
        dark, light, normalized = got[3 * i : 3 * i + 3]
        assert {*np.unique(light)} == {0.0, 1.0} and 0 < light.mean() < 0.5
        np.testing.assert_array_equal(dark, 1 - light)
        steps = [as_mnist(sheet)[-1].picture for sheet in dark]
        np.testing.assert_array_equal(normalized, steps)
        if pen == PENS[1]:
            np.testing.assert_array_equal(result.canvases[kind], light)
        assert result.on_canvas[kind][pen] == (0.1, 0.1, 0.1)  # each answer is one digit


def test_the_figures_show_the_numbers_and_the_drawings(result):
    figures = plot(result)
    assert [*figures] == ["steps", "drawings", "canvas"]
    bars = [bar.get_width() for axes in figures["steps"].axes for bar in axes.patches]
    shares = [a[s] for a in result.accuracy.values() for s in ("all steps", "no step")]
    assert {round(100 * share, 6) for share in shares} <= {round(bar, 6) for bar in bars}
    assert len(bars) == 2 * 3 * (1 + len(STEPS))
    assert sum(bool(axes.images) for axes in figures["drawings"].axes) == 2 * 10 * len(KINDS)
    assert sum(bool(axes.images) for axes in figures["canvas"].axes) == 10 * len(CANVAS_KINDS)
    texts = [text.get_text() for axes in figures["canvas"].axes for text in axes.texts]
    shares = np.mean([[*pens.values()] for pens in result.on_canvas.values()], axis=1).reshape(-1)
    assert all(f"{share:.0%}" in " ".join(texts) for share in shares)


@pytest.mark.slow
def test_the_claims_hold_on_mnist(mnist):
    result = experiment.run(data=mnist, seed=1)
    assert all(claim.holds(claim.value(result)) for claim in experiment.claims)


def test_a_single_drawing_of_each_kind_has_figures_too():
    few = experiment.run(data=few_digits(), drawings=1, epochs=1)
    assert len(experiment.plot(few)["canvas"].axes) == len(CANVAS_KINDS)
