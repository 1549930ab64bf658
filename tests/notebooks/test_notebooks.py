"""The notebooks: they run as they are, their exercises can be solved, and text and cells agree."""

import re
from pathlib import Path

import pytest

from tests.helpers import ROOT

pytestmark = pytest.mark.extra

FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
LONGEST = 120
"""Seconds after which a cell is stuck."""


@pytest.fixture
def nbformat():
    return pytest.importorskip("nbformat")


def cells_of(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]


def solutions_of(name):
    text = (FOLDER / "solutions" / f"{name}.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)


def test_each_chapter_has_a_notebook():
    chapters = sorted(path.name for path in ROOT.glob("ch0*_*"))
    assert chapters == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_text_and_notebook_are_the_same(name, nbformat):
    """`jupytext --sync notebooks/ch*.md` makes them so."""
    jupytext = pytest.importorskip("jupytext")
    text = jupytext.read(FOLDER / f"{name}.md")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    for one, other in zip(text.cells, notebook.cells, strict=True):
        assert (one.cell_type, one.source) == (other.cell_type, other.source)
        assert one.metadata.get("tags") == other.metadata.get("tags")


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_holds_no_results(name, nbformat):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_begins_with_the_cell_that_installs(name, nbformat):
    first, *others = (
        cells_of(nbformat.read(FOLDER / f"{each}.ipynb", as_version=4), "setup")[0].source
        for each in (name, *NAMES)
    )
    assert {first} == {*others}


@pytest.mark.parametrize("name", NAMES)
def test_jupyter_can_draw_the_formulas(name):
    """Jupyter, unlike GitHub, shows a block "math" as code."""
    assert "```math" not in (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_has_a_check_and_a_solution(name, nbformat):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    exercises, checks = cells_of(notebook, "exercise"), cells_of(notebook, "check")
    assert len(exercises) == len(checks) == len(solutions_of(name)) > 0
    number = f"Exercise {int(name[2:4])}."
    for text in (FOLDER / f"{name}.md", FOLDER / "solutions" / f"{name}.md"):
        titles = re.findall(r"^#+ (Exercise [\d.]+)", text.read_text(encoding="utf-8"), re.M)
        assert titles == [f"{number}{i + 1}" for i in range(len(exercises))]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_unsolved_and_each_solution_is_right(name, nbformat, tmp_path, monkeypatch):
    """All cells run as a reader finds them; then each solution is checked in the same kernel."""
    monkeypatch.setenv("DLBASICS_NUMBA", "0")  # numba would say that it compiles
    client = pytest.importorskip("nbclient")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    checks = cells_of(notebook, "check")
    solved = []
    for solution, check in zip(solutions_of(name), checks, strict=True):
        notebook.cells.append(nbformat.v4.new_code_cell(solution))
        solved.append(nbformat.v4.new_code_cell(check.source))
        notebook.cells.append(solved[-1])
    resources = {"metadata": {"path": str(tmp_path)}}
    client.NotebookClient(notebook, timeout=LONGEST, resources=resources).execute()
    for cell in checks:
        assert printed(cell).startswith("Not solved yet"), cell.source
    for cell in solved:
        assert printed(cell).startswith("Right"), (cell.source, printed(cell))
    warnings = [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream" and output.name == "stderr"
    ]
    # Matplotlib's list of fonts, which all its versions on a machine share, may lack some.
    warnings = [text for text in warnings if not text.startswith("findfont")]
    assert warnings == []
    assert [*Path(tmp_path).iterdir()] == []  # a notebook leaves no files


def printed(cell):
    """Return what the cell shows, as text."""
    return "".join(
        output.data["text/plain"] for output in cell.outputs if output.output_type != "stream"
    )


class FakeShell:
    """Stands for IPython, and remembers the magics that a cell calls."""

    def __init__(self):
        self.magics = []

    def run_line_magic(self, name, line, *others):
        self.magics.append((name, line))


@pytest.mark.parametrize("place", ["clone", "colab", "colab, without a folder", "nowhere"])
def test_the_first_cell_installs_the_folder_that_it_finds(place, nbformat, tmp_path, monkeypatch):
    core = pytest.importorskip("IPython.core.inputtransformer2")
    notebook = nbformat.read(FOLDER / f"{NAMES[0]}.ipynb", as_version=4)
    source = core.TransformerManager().transform_cell(cells_of(notebook, "setup")[0].source)
    project = tmp_path / "project"
    (project / "dlbasics").mkdir(parents=True)
    (project / "dlbasics/network.py").touch()
    (project / "notebooks").mkdir()
    content = tmp_path / "content"
    content.mkdir()
    if place.startswith("colab"):
        import shutil

        root, base = (tmp_path, "project") if place == "colab" else (project, ".")
        shutil.make_archive(str(content / "dlbasics"), "zip", root, base)
    monkeypatch.chdir(project / "notebooks" if place == "clone" else content)
    monkeypatch.setitem(__import__("sys").modules, "dlbasics", None)
    shell = FakeShell()
    names = {"get_ipython": lambda: shell, "folder": None}
    if place == "nowhere":
        with pytest.raises(FileNotFoundError, match=r"upload dlbasics\.zip"):
            exec(source, names)
        return
    exec(source, names)
    folders = {"clone": project, "colab": content / "project"}
    assert names["folder"] == folders.get(place, content)
    assert shell.magics == [("pip", 'install -q "{folder}"')]
