"""What optimizers remember, how it is saved and resumed, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop
from dlbasics.storage import load_arrays, save_arrays

STATEFUL = [Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW]
ALL = [SGD, *STATEFUL]
each = pytest.mark.parametrize("kind", ALL)
each_stateful = pytest.mark.parametrize("kind", STATEFUL)


def make_params():
    return {"W": np.arange(6.0).reshape(2, 3), "b": np.ones(3)}


def make_grads(seed=0):
    rng = np.random.default_rng(seed)
    return {"W": rng.standard_normal((2, 3)), "b": rng.standard_normal(3)}


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


class TestState:
    @pytest.mark.parametrize(
        "kind, names",
        [
            (SGD, []),
            (Momentum, ["v"]),
            (Nesterov, ["v"]),
            (AdaGrad, ["h"]),
            (RMSprop, ["h"]),
            (Adam, ["m", "v"]),
        ],
    )
    def test_attributes_hold_an_array_for_each_key(self, kind, names):
        optimizer, params = trained(kind, steps=1)
        assert sorted(kind.state_names) == names
        for name in names:
            state = getattr(optimizer, name)
            assert {key: array.shape for key, array in state.items()} == {"W": (2, 3), "b": (3,)}
            assert not any(np.shares_memory(state[key], params[key]) for key in params)

    @each
    def test_a_new_optimizer_has_no_state(self, kind):
        optimizer = kind()
        assert optimizer.iter == 0
        assert all(getattr(optimizer, name) == {} for name in kind.state_names)

    @each
    def test_iter_counts_updates(self, kind):
        assert trained(kind, steps=3)[0].iter == 3

    @each_stateful
    def test_optimizers_share_nothing(self, kind):
        trained(kind)
        fresh, params = trained(kind, steps=1)
        again, other = trained(kind, steps=1)
        assert_same(other, params)
        assert_same(again.state_dict(), fresh.state_dict())

    @each
    @pytest.mark.parametrize("duplicate", [copy.deepcopy, through_pickle])
    def test_a_copy_goes_on_by_itself(self, kind, duplicate):
        optimizer, params = trained(kind)
        twin, other = duplicate(optimizer), copy.deepcopy(params)
        train(optimizer, params, [5, 6])
        train(twin, other, [5, 6])
        assert_same(other, params)


@each
class TestResuming:
    def test_to_the_bit(self, kind):
        optimizer, params = trained(kind)
        state, resumed = optimizer.state_dict(), copy.deepcopy(params)
        train(optimizer, params, range(2, 6))
        other = kind(lr=0.5)
        other.load_state_dict(state)
        train(other, resumed, range(2, 6))
        assert_same(resumed, params)
        assert_same(other.state_dict(), optimizer.state_dict())

    def test_through_a_file(self, kind, tmp_path):
        optimizer, params = trained(kind)
        save_arrays(tmp_path / "state.npz", optimizer.state_dict())
        other, resumed = kind(), copy.deepcopy(params)
        other.load_state_dict(load_arrays(tmp_path / "state.npz"))
        train(optimizer, params, [2, 3])
        train(other, resumed, [2, 3])
        assert_same(resumed, params)

    def test_before_the_first_update(self, kind):
        resumed, params = make_params(), make_params()
        other, optimizer = kind(), kind(lr=0.5)
        other.load_state_dict(optimizer.state_dict())
        train(other, resumed, [0, 1])
        train(optimizer, params, [0, 1])
        assert_same(resumed, params)

    def test_float32_state_stays_float32(self, kind):
        optimizer, params = kind(), {"W": np.ones(2, np.float32)}
        optimizer.update(params, {"W": np.ones(2)})
        other = kind()
        other.load_state_dict(optimizer.state_dict())
        assert all(getattr(other, name)["W"].dtype == np.float32 for name in kind.state_names)

    def test_a_state_is_a_copy(self, kind):
        optimizer, params = trained(kind)
        state = optimizer.state_dict()
        before = copy.deepcopy(state)
        train(optimizer, params, [2])
        other = kind()
        other.load_state_dict(state)
        train(other, params, [3])
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
        state, optimizer = trained(Adam)[0].state_dict(), trained(Adam)[0]
        before = optimizer.state_dict()
        del state[entry]
        with pytest.raises(ValueError, match="state"):
            optimizer.load_state_dict(state)
        assert_same(optimizer.state_dict(), before)

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
    ([1, [2, 3]], TypeError, r"grads\['b'\] must be an array of numbers, got a ragged list"),
]
REFUSED_PARAMS = [
    (np.ones(3, int), TypeError, r"params\['b'\] must be a floating-point array .*, got int"),
    (np.ones(3, bool), TypeError, r"params\['b'\] must be a floating-point array .*, got bool"),
    (np.ones(3, complex), TypeError, r"params\['b'\] must be .*, got complex128"),
    ([1.0, 1.0, 1.0], TypeError, r"params\['b'\] must be .*, got list"),
    ("abc", TypeError, r"params\['b'\] must be .*, got str"),
    (None, TypeError, r"params\['b'\] must be .*, got NoneType"),
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


class TestSettings:
    @each
    @pytest.mark.parametrize("lr", [-0.1, np.nan, np.inf])
    def test_a_learning_rate_out_of_range(self, kind, lr):
        with pytest.raises(ValueError, match=r"lr must be a finite number from 0 .*, got"):
            kind(lr=lr)

    @each
    @pytest.mark.parametrize("lr", ["0.1", None, [0.1], 1j])
    def test_a_learning_rate_that_is_no_number(self, kind, lr):
        with pytest.raises(TypeError, match="lr must be a number, got"):
            kind(lr=lr)

    @pytest.mark.parametrize(
        "kind, name, bad",
        [
            *[(Momentum, "momentum", bad) for bad in (-0.1, 1.1, np.nan)],
            *[(Nesterov, "momentum", bad) for bad in (-0.1, 1.1, np.nan)],
            *[(RMSprop, "decay_rate", bad) for bad in (-0.1, 1.1, np.nan)],
            *[(Adam, "beta1", bad) for bad in (-0.1, 1.0, np.nan)],
            *[(Adam, "beta2", bad) for bad in (-0.1, 1.0, np.nan)],
        ],
    )
    def test_a_rate_out_of_range(self, kind, name, bad):
        with pytest.raises(ValueError, match=f"{name} must be a finite number from 0 to"):
            kind(**{name: bad})

    @pytest.mark.parametrize(
        "kind, name",
        [
            (Momentum, "momentum"),
            (Nesterov, "momentum"),
            (RMSprop, "decay_rate"),
            (Adam, "beta1"),
            (Adam, "beta2"),
        ],
    )
    def test_a_rate_that_is_no_number(self, kind, name):
        with pytest.raises(TypeError, match=f"{name} must be a number, got '0.9'"):
            kind(**{name: "0.9"})


def test_settings_are_part_of_the_state():
    momentum = Momentum(0.1, momentum=0.5)
    resumed = Momentum()
    resumed.load_state_dict(momentum.state_dict())
    assert (resumed.lr, resumed.momentum) == (0.1, 0.5)
    with pytest.raises(ValueError, match="iter must be at least 0"):
        resumed.load_state_dict(momentum.state_dict() | {"iter": -1})
