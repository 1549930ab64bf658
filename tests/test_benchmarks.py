"""The benchmarks fit the code that they measure."""

from benchmarks.planted_errors import LEFT_OUT, PLANTED, mirror, misfit, nearest
from tests.helpers import ROOT

FILES = sorted({error.file for error in PLANTED})


def test_each_of_100_errors_can_be_planted():
    assert len({error.id for error in PLANTED}) == 100
    assert [line for error in PLANTED if (line := misfit(error, ROOT))] == []
    assert all(error.old != error.new for error in PLANTED)


def test_the_tests_nearest_to_each_file_are_there():
    """The fast replacements are compared with the plain formulas in a file for all of them."""
    assert [file for file in FILES if not nearest(file, ROOT)] == []
    own = [file for file in FILES if "/fast/" not in file]
    assert [file for file in own if not (ROOT / mirror(file)).is_file()] == []


def test_the_tests_that_are_left_out_are_there():
    assert [name for name in LEFT_OUT if not [*ROOT.glob(f"tests/**/{name}")]] == []
