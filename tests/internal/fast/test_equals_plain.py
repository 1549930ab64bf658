"""Every fast replacement gives what the plain formula gives."""

import copy

import numpy as np
import pytest

from dlbasics import Adam, DeepConvNet, MultiLayerNet, ResNet, SimpleConvNet, plain
from dlbasics._internal import table
from dlbasics._internal.fast import memory
from dlbasics.layers import BatchNorm, Convolution, Dropout, Layer, Pooling, Relu
from tests.helpers import normal
from tests.layers.cases import LAYERS, LAYOUTS, parametrized

pytestmark = pytest.mark.fast

# Layers: all of the table, and random sizes for those whose fast version depends on sizes


def batch_norm(*, of_images):
    def make(rng):
        N, D = rng.integers(2, 40), rng.integers(1, 6)
        layer = BatchNorm(1 + rng.random(D), rng.standard_normal(D), momentum=rng.random())
        if rng.random() < 0.5:
            layer.running_mean, layer.running_var = rng.standard_normal(D), rng.random(D)
        return layer, (N, D, *rng.integers(1, 9, 2)) if of_images else (N, D)

    return make


def convolution(rng):
    N, C, FN = rng.integers(1, 6, 3)
    FH, FW = rng.integers(1, 5, 2)
    pad = int(rng.integers(0, FH)), int(rng.integers(0, FW))
    sizes = zip((FH, FW), pad, strict=True)
    H, W = (max(1, size - 2 * each) + rng.integers(0, 6) for size, each in sizes)
    b = rng.standard_normal(FN) if rng.random() < 0.7 else None
    return Convolution(rng.standard_normal((FN, C, FH, FW)), b, 1, pad), (N, C, H, W)


def pooling(rng):
    return Pooling(2, 2, stride=2), (*rng.integers(1, 40, 2), *2 * rng.integers(1, 8, 2))


RANDOM = {
    "BatchNorm": batch_norm(of_images=False),
    "BatchNorm, images": batch_norm(of_images=True),
    "Convolution": convolution,
    "Pooling": pooling,
}
TOLERANCE = {
    np.float16: {"rtol": 4e-3, "atol": 4e-3},
    np.float32: {"rtol": 3e-4, "atol": 3e-4},
    np.float64: {"rtol": 1e-9, "atol": 1e-9},
}
PUBLIC = ("x", "mask", "out", "dW", "db", "dgamma", "dbeta", "running_mean", "running_var")


def passed(layer, x, dout_of, train_flg):
    """Return y, dx and the public attributes that a forward and a backward pass set."""
    layer = copy.deepcopy(layer)
    y = layer.forward(x, train_flg)
    found = {"y": y, "dx": layer.backward(dout_of(y))}
    found |= {name: getattr(layer, name, None) for name in PUBLIC}
    layer.backward_params(dout_of(y))
    found |= {f"{name} alone": getattr(layer, f"d{name}") for name in layer.param_names}
    return found, layer


def assert_alike(found, expected, tolerance):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name] is None) == (array is None), name
        if array is not None:
            assert found[name].dtype == array.dtype, name
            numbers = array[np.isfinite(array)].astype(np.float64)
            scale = max(1.0, float(np.abs(numbers).max(initial=0)))
            atol = tolerance["atol"] * scale
            np.testing.assert_allclose(
                found[name], array, rtol=tolerance["rtol"], atol=atol, err_msg=name
            )


def compare(layer, x, relaid, train_flg):
    """Assert that both ways give the same; return whether there was a fast one."""

    def dout_of(y):
        return relaid(np.random.default_rng(1).standard_normal(y.shape).astype(x.dtype))

    fast, layer_fast = passed(layer, x, dout_of, train_flg)
    with plain():
        slow, layer_slow = passed(layer, x, dout_of, train_flg)
    assert not layer_slow._is_fast
    assert_alike(fast, slow, TOLERANCE[x.dtype.type])
    return layer_fast._is_fast


both_modes = pytest.mark.parametrize("train_flg", [True, False], ids=["train", "test"])
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)


@pytest.fixture(autouse=True)
def _small_arrays_go_the_way_of_large_ones(monkeypatch):
    monkeypatch.setattr(memory, "SMALLEST", 1)


@both_modes
@every_dtype
@parametrized(LAYERS)
def test_every_layer_gives_the_same(make, shape, dtype, train_flg):
    layer, x = make(dtype), np.random.default_rng(0).standard_normal(shape).astype(dtype)
    for relaid in LAYOUTS.values():
        is_fast = compare(layer, relaid(x), relaid, train_flg)
    fast = table.replacement(type(layer))
    assert is_fast == (fast is not None and fast.fits(layer, x))


@both_modes
@pytest.mark.parametrize("layout", LAYOUTS)
@every_dtype
@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM.keys())
def test_plain_and_fast_give_the_same(make, dtype, layout, train_flg):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        layer, shape = make(rng)
        layer.cast(dtype)
        x = LAYOUTS[layout](rng.standard_normal(shape).astype(dtype))
        assert compare(layer, x, LAYOUTS[layout], train_flg)


GEOMETRIES = {
    **{
        f"Pooling {size} x {size}, stride {stride}, pad {pad}": (
            lambda size=size, stride=stride, pad=pad: Pooling(size, size, stride, pad),
            (2, 2, 6, 6),
        )
        for size, stride, pad in [(2, 2, 0), (2, 1, 0), (2, 2, 1), (3, 3, 0), (3, 1, 1)]
    },
    **{
        f"Convolution {size} x {size}, stride {stride}, pad {pad}": (
            lambda size=size, stride=stride, pad=pad: Convolution(
                np.random.default_rng(5).integers(-1, 2, (3, 2, size, size)).astype(float),
                np.ones(3), stride, pad,
            ),
            (2, 2, 6, 6),
        )
        for size, stride, pad in [(1, 1, 0), (2, 1, 0), (2, 2, 0), (3, 1, 0), (3, 1, 1), (3, 3, 0)]
    },
}  # fmt: skip
NOT_FINITE = {
    **{name: (lambda make=make: make(np.float64), shape) for name, (make, shape) in LAYERS.items()},
    **GEOMETRIES,
}


def sprinkled(rng, shape, values):
    """Return small integers, half of them 0, with each of the values in one place."""
    array = rng.integers(-2, 3, shape) * rng.integers(0, 2, shape).astype(float)
    array.flat[rng.choice(array.size, min(len(values), array.size), replace=False)] = values[
        : array.size
    ]
    return array


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int64])
def test_batch_normalization_with_integers_gives_the_same_dtypes(dtype):
    fast, formula = (BatchNorm(np.ones(3, dtype), np.ones(3, dtype)) for _ in range(2))
    x = normal(4, 3, dtype=np.float32)
    found = [fast.forward(x, False), fast.backward(x), fast.dgamma, fast.dbeta]
    with plain():
        expected = [formula.forward(x, False), formula.backward(x), formula.dgamma, formula.dbeta]
    assert [a.dtype for a in found] == [a.dtype for a in expected]


@both_modes
@pytest.mark.parametrize("wide", ["gamma", "beta", "running_mean", "running_var"])
def test_batch_normalization_of_mixed_dtypes_gives_the_same_dtypes(wide, train_flg):
    names = ("gamma", "beta", "running_mean", "running_var")
    arrays = {name: np.ones(3, np.float64 if name == wide else np.float32) for name in names}
    fast, formula = BatchNorm(**arrays), BatchNorm(**arrays)
    x = normal(4, 3, dtype=np.float32)
    found = [fast.forward(x, train_flg), fast.backward(x), fast.dgamma, fast.dbeta]
    with plain():
        y = formula.forward(x, train_flg)
        expected = [y, formula.backward(x), formula.dgamma, formula.dbeta]
    assert [a.dtype for a in found] == [a.dtype for a in expected]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@both_modes
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@parametrized(NOT_FINITE)
def test_infinity_and_nan_give_the_same_everywhere(make, shape, dtype, train_flg):
    """0 times infinity is NaN, so a fast way must not multiply what the formula does not."""
    bad = [np.inf, -np.inf, np.nan]
    for seed, (in_x, in_dout, in_param) in enumerate(
        [
            *(([value], [], []) for value in bad),
            *(([], [value], []) for value in bad),
            *(([], [], [value]) for value in bad),
            ([np.inf], [np.inf], []),
            (bad, bad, []),
            ([np.nan, np.nan], [-np.inf], [np.inf]),
        ]
    ):
        rng = np.random.default_rng(seed)
        layer, x = make(), sprinkled(rng, shape, in_x).astype(dtype)
        for inner in layer.walk():
            for name in inner.param_names if in_param else ():
                if getattr(inner, name) is not None:
                    getattr(inner, name).flat[rng.integers(0, 3)] = in_param[0]
        layer.cast(dtype)

        def dout_of(y, seed=seed, values=in_dout):
            return sprinkled(np.random.default_rng(seed + 50), y.shape, values).astype(dtype)

        fast, _ = passed(layer, x, dout_of, train_flg)
        with plain():
            slow, _ = passed(layer, x, dout_of, train_flg)
        assert_alike(fast, slow, TOLERANCE[dtype])


def test_every_replaced_layer_is_in_the_table_of_layers():
    assert table.replacement(Relu)
    replaced = {k for k in table._fast if isinstance(k, type) and issubclass(k, Layer)}
    assert replaced <= {type(make(np.float64)) for make, _ in LAYERS.values()}


# Whole networks

IMAGES = np.random.default_rng(0).random((5, 1, 28, 28))
CLASSES = np.random.default_rng(1).integers(0, 10, 5)
NETWORKS = {
    "SimpleConvNet": SimpleConvNet,
    "DeepConvNet": DeepConvNet,
    "ResNet": lambda rng, dtype: ResNet((1, 28, 28), (4, 8, 8), rng=rng, dtype=dtype),
    "MultiLayerNet": lambda rng, dtype: MultiLayerNet(
        784, [20, 10], 10, weight_decay_lambda=0.1, use_dropout=True, use_batchnorm=True,
        rng=rng, dtype=dtype,
    ),
}  # fmt: skip


def trained(make, dtype, steps):
    """Return the gradients and losses of some steps, and the weights and predictions after them."""
    network, optimizer = make(rng=3, dtype=dtype), Adam()
    x = IMAGES.astype(dtype)
    found = {}
    for step in range(steps):
        grads = network.gradient(x, CLASSES)
        found |= {f"step {step}, {key}": grad.copy() for key, grad in grads.items()}
        found[f"step {step}, loss"] = np.array(network.last_loss)
        optimizer.update(network.params, grads)
    network.block_size = 3  # predictions in two blocks
    params = {key: param.copy() for key, param in network.params.items()}
    accuracy = np.array(network.accuracy(x, CLASSES))
    return found, {**params, "predict": network.predict(x), "accuracy": accuracy}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_train_alike(name):
    fast = trained(NETWORKS[name], np.float64, steps=2)
    with plain():
        slow = trained(NETWORKS[name], np.float64, steps=2)
    for found, expected in zip(fast, slow, strict=True):
        assert_alike(found, expected, {"rtol": 1e-6, "atol": 1e-8})


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_gradient_in_single_precision_is_alike(name):
    fast, _ = trained(NETWORKS[name], np.float32, steps=1)
    with plain():
        slow, _ = trained(NETWORKS[name], np.float32, steps=1)
    assert_alike(fast, slow, {"rtol": 1e-3, "atol": 2e-4})


@pytest.mark.parametrize("name", ["DeepConvNet", "MultiLayerNet"])
def test_the_masks_of_dropout_are_the_same_to_the_bit(name):
    def masks():
        network, drawn = NETWORKS[name](rng=3, dtype=np.float32), []
        original = Dropout._mask_for

        def noted(layer, x):
            drawn.append(original(layer, x))
            return drawn[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Dropout, "_mask_for", noted)
            network.gradient(IMAGES.astype(np.float32), CLASSES)
        return sorted(mask.tobytes() for mask in drawn)

    fast = masks()
    with plain():
        assert masks() == fast
    assert len(fast) == (4 if name == "DeepConvNet" else 2)
