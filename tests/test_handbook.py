"""The handbook: it builds without warnings, its links lead somewhere, and it needs no network."""

import ast
import importlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from urllib.parse import unquote

import pytest

import dlbasics
import dlbasics.datasets
from tests.helpers import ROOT

NEEDED = ["sphinx", "myst_parser", "furo", "sphinx_external_toc", "latex2mathml"]
SHOWN = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("ch0?_*/README.md"),
    *(path for path in ROOT.glob("notebooks/**/*.md") if ".ipynb_checkpoints" not in path.parts),
]
"""The pages of the handbook."""


def names_of(paths):
    return sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in paths)


def test_the_table_of_contents_has_every_page():
    toc = (ROOT / "docs" / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"(?:root|file): ([\w/]+)", toc)
    assert sorted(listed) == names_of(SHOWN)


@pytest.mark.extra
def test_copies_that_jupyter_makes_are_no_pages(tmp_path):
    project = pytest.importorskip("sphinx.project")
    conf = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    patterns = (
        ast.literal_eval(re.search(rf"^{name} = (\[.*?\])", conf, re.MULTILINE)[1])
        for name in ("exclude_patterns", "include_patterns")
    )
    for folder in (
        "notebooks",
        "notebooks/.ipynb_checkpoints",
        "notebooks/solutions/.ipynb_checkpoints",
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "ch02.md").touch()
    found = project.Project(tmp_path, {".md": "markdown"}).discover(*patterns)
    assert found == {"notebooks/ch02"}


def documented():
    """Return what the pages of the API document: names with the page of each."""
    return [
        (name, page.name)
        for page in sorted((ROOT / "docs" / "api").glob("*.md"))
        for name in re.findall(r"^\.\. auto\w+:: (\S+)$", page.read_text("utf-8"), re.MULTILINE)
    ]


def public(package):
    """Return the public names of a package that are no modules."""
    stub = Path(package.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    names = re.findall(r"\bas (\w+)", stub)
    modules = {module.name for module in iter_modules(package.__path__)} | {"np"}
    return {f"{package.__name__}.{name}" for name in names if name not in modules}


def test_every_public_name_is_on_one_page_of_the_api():
    names = [name for name, _ in documented()]
    assert len(names) == len({*names})
    assert sorted((public(dlbasics) | public(dlbasics.datasets)) - {*names}) == []


NEEDS = {"dlbasics.sklearn": "sklearn"}
"""The modules that cannot be imported without a package of an extra."""


def test_every_name_of_the_api_is_there():
    for name, _ in documented():
        module, _, attribute = name.rpartition(".")
        if module in NEEDS and find_spec(NEEDS[module]) is None:
            continue
        assert hasattr(importlib.import_module(module), attribute), name


@pytest.fixture
def extension(monkeypatch):
    """What imports an extension of the handbook by its name."""
    for package in NEEDED:
        pytest.importorskip(package)
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    return importlib.import_module


@pytest.mark.extra
def test_latex_without_mathml_is_warned_of(extension, monkeypatch):
    mathml = extension("mathml")
    warnings = []
    monkeypatch.setattr(mathml.LOGGER, "warning", lambda text, *args, **_: warnings.append(args))
    assert "<mfrac>" in mathml.mathml(r"\frac{\partial L}{\partial W}", block=True)
    assert warnings == []
    mathml.mathml(r"\nosuch x", block=False)
    assert warnings == [(r"\nosuch",)]


DOCSTRINGS = {
    "|a - b| * c, `x | y`, *Affine Layer*.": r"\|a - b\| \* c, `x | y`, *Affine Layer*.",
    "A loop:\n\n    for x in y:\n        z = |x|\n\nAnd more.": (
        "A loop:\n\n::\n\n    for x in y:\n        z = |x|\n\nAnd more."
    ),
    "y = x W;  dx = dout\nW^T.  One sentence.\nx: (N, D);  y: (N, M)": (
        "| y = x W\n| dx = dout W^T.\n| One sentence.\n| x: (N, D)\n| y: (N, M)"
    ),
    "Args:\n    x: It;  or\n        |x|.": "Args:\n    x: It;  or\n        \\|x\\|.",
    ">>> 2 * 3\n6": ">>> 2 * 3\n6",
    "Prose;\nwith a semicolon; that\nis all.": "Prose;\nwith a semicolon; that\nis all.",
}


@pytest.mark.extra
@pytest.mark.parametrize("text", DOCSTRINGS)
def test_a_docstring_becomes_restructured_text(extension, text):
    lines = extension("docstrings").as_rst(text.split("\n"))
    assert "\n".join(lines) == DOCSTRINGS[text]


@pytest.mark.extra
def test_links_to_files_and_folders_lead_to_pages_that_show_them(extension, tmp_path):
    source = tmp_path / "project"
    (source / "pack" / "_internal").mkdir(parents=True)
    (source / "pack" / "one.py").write_text("x = 1\n")
    (source / "pack" / "notes.txt").write_text("text")
    (source / "pack" / "_internal" / "two.py").write_text("y = 2\n")
    (source / "table.csv").write_text("a,b\n")
    (source / "conf.py").write_text('extensions = ["myst_parser", "sources"]\n')
    (source / "index.md").write_text(
        "# Page\n\n[one](pack/one.py), [all](pack/), [inner](pack/_internal), [data](table.csv)\n\n"
        '<p><a href="pack/one.py">one</a> <a href="https://example.org/">far</a> '
        '<a href="gone.py">gone</a> <img src="gone.png"> <a href="table.csv">data</a></p>\n'
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-N", str(source), str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "docs" / "_ext")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    warned = re.findall(r"no page or picture for (\S+)", done.stderr)
    assert warned == ["gone.py", "gone.png", "table.csv"]
    page = Page(tmp_path / "out" / "index.html")
    links = [link for link in page.links if link.startswith(("source", "_down", "https://e"))]
    one, folder, inner, table, again, far = links
    assert one == again == "source/pack/one.py.html"
    assert (folder, inner) == ("source/pack.html", "source/pack/_internal.html")
    assert table.endswith("table.csv")
    assert far == "https://example.org/"
    assert "x" in Page(tmp_path / "out" / one).text
    shown = Page(tmp_path / "out" / folder)
    assert "pack/one.py.html" in shown.links
    assert "notes.txt" in shown.text
    assert (tmp_path / "out/source/pack/_internal/two.py.html").is_file()


class Page(HTMLParser):
    """What a page of the built handbook has.

    Attributes:
        links: The targets of its links.
        loads: What a browser loads to show it.
        ids: What a link can lead to.
        formulas: The number of its formulas.
    """

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.ids, self.formulas = [], [], set(), 0
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[key] for key in ("id", "name") if found.get(key)}
        self.formulas += tag == "math"
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") not in ("index", "search", "next", "prev"):
            self.loads.append(found["href"])
        self.loads += [found[key] for key in ("src", "srcset", "data") if found.get(key)]


@pytest.fixture(scope="module")
def handbook(tmp_path_factory):
    """The folder of the built handbook."""
    for package in NEEDED:
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("handbook")
    command = "-m sphinx -q -W --keep-going -c docs . ".split()
    done = subprocess.run(
        [sys.executable, *command, str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(handbook):
    return {path.relative_to(handbook).as_posix(): Page(path) for path in handbook.rglob("*.html")}


def marked(test):
    """Mark a test of the built handbook."""
    return pytest.mark.extra(pytest.mark.long(test))


@marked
def test_every_page_is_built(pages):
    assert [name for name in names_of(SHOWN) if f"{name}.html" not in pages] == []


@marked
def test_a_page_loads_nothing_from_another_host(handbook, pages):
    foreign = re.compile(r"(?:\w+:)?//")
    for name, page in pages.items():
        loads = [link for link in page.loads if not link.startswith("data:")]
        assert [link for link in loads if foreign.match(link)] == [], name
        missing = [link for link in loads if not target(handbook, name, link).is_file()]
        assert missing == [], name
    for path in handbook.rglob("*.css"):
        css = path.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", css) == [], path.name


def target(handbook, name, link):
    """Return the file to which a link of a page leads."""
    path = unquote(re.split(r"[?#]", link)[0])
    return (handbook / name).parent / path if path else handbook / name


@marked
def test_every_link_of_a_page_leads_somewhere(handbook, pages):
    for name, page in pages.items():
        for link in {*page.links}:
            if re.match(r"\w+:", link):
                continue
            path = target(handbook, name, link)
            assert path.is_file(), (name, link)
            anchor = unquote(link.partition("#")[2])
            if anchor and path.suffix == ".html":
                goal = pages[path.resolve().relative_to(handbook.resolve()).as_posix()]
                assert anchor in goal.ids, (name, link)


@marked
def test_the_folder_begins_with_the_front_page(pages):
    assert 'content="0; url=docs/README.html"' in pages["index.html"].text


@marked
def test_formulas_are_mathml(pages):
    for name in names_of(SHOWN):
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        fences = re.compile(r"^```(\w*).*?\n.*?^```$", re.DOTALL | re.MULTILINE)
        text = fences.sub(lambda found: "$x$" if found[1] == "math" else "", text)
        inline = re.findall(r"(\$\$?)[^$]+\1", re.sub(r"`[^`\n]+`", "", text))
        assert pages[f"{name}.html"].formulas == len(inline), name
    assert pages["ch05_backprop/README.html"].formulas > 5


@marked
def test_source_files_are_shown_with_their_lines(pages):
    affine = "source/dlbasics/layers/affine.py.html"
    assert any(link.endswith(affine) for link in pages["README.html"].links)
    (link,) = [
        link
        for link in pages["docs/api/layers.html"].links
        if re.search(rf"{affine}#line-\d+$", link) and "Affine" in line_of(link)
    ]
    assert line_of(link).startswith("class Affine(Layer):")


def line_of(link):
    """Return the line of a source file to which a link leads."""
    path, _, line = link.partition(".html#line-")
    text = (ROOT / path.partition("source/")[2]).read_text(encoding="utf-8")
    return text.splitlines()[int(line) - 1]


@marked
def test_a_notebook_is_a_page_and_a_download(handbook, pages):
    for path in ROOT.glob("notebooks/*.ipynb"):
        name = f"notebooks/{path.stem}.html"
        page = pages[name]
        (link,) = [link for link in page.links if link.endswith(path.name)]
        assert target(handbook, name, link).read_bytes() == path.read_bytes()
        assert "shutil" not in page.text  # the cell that installs
