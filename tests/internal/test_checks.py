"""For any input, a function or a layer gives a right result or our own error for that argument."""

import math
import re
import traceback
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dlbasics
from dlbasics import functions, layers

pytestmark = pytest.mark.long


def reproducible(examples):
    return settings(derandomize=True, deadline=None, max_examples=examples, database=None)


NUMPY_1 = (
    np.lib.NumpyVersion(np.__version__) < "2.0.0"
)  # which changes the dtype of arrays without dimensions
PACKAGE = Path(dlbasics.__file__).parent
NAMES = re.compile(r"(^|: )(x|X|y|t|dout|W|b|gamma|beta) must ")

NUMBERS = [bool, np.int8, np.uint8, np.int32, np.uint64, np.float16, np.float32, np.float64, ">f8"]
OTHERS = [np.complex64, "U3", "S2", "M8[D]", "m8[s]"]


def arrays(dtypes, shapes):
    return st.sampled_from(dtypes).flatmap(lambda dtype: hnp.arrays(dtype, shapes))


def small(dtypes, shapes):
    """Arrays whose products and squares stay finite in half precision."""

    def of(dtype):
        kind = np.dtype(dtype).kind
        bounded = {"f": st.integers(-80, 80).map(lambda n: n / 8), "i": st.integers(-9, 9)}
        return hnp.arrays(dtype, shapes, elements=bounded.get(kind, hnp.from_dtype(np.dtype(bool))))

    return st.sampled_from(dtypes).flatmap(of)


SHAPES = st.one_of(
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    st.sampled_from([(3,), (1, 3), (2, 3), (0, 3), (2, 3, 1, 2), (2, 1, 3)]),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(max_size=3)
)
LISTS = st.recursive(SCALARS, lambda items: st.lists(items, max_size=3), max_leaves=8)
MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[True, False, False])
OBJECTS = st.sampled_from(
    [
        object(),
        {1: 2},
        np.array([None, 1]),
        np.zeros(2, "f4,i4"),
        range(3),
        [[1.0], [1.0, 2.0]],
        MASKED,
        [MASKED, MASKED],
    ]
)
ANYTHING = st.one_of(
    arrays(NUMBERS, SHAPES), small(NUMBERS, SHAPES), arrays(OTHERS, SHAPES), LISTS, OBJECTS
)


def anything_but_often(*shapes):
    of_shape = st.sampled_from(shapes)
    return st.one_of(small(NUMBERS, of_shape), arrays(NUMBERS, of_shape), ANYTHING)


WIDTH_3 = anything_but_often((3,), (1, 3), (2, 3), (0, 3), (2, 3, 1, 1), (0, 3, 1, 1))


def attempt(function, *arguments, **options):
    """Return the result, or None where dlbasics itself refused the arguments."""
    try:
        return function(*arguments, **options)
    except (ValueError, TypeError) as error:
        innermost = traceback.extract_tb(error.__traceback__)[-1]
        assert PACKAGE in Path(innermost.filename).parents, "refused by NumPy, not by dlbasics"
        assert NAMES.search(str(error)), f"names no argument: {error}"
        assert len(str(error)) < 300
        return None


def as_numbers(x):
    """Return x as an array if it holds real numbers and has no mask, else None."""
    if isinstance(x[0] if isinstance(x, list) and x else x, np.ma.MaskedArray):
        return None
    try:
        x = np.asarray(x)
    except ValueError:
        return None
    return x if x.dtype.kind in "fiub" else None


def native(dtype):
    return np.dtype(dtype).newbyteorder("=")


def float_type(x):
    return native(x.dtype) if x.dtype.kind == "f" else np.dtype(np.float64)


def assert_right(found, expected, dtype, scale=1.0, computed_in=np.float64):
    """Assert that `found` has that dtype and equals `expected` wherever the dtype can hold it."""
    assert found.shape == expected.shape and native(found.dtype) == dtype
    if dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    info = np.finfo(dtype)
    inside = np.isfinite(expected) & (np.abs(expected) < info.max / 2)
    eps = float(max(info.eps, np.finfo(computed_in).eps))
    tolerance = {"rtol": 20 * eps, "atol": 20 * eps * scale}
    np.testing.assert_allclose(
        found[inside].astype(np.float64), expected[inside].astype(np.float64), **tolerance
    )


def exp_sigmoid(x):
    return np.array([0.5 * (1 + np.tanh(value / 2)) for value in x.ravel()]).reshape(x.shape)


ELEMENTWISE = {
    "relu": (functions.relu, lambda x: np.where(x > 0, x, 0), float_type),
    "relu_grad": (functions.relu_grad, lambda x: np.where(x > 0, 1, 0), float_type),
    "step_function": (functions.step_function, lambda x: np.where(x > 0, 1, 0), lambda x: int),
    "sigmoid": (functions.sigmoid, exp_sigmoid, float_type),
    "sigmoid_grad": (functions.sigmoid_grad, lambda x: 0.25 / np.cosh(x / 2) ** 2, float_type),
    "Sigmoid": (lambda x: layers.Sigmoid().forward(x), exp_sigmoid, float_type),
    "Tanh": (lambda x: layers.Tanh().forward(x), np.tanh, float_type),
    "Relu": (lambda x: layers.Relu().forward(x), lambda x: np.maximum(x, 0), float_type),
    "Identity": (lambda x: layers.Identity().forward(x), lambda x: x, float_type),
    "Elu": (
        lambda x: layers.Elu(0.5).forward(x),
        lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))),
        float_type,
    ),
    "LeakyRelu": (
        lambda x: layers.LeakyRelu(0.25).forward(x),
        lambda x: np.where(x > 0, x, x / 4),
        float_type,
    ),
}


@pytest.mark.parametrize(
    ("function", "formula", "result_type"), ELEMENTWISE.values(), ids=ELEMENTWISE.keys()
)
@reproducible(80)
@given(x=ANYTHING)
def test_a_function_of_one_element(function, formula, result_type, x):
    y, numbers = attempt(function, x), as_numbers(x)
    assert (y is None) == (numbers is None)
    if y is not None:
        finite = np.isfinite(numbers)
        with np.errstate(all="ignore"):
            expected = formula(numbers[finite].astype(np.float64))
        assert np.shape(y) == numbers.shape
        dtype = y.dtype if NUMPY_1 and numbers.ndim == 0 else np.dtype(result_type(numbers))
        assert_right(np.asarray(y)[finite], expected, dtype)


@reproducible(120)
@given(x=ANYTHING, function=st.sampled_from(["softmax", "log_softmax"]))
def test_softmax(x, function):
    y, numbers = attempt(getattr(functions, function), x), as_numbers(x)
    refused = numbers is None or numbers.ndim == 0 or numbers.shape[-1] == 0
    assert (y is None) == refused
    if not refused:
        assert y.shape == numbers.shape and native(y.dtype) == float_type(numbers)
        rows = np.isfinite(numbers).all(axis=-1)
        scores = numbers[rows].astype(np.float64)
        with np.errstate(all="ignore"):
            shifted = scores - scores.max(axis=-1, keepdims=True)
            expected = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        if function == "softmax":
            expected = np.exp(expected)
        assert_right(y[rows], expected, float_type(numbers))


def is_images(shape, window=1, stride=1, channels=None):
    """Return whether x is images, or one image, that the windows tile."""
    return (
        len(shape) in (3, 4)
        and shape[-3] == (channels or max(1, shape[-3]))
        and all(size >= window and (size - window) % stride == 0 for size in shape[-2:])
    )


def affine(dtype):
    return layers.Affine(np.arange(-3, 3).reshape(3, 2).astype(dtype), np.array([0.5, -1], dtype))


def convolution(dtype, stride):
    W = np.arange(-8, 8).reshape(2, 2, 2, 2).astype(dtype)
    return layers.Convolution(W, np.array([0.5, -1], dtype), stride)


def batch_norm(dtype):
    return layers.BatchNorm(np.array([1, -2, 0.5], dtype), np.array([0, 1, 3], dtype))


IMAGES = (2, 3, 3), (1, 2, 3, 3), (2, 2, 3, 3), (0, 2, 3, 3), (2, 2, 4, 4), (2, 2, 1, 3)
VALUES = (2, 2, 2), (1, 2, 2, 2), (2, 2, 2, 2), (2, 2, 1, 1), (2, 1, 1)
COLUMNS = (3,), (1, 3), (2, 3), (0, 3), (2, 3, 1, 1), (0, 3, 1, 1)
LAYERS = {  # make(dtype), fits(shape of x, train_flg), shapes to try for x, and for dout
    "Affine": (
        affine,
        lambda shape, _: shape and 3 in (math.prod(shape[1:]), math.prod(shape)),
        COLUMNS,
        [(2,), (1, 2), (2, 2), (0, 2)],
    ),
    "BatchNorm": (
        batch_norm,
        lambda shape, train_flg: (
            (shape == (3,) or (len(shape) in (2, 4) and shape[1] == 3))
            and not (train_flg and math.prod(shape) < 2 * 3)
        ),
        COLUMNS,
        COLUMNS,
    ),
    **{
        f"{name}, stride {stride}": (
            lambda dtype, make=make, stride=stride: make(dtype, stride),
            lambda shape, _, stride=stride, C=C: is_images(shape, 2, stride, C),
            IMAGES,
            VALUES,
        )
        for name, make, C in (
            ("Convolution", convolution, 2),
            ("Pooling", lambda dtype, stride: layers.Pooling(2, 2, stride), None),
            ("AveragePooling", lambda dtype, stride: layers.AveragePooling(2, 2, stride), None),
        )
        for stride in (1, 2)
    },
    "GlobalAveragePooling": (
        lambda dtype: layers.GlobalAveragePooling(),
        lambda shape, _: is_images(shape),
        IMAGES,
        [(2,), (1, 2), (2, 2), (0, 2)],
    ),
    "Dropout": (lambda dtype: layers.Dropout(0.25, rng=0), lambda *_: True, COLUMNS, COLUMNS),
    "Residual": (lambda dtype: layers.Residual([layers.Relu()]), lambda *_: True, COLUMNS, COLUMNS),
}


@pytest.mark.parametrize("name", LAYERS)
@reproducible(80)
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]), train_flg=st.booleans())
def test_a_layer(name, data, dtype, train_flg):
    """The result is that of the same numbers in float64."""
    make, fits, *shapes = LAYERS[name]
    x, dout = (data.draw(anything_but_often(*each)) for each in shapes)
    layer, twin, numbers, sent = make(dtype), make(np.float64), as_numbers(x), as_numbers(dout)
    y = attempt(layer.forward, x, train_flg)
    assert (y is None) == (numbers is None or not fits(numbers.shape, train_flg))
    if y is None:
        return
    largest = np.abs(numbers, dtype=np.float64).max(initial=1)
    is_exact = largest < (1e3 if layer.couples_samples else 1e30)
    expected = np.where(is_exact, twin.forward(numbers.astype(np.float64), train_flg), np.nan)
    params = [getattr(layer, name) for name in layer.param_names]
    result_type = np.result_type(numbers.dtype, *params) if params else float_type(numbers)
    if NUMPY_1 and numbers.ndim == 0:  # it promotes arrays without dimensions
        result_type = y.dtype
    is_single = float_type(numbers).itemsize < 8 or (params and dtype == np.float32)
    computed_in = np.float32 if is_single else np.float64
    scale = min(largest, 1e30) * (64 if params else 1)
    assert_right(np.asarray(y), expected, result_type, scale, computed_in)

    attempt(layer.backward_params, dout)
    dx = attempt(layer.backward, dout)
    assert (dx is None) == (sent is None or sent.shape != np.shape(y))
    if dx is None:
        return
    found = [dx, *(getattr(layer, f"d{name}") for name in layer.param_names)]
    assert [np.shape(array) for array in found] == [np.shape(array) for array in [x, *params]]
    if largest < 1e3 and np.abs(sent, dtype=np.float64).max(initial=0) < 1e3:
        dx = twin.backward(sent.astype(np.float64))
        right = [dx, *(getattr(twin, f"d{name}") for name in layer.param_names)]
        for array, expected in zip(found, right, strict=True):
            np.testing.assert_allclose(array, expected, rtol=0.01, atol=0.1)


def plain_label_rows(t, n, k, single):
    """Return valid labels as rows (n, k), and None for any others."""
    t = as_numbers(t)
    if t is None or k == 1:
        return None
    if single and (t.ndim == 0 or t.shape == (k,)):
        t = t[np.newaxis]
    if t.shape == (n, k):
        return t.astype(np.float64)
    if t.shape in ((n,), (n, 1)) and t.dtype.kind in "iu":
        classes = [int(label) for label in t.ravel()]
        if all(0 <= label < k for label in classes):
            return np.eye(k)[classes]
    return None


LABELS = st.one_of(
    anything_but_often((2,), (2, 1), (2, 3), (3,)),
    st.tuples(st.integers(-1, 3), st.integers(-1, 3)).map(np.array),
    arrays([np.uint8, np.int64], st.sampled_from([(2,), (2, 1), (1,)])).map(lambda t: t % 4),
    small(NUMBERS, st.sampled_from([(2, 3), (3,), (1, 3)])),
    st.integers(-1, 3),
)


def softmax_formula(x, t):
    log_y = x - np.logaddexp.reduce(x, axis=1, keepdims=True)
    return -(t * log_y).sum(axis=1).mean(), t.sum(axis=1, keepdims=True) * np.exp(log_y) - t


LOSSES = {
    layers.SoftmaxWithLoss: softmax_formula,
    layers.SigmoidWithLoss: lambda x, t: (
        (np.logaddexp(0, x) - x * t).sum(axis=1).mean(),
        exp_sigmoid(x) - t,
    ),
    layers.IdentityWithLoss: lambda x, t: (0.5 * ((x - t) ** 2).sum(axis=1).mean(), x - t),
}
SCORES = np.array([[0.5, -1, 2], [3, 0, 1]])
GOOD_SCORES = st.sampled_from([SCORES, SCORES[0], SCORES.astype("f4"), SCORES[1].astype("f4")])


@pytest.mark.parametrize(("make", "formula"), LOSSES.items(), ids=lambda kind: kind.__name__)
@reproducible(120)
@given(x=st.one_of(GOOD_SCORES, WIDTH_3), t=st.one_of(LABELS, WIDTH_3), same=st.booleans())
def test_a_loss(make, formula, x, t, same):
    layer, numbers, rows = make(), as_numbers(x), None
    if numbers is not None and numbers.ndim in (1, 2) and numbers.size:
        t = np.full(numbers.shape, 0.25) if same else t
        batch = np.atleast_2d(numbers).astype(np.float64)
        rows = as_numbers(t)
        if make is layers.SoftmaxWithLoss:
            rows = plain_label_rows(t, *batch.shape, numbers.ndim == 1)
        elif rows is None or rows.shape != numbers.shape:
            rows = None
        elif make is layers.SigmoidWithLoss and not np.all((rows >= 0) & (rows <= 1)):
            rows = None
    loss = attempt(layer.forward, x, t)
    others = [layer.losses]
    if make is layers.SoftmaxWithLoss:
        others += [layer.correct, functions.softmax_loss]
    for result in (loss, *(attempt(function, x, t) for function in others)):
        assert (result is None) == (rows is None)
    if loss is None:
        return
    dx = layer.backward()
    assert type(loss) is float and dx.shape == numbers.shape
    rows = np.atleast_2d(rows).astype(np.float64)
    if np.abs(batch).max() < 50 and np.abs(rows).max() < 50:
        expected, expected_dx = formula(batch, rows)
        tolerance = 0.02 if numbers.dtype == np.float16 else 1e-4
        assert loss == pytest.approx(expected, rel=tolerance, abs=tolerance)
        np.testing.assert_allclose(
            np.atleast_2d(dx), expected_dx / len(batch), rtol=tolerance, atol=tolerance
        )


@reproducible(80)
@given(y=anything_but_often((2, 3), (3,)), t=LABELS)
def test_cross_entropy_error(y, t):
    numbers = as_numbers(y)
    error = attempt(functions.cross_entropy_error, y, t)
    if error is None:
        return
    rows = plain_label_rows(t, *np.atleast_2d(numbers).shape, numbers.ndim == 1)
    batch = np.atleast_2d(numbers).astype(np.float64)
    assert rows is not None and not (batch < 0).any() and type(error) is float
    if np.isfinite(batch).all() and np.isfinite(rows).all() and np.abs(rows).max() < 1e3:
        floor = float(np.finfo(float_type(numbers)).tiny)
        expected = -(rows * np.log(np.maximum(batch, floor))).sum(axis=1).mean()
        assert error == pytest.approx(expected, rel=0.02, abs=0.02)


@reproducible(80)
@given(y=ANYTHING, t=ANYTHING, same=st.booleans())
def test_sum_squared_error(y, t, same):
    t = y if same else t
    error, a, b = attempt(functions.sum_squared_error, y, t), as_numbers(y), as_numbers(t)
    assert (error is None) == (a is None or b is None or a.shape != b.shape)
    if error is not None:
        a, b = a.astype(np.float64), b.astype(np.float64)
        assert type(error) is float
        if np.abs(a).max(initial=0) < 50 and np.abs(b).max(initial=0) < 50:
            assert error == pytest.approx(0.5 * ((a - b) ** 2).sum(), rel=0.02, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [(layers.Affine, (3, 2)), (layers.Convolution, (2, 3, 1, 2)), (layers.BatchNorm, (2,))],
)
@reproducible(80)
@given(data=st.data())
def test_parameters(kind, shape, data):
    first = data.draw(anything_but_often(shape))
    second = data.draw(anything_but_often((2,)))
    layer = attempt(kind, first, second)
    if layer is not None:
        kept = [getattr(layer, name) for name in layer.param_names]
        assert kept[0] is first and first.ndim == len(shape) and first.dtype.kind in "fiu"
        assert kept[1] is second or (kept[1] is None and kind is not layers.BatchNorm)
        assert kind is not layers.BatchNorm or first.shape == second.shape
