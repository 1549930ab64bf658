"""What the documents say is what the code does."""

import re
import shlex
from importlib.util import find_spec

import pytest

from dlbasics.datasets.mnist import FILES, MIRRORS
from dlbasics.experiment.flags import parse
from tests.experiment.helpers import SCRIPTS, experiment_of
from tests.helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
PAGES = [
    "README.md",
    *DOCS,
    *(f"notebooks/{path.name}" for path in ROOT.glob("notebooks/README.md")),
]
PROMISES = [
    "python -m pip install -e . && python ch05_backprop/train_neuralnet.py",
    'python -m pip install -e ".[dev]" && python -m pytest -n auto',
]
NAMED = r"(?:-m dlbasics )?(ch\d\d)\w*[/.](\w+?)(?:\.py)?(?=[ `\n])((?: --[^`\n]*)?)"
"""A script as a command names it, by its path or for `python -m dlbasics`, and its flags."""

MOVED = """
dataset.digits dataset.download dataset.idx dataset.mnist dataset.shared dataset.skeletons
dlbasics.arrays dlbasics.checkpoints dlbasics.column_gradient dlbasics.divergence
dlbasics.experiment dlbasics.files dlbasics.flags dlbasics.layers.fast_convolution
dlbasics.layers.fast_pooling dlbasics.layers.images dlbasics.memory dlbasics.network_state
dlbasics.params dlbasics.results dlbasics.shards dlbasics.summary
"""
"""The modules of version 0.1.0 that are elsewhere now."""


@pytest.mark.parametrize(("page", "count"), [("deviations", 30), ("listings", 40), ("errata", 70)])
def test_every_test_that_a_page_names_exists(page, count):
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)(?:\[[\w-]+\])?`", text)
    assert len(named) > count
    assert [name for name in named if f"def {name}(" not in tests] == []


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_no_output_of_a_page_is_missing(page):
    assert "```text\n```" not in text_of(page)


@pytest.mark.long
def test_the_readmes_example_reads_mnist_as_well_as_it_says(mnist, capsys):
    start = "from dlbasics.datasets import load_mnist"
    (example,) = re.findall(rf"```python\n({start}.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert float(re.search(r"test accuracy ([\d.]+)", printed)[1]) >= 0.96
    assert "WRONG" not in printed


def test_the_imports_of_the_names_are_there():
    lines = re.findall(r"\| `(from dlbasics[^`]*)` \|$", text_of("docs/names.md"), re.MULTILINE)
    assert len(lines) >= 13
    for line in lines:
        exec(line, {})


@pytest.mark.parametrize("line", PROMISES)
def test_the_readme_keeps_its_promises_in_one_line_each(line):
    """Whoever pastes one installs and trains, or installs and tests, as `.ci/run` does."""
    assert line in README.splitlines()


def test_powershell_gets_no_command_that_it_does_not_know():
    (block,) = re.findall(r"```powershell\n(.*?)```", README, re.DOTALL)
    assert "&&" not in block
    for line in PROMISES:
        assert {*line.split(" && ")} <= {*block.splitlines()}


def test_the_front_page_is_short():
    prose = re.sub(r"```.*?```|<table>.*?</table>|^\|.*?$|\]\(.*?\)", "", README, flags=re.S | re.M)
    assert len(prose.split()) <= 900


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", text_of(page))
    for link in sorted({one or other for one, other in links}):
        path, _, anchor = link.partition("#")
        if link.startswith("http"):
            continue
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {
                re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles
            }


@pytest.mark.parametrize("index", ["docs/README.md", "docs/api/README.md"])
def test_the_index_has_every_page(index):
    """The pages of the API stand in an index of their own."""
    folder = index.removesuffix("README.md")
    pages = [
        page
        for page in [*DOCS, "docs/register.csv"]
        if page.startswith("docs/api/") == (folder == "docs/api/") and page != index
    ]
    links = {folder + link for link in re.findall(r"\]\(([\w./]+)\)", text_of(index))}
    assert pages
    assert [page for page in pages if page not in links] == []


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("How does im2col work?", "layers/im2col.md"),
        ("Why does batch normalization's gradient look so?", "layers/batch_norm.md"),
        ("How do I use my own pictures or tables?", "own_data.md"),
        ("How do I check my own layer, and how can a check lie?", "gradient_check.md"),
        ("Where is the code of this section, listing, figure or exercise?", "book_map.md"),
    ],
)
def test_a_question_leads_to_one_page(question, page):
    (row,) = [line for line in text_of("docs/README.md").splitlines() if question in line]
    assert re.findall(r"\]\((.*?)\)", row) == [page]


@pytest.mark.parametrize(
    "command",
    sorted({each for page in PAGES for each in re.findall(rf"python {NAMED}", text_of(page))}),
)
def test_a_page_names_scripts_and_flags_that_are_there(command):
    chapter, name, flags = command
    (script,) = [each for each in SCRIPTS if re.fullmatch(rf"{chapter}\w*/{name}", each)]
    experiment = experiment_of(script)
    known = experiment.doc, experiment.config, experiment.quick, experiment._wanted
    parse(*known, shlex.split(flags))


def test_the_page_of_scripts_has_every_script_and_only_their_options(capsys):
    page = text_of("docs/scripts.md")
    rows = dict(re.findall(r"^\| \d, .*?\[`(\w+)`\].*? \| (.*) \|$", page, re.MULTILINE))
    named = [f"{chapter}/{name}" for chapter in rows for name in re.findall(r"\w+", rows[chapter])]
    assert sorted(named) == sorted(SCRIPTS)
    options = re.findall(r"`(--[\w-]+)", page.partition("## All at once")[0])
    experiment = experiment_of("ch05_backprop/train_neuralnet")
    with pytest.raises(SystemExit):
        parse(experiment.doc, experiment.config, experiment.quick, experiment._wanted, ["--help"])
    printed = capsys.readouterr().out
    assert [option for option in options if option not in printed] == []


def test_the_pages_name_the_files_and_the_mirrors_of_mnist():
    page = text_of("docs/data.md")
    assert re.findall(r"<(http.*)>", page) == [*MIRRORS]
    assert {*re.findall(r"`([\w-]+-ubyte)\.gz`", page)} == {file.name for file in FILES}
    assert MIRRORS[0] in README


def test_every_file_that_a_page_names_is_there():
    pages = [*map(ROOT.joinpath, PAGES), *ROOT.glob("ch0?_*/README.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = re.findall(r"`((?:dlbasics|dataset|tests|benchmarks)/[\w/]+\.py)`", text)
    assert "dlbasics/datasets/digits.py" in named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_changelog_says_where_each_module_that_moved_is_now():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    moved = dict(re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|", text, flags=re.MULTILINE))
    assert moved.keys() == set(MOVED.split())
    assert [new for new in moved.values() if find_spec(new) is None] == []


def test_no_page_has_blanks_left_to_fill():
    for page in PAGES:
        blank = re.search(r"\b(TODO|TABLE)\b", text_of(page))
        assert not blank, page
