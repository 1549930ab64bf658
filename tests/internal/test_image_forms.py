"""What the loaders share: the forms of images and labels."""

import numpy as np
import pytest

from dlbasics._internal.image_forms import as_names, classes, images, labels, numbered
from dlbasics.datasets import load_digits, load_mnist

X = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
T = np.array([3, 0, 9, 9, 1], np.uint8)


@pytest.mark.parametrize(("flatten", "shape"), [(True, (5, 784)), (False, (5, 1, 28, 28))])
def test_images_are_bytes_or_numbers_from_0_to_1(flatten, shape):
    raw, normalized = (images(X, normalize, flatten) for normalize in (False, True))
    assert (raw.dtype, normalized.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(raw, X.reshape(shape))
    np.testing.assert_array_equal(normalized, X.reshape(shape).astype(np.float32) / np.float32(255))


def test_images_of_three_channels_are_flattened_channel_by_channel():
    x = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(images(x, False, False), x)
    np.testing.assert_array_equal(images(x, False, True), x.reshape(2, 60))


@pytest.mark.parametrize("flatten", [True, False])
def test_no_images_are_an_empty_array(flatten):
    x = images(np.empty((0, 3, 4, 5), np.uint8), True, flatten)
    assert x.shape == ((0, 60) if flatten else (0, 3, 4, 5))


@pytest.mark.parametrize(("count", "dtype"), [(2, "u1"), (256, "u1"), (257, "u2"), (70_000, "u4")])
def test_classes_have_the_smallest_dtype(count, dtype):
    assert classes([0, count - 1], count).dtype == dtype
    assert classes([0, count - 1], count).tolist() == [0, count - 1]


def test_classes_without_names_have_their_numbers_and_are_two_or_more():
    assert numbered(T) == [*"0123456789"]
    assert numbered(np.zeros(3, np.uint8)) == ["0", "1"]


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ("cat", TypeError, "names must be a list of texts, got str"),
        (None, TypeError, "names must be a list of texts, got NoneType"),
        ({"cat", "dog"}, TypeError, "names must be a list of texts, got set"),
        (["cat", 2], TypeError, r"names must be texts, got \['cat', 2\]"),
        (["cat"], ValueError, r"names must be two or more different texts, got \['cat'\]"),
        (["cat", "cat"], ValueError, "names must be two or more different texts"),
    ],
)
def test_names_that_are_none_are_refused(names, error, message):
    with pytest.raises(error, match=message):
        as_names(names)


@pytest.mark.parametrize("names", [["ä", "b"], ("ä", "b"), np.array(["ä", "b"])])
def test_names_become_a_list_of_texts(names):
    assert as_names(names) == ["ä", "b"]
    assert {*map(type, as_names(names))} == {str}


def test_labels_are_the_digits_or_one_hot_rows():
    classes, rows = labels(T, one_hot=False), labels(T, one_hot=True)
    assert (classes.dtype, rows.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(classes, T)
    np.testing.assert_array_equal(rows, np.eye(10)[T])


@pytest.mark.parametrize("name", ["normalize", "flatten", "one_hot_label"])
@pytest.mark.parametrize("value", ["False", None, 0, np.array([True])])
@pytest.mark.parametrize("load", [load_mnist, load_digits])
def test_a_flag_of_a_loader_must_be_true_or_false(load, name, value):
    with pytest.raises(TypeError, match=f"{name} must be True or False, got"):
        load(**{name: value})
