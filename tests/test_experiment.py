import json
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pytest

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.results import shown, table, update_readme


@dataclass(frozen=True)
class Config:
    steps: int = 10
    rate: float = 0.5
    sizes: tuple[int, ...] = (3, 4)
    smooth: bool = True
    method: Literal["one", "two"] = "one"

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")


@dataclass(frozen=True)
class Result:
    config: Config
    draw: float
    curve: np.ndarray
    small: list


def run(config, rng, progress=iter):
    steps = list(progress(range(config.steps)))
    return Result(config, float(rng.random()), np.arange(2000.0), [np.float32(len(steps)), 2])


def plot(result):
    from dlbasics import plotting

    return {"curve": plotting.curves({"a": [1, 2], "b": [2, 1]}, xlabel="x", ylabel="y")}


CLAIMS = [
    Claim("steps", 10, lambda r: r.config.steps, lambda v: v == 10),
    Claim("draw", 0.9, lambda r: r.draw, lambda v: v > 2),
]


def main(tmp_path, *flags, **options):
    options = {"config": Config, "quick": {"steps": 2}, "claims": CLAIMS} | options
    return experiment.main(
        "A title.\n\nMore.", run, argv=["--out", str(tmp_path), *flags], **options
    )


def stored(tmp_path, folder="tests"):
    path = tmp_path / folder / "test_experiment.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_defaults_are_the_configs(tmp_path):
    assert main(tmp_path).config == Config()


def test_every_field_has_a_flag(tmp_path):
    flags = "--steps 3 --rate 2 --sizes 5 6 7 --no-smooth --method two".split()
    assert main(tmp_path, *flags).config == Config(3, 2.0, (5, 6, 7), False, "two")


def test_quick_sets_fields_but_a_flag_wins(tmp_path):
    assert main(tmp_path, "--quick").config.steps == 2
    assert main(tmp_path, "--quick", "--steps", "4").config.steps == 4


def test_same_seed_same_numbers(tmp_path):
    first, again, other = (main(tmp_path, "--seed", seed).draw for seed in "112")
    assert first == again != other


@pytest.mark.parametrize(
    "flags",
    [
        "--steps x",
        "--steps 0",
        "--unknown",
        "--step 3",
        "--method 3",
        "--seed -1",
        "--rate nan",
        "--rate 0",
    ],
)
def test_bad_flags_end_with_a_message(tmp_path, flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(tmp_path, *flags.split())
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_result_is_stored_whole(tmp_path):
    result = main(tmp_path, "--seed", "5")
    about = stored(tmp_path)
    assert about["script"] == "tests/test_experiment.py"
    assert (about["title"], about["seed"], about["quick"]) == ("A title.", 5, False)
    assert about["config"] == json.loads(json.dumps(asdict(Config())))
    assert about["result"]["draw"] == result.draw
    assert about["result"]["small"] == [10, 2]
    assert about["result"]["curve"] == {"npz": "curve", "shape": [2000]}
    with np.load(tmp_path / "tests" / "test_experiment.npz") as arrays:
        assert np.array_equal(arrays["curve"], result.curve)


def test_claims_are_printed_and_stored(tmp_path, capsys):
    main(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["steps", "10", "10", "holds"] for line in lines)
    assert any(line.startswith("draw") and line.endswith("does not hold") for line in lines)
    assert [claim["holds"] for claim in stored(tmp_path)["claims"]] == [True, False]


def test_quick_judges_nothing(tmp_path, capsys):
    main(tmp_path, "--quick")
    about = stored(tmp_path, "quick/tests")
    assert [claim["holds"] for claim in about["claims"]] == [None, None]
    assert "holds" not in capsys.readouterr().out


def test_figures_become_png_files(tmp_path):
    main(tmp_path, plot=plot)
    png = (tmp_path / "tests" / "test_experiment_curve.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert {path.suffix for path in (tmp_path / "tests").iterdir()} == {".png", ".json", ".npz"}


def test_show_without_a_display_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "agg")
    main(tmp_path, "--show", plot=plot)
    assert "no window" in capsys.readouterr().out


def test_show_hands_the_figures_to_pyplot(monkeypatch):
    import matplotlib.pyplot as plt

    from dlbasics import plotting

    shown = []
    monkeypatch.setattr(plt, "get_backend", lambda: "qtagg")
    monkeypatch.setattr(plt, "show", lambda: shown.extend(map(plt.figure, plt.get_fignums())))
    figure = plot(None)["curve"]
    assert plotting.show([figure])
    assert shown == [figure]
    plt.close("all")


def test_a_script_without_config_or_figures(tmp_path):
    def bare(rng):
        return {"value": 1.5}

    experiment.main("T", bare, argv=["--out", str(tmp_path)])
    assert stored(tmp_path)["result"] == {"value": 1.5}
    assert stored(tmp_path)["data"] is None


def test_data_is_loaded_only_for_a_run_that_asks(tmp_path, capsys):
    def with_data(data):
        return {"n": len(data.x_train), "name": data.name}

    result = experiment.main("T", with_data, argv=["--out", str(tmp_path), "--data", "patterns"])
    assert result == {"n": 2000, "name": "patterns"}
    assert "not MNIST" in capsys.readouterr().out


def test_quick_without_mnist_takes_patterns_and_never_downloads(monkeypatch):
    monkeypatch.delenv("DLBASICS_DATA", raising=False)
    monkeypatch.setattr("dataset.mnist.mnist_is_local", lambda: False)
    monkeypatch.setattr("dataset.mnist.load_mnist", lambda: pytest.fail("a download"))
    assert experiment.load_data("auto", quick=True).name == "patterns"
    with pytest.raises(FileNotFoundError, match="never downloads"):
        experiment.load_data("mnist", quick=True)


def test_missing_mnist_ends_with_its_message(tmp_path, monkeypatch):
    def fail():
        raise ConnectionError("no mirror answered")

    monkeypatch.setattr("dataset.mnist.load_mnist", fail)
    with pytest.raises(SystemExit, match="no mirror answered"):
        experiment.main("T", lambda data: {}, argv=["--out", str(tmp_path)])


def test_the_readme_table_comes_from_the_stored_claims(tmp_path):
    main(tmp_path, "--seed", "1")
    rows = table([tmp_path / "tests" / "test_experiment.json"]).splitlines()
    assert rows[2] == "| [`test_experiment.py`](test_experiment.py) | steps | 10 | 10 |"
    assert rows[3].startswith("| [`test_experiment.py`](test_experiment.py) | draw | 0.9 | 0.")


def test_a_quick_run_leaves_the_long_ones_results_alone(tmp_path):
    main(tmp_path)
    main(tmp_path, "--quick")
    assert stored(tmp_path)["quick"] is False
    assert stored(tmp_path, "quick/tests")["quick"] is True
    assert len(table([tmp_path / "quick" / "tests" / "test_experiment.json"]).splitlines()) == 2


def test_an_error_in_a_figure_or_claim_does_not_cost_the_run(tmp_path):
    def fail(result):
        raise RuntimeError("no picture")

    with pytest.raises(RuntimeError, match="no picture"):
        main(tmp_path, plot=fail)
    assert stored(tmp_path)["result"]["small"] == [10, 2]
    (tmp_path / "tests" / "test_experiment.json").unlink()
    with pytest.raises(RuntimeError, match="no picture"):
        main(tmp_path, claims=[Claim("c", 1, fail, bool)])
    assert stored(tmp_path)["result"]["small"] == [10, 2]


def test_an_output_folder_that_cannot_be_is_said_before_the_run(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SystemExit, match="--out must be a folder"):
        experiment.main("T", lambda: pytest.fail("it ran"), argv=["--out", str(tmp_path / "file")])


def test_results_of_any_shape(tmp_path):
    def result():
        return {
            "curves": {"SGD": np.zeros(2000), "Adam": [0.5] * 1001, "short": np.arange(3)},
            "ragged": [[1, 2], [3]],
            "odd": [float("nan"), float("inf"), None, "text", True, np.int64(7)],
        }

    experiment.main("T", result, argv=["--out", str(tmp_path)])
    assert stored(tmp_path)["result"] == {
        "curves": {
            "SGD": {"npz": "curves/SGD", "shape": [2000]},
            "Adam": {"npz": "curves/Adam", "shape": [1001]},
            "short": [0, 1, 2],
        },
        "ragged": [[1, 2], [3]],
        "odd": ["nan", "inf", None, "text", True, 7],
    }
    npz = tmp_path / "tests" / "test_experiment.npz"
    with np.load(npz) as arrays:
        assert arrays["curves/Adam"].shape == (1001,)
    experiment.main("T", lambda: {"value": 1}, argv=["--out", str(tmp_path)])
    assert not npz.exists()


def test_unknown_data_is_an_error():
    with pytest.raises(ValueError, match="name must be 'auto'"):
        experiment.load_data("cifar")


def test_quick_does_not_hide_a_wrong_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DLBASICS_DATA", str(tmp_path / "misspelt"))
    with pytest.raises(FileNotFoundError, match="misspelt"):
        experiment.load_data("auto", quick=True)


def test_other_settings_than_the_books_are_not_judged(tmp_path):
    main(tmp_path, "--steps", "3")
    assert [claim["holds"] for claim in stored(tmp_path)["claims"]] == [None, None]


def test_a_claim_of_equal_numbers_holds_within_its_tolerance():
    claim = Claim.same("sum", [6.0, 8.0], lambda r: r, atol=1e-3, digits=3)
    results = [np.array([6.0005, 8.0]), [6.002, 8.0], [6.0, 8.0, 8.0], 6.0, [6.0, np.nan]]
    verdicts = [experiment.judge([claim], result)[0] for result in results]
    assert [verdict.holds for verdict in verdicts] == [True, False, False, False, False]
    assert verdicts[1].digits == 3


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1 / 3, 4, "0.3333"),
        (0.1999999999990898, 16, "0.1999999999990898"),
        ([[1, 2.0], (3, np.float32(0.25))], 4, "((1, 2), (3, 0.25))"),
        (np.array([1e-10]), 2, "(1e-10)"),
        ("never", 4, "never"),
    ],
)
def test_numbers_as_they_are_shown(value, digits, text):
    assert shown(value, digits) == text


def test_a_readmes_table_is_replaced_and_nothing_else(tmp_path):
    main(tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("Above.\n<!-- claims -->\nold\n<!-- end of claims -->\nBelow.\n", "utf-8")
    for _ in range(2):
        update_readme(readme, [tmp_path / "tests" / "test_experiment.json"])
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("Above.\n<!-- claims -->\n\n| script |")
    assert "| steps | 10 | 10 |\n" in text
    assert text.endswith("\n\n<!-- end of claims -->\nBelow.\n")
    readme.write_text("no marks", "utf-8")
    with pytest.raises(ValueError, match="must have the lines"):
        update_readme(readme, [])
    assert readme.read_text(encoding="utf-8") == "no marks"
