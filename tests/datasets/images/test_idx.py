"""Images and labels in IDX files: Fashion-MNIST's and EMNIST's, and what is refused."""

import gzip

import numpy as np
import pytest

from dlbasics.datasets import load_mnist
from dlbasics.datasets.images import FASHION_MNIST, load_idx
from tests.datasets.helpers import TEST_IMAGES, TEST_LABELS, idx_bytes

X = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
T = np.array([3, 0, 9, 9, 1, 4], np.uint8)
LETTERS = "1 65 97\n2 66 98\n3 67 99\n"


@pytest.fixture
def write(tmp_path):
    def write(name, array, pack=bytes):
        path = tmp_path / name
        path.write_bytes(pack(idx_bytes(array)))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("names", "pack"),
    [
        (("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"), gzip.compress),
        (("train-images.idx3-ubyte", "train-labels.idx1-ubyte"), bytes),
    ],
)
def test_images_labels_and_names_come_as_in_the_files(write, names, pack):
    images, labels = write(names[0], X, pack), write(names[1], T, pack)
    x, t, found = load_idx(images, labels, names=FASHION_MNIST)
    assert found == [*FASHION_MNIST] and found[9] == "Ankle boot" and len(found) == 10
    np.testing.assert_array_equal(x, X.reshape(6, 20) / np.float32(255), strict=True)
    np.testing.assert_array_equal(t, T, strict=True)
    x, t, found = load_idx(images, labels, normalize=False, flatten=False, one_hot_label=True)
    np.testing.assert_array_equal(x, X[:, np.newaxis], strict=True)
    np.testing.assert_array_equal(t, np.eye(10, dtype=np.float32)[T], strict=True)
    assert found == [*"0123456789"]
    assert x.flags.writeable and t.flags.writeable


def test_mnists_files_give_what_load_mnist_gives(data):
    _, (x, t) = load_mnist()
    found = load_idx(data / TEST_IMAGES, data / TEST_LABELS)
    np.testing.assert_array_equal(found[0], x, strict=True)
    np.testing.assert_array_equal(found[1], t, strict=True)


def test_emnists_images_are_transposed_and_its_labels_become_classes(write, tmp_path):
    mapping = tmp_path / "emnist-letters-mapping.txt"
    mapping.write_text(LETTERS)
    labels = write("labels", np.array([3, 1, 2, 2, 1, 3], np.uint8))
    x, t, names = load_idx(
        write("images", X), labels, names=mapping, transpose=True, normalize=False, flatten=False
    )
    np.testing.assert_array_equal(x[:, 0], X.transpose(0, 2, 1))
    assert x.flags.c_contiguous
    assert (t.tolist(), t.dtype, names) == ([2, 0, 1, 1, 0, 2], np.uint8, ["A", "B", "C"])


@pytest.mark.parametrize(
    ("x", "t", "options", "message"),
    [
        (T, T, {}, r"images: expected images \(N, H, W\), got an array of shape \(6,\)"),
        (X, X, {}, r"labels: expected 6 labels for the images of .*images, got .* \(6, 5, 4\)"),
        (X, T[:5], {}, r"labels: expected 6 labels .* got an array of shape \(5,\)"),
        (X, T, {"names": ["a", "b"]}, "labels: expected labels below 2, got 9"),
        (X, T, {"names": [*"abcdefghi"]}, "labels: expected labels below 9, got 9"),
        (X, T, {"names": ["a"]}, "names must be two or more different texts"),
        (X, T, {"names": 2}, "names must be a list of texts, got int"),
        (X, T, {"transpose": 1}, "transpose must be True or False, got 1"),
    ],
)
def test_files_that_do_not_fit_are_named(write, x, t, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        load_idx(write("images", x), write("labels", t), **options)


def test_a_damaged_file_is_named(write, tmp_path):
    images, labels = write("images", X), tmp_path / "labels-ubyte"
    labels.write_bytes(idx_bytes(T)[:-1])
    with pytest.raises(ValueError, match="labels-ubyte: expected 14 bytes"):
        load_idx(images, labels)
    with pytest.raises(FileNotFoundError, match="missing"):
        load_idx(images, tmp_path / "missing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "two or more different characters, got {}"),
        (b"1 65\n2 65\n", "two or more different characters"),
        (b"1\n2\n", "expected lines of a label and the code of a character, got"),
        (b"A B\n", "expected lines of a label and the code of a character, got"),
        (b"1 99999999999999999999\n", "expected lines of a label and the code of a character, got"),
        (b"\xff\xfe\n", "expected lines of a label and the code of a character, got"),
        (b"-1 65\n2 66\n", "mapping.txt: expected labels from 0 to 255, got"),
        (b"1 65\n256 66\n", "mapping.txt: expected labels from 0 to 255, got"),
        (b"1 65\n2 66\n", "labels: expected labels of .*mapping.txt, got 3"),
    ],
)
def test_a_mapping_that_is_none_is_named(write, tmp_path, content, message):
    (tmp_path / "mapping.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load_idx(
            write("images", X),
            write("labels", np.array([1, 2, 1, 3, 2, 1], np.uint8)),
            names=str(tmp_path / "mapping.txt"),
        )
    assert "mapping.txt" in str(error.value)
