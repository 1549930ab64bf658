"""Convolution of stride 1 without im2col."""

import tracemalloc

import numpy as np
import pytest

from dlbasics import plain
from dlbasics._internal.fast import memory, windows
from dlbasics.layers import BatchNorm, Convolution, Dropout, Pooling, Relu
from tests.helpers import channels_last, normal


def passed(layer, x):
    """Return y, dx, dW and db of one pass, then dW and db of `backward_params`."""
    y = layer.forward(x)
    dout = normal(*y.shape, seed=3, dtype=y.dtype)
    arrays = [y, layer.backward(dout), layer.dW, layer.db]
    layer.backward_params(dout)
    return [*arrays, layer.dW, layer.db]


@pytest.mark.parametrize(("block", "product"), [(1, 1000), (3000, 1000), (1 << 20, 10_000)])
@pytest.mark.parametrize("relayed", [np.ascontiguousarray, channels_last, np.asfortranarray])
@pytest.mark.parametrize(
    ("C", "FN", "FH", "FW", "pad"),
    [(3, 4, 3, 3, 0), (3, 4, 3, 3, 1), (1, 4, 5, 5, 2), (16, 8, 3, 3, 2), (4, 3, 1, 2, 0)],
)
def test_the_fast_path_equals_the_general_one(
    monkeypatch, C, FN, FH, FW, pad, relayed, block, product
):
    layer = Convolution(normal(FN, C, FH, FW, seed=1), normal(FN, seed=2), pad=pad)
    x = relayed(normal(7, C, 6, 5))
    assert windows.fits(layer.W.shape, 1, pad)
    monkeypatch.setattr(memory, "BLOCK", block)
    monkeypatch.setattr(windows, "SMALL_PRODUCT", product)
    monkeypatch.setattr(windows, "LEAST_ROWS", 2)
    fast = passed(layer, x)
    with plain():
        slow = passed(layer, x)
    for found, expected in zip(fast, slow, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("size", "stride", "pad", "fast"),
    [
        (3, 1, 0, True),
        (3, 1, 2, True),
        (1, 1, 0, True),
        (3, 1, 3, False),
        (3, 2, 1, False),
        (3, (1, 1), (2, 0), True),
        (3, 1, (0, 3), False),
        (3, 1, (3, 0), False),
        (3, (1, 2), 0, False),
    ],
)
def test_which_way_is_taken(size, stride, pad, fast):
    layer = Convolution(normal(2, 2, size, size), None, stride, pad)
    passed(layer, normal(2, 2, 5, 5))
    assert layer._is_fast == fast


def test_sums_over_blocks_keep_their_small_terms_in_half_precision(monkeypatch):
    monkeypatch.setattr(memory, "BLOCK", 1)
    layer = Convolution(np.zeros((1, 1, 1, 1), np.float16), None)
    y = layer.forward(np.full((4000, 1, 9, 9), 0.01, np.float16))
    for method in (layer.backward_params, layer.backward):
        method(np.full_like(y, 0.01))
        assert layer.dW.dtype == np.float16
        assert layer.dW.item() == pytest.approx(1e-4 * y.size, rel=5e-3)


def assert_channels_last(array):
    """Assert that each row of pixels is one piece, and that rows and images follow in order."""
    row = array.transpose(0, 2, 3, 1)[0, 0]
    assert row.flags.c_contiguous
    assert array.strides[0] >= array.strides[2] >= row.nbytes


@pytest.mark.fast
def test_what_lies_behind_a_convolution_lies_channels_last():
    first, last = Convolution.create(1, 4, 3, pad=1, rng=0), Convolution.create(4, 5, 3, rng=0)
    layers = [first, BatchNorm.create(4), Relu(), Dropout(0.3, rng=0), Pooling(2, 2, 2), last]
    x = normal(3, 1, 8, 6, dtype=np.float32)
    for layer in layers:
        x = layer.forward(x)
        assert_channels_last(x)
    dout = np.ones_like(x, order="C")
    for layer in reversed(layers):
        dout = layer.backward(dout)
        assert_channels_last(dout)


@pytest.mark.parametrize("stride", [1, 2])
def test_what_was_handed_out_is_never_changed(stride):
    """A second pass, or another layer of the same sizes, could use the memory again."""
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
    assert peak < y.nbytes + x.nbytes + 2 * memory.BLOCK
    assert peak < 0.5 * 9 * x.nbytes  # what im2col alone would take
