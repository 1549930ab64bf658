"""The page with all figures and numbers."""

import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from dlbasics import plotting
from dlbasics.experiment import report
from dlbasics.experiment.catalog import entries, find
from dlbasics.experiment.report import Tally, difference, inline, write_page
from dlbasics.experiment.runs import Result, Setting

pytestmark = pytest.mark.long

GATES, APPLE = find("gates")[0], find("buy_apple")[0]
CLAIM = {
    "text": "a < b",
    "book": 1.5,
    "ours": 1.25,
    "holds": True,
    "condition": "within 0.3",
    "why": "because <it> is so",
    "printed": True,
    "digits": 3,
}


def result(folder, *claims, figures=("gates_curve.png",)):
    about = {
        "claims": [CLAIM | claim for claim in claims],
        "figures": figures,
        "config": {"rate": 0.5},
        "seed": 7,
        "seconds": 1.25,
        "versions": {"python": "3"},
        "sources": {},
    }
    return Result(folder / "gates.json", about)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A function that returns the text of the page about results and failures."""
    figure, axes = plotting.subplots()
    axes.plot(np.arange(3))
    plotting.save(figure, tmp_path / "gates_curve.png")

    def write(results, failed=None, setting=None, current=True):
        monkeypatch.setattr(report, "stored", lambda entry, _: results.get(entry))
        monkeypatch.setattr(report, "is_current", lambda about: current)
        path = write_page(setting or Setting(tmp_path / "out"), failed or {})
        return path.read_text(encoding="utf-8")

    return write


class Links(HTMLParser):
    """Collects what a page refers to, and whether each tag is closed."""

    EMPTY = frozenset(("meta", "link", "input", "img", "br", "wbr"))

    def __init__(self, text):
        super().__init__()
        self.open, self.targets, self.anchors, self.sources = [], set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.open += [tag] * (tag not in self.EMPTY)
        self.anchors.add(attributes.get("id"))
        if tag == "a":
            self.targets.add(attributes["href"].removeprefix("#"))
        if "src" in attributes:
            self.sources.append(attributes["src"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_needs_nothing_from_elsewhere_and_its_links_lead_somewhere(page, tmp_path):
    links = Links(page({GATES: result(tmp_path, {})}))
    assert links.open == []
    assert links.targets - links.anchors == set()
    assert {f"{entry.folder}-{entry.script}" for entry in entries()} <= links.targets
    assert links.sources and all(source.startswith("data:image/png") for source in links.sources)


def test_no_address_of_another_host_is_in_it(page, tmp_path):
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", page({GATES: result(tmp_path, {})})) == []


def test_an_experiment_has_its_figures_numbers_and_facts(page, tmp_path):
    text = page({GATES: result(tmp_path, {}, {"text": "c", "book": "falls", "printed": False})})
    parts = [
        "2 of 2 claims hold.",
        f"1 of {len(entries())} experiments have run",
        "a &lt; b",
        ">1.5<",
        ">1.25<",
        ">-0.25<",
        "within 0.3",
        "because &lt;it&gt; is so",
        "falls&nbsp;*",
        "Settings: rate 0.5; seed 7; 1.2 s. python 3",
        "python -m dlbasics ch02_perceptron/gates",
        "<figcaption>Curve.</figcaption>",
    ]
    assert [part for part in parts if part not in text] == []


def test_it_says_what_does_not_hold_what_failed_and_what_has_not_run(page, tmp_path):
    text = page(
        {GATES: result(tmp_path, {"holds": False}, {}, {"holds": None})}, {APPLE: "no <apple>"}
    )
    assert '<p class="tally bad">1 of 2 claims hold.</p>' in text
    assert "1 failed; 1 numbers are shown and not judged" in text
    assert "This experiment failed: no &lt;apple&gt;" in text
    assert text.count("This experiment has not run.") == len(entries()) - 2
    assert "It takes half an hour or more" in text


def test_a_failure_alone_colors_the_top_and_a_number_left_out_has_no_row(page, tmp_path):
    left_out = {"text": "rest", "ours": "left out"}
    text = page({GATES: result(tmp_path, {}, left_out)}, {APPLE: "x"})
    assert '<p class="tally bad">2 of 2 claims hold.</p>' in text
    assert "rest" not in re.findall('<td data-label="number">(.*?)</td>', text)


def test_results_of_other_code_are_marked_and_do_not_count(page, tmp_path, monkeypatch):
    text = page({GATES: result(tmp_path, {})}, current=False)
    assert "The code or the versions have changed since this run." in text
    assert "0 of 0 claims hold." in text
    tally = f"1 of {len(entries())} experiments have run"
    assert f"{tally}; 1 of them with other code" in text


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("gates_curve.png", "Curve."),
        ("gates_figure_6_9.png", "Figure 6.9."),
        ("gates_figure_A_11_upper.png", "Figure A.11 upper."),
        ("gates_two_classes.png", "Two classes."),
    ],
)
def test_a_figure_without_an_explanation_has_its_name(tmp_path, file, name):
    assert report._name(GATES, tmp_path / file) == name


def test_figures_with_one_explanation_stand_together(page, tmp_path, monkeypatch):
    for name in ("gates_a.png", "gates_b.png"):
        shutil.copy(tmp_path / "gates_curve.png", tmp_path / name)
    said = dict.fromkeys(("gates_a.png", "gates_b.png"), "**Both.** Look.")
    monkeypatch.setattr(report, "captions", lambda folder: said)
    names = ("gates_a.png", "gates_b.png", "gates_curve.png")
    text = page({GATES: result(tmp_path, {}, figures=names)})
    assert re.findall("<figcaption>(.*?)</figcaption>", text) == ["<b>Both.</b> Look.", "Curve."]
    assert text.count("<img") == 3


def test_a_lost_figure_is_named(page, tmp_path):
    assert "lost.png" in page({GATES: result(tmp_path, {}, figures=("lost.png",))})


def test_numbers_of_other_seeds_stand_beside_a_claim(page, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "other_seeds", lambda name, text: {"1": "1.3", "2": "1.4"})
    assert "seeds 1, 2: 1.3; 1.4" in page({GATES: result(tmp_path, {})})


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"quick": True}, '<p class="tally none">Quick runs: no claim is judged.</p>'),
        ({"data": "digits"}, "Data: embedded digits"),
        ({"seed": 5}, "Seed: 5."),
    ],
)
def test_it_says_which_runs_it_is_about(page, tmp_path, setting, text):
    assert text in page({GATES: result(tmp_path, {})}, setting=Setting(tmp_path, **setting))


@pytest.mark.parametrize(
    ("book", "ours", "printed", "text"),
    [
        (1.5, 1.25, True, "-0.25"),
        (1, 1, True, "0"),
        (0.9352, 0.93521, True, "+1e-05"),
        ([1, 2], [1, 2.5], True, "at most 0.5"),
        ([1, 2], [1, 2], True, "0"),
        ([1, 2], [1, 2, 3], True, ""),
        ("falls", 1, True, ""),
        (1, 1, False, ""),
        (None, 1, True, ""),
        ([], [], True, ""),
        (1, "nan", True, ""),
        (np.inf, np.inf, True, ""),
        (10**400, 1, True, ""),
    ],
)
def test_the_difference_is_that_of_printed_numbers(book, ours, printed, text):
    assert difference({"book": book, "ours": ours, "printed": printed}) == text


def test_a_tally_counts(tmp_path):
    tally = Tally.of([result(tmp_path, {}, {"holds": False}), result(tmp_path, {"holds": None})])
    assert tally == Tally(1, 1, 1)
    assert tally.line == "1 of 2 claims hold; 1 numbers are shown, and not judged"
    assert (tally.short, Tally(0, 0, 4).short) == ("1 of 2 claims hold", "nothing was judged")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**The picture.** The *line*\nis `x < 1`.", "<b>The picture.</b> The <i>line</i> is "
         "<code>x &lt; 1</code>."),
        ("see [the lesson](README.md#part)", "see the lesson"),
        ("$x^2 * y * z$ and `a * b * c`", "<i>x<sup>2</sup> * y * z</i> and "
         "<code>a * b * c</code>"),
        (r"$\frac{\partial L}{\partial y} y^2 \exp(-x)$",
         "<i>∂L/∂y y<sup>2</sup> exp(-x)</i>"),
        (r"$1/\sqrt{n}$, $\eta = 0.1$", "<i>1/√n</i>, <i>η = 0.1</i>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("<script>", "&lt;script&gt;"),
    ],
)  # fmt: skip
def test_markdown_becomes_html(text, html):
    assert inline(text) == html
