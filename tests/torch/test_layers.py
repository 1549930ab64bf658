"""Layers and losses against PyTorch's autograd, where PyTorch is installed."""

import numpy as np
import pytest

from dlbasics import layers
from tests.helpers import channels_last, normal

torch = pytest.importorskip("torch")
F = torch.nn.functional

TOLERANCE = {
    np.float64: {"rtol": 1e-12, "atol": 1e-13},
    np.float32: {"rtol": 2e-5, "atol": 1e-5},
}
both_dtypes = pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)


def leaf(array):
    return torch.tensor(array, requires_grad=True)


def assert_close(found, expected, dtype):
    expected = expected.detach().numpy()
    assert found.dtype == expected.dtype == dtype
    np.testing.assert_allclose(found, expected, **TOLERANCE[dtype])


def assert_like_torch(layer, function, x, dtype, train_flg=True):
    """Forward, dx and every parameter's gradient are those of `function(x, *parameters)`."""
    slots = [(inner, name) for inner in layer.walk() for name in inner.param_names]
    slots = [(inner, name) for inner, name in slots if getattr(inner, name) is not None]
    leaves = [leaf(x), *(leaf(getattr(*slot)) for slot in slots)]
    y = function(*leaves)
    dout = normal(*y.shape, seed=99, dtype=dtype)
    y.backward(torch.tensor(dout))
    assert_close(layer.forward(x, train_flg), y, dtype)
    assert_close(layer.backward(dout), leaves[0].grad, dtype)
    for (inner, name), parameter in zip(slots, leaves[1:], strict=True):
        assert_close(getattr(inner, f"d{name}"), parameter.grad, dtype)


@both_dtypes
@pytest.mark.parametrize("shape", [(12,), (7, 12), (1, 12), (7, 3, 2, 2)], ids=str)
def test_affine(shape, dtype):
    layer = layers.Affine(normal(12, 5, seed=1, dtype=dtype), normal(5, seed=2, dtype=dtype))
    x = normal(*shape, dtype=dtype)
    rows = (-1, 12) if len(shape) > 1 else (12,)

    def function(x, W, b=None):
        return F.linear(x.reshape(rows), W.T, b)

    assert_like_torch(layer, function, x, dtype)
    assert_like_torch(layers.Affine(layer.W, None), function, x, dtype)


ACTIVATIONS = {
    "Relu": (layers.Relu(), torch.relu),
    "LeakyRelu": (layers.LeakyRelu(), F.leaky_relu),
    "LeakyRelu, slope 0.3": (layers.LeakyRelu(0.3), lambda x: F.leaky_relu(x, 0.3)),
    "Elu": (layers.Elu(), F.elu),
    "Elu, alpha 0.3": (layers.Elu(0.3), lambda x: F.elu(x, 0.3)),
    "Sigmoid": (layers.Sigmoid(), torch.sigmoid),
    "Tanh": (layers.Tanh(), torch.tanh),
    "Identity": (layers.Identity(), lambda x: 1 * x),
}


@both_dtypes
@pytest.mark.parametrize("shape", [(7, 12), (3, 4, 5, 2)], ids=str)
@pytest.mark.parametrize(("layer", "function"), ACTIVATIONS.values(), ids=ACTIVATIONS.keys())
def test_activation(layer, function, shape, dtype):
    x = 3 * normal(*shape, dtype=dtype)
    x.flat[::5] = 0
    assert_like_torch(layer, function, x, dtype)


@both_dtypes
def test_dropout_given_the_mask(dtype):
    layer, x = layers.Dropout(0.4, rng=0), normal(7, 12, dtype=dtype)
    layer.forward(x)
    layer.freeze()
    mask = torch.tensor(layer.mask)
    assert_like_torch(layer, lambda x: x * mask, x, dtype)
    assert_like_torch(layer, lambda x: 0.6 * x, x, dtype, train_flg=False)


def batch_norm(size, dtype):
    return layers.BatchNorm(
        normal(size, seed=1, dtype=dtype),
        normal(size, seed=2, dtype=dtype),
        running_mean=normal(size, seed=3, dtype=dtype),
        running_var=np.exp(normal(size, seed=4, dtype=dtype)),
    )


@both_dtypes
@pytest.mark.parametrize("train_flg", [True, False], ids=["train", "test"])
@pytest.mark.parametrize("shape", [(7, 3), (4, 3, 5, 2), (1, 3, 4, 4)], ids=str)
def test_batch_norm(shape, train_flg, dtype):
    layer, x = batch_norm(3, dtype), 5 + 2 * normal(*shape, dtype=dtype)
    mean, var = torch.tensor(layer.running_mean), torch.tensor(layer.running_var)

    def function(x, gamma, beta):
        return F.batch_norm(x, mean, var, gamma, beta, training=train_flg, momentum=0.1, eps=1e-7)

    assert_like_torch(layer, function, x, dtype, train_flg)
    if train_flg:
        n = x.size // 3
        assert_close(layer.running_mean, mean, dtype)
        biased = x.astype(np.float64).var(axis=tuple(i for i in range(x.ndim) if i != 1))
        np.testing.assert_allclose(  # PyTorch's running variance takes n / (n - 1) of the batch's
            layer.running_var, var.numpy() - 0.1 * biased / (n - 1), rtol=1e-5
        )


GEOMETRIES = {
    "3 by 3": ((3, 3), 1, 0),
    "3 by 3, pad 1": ((3, 3), 1, 1),
    "3 by 3, pad 2": ((3, 3), 1, 2),
    "5 by 5, pad 4": ((5, 5), 1, 4),
    "2 by 3": ((2, 3), 1, 0),
    "1 by 1": ((1, 1), 1, 0),
    "1 by 1, pad 1": ((1, 1), 1, 1),
    "3 by 3, stride 2": ((3, 3), 2, 1),
    "2 by 4, stride 3": ((2, 4), 3, 1),
}


@both_dtypes
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "stride", "pad"), GEOMETRIES.values(), ids=GEOMETRIES.keys())
def test_convolution(size, stride, pad, channels, dtype):
    W, b = normal(4, channels, *size, seed=1, dtype=dtype), normal(4, seed=2, dtype=dtype)
    x = normal(5, channels, 9, 8, dtype=dtype)
    if (9 + 2 * pad - size[0]) % stride or (8 + 2 * pad - size[1]) % stride:
        x = normal(5, channels, 9, 11, dtype=dtype)

    def function(x, W, b=None):
        return F.conv2d(x, W, b, stride=stride, padding=pad)

    for laid_out in (x, channels_last(x)):
        assert_like_torch(layers.Convolution(W, b, stride, pad), function, laid_out, dtype)
    assert_like_torch(layers.Convolution(W, None, stride, pad), function, x, dtype)


POOLINGS = {
    "2 by 2": ((2, 2), 1, 0),
    "2 by 2, stride 2": ((2, 2), 2, 0),
    "3 by 2, pad 1": ((3, 2), 1, 1),
    "3 by 3, stride 2, pad 1": ((3, 3), 2, 1),
    "3 by 3, stride 4": ((3, 3), 4, 0),
}


@both_dtypes
@pytest.mark.parametrize("values", ["normal", "many equal"])
@pytest.mark.parametrize(("size", "stride", "pad"), POOLINGS.values(), ids=POOLINGS.keys())
def test_pooling(size, stride, pad, values, dtype):
    H = W = {1: 7, 2: 8 if pad == 0 else 7, 4: 7}[stride]
    x = normal(4, 3, H, W, dtype=dtype)
    if values == "many equal":
        x = np.round(x)
    largest = lambda x: F.max_pool2d(x, size, stride, pad)  # noqa: E731
    mean = lambda x: F.avg_pool2d(x, size, stride, pad)  # noqa: E731
    assert_like_torch(layers.Pooling(*size, stride, pad), largest, x, dtype)
    assert_like_torch(layers.AveragePooling(*size, stride, pad), mean, x, dtype)


@pytest.mark.parametrize("seed", range(60))
def test_random_geometries(seed):
    rng = np.random.default_rng(seed)

    def sides(low, high):
        """Return a pair, or a number for both."""
        pair = rng.integers(low, high).tolist()
        return tuple(pair) if rng.random() < 0.7 else pair[0]

    C, FN = rng.integers(1, 4, 2).tolist()
    window = rng.integers(1, 6, 2).tolist()
    stride, pad = sides([1, 1], [4, 4]), sides([0, 0], window)
    low = np.maximum(1, window - 2 * np.broadcast_to(pad, 2))
    x = normal(3, C, *(low + rng.integers(0, 9, 2)).tolist(), seed=seed)
    W, b = normal(FN, C, *window, seed=1), normal(FN, seed=2)
    convolution = lambda x, W, b: F.conv2d(x, W, b, stride, pad)  # noqa: E731
    layer = layers.Convolution(W, b, stride, pad, floor=True)
    assert_like_torch(layer, convolution, x, np.float64)
    if (2 * np.broadcast_to(pad, 2) <= window).all():  # PyTorch's pooling takes no more
        largest = lambda x: F.max_pool2d(x, window, stride, pad)  # noqa: E731
        mean = lambda x: F.avg_pool2d(x, window, stride, pad)  # noqa: E731
        for kind, function in ((layers.Pooling, largest), (layers.AveragePooling, mean)):
            assert_like_torch(kind(*window, stride, pad, floor=True), function, x, np.float64)


@both_dtypes
def test_global_average_pooling(dtype):
    mean = lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)  # noqa: E731
    assert_like_torch(layers.GlobalAveragePooling(), mean, normal(4, 3, 5, 6, dtype=dtype), dtype)


@both_dtypes
def test_a_residual_block(dtype):
    W, b = normal(3, 3, 3, 3, seed=1, dtype=dtype), normal(3, seed=2, dtype=dtype)
    layer = layers.Residual([layers.Convolution(W, b, pad=1), layers.Relu()])

    function = lambda x, W, b: x + torch.relu(F.conv2d(x, W, b, padding=1))  # noqa: E731
    assert_like_torch(layer, function, normal(4, 3, 5, 6, dtype=dtype), dtype)


@both_dtypes
@pytest.mark.parametrize(
    ("size", "alpha", "beta", "k"), [(5, 1e-4, 0.75, 2.0), (3, 0.9, 1.3, 0.5), (9, 0.2, 0.5, 1.0)]
)
def test_local_response_norm(size, alpha, beta, k, dtype):
    def function(x):  # PyTorch divides alpha by the size
        return F.local_response_norm(x, size, alpha * size, beta, k)

    layer = layers.LocalResponseNorm(size, alpha, beta, k)
    assert_like_torch(layer, function, 3 * normal(4, 6, 3, 5, dtype=dtype), dtype)


@both_dtypes
def test_branches(dtype):
    W, b = normal(4, 3, 3, 3, seed=1, dtype=dtype), normal(4, seed=2, dtype=dtype)
    V = normal(2, 3, 1, 1, seed=3, dtype=dtype)
    layer = layers.Concatenate(
        [
            [layers.Convolution(W, b, pad=1), layers.Relu()],
            [layers.Pooling(3, 3, 1, 1), layers.Convolution(V, None)],
            [],
        ]
    )

    def function(x, W, b, V):
        first = torch.relu(F.conv2d(x, W, b, padding=1))
        return torch.cat([first, F.conv2d(F.max_pool2d(x, 3, 1, 1), V), x], dim=1)

    assert_like_torch(layer, function, normal(4, 3, 5, 6, dtype=dtype), dtype)


def assert_loss_like_torch(layer, function, x, t, dtype):
    scores = leaf(x)
    loss = function(scores)
    loss.backward()
    assert layer.forward(x, t) == pytest.approx(loss.item(), rel=TOLERANCE[dtype]["rtol"])
    assert_close(layer.backward(), scores.grad, dtype)
    assert_close(layer.backward(2.5), 2.5 * scores.grad, dtype)


@both_dtypes
def test_losses_of_images(dtype):
    x, t = 3 * normal(4, 3, 5, 2, dtype=dtype), np.random.default_rng(0).integers(0, 3, (4, 5, 2))
    rows = np.abs(normal(4, 3, 5, 2, seed=1, dtype=dtype))
    for labels, target in ((t, torch.tensor(t)), (rows, torch.tensor(rows))):
        entropy = lambda x, t=target: F.cross_entropy(x, t)  # noqa: E731
        assert_loss_like_torch(layers.SoftmaxWithLoss(), entropy, x, labels, dtype)
    part, places = (rows / rows.max()).astype(dtype), 4 * 5 * 2
    binary, squares = (
        lambda x, f=f, n=n: f(x, torch.tensor(part), reduction="sum") / n
        for f, n in (
            (F.binary_cross_entropy_with_logits, places),
            (F.mse_loss, 2 * places),
        )
    )
    assert_loss_like_torch(layers.SigmoidWithLoss(), binary, x, part, dtype)
    assert_loss_like_torch(layers.IdentityWithLoss(), squares, x, part, dtype)


@both_dtypes
@pytest.mark.parametrize("scale", [1, 50, 1e4])
def test_losses(scale, dtype):
    x, t, soft = scale * normal(8, 5, dtype=dtype), np.arange(8) % 5, abs(normal(8, 5, dtype=dtype))
    classes, one = (lambda x, t=t: F.cross_entropy(x, torch.tensor(t)) for t in (t, 3))
    for labels in (t, t[:, np.newaxis], t.astype(np.uint8), np.eye(5)[t]):
        assert_loss_like_torch(layers.SoftmaxWithLoss(), classes, x, labels, dtype)
    for label in (3, np.eye(5)[3]):
        assert_loss_like_torch(layers.SoftmaxWithLoss(), one, x[0], label, dtype)
    part = (soft / soft.sum(axis=1, keepdims=True)).astype(dtype)
    for rows in (soft, part):
        entropy = lambda x, rows=rows: F.cross_entropy(x, torch.tensor(rows))  # noqa: E731
        assert_loss_like_torch(layers.SoftmaxWithLoss(), entropy, x, rows, dtype)
    binary, squares = (
        lambda x, f=f, n=n: f(x, torch.tensor(part), reduction="sum") / n
        for f, n in ((F.binary_cross_entropy_with_logits, 8), (F.mse_loss, 16))
    )
    assert_loss_like_torch(layers.SigmoidWithLoss(), binary, x, part, dtype)
    assert_loss_like_torch(layers.IdentityWithLoss(), squares, x, part, dtype)
