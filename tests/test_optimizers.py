"""Optimizers: their formulas, what they change, their state, and their errors."""

import math

import numpy as np
import pytest

from dlbasics._internal.fast.optimizers import CHUNK
from dlbasics.networks import TwoLayerNet
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

STATELESS = [SGD]
STATEFUL = [Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW]
ALL = STATELESS + STATEFUL
each = pytest.mark.parametrize("kind", ALL)
each_stateful = pytest.mark.parametrize("kind", STATEFUL)


def make_params(dtype=np.float64, scale=1.0):
    rng = np.random.default_rng(0)
    params = {"W": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}
    return {key: (scale * param).astype(dtype) for key, param in params.items()}


def make_grads(seed=1, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {"W": rng.standard_normal((3, 4)).astype(dtype), "b": rng.standard_normal(4)}


def train(optimizer, params, seeds):
    for seed in seeds:
        optimizer.update(params, make_grads(seed))


def copies(arrays):
    return {key: np.copy(array) for key, array in arrays.items()}


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(actual[key], expected[key], err_msg=key)


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


BY_HAND = [
    pytest.param(lambda: SGD(0.1), sgd_by_hand, id="SGD"),
    pytest.param(lambda: Momentum(0.1, 0.8), momentum_by_hand, id="Momentum"),
    pytest.param(lambda: Nesterov(0.1, 0.8), nesterov_by_hand, id="Nesterov"),
    pytest.param(lambda: AdaGrad(0.1), adagrad_by_hand, id="AdaGrad"),
    pytest.param(lambda: RMSprop(0.1, 0.8), rmsprop_by_hand, id="RMSprop"),
    pytest.param(lambda: Adam(0.1, 0.8, 0.7), adam_by_hand, id="Adam"),
]


@pytest.mark.parametrize("make, by_hand", BY_HAND)
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
    "optimizer, first, second",
    [
        (SGD(0.1), 0.8, 0.65),
        (Momentum(0.1, 0.5), 0.8, 0.55),
        (Nesterov(0.1, 0.5), 0.7, 0.425),
        (AdaGrad(0.1), 0.9, 0.84),
        (RMSprop(0.1, 0.75), 0.8, 0.66906927),
        (Adam(0.1, 0.5, 0.75), 0.9, 0.80377496),
        (AdamW(0.1, 0.5, 0.75, weight_decay=0), 0.9, 0.80377496),
    ],
    ids=[kind.__name__ for kind in ALL],
)
def test_two_steps_from_1_with_gradients_2_and_1_point_5(optimizer, first, second):
    params = {"W1": np.ones(1)}
    for gradient, expected in ((2.0, first), (1.5, second)):
        optimizer.update(params, {"W1": np.array([gradient])})
        assert params["W1"] == pytest.approx(expected, abs=2e-7)  # what 1e-7 beside the root moves


@pytest.mark.parametrize(
    "optimizer, expected",
    [
        (AdaGrad(0.1), 1 - 0.2 / 3),
        (RMSprop(0.1, 0.75), 0.9),
        (Adam(0.1, 0.5, 0.75), 0.95),
    ],
    ids=["AdaGrad", "RMSprop", "Adam"],
)
def test_1e_7_is_added_beside_the_root(optimizer, expected):
    """A gradient of 2e-7: roots of 2e-7, 1e-7 and 1e-7 (for Adam, torch's form gives 1 - 0.2/3)."""
    params = {"x": 1.0}
    optimizer.update(params, {"x": 2e-7})
    assert params["x"] == pytest.approx(expected, abs=1e-12)


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


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
def test_momentum_0_is_sgd_to_the_bit(kind):
    plain, other = make_params(), make_params()
    train(SGD(0.1), plain, range(5))
    train(kind(0.1, momentum=0), other, range(5))
    assert_same(other, plain)


BOWL = [
    pytest.param(lambda: SGD(0.95), id="SGD"),
    pytest.param(lambda: Momentum(0.1), id="Momentum"),
    pytest.param(lambda: AdaGrad(1.5), id="AdaGrad"),
    pytest.param(lambda: Adam(0.3), id="Adam"),
]


@pytest.mark.parametrize("make", BOWL)
def test_the_books_bowl_of_plain_numbers(make):
    optimizer, params = make(), {"x": -7.0, "y": 2.0}
    for _ in range(30):
        optimizer.update(params, {"x": params["x"] / 10.0, "y": params["y"] * 2.0})
        assert type(params["x"]) is type(params["y"]) is float
    assert math.hypot(params["x"], params["y"]) < 0.91
    assert params["x"] ** 2 / 20 + params["y"] ** 2 < 0.11  # 6.45 at the start


def test_sgd_zigzags_down_the_bowl():
    optimizer, params = SGD(0.95), {"x": -7.0, "y": 2.0}
    for _ in range(30):
        optimizer.update(params, {"x": params["x"] / 10.0, "y": params["y"] * 2.0})
    expected = {"x": -7 * (1 - 0.095) ** 30, "y": 2 * (1 - 1.9) ** 30}
    assert params == pytest.approx(expected, rel=1e-12, abs=0)


@each
class TestInPlace:
    def test_the_arrays_stay_the_same_objects_and_gradients_stay_as_they_are(self, kind):
        params, grads = make_params(), make_grads()
        arrays, before = dict(params), copies(grads)
        for array in grads.values():
            array.flags.writeable = False
        kind().update(params, grads)
        assert all(params[key] is arrays[key] for key in arrays)
        assert all(not np.array_equal(params[key], make_params()[key]) for key in arrays)
        assert_same(grads, before)

    def test_more_gradients_than_parameters_are_ignored(self, kind):
        params, more = make_params(), make_params()
        kind().update(params, make_grads())
        kind().update(more, {**make_grads(), "x": np.ones(2)})
        assert_same(more, params)

    def test_a_network_of_ours(self, kind):
        net = TwoLayerNet(4, 3, 2, rng=0)
        W, before = net.layers["Affine1"].W, net.layers["Affine1"].W.copy()
        kind().update(net.params, {key: np.ones_like(param) for key, param in net.params.items()})
        assert net.layers["Affine1"].W is W and W.dtype == np.float32
        assert not np.array_equal(W, before)

    def test_an_array_of_no_dimensions(self, kind):
        params, plain = {"x": np.array(1.0)}, {"x": 1.0}
        x = params["x"]
        for optimizer, p in ((kind(), params), (kind(), plain)):
            optimizer.update(p, {"x": 0.5})
        assert params["x"] is x and float(x) == plain["x"]

    @pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64])
    def test_integer_gradients_do_not_wrap(self, kind, dtype):
        params, expected = {"W": np.ones(2)}, {"W": np.ones(2)}
        kind().update(params, {"W": np.array([100, 16], dtype)})
        kind().update(expected, {"W": np.array([100.0, 16.0])})
        assert_same(params, expected)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_non_finite_gradients_pass_without_a_warning(self, kind, bad):
        optimizer, params = kind(), {"W": np.ones(2)}
        for _ in range(3):
            optimizer.update(params, {"W": np.array([bad, 1.0])})
        assert np.isfinite(params["W"]).tolist() == [False, True]

    def test_overflow_passes_without_a_warning(self, kind):
        optimizer, params = kind(), {"W": np.ones(1, np.float32)}
        for _ in range(3):
            optimizer.update(params, {"W": np.array([3e38], np.float32)})


@each
class TestDtype:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_parameters_and_state_keep_it(self, kind, dtype):
        optimizer, params = kind(lr=np.float64(0.01)), make_params(dtype)
        train(optimizer, params, range(3))
        states = [array for name in kind.state_names for array in getattr(optimizer, name).values()]
        assert {array.dtype for array in [*params.values(), *states]} == {np.dtype(dtype)}

    def test_a_float64_learning_rate_computes_like_a_python_float(self, kind):
        params, other = make_params(np.float32), make_params(np.float32)
        for lr, p in ((0.01, params), (np.float64(0.01), other)):
            optimizer = kind(lr)
            assert type(optimizer.lr) is float
            for seed in range(3):
                optimizer.update(p, make_grads(seed, np.float32))
        assert_same(other, params)

    def test_the_learning_rate_may_change_at_any_time(self, kind):
        optimizer, params = kind(0.5), make_params()
        train(optimizer, params, range(2))
        optimizer.lr, before = 0.0, copies(params)
        state = optimizer.state_dict()
        train(optimizer, params, [2])
        if kind not in (Momentum, Nesterov):
            assert_same(params, before)
        assert optimizer.iter == state["iter"] + 1


def rows_and_whole(kind):
    """One array above CHUNK elements, and its rows as arrays below it, after the same training."""
    shape = (10, CHUNK // 4 + 7)
    rng = np.random.default_rng(0)
    start, grads = rng.standard_normal(shape), rng.standard_normal((3, *shape))
    rows = {f"W{i}": row.copy() for i, row in enumerate(start)}
    optimizer = kind()
    for grad in grads:
        optimizer.update(rows, dict(zip(rows, grad, strict=True)))
    return start, grads, np.stack(list(rows.values()))


LAYOUTS = {
    "contiguous": lambda array: array.copy(),
    "Fortran order": np.asfortranarray,
    "transposed": lambda array: array.T.copy().T,
    "every other column": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
}


@each
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_large_parameters_of_any_layout_equal_small_ones_to_the_bit(kind, layout):
    start, grads, expected = rows_and_whole(kind)
    for grad_layout in (LAYOUTS["contiguous"], layout):
        W, optimizer = layout(start), kind()
        for grad in grads:
            optimizer.update({"W": W}, {"W": grad_layout(grad)})
        assert np.array_equal(W, expected)


@each
def test_a_view_moves_nothing_around_it(kind):
    base = np.ones((4, 6))
    kind().update({"W": base[:, ::2]}, {"W": np.broadcast_to(1.0, (4, 3))})
    assert (base[:, 1::2] == 1).all() and (base[:, ::2] < 1).all()


def test_one_sgd_serves_two_networks():
    optimizer, first = SGD(0.1), {"W": np.ones(2)}
    second = {"W": np.ones((3, 3)), "gamma": np.ones(3)}
    for _ in range(2):
        optimizer.update(first, {"W": np.ones(2)})
        optimizer.update(second, {"W": np.ones((3, 3)), "gamma": np.ones(3)})
    for array in (*first.values(), *second.values()):
        np.testing.assert_allclose(array, 0.8)


def test_a_learning_rate_set_later_is_checked_and_kept_as_a_python_float():
    optimizer = SGD(0.1)
    optimizer.lr = np.float64(0.5)
    assert type(optimizer.lr) is float
    with pytest.raises(ValueError, match="lr must be"):
        optimizer.lr = -1
    assert optimizer.lr == 0.5


def test_two_steps_of_adamw_decay_weights_only():
    """By hand: 1 - 0.1 * 0.5 = 0.95 of a weight is left before each step of Adam."""
    optimizer = AdamW(0.1, 0.5, 0.75, weight_decay=0.5)
    params = {key: np.ones(1) for key in ("W1", "b1", "gamma1", "beta1")}
    for gradient, weight, other in ((2.0, 0.85, 0.9), (1.5, 0.71127496, 0.80377496)):
        optimizer.update(params, {key: np.array([gradient]) for key in params})
        expected = {"W1": weight, "b1": other, "gamma1": other, "beta1": other}
        assert params == pytest.approx(expected, abs=2e-7)


def test_adamw_is_adam_after_a_decay_of_weights_alone():
    plain, decayed = make_params(), make_params()
    adam, adamw = Adam(0.1), AdamW(0.1, weight_decay=0.2)
    for seed in range(3):
        grads = make_grads(seed)
        plain["W"] *= 1 - 0.1 * 0.2
        adam.update(plain, grads)
        adamw.update(decayed, grads)
        for key in plain:
            np.testing.assert_allclose(decayed[key], plain[key], rtol=1e-14)
    assert not np.allclose(decayed["W"], make_params()["W"])


def test_adamw_without_decay_is_adam():
    plain, same = make_params(), make_params()
    train(Adam(0.1), plain, range(3))
    train(AdamW(0.1, weight_decay=0), same, range(3))
    for key in plain:
        np.testing.assert_array_equal(same[key], plain[key])


NORM_13 = {"W": np.array([[3.0, 0.0], [0.0, 4.0]]), "b": np.array([12.0])}


class TestClipByNorm:
    def test_the_norm_is_that_of_all_gradients_together(self):
        before = copies(NORM_13)
        clipped = clip_by_norm(NORM_13, 6.5)
        assert clipped["W"].tolist() == [[1.5, 0], [0, 2]] and clipped["b"].tolist() == [6]
        assert_same(NORM_13, before)

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
    def test_each_dtype_is_kept_and_the_norm_does_not_overflow_in_it(self, dtype):
        large = float(np.finfo(dtype).max) if dtype != np.float64 else 1e150
        clipped = clip_by_norm({"W": np.array([large, -large], dtype), "b": np.ones(1)}, 2**-20)
        assert clipped["W"].dtype == dtype and clipped["b"].dtype == np.float64
        half = 2**-20.5
        np.testing.assert_allclose(clipped["W"], [half, -half], rtol=0, atol=half / 10)

    def test_of_many_small_squares_none_is_lost(self):
        grads = {"W": np.full(10_000, 1e-3, np.float16)}  # float16 would lose 1e-6 beside 1e-2
        np.testing.assert_allclose(clip_by_norm(grads, 0.05)["W"], 5e-4, rtol=1e-3)

    def test_plain_numbers_as_in_the_bowl(self):
        params = {"x": 1.0, "y": 1.0}
        SGD(1).update(params, clip_by_norm({"x": 3, "y": 4.0}, 1))
        assert params == pytest.approx({"x": 0.4, "y": 0.2})

    @pytest.mark.parametrize("max_norm", [0, -1, np.nan, np.inf])
    def test_a_limit_out_of_range(self, max_norm):
        with pytest.raises(ValueError, match="max_norm must be a finite number from"):
            clip_by_norm(NORM_13, max_norm)

    @pytest.mark.parametrize("max_norm", [None, "1", [1]])
    def test_a_limit_that_is_no_number(self, max_norm):
        with pytest.raises(TypeError, match="max_norm must be a number, got"):
            clip_by_norm(NORM_13, max_norm)

    def test_a_gradient_that_is_no_array_of_numbers(self):
        with pytest.raises(TypeError, match=r"grads\['b'\] must hold real numbers"):
            clip_by_norm({"W": np.ones(2), "b": "abc"}, 1)
