"""im2col, col2im and the size of an output."""

import numpy as np
import pytest

from dlbasics.columns import col2im, conv_output_size, im2col
from tests.helpers import normal


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ((4, 3), 2),
        ((4, 3, 1, 1), 4),
        ((7, 3, 2), 3),
        ((28, 5, 3, 2), 10),
        ((31, 5, 3, 2), 11),
        ((28, 5), 24),
        ((24, 2, 2), 12),
        ((5, 5), 1),
        ((1, 3, 1, 1), 1),
    ],
)
def test_output_sizes_of_the_book(arguments, size):
    found = conv_output_size(*arguments)
    assert found == size and type(found) is int
    named = dict(zip(("input_size", "filter_size", "stride", "pad"), arguments, strict=False))
    assert conv_output_size(**named) == size


@pytest.mark.parametrize(
    ("arguments", "would_do"),
    [
        ((28, 5, 2), [27, 29]),
        ((6, 3, 2), [5, 7]),
        ((10, 2, 3), [8, 11]),
        ((12, 3, 4, 1), [9, 13]),
        ((2, 2, 3, 1), [3]),
        ((1, 5, 2, 1), [3, 5]),
        ((2, 5, 3), [5, 8]),
        ((2, 3), ["3 or more"]),
    ],
)
def test_the_error_names_the_sizes_that_would_do(arguments, would_do):
    size, *geometry = arguments
    named = " or ".join(map(str, would_do))
    with pytest.raises(ValueError, match=rf"input_size must be {named} for windows.*, got {size}"):
        conv_output_size(size, *geometry)
    for other in would_do:
        assert other == "3 or more" or conv_output_size(other, *geometry) >= 1


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ((32, 3, 2, 1), 16),
        ((224, 7, 2, 3), 112),
        ((224, 11, 4, 2), 55),
        ((7, 2, 2, 0), 3),
        ((7, 3, 2, 0), 3),
        ((2, 2, 9, 0), 1),
    ],
)
def test_floor_rounds_the_output_size_down(arguments, size):
    assert conv_output_size(*arguments, floor=True) == size


def test_floor_needs_room_for_one_window():
    with pytest.raises(ValueError, match=r"input_size must be 3 or more .* pad 1, got 2$"):
        conv_output_size(2, 5, 4, 1, floor=True)
    with pytest.raises(ValueError, match=r"input_size must be 7 or 9 .*, unless floor=True, got 8"):
        conv_output_size(8, 3, 2)


@pytest.mark.parametrize(("shape", "side"), [((1, 1, 4, 5), "height"), ((1, 1, 5, 4), "width")])
def test_images_that_windows_do_not_tile_are_named_with_the_side(shape, side):
    with pytest.raises(ValueError, match=rf"input_data must have a {side} of 3 or 5 .* got 4"):
        im2col(np.ones(shape), 3, 3, 2)
    with pytest.raises(ValueError, match=rf"input_shape must have a {side} of 3 or 5 .* got 4"):
        col2im(np.ones((4, 9)), shape, 3, 3, 2)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("input_size", 0, ValueError),
        ("input_size", 28.0, TypeError),
        ("filter_size", 0, ValueError),
        ("filter_size", "5", TypeError),
        ("stride", 0, ValueError),
        ("stride", 1.5, TypeError),
        ("pad", -1, ValueError),
        ("pad", None, TypeError),
    ],
)
def test_sizes_that_are_not_counts(name, value, error):
    with pytest.raises(error, match=f"{name} must be"):
        conv_output_size(**{"input_size": 28, "filter_size": 5, name: value})


GEOMETRIES = [
    ((2, 3, 5, 7), 3, 3, 1, 0),
    ((2, 3, 5, 7), 3, 3, 2, 0),
    ((2, 3, 5, 7), 3, 3, 2, 1),
    ((2, 3, 4, 5), 2, 3, 1, 2),
    ((2, 1, 4, 6), 1, 3, 3, 0),
    ((1, 2, 3, 3), 3, 3, 1, 0),
    ((2, 2, 2, 3), 2, 2, 1, 3),
    ((0, 2, 3, 3), 2, 2, 1, 0),
    ((2, 3, 5, 7), 3, 1, 1, (1, 0)),
    ((2, 3, 5, 7), 1, 3, (1, 2), (0, 1)),
    ((2, 2, 6, 5), 2, 3, [4, 1], [0, 2]),
    ((2, 3, 6, 8), 3, 3, 2, 0),
    ((2, 3, 8, 7), 3, 2, (3, 2), (1, 0)),
]
"""Windows of the last two leave pixels over."""
every_geometry = pytest.mark.parametrize(("shape", "FH", "FW", "stride", "pad"), GEOMETRIES)


@every_geometry
def test_a_row_is_a_window(shape, FH, FW, stride, pad):
    x = normal(*shape)
    (down, right), (pad_h, pad_w) = np.broadcast_to(stride, 2), np.broadcast_to(pad, 2)
    around = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    rows = [
        around[n, :, top : top + FH, left : left + FW].ravel()
        for n in range(shape[0])
        for top in range(0, around.shape[2] - FH + 1, down)
        for left in range(0, around.shape[3] - FW + 1, right)
    ]
    found = im2col(x, FH, FW, stride, pad, floor=True)
    np.testing.assert_array_equal(found, np.array(rows).reshape(-1, shape[1] * FH * FW))


@every_geometry
def test_col2im_is_the_transpose_of_im2col(shape, FH, FW, stride, pad):
    """<im2col(x), col> = <x, col2im(col)> for all x and col."""
    x = normal(*shape)
    col = im2col(x, FH, FW, stride, pad, floor=True)
    other = normal(*col.shape, seed=1)
    image = col2im(other, shape, FH, FW, stride, pad, floor=True)
    assert image.shape == shape
    np.testing.assert_allclose((col * other).sum(), (x * image).sum(), atol=1e-12)


def test_col2im_adds_what_windows_share():
    counts = col2im(im2col(np.ones((1, 1, 4, 4)), 3, 3), (1, 1, 4, 4), 3, 3)
    assert counts[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    x = normal(2, 1, 4, 4).astype(dtype)
    col = im2col(x, 3, 3, pad=1)
    assert col.dtype == col2im(col, x.shape, 3, 3, pad=1).dtype == dtype


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64])
def test_im2col_keeps_integers_and_col2im_adds_them_in_float64(dtype):
    x = np.full((1, 1, 4, 4), 100).astype(dtype)
    col = im2col(x, 3, 3, pad=1)
    image = col2im(col, x.shape, 3, 3, pad=1)
    assert col.dtype == dtype and image.dtype == np.float64
    np.testing.assert_array_equal(image, col2im(col.astype(float), x.shape, 3, 3, pad=1))


def test_col2im_adds_half_precision_in_single():
    col = np.array([[0, 60000], [60000, 0], [-60000, 0]], np.float16)
    image = col2im(col[[0, 1]], (1, 1, 1, 3), 1, 2)
    assert image.dtype == np.float16 and image.tolist() == [[[[0, np.inf, 0]]]]
    rows = np.array([[0, 0, -60000], [0, 60000, 0], [60000, 0, 0]], np.float16)
    assert col2im(rows, (1, 1, 1, 5), 1, 3).tolist() == [[[[0, 0, 60000, 0, 0]]]]


def test_results_have_the_byte_order_of_this_machine():
    x = normal(2, 1, 4, 4).astype(">f4")
    col = im2col(x, 3, 3)
    np.testing.assert_array_equal(col, im2col(x.astype(np.float32), 3, 3))
    image = col2im(col.astype(">f4"), x.shape, 3, 3)
    assert col.dtype.isnative and image.dtype.isnative


@pytest.mark.parametrize("pad", [0, 1])
def test_results_are_fresh_and_arguments_unchanged(pad):
    x = normal(1, 1, 3, 3)
    col = im2col(x, 1, 1, pad=pad)
    image = col2im(col, x.shape, 1, 1, pad=pad)
    before = x.copy(), col.copy()
    image += 1
    np.testing.assert_array_equal(col, before[1])
    col += 1
    np.testing.assert_array_equal(x, before[0])


def test_errors_of_im2col_and_col2im():
    with pytest.raises(ValueError, match=r"input_data must be .*\(N, C, H, W\), got \(5, 5\)"):
        im2col(np.ones((5, 5)), 3, 3)
    with pytest.raises(TypeError, match="input_data must"):
        im2col(None, 3, 3)
    for name in ("filter_h", "filter_w", "stride"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1"):
            im2col(np.ones((1, 1, 4, 4)), **{"filter_h": 2, "filter_w": 2, name: 0})
    with pytest.raises(ValueError, match=r"col must have shape \(9, 4\), got \(4, 9\)"):
        col2im(np.ones((4, 9)), (1, 1, 4, 4), 2, 2)
    with pytest.raises(ValueError, match=r"input_shape must be .*\(N, C, H, W\), got \(4, 4\)"):
        col2im(np.ones((9, 4)), (4, 4), 2, 2)
    assert col2im(np.ones((4, 4)), [1, 1, 3, 3], 2, 2).shape == (1, 1, 3, 3)
    for wrong in ((1, 1, 3.0, 3), (-1, -1, 3, 3), None, 3, "1133", (None, 1, 3, 3)):
        with pytest.raises((TypeError, ValueError), match="input_shape must be"):
            col2im(np.ones((4, 4)), wrong, 2, 2)


@pytest.mark.parametrize("name", ["stride", "pad"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ((1, 2, 3), ValueError, r"a number or a pair \(height, width\), got \(1, 2, 3\)"),
        ((1,), ValueError, r"a number or a pair \(height, width\), got \(1,\)"),
        ((1, 1.5), TypeError, "an integer, got 1.5"),
        ((-1, 1), ValueError, r"at least \d, got -1"),
        ("same", TypeError, "an integer, got 'same'"),
    ],
)
def test_a_pair_that_is_none_is_named(name, value, error, message):
    with pytest.raises(error, match=f"{name} must be {message}"):
        im2col(np.ones((1, 1, 4, 4)), 2, 2, **{name: value})
    with pytest.raises(error, match=f"{name} must be {message}"):
        col2im(np.ones((9, 4)), (1, 1, 4, 4), 2, 2, **{name: value})


def test_floor_must_be_a_flag():
    for call in (
        lambda: conv_output_size(5, 3, floor="no"),
        lambda: im2col(np.ones((1, 1, 4, 4)), 2, 2, floor=1),
        lambda: col2im(np.ones((9, 4)), (1, 1, 4, 4), 2, 2, floor=None),
    ):
        with pytest.raises(TypeError, match="floor must be True or False, got"):
            call()


def test_a_mask_is_refused():
    with pytest.raises(TypeError, match="input_data must be an array without a mask"):
        im2col(np.ma.ones((1, 1, 4, 4)), 2, 2)
    with pytest.raises(TypeError, match="col must be an array without a mask"):
        col2im(np.ma.ones((4, 4)), (1, 1, 3, 3), 2, 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_no_number_is_an_error_whatever_seterr_says(dtype):
    info = np.finfo(dtype)
    for number in (info.smallest_subnormal, info.max, np.inf, np.nan):
        col = np.full((4, 4), number, dtype)
        col[0] *= -1
        with np.errstate(all="raise"):
            col2im(im2col(np.full((1, 1, 3, 3), number, dtype), 2, 2), (1, 1, 3, 3), 2, 2)
            col2im(col, (1, 1, 3, 3), 2, 2, pad=0)
