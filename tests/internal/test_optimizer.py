"""What all optimizers share: what they change, remember, save and refuse."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics._internal.optimizer import Optimizer
from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop
from dlbasics.storage import load_arrays, save_arrays
from tests.helpers import normal

STATEFUL = [Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW]
ALL = [SGD, *STATEFUL]
each = pytest.mark.parametrize("kind", ALL)
each_stateful = pytest.mark.parametrize("kind", STATEFUL)


def make_params(dtype=np.float64):
    return {"W": np.arange(6, dtype=dtype).reshape(2, 3), "b": np.ones(3, dtype)}


def make_grads(seed=0, dtype=np.float64):
    return {"W": normal(2, 3, seed=seed, dtype=dtype), "b": normal(3, seed=seed)}


def train(optimizer, params, seeds):
    for seed in seeds:
        optimizer.update(params, make_grads(seed))


def trained(kind, steps=2):
    optimizer, params = kind(), make_params()
    train(optimizer, params, range(steps))
    return optimizer, params


def through_pickle(optimizer):
    return pickle.loads(pickle.dumps(optimizer))  # noqa: S301


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(actual[key], expected[key], err_msg=key)


@each
class TestInPlace:
    def test_the_arrays_stay_the_same_objects_and_gradients_stay_as_they_are(self, kind):
        params, grads = make_params(), make_grads()
        arrays, before = dict(params), copy.deepcopy(grads)
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

    def test_a_view_moves_nothing_around_it(self, kind):
        base = np.ones((4, 6))
        kind().update({"W": base[:, ::2]}, {"W": np.broadcast_to(1.0, (4, 3))})
        assert (base[:, 1::2] == 1).all() and (base[:, ::2] < 1).all()

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
    def test_non_finite_gradients_and_overflow_pass_without_a_warning(self, kind, bad):
        optimizer, params, single = kind(), {"W": np.ones(2)}, {"x": np.ones(1, np.float32)}
        for _ in range(3):
            optimizer.update(params, {"W": np.array([bad, 1.0])})
        assert np.isfinite(params["W"]).tolist() == [False, True]
        optimizer = kind()
        for _ in range(3):
            optimizer.update(single, {"x": np.array([3e38], np.float32)})


@each
class TestDtype:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_parameters_keep_it_and_the_state_is_at_least_single_also_when_resumed(
        self, kind, dtype
    ):
        optimizer, params, resumed = kind(lr=np.float64(0.01)), make_params(dtype), kind()
        train(optimizer, params, range(3))
        resumed.load_state_dict(optimizer.state_dict())
        holders = [getattr(it, name) for it in (optimizer, resumed) for name in kind.state_names]
        states = [array for holder in holders for array in holder.values()]
        assert {array.dtype for array in params.values()} == {np.dtype(dtype)}
        assert {array.dtype for array in states} <= {np.result_type(dtype, np.float32)}

    @pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8"])
    def test_states_have_the_byte_order_of_this_machine(self, kind, dtype):
        optimizer, resumed, params = kind(), kind(), make_params(dtype)
        train(optimizer, params, range(2))
        state = optimizer.state_dict()
        swapped = {
            name: value.astype(value.dtype.newbyteorder("S")) if name[1:2] == "/" else value
            for name, value in state.items()
        }
        resumed.load_state_dict(swapped)
        for found in (state, resumed.state_dict()):
            arrays = [value for value in found.values() if isinstance(value, np.ndarray)]
            assert all(array.dtype.isnative for array in arrays)

    @pytest.mark.parametrize("size", [1e-4, 300.0])
    def test_half_precision_takes_the_steps_of_single_precision(self, kind, size):
        """In half precision, 300^2 is infinite and (1e-4)^2 is 0."""
        half, single = ({"W": np.ones((2, 3), dtype)} for dtype in (np.float16, np.float32))
        grad = np.array([[size, -size, 0], [size / 3, 2 * size, 1]], np.float16)
        optimizers = kind(), kind()
        for _ in range(3):
            single["W"] = half["W"].astype(np.float32)
            optimizers[0].update(half, {"W": grad})
            optimizers[1].update(single, {"W": grad.astype(np.float32)})
            np.testing.assert_array_equal(half["W"], single["W"].astype(np.float16))
        mixed = {"W": np.ones((2, 3), np.float32)}
        kind().update(mixed, {"W": grad})
        wide = {"W": np.ones((2, 3), np.float32)}
        kind().update(wide, {"W": grad.astype(np.float32)})
        assert_same(mixed, wide)

    def test_a_half_precision_array_without_dimensions_moves(self, kind):
        b = np.array(1, np.float16)
        kind().update({"b": b}, {"b": np.array(300, np.float16)})
        assert b < 1

    def test_half_precision_resumes_to_the_bit_also_from_a_half_precision_state(self, kind):
        optimizer, params = kind(), make_params(np.float16)
        train(optimizer, params, range(2))
        resumed, copied = kind(), copy.deepcopy(params)
        resumed.load_state_dict(optimizer.state_dict())
        old = {
            key: value.astype(np.float16) if isinstance(value, np.ndarray) else value
            for key, value in optimizer.state_dict().items()
        }
        for each in (optimizer, resumed):
            train(each, params if each is optimizer else copied, range(2, 5))
        assert_same(copied, params)
        resumed.load_state_dict(old)
        train(resumed, copied, [6])
        states = [array for name in kind.state_names for array in getattr(resumed, name).values()]
        assert {array.dtype for array in states} <= {np.dtype(np.float32)}

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
        optimizer.lr, before = 0.0, copy.deepcopy(params)
        state = optimizer.state_dict()
        train(optimizer, params, [2])
        if kind not in (Momentum, Nesterov):
            assert_same(params, before)
        assert optimizer.iter == state["iter"] + 1
        optimizer.lr = np.float64(0.5)
        with pytest.raises(ValueError, match="lr must be"):
            optimizer.lr = -1
        assert optimizer.lr == 0.5 and type(optimizer.lr) is float


def test_one_sgd_serves_two_networks():
    optimizer, first = SGD(0.1), {"W": np.ones(2)}
    second = {"W": np.ones((3, 3)), "gamma": np.ones(3)}
    for _ in range(2):
        optimizer.update(first, {"W": np.ones(2)})
        optimizer.update(second, {"W": np.ones((3, 3)), "gamma": np.ones(3)})
    for array in (*first.values(), *second.values()):
        np.testing.assert_allclose(array, 0.8)


class TestState:
    @pytest.mark.parametrize(
        "kind, names",
        [
            (SGD, []),
            *((kind, ["v"]) for kind in (Momentum, Nesterov)),
            *((kind, ["h"]) for kind in (AdaGrad, RMSprop)),
            *((kind, ["m", "v"]) for kind in (Adam, AdamW)),
        ],
    )
    def test_attributes_hold_an_array_for_each_key_and_none_at_first(self, kind, names):
        assert sorted(kind.state_names) == names
        (optimizer, params), new = trained(kind, steps=3), kind()
        assert (optimizer.iter, new.iter) == (3, 0)
        for name in names:
            state = getattr(optimizer, name)
            assert {key: array.shape for key, array in state.items()} == {"W": (2, 3), "b": (3,)}
            assert not any(np.shares_memory(state[key], params[key]) for key in params)
            assert getattr(new, name) == {}

    @each
    @pytest.mark.parametrize("duplicate", [copy.deepcopy, through_pickle])
    def test_a_copy_goes_on_by_itself(self, kind, duplicate):
        optimizer, params = trained(kind)
        twin, other = duplicate(optimizer), copy.deepcopy(params)
        train(optimizer, params, [5, 6])
        train(twin, other, [5, 6])
        assert_same(other, params)


SETTINGS = [
    (Momentum, "momentum", 5),
    (Nesterov, "momentum", 1.01),
    (RMSprop, "decay_rate", 5),
    (Adam, "beta1", 1),
    (Adam, "beta2", 2),
    (AdamW, "beta2", 1.0),
    (AdamW, "weight_decay", -0.1),
    *((kind, "lr", bad) for kind in ALL for bad in (-1, np.nan, np.inf, "0.1", None, [0.1], 1j)),
    (Momentum, "momentum", "0.5"),
    (Adam, "beta1", None),
]


@pytest.mark.parametrize(("kind", "name", "bad"), SETTINGS)
def test_a_setting_is_checked_the_same_way_wherever_it_comes_from(kind, name, bad):
    optimizer, _ = trained(kind)
    state = optimizer.state_dict()
    for way in (
        lambda: kind(**{name: bad}),
        lambda: setattr(optimizer, name, bad),
        lambda: optimizer.load_state_dict({**state, "iter": 9, name: bad}),
        lambda: optimizer.load_state_dict({**state, name: np.array(bad)}),
    ):
        with pytest.raises((TypeError, ValueError), match=f"{name} must be a (finite )?number"):
            way()
        assert_same(optimizer.state_dict(), state)


@each
class TestResuming:
    @pytest.mark.parametrize("steps", [0, 2])
    def test_to_the_bit_and_through_a_file(self, kind, steps, tmp_path):
        optimizer, params = kind(lr=0.5), make_params()
        train(optimizer, params, range(steps))
        state, resumed = optimizer.state_dict(), copy.deepcopy(params)
        before = copy.deepcopy(state)
        save_arrays(tmp_path / "state.npz", state)
        train(optimizer, params, range(2, 6))
        for saved in (state, load_arrays(tmp_path / "state.npz")):
            other, found = kind(), copy.deepcopy(resumed)
            other.load_state_dict(saved)
            train(other, found, range(2, 6))
            assert_same(found, params)
            assert_same(other.state_dict(), optimizer.state_dict())
            assert_same(state, before)


class TestForeignState:
    @pytest.mark.parametrize("steps", [0, 2])
    @pytest.mark.parametrize(
        "kind, foreign", [(kind, foreign) for kind in ALL for foreign in ALL if kind is not foreign]
    )
    def test_of_another_kind_is_refused(self, kind, foreign, steps):
        state, optimizer = trained(foreign)[0].state_dict(), trained(kind, steps)[0]
        before = optimizer.state_dict()
        with pytest.raises(ValueError, match="state"):
            optimizer.load_state_dict(state)
        assert_same(optimizer.state_dict(), before)

    @each_stateful
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda state, name: state.pop("lr"),
            lambda state, name: state.pop("iter"),
            lambda state, name: state.update(lr=np.nan),
            lambda state, name: state.update(lr=-1.0),
            lambda state, name: state.update({"x/W": np.ones(2)}),
            lambda state, name: state.update({name: np.ones(2)}),
            lambda state, name: state.update({f"{name}/": np.ones(2)}),
            lambda state, name: state.update({f"{name}/W": ["a"]}),
            lambda state, name: state.update(iter=2.7),
            lambda state, name: state.update(iter="2"),
            lambda state, name: state.update(iter=np.array([2])),
            lambda state, name: state.update(iter=None),
            lambda state, name: state.update({f"{name}/W": np.ones((2, 3), int)}),
            lambda state, name: state.update({f"{name}/W": np.ones((2, 3), complex)}),
            lambda state, name: state.update({f"{name}/W": np.ma.ones((2, 3))}),
            lambda state, name: state.update({f"{name}/W": None}),
            lambda state, name: state.update({3: np.ones(2)}),
        ],
    )
    def test_that_is_damaged_is_refused(self, kind, spoil):
        state, optimizer = trained(kind)[0].state_dict(), trained(kind)[0]
        before = optimizer.state_dict()
        spoil(state, kind.state_names[0])
        with pytest.raises((TypeError, ValueError)):
            optimizer.load_state_dict(state)
        assert_same(optimizer.state_dict(), before)

    @pytest.mark.parametrize("entry", ["m/W", "v/b"])
    def test_that_lacks_an_array_is_refused(self, entry):
        state, optimizer = trained(Adam)[0].state_dict(), Adam()
        del state[entry]
        with pytest.raises(ValueError, match="state"):
            optimizer.load_state_dict(state)
        assert optimizer.iter == 0 and optimizer.m == optimizer.v == {}

    @pytest.mark.parametrize("kind", [Adam, AdamW])
    def test_whose_arrays_differ_in_shape_is_refused(self, kind):
        optimizer = trained(kind)[0]
        state = optimizer.state_dict()
        with pytest.raises(ValueError, match="state must have arrays of one shape for a parameter"):
            optimizer.load_state_dict({**state, "v/W": np.ones((3, 2))})
        assert_same(optimizer.state_dict(), state)

    @pytest.mark.parametrize("state", [None, 2, "x", [], object()])
    def test_that_is_no_dict_is_refused(self, state):
        with pytest.raises(TypeError, match="state must be a dict, got"):
            SGD().load_state_dict(state)

    @each_stateful
    def test_of_another_network_is_refused_by_the_next_update(self, kind):
        foreign, _ = kind(), {"W": np.ones(2)}
        foreign.update({"W": np.ones(2)}, {"W": np.ones(2)})
        optimizer = kind()
        optimizer.load_state_dict(foreign.state_dict())
        assert_refused(ValueError, "params must keep", optimizer, make_params(), make_grads())


def assert_refused(error, message, optimizer, params, grads):
    """The update raises, and parameters, state and iteration count stay as they were."""
    before = copy.deepcopy(params)
    state = optimizer.state_dict()
    with pytest.raises(error, match=message):
        optimizer.update(params, grads)
    assert_same(params, before)
    assert_same(optimizer.state_dict(), state)


REFUSED_GRADS = [
    ("missing", ValueError, r"grads must have an entry for 'b', got \['W'\]"),
    (np.ones(4), ValueError, r"grads\['b'\] must have shape \(3,\), got \(4,\)"),
    (np.ones((1, 3)), ValueError, r"grads\['b'\] must have shape \(3,\), got \(1, 3\)"),
    (1.0, ValueError, r"grads\['b'\] must have shape \(3,\), got \(\)"),
    (None, TypeError, r"grads\['b'\]"),
    (np.ones(3, complex), TypeError, r"grads\['b'\] must hold real numbers, got dtype complex128"),
    (["a", "b", "c"], TypeError, r"grads\['b'\] must hold real numbers"),
    (np.ma.ones(3), TypeError, r"grads\['b'\] must be an array without a mask"),
    ([1, [2, 3]], TypeError, r"grads\['b'\] must be an array of numbers, got a ragged list"),
]
REFUSED_PARAMS = [
    (np.ones(3, int), TypeError, r"params\['b'\] must be a floating-point array .*, got int"),
    (np.ones(3, bool), TypeError, r"params\['b'\] must be a floating-point array .*, got bool"),
    (np.ones(3, complex), TypeError, r"params\['b'\] must be .*, got complex128"),
    ([1.0, 1.0, 1.0], TypeError, r"params\['b'\] must be .*, got list"),
    ("abc", TypeError, r"params\['b'\] must be .*, got str"),
    (None, TypeError, r"params\['b'\] must be .*, got NoneType"),
    (np.ma.ones(3), TypeError, r"params\['b'\] must be .*, got MaskedArray"),
]


@each
@pytest.mark.parametrize("steps", [0, 2])
class TestNothingIsHalfUpdated:
    @pytest.mark.parametrize("grad, error, message", REFUSED_GRADS)
    def test_by_a_wrong_gradient(self, kind, steps, grad, error, message):
        optimizer, params = trained(kind, steps)
        grads = {"W": np.ones((2, 3)), "b": grad}
        if isinstance(grad, str):
            del grads["b"]
        assert_refused(error, message, optimizer, params, grads)

    @pytest.mark.parametrize("param, error, message", REFUSED_PARAMS)
    def test_by_a_wrong_parameter(self, kind, steps, param, error, message):
        optimizer, params = trained(kind, steps)
        params["b"] = param
        assert_refused(error, message, optimizer, params, make_grads())

    def test_by_a_parameter_that_is_read_only(self, kind, steps):
        optimizer, params = trained(kind, steps)
        params["b"].flags.writeable = False
        assert_refused(ValueError, "read-only|writ", optimizer, params, make_grads())


@each_stateful
@pytest.mark.parametrize(
    "params",
    [
        {"W": np.ones((2, 3))},
        {"W": np.ones((2, 3)), "b": np.ones(3), "gamma": np.ones(3)},
        {"W": np.ones((2, 3)), "beta": np.ones(3)},
        {"W": np.ones((2, 3)), "b": np.ones(4)},
        {"W": np.ones((2, 3)), "b": np.ones((1, 3))},
        {"W": np.ones((2, 3)), "b": 1.0},
    ],
)
def test_keys_and_shapes_must_stay_those_of_the_state(kind, params):
    optimizer, _ = trained(kind)
    assert_refused(ValueError, f"params must keep .* {kind.__name__}", optimizer, params, params)


def test_settings_are_part_of_the_state():
    momentum = Momentum(0.1, momentum=0.5)
    resumed = Momentum()
    resumed.load_state_dict(momentum.state_dict())
    assert (resumed.lr, resumed.momentum) == (0.1, 0.5)
    with pytest.raises(ValueError, match="iter must be at least 0"):
        resumed.load_state_dict(momentum.state_dict() | {"iter": -1})


def test_an_optimizer_without_a_formula_says_what_to_write():
    class Empty(Optimizer):
        pass

    with pytest.raises(TypeError, match=r"Empty must define _step\(W, dW, \*state\)"):
        Empty(0.1)


@each
@pytest.mark.parametrize("wrong", [None, 2, "x", [], {1}, object()])
def test_what_is_no_dict_is_an_error(kind, wrong):
    with pytest.raises(TypeError, match="params must be a dict of arrays, got"):
        kind().update(wrong, {})
    with pytest.raises(TypeError, match="grads must be a dict of arrays, got"):
        kind().update({"W": np.ones(2)}, wrong)


@each
def test_keys_need_not_be_strings(kind):
    params = {1: np.ones(2)}
    kind().update(params, {1: np.ones(2)})
    assert (params[1] < 1).all()
