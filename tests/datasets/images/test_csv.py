"""Tables of pixels, and what is refused."""

import numpy as np
import pytest

from dlbasics.datasets.images import load_csv

X = np.random.default_rng(0).integers(0, 256, (5, 9), dtype=np.uint8)
T = [3, 0, 2, 2, 1]


def lines(labels=T, x=X, last=False):
    rows = [[*map(str, row)] for row in x]
    pairs = zip(map(str, labels), rows, strict=True)
    return "".join(",".join([*row, t] if last else [t, *row]) + "\n" for t, row in pairs)


HEADER = ",".join(["label", *(f"pixel{i}" for i in range(9))]) + "\n"
NUMBERS = ",".join([*map(str, range(9)), "label"]) + "\n"


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "täble.csv"
        path.write_bytes(text.encode(encoding))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (lines(), {}),
        (HEADER + lines(), {}),
        (HEADER + lines(), {"label": "label"}),
        (lines().rstrip("\n"), {}),
        ("\ufeff" + HEADER + lines().replace("\n", "\r\n") + "\r\n\r\n", {}),
        (lines(last=True), {"label": -1}),
        (lines(last=True), {"label": 9}),
        (NUMBERS + lines(last=True), {"label": "label"}),
        (lines().replace(",", ', "').replace(', "', ","), {}),
        (lines(x=X.astype(float)), {}),
        (lines().replace(",", ",  "), {}),
        ("\ufeff" + HEADER + lines(), {"label": "label"}),
        ('"label"' + HEADER[5:] + lines(), {"label": "label"}),
    ],
)
def test_a_table_with_or_without_names_of_columns(write, text, options):
    x, t, names = load_csv(write(text), normalize=False, **options)
    np.testing.assert_array_equal(x, X, strict=True)
    np.testing.assert_array_equal(t, np.array(T, np.uint8), strict=True)
    assert names == ["0", "1", "2", "3"]
    x[:], t[:] = 0, 0  # the caller's


def test_the_forms_are_those_of_load_mnist(write):
    path = write(lines())
    x, t, _ = load_csv(path, one_hot_label=True)
    np.testing.assert_array_equal(x, X / np.float32(255), strict=True)
    np.testing.assert_array_equal(t, np.eye(4)[T])
    x, _, _ = load_csv(path, flatten=False, normalize=False)
    np.testing.assert_array_equal(x, X.reshape(5, 1, 3, 3), strict=True)
    x, _, _ = load_csv(path, (1, 9), flatten=False, normalize=False)
    np.testing.assert_array_equal(x, X.reshape(5, 1, 1, 9), strict=True)


def test_texts_are_classes_in_alphabetical_order(write):
    labels = ["dog", "cat", "emu", "cat", "ä"]
    _, t, names = load_csv(write(lines(labels)))
    assert (t.tolist(), names) == ([1, 0, 2, 0, 3], ["cat", "dog", "emu", "ä"])
    _, t, names = load_csv(write(lines(["dog"] * 5)), names=["ä", "dog"])
    assert (t.tolist(), names) == ([1] * 5, ["ä", "dog"])


def test_test_images_get_the_classes_of_the_training_images(write):
    _, _, names = load_csv(write(lines()))
    _, t, again = load_csv(write(lines([1, 1, 1, 1, 0])), names=names)
    assert (t.tolist(), again) == ([1, 1, 1, 1, 0], names)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "expected one or more images, got none"),
        (HEADER, {}, "expected one or more images, got none"),
        (
            HEADER + lines(),
            {"label": "digit"},
            "line 1: label must .* got 'digit'; the columns are label, pixel0",
        ),
        (lines(), {"label": 10}, "line 1: expected a label in column 10 and pixels, got 10 col"),
        ("3;0;0;0;0\n", {}, "line 1: expected a label in column 0 and pixels, got 1 columns"),
        (lines() + "3,1,2\n", {}, "line 6: expected 10 columns, got 3"),
        (lines() + "3" + ",256" * 9, {}, "line 6: expected pixels .* from 0 to 255, got '256'"),
        (lines() + "3" + ",-1" * 9, {}, "line 6: expected pixels .* got '-1'"),
        (lines() + "3" + ",0.5" * 9, {}, r"line 6: expected pixels .* got '0\.5'"),
        (lines() + "3" + ",nan" * 9, {}, "line 6: expected pixels .* got 'nan'"),
        (lines() + "3" + ",," * 4 + ",", {}, "line 6: expected pixels .* got ''"),
        ("3,1,x,1,1\n3,1,1,1,1\n", {}, "line 1: expected pixels .* got 'x'"),
        ("3," + "9" * 5_000 + ",1,1,1\n", {}, "line 1: expected pixels .* got '999"),
        (lines(), {"size": (2, 4)}, r"expected 8 pixels for \(2, 4\), got 9"),
        (lines(x=X[:, :8]), {}, "expected square images, got 8 pixels; size="),
        (lines(["cat"] * 5), {}, r"expected two or more classes, got \['cat'\]"),
        (lines(), {"names": ["0", "1", "2"]}, r"line 1: expected a label among .* got '3'"),
        ("3,1,1,1,'\n\"", {}, "line"),
        ("3,1,1,1,1\n3,1,1,\0,1\n", {}, "line 2"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(write, text, options, message):
    with pytest.raises(ValueError, match=message) as error:
        load_csv(write(text), **options)
    assert "täble.csv" in str(error.value)


def test_another_encoding_is_an_error_that_names_the_file(write):
    with pytest.raises(ValueError, match=r"täble\.csv, line 1: .*utf-8"):
        load_csv(write(lines(["ä"] * 5), "latin-1"))


@pytest.mark.parametrize(
    "options",
    [{"size": 3}, {"size": (3,)}, {"label": 1.5}, {"label": -2}, {"names": "ab"}, {"label": None}],
)
def test_a_wrong_argument_is_named(write, options):
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(options))} must be"):
        load_csv(write(lines()), **options)
