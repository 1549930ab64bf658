"""The files of results, and the tables that are made of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from dlbasics.experiment.output import save_result
from dlbasics.experiment.results import BEGIN, END, table, update_readme
from tests.experiment.sample import experiment


def stored_table(tmp_path, *flags):
    """Return the path of a stored result of the sample."""
    experiment.main(["--out", str(tmp_path), *flags])
    return tmp_path / ("quick" if "--quick" in flags else "") / "experiment" / "sample.json"


def test_results_of_any_shape_are_stored(tmp_path):
    result = {
        "curves": {"SGD": np.zeros(2000), "Adam": [0.5] * 1001, "short": np.arange(3)},
        "ragged": [[1, 2], [3]],
        "odd": [float("nan"), float("inf"), None, "text", True, np.int64(7), Path("a"), 1j],
    }
    path = tmp_path / "result.json"
    save_result(result, {"about": "it"}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "about": "it",
        "result": {
            "curves": {
                "SGD": {"npz": "curves/SGD", "shape": [2000]},
                "Adam": {"npz": "curves/Adam", "shape": [1001]},
                "short": [0, 1, 2],
            },
            "ragged": [[1, 2], [3]],
            "odd": ["nan", "inf", None, "text", True, 7, "a", "1j"],
        },
    }
    with np.load(path.with_suffix(".npz")) as arrays:
        assert arrays["curves/Adam"].shape == (1001,)
    save_result(1, {}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"result": {"value": 1}}
    assert not path.with_suffix(".npz").exists()


class NoRepr:
    def __repr__(self):
        raise ZeroDivisionError


def cycle():
    found = [1.0]
    found.append({"again": found})
    return found


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ({"a": cycle()}, ValueError, "^a must not contain itself"),
        (
            {"a": {1: 2, "1": 3}},
            ValueError,
            r"^a must have keys that differ as texts, got \[1, '1'\]",
        ),
        ({1: 2, "1": 3}, ValueError, "^result must have keys that differ"),
        (
            {"a": {"b": np.ones(2000)}, "a/b": np.zeros(2000)},
            ValueError,
            "^a/b must be the name of one array",
        ),
        ({"a": [NoRepr()]}, TypeError, "^a/0 must be .* got NoRepr, whose repr raises ZeroDiv"),
        ({"a": np.ma.masked_array([1.0], [True])}, TypeError, "^a must be without a mask"),
    ],
)
def test_a_result_that_a_file_cannot_hold_is_refused_and_an_older_file_stays(
    tmp_path, result, error, message
):
    path = tmp_path / "result.json"
    save_result({"older": np.ones(2000)}, {}, path)
    older = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(error, match=message):
        save_result(result, {}, path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == older


def test_a_file_of_something_else_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "strange.json"
    good = stored_table(tmp_path).read_text(encoding="utf-8")
    for text in ("", "[]", "{}", "[" * 100_000, good.replace('"text"', '"no text"'), "\xff"):
        path.write_bytes(text.encode("latin1"))
        with pytest.raises(ValueError, match=r"strange\.json is not the file of a result"):
            table([path])


def test_the_table_has_a_row_for_each_claim_of_a_judged_run(tmp_path):
    rows = table([stored_table(tmp_path, "--seed", "1")]).splitlines()
    assert rows[2] == "| [`sample.py`](sample.py) | steps | 10 | 10 |"
    assert rows[3].startswith("| [`sample.py`](sample.py) | draw | 0.9 | 0.")
    assert rows[4] == "| [`sample.py`](sample.py) | time | long * | 1.5 |"


@pytest.mark.parametrize("flags", [["--quick"], ["--rate", "2"]])
def test_the_table_has_no_rows_of_runs_that_were_not_judged(tmp_path, flags):
    assert len(table([stored_table(tmp_path, *flags)]).splitlines()) == 2


def test_a_readmes_table_is_replaced_and_nothing_else(tmp_path):
    path = stored_table(tmp_path)
    readme = tmp_path / "README.md"
    above = "| [`sample.py`](sample.py) | ours |\n\nThen [`other.py`](other.py), and "
    above += "[`sample.py`](sample.py) again; [`gone.py`](../gone.py) is elsewhere.\n"
    kept = "| [`other.py`](other.py) | kept | 1 | 1 |"
    dropped = "| [`gone.py`](gone.py) | gone | 1 | 1 |\n| [`sample.py`](x) | old | 1 | 2 |"
    readme.write_text(f"{above}{BEGIN}\n{dropped}\n{kept}\n{END}\nBelow.\n", "utf-8")
    for _ in range(2):
        update_readme(readme, [path])
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"{above}{BEGIN}\n\n| script |")
    assert text.index("| steps | 10 | 10 |\n") < text.index(kept)
    assert "| gone |" not in text
    assert "old" not in text
    assert text.endswith(f"\n\n{END}\nBelow.\n")


def test_a_readme_without_the_marks_is_left_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no marks", "utf-8")
    with pytest.raises(ValueError, match="must have the lines"):
        update_readme(readme, [])
    assert readme.read_text(encoding="utf-8") == "no marks"


def test_a_run_on_digits_leaves_the_readmes_rows_alone(tmp_path):
    """Such a run judges only claims about any data."""
    path = stored_table(tmp_path)
    about = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(about | {"data": "digits"}), encoding="utf-8")
    assert len(table([path]).splitlines()) == 2
