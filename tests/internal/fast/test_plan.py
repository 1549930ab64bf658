"""A network whose layers go by a plan gives what the layers give by their formulas."""

import copy
import math

import numpy as np
import pytest

from dlbasics import Network, plain
from dlbasics._internal import halves
from dlbasics._internal.fast import memory
from dlbasics._internal.fast.step import Step
from dlbasics._internal.fast.together import Together
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Convolution,
    Dropout,
    Identity,
    LeakyRelu,
    Pooling,
    Relu,
    Residual,
    Sigmoid,
    Tanh,
)
from tests.helpers import Block, normal
from tests.internal.fast.test_equals_plain import PUBLIC, TOLERANCE, assert_alike, sprinkled
from tests.layers.cases import LAYOUTS

pytestmark = pytest.mark.fast


class OwnRelu(Relu):
    def _forward(self, x, train_flg):
        return super()._forward(x - 1, train_flg)


EXACT = [Identity, OwnRelu, lambda: Dropout(0.3), lambda: Residual([Relu()])]
OTHERS = [*EXACT, Tanh, Sigmoid, LeakyRelu, lambda: Block(Relu(), Tanh())]


def norm(size, rng):
    return BatchNorm(*rng.random((2, size)))


def layers_of(kind, rng, others, draw):
    """Return the layers of a random network, and the shape of a sample."""
    shape = sample = (int(rng.integers(1, 4)), *rng.integers(6, 15, 2).tolist())
    layers = []

    def add(*more):
        nonlocal shape
        for layer in more:
            layers.append(layer)
            shape = layer.output_shape(shape)

    for _ in range(rng.integers(1, 4) if kind == "images" else 0):
        FN, FH, FW = rng.integers(1, 5, 3).tolist()
        W = draw((FN, shape[0], FH, FW))
        b = draw(FN) if rng.random() < 0.7 else None
        add(Convolution(W, b, 1, rng.integers(0, 3, 2).tolist()))
        if rng.random() < 0.3:
            add(rng.choice(others)() if rng.random() < 0.7 or others is EXACT else norm(FN, rng))
        after = [Relu()] if rng.random() < 0.8 else []
        if min(shape[1:]) > 3 and rng.random() < 0.8:
            floor = Pooling(2, 2, stride=2, floor=True)
            after.append(floor if rng.random() < 0.8 else Pooling(2, 3, stride=1))
        add(*(after[i] for i in rng.permutation(len(after))))
        if min(shape[1:]) < 4:
            break
    for width in rng.integers(2, 9, rng.integers(0, 3)).tolist():
        add(Affine(draw((math.prod(shape), width)), draw(width)))
        add(Relu() if rng.random() < 0.7 else rng.choice(others)())
    add(Affine(draw((math.prod(shape), 3)) / 64, draw(3)))
    return layers, sample


def network_of(kind, dtype, seed):
    """Return a random network, and a batch x, t.

    In less than double precision, all numbers that are compared are small integers.  Otherwise a
    rounded sum could change which of two pixels is the larger one.
    """
    rng = np.random.default_rng(seed)
    if dtype is np.float64:
        others, draw = OTHERS, rng.standard_normal
    else:
        others, draw = EXACT, lambda shape: rng.integers(-1, 2, shape).astype(float)
    layers, shape = layers_of(kind, rng, others, draw)
    network = Network(layers, rng=seed)
    x = draw((int(rng.integers(4, 24)), *shape)).astype(dtype)
    return network.astype(dtype), x, rng.integers(0, 3, len(x))


def found_by(network, x, t, way):
    """Return predictions, gradients, and with the whole batch the attributes of the layers."""
    network = copy.deepcopy(network)
    network.block_size = 5
    found = {"predict": network.predict(x), "one": network.predict(x[:1])}
    found |= network.gradient(x, t)
    found["loss"] = np.array(network.last_loss)
    for key, layer in network.layers.items() if way == "whole" else ():
        found |= {f"{key}.{name}": getattr(layer, name, None) for name in PUBLIC}
    if way == "whole":
        dout = network.last_layer.backward()
        for key, layer in reversed(network.layers.items()):
            dout = found[f"{key}, dx"] = layer.backward(dout)
    return found


def compare(network, x, t, way, tolerance):
    network.sharded = way == "in halves"  # before it is copied: NumPy 1.26 copies no seed
    fast = found_by(network, x, t, way)
    with plain():
        slow = found_by(network, x, t, way)
    assert_alike(fast, slow, tolerance)


@pytest.fixture(autouse=True)
def _several_blocks(monkeypatch):
    monkeypatch.setattr(memory, "SMALLEST", 1)
    monkeypatch.setattr(memory, "BLOCK", 20_000)


@pytest.mark.parametrize("way", ["whole", "in halves"])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("kind", ["images", "rows"])
def test_random_networks(kind, dtype, way):
    for seed in range(40):
        network, x, t = network_of(kind, dtype, seed)
        relaid = [*LAYOUTS.values()][seed % len(LAYOUTS)]
        compare(network, relaid(x), t, way, TOLERANCE[dtype])


@pytest.mark.parametrize("way", ["whole", "in halves"])
@pytest.mark.parametrize("values", [[], [np.inf], [-np.inf], [np.nan], [np.inf, -np.inf, np.nan]])
@pytest.mark.parametrize("place", ["x", "W", "b"])
def test_infinity_nan_and_equal_pixels(place, values, way):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        W1, W2 = (
            rng.integers(-1, 2, shape).astype(float) for shape in [(4, 2, 3, 3), (3, 4, 2, 2)]
        )
        layers = [
            Convolution(W1, np.array([0.0, 1, -1, 2]), pad=1), Relu(), Pooling(2, 2, stride=2),
            Convolution(W2, None, pad=1), Relu(), Affine(normal(75, 3), None),
        ]  # fmt: skip
        x = sprinkled(rng, (12, 2, 8, 8), values if place == "x" else [])
        if place != "x":
            getattr(layers[0], place).flat[: len(values)] = values
        compare(Network(layers), x, rng.integers(0, 3, 12), way, TOLERANCE[np.float64])


def test_mixed_types_go_layer_by_layer():
    for dtypes in ["fd", "df", "ef", "fe"]:
        network, x, t = network_of("images", np.float32, 3)
        layers = [*network.layers.values()]
        for layer, dtype in zip((layers[0], layers[-1]), dtypes, strict=True):
            layer.cast(dtype)
        for given in (x, x.astype(np.float64), x.astype(int), x.astype(">f4")):
            compare(network, given, t, "in halves", {"rtol": 1e-2, "atol": 1e-2})
            compare(network, given, t, "whole", {"rtol": 1e-2, "atol": 1e-2})


def kinds(layers):
    return [type(layer).__name__ for layer in layers]


def test_which_layers_go_together_and_which_keep_their_methods():
    def conv():
        return Convolution(normal(2, 2, 3, 3), None, pad=1)

    patched = Relu()
    patched.forward = lambda x, train_flg=True: Relu.forward(patched, x, train_flg)
    layers = [
        conv(), Relu(), Pooling(2, 2, 2), conv(), Pooling(2, 2, 2), Relu(), conv(), Relu(), conv(),
        OwnRelu(), conv(), patched, conv(), Pooling(3, 3), Relu(), conv(), Dropout(), Relu(),
    ]  # fmt: skip
    assert kinds(halves.in_working_order(layers)) == [
        "Together", "Together", "Together", "Step", "OwnRelu", "Step", "Relu", "Step", "Step",
        "Step", "Step", "Dropout", "Step",
    ]  # fmt: skip
    assert [*map(type, halves.without_checks(layers[:2]))] == [Step, Step]
    with plain():
        assert halves.in_working_order(layers) == halves.without_checks(layers) == layers


@pytest.mark.parametrize("name", ["backward", "backward_params"])
@pytest.mark.parametrize("is_pooled", [False, True])
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_an_infinite_gradient_meets_only_the_windows_of_its_pixel(value, is_pooled, name):
    found, expected = (
        [Convolution(normal(3, 2, 3, 3), normal(3), pad=1)]
        + [Pooling(2, 2, stride=2)] * is_pooled
        + [Relu()]
        for _ in range(2)
    )
    together, steps = Together(found), halves.without_checks(expected)
    x = y = normal(5, 2, 8, 8)
    for step in steps:
        y = step.forward(y, True)
    dout = normal(*together.forward(x, True).shape)
    dout[1, 1, 2, 2] = value
    with np.errstate(all="ignore"):  # as within a network
        dx = getattr(together, name)(dout)
        for layer in reversed(expected):
            dout = layer.backward(dout)
    if name == "backward":
        np.testing.assert_allclose(dx, dout)
        assert np.isfinite(dx[0]).all()
    np.testing.assert_allclose(found[0].dW, expected[0].dW)
    np.testing.assert_allclose(found[0].db, expected[0].db)


def test_they_leave_errors_to_the_layers():
    x = normal(4, 2, 7, 7)
    layers = [Convolution(normal(2, 2, 3, 3), None, pad=1), Relu(), Pooling(2, 2, 2)]
    together = Together([layers[0], layers[2], layers[1]])
    with pytest.raises(ValueError, match="Pool: x must have a height"):
        together.forward(x, True)
    with pytest.raises(ValueError, match=r"Conv: x must have shape \(N, 2, H, W\)"):
        together.forward(x[:, :1], True)
    y = together.forward(x[:, :, 1:, 1:], True)
    with pytest.raises(ValueError, match="dout must have the shape of the output"):
        together.backward(y[1:])
    step = Step(Affine(normal(3, 4), None))
    with pytest.raises(ValueError, match="Affine: x must have 3 values"):
        step.forward(normal(2, 2), True)
    step.forward(normal(2, 3), True)
    with pytest.raises(ValueError, match="dout must have the shape of the output"):
        step.backward(normal(2, 3))
