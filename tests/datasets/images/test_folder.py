"""A folder of pictures: its classes, their order, the split, and what is refused."""

import numpy as np
import pytest

from dlbasics.datasets.images import load_folder
from tests.datasets.helpers import as_terminal

Image = pytest.importorskip("PIL.Image")

FOUR = (4, 4)


def save(path, value, size=FOUR):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size[::-1], value).save(path)


@pytest.fixture
def pictures(tmp_path):
    """20 cats with grey values 0 to 19, 10 dogs from 100 on, 5 öwls from 200 on."""
    folder = tmp_path / "my pictures"
    for name, first, count in (("dog", 100, 10), ("öwl", 200, 5), ("Cat", 0, 20)):
        for i in range(count):
            save(folder / name / f"é {i}.png", first + i)
    return folder


def values(x):
    return x[:, 0].tolist()


def test_classes_are_folders_in_alphabetical_order(pictures):
    (x_train, t_train), (x_test, t_test), names = load_folder(pictures, FOUR, normalize=False)
    assert names == ["Cat", "dog", "öwl"]
    assert (x_train.dtype, t_train.dtype) == (np.uint8, np.uint8)
    for x, t in ((x_train, t_train), (x_test, t_test)):
        assert x.shape == (len(t), 16)
        assert (x == x[:, :1]).all()
        assert t.tolist() == [0 if v < 100 else 1 if v < 200 else 2 for v in values(x)]
    both = sorted(values(x_train) + values(x_test))
    assert both == [*range(20), *range(100, 110), *range(200, 205)]


def test_numbers_come_in_their_order(tmp_path):
    for name in ("10", "9", "1", "2"):
        save(tmp_path / name / "a.png", int(name))
    (x, t), _, names = load_folder(tmp_path, FOUR, test_rate=0, normalize=False)
    assert names == ["1", "2", "9", "10"]
    assert {*zip(values(x), t.tolist(), strict=True)} == {(1, 0), (2, 1), (9, 2), (10, 3)}


@pytest.mark.parametrize(
    ("rate", "counts"),
    [
        (0.2, [4, 2, 1]),
        (0.35, [7, 4, 2]),
        (0.01, [1, 1, 1]),
        (0.5, [10, 5, 2]),
        (1, [19, 9, 4]),
        (0, [0, 0, 0]),
    ],
)
def test_each_class_gives_its_share_to_the_test(pictures, rate, counts):
    (_, t_train), (_, t_test), _ = load_folder(pictures, FOUR, test_rate=rate)
    assert np.bincount(t_test, minlength=3).tolist() == counts
    assert np.bincount(t_train).tolist() == [20 - counts[0], 10 - counts[1], 5 - counts[2]]


def test_a_single_picture_of_a_class_is_for_training(pictures):
    save(pictures / "emu" / "a.png", 50)
    (x, t), (_, t_test), names = load_folder(pictures, FOUR, test_rate=1, normalize=False)
    assert names == ["Cat", "dog", "emu", "öwl"]
    assert values(x[t == 2]) == [50]
    assert 2 not in t_test


def test_the_order_is_mixed_and_always_the_same(pictures):
    first, again, other = (load_folder(pictures, FOUR, rng=rng) for rng in (0, 0, 1))
    for part in range(2):
        for a, b in zip(first[part], again[part], strict=True):
            np.testing.assert_array_equal(a, b)
    assert first[0][1].tolist() != other[0][1].tolist()
    assert {*first[0][1][:10].tolist()} == {0, 1, 2}, "the first ones are of all classes"
    by_default = load_folder(pictures, FOUR)
    np.testing.assert_array_equal(by_default[0][0], first[0][0])


def test_folders_for_training_and_for_test_are_the_split(tmp_path):
    for i in range(4):
        save(tmp_path / "Train" / "a" / f"{i}.png", i)
        save(tmp_path / "Train" / "b" / f"{i}.png", 10 + i)
        save(tmp_path / "test" / "b" / f"{i}.png", 20 + i)
    save(tmp_path / "valid" / "a" / "1.png", 99)
    (x, t), (x_test, t_test), names = load_folder(tmp_path, FOUR, normalize=False)
    assert names == ["a", "b"]
    assert sorted(values(x)) == [0, 1, 2, 3, 10, 11, 12, 13]
    assert t.tolist() == [int(v >= 10) for v in values(x)]
    assert sorted(values(x_test)) == [20, 21, 22, 23]
    assert t_test.tolist() == [1, 1, 1, 1]


def test_classes_may_have_the_names_train_and_bus(tmp_path):
    for name in ("train", "bus"):
        save(tmp_path / name / "a.png", 1)
    assert load_folder(tmp_path, FOUR, test_rate=0)[2] == ["bus", "train"]


def test_the_forms_are_those_of_load_mnist(pictures):
    (x, t), _, _ = load_folder(pictures, (8, 6))
    assert (x.shape, x.dtype, t.shape) == ((28, 48), np.float32, (28,))
    (raw, rows), (raw_test, _), _ = load_folder(
        pictures, (8, 6), color=True, normalize=False, flatten=False, one_hot_label=True
    )
    assert raw.shape == (28, 3, 8, 6) and raw_test.shape == (7, 3, 8, 6)
    np.testing.assert_array_equal(rows, np.eye(3)[t])
    np.testing.assert_array_equal(x, raw[:, 0].reshape(28, 48) / np.float32(255))


def test_pictures_of_any_size_are_scaled_and_cropped_if_asked(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        wide = np.zeros((30, 90), np.uint8)
        wide[:, 30:60] = 200
        Image.fromarray(wide).save(tmp_path / name / "wide.png")
    (x, _), _, _ = load_folder(tmp_path, (6, 6), test_rate=0, normalize=False, flatten=False)
    assert x[0, 0, :, 0].max() == 0
    assert x[0, 0, :, 2].min() > 100
    (x, _), _, _ = load_folder(tmp_path, (6, 6), test_rate=0, normalize=False, crop=True)
    assert x.min() > 150


def test_hidden_files_and_those_of_systems_are_skipped(pictures):
    expected = load_folder(pictures, FOUR)
    for name in (".DS_Store", "._é 1.png", "Thumbs.db", "desktop.ini"):
        (pictures / "dog" / name).write_text("nothing")
        (pictures / name).write_text("nothing")
    for name in (".ipynb_checkpoints", "__MACOSX", ".git"):
        (pictures / name).mkdir()
        (pictures / "dog" / name).mkdir()
    (pictures / "about these pictures.txt").write_text("they are mine")
    found = load_folder(pictures, FOUR)
    np.testing.assert_array_equal(found[0][0], expected[0][0])
    assert found[2] == expected[2]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda p: (p / "dog" / "é 3.png").write_bytes(b"?"), r"é 3\.png: expected a picture"),
        (lambda p: (p / "dog" / "notes.txt").write_text("x"), r"notes\.txt: expected a picture"),
        (lambda p: (p / "dog" / "puppies").mkdir(), r"puppies: expected a picture .* got a folder"),
        (lambda p: (p / "cow").mkdir(), r"my pictures: the class 'cow' has no picture"),
        (
            lambda p: save(p / "train" / "a" / "1.png", 1),
            r"a: expected a picture .* train and test",
        ),
    ],
)
def test_what_is_wrong_in_a_folder_is_named(pictures, break_it, message):
    break_it(pictures)
    with pytest.raises(ValueError, match=message):
        load_folder(pictures, FOUR)


def test_a_class_that_only_the_test_images_have_is_refused(tmp_path):
    for name in ("train/a", "train/b", "test/a", "test/c"):
        save(tmp_path / name / "1.png", 1)
    with pytest.raises(ValueError, match="the class 'c' has no picture for training"):
        load_folder(tmp_path, FOUR)


def test_one_picture_a_class_leaves_none_for_the_test(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / name / "1.png", 1)
    with pytest.raises(ValueError, match="there is no picture for test"):
        load_folder(tmp_path, FOUR)
    (x, _), (x_test, t_test), _ = load_folder(tmp_path, FOUR, test_rate=0)
    assert (x.shape, x_test.shape, t_test.shape) == ((2, 16), (0, 16), (0,))


def test_two_classes_are_the_least(tmp_path):
    save(tmp_path / "of a class.png", 1)
    with pytest.raises(ValueError, match=r"two or more classes, got \[\]"):
        load_folder(tmp_path)
    with pytest.raises(ValueError, match=r"two or more classes, got \[\]"):
        load_folder(tmp_path, test_rate=0)
    save(tmp_path / "a" / "1.png", 1)
    with pytest.raises(ValueError, match=r"two or more classes, got \['a'\]"):
        load_folder(tmp_path, test_rate=0)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no pictures"):
        load_folder(tmp_path / "no pictures")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match=r"path must be the path of a folder, got .*file"):
        load_folder(tmp_path / "file")


@pytest.mark.parametrize("size", [28, "28", (28,), (28, 28, 1), (0, 28), (28, 2.5), None])
def test_a_size_must_be_a_height_and_a_width(pictures, size):
    with pytest.raises(
        (TypeError, ValueError), match=r"size must (be a pair|be at least 1|be an int)"
    ):
        load_folder(pictures, size)


def test_a_terminal_shows_how_far_the_reading_is(pictures, monkeypatch):
    terminal = as_terminal(monkeypatch)
    load_folder(pictures, FOUR)
    assert "reading pictures: 100%" in terminal.getvalue()
