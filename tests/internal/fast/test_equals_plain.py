"""The fast replacements equal the plain formulas, and `plain` switches them off."""

import copy
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from dlbasics import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Affine,
    AveragePooling,
    BatchNorm,
    Convolution,
    DeepConvNet,
    Dropout,
    GlobalAveragePooling,
    Identity,
    LeakyRelu,
    Momentum,
    MultiLayerNet,
    Nesterov,
    Network,
    Pooling,
    Relu,
    Residual,
    ResNet,
    RMSprop,
    Sigmoid,
    SimpleConvNet,
    Tanh,
    plain,
)
from dlbasics._internal import table
from dlbasics.network import numerical_gradients

pytestmark = pytest.mark.fast

# Layers over random geometries, dtypes and memory layouts


def affine(rng):
    N, D, M = rng.integers(1, 9, 3)
    return Affine(rng.standard_normal((D, M)), rng.standard_normal(M)), (N, D)


def affine_of_images(rng):
    N, C, H, W = rng.integers(1, 5, 4)
    return Affine(rng.standard_normal((C * H * W, 3)), None), (N, C, H, W)


def large(kind):
    """At least 256 KiB, where memory is used again."""
    return lambda rng: (kind(), (rng.integers(90, 100), 8, 14, rng.integers(14, 20)))


def small(make):
    return lambda rng: (make(), tuple(rng.integers(1, 7, rng.choice([2, 4]))))


def batch_norm(*, of_images):
    def make(rng):
        N, D = rng.integers(2, 40), rng.integers(1, 6)
        layer = BatchNorm(1 + rng.random(D), rng.standard_normal(D), momentum=rng.random())
        if rng.random() < 0.5:
            layer.running_mean, layer.running_var = rng.standard_normal(D), rng.random(D)
        return layer, (N, D, *rng.integers(1, 9, 2)) if of_images else (N, D)

    return make


def convolution(*, stride):
    def make(rng):
        N, C, FN = rng.integers(1, 6, 3)
        FH, FW = rng.integers(1, 5, 2)
        pad = rng.integers(0, min(FH, FW))
        H, W = (
            size + stride * rng.integers(0, 6) + (-2 * pad if size > 2 * pad else 2 * stride)
            for size in (FH, FW)
        )
        W_ = rng.standard_normal((FN, C, FH, FW))
        b = rng.standard_normal(FN) if rng.random() < 0.7 else None
        return Convolution(W_, b, stride, int(pad)), (N, C, max(H, FH), max(W, FW))

    return make


def images(make, *, even):
    def made(rng):
        N, C = rng.integers(1, 40, 2)
        H, W = 2 * rng.integers(1, 8, 2) if even else rng.integers(3, 9, 2)
        return make(), (N, C, H, W)

    return made


LAYERS = {
    "Affine": affine,
    "Affine, images": affine_of_images,
    "Relu": small(Relu),
    "Relu, large": large(Relu),
    "LeakyRelu": small(LeakyRelu),
    "Sigmoid": small(Sigmoid),
    "Tanh": small(Tanh),
    "Identity": small(Identity),
    "Dropout": small(lambda: Dropout(0.3, rng=1)),
    "Dropout, inverted": small(lambda: Dropout(0.3, inverted=True, rng=1)),
    "BatchNorm": batch_norm(of_images=False),
    "BatchNorm, images": batch_norm(of_images=True),
    "Convolution": convolution(stride=1),
    "Convolution, stride 2": convolution(stride=2),
    "Pooling, 2 x 2": images(lambda: Pooling(2, 2, stride=2), even=True),
    "Pooling, 3 x 2": images(lambda: Pooling(3, 2, pad=1), even=False),
    "AveragePooling": images(lambda: AveragePooling(2, 2, stride=2), even=True),
    "GlobalAveragePooling": images(GlobalAveragePooling, even=False),
    "Residual": small(lambda: Residual([Relu(), Tanh()])),
}
HAVE_A_FAST_WAY = {
    "Affine", "Affine, images", "Relu, large", "BatchNorm", "BatchNorm, images", "Convolution",
    "Pooling, 2 x 2",
}  # fmt: skip
LAYOUTS = {
    "as made": np.asarray,
    "Fortran order": np.asfortranarray,
    "channels last": lambda x: (
        np.ascontiguousarray(np.moveaxis(x, 1, -1)).swapaxes(1, -1)
        if x.ndim < 4
        else np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    ),
    "every other column": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
}
TOLERANCE = {
    np.float16: {"rtol": 4e-3, "atol": 4e-3},
    np.float32: {"rtol": 3e-4, "atol": 3e-4},
    np.float64: {"rtol": 1e-9, "atol": 1e-9},
}
PUBLIC = ("x", "mask", "out", "dW", "db", "dgamma", "dbeta", "running_mean", "running_var")


def passed(layer, x, dout_of, train_flg):
    """All that a forward and a backward pass give: y, dx, and the layer's public attributes."""
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
            scale = max(1.0, float(np.abs(array.astype(np.float64)).max(initial=0)))
            atol = tolerance["atol"] * scale
            np.testing.assert_allclose(
                found[name], array, rtol=tolerance["rtol"], atol=atol, err_msg=name
            )


@pytest.mark.parametrize("train_flg", [True, False], ids=["train", "test"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", LAYERS)
def test_plain_and_fast_give_the_same(name, dtype, layout, train_flg):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        layer, shape = LAYERS[name](rng)
        layer.cast(dtype)
        relaid = LAYOUTS[layout]
        x = relaid(rng.standard_normal(shape).astype(dtype))

        def dout_of(y, seed=seed, relaid=relaid):
            drawn = np.random.default_rng(seed + 1).standard_normal(y.shape)
            return relaid(drawn.astype(dtype))

        fast, layer_fast = passed(layer, x, dout_of, train_flg)
        with plain():
            slow, layer_slow = passed(layer, x, dout_of, train_flg)
        assert not layer_slow._is_fast
        assert layer_fast._is_fast == (name in HAVE_A_FAST_WAY)
        assert_alike(fast, slow, TOLERANCE[dtype])


def test_every_replaced_layer_is_compared():
    Relu().forward(np.ones(1))
    layers = {kind for kind in table._fast if isinstance(kind, type)}
    compared = {type(LAYERS[name](np.random.default_rng(0))[0]) for name in HAVE_A_FAST_WAY}
    assert {kind for kind in layers if hasattr(kind, "forward")} == compared


# Whole networks

IMAGES = np.random.default_rng(0).random((9, 1, 28, 28))
CLASSES = np.random.default_rng(1).integers(0, 10, 9)
NETWORKS = {
    "SimpleConvNet": SimpleConvNet,
    "DeepConvNet": DeepConvNet,
    "ResNet": lambda rng, dtype: ResNet((1, 28, 28), (4, 8, 8), rng=rng, dtype=dtype),
    "MultiLayerNet": lambda rng, dtype: MultiLayerNet(
        784, [20, 10], 10, weight_decay_lambda=0.1, use_dropout=True, use_batchnorm=True,
        rng=rng, dtype=dtype,
    ),
}  # fmt: skip


def trained(make, dtype, steps=3):
    """Losses, gradients, weights and predictions of a few steps of training."""
    network, optimizer = make(rng=3, dtype=dtype), Adam()
    x = IMAGES.astype(dtype)
    found = {}
    for step in range(steps):
        grads = network.gradient(x, CLASSES)
        found |= {f"step {step}, {key}": grad.copy() for key, grad in grads.items()}
        found[f"step {step}, loss"] = np.array(network.last_loss)
        optimizer.update(network.params, grads)
    found |= {key: param.copy() for key, param in network.params.items()}
    scores = network.predict(np.resize(x, (network.block_size + 1, *x.shape[1:])))
    return {**found, "predict": scores, "accuracy": np.array(network.accuracy(x, CLASSES))}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_train_alike(name):
    fast = trained(NETWORKS[name], np.float64)
    with plain():
        slow = trained(NETWORKS[name], np.float64)
    assert_alike(fast, slow, {"rtol": 1e-6, "atol": 1e-8})


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_gradient_in_single_precision_is_alike(name):
    fast = trained(NETWORKS[name], np.float32, steps=1)
    with plain():
        slow = trained(NETWORKS[name], np.float32, steps=1)
    compared = [key for key in fast if key.startswith("step")]
    for found in (fast, slow):
        for key in [*found.keys() - compared]:
            del found[key]
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


def test_numerical_gradients_are_alike():
    network = MultiLayerNet(
        6, [5, 4], 3, activation="tanh", weight_decay_lambda=0.1, use_dropout=True, rng=0
    )
    x, t = np.random.default_rng(0).standard_normal((4, 6)), np.array([0, 1, 2, 1])
    fast = network.numerical_gradient(x, t)
    with plain():
        slow = network.numerical_gradient(x, t)
    by_hand = network.numerical_gradient(x, t, plain=True)
    for key in slow:
        np.testing.assert_array_equal(slow[key], by_hand[key])
        np.testing.assert_allclose(fast[key], slow[key], rtol=1e-5, atol=1e-8)
    assert any((fast[key] != slow[key]).any() for key in fast), "both went the same way"
    assert table.replacement(numerical_gradients) is not None


@pytest.mark.parametrize("kind", [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW])
def test_optimizers_are_alike_to_the_bit(kind):
    def moved():
        rng, W = np.random.default_rng(0), np.ones((300, 400), np.float32)
        optimizer = kind()
        for _ in range(3):
            optimizer.update({"W": W}, {"W": rng.standard_normal(W.shape, dtype=np.float32)})
        return W

    fast = moved()
    with plain():
        np.testing.assert_array_equal(moved(), fast)


# Who is replaced, and when


def test_a_subclass_is_never_replaced():
    class OwnAffine(Affine):
        def _forward(self, x, train_flg):
            return super()._forward(x, train_flg) + 1

    W, x = np.eye(3), np.ones((2, 3))
    own, ours = OwnAffine(W, None), Affine(W, None)
    assert (own.forward(x) == ours.forward(x) + 1).all()
    assert ours._is_fast and not own._is_fast


def test_an_optimizer_of_ones_own_sees_whole_parameters():
    class Unit(SGD):
        def _step(self, W, dW):
            W -= self.lr * dW / np.linalg.norm(dW)

    W = np.zeros((300, 400))
    Unit(1.0).update({"W": W}, {"W": np.ones(W.shape)})
    assert np.linalg.norm(W) == pytest.approx(1)


def test_plain_ends_with_its_block_also_after_an_error_and_within_another():
    assert not table.is_plain()
    with plain():
        with pytest.raises(KeyError), plain():
            assert table.is_plain()
            raise KeyError
        assert table.is_plain()
    assert not table.is_plain()


def test_plain_holds_in_other_threads_until_the_last_block_ends():
    entered, leave, seen = threading.Event(), threading.Event(), []

    def work():
        with plain():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(20)
    with plain():
        pass
    layer = Affine(np.eye(2), None)
    layer.forward(np.ones((1, 2)))
    seen.append((table.is_plain(), layer._is_fast))
    leave.set()
    thread.join()
    assert seen == [(True, False)]
    assert not table.is_plain()


def test_backward_goes_the_way_of_its_forward():
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 6))
    layer = Pooling(2, 2, stride=2)
    y = layer.forward(x)
    with plain():
        dx = layer.backward(np.ones_like(y))
        other = copy.deepcopy(layer)
        other.forward(x)
    np.testing.assert_array_equal(other.backward(np.ones_like(y)), dx)


TRAINING = """
import sys
import numpy as np
from dlbasics import Adam, DeepConvNet
network, x, t = DeepConvNet(rng=0), np.ones((4, 1, 28, 28), np.float32), np.arange(4)
Adam().update(network.params, network.gradient(x, t))
network.predict(np.concatenate([x] * 60))
print(*[name for name in sys.modules if "_internal.fast" in name])
"""


@pytest.mark.parametrize("value", ["1", "0", ""])
def test_with_the_environment_variable_nothing_of_fast_is_imported(value):
    done = subprocess.run(
        [sys.executable, "-c", TRAINING],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DLBASICS_PLAIN": value},
    )
    assert bool(done.stdout.split()) == (value != "1")


def test_the_lesson_imports_nothing_of_fast():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, dlbasics.trainer, dlbasics.networks; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "dlbasics.network" in done.stdout
    assert "_internal.fast" not in done.stdout


def test_a_network_of_ones_own_layer_works_in_both_ways():
    class Double(Relu):
        def _forward(self, x, train_flg):
            return 2 * super()._forward(x, train_flg)

        def _backward(self, dout):
            return 2 * super()._backward(dout)

    network = Network([Affine.create(4, 3, rng=0), Double(), Affine.create(3, 2, rng=1)])
    x, t = np.ones((2, 4), np.float32), [0, 1]
    fast = network.gradient(x, t)
    with plain():
        slow = network.gradient(x, t)
    assert_alike(fast, slow, TOLERANCE[np.float32])
