"""docs/results.md, and what else a full run writes into the project."""

import json
import shutil

import pytest

from dlbasics.experiment import LEFT_OUT, docs, measured
from dlbasics.experiment.catalog import CHAPTERS, entries, find
from dlbasics.experiment.docs import BEGIN, END, update_lesson, write_docs
from dlbasics.experiment.lessons import PICTURE
from dlbasics.experiment.runs import Result, Setting
from tests.helpers import ROOT

Image = pytest.importorskip("PIL.Image")

GATES, BEST = find("gates")[0], find("best")[0]
CLAIM = {
    "text": "a | b",
    "book": 1.0,
    "ours": 0.5,
    "holds": True,
    "condition": "within 1",
    "why": "of chance",
    "printed": True,
    "digits": 4,
}


@pytest.fixture
def project(tmp_path):
    """A folder with the project's lessons, and no picture."""
    (tmp_path / "docs" / "figures").mkdir(parents=True)
    shutil.copy(ROOT / "README.md", tmp_path)
    for chapter in CHAPTERS:
        (tmp_path / chapter.folder).mkdir()
        shutil.copy(ROOT / chapter.folder / "README.md", tmp_path / chapter.folder)
    return tmp_path


@pytest.fixture
def results(project, monkeypatch):
    """The results of a full run with a claim each, which a test may change."""
    found = {}
    Image.new("RGB", (30, 20)).save(project / "figure.png")
    for entry in entries():
        lesson = (ROOT / entry.folder / "README.md").read_text(encoding="utf-8")
        figures = [name for name in PICTURE.findall(lesson) if name.startswith(f"{entry.script}_")]
        folder = project / "out" / entry.folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in figures:
            shutil.copy(project / "figure.png", folder / name)
        about = {
            "script": f"{entry.name}.py",
            "title": f"Title of {entry.script}",
            "judged": True,
            "data": "mnist",
            "seed": 0,
            "seconds": 60.04,
            "claims": [CLAIM],
            "figures": [*dict.fromkeys(figures)],
        }
        path = folder / f"{entry.script}.json"
        path.write_text(json.dumps(about), encoding="utf-8")
        found[entry] = Result(path, about)
    monkeypatch.setattr(docs, "finished", lambda entry, s: None if s.seed else found.get(entry))
    monkeypatch.setattr(measured, "FILE", project / "measured.json")
    measured._measured.cache_clear()
    (project / "measured.json").write_text("{}")
    yield found
    measured._measured.cache_clear()


def setting_of(project):
    return Setting(project / "out")


def test_it_writes_the_page_the_tables_and_the_pictures_of_the_lessons(project, results):
    page = write_docs(setting_of(project), project).read_text(encoding="utf-8")
    assert page.startswith(f"# Results\n\n**{len(results)} of {len(results)} claims hold.**")
    assert f"take {len(results)} minutes" in page
    row = "| a \\| b | 1 | 0.5 | -0.5 | holds | within 1; of chance |"
    assert page.count(row) == len(results)
    for chapter in CHAPTERS:
        lesson = (project / chapter.folder / "README.md").read_text(encoding="utf-8")
        table = lesson.partition(BEGIN)[2].partition(END)[0]
        assert table.count("| a \\| b | 1 | 0.5 |") == len(chapter.scripts)
    wanted = {
        name
        for page in [ROOT / "README.md", *ROOT.glob("ch0?_*/README.md")]
        for name in PICTURE.findall(page.read_text(encoding="utf-8"))
    }
    written = {path.name for path in (project / "docs" / "figures").glob("*")}
    assert wanted - written <= {"pad.png"}  # a browser makes it
    assert all(f'src="figures/{name}"' in page for name in written)


def test_it_keeps_the_times(project, results):
    write_docs(setting_of(project), project)
    assert measured.usual_seconds("ch02_perceptron/gates") == 60.0
    assert measured.usual_seconds("ch02_perceptron/nothing") == 30


def test_it_keeps_the_numbers_of_other_seeds(project, results, monkeypatch):
    for seed in (1, 12):
        (project / "out" / f"seed-{seed}").mkdir()
    found = {GATES: results[GATES], BEST: Result(BEST.path, results[BEST].about | {"seed": None})}

    def finished(entry, setting):
        return found.get(entry) if setting.seed else results.get(entry)

    monkeypatch.setattr(docs, "finished", finished)
    write_docs(setting_of(project), project)
    assert measured.other_seeds(GATES.name, "a | b") == {"1": "0.5", "12": "0.5"}
    assert measured.other_seeds(GATES.name, "c") == {}
    assert measured.other_seeds(BEST.name, "a | b") == {}


def test_the_experiments_that_take_hours_may_be_missing(project, results):
    del results[BEST]
    page = write_docs(setting_of(project), project).read_text(encoding="utf-8")
    assert "best.py" not in page


def test_a_missing_result_writes_nothing(project, results):
    del results[GATES]
    with pytest.raises(ValueError, match="--write-docs needs a result of ch02_perceptron/gates"):
        write_docs(setting_of(project), project)
    assert not (project / "docs" / "results.md").exists()


def test_a_number_that_was_left_out_writes_nothing(project, results):
    about = results[GATES].about | {"claims": [CLAIM | {"ours": LEFT_OUT}]}
    results[GATES] = Result(results[GATES].path, about)
    with pytest.raises(ValueError, match=r"gates lacks .*: is an extra missing"):
        write_docs(setting_of(project), project)


def test_two_figures_of_one_name_are_refused(project, results):
    results[BEST].about["figures"] = results[find("adders")[0]].about["figures"]
    with pytest.raises(ValueError, match="two experiments have a figure adders"):
        write_docs(setting_of(project), project)


def test_an_installed_package_has_no_docs(project, tmp_path_factory):
    with pytest.raises(ValueError, match="needs the project's folder"):
        write_docs(setting_of(project), tmp_path_factory.mktemp("site-packages"))


def test_a_lessons_table_is_replaced_and_nothing_else(tmp_path):
    readme = tmp_path / "README.md"
    above = "| [`gates.py`](gates.py) | ours |\n\nThen [`best.py`](best.py), and "
    above += "[`gates.py`](gates.py) again; [`gone.py`](../gone.py) is elsewhere.\n"
    kept = "| [`best.py`](best.py) | kept | 1 | 1 |"
    dropped = "| [`gone.py`](gone.py) | gone | 1 | 1 |\n| [`gates.py`](x) | old | 1 | 2 |"
    readme.write_text(f"{above}{BEGIN}\n{dropped}\n{kept}\n{END}\nBelow.\n", "utf-8")
    claims = [CLAIM | {"text": "steps"}, CLAIM | {"text": "c", "book": "falls", "printed": False}]
    for _ in range(2):
        update_lesson(readme, {GATES: Result(tmp_path, {"claims": claims})})
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"{above}{BEGIN}\n\n| script |")
    assert text.index("| steps | 1 | 0.5 |\n") < text.index("| c | falls * | 0.5 |\n" + kept)
    assert "| gone |" not in text
    assert "| old |" not in text
    assert text.endswith(f"or what we expect.\n\n{END}\nBelow.\n")
    assert "All of these numbers hold" in text
    update_lesson(readme, {GATES: Result(tmp_path, {"claims": [CLAIM | {"holds": False}]})})
    assert "Not all of these numbers hold" in readme.read_text(encoding="utf-8")


def test_a_lesson_without_the_marks_is_left_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no marks", "utf-8")
    with pytest.raises(ValueError, match="must have the lines"):
        update_lesson(readme, {})
    assert readme.read_text(encoding="utf-8") == "no marks"
