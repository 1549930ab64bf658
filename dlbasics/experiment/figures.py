"""The pictures of the chapters' READMEs, made small from the figures that scripts write."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from dlbasics._internal.files import as_folder, as_path, atomic_write
from dlbasics._internal.pictures import read_picture
from dlbasics.storage import PathLike

WIDTH = 900
"""The largest width of a picture, in pixels."""

MOST = 60_000
"""The largest size of a picture's file, in bytes."""

COLORS = (64, 32, 16)
"""The numbers of colors that are tried, one after the other, until the file is small enough."""


def shrink(
    figures: Iterable[PathLike], folder: PathLike, colors: Sequence[int] = COLORS
) -> list[Path]:
    """Write small copies of figures, PNG files of at most 60 KB, and return their paths.

    A copy is at most 900 pixels wide, and has a palette of 64 colors or fewer.

    Args:
        figures: The PNG files that scripts wrote.
        folder: The folder for the copies, which keep the names of the figures.
        colors: The numbers of colors to try, one after the other, until the file is small enough.
            Drawings of lines need only 16.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If a file is no picture, or its copy is too large with 16 colors, too.
    """
    folder = as_folder(folder, "folder")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in (as_path(figure, "figures") for figure in figures):
        copy = small_png(path, colors=colors)
        with atomic_write(folder / path.name) as file:
            file.write(copy)
        written.append(folder / path.name)
    return written


def small_png(path: Path, most: int | None = MOST, colors: Sequence[int] = COLORS) -> bytes:
    """Return a copy of a picture, at most 900 pixels wide, with a palette, as bytes of a PNG file.

    Args:
        path: The file of the picture.
        most: The largest number of bytes; None stands for no limit.
        colors: The numbers of colors to try.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the file is no picture, or its copy is too large with 16 colors, too.
    """
    from PIL import Image

    picture = read_picture(path, color=True)
    if picture.width > WIDTH:
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    for count in colors:
        file = BytesIO()
        few_colors = picture.quantize(count, kmeans=1, dither=Image.Dither.NONE)
        few_colors.save(file, "PNG", optimize=True)
        if most is None or len(file.getvalue()) <= most:
            return file.getvalue()
    raise ValueError(
        f"{path} must fit into {most:,} bytes with {colors[-1]} colors, "
        f"got {len(file.getvalue()):,}: its script must draw less, or on a smaller figure"
    )
