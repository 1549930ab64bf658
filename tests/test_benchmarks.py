"""The benchmarks fit the code that they measure."""

from pathlib import Path

from benchmarks.planted_errors import PLANTED, TESTS, misfit

ROOT = Path(__file__).parents[1]


def test_each_of_100_errors_can_be_planted():
    assert len({error.id for error in PLANTED}) == 100
    assert [line for error in PLANTED if (line := misfit(error, ROOT))] == []
    assert all(error.old != error.new for error in PLANTED)


def test_the_tests_nearest_to_each_file_are_there():
    assert {error.file for error in PLANTED} == TESTS.keys()
    named = {name for names in TESTS.values() for name in names}
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).is_file()] == []
