"""The convolution layer, by im2col and fast."""

import tracemalloc

import numpy as np
import pytest

from dlbasics._internal.fast import memory
from dlbasics._internal.fast import windows as fast_convolution
from dlbasics.initializers import he, xavier, zeros
from dlbasics.layers import Affine, BatchNorm, Convolution, Dropout, Pooling, Relu


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def channels_last(images):
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def naive(x, W, b, stride, pad):
    """The definition, one product at a time: seven loops."""
    N, C, H, width = x.shape
    FN, _, FH, FW = W.shape
    OH, OW = (H + 2 * pad - FH) // stride + 1, (width + 2 * pad - FW) // stride + 1
    y = np.empty((N, FN, OH, OW))
    for n in range(N):
        for f in range(FN):
            for oh in range(OH):
                for ow in range(OW):
                    total = b[f]
                    for c in range(C):
                        for i in range(FH):
                            for j in range(FW):
                                row, column = stride * oh + i - pad, stride * ow + j - pad
                                if 0 <= row < H and 0 <= column < width:
                                    total += x[n, c, row, column] * W[f, c, i, j]
                    y[n, f, oh, ow] = total
    return y


def naive_backward(x, W, dout, stride, pad):
    """dx, dW and db: each product of the definition, its factors exchanged."""
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(len(W))
    for n, f, oh, ow in np.ndindex(dout.shape):
        sent = dout[n, f, oh, ow]
        db[f] += sent
        for c, i, j in np.ndindex(W.shape[1:]):
            row, column = stride * oh + i - pad, stride * ow + j - pad
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                dx[n, c, row, column] += sent * W[f, c, i, j]
                dW[f, c, i, j] += sent * x[n, c, row, column]
    return dx, dW, db


GEOMETRIES = [
    # C, FN, H, W, FH, FW, stride, pad
    (2, 3, 5, 6, 3, 3, 1, 0),
    (2, 3, 5, 6, 3, 3, 1, 1),
    (2, 3, 4, 5, 3, 3, 1, 2),
    (2, 3, 4, 5, 2, 2, 1, 3),
    (1, 3, 5, 6, 3, 3, 1, 0),
    (3, 1, 5, 6, 3, 3, 1, 1),
    (2, 3, 5, 6, 2, 3, 1, 1),
    (2, 3, 5, 6, 4, 1, 1, 0),
    (2, 3, 5, 6, 1, 3, 1, 0),
    (2, 3, 4, 4, 1, 1, 1, 0),
    (2, 3, 4, 5, 4, 5, 1, 0),
    (2, 2, 1, 1, 3, 3, 1, 1),
    (2, 2, 1, 2, 7, 7, 1, 3),
    (2, 2, 3, 1, 9, 9, 1, 4),
    (2, 3, 5, 7, 3, 3, 2, 0),
    (2, 3, 5, 7, 3, 3, 2, 1),
    (2, 3, 5, 8, 2, 2, 3, 0),
    (2, 3, 5, 5, 1, 1, 2, 0),
    (2, 3, 7, 4, 3, 2, 2, 0),
]
geometries = pytest.mark.parametrize(("C", "FN", "H", "W", "FH", "FW", "stride", "pad"), GEOMETRIES)


@geometries
def test_equals_the_definition(C, FN, H, W, FH, FW, stride, pad):
    layer = Convolution(normal(FN, C, FH, FW, seed=1), normal(FN, seed=2), stride, pad)
    x = normal(3, C, H, W)
    y = layer.forward(x)
    np.testing.assert_allclose(y, naive(x, layer.W, layer.b, stride, pad), rtol=1e-12, atol=1e-13)
    dout = normal(*y.shape, seed=3)
    found = layer.backward(dout), layer.dW, layer.db
    for array, expected in zip(found, naive_backward(x, layer.W, dout, stride, pad), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-12)
    layer.backward_params(dout)
    np.testing.assert_allclose(layer.dW, found[1], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(layer.db, found[2])


def passed(layer, x):
    """y, dx, dW and db of one pass, and dW and db of `backward_params`."""
    y = layer.forward(x)
    dout = normal(*y.shape, seed=3, dtype=y.dtype)
    arrays = [y, layer.backward(dout), layer.dW, layer.db]
    layer.backward_params(dout)
    return [*arrays, layer.dW, layer.db]


@pytest.mark.parametrize("block", [1, 3000, 1 << 20])
@pytest.mark.parametrize("relayed", [np.ascontiguousarray, channels_last, np.asfortranarray])
@pytest.mark.parametrize(
    ("C", "FN", "FH", "FW", "pad"),
    [(3, 4, 3, 3, 0), (3, 4, 3, 3, 1), (1, 4, 5, 5, 2), (16, 8, 3, 3, 2), (4, 3, 1, 2, 0)],
)
def test_the_fast_path_equals_the_general_one(monkeypatch, C, FN, FH, FW, pad, relayed, block):
    layer = Convolution(normal(FN, C, FH, FW, seed=1), normal(FN, seed=2), pad=pad)
    x = relayed(normal(7, C, 6, 5))
    assert fast_convolution.fits(layer.W.shape, 1, pad)
    monkeypatch.setattr(memory, "BLOCK", block)
    fast = passed(layer, x)
    monkeypatch.setattr(fast_convolution, "fits", lambda *_: False)
    for found, expected in zip(fast, passed(layer, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "stride", "pad", "fast"),
    [(3, 1, 0, True), (3, 1, 2, True), (1, 1, 0, True), (3, 1, 3, False), (3, 2, 1, False)],
)
@pytest.mark.fast
def test_which_way_is_taken(monkeypatch, size, stride, pad, fast):
    taken = []
    for name in ("forward", "backward", "backward_params"):
        original = getattr(fast_convolution, name)
        monkeypatch.setattr(
            fast_convolution, name, lambda *a, f=original: taken.append(f.__name__) or f(*a)
        )
    passed(Convolution(normal(2, 2, size, size), None, stride, pad), normal(2, 2, 5, 5))
    assert taken == (["forward", "backward", "backward_params"] if fast else [])


def test_a_fully_connected_layer_is_filters_as_large_as_the_image():
    x, W, b = normal(4, 32, 10, 10), normal(3200, 100, seed=1), normal(100, seed=2)
    affine, convolution = Affine(W, b), Convolution(W.T.reshape(100, 32, 10, 10), b)
    y = affine.forward(x)
    np.testing.assert_allclose(convolution.forward(x), y[:, :, np.newaxis, np.newaxis], rtol=1e-9)
    dout = normal(4, 100, seed=3)
    dx = convolution.backward(dout[:, :, np.newaxis, np.newaxis])
    np.testing.assert_allclose(dx, affine.backward(dout), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        convolution.dW.reshape(100, 3200).T, affine.dW, rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize(
    ("size", "filter_size", "stride", "pad", "expected"),
    [
        ((4, 4), 3, 1, 0, (2, 2)),
        ((4, 4), 3, 1, 1, (4, 4)),
        ((7, 7), 3, 2, 0, (3, 3)),
        ((28, 31), 5, 3, 2, (10, 11)),
        ((28, 28), 5, 1, 0, (24, 24)),
    ],
)
def test_output_sizes_of_the_book(size, filter_size, stride, pad, expected):
    layer = Convolution.create(1, 6, filter_size, stride, pad, rng=0)
    assert layer.forward(np.ones((2, 1, *size), np.float32)).shape == (2, 6, *expected)
    assert layer.output_shape((1, *size)) == (6, *expected)


def test_one_image_is_a_batch_of_one():
    for stride in (1, 2):
        layer, batch = (Convolution(normal(4, 3, 3, 3), normal(4), stride) for _ in range(2))
        x, dout = normal(3, 5, 5, seed=1), None
        y = layer.forward(x)
        np.testing.assert_array_equal(y, batch.forward(x[np.newaxis])[0])
        dout = normal(*y.shape, seed=2)
        dx = layer.backward(dout)
        assert dx.shape == x.shape
        np.testing.assert_array_equal(dx, batch.backward(dout[np.newaxis])[0])
        np.testing.assert_array_equal(layer.dW, batch.dW)


@pytest.mark.parametrize("b", [None, 0, 0.0, np.array(0.0)])
@pytest.mark.parametrize("stride", [1, 2])
def test_no_bias(b, stride):
    layer, x = Convolution(normal(4, 3, 3, 3), b, stride), normal(2, 3, 5, 5)
    with_zeros = Convolution(layer.W, np.zeros(4), stride)
    y = layer.forward(x)
    np.testing.assert_array_equal(y, with_zeros.forward(x))
    layer.backward(np.ones_like(y))
    assert layer.b is None and layer.db is None


def test_keeps_the_very_arrays_it_is_given():
    W, b = normal(4, 3, 3, 3), normal(4)
    layer = Convolution(W, b)
    assert layer.W is W and layer.b is b
    before = layer.forward(np.ones((1, 3, 5, 5)))
    W *= 2
    b *= 2
    np.testing.assert_allclose(layer.forward(np.ones((1, 3, 5, 5))), 2 * before)


@pytest.mark.parametrize("stride", [1, 2])
def test_x_is_the_last_batch(stride):
    layer, x = Convolution(normal(4, 3, 3, 3), None, stride), normal(2, 3, 5, 5)
    layer.forward(x)
    np.testing.assert_array_equal(layer.x, x)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("b", [np.float32, np.float64, None])
@pytest.mark.parametrize("W", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("x", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_results_have_numpys_result_type(x, W, b, stride):
    layer = Convolution(np.ones((2, 3, 3, 3), W), None if b is None else np.ones(2, b), stride)
    y = layer.forward(np.ones((4, 3, 3, 3), x))
    assert y.dtype == np.result_type(*(dtype for dtype in (x, W, b) if dtype is not None))
    assert y.ravel().tolist() == [27.0 + (b is not None)] * 8
    for dout in (np.ones_like(y), np.ones(y.shape, np.float32)):
        dx = layer.backward(dout)
        assert dx.dtype == np.result_type(dout, W)
        assert layer.dW.dtype in (np.result_type(x, dout), y.dtype)
        assert dx.ravel().tolist() == [2.0] * 108 and layer.dW.ravel().tolist() == [4.0] * 54


def test_sums_over_blocks_keep_their_small_terms_in_half_precision(monkeypatch):
    monkeypatch.setattr(memory, "BLOCK", 1)
    layer = Convolution(np.zeros((1, 1, 1, 1), np.float16), None)
    y = layer.forward(np.full((4000, 1, 9, 9), 0.01, np.float16))
    for method in (layer.backward_params, layer.backward):
        method(np.full_like(y, 0.01))
        assert layer.dW.dtype == np.float16
        assert layer.dW.item() == pytest.approx(1e-4 * y.size, rel=5e-3)


@pytest.mark.parametrize("stride", [1, 2])
def test_an_empty_batch_goes_forward_and_backward(stride):
    layer = Convolution(normal(4, 3, 3, 3), normal(4), stride)
    y = layer.forward(np.empty((0, 3, 5, 5)))
    assert y.shape == ((0, 4, 3, 3) if stride == 1 else (0, 4, 2, 2))
    for method in (layer.backward_params, layer.backward):
        dx = method(np.empty(y.shape))
        assert not layer.dW.any() and layer.dW.shape == (4, 3, 3, 3)
        assert layer.db.tolist() == [0] * 4
    assert dx.shape == (0, 3, 5, 5)


def assert_channels_last(array):
    """Each row of pixels in one piece, row after row, image after image."""
    row = array.transpose(0, 2, 3, 1)[0, 0]
    assert row.flags.c_contiguous
    assert array.strides[0] >= array.strides[2] >= row.nbytes


@pytest.mark.fast
def test_what_lies_behind_a_convolution_lies_channels_last():
    layers = [
        Convolution.create(1, 4, 3, pad=1, rng=0),
        BatchNorm.create(4),
        Relu(),
        Dropout(0.3, rng=0),
        Pooling(2, 2, stride=2),
        Convolution.create(4, 5, 3, rng=0),
    ]
    x = normal(3, 1, 8, 6, dtype=np.float32)
    for layer in layers:
        x = layer.forward(x)
        assert_channels_last(x)
    dout = np.ones_like(x, order="C")
    for layer in reversed(layers):
        dout = layer.backward(dout)
        assert_channels_last(dout)


def test_affine_behind_pooling_takes_images_in_the_order_channel_row_column():
    convolution, pooling = Convolution.create(2, 3, 3, rng=0, dtype=np.float64), Pooling(2, 2, 2)
    affine = Affine(normal(12, 5), normal(5))
    x, dout = normal(4, 2, 6, 6), normal(4, 5, seed=1)
    pooled = pooling.forward(convolution.forward(x))
    rows = np.array([[image[c, i, j] for c, i, j in np.ndindex(3, 2, 2)] for image in pooled])
    np.testing.assert_allclose(affine.forward(pooled), rows @ affine.W + affine.b)
    dpooled = affine.backward(dout)
    assert dpooled.shape == (4, 3, 2, 2)
    for c, i, j in np.ndindex(3, 2, 2):
        np.testing.assert_allclose(dpooled[:, c, i, j], dout @ affine.W[4 * c + 2 * i + j])
    assert convolution.backward(pooling.backward(dpooled)).shape == x.shape


@pytest.mark.parametrize("stride", [1, 2])
def test_what_was_handed_out_is_never_changed(stride):
    """Over several blocks, forth and back, by layers of the same sizes too."""
    layers = [Convolution.create(8, 8, 3, stride, pad=1, rng=i) for i in range(2)]
    x = normal(30, 8, 29, 29, dtype=np.float32)
    kept = [array for layer in layers for array in passed(layer, x)]
    before = [array.copy() for array in kept]
    for layer in layers:
        passed(layer, x + 1)
    for array, copy in zip(kept, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    for i, array in enumerate(kept):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in [x, *kept[i + 1 :]])


@pytest.mark.fast
def test_a_pass_needs_little_more_memory_than_its_results():
    layer, x = Convolution.create(8, 8, 3, pad=1, rng=0), np.ones((100, 8, 28, 28), np.float32)
    tracemalloc.start()
    y = layer.forward(x)
    layer.backward(y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < y.nbytes + x.nbytes + 6 * memory.BLOCK
    assert peak < 0.5 * 9 * x.nbytes  # what im2col alone would take


def test_create():
    layer = Convolution.create(20, 50, 5, rng=0)
    assert layer.W.shape == (50, 20, 5, 5) and layer.W.dtype == np.float32
    assert (layer.stride, layer.pad) == (1, 0)
    assert layer.W.std() == pytest.approx(np.sqrt(2 / 500), rel=0.02)
    assert layer.b.dtype == np.float32 and not layer.b.any() and layer.b.shape == (50,)
    np.testing.assert_array_equal(Convolution.create(20, 50, 5, rng=0).W, layer.W)
    assert (Convolution.create(20, 50, 5, rng=1).W != layer.W).any()


def test_create_with_geometry_an_initializer_a_generator_and_a_dtype():
    layer = Convolution.create(
        40, 30, (3, 5), 2, 1, xavier, rng=np.random.default_rng(0), dtype=np.float64
    )
    assert layer.W.shape == (30, 40, 3, 5) and (layer.stride, layer.pad) == (2, 1)
    assert layer.W.dtype == layer.b.dtype == np.float64
    assert layer.W.std() == pytest.approx(np.sqrt(1 / 600), rel=0.02)
    assert not Convolution.create(3, 2, 3, init=zeros).W.any()
    by_name, by_function = (Convolution.create(3, 4, 5, init=i, rng=0).W for i in ("he", he))
    np.testing.assert_array_equal(by_name, by_function)
    assert Convolution.create(30, 40, 5, init=0.01, rng=0).W.std() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[[[1.0]]]], None), TypeError, "W must be a NumPy array, got list"),
        ((np.ones((3, 2)), None), ValueError, r"W must have shape \(FN, C, FH, FW\), got \(3, 2\)"),
        ((np.array([[[["a"]]]]), None), TypeError, "W must hold real numbers, got dtype <U1"),
        ((np.ones((3, 2, 1, 1)), np.ones(2)), ValueError, r"b must have shape \(3,?\), got \(2,\)"),
        ((np.ones((3, 2, 1, 1)), 1.5), TypeError, "b must be a NumPy array, got float"),
        ((np.ones((0, 2, 1, 1)), None), ValueError, r"W must hold .* got shape \(0, 2, 1, 1\)"),
        ((np.ones((3, 2, 0, 1)), None), ValueError, r"W must hold .* got shape \(3, 2, 0, 1\)"),
        ((np.ones((3, 2, 1, 1)), None, 0), ValueError, "stride must be at least 1, got 0"),
        ((np.ones((3, 2, 1, 1)), None, 1.0), TypeError, "stride must be an integer"),
        ((np.ones((3, 2, 1, 1)), None, 1, -1), ValueError, "pad must be at least 0, got -1"),
        ((np.ones((3, 2, 1, 1)), None, 1, "same"), TypeError, "pad must be an integer"),
    ],
)
def test_arguments_of_another_kind(arguments, error, message):
    with pytest.raises(error, match=message):
        Convolution(*arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [("channels", 0), ("filter_num", 2.0), ("filter_size", 0), ("filter_size", (3, 0))],
)
def test_create_names_the_size_that_makes_no_sense(name, value):
    with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
        Convolution.create(**{"channels": 3, "filter_num": 4, "filter_size": 3, name: value})


@pytest.mark.parametrize(
    "shape", [(), (5,), (4, 5), (2, 5, 5), (2, 4, 5, 5), (1, 2, 3, 5, 5), (2, 3, 0, 5), (3, 5, 0)]
)
def test_x_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"Conv: x must have shape \(N, 3, H, W\).* got \("):
        Convolution(normal(4, 3, 3, 3), None).forward(np.ones(shape))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (1, 3, 6, 7),
            "Conv: x must have a height of 5 or 7 for windows of 3 with stride 2 .* got 6",
        ),
        (
            (1, 3, 7, 8),
            "Conv: x must have a width of 7 or 9 for windows of 3 with stride 2 .* got 8",
        ),
        ((1, 3, 2, 7), "Conv: x must have a height of 3 or 5 for windows of 3 .* got 2"),
    ],
)
def test_windows_that_do_not_tile_x(shape, message):
    layer = Convolution(normal(4, 3, 3, 3), None, stride=2)
    with pytest.raises(ValueError, match=message):
        layer.forward(np.ones(shape))
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape[1:])


def test_the_shape_of_a_sample_that_does_not_fit():
    with pytest.raises(
        ValueError, match=r"Conv: a sample must have shape \(3, H, W\), got \(2, 5, 5\)"
    ):
        Convolution(normal(4, 3, 3, 3), None).output_shape((2, 5, 5))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_refused_forward_leaves_the_last_pass_as_it_was(stride):
    layer, x = Convolution(normal(4, 3, 3, 3), normal(4), stride), normal(2, 3, 5, 5)
    y = layer.forward(x)
    expected = layer.backward(np.ones_like(y))
    for wrong in (np.ones((2, 2, 5, 5)), np.ones((2, 3, 2, 2))):
        with pytest.raises(ValueError, match="x must have"):
            layer.forward(wrong)
    np.testing.assert_array_equal(layer.backward(np.ones_like(y)), expected)
