"""The check of citations: on made-up texts, and on those of the folder DLBASICS_TEXTS."""

import os
from pathlib import Path

import pytest

from tests.citations import (
    COLUMNS,
    ROOT,
    TEXTS,
    errors_of_register,
    read_register,
    read_texts,
    wrong,
)

BOOK = """
Deep Learning from the Basics

Table of Contents

Chapter 2: Gates	29
AND Gate	31
What Is a Gate?	32
Expansion by im2col	33

Preface

1

Before Gates

2

Gates

AND Gate

The AND gate of equation (9.9) is told in Figure 9.8 elsewhere.

$$y = 1 \\quad (2.1)$$

```
AND(0, 0)
```

$$\\begin{aligned}
y &= 0
\\end{aligned}\\tag{2.2}$$

Figure 2.1: A gate

What Is a Gate?

Table 2.1: Outputs

It is robust to a shift

$$y \\quad (\\text{A.1})$$

Step 2:**Figure A.6: Step 2**
"""

OTHERS = {
    "Takahashi": "# Playing with MNIST\n\n## 3.1 Chain Rule\n\n$$z \\tag{3.1}$$\n\n"
    "Figure 4.4: Time.\n",
    "Tilk": "# Simple neural network to recognize handwritten digits\n\nFigure 1: Layers.\n",
    "Huang": "# Math Behind Digital Handwritten Recognition\n\n$$c \\quad \\dots (22c)$$\n\n"
    "Fig 2a. A neuron. Fig 2b. Neurons.\n\nTable A-1. Updates.\n\n## APPENDIX-C: Layers.\n",
    "Takenawa": "# Deep Learning: Part 2\n\n## 3.3 Exercise on the chain rule ‡\n",
}


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, text in enumerate([BOOK, *OTHERS.values()]):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    return read_texts(folder)


def errors(tmp_path, texts, content, name="page.md"):
    """Return what is wrong in a project of this one file, without the place."""
    project = tmp_path / "project"
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(content, encoding="utf-8")
    return [error.partition(": ")[2] for error in wrong(project, texts)]


RIGHT = [
    "Book: *AND Gate*, eq. 2.1 and 2.2, figure 2.1.",
    "*What Is a Gate?*, table 2.1; *Expansion by im2col*, *It is robust to a shift*",
    "The book's eq. A.1, figure A.6. Takahashi, *Playing with MNIST*, *Chain Rule*, eq. 3.1.",
    "Takahashi, section 3.1 and figure 4.4; Huang, eq. 22c, figures 2a and 2b, table A-1.",
    "Huang, *APPENDIX-C: Layers*. Takenawa, *Deep Learning: Part 2*, *Exercise on the chain rule*.",
    "Tilk, figure 1. Source: He et al. 2016, figure 9 and section 7.",
    "He et al. 2016, figure 9; Tilk, figure 7. As in the paper's section 9.",
    "| script | *AND Gate* | Tilk, figure 1 | figure 2.1 |",
    "`gates_figure_2_1.png`, `steps_figure_A_6_left.png`, `nodes_takahashi_figure_4_4.png`",
    "A word in **Bold** or *lower case*, a * b * c, and 3 figures of 10 units.",
    "Wrapped: *What Is\na Gate?*, eq.\n2.1.",
    "# A page\n\n## Huang, errata\n\n| eq. 22c | figure 2a |\n\n### More\n\nTable A-1.\n\n"
    "## End\n\neq. 2.1",
    "*AND Gate* (chapter 2): gates. *Before Gates* (chapter 1, and more)",
    "```\n*Not a Title* eq. 7.7\n```",
]


@pytest.mark.parametrize("content", RIGHT)
def test_right_citations_pass(tmp_path, texts, content):
    assert errors(tmp_path, texts, content) == []


WRONG = {
    "Book: *Or Gate*, eq. 2.1.": ["Saitoh has no title 'Or Gate'"],
    "Book: *And Gate*.": ["Saitoh has no title 'And Gate'"],
    "Book: *AND Gate*, eq. 2.1 and 2.3.": ["Saitoh has no equation '2.3'"],
    "See equation (9.9).": ["Saitoh has no equation '9.9'"],
    "Figures 2.1 to 2.4": ["Saitoh has no figure '2.4'"],
    "figure 9.8": ["Saitoh has no figure '9.8'"],
    "table 2.2, and table 2.1": ["Saitoh has no table '2.2'"],
    "Takahashi, *AND Gate*": ["Takahashi has no title 'AND Gate'"],
    "*Chain Rule*, by Takahashi": ["Saitoh has no title 'Chain Rule'"],
    "Huang, eq. 22d": ["Huang has no equation '22d'"],
    "Tilk, figure 1. Then figure 1.": ["Saitoh has no figure '1'"],
    "| Takahashi, figure 4.4 | figure 4.4 |": ["Saitoh has no figure '4.4'"],
    "Takenawa, section 3.4": ["Takenawa has no section '3.4'"],
    "He 2016, *Deep Residual Learning*": ["Saitoh has no title 'Deep Residual Learning'"],
    "## Huang, errata\n\neq. 2.1\n\n## End\n\neq. 22c": [
        "Huang has no equation '2.1'",
        "Saitoh has no equation '22c'",
    ],
    "*AND Gate* (chapter 1)": ["Saitoh has no chapter 'AND Gate in 1'"],
    "`gates_figure_2_2.png`": ["Saitoh has no figure '2.2'"],
    "`tilk_figure_0_2`": ["Tilk has no figure '2'"],
}


@pytest.mark.parametrize("content", WRONG)
def test_planted_wrong_citations_are_found(tmp_path, texts, content):
    assert errors(tmp_path, texts, content) == WRONG[content]


@pytest.mark.parametrize(
    "program",
    [
        '"""A gate (book: *Or Gate*)."""\n',
        "class Gate:\n    '''A gate.\n\n    Book: *Or\n    Gate*.\n    '''\n",
        "x = 1  # as in *Or Gate*\n",
        "x = 1\n# A comment that goes on over two lines: *Or\n# Gate*, eq. 2.1.\n",
        'claim = "from *Or Gate*, eq. 2.1"\n',
        'text = f"{1} of *Or Gate*"\n',
    ],
)
def test_programs_are_searched_in_docstrings_comments_and_texts(tmp_path, texts, program):
    assert errors(tmp_path, texts, program, "a/b.py") == ["Saitoh has no title 'Or Gate'"]


def test_the_place_of_a_wrong_citation_is_its_line(tmp_path, texts):
    (tmp_path / "page.md").write_text("# A page\n\nBook: *AND Gate*.\n\n- an item\n- *Or Gate*\n")
    assert wrong(tmp_path, texts) == ["page.md:6: Saitoh has no title 'Or Gate'"]


def test_a_missing_text_and_one_that_is_there_twice_are_errors(tmp_path, texts):
    folder = tmp_path / "texts"
    (folder / "again.txt").write_text(OTHERS["Tilk"], encoding="utf-8")
    with pytest.raises(ValueError, match="holds the text of Tilk twice"):
        read_texts(folder)
    for path in folder.glob("[24a]*.txt"):
        path.unlink()
    with pytest.raises(ValueError, match="must hold the texts of Takenawa, Tilk"):
        read_texts(folder)


def row(text, section, kind, number):
    return dict(zip(COLUMNS, [text, section, kind, number, "words", "a.py", ""], strict=True))


COMPLETE = [
    row("Saitoh", "AND Gate", "formula", "2.1"),
    row("Saitoh", "AND Gate", "formula", "2.2"),
    row("Saitoh", "AND Gate", "listing", "1"),
    row("Saitoh", "AND Gate", "figure", "2.1"),
    row("Saitoh", "What Is a Gate?", "table", "2.1"),
    row("Saitoh", "What Is a Gate?", "formula", "A.1"),
    row("Saitoh", "What Is a Gate?", "figure", "A.6"),
    row("Takahashi", "Chain Rule", "formula", "3.1"),
    row("Takahashi", "Chain Rule", "figure", "4.4"),
    row("Tilk", TEXTS["Tilk"], "figure", "1"),
    row("Huang", TEXTS["Huang"], "formula", "22c"),
    row("Huang", TEXTS["Huang"], "figure", "2a"),
    row("Huang", TEXTS["Huang"], "figure", "2b"),
    row("Huang", TEXTS["Huang"], "table", "A-1"),
    row("ours", "", "figure", ""),
]


def test_a_complete_register_passes(texts):
    assert errors_of_register(COMPLETE, texts) == []


@pytest.mark.parametrize("left_out", range(len(COMPLETE) - 1))
def test_a_register_that_lacks_a_row_is_found(texts, left_out):
    rows = COMPLETE[:left_out] + COMPLETE[left_out + 1 :]
    (error,) = errors_of_register(rows, texts)
    gone = COMPLETE[left_out]
    assert error.startswith(f"register: {gone['text']} has {gone['kind']} {gone['number']}")


@pytest.mark.parametrize(
    ("wrong_row", "error"),
    [
        (row("Saitoh", "Or Gate", "exercise", ""), "no section of that title"),
        (row("Saitoh", "AND Gate", "figure", "2.9"), "no figure of that number"),
        (row("Huang", "APPENDIX-C: Layers", "formula", "22d"), "no formula of that number"),
        (row("Saitoh", "AND Gate", "listing", "2"), "no listing of that number"),
    ],
)
def test_a_wrong_row_of_the_register_is_found(texts, wrong_row, error):
    (found,) = errors_of_register([*COMPLETE, wrong_row], texts)
    assert error in found


@pytest.fixture(scope="module")
def real_texts():
    folder = os.environ.get("DLBASICS_TEXTS", "")
    if not folder:
        pytest.skip("DLBASICS_TEXTS does not name the folder of the texts")
    return read_texts(Path(folder))


@pytest.mark.long
def test_every_citation_of_the_project_occurs_in_its_text(real_texts):
    assert wrong(ROOT, real_texts) == []


def test_the_register_has_all_of_the_texts_and_nothing_else(real_texts):
    assert errors_of_register(read_register(), real_texts) == []
