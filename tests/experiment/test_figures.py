"""The small pictures that the READMEs show."""

import re

import numpy as np
import pytest

from dlbasics import plotting
from dlbasics.experiment.figures import MOST, WIDTH, shrink
from tests.docs import outputs
from tests.experiment.helpers import SCRIPTS
from tests.helpers import ROOT

Image = pytest.importorskip("PIL.Image")

FOLDER = ROOT / "docs" / "figures"
PAD = FOLDER / "pad.png"
PAGES = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("ch0?_*/README.md")]


def shown_on(page):
    """Return the paths of all pictures that a page shows."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"!\[[^\]]*\]\(([^)]+)\)|<img\s[^>]*?src=\"([^\"]+)\"", text)
    return [(page.parent / (one or other)).resolve() for one, other in found]


SHOWN = {path for page in PAGES for path in shown_on(page)}


def figure_file(path, width=6.0):
    """Write a figure as scripts do, and return its path."""
    figure, axes = plotting.subplots(width=width)
    axes.plot(np.sin(np.arange(100)))
    plotting.save(figure, path)
    return path


def noise_file(path, side):
    """Write a picture that only fewer colors make smaller."""
    grey = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    Image.fromarray(grey).save(path)
    return path


def opened(path):
    """Return a picture, and leave no file open."""
    with Image.open(path) as picture:
        picture.load()
        return picture


def test_every_picture_that_a_page_shows_is_there():
    assert [path for path in SHOWN if not path.is_file()] == []


def test_every_picture_is_small_and_shown_on_a_page():
    pictures = {*FOLDER.glob("*")}
    assert pictures - SHOWN == set()
    assert [path.name for path in pictures if path.stat().st_size > MOST] == []
    assert [path.name for path in pictures if opened(path).mode != "P"] == []


@pytest.mark.parametrize("path", sorted(SHOWN), ids=lambda path: path.name)
def test_a_picture_is_the_figure_of_a_script_or_of_a_page(path):
    """`test_claims_of_scripts.py` compares the keys in the README with those of the script."""
    if path == PAD:
        return  # benchmarks/pad_screenshot.py takes it
    if path.name.startswith(tuple(f"{page}_" for page in outputs.PAGES)):
        return  # an example of the page saves it: see tests/docs/test_outputs.py
    assert path.parent == FOLDER
    chapters = [
        script.split("/")[0]
        for script in SCRIPTS
        if path.name.startswith(f"{script.split('/')[1]}_")
    ]
    assert any(f"{path.stem}.png" in readme(chapter) for chapter in chapters)


def readme(chapter):
    return (ROOT / chapter / "README.md").read_text(encoding="utf-8")


def test_the_copy_of_a_figure_is_small_and_as_wide_as_a_page(tmp_path):
    figures = [figure_file(tmp_path / "one.png"), figure_file(tmp_path / "two.png", width=12)]
    copies = shrink(figures, tmp_path / "small" / "pictures")
    assert [copy.name for copy in copies] == ["one.png", "two.png"]
    sizes = [opened(path).size for path in [*figures, *copies]]
    assert sizes == [(900, 600), (1800, 600), (WIDTH, 600), (WIDTH, 300)]
    for figure, copy in zip(figures, copies, strict=True):
        assert copy.stat().st_size < min(MOST, figure.stat().st_size)


def test_a_large_picture_gets_fewer_colors(tmp_path):
    (copy,) = shrink([noise_file(tmp_path / "large.png", side=300)], tmp_path / "small")
    assert copy.stat().st_size <= MOST
    assert len(opened(copy).getcolors()) == 32


def test_a_picture_that_stays_too_large_is_an_error_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"large\.png must fit into 60,000 bytes .* got \d"):
        shrink([noise_file(tmp_path / "large.png", side=900)], tmp_path / "small")
    assert [*(tmp_path / "small").iterdir()] == []
