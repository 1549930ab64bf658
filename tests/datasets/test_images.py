"""What the loaders share: the cache's folder, and the formats of images and labels."""

import numpy as np
import platformdirs
import pytest

from dlbasics.datasets import load_digits, load_mnist
from dlbasics.datasets.images import cache_folder, images, labels

X = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
T = np.array([3, 0, 9, 9, 1], np.uint8)


@pytest.mark.parametrize(("flatten", "shape"), [(True, (5, 784)), (False, (5, 1, 28, 28))])
def test_images_are_bytes_or_numbers_from_0_to_1(flatten, shape):
    raw, normalized = (images(X, normalize, flatten) for normalize in (False, True))
    assert (raw.dtype, normalized.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(raw, X.reshape(shape))
    np.testing.assert_array_equal(normalized, X.reshape(shape).astype(np.float32) / np.float32(255))


def test_labels_are_the_digits_or_one_hot_rows():
    classes, rows = labels(T, one_hot=False), labels(T, one_hot=True)
    assert (classes.dtype, rows.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(classes, T)
    np.testing.assert_array_equal(rows, np.eye(10)[T])


def test_the_cache_is_where_dlbasics_cache_says_or_in_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path))
    assert cache_folder("mnist") == tmp_path / "mnist"
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path))
    monkeypatch.setenv("DLBASICS_CACHE", "~/cache")
    assert cache_folder("digits") == tmp_path / "cache" / "digits"
    monkeypatch.delenv("DLBASICS_CACHE")
    expected = platformdirs.user_cache_path("dlbasics", appauthor=False) / "mnist"
    assert cache_folder("mnist") == expected


@pytest.mark.parametrize("name", ["normalize", "flatten", "one_hot_label"])
@pytest.mark.parametrize("value", ["False", None, 0, np.array([True])])
@pytest.mark.parametrize("load", [load_mnist, load_digits])
def test_a_flag_of_a_loader_must_be_true_or_false(load, name, value):
    with pytest.raises(TypeError, match=f"{name} must be True or False, got"):
        load(**{name: value})
