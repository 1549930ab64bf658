import hashlib
import json
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import threadpoolctl

from dlbasics import experiment
from dlbasics.datasets import choice, digits, download
from dlbasics.datasets import mnist as mnist_module
from dlbasics.datasets.digits import load_digits
from dlbasics.experiment import Claim
from dlbasics.experiment.results import BEGIN, END, shown, table, update_readme


@dataclass(frozen=True)
class Config:
    steps: int = 10
    rate: float = 0.5
    sizes: tuple[int, ...] = (3, 4)
    smooth: bool = True
    method: Literal["one", "two"] = "one"
    count: int = 1

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


def test_a_rate_of_0_is_worth_a_try(tmp_path):
    assert main(tmp_path, "--rate", "0").config.rate == 0


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
        "--rate -1",
        "--count 0",
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


# ---- Data ----


@pytest.fixture
def no_mnist(tmp_path, monkeypatch) -> Path:
    """A machine without MNIST, digits or network; the folder of its cache."""
    monkeypatch.delenv("DLBASICS_DATA", raising=False)
    monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(choice, "_out_of_reach", set())
    monkeypatch.setattr(mnist_module, "_failures", {})
    monkeypatch.setattr(mnist_module, "MIRRORS", (closed_url(),))
    return tmp_path / "cache"


def closed_url():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.fixture
def few_digits(monkeypatch) -> list[dict]:
    """With what load_digits was called; its default becomes 60 + 20."""
    calls = []

    def load_few(**options):
        calls.append(options)
        return load_digits(**{"train": 60, "test": 20} | options)

    monkeypatch.setattr(digits, "load_digits", load_few)
    monkeypatch.setattr(digits, "BLOCK", 50)
    return calls


@pytest.fixture
def found_mnist(no_mnist, monkeypatch) -> Path:
    """A machine with a (small) MNIST in the folder that DLBASICS_DATA names."""
    folder = no_mnist.with_name("data")
    folder.mkdir()
    files = []
    for file in mnist_module.FILES:
        shape = (5, 28, 28) if "images" in file.name else (5,)
        array = np.full(shape, len(files), np.uint8)
        content = mnist_module.idx_header(shape) + array.tobytes()
        (folder / file.name).write_bytes(content)
        files.append(file._replace(sha256=hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(mnist_module, "FILES", tuple(files))
    monkeypatch.setenv("DLBASICS_DATA", str(folder))
    return folder


DATA_CLAIMS = [
    Claim("on MNIST", 0.9, lambda r: r["n"], lambda v: v > 0),
    Claim("anywhere", 1, lambda r: r["n"], lambda v: v > 0, any_data=True),
    Claim("wrong anywhere", 1, lambda r: r["n"], lambda v: v < 0, any_data=True),
]
MARK = "embedded digits, not MNIST"
SAYS = "data: the embedded digits, as MNIST is not on this machine"


def run_on_data(data):
    shape = data.x_train.shape, data.x_test.shape
    return {"n": len(data.x_train), "name": data.name, "shape": shape}


def two_figures(result):
    return {"one": plot(result)["curve"], "two": plot(result)["curve"]}


def main_on_data(tmp_path, *flags, **options):
    options = {"claims": DATA_CLAIMS, "plot": two_figures} | options
    argv = ["--out", str(tmp_path), *flags]
    return experiment.main("A title.", run_on_data, argv=argv, **options)


@pytest.fixture
def saved(monkeypatch) -> dict[str, list[str]]:
    """The texts of each figure at the time it was saved."""
    from matplotlib.text import Text

    from dlbasics import plotting

    texts = {}
    save = plotting.save

    def save_and_note(figure, path):
        texts[path.name] = [text.get_text() for text in figure.findobj(Text)]
        save(figure, path)

    monkeypatch.setattr(plotting, "save", save_and_note)
    return texts


def verdicts(tmp_path, folder="tests"):
    return [claim["holds"] for claim in stored(tmp_path, folder)["claims"]]


def marked(saved):
    assert set(saved) == {"test_experiment_one.png", "test_experiment_two.png"}
    return [MARK in texts for texts in saved.values()]


def lines_about_digits(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if "embedded digits" in line]


def test_data_is_loaded_only_for_a_run_that_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "load_data", lambda *_, **__: pytest.fail("data was loaded"))
    main(tmp_path, "--data", "digits")


def test_auto_without_mnist_or_network_draws_digits_and_says_so(
    tmp_path, no_mnist, few_digits, saved, capsys
):
    result = main_on_data(tmp_path)
    assert result == {"n": 60, "name": "digits", "shape": ((60, 784), (20, 784))}
    assert few_digits == [{}], "the whole data set, of the default seed"
    assert lines_about_digits(capsys) == [
        f"{SAYS} and could not be downloaded; accuracies differ from the book's"
    ]
    assert stored(tmp_path, "digits/tests")["data"] == "digits"
    assert marked(saved) == [True, True]
    assert verdicts(tmp_path, "digits/tests") == [None, True, False]


def test_auto_does_not_wait_for_a_server_that_stalls(
    tmp_path, no_mnist, few_digits, monkeypatch, capsys
):
    assert choice.DOWNLOAD_SECONDS == 15
    monkeypatch.setattr(choice, "DOWNLOAD_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:  # it accepts no connection
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(mnist_module, "MIRRORS", (url,))
        start = time.monotonic()
        assert main_on_data(tmp_path, plot=None)["name"] == "digits"
        assert time.monotonic() - start < 2.5
        monkeypatch.setattr(mnist_module, "load_mnist", lambda **_: pytest.fail("asked again"))
        assert experiment.load_data("auto").name == "digits"
    assert len(lines_about_digits(capsys)) == 2
    assert stored(tmp_path, "digits/tests")["data"] == "digits"
    assert mnist_module._failures == {}


def test_digits_that_were_asked_for_are_marked_without_a_word(
    tmp_path, no_mnist, few_digits, saved, capsys, monkeypatch
):
    monkeypatch.setattr(mnist_module, "load_mnist", lambda **_: pytest.fail("MNIST was loaded"))
    assert main_on_data(tmp_path, "--data", "digits")["name"] == "digits"
    assert few_digits == [{}]
    assert lines_about_digits(capsys) == []
    assert stored(tmp_path, "digits/tests")["data"] == "digits"
    assert marked(saved) == [True, True]
    assert verdicts(tmp_path, "digits/tests") == [None, True, False]


@pytest.mark.parametrize("name", ["auto", "mnist"])
@pytest.mark.parametrize("quick", [False, True])
def test_mnist_is_used_where_it_is_found(
    tmp_path, found_mnist, few_digits, saved, capsys, name, quick
):
    result = main_on_data(tmp_path, "--data", name, *(["--quick"] if quick else []))
    assert result == {"n": 5, "name": "mnist", "shape": ((5, 784), (5, 784))}
    assert few_digits == []
    assert lines_about_digits(capsys) == []
    folder = "quick/tests" if quick else "tests"
    assert stored(tmp_path, folder)["data"] == "mnist"
    assert marked(saved) == [False, False]
    assert verdicts(tmp_path, folder) == ([None] * 3 if quick else [True, True, False])


def test_mnist_in_the_cache_is_found(found_mnist, few_digits, monkeypatch):
    experiment.load_data("auto")
    monkeypatch.delenv("DLBASICS_DATA")
    data = [experiment.load_data("auto", quick=quick) for quick in (False, True)]
    assert [(each.name, len(each.x_test)) for each in data] == [("mnist", 5)] * 2


def test_mnist_that_can_be_downloaded_in_time_is_used(no_mnist, few_digits, monkeypatch):
    asked = []

    def load_mnist(**options):
        asked.append(options)
        return (np.zeros((3, 784)), np.zeros(3)), (np.zeros((2, 784)), np.zeros(2))

    monkeypatch.setattr(mnist_module, "load_mnist", load_mnist)
    assert experiment.load_data("auto").name == "mnist"
    assert asked == [{"timeout": 15.0}]
    assert experiment.load_data("mnist").name == "mnist"
    assert asked[1:] == [{}], "who asks for MNIST, waits for it"


@pytest.mark.parametrize("name", ["auto", "digits"])
def test_quick_takes_a_few_digits_without_cache_or_network(tmp_path, no_mnist, monkeypatch, name):
    """2,000 + 500 of them, drawn within a second."""
    monkeypatch.setattr(mnist_module, "load_mnist", lambda **_: pytest.fail("a download"))
    monkeypatch.setattr(download, "fetch", lambda *_, **__: pytest.fail("a download"))
    data = experiment.load_data(name, quick=True)
    assert data.name == "digits"
    assert data.x_train.shape == (2_000, 784)
    assert data.x_test.shape == (500, 784)
    assert data.x_train.dtype == np.float32
    assert data.t_train.dtype == data.t_test.dtype == np.uint8
    assert not no_mnist.exists()


def test_a_quick_run_says_that_it_takes_digits(tmp_path, no_mnist, few_digits, saved, capsys):
    assert main_on_data(tmp_path, "--quick")["n"] == 2_000
    assert lines_about_digits(capsys) == [f"{SAYS}; accuracies differ from the book's"]
    assert stored(tmp_path, "quick/tests")["data"] == "digits"
    assert verdicts(tmp_path, "quick/tests") == [None, None, None]
    assert marked(saved) == [True, True]


def test_a_run_without_data_is_judged_and_not_marked(tmp_path, no_mnist, saved):
    main(tmp_path, plot=two_figures)
    assert marked(saved) == [False, False]
    assert verdicts(tmp_path) == [True, False]


def test_quick_without_mnist_ends_with_a_message_where_mnist_was_asked_for(tmp_path, no_mnist):
    with pytest.raises(SystemExit, match="--quick never downloads, and MNIST is not on"):
        main_on_data(tmp_path, "--data", "mnist", "--quick")


def test_missing_mnist_ends_with_its_message_where_it_was_asked_for(tmp_path, no_mnist):
    with pytest.raises(SystemExit, match="MNIST could not be downloaded"):
        main_on_data(tmp_path, "--data", "mnist")


@pytest.mark.parametrize("flags", [[], ["--quick"], ["--data", "mnist"]])
def test_a_wrong_data_folder_is_no_reason_for_digits(
    tmp_path, no_mnist, few_digits, monkeypatch, flags
):
    monkeypatch.setenv("DLBASICS_DATA", str(tmp_path / "misspelt"))
    with pytest.raises(SystemExit, match=r"DLBASICS_DATA names .*misspelt, which is not a folder"):
        main_on_data(tmp_path, *flags)
    assert few_digits == []


@pytest.mark.parametrize("flags", [[], ["--quick"]])
def test_a_damaged_mnist_is_no_reason_for_digits(tmp_path, found_mnist, few_digits, flags):
    next(found_mnist.glob("train-images*")).write_bytes(b"no IDX file")
    with pytest.raises(SystemExit, match="expected an IDX file"):
        main_on_data(tmp_path, *flags)
    assert few_digits == []


def test_a_wrong_data_folder_does_not_matter_to_digits(no_mnist, few_digits, monkeypatch):
    monkeypatch.setenv("DLBASICS_DATA", str(no_mnist / "misspelt"))
    assert experiment.load_data("digits").name == "digits"


def test_patterns_are_no_data_set(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(tmp_path, "--data", "patterns")
    assert "choose from" in capsys.readouterr().err


def test_a_run_on_digits_leaves_the_readmes_table_alone(tmp_path, no_mnist, few_digits):
    main_on_data(tmp_path, plot=None)
    path = tmp_path / "digits" / "tests" / "test_experiment.json"
    assert verdicts(tmp_path, "digits/tests") == [None, True, False]
    assert len(table([path]).splitlines()) == 2
    readme = tmp_path / "README.md"
    row = "| [`test_experiment.py`](test_experiment.py) | anywhere | 1 | 60000 |"
    readme.write_text(f"| [`test_experiment.py`](x) |\n{BEGIN}\n{row}\n{END}\n", "utf-8")
    update_readme(readme, [path])
    assert row in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("judged", "on_mnist", "expected"),
    [
        (True, True, [True, True, False]),
        (True, False, [None, True, False]),
        (False, True, [None, None, None]),
        (False, False, [None, None, None]),
    ],
)
def test_claims_are_judged_where_they_must_hold(judged, on_mnist, expected):
    found = experiment.judge(DATA_CLAIMS, {"n": 7}, judged=judged, on_mnist=on_mnist)
    assert [verdict.holds for verdict in found] == expected
    assert [verdict.ours for verdict in found] == [7, 7, 7]


def test_a_mark_stands_below_everything_else():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from dlbasics import plotting

    figure = plot(None)["curve"]
    plotting.mark(figure, "some words")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    words = [t for t in figure.texts if t.get_text() == "some words"]
    assert len(words) == 1
    box = words[0].get_window_extent(renderer)
    axes = figure.axes[0].get_tightbbox(renderer)
    assert box.y1 <= axes.y0
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert box.y0 >= 0


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
        (np.array([1e-10]), 2, "(1e-10,)"),
        ("never", 4, "never"),
    ],
)
def test_numbers_as_they_are_shown(value, digits, text):
    assert shown(value, digits) == text


def test_a_readmes_table_is_replaced_and_nothing_else(tmp_path):
    main(tmp_path)
    readme = tmp_path / "README.md"
    above = "| [`test_experiment.py`](x) | ours |\n| [`other.py`](other.py) | another |\n"
    kept = "| [`other.py`](other.py) | kept | 1 | 1 |"
    dropped = "| [`gone.py`](gone.py) | gone | 1 | 1 |\n| [`test_experiment.py`](x) | old | 1 | 2 |"
    readme.write_text(f"{above}{BEGIN}\n{dropped}\n{kept}\n{END}\nBelow.\n", "utf-8")
    for _ in range(2):
        update_readme(readme, [tmp_path / "tests" / "test_experiment.json"])
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"{above}{BEGIN}\n\n| script |")
    assert text.index("| steps | 10 | 10 |\n") < text.index(kept)
    assert "gone" not in text
    assert "old" not in text
    assert text.endswith(f"\n\n{END}\nBelow.\n")
    readme.write_text("no marks", "utf-8")
    with pytest.raises(ValueError, match="must have the lines"):
        update_readme(readme, [])
    assert readme.read_text(encoding="utf-8") == "no marks"


def test_a_training_that_diverges_ends_with_one_line(tmp_path):
    def diverge():
        raise FloatingPointError("iteration 3: the loss is nan")

    with pytest.raises(SystemExit, match="training failed: iteration 3: the loss is nan"):
        experiment.main("T", diverge, argv=["--out", str(tmp_path)])


def test_a_run_that_is_interrupted_ends_with_one_line(tmp_path, capsys):
    def run():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stopped:
        experiment.main("T", run, argv=["--out", str(tmp_path)])
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted: nothing was stored\n"


def test_ctrl_c_while_data_is_loaded_ends_with_one_line_too(tmp_path, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "load_data", interrupt)
    with pytest.raises(SystemExit) as stopped:
        main_on_data(tmp_path)
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted: nothing was stored\n"


def test_a_mark_takes_no_room_from_the_figure():
    from dlbasics import plotting

    figure = plot(None)["curve"]
    height = figure.get_figheight()
    plotting.mark(figure, "some words")
    assert figure.get_figheight() > height + 0.2


def test_a_run_says_at_once_what_it_is(tmp_path, capsys):
    def run():
        return {"printed": capsys.readouterr().out}

    result = experiment.main("A title.\n\nMore.", run, argv=["--out", str(tmp_path)])
    assert result["printed"] == "A title.\n"


def blas_threads():
    libraries = threadpoolctl.threadpool_info()
    return {each["num_threads"] for each in libraries if each["user_api"] == "blas"}


@pytest.mark.parametrize("variable", [None, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_products_keep_to_one_core_unless_the_environment_says_otherwise(monkeypatch, variable):
    for name in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.delenv(f"{name}_NUM_THREADS", raising=False)
    if variable is not None:
        monkeypatch.setenv(variable, "2")
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        with experiment.one_blas_thread():
            inside = blas_threads()
        after = blas_threads()
    assert inside <= ({1} if variable is None else {2})
    assert after <= {2}
