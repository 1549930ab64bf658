"""Picture files: which are read, what becomes of their modes, and what is refused."""

import io
import sys

import numpy as np
import pytest

from dlbasics._internal import files
from dlbasics._internal.pictures import read_picture, resized

Image = pytest.importorskip("PIL.Image")

GREY = np.arange(0, 240, 4, dtype=np.uint8).reshape(6, 10)
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
CLEAR = np.dstack([RGB, np.full((6, 10), 255, np.uint8)])
DEEP = np.array([[0, 128, 129, 257, 32_768, 65_535]], np.uint16)
CLEAR[0, 0, 3], CLEAR[0, 1, 3] = 0, 51


def on_white(pixel, alpha):
    return np.round(255 - (255 - pixel.astype(float)) * alpha / 255)


@pytest.fixture
def read(tmp_path):
    """Save a picture, and return what is read."""

    def save_and_read(picture, kind="png", color=False, **options):
        path = tmp_path / f"picture.{kind}"
        picture.save(path, **options)
        return np.asarray(read_picture(path, color))

    return save_and_read


@pytest.mark.parametrize("kind", ["png", "bmp", "gif", "pgm", "tiff", "webp"])
def test_formats_without_loss_give_the_same_pixels(read, kind):
    options = {"lossless": True} if kind == "webp" else {}
    np.testing.assert_array_equal(read(Image.fromarray(GREY), kind, **options), GREY)
    np.testing.assert_array_equal(
        read(Image.fromarray(GREY), kind, color=True, **options), np.stack([GREY] * 3, axis=-1)
    )


def test_a_jpeg_is_close_to_the_original(read):
    assert np.abs(read(Image.fromarray(GREY), "jpg", quality=95) - GREY.astype(int)).max() < 12


def test_colours_become_grey_by_their_brightness(read):
    expected = RGB @ [0.299, 0.587, 0.114]
    assert np.abs(read(Image.fromarray(RGB)) - expected).max() < 1
    np.testing.assert_array_equal(read(Image.fromarray(RGB), color=True), RGB)


def test_transparent_places_become_white(read):
    found = read(Image.fromarray(CLEAR), color=True)
    assert found[0, 0].tolist() == [255, 255, 255]
    assert np.abs(found[0, 1] - on_white(RGB[0, 1], 51)).max() <= 1
    np.testing.assert_array_equal(found[1:], RGB[1:])
    grey = read(Image.fromarray(np.dstack([GREY, CLEAR[..., 3]])))
    assert grey[0, 0] == 255
    np.testing.assert_array_equal(grey[1:], GREY[1:])


def test_a_palette_is_looked_up_and_may_be_transparent(read):
    picture = Image.new("P", (3, 1))
    picture.putdata([0, 1, 2])
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    assert read(picture, color=True).tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    for kind in ("png", "gif"):
        found = read(picture, kind, color=True, transparency=1)
        assert found.tolist() == [[[10, 20, 30], [255, 255, 255], [70, 80, 90]]]
    found = read(picture, color=True, transparency=bytes([255, 0, 255]))
    assert found.tolist() == [[[10, 20, 30], [255, 255, 255], [70, 80, 90]]]


def test_black_and_white_is_0_and_255(read):
    assert read(Image.fromarray(GREY > 100)).tolist() == (255 * (GREY > 100)).tolist()


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_16_bits_become_8(read, kind):
    assert read(Image.fromarray(DEEP), kind).tolist() == [[0, 0, 1, 1, 128, 255]]


def test_16_bits_of_a_pgm_become_8(tmp_path):
    path = tmp_path / "deep.pgm"
    path.write_bytes(b"P5 6 1 65535\n" + DEEP.astype(">u2").tobytes())
    assert np.asarray(read_picture(path, False)).tolist() == [[0, 0, 1, 1, 128, 255]]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_without_a_white_are_refused(read, dtype):
    with pytest.raises(ValueError, match=r"picture\.tiff: expected a picture .*not 8 or 16 bits"):
        read(Image.fromarray(np.array([[0, 100_000]], dtype)), "tiff")


def test_cmyk_becomes_grey_or_colour(read):
    assert read(Image.new("CMYK", (2, 2), (0, 0, 0, 255)), "tiff").tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
def test_a_photo_is_turned_upright(read, kind):
    picture = Image.fromarray(GREY)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it to the right
    options = {"lossless": True} if kind == "webp" else {}
    found = read(picture, kind, exif=exif, **options)
    assert found.shape == (10, 6)
    assert np.abs(found - np.rot90(GREY, -1).astype(int)).max() < 20


def test_of_several_pictures_the_first_is_read(read):
    black, white = Image.new("L", (4, 3), 0), Image.new("L", (4, 3), 255)
    for kind in ("gif", "tiff"):
        assert read(black, kind, save_all=True, append_images=[white]).max() == 0


def test_a_large_jpeg_may_be_read_smaller(tmp_path):
    picture = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (200, 4)))
    picture.save(tmp_path / "large.jpg", quality=95)
    found = read_picture(tmp_path / "large.jpg", False, least=50)
    assert found.size == (256, 50)
    assert read_picture(tmp_path / "large.jpg", False).size == (1024, 200)
    large = np.asarray(picture.resize(found.size, Image.Resampling.BOX), int)
    assert np.abs(np.asarray(found) - large).mean() < 3


CONTENTS = {
    "nothing": b"",
    "a text": b"these are not pixels",
    "half a picture": None,
    "a program of PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_no_picture_is_refused(tmp_path, name):
    path, content = tmp_path / "kätzchen.png", CONTENTS[name]
    if content is None:
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90), np.uint8)).save(
            file, "PNG"
        )
        content = file.getvalue()[:4_000]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"kätzchen\.png: expected a picture \(PNG, JPEG, .* got"):
        read_picture(path, False)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cat\.png"):
        read_picture(tmp_path / "cat.png", False)


def test_a_small_file_of_many_pixels_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    Image.new("RGB", (300, 200)).save(path)
    monkeypatch.setattr(files, "SMALL", 180_000)
    assert read_picture(path, True).size == (300, 200)
    monkeypatch.setattr(files, "SMALL", 179_999)
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=r"bomb\.png: .*300 x 200 pixels of 180000 bytes"):
        read_picture(path, True)


def test_pillows_warnings_are_not_shown(tmp_path, monkeypatch, recwarn):
    Image.new("L", (30, 20)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    assert read_picture(tmp_path / "large.png", False).size == (30, 20)
    assert not recwarn.list


def test_without_pillow_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r'pip install "dlbasics\[images\]"'):
        read_picture(tmp_path / "cat.png", False)


def test_a_picture_is_stretched_or_cut_to_size():
    stripes = np.repeat(np.array([10, 50, 90, 130], np.uint8), 10)[np.newaxis].repeat(20, axis=0)
    stretched = resized(Image.fromarray(stripes), (4, 4), crop=False)
    assert stretched.shape == (1, 4, 4)
    assert stretched[0, 0, 0] < 30 and stretched[0, 0, 3] > 110
    cut = resized(Image.fromarray(stripes), (4, 2), crop=True)  # the middle, 20 high and 10 wide
    assert cut.shape == (1, 4, 2)
    assert 48 <= cut.min() <= cut.max() <= 92
    color = resized(Image.fromarray(RGB), (6, 10), crop=False)
    np.testing.assert_array_equal(color, RGB.transpose(2, 0, 1))
