"""A reader of picture files: PNG, JPEG and the like, through Pillow."""

import math
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.files import most_unpacked

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
"""The formats that are read.  Others of Pillow's start programs, such as Ghostscript for EPS."""

KINDS = "a picture (PNG, JPEG, BMP, GIF, PPM, TIFF or WebP)"


def read_picture(path: Path, color: bool, least: int = 0) -> "Image":
    """Return the picture in a file, upright, with 8 bits for a value, in mode 'L' or 'RGB'.

    Transparent places become white.  A file of several pictures gives its first one.

    Args:
        path: The file.
        color: True gives red, green and blue; False gives grey values.
        least: If it is not 0, the sides may become shorter, but no shorter than this number of
            pixels.  A large JPEG file is then read faster.

    Raises:
        ImportError: If Pillow is not installed.
        OSError: If the file cannot be opened.
        ValueError: If the file holds no picture, is damaged, or takes too much memory.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ImportError(
            'dlbasics reads pictures with Pillow: python -m pip install "dlbasics[images]"'
        ) from error

    Image.init()
    with open(path, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Pillow name no file
        try:
            with Image.open(
                file, formats=[kind for kind in FORMATS if kind in Image.OPEN]
            ) as found:
                _check_size(found, os.fstat(file.fileno()).st_size)
                if least:
                    found.draft(None, (least, least))
                return upright(found, color)
        except UnidentifiedImageError:
            raise ValueError(f"{path}: expected {KINDS}, got a file of another kind") from None
        except Exception as error:  # its class depends on which bytes are damaged
            raise ValueError(f"{path}: expected {KINDS}, got {error!r:.300}") from error


def upright(picture: "Image", color: bool) -> "Image":
    """Return a picture of Pillow's as `read_picture` does."""
    from PIL import ImageOps

    return _plain(ImageOps.exif_transpose(picture)).convert("RGB" if color else "L")


def _check_size(picture: "Image", size: int) -> None:
    """Raise ValueError if a file of `size` bytes should not hold so many pixels."""
    needed = math.prod(picture.size) * len(picture.getbands())
    if needed > (most := most_unpacked(size)):
        raise ValueError(
            f"{picture.width} x {picture.height} pixels of {needed} bytes in a file of {size} "
            f"bytes, which must hold at most {most}"
        )


def _plain(picture: "Image") -> "Image":
    """Return a picture without transparency, with 8 bits for a value."""
    from PIL import Image

    if picture.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(picture), picture.mode))
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture


def _eight_bits(values: Array, mode: str) -> Array:
    """Return grey values of 16 bits as values of 8 bits, uint8."""
    if mode == "F" or values.min() < 0 or values.max() > 65_535:
        raise ValueError(f"mode {mode!r} from {values.min()} to {values.max()}, not 8 or 16 bits")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def resized(picture: "Image", size: tuple[int, int], crop: bool) -> Array:
    """Return a picture as an array of shape (C, *size), uint8.

    Args:
        picture: A picture in mode 'L' or 'RGB'.
        size: The height and the width, in pixels.
        crop: True first cuts off equal margins until the picture has the shape of `size`; False
            stretches it.
    """
    from PIL import Image, ImageOps

    smooth = Image.Resampling.BILINEAR
    height, width = size
    if crop:
        picture = ImageOps.fit(picture, (width, height), method=smooth)
    else:
        picture = picture.resize((width, height), smooth)
    values: Any = np.asarray(picture)
    return values[np.newaxis] if values.ndim == 2 else values.transpose(2, 0, 1)
