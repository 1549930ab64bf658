"""What the chapters' READMEs tell readers to type."""

import doctest
import re
import shlex

import pytest

from dlbasics.experiment.flags import parse
from tests.experiment.helpers import experiment_of
from tests.helpers import ROOT

LESSONS = {path.parent.name: path for path in sorted(ROOT.glob("ch0?_*/README.md"))}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def text_of(chapter):
    return LESSONS[chapter].read_text(encoding="utf-8")


def commands():
    text = "".join(map(text_of, LESSONS))
    return sorted({*re.findall(r"^python (ch\d\d_\w+/\w+\.py.*)$", text, re.MULTILINE)})


@pytest.mark.parametrize("command", commands())
def test_a_command_is_one_that_its_script_takes(command):
    script, *flags = shlex.split(command)
    experiment = experiment_of(script.removesuffix(".py"))
    parse(experiment.doc, experiment.config, experiment.quick, experiment._wanted, flags)


@pytest.mark.parametrize("chapter", LESSONS)
def test_sessions_print_what_the_lesson_says(chapter):
    blocks = re.findall(r"```python\n(>>> .*?)```", text_of(chapter), re.DOTALL)
    names: dict[str, object] = {}
    for i, block in enumerate(blocks):
        test = doctest.DocTestParser().get_doctest(block, names, f"{chapter} {i}", None, 0)
        found = doctest.DocTestRunner(optionflags=FLAGS).run(test, clear_globs=False)
        names = test.globs
        assert found.failed == 0, block


@pytest.mark.parametrize("chapter", LESSONS)
def test_links_lead_somewhere(chapter):
    links = re.findall(r"\]\(([^)#]+)(?:#[\w-]*)?\)", text_of(chapter))
    files = [link for link in links if not link.startswith("http")]
    assert [link for link in files if not (ROOT / chapter / link).exists()] == []


@pytest.mark.parametrize("chapter", LESSONS)
def test_every_script_of_a_chapter_has_a_place_in_its_lesson(chapter):
    scripts = [path.name for path in (ROOT / chapter).glob("[!_]*.py")]
    lesson = text_of(chapter).partition("<!-- claims -->")[0]
    assert [name for name in scripts if f"[`{name}`]({name})" not in lesson] == []
