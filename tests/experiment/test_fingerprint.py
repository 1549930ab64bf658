"""What a result depends on."""

import importlib

import pytest

from dlbasics.experiment import fingerprint
from dlbasics.experiment.fingerprint import is_current, sources, versions
from tests.helpers import ROOT


@pytest.fixture
def project(monkeypatch, tmp_path):
    """A folder with a file that a run has used."""
    (tmp_path / "dlbasics").mkdir()
    (tmp_path / "dlbasics" / "used.py").write_text("one = 1")
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    fingerprint._digest_once.cache_clear()
    yield tmp_path
    fingerprint._digest_once.cache_clear()


@pytest.fixture
def about(project):
    digest = fingerprint._digest(project / "dlbasics" / "used.py")
    return {"versions": versions(), "sources": {"dlbasics/used.py": digest}}


def test_sources_are_our_modules_and_the_arrays_beside_a_script():
    importlib.import_module("ch07_cnn.train_convnet")
    found = sources()
    expected = {"dlbasics/network.py", "ch07_cnn/train_convnet.py", "ch07_cnn/simple_convnet.npz"}
    assert expected <= found.keys()
    assert all((ROOT / name).is_file() for name in found)
    assert not any("site-packages" in name or name.startswith("tests") for name in found)
    assert not found.keys() & fingerprint.WITHOUT_EFFECT


def test_a_result_is_current_while_the_files_are_the_same(about):
    assert is_current(about)


def test_a_changed_file_makes_a_result_old(project, about):
    (project / "dlbasics" / "used.py").write_text("one = 2")
    assert not is_current(about)


def test_a_removed_file_makes_a_result_old(project, about):
    (project / "dlbasics" / "used.py").unlink()
    assert not is_current(about)


@pytest.mark.parametrize("package", ["python", "numpy", "dlbasics"])
def test_another_version_makes_a_result_old(about, package):
    about["versions"][package] = "0.0"
    assert not is_current(about)


def test_an_extra_that_has_come_makes_a_result_old(about):
    del about["versions"]["numpy"]
    assert not is_current(about)


@pytest.mark.parametrize("sources", [None, {}, []])
def test_a_result_that_names_no_files_is_old(about, sources):
    assert not is_current(about | {"sources": sources})
