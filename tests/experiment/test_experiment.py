"""An experiment: in Python, and as a program that prints, stores and draws."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from dlbasics import plotting
from dlbasics.experiment import Claim, Data, Experiment, experiment
from tests.experiment import sample
from tests.experiment.sample import Config, plot


def main(tmp_path, *flags):
    return sample.experiment.main(["--out", str(tmp_path), *flags])


def stored(tmp_path, name="experiment/sample"):
    return json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))


# In Python


def test_run_takes_the_settings_by_name():
    result = sample.experiment.run(steps=3, rate=0)
    assert result.config == Config(steps=3, rate=0)
    assert sample.experiment.run().config == Config()


def test_run_draws_the_numbers_of_its_seed():
    first, again, other = (sample.experiment.run(seed=seed).draw for seed in (1, 1, 2))
    assert first == again != other
    assert sample.experiment.run(seed=np.random.default_rng(1)).draw == first


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"step": 3},
            TypeError,
            "there is no setting 'step'; the settings are: steps, rate, sizes",
        ),
        ({"steps": 0}, ValueError, "steps must be above 0, got 0"),
        ({"steps": 2000}, ValueError, "steps must be at most 1000, got 2000"),
        ({"steps": 2.5}, TypeError, "steps must be an integer, got 2.5"),
        ({"rate": "high"}, TypeError, "rate must be a number, got 'high'"),
        ({"sizes": 5}, TypeError, "sizes must be a list, got 5"),
        ({"sizes": ()}, ValueError, "sizes must not be empty"),
        ({"sizes": (5, "6")}, TypeError, "sizes must be an integer, got '6'"),
        ({"rate": float("inf")}, ValueError, "rate must be finite, got inf"),
        ({"method": "three"}, ValueError, "method must be one of 'one', 'two', got 'three'"),
        ({"data": "digits"}, TypeError, "data must be None, as this experiment takes no data"),
        ({"smooth": "no"}, TypeError, "smooth must be True or False, got 'no'"),
        ({"rate": 10**400}, ValueError, "rate must be finite, got 1000"),
        ({"method": np.ones(3)}, ValueError, "method must be one of 'one', 'two', got array"),
        ({"progress": 2}, TypeError, "progress must be a function, got int"),
        ({"seed": -1}, TypeError, "must be a numpy Generator, a seed >= 0 or None, got -1"),
    ],
)
def test_run_refuses_what_makes_no_sense(given, error, message):
    with pytest.raises(error, match=message):
        sample.experiment.run(**given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"run": None}, "run must be a function, got NoneType"),
        ({"plot": 2}, "plot must be a function, got int"),
        ({"config": Config()}, "config must be a dataclass, got"),
        ({"config": int}, "config must be a dataclass, got"),
        ({"claims": 1}, "claims must be a list of Claim, got 1"),
        ({"quick": ["steps"]}, "quick must be a mapping of settings, got"),
    ],
)
def test_an_experiment_of_other_things_is_refused(changed, message):
    with pytest.raises(TypeError, match=message):
        Experiment(**{"doc": "T", "run": sample.run} | changed)


def test_run_gives_a_function_what_it_names_and_no_more():
    data = Data("mine", *np.zeros((4, 2)))
    assert Experiment("T", lambda: {"n": 1}).run() == {"n": 1}
    assert Experiment("T", lambda data: {"data": data}).run(data=data)["data"] is data
    result = Experiment("T", lambda progress: {"n": list(progress([1]))}).run(
        progress=lambda steps: [*steps, 2]
    )
    assert result == {"n": [1, 2]}


def test_run_loads_data_by_name(no_mnist, few_digits):
    script = Experiment("T", lambda data: {"name": data.name})
    assert script.run(data="digits") == {"name": "digits"}
    assert script.run() == {"name": "digits"}
    with pytest.raises(TypeError, match="data must be a Data, a name or None, got int"):
        script.run(data=3)


def test_plot_returns_the_figures_by_name():
    assert {*sample.experiment.plot(sample.experiment.run())} == {"curve"}
    assert Experiment("T", lambda: {}).plot({}) == {}


# As a program


def test_a_program_says_at_once_what_it_is(tmp_path, capsys):
    def run():
        return {"printed": capsys.readouterr().out}

    result = Experiment("A title.\n\nMore.", run).main(["--out", str(tmp_path)])
    assert result["printed"] == "A title.\n"


def test_the_result_is_stored_whole(tmp_path):
    result = main(tmp_path, "--seed", "5")
    about = stored(tmp_path)
    assert about["script"] == "experiment/sample.py"
    assert (about["title"], about["seed"], about["quick"]) == ("A title.", 5, False)
    assert about["config"] == json.loads(json.dumps(asdict(Config()), default=str))
    assert about["result"]["draw"] == result.draw == sample.experiment.run(seed=5).draw
    assert about["result"]["small"] == [10, 2]
    assert about["result"]["curve"] == {"npz": "curve", "shape": [2000]}
    assert about["figures"] == ["sample_curve.png"]
    folder = tmp_path / "experiment"
    with np.load(folder / "sample.npz") as arrays:
        assert np.array_equal(arrays["curve"], result.curve)
    assert (folder / "sample_curve.png").read_bytes().startswith(b"\x89PNG")
    assert {path.suffix for path in folder.iterdir()} == {".png", ".json", ".npz"}


def test_claims_are_printed_and_stored(tmp_path, capsys):
    main(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["steps", "10", "10", "holds"] for line in lines)
    assert any(line.startswith("draw") and line.endswith("does not hold") for line in lines)
    assert [claim["holds"] for claim in stored(tmp_path)["claims"]] == [True, False, None]


@pytest.mark.parametrize(
    ("flags", "name"),
    [(["--quick"], "quick/experiment/sample"), (["--steps", "3"], "experiment/sample")],
)
def test_other_settings_than_the_books_are_not_judged(tmp_path, capsys, flags, name):
    main(tmp_path, *flags)
    about = stored(tmp_path, name)
    assert about["quick"] is (flags == ["--quick"])
    assert [claim["holds"] for claim in about["claims"]] == [None] * 3
    assert about["judged"] is False
    assert "holds" not in capsys.readouterr().out
    assert [path.stem for path in tmp_path.rglob("*.json")] == ["sample"], "and nowhere else"


def test_show_without_a_display_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "agg")
    main(tmp_path, "--show")
    assert "no window" in capsys.readouterr().out


def fail(result):
    raise RuntimeError("no picture")


@pytest.mark.parametrize(
    "script",
    [
        Experiment("T", sample.run, fail, Config),
        Experiment("T", sample.run, None, Config, claims=[Claim("c", 1, fail, bool)]),
    ],
    ids=["figure", "claim"],
)
def test_an_error_in_a_figure_or_claim_does_not_cost_the_result(tmp_path, script):
    with pytest.raises(RuntimeError, match="no picture"):
        script.main(["--out", str(tmp_path)])
    assert stored(tmp_path)["result"]["small"] == [10, 2]


def test_a_training_that_diverges_ends_with_one_line(tmp_path):
    def diverge():
        raise FloatingPointError("iteration 3: the loss is nan")

    with pytest.raises(SystemExit, match="training failed: iteration 3: the loss is nan"):
        Experiment("T", diverge).main(["--out", str(tmp_path)])
    assert not list(tmp_path.rglob("*.json"))


def test_numbers_that_are_not_finite_are_named(tmp_path, capsys):
    """A plain loop that diverges stores NaN, and nothing else says so."""
    result = {"loss": [2.3, np.nan], "x": np.array([np.inf]), "good": np.ones(2), "text": "nan"}
    Experiment("T", lambda: result).main(["--out", str(tmp_path)])
    assert "NaN or infinite numbers in the result: loss, x\n" in capsys.readouterr().out
    main(tmp_path)
    assert "infinite" not in capsys.readouterr().out


# Data of a program


def run_on_data(data):
    shape = data.x_train.shape, data.x_test.shape
    return {"n": len(data.x_train), "name": data.name, "shape": shape}


on_data = Experiment(
    "A title.",
    run_on_data,
    lambda result: {"one": plot(result)["curve"], "two": plot(result)["curve"]},
    claims=[
        Claim("on MNIST", 0.9, lambda r: r["n"], lambda v: v > 0),
        Claim("anywhere", 1, lambda r: r["n"], lambda v: v > 0, any_data=True),
    ],
)


@pytest.fixture
def marks(monkeypatch) -> list[str]:
    """What was written below each figure at the time it was saved."""
    from matplotlib.text import Text

    found = []
    save = plotting.save

    def save_and_note(figure, path):
        known = ("quick run", "embedded digits, not MNIST")
        texts = " ".join(text.get_text() for text in figure.findobj(Text))
        found.append(", ".join(text for text in known if text in texts))
        save(figure, path)

    monkeypatch.setattr(plotting, "save", save_and_note)
    return found


def verdicts(tmp_path, folder):
    return [claim["holds"] for claim in stored(tmp_path, f"{folder}/test_experiment")["claims"]]


@pytest.mark.parametrize(
    ("flags", "folder", "n"),
    [([], "digits", 60), (["--data", "digits"], "digits", 60), (["--quick"], "quick", 2_000)],
)
def test_a_run_on_digits_is_marked_and_stored_apart(
    tmp_path, no_mnist, few_digits, marks, flags, folder, n
):
    result = on_data.main(["--out", str(tmp_path), *flags])
    assert (result["name"], result["n"]) == ("digits", n)
    assert stored(tmp_path, f"{folder}/experiment/test_experiment")["data"] == "digits"
    text = "embedded digits, not MNIST"
    assert marks == ["quick run, " * ("--quick" in flags) + text] * 2
    expected = [None, None] if folder == "quick" else [None, True]
    assert verdicts(tmp_path, f"{folder}/experiment") == expected


@pytest.mark.parametrize("name", ["auto", "mnist"])
@pytest.mark.parametrize("quick", [False, True])
def test_mnist_is_used_where_it_is_found(
    tmp_path, found_mnist, few_digits, marks, capsys, name, quick
):
    flags = ["--data", name, *(["--quick"] if quick else [])]
    result = on_data.main(["--out", str(tmp_path), *flags])
    assert result == {"n": 5, "name": "mnist", "shape": ((5, 784), (5, 784))}
    assert few_digits == []
    assert "digits" not in capsys.readouterr().out
    assert marks == ["quick run" * quick] * 2
    folder = "quick/experiment" if quick else "experiment"
    assert verdicts(tmp_path, folder) == [None if quick else True] * 2


def test_a_run_without_data_loads_none_is_judged_and_not_marked(tmp_path, monkeypatch, marks):
    monkeypatch.setattr(experiment, "load_data", lambda *_, **__: pytest.fail("data was loaded"))
    main(tmp_path)
    assert marks == [""]
    assert stored(tmp_path)["data"] is None
    assert stored(tmp_path)["judged"] is True


@pytest.mark.parametrize("flags", [[], ["--quick"], ["--data", "mnist"]])
def test_a_bad_data_folder_ends_with_its_message_and_is_no_reason_for_digits(
    tmp_path, found_mnist, few_digits, monkeypatch, flags
):
    next(found_mnist.glob("train-images*")).write_bytes(b"no IDX file")
    with pytest.raises(SystemExit, match="expected an IDX file"):
        on_data.main(["--out", str(tmp_path), *flags])
    monkeypatch.setenv("DLBASICS_DATA", str(found_mnist / "misspelt"))
    with pytest.raises(SystemExit, match="misspelt, which is not a folder"):
        on_data.main(["--out", str(tmp_path), *flags])
    assert few_digits == []


def test_missing_mnist_ends_with_its_message_where_it_was_asked_for(tmp_path, no_mnist):
    for flags, message in (
        ([], "MNIST could not be downloaded"),
        (["--quick"], "--quick never downloads, and MNIST is not on"),
    ):
        with pytest.raises(SystemExit, match=message):
            on_data.main(["--out", str(tmp_path), "--data", "mnist", *flags])
