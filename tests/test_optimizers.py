"""The formulas and settings of optimizers, and the clipping of gradients."""

import math

import numpy as np
import pytest

from dlbasics.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    RMSprop,
    clip_by_norm,
)
from tests.helpers import normal


def trained(optimizer, before_step=lambda params: None):
    """Return the parameters after five steps with given gradients."""
    shapes = {"W1": (3, 4), "b1": (4,), "gamma1": (4,), "beta1": (4,)}
    params = {key: normal(*shape) for key, shape in shapes.items()}
    for seed in range(1, 6):
        before_step(params)
        optimizer.update(params, {key: normal(*shapes[key], seed=seed) for key in params})
    return params


def assert_same(found, expected, rtol=0):
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], rtol=rtol, err_msg=key)


def sgd_by_hand(w, gradients):
    for g in gradients:
        w = w - 0.1 * g
        yield w, {}


def momentum_by_hand(w, gradients):
    v = 0.0
    for g in gradients:
        v = 0.8 * v - 0.1 * g
        w = w + v
        yield w, {"v": v}


def nesterov_by_hand(w, gradients):
    v = 0.0
    for g in gradients:
        w = w + 0.8 * 0.8 * v - (1 + 0.8) * 0.1 * g
        v = 0.8 * v - 0.1 * g
        yield w, {"v": v}


def adagrad_by_hand(w, gradients):
    h = 0.0
    for g in gradients:
        h = h + g**2
        w = w - 0.1 * g / (math.sqrt(h) + 1e-7)
        yield w, {"h": h}


def rmsprop_by_hand(w, gradients):
    h = 0.0
    for g in gradients:
        h = 0.8 * h + 0.2 * g**2
        w = w - 0.1 * g / (math.sqrt(h) + 1e-7)
        yield w, {"h": h}


def adam_by_hand(w, gradients):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = 0.8 * m + 0.2 * g
        v = 0.7 * v + 0.3 * g**2
        rate = 0.1 * math.sqrt(1 - 0.7**t) / (1 - 0.8**t)
        w = w - rate * m / (math.sqrt(v) + 1e-7)
        yield w, {"m": m, "v": v}


BY_HAND = {
    "SGD": (lambda: SGD(0.1), sgd_by_hand),
    "Momentum": (lambda: Momentum(0.1, 0.8), momentum_by_hand),
    "Nesterov": (lambda: Nesterov(0.1, 0.8), nesterov_by_hand),
    "AdaGrad": (lambda: AdaGrad(0.1), adagrad_by_hand),
    "RMSprop": (lambda: RMSprop(0.1, 0.8), rmsprop_by_hand),
    "Adam": (lambda: Adam(0.1, 0.8, 0.7), adam_by_hand),
}


@pytest.mark.parametrize(("make", "by_hand"), BY_HAND.values(), ids=BY_HAND)
@pytest.mark.parametrize("gradients", [(0.5, -2.0, 3.0), (1e-6, 1e-7, -1e-8), (0.0, 4.0, 0.0)])
class TestFormulas:
    def test_the_first_three_steps_of_an_array(self, make, by_hand, gradients):
        optimizer, params = make(), {"W": np.array([[1.0, -2.0]])}
        hands = zip(by_hand(1.0, gradients), by_hand(-2.0, [-g for g in gradients]), strict=True)
        for g, ((w0, state0), (w1, state1)) in zip(gradients, hands, strict=True):
            optimizer.update(params, {"W": np.array([[g, -g]])})
            np.testing.assert_allclose(params["W"], [[w0, w1]], rtol=1e-14)
            for name in state0:
                state = getattr(optimizer, name)["W"]
                np.testing.assert_allclose(state, [[state0[name], state1[name]]], rtol=1e-14)

    def test_the_first_three_steps_of_a_plain_number(self, make, by_hand, gradients):
        optimizer, params = make(), {"x": 1.0, "y": 5}
        hands = zip(gradients, by_hand(1.0, gradients), by_hand(5.0, gradients), strict=True)
        for g, (x, _), (y, _) in hands:
            optimizer.update(params, {"x": g, "y": g})
            assert params == pytest.approx({"x": x, "y": y}, rel=1e-14, abs=0)
            assert type(params["x"]) is type(params["y"]) is float


@pytest.mark.parametrize(
    "kind, settings",
    [
        (SGD, {"lr": 0.01}),
        (Momentum, {"lr": 0.01, "momentum": 0.9}),
        (Nesterov, {"lr": 0.01, "momentum": 0.9}),
        (AdaGrad, {"lr": 0.01}),
        (RMSprop, {"lr": 0.01, "decay_rate": 0.99}),
        (Adam, {"lr": 0.001, "beta1": 0.9, "beta2": 0.999}),
        (AdamW, {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "weight_decay": 0.01}),
    ],
)
def test_settings_are_the_books_in_its_order(kind, settings):
    changed = {name: value / 2 for name, value in settings.items()}
    for optimizer, expected in ((kind(), settings), (kind(*changed.values()), changed)):
        assert {name: getattr(optimizer, name) for name in expected} == expected


RATES = [(Momentum, "momentum"), (Nesterov, "momentum"), (RMSprop, "decay_rate")]
RATES += [(Adam, "beta1"), (Adam, "beta2")]


@pytest.mark.parametrize("kind, name", RATES)
def test_a_rate_must_be_a_number_in_its_range(kind, name):
    for bad in (-0.1, 1.0 if kind is Adam else 1.1, np.nan):
        with pytest.raises(ValueError, match=f"{name} must be a finite number from 0 to"):
            kind(**{name: bad})
    with pytest.raises(TypeError, match=f"{name} must be a number, got '0.9'"):
        kind(**{name: "0.9"})


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
def test_momentum_0_is_sgd_to_the_bit(kind):
    assert_same(trained(kind(0.1, momentum=0)), trained(SGD(0.1)))


def test_adamw_is_adam_after_a_decay_of_weights_alone():
    def decay(params):
        params["W1"] *= 1 - 0.1 * 0.2

    found, plain = trained(AdamW(0.1, weight_decay=0.2)), trained(Adam(0.1))
    assert_same(found, trained(Adam(0.1), decay), rtol=1e-14)
    assert not np.allclose(found["W1"], plain["W1"])
    assert_same(trained(AdamW(0.1, weight_decay=0)), plain)


NORM_13 = {"W": np.array([[3.0, 0.0], [0.0, 4.0]]), "b": np.array([12.0])}


class TestClipByNorm:
    def test_the_norm_is_that_of_all_gradients_together(self):
        clipped = clip_by_norm(NORM_13, 6.5)
        assert clipped["W"].tolist() == [[1.5, 0], [0, 2]] and clipped["b"].tolist() == [6]
        assert NORM_13["W"].tolist() == [[3, 0], [0, 4]] and NORM_13["b"].tolist() == [12]

    @pytest.mark.parametrize("max_norm", [13, 13.1, 1e300])
    def test_gradients_within_it_are_the_same_arrays_in_another_dict(self, max_norm):
        clipped = clip_by_norm(NORM_13, max_norm)
        assert clipped is not NORM_13 and clipped.keys() == NORM_13.keys()
        assert all(clipped[key] is NORM_13[key] for key in clipped)
        assert clip_by_norm({}, max_norm) == {}

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_gradients_that_are_not_finite_stay_as_they_are(self, bad):
        grads = {**NORM_13, "b": np.array([bad], np.float32)}
        assert all(clip_by_norm(grads, 1)[key] is grads[key] for key in grads)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_each_dtype_is_kept_and_the_norm_is_exact_in_it(self, dtype):
        large = float(np.finfo(dtype).max) if dtype != np.float64 else 1e150
        clipped = clip_by_norm({"W": np.array([large, -large], dtype), "b": np.ones(1)}, 2**-20)
        assert clipped["W"].dtype == dtype and clipped["b"].dtype == np.float64
        half = 2**-20.5
        np.testing.assert_allclose(clipped["W"], [half, -half], rtol=0, atol=half / 10)
        many = {"W": np.full(10_000, 1e-3, dtype)}  # float16 would lose 1e-6 beside 1e-2
        np.testing.assert_allclose(clip_by_norm(many, 0.05)["W"], 5e-4, rtol=1e-3)

    def test_plain_numbers_as_in_the_bowl(self):
        params = {"x": 1.0, "y": 1.0}
        SGD(1).update(params, clip_by_norm({"x": 3, "y": 4.0}, 1))
        assert params == pytest.approx({"x": 0.4, "y": 0.2})

    def test_the_limit_must_be_a_number_above_0_and_gradients_numbers(self):
        for bad in (0, -1, np.nan, np.inf):
            with pytest.raises(ValueError, match="max_norm must be a finite number from"):
                clip_by_norm(NORM_13, bad)
        for bad in (None, "1", [1]):
            with pytest.raises(TypeError, match="max_norm must be a number, got"):
                clip_by_norm(NORM_13, bad)
        with pytest.raises(TypeError, match=r"grads\['b'\] must hold real numbers"):
            clip_by_norm({"W": np.ones(2), "b": "abc"}, 1)
        for bad in (None, 2, "x", [], {1}, object()):
            with pytest.raises(TypeError, match="grads must be a dict of arrays, got"):
                clip_by_norm(bad, 1)
