"""The catalogue of experiments, and the names by which people look for one."""

import pytest

from dlbasics.experiment.catalog import CHAPTERS, LONG, TIMED, entries, find, find_chapter, similar
from tests.experiment.helpers import SCRIPTS
from tests.helpers import ROOT

TRAIN_CONVNET = ["ch07_cnn/train_convnet"]


def names(found):
    return [entry.name for entry in found]


def test_it_has_every_script_once():
    assert sorted(names(entries())) == SCRIPTS


def test_those_that_take_hours_or_measure_times_are_in_it():
    assert LONG | TIMED <= {*names(entries())}
    assert [entry.name for entry in entries() if entry.is_long] == ["ch08_deep/best"]


def test_the_page_of_scripts_has_them_in_the_same_order():
    page = (ROOT / "docs" / "scripts.md").read_text(encoding="utf-8")
    for chapter in CHAPTERS:
        listed = ", ".join(f"`{script}`" for script in chapter.scripts)
        assert listed in page, chapter.folder


def test_an_entry_knows_its_description_and_loads_its_experiment():
    (entry,) = find("buy_apple")
    experiment = entry.load()
    assert entry.title == experiment.title
    assert entry.doc.startswith(entry.title)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("train_convnet", TRAIN_CONVNET),
        ("ch07/train_convnet", TRAIN_CONVNET),
        ("ch7/train_convnet", TRAIN_CONVNET),
        ("7/train_convnet", TRAIN_CONVNET),
        ("ch07_cnn/train_convnet", TRAIN_CONVNET),
        ("ch07_cnn/train_convnet.py", TRAIN_CONVNET),
        ("./ch07_cnn/train_convnet.py", TRAIN_CONVNET),
        ("ch07_cnn\\train_convnet.py", TRAIN_CONVNET),
        ("ch07_cnn.train_convnet", TRAIN_CONVNET),
        ("project/ch07_cnn/train_convnet.py", TRAIN_CONVNET),
        ("train_neuralnet", ["ch04_training/train_neuralnet", "ch05_backprop/train_neuralnet"]),
        ("ch05/train_neuralnet", ["ch05_backprop/train_neuralnet"]),
        ("ch06/train_convnet", []),
        ("ch99/train_convnet", []),
        ("train", []),
        ("", []),
    ],
)
def test_an_experiment_is_found_by_any_of_its_names(name, found):
    assert names(find(name)) == found


@pytest.mark.parametrize("name", ["5", "05", "ch5", "ch05", "ch05_backprop"])
def test_a_chapter_is_found_by_any_of_its_names(name):
    assert find_chapter(name).folder == "ch05_backprop"


@pytest.mark.parametrize("name", ["", "1", "9", "ch", "backprop", "55"])
def test_other_names_are_no_chapters(name):
    assert find_chapter(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ch07/train_convet", "ch07_cnn/train_convnet"),
        ("gate", "ch02_perceptron/gates"),
        ("dropout", "ch06_techniques/overfit_dropout"),
        ("ch06/train_convnet", "ch07_cnn/train_convnet"),
    ],
)
def test_a_wrong_name_brings_similar_ones(name, expected):
    assert expected in names(similar(name))


def test_a_name_like_no_other_brings_none():
    assert similar("xyzzy") == similar("") == []
