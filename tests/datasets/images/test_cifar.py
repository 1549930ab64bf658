"""CIFAR-10's binary files, and what is refused."""

import numpy as np
import pytest

from dlbasics.datasets.images import CIFAR_10, load_cifar10

RNG = np.random.default_rng(0)
RECORDS = RNG.integers(0, 256, (5, 4, 3073), dtype=np.uint8)
RECORDS[..., 0] = RNG.integers(0, 10, (5, 4))
TRAIN, TEST = ("data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin"), "test_batch.bin"


@pytest.fixture
def cifar(tmp_path):
    for name, records in zip((*TRAIN, TEST), RECORDS, strict=False):
        (tmp_path / name).write_bytes(records.tobytes())
    (tmp_path / "batches.meta.txt").write_bytes("\r\n".join([*CIFAR_10, "", ""]).encode())
    (tmp_path / "readme.html").write_text("read me")
    return tmp_path


def test_images_labels_and_names_come_in_the_order_of_the_files(cifar):
    (x, t), (x_test, t_test), names = load_cifar10(cifar, normalize=False, flatten=False)
    records = RECORDS[:3].reshape(12, 3073)
    np.testing.assert_array_equal(x, records[:, 1:].reshape(12, 3, 32, 32), strict=True)
    np.testing.assert_array_equal(t, records[:, 0], strict=True)
    np.testing.assert_array_equal(x_test, RECORDS[3, :, 1:].reshape(4, 3, 32, 32), strict=True)
    np.testing.assert_array_equal(t_test, RECORDS[3, :, 0], strict=True)
    assert names == [*CIFAR_10] and names[0] == "airplane" and len(names) == 10
    (rows, hot), _, _ = load_cifar10(str(cifar), one_hot_label=True)
    np.testing.assert_array_equal(rows, records[:, 1:] / np.float32(255), strict=True)
    np.testing.assert_array_equal(hot, np.eye(10)[t])


def test_the_tenth_file_comes_after_the_ninth(cifar):
    for i in range(4, 11):
        record = np.full(3073, i, np.uint8)
        record[0] = 0
        (cifar / f"data_batch_{i}.bin").write_bytes(record.tobytes())
    (x, _), _, _ = load_cifar10(cifar, normalize=False)
    assert x[12:, 0].tolist() == [4, 5, 6, 7, 8, 9, 10]


def test_names_may_be_missing_or_your_own(cifar):
    (cifar / "batches.meta.txt").unlink()
    assert load_cifar10(cifar)[2] == [*CIFAR_10]
    (cifar / "batches.meta.txt").write_text("\n".join(f"ß{i}" for i in range(12)), "utf-8")
    (_, t), _, names = load_cifar10(cifar, one_hot_label=True)
    assert names[11] == "ß11" and t.shape == (12, 12)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TRAIN[1], b"", "data_batch_2.bin: expected 3073 bytes for each image, got 0 bytes"),
        (TRAIN[1], bytes(3072), "data_batch_2.bin: expected 3073 bytes .* got 3072 bytes"),
        (TEST, b"\x0a" + bytes(3072), "test_batch.bin: expected classes from 0 to 9, got 10"),
        ("batches.meta.txt", b"cat\n", "meta.txt: expected the names of 2 to 256 classes, got 1"),
        ("batches.meta.txt", b"\xff\n", "meta.txt: expected the names of the classes, got"),
    ],
)
def test_a_damaged_file_is_named(cifar, name, content, message):
    (cifar / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_cifar10(cifar)


@pytest.mark.parametrize("name", [*TRAIN[:2], TEST])
def test_a_missing_file_is_named(cifar, name):
    (cifar / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing$"):
        load_cifar10(cifar)
    (cifar / name).with_suffix("").write_bytes(b"a pickle")
    with pytest.raises(FileNotFoundError, match=f"{name} is missing: this is the version for Pyt"):
        load_cifar10(cifar)


def test_a_path_must_be_that_of_a_folder(cifar):
    with pytest.raises(ValueError, match="path must be the path of a folder, got"):
        load_cifar10(cifar / TRAIN[0])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_cifar10(cifar / "nowhere")
