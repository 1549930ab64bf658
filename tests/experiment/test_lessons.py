"""What the lessons say about their figures, as the report of all experiments shows it."""

import pytest

from dlbasics.experiment import lessons
from dlbasics.experiment.catalog import CHAPTERS
from dlbasics.experiment.lessons import PICTURE, captions
from dlbasics.experiment.report import inline
from tests.helpers import ROOT


@pytest.mark.parametrize("folder", [chapter.folder for chapter in CHAPTERS])
def test_every_figure_of_a_lesson_is_explained(folder):
    shown = {*PICTURE.findall((ROOT / folder / "README.md").read_text(encoding="utf-8"))}
    assert shown - captions(folder).keys() == set()


@pytest.mark.parametrize("folder", [chapter.folder for chapter in CHAPTERS])
def test_no_markdown_is_left_in_the_explanations_of_the_report(folder):
    for text in captions(folder).values():
        html = inline(text)
        assert not any(rest in html for rest in ("**", "\\", "$", "](", "`")), html


def test_the_bold_paragraph_after_pictures_explains_all_of_them(tmp_path, monkeypatch):
    lesson = """\
# Title

![a](../docs/figures/one.png)

<img src="../docs/figures/two.png">

**The picture.** What to
look for.

![b](../docs/figures/three.png)

Plain text.

**Bold**, but no caption.
"""
    (tmp_path / "ch00").mkdir()
    (tmp_path / "ch00" / "README.md").write_text(lesson, encoding="utf-8")
    monkeypatch.setattr(lessons, "ROOT", tmp_path)
    found = captions.__wrapped__("ch00")
    assert found == dict.fromkeys(("one.png", "two.png"), "**The picture.** What to look for.")


def test_without_a_lesson_there_are_no_captions(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "ROOT", tmp_path)
    assert captions.__wrapped__("ch00") == {}
