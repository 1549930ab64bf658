"""Every compiled pass gives what NumPy gives, and numba is nothing that anybody must have."""

import copy
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from dlbasics._internal import halves
from dlbasics._internal.fast import (
    batch_norm,
    bias_pool_relu,
    memory,
    optimizers,
    pooling,
    relu,
    windows,
)
from dlbasics.layers import Affine, BatchNorm, Pooling, Relu, SoftmaxWithLoss
from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop
from tests.helpers import ROOT
from tests.internal.fast.test_equals_plain import PUBLIC, TOLERANCE, assert_alike, sprinkled
from tests.layers.cases import LAYOUTS

pytest.importorskip("numba")
from dlbasics._internal.fast import layout
from dlbasics._internal.fast.compiled import (
    batch_norm as compiled_batch_norm,
)
from dlbasics._internal.fast.compiled import bias_pool_relu as compiled_bias_pool_relu
from dlbasics._internal.fast.compiled import optimizers as compiled_optimizers
from dlbasics._internal.fast.compiled import pooling as compiled_pooling
from dlbasics._internal.fast.compiled import relu as compiled_relu
from dlbasics._internal.fast.compiled import softmax as compiled_softmax
from dlbasics._internal.fast.compiled import windows as compiled_windows

pytestmark = [pytest.mark.extra, pytest.mark.fast]


def with_gaps(x):
    """The same x, channels last, as a part of longer rows: so a convolution returns it."""
    if x.ndim != 4:
        return x.copy()
    N, C, H, W = x.shape
    longer = np.full((N, H, W + 2, C), np.nan, x.dtype)
    longer[:, :, :W] = x.transpose(0, 2, 3, 1)
    return longer[:, :, :W].transpose(0, 3, 1, 2)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


ALL_LAYOUTS = {**LAYOUTS, "with gaps": with_gaps, "read-only": read_only}
BAD = [np.inf, -np.inf, np.nan, np.nan]


@pytest.fixture(autouse=True)
def _small_arrays_go_the_way_of_large_ones(monkeypatch):
    monkeypatch.setattr(memory, "SMALLEST", 1)


# Layers


def image_shape(rng):
    return rng.integers(1, 4), rng.choice([1, 3, 8, 17]), *2 * rng.integers(1, 6, 2)


def a_relu(rng, dtype):
    shapes = [image_shape(rng), tuple(rng.integers(1, 40, 2)), (7,), (2, 3, 4)]
    return Relu(), shapes[rng.integers(0, 4)]


def a_pooling(rng, dtype):
    return Pooling(2, 2, stride=2), image_shape(rng)


def a_batch_norm(rng, dtype):
    shape = image_shape(rng) if rng.random() < 0.7 else tuple(rng.integers(2, 40, 2))
    layer = BatchNorm(*rng.standard_normal((2, shape[1])).astype(dtype))
    if rng.random() < 0.5:
        layer.running_mean, layer.running_var = rng.random((2, shape[1])).astype(dtype)
    return layer, shape


LAYERS = {
    "Relu": (a_relu, relu, compiled_relu),
    "Pooling": (a_pooling, pooling, compiled_pooling),
    "BatchNorm": (a_batch_norm, batch_norm, compiled_batch_norm),
}


def passed(layer, forward, backward, x, dout, train_flg):
    """Return y, dx and the public attributes that a forward and a backward pass set."""
    layer = copy.deepcopy(layer)
    with np.errstate(all="ignore"):
        y = forward(layer, x, train_flg)
        found = {"y": y.copy(), "dx": backward(layer, dout)}
    y[...] = 0  # it is the caller's own
    return found | {name: getattr(layer, name, None) for name in PUBLIC}


@pytest.mark.parametrize("values", [[], BAD], ids=["finite", "NaN and inf"])
@pytest.mark.parametrize("relaid", ALL_LAYOUTS.values(), ids=ALL_LAYOUTS.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize(("make", "by_numpy", "by_loops"), LAYERS.values(), ids=LAYERS.keys())
def test_layers_equal_numpy_and_plain(make, by_numpy, by_loops, dtype, relaid, values):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        layer, shape = make(rng, dtype)
        # Equal pixels compete in pooling, as do zeros in ReLU.
        x = sprinkled(rng, shape, values) if seed % 2 else rng.standard_normal(shape)
        y_shape = (
            shape if type(layer) is not Pooling else (*shape[:2], shape[2] // 2, shape[3] // 2)
        )
        dout = sprinkled(rng, y_shape, values if seed % 3 else [])
        x, dout, train_flg = relaid(x.astype(dtype)), relaid(dout.astype(dtype)), seed % 4 != 0
        kind = type(layer)
        plain = passed(layer, kind._forward, kind._backward, x, dout, train_flg)
        for first, second in [(by_loops, by_loops), (by_loops, by_numpy), (by_numpy, by_loops)]:
            found = passed(layer, first.forward, second.backward, x, dout, train_flg)
            assert_alike(found, plain, TOLERANCE[np.float64 if dtype == np.longdouble else dtype])


@pytest.mark.parametrize(
    ("relaid", "is_taken"),
    [
        (np.asarray, False),
        (LAYOUTS["channels last"], True),
        (with_gaps, True),
        (LAYOUTS["every other column"], False),
        (read_only, False),
        (lambda x: x.astype(np.longdouble), False),
        (lambda x: x.astype(">f4"), False),
    ],
)
def test_the_loops_take_images_channels_last(relaid, is_taken):
    assert (layout.pixels(relaid(np.ones((2, 3, 4, 6), np.float32))) is not None) == is_taken


def test_wider_running_statistics_give_wider_results():
    mean, var = np.zeros(8), np.ones(8)
    layer = BatchNorm(np.ones(8, np.float32), np.ones(8, np.float32), 0.9, mean, var)
    x = np.ones((3, 8), np.float32)
    expected = copy.deepcopy(layer)._forward(x, False)
    found = compiled_batch_norm.forward(layer, x, False)
    assert found.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(found, expected)


def test_sums_of_a_large_batch_are_accurate_in_single_precision():
    x = 100 + np.random.default_rng(0).standard_normal((100, 28, 28, 8)).astype(np.float32)
    layer = BatchNorm.create(8)
    compiled_batch_norm.forward(layer, x.transpose(0, 3, 1, 2), True)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(layer.running_mean, exact.mean((0, 1, 2)), rtol=1e-7)
    np.testing.assert_allclose(layer.running_var, exact.var((0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize("values", [[], BAD], ids=["finite", "NaN and inf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("t_dtype", [np.int64, np.int32, np.uint8])
def test_softmax_equals_the_formula(dtype, t_dtype, values):
    layer = SoftmaxWithLoss()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        N, K = rng.integers(1, 20), rng.integers(2, 12)
        x = 10 ** rng.integers(0, 4) * rng.standard_normal((N, K)) + sprinkled(rng, (N, K), values)
        t = rng.integers(0, K, N).astype(t_dtype)
        for labels in (t, np.eye(K)[t]):
            x, labels = x.astype(dtype), labels if labels.ndim == 1 else labels.astype(dtype)
            with np.errstate(all="ignore"):
                expected = layer._forward(x, labels)
                found = compiled_softmax.forward(layer, x, labels)
                for name, a, b in zip(("y", "losses"), found, expected, strict=True):
                    assert_alike({name: a}, {name: b}, TOLERANCE[np.float32])
                expected = layer._backward(found[0], labels)
                found = compiled_softmax.backward(layer, found[0], labels)
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype


@pytest.mark.parametrize("relaid", ALL_LAYOUTS.values(), ids=ALL_LAYOUTS.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_columns_of_a_convolution_equal_numpy(dtype, relaid):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        N, C, H, W = image_shape(rng)
        FH, pad = rng.integers(1, 5), rng.integers(0, 3)
        x = relaid(sprinkled(rng, (N, C, H, W), BAD).astype(dtype)).transpose(0, 2, 3, 1)
        start = rng.standard_normal((N, max(1, H + 2 * pad - FH + 1), W + pad, FH, C))
        found, expected = start.astype(dtype), start.astype(dtype)
        compiled_windows.copy_rows(found, x, pad)
        windows.copy_rows(expected, x, pad)
        np.testing.assert_array_equal(found, expected)


# Bias, pooling and ReLU


@pytest.mark.parametrize("values", [[], BAD], ids=["finite", "NaN and inf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("is_pooled", [False, True])
def test_bias_pooling_and_relu_equal_numpy(is_pooled, dtype, values):
    name = "pool_and_rectify" if is_pooled else "rectify"
    for seed in range(24):
        rng = np.random.default_rng(seed)
        rows, W, C, more = (int(n) for n in rng.integers(1, [7, 7, 40, 3]))
        size = 2 if is_pooled else 1
        z = sprinkled(rng, (size * rows, size * W + more, C), values).astype(dtype)
        b = rng.integers(-1, 2, C).astype(dtype)
        found, expected = (
            {"y": np.empty((rows, W, C), dtype), "kept": np.empty((rows, W, C), kind)}
            for kind in 2 * (np.uint8 if is_pooled else bool,)
        )
        dout = rng.standard_normal((rows, W + more, C)).astype(dtype)
        for arrays, own, suffix in (
            (found, compiled_bias_pool_relu, ""),
            (expected, bias_pool_relu, "_by_numpy"),
        ):
            with np.errstate(all="ignore"):
                getattr(own, name + suffix)(z, b, arrays["y"], arrays["kept"])
                alone = np.empty((rows, W, C), dtype)
                getattr(own, name + suffix)(z, b, alone, None)
            np.testing.assert_array_equal(alone, arrays["y"])
            arrays["dz"] = np.empty((size * rows, size * W, C), dtype)
            arrays["db"] = getattr(own, f"{name}_backward{suffix}")(
                dout, arrays["kept"], arrays["dz"]
            )
        np.testing.assert_allclose(found.pop("db"), expected.pop("db"), rtol=1e-4, atol=1e-4)
        for key, array in expected.items():
            np.testing.assert_array_equal(found[key], array, err_msg=key)


def pairs(D, M):
    rng = np.random.default_rng(0)
    return [Affine(rng.standard_normal((D, M)), rng.standard_normal(M)), Relu()]


def test_an_affine_and_its_relu_go_together():
    layers = [Relu(), *pairs(3, 4), *pairs(4, 5), Affine(np.ones((5, 2)), None), Relu()]
    plan = halves.without_checks(layers)
    assert [type(step).__name__ for step in plan] == [
        "Step", "AffineRelu", "AffineRelu", "Step", "Step",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_infinite_gradient_stays_0_where_relu_lets_nothing_through(value):
    layers = pairs(3, 4)
    x, dout = np.random.default_rng(1).standard_normal((2, 20, 4))
    x = x[:, :3]
    (pair,) = halves.without_checks(layers)
    expected = [Affine(layers[0].W, layers[0].b), Relu()]
    y = expected[1]._forward(expected[0]._forward(x, True), True)
    np.testing.assert_allclose(pair.forward(x, True), y)
    dout[0, np.argmin(y[0])] = dout[1, np.argmax(y[1])] = value
    with np.errstate(all="ignore"):
        dx = expected[0]._backward(expected[1]._backward(dout))
        np.testing.assert_allclose(pair.backward(dout), dx)
        pair.backward_params(dout)
    np.testing.assert_allclose(layers[0].dW, expected[0].dW)
    np.testing.assert_allclose(layers[0].db, expected[0].db)


def test_a_pair_leaves_errors_and_other_arrays_to_the_layers():
    layers = pairs(3, 4)
    (pair,) = halves.without_checks(layers)
    with pytest.raises(ValueError, match="Affine: x must have 3 values"):
        pair.forward(np.ones((2, 2)), True)
    for x_dtype, W_dtype, b_dtype, dout_dtype in itertools.product(["f4", "f8", "f2"], repeat=4):
        layers[0].W, layers[0].b = layers[0].W.astype(W_dtype), layers[0].b.astype(b_dtype)
        affine, relu = Affine(layers[0].W, layers[0].b), Relu()
        x = np.arange(6).reshape(2, 3).astype(x_dtype)
        y, expected = pair.forward(x, True), relu.forward(affine.forward(x))
        dout = np.arange(8).reshape(2, 4).astype(dout_dtype)
        dx, expected_dx = pair.backward(dout), affine.backward(relu.backward(dout))
        for one, other in (
            (y, expected),
            (dx, expected_dx),
            (layers[0].dW, affine.dW),
            (layers[0].db, affine.db),
        ):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-3)
    pair.forward(np.ones((2, 3)), True)
    with pytest.raises(ValueError, match="dout must have the shape of the output"):
        pair.backward(np.ones((2, 3)))


# Optimizers


@pytest.mark.parametrize("values", [[], BAD], ids=["finite", "NaN and inf"])
@pytest.mark.parametrize("relaid", ALL_LAYOUTS.values(), ids=ALL_LAYOUTS.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW])
def test_optimizers_equal_numpy_to_the_bit(kind, dtype, relaid, values):
    optimizer, rng = kind(), np.random.default_rng(3)
    start = rng.standard_normal((23, 11)).astype(dtype)
    state = [np.zeros(start.shape, dtype) for _ in kind.state_names]
    arrays = {step: [start.copy(), *map(np.copy, state)] for step in ("plain", "NumPy", "loops")}
    own = dict(arrays)
    for optimizer.iter in range(1, 30):
        grad = rng.standard_normal(start.shape) + sprinkled(rng, start.shape, values)
        dW = relaid(grad.astype(np.float64 if optimizer.iter % 5 == 0 else dtype))
        with np.errstate(all="ignore"):
            optimizer._step(arrays["plain"][0], dW, *arrays["plain"][1:])
            optimizers.step_in_chunks(optimizer, arrays["NumPy"][0], dW, *arrays["NumPy"][1:])
            compiled_optimizers.step(optimizer, arrays["loops"][0], dW, *arrays["loops"][1:])
    for way in ("NumPy", "loops"):
        for found, expected in zip(own[way], own["plain"], strict=True):
            np.testing.assert_array_equal(found, expected)


# Without numba, and without a cache

STEP = """
import sys
{before}
import numpy as np
from dlbasics import SGD, TwoLayerNet
assert "numba" not in sys.modules or not sys.modules["numba"]
network = TwoLayerNet(6, 5, 3, rng=0)
x, t = np.random.default_rng(0).random((4, 6), np.float32), np.arange(4) % 3
for _ in range(3):
    SGD().update(network.params, network.gradient(x, t))
print(repr(network.last_loss), bool(sys.modules.get("numba")))
"""


def run(cache, before="", **variables):
    """Train in a process of its own; return the loss, whether numba was there, and the messages."""
    environment = {**os.environ, "DLBASICS_CACHE": str(cache), "DLBASICS_NUMBA": "1", **variables}
    environment["PYTHONPATH"] = str(ROOT)
    for name in ("NUMBA_CACHE_DIR", "DLBASICS_PLAIN"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STEP.format(before=before)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loss, has_numba = done.stdout.split()
    return float(loss), has_numba == "True", done.stderr


@pytest.mark.long
def test_without_numba_everything_is_as_before_and_nothing_is_said(tmp_path):
    switched_off = run(tmp_path, DLBASICS_NUMBA="0")
    missing = run(tmp_path, before='sys.modules["numba"] = None')
    assert switched_off == missing
    assert switched_off[1:] == (False, "")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.long
def test_loops_are_compiled_once(tmp_path):
    loss, has_numba, message = run(tmp_path)
    assert has_numba
    assert message.count("\n") == 1
    assert "compiles" in message
    assert run(tmp_path) == (loss, True, "")
    assert loss == pytest.approx(run(tmp_path, DLBASICS_NUMBA="0")[0])


@pytest.mark.long
def test_a_cache_that_cannot_be_used_only_costs_time(tmp_path):
    loss, *_ = run(tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.nb?"):
        path.write_bytes(b"damaged")
    assert run(tmp_path / "cache")[0] == loss
    (tmp_path / "file").touch()
    assert run(tmp_path / "file" / "cache")[0] == loss
