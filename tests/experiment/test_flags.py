"""The command line of a script."""

import pytest

from dlbasics.experiment import Experiment
from tests.experiment.sample import experiment


def test_every_setting_has_a_flag(tmp_path):
    flags = "--steps 3 --rate 2 --sizes 5 6 7 --no-smooth --method two --folder there"
    config = experiment.main(["--out", str(tmp_path), *flags.split()]).config
    assert (config.steps, config.rate, config.sizes) == (3, 2.0, (5, 6, 7))
    assert (config.smooth, config.method, config.folder.name) == (False, "two", "there")


def test_quick_changes_settings_unless_their_own_flags_are_given(tmp_path):
    out = ["--out", str(tmp_path), "--quick"]
    assert experiment.main(out).config.steps == 2
    assert experiment.main([*out, "--steps", "4"]).config.steps == 4


@pytest.mark.parametrize("flags", ["--learning-rate 3", "--learning_rate 3", "--learning_rate=3"])
def test_a_flag_is_spelt_with_dashes_or_as_in_python(tmp_path, flags):
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Rates:
        learning_rate: int = 1

    script = Experiment("T", lambda config: {"rate": config.learning_rate}, config=Rates)
    assert script.main(["--out", str(tmp_path / "with_underscore"), *flags.split()])["rate"] == 3


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--steps x", "argument --steps: invalid int value: 'x'"),
        ("--steps 1001", "steps must be at most 1000, got 1001"),
        ("--unknown", "unrecognized arguments: --unknown"),
        ("--step 3", "unrecognized arguments: --step 3"),
        ("--method 3", "argument --method: invalid choice: '3'"),
        ("--seed -1", "argument --seed: must be an integer from 0 on, got '-1'"),
        ("--rate -1", "rate must be 0 or above, got -1"),
        ("--data digits", "unrecognized arguments: --data digits"),
        ("--out=", "argument --out: must be the name of a folder, got ''"),
    ],
)
def test_a_bad_flag_ends_with_a_message(tmp_path, flags, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        experiment.main(["--out", str(tmp_path), *flags.split()])
    assert stopped.value.code == 2
    assert f"error: {message}" in capsys.readouterr().err


def help_of(script, capsys):
    with pytest.raises(SystemExit):
        script.main(["--help"])
    return " ".join(capsys.readouterr().out.split())


def test_help_explains_every_setting(capsys):
    text = help_of(experiment, capsys)
    assert "--steps N The number of steps (10)" in text, "a setting of a base class"
    assert "--rate X The rate of learning, which is 100% for 1 (0.5)" in text
    assert "--sizes N [N ...] The sizes (3 4)" in text
    assert "--folder FILE A folder (here)" in text


def test_flags_that_would_do_nothing_are_not_offered(capsys):
    """Those for random numbers, data, progress and figures."""
    shared = {"--seed", "--data", "--show", "--no-progress"}
    bare = help_of(Experiment("T", lambda: {}), capsys)
    assert {flag for flag in shared if flag in bare} == set()
    assert "--out" in bare
    full = help_of(Experiment("T", lambda rng, data, progress: {}, lambda result: {}), capsys)
    assert {flag for flag in shared if flag in full} == shared


def test_an_underscore_in_a_value_stays(tmp_path):
    folder = tmp_path / "my_folder"
    experiment.main([f"--out={folder}", "--folder=a_b=c_d"])
    assert (folder / "experiment" / "sample.json").exists()
    assert experiment.main([f"--out={folder}", "--folder=a_b=c_d"]).config.folder.name == "a_b=c_d"
