"""`python -m dlbasics.reproduce`: all experiments, started as its reader would."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from dlbasics._internal.files import locked, unlock
from dlbasics.reproduce import _chosen, _parser, main
from tests.helpers import ROOT

pytestmark = pytest.mark.long

THREE = ["ch02/gates", "ch02/adders", "ch05/buy_apple"]
SECONDS = 120
"""A limit for processes that would hang."""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, which a test may change."""
    folder = tmp_path_factory.mktemp("project")
    unwanted = shutil.ignore_patterns("__pycache__", "pad", "*.npz")
    for name in ["dlbasics", *(path.name for path in ROOT.glob("ch0?_*"))]:
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    return folder


def command(*flags):
    return [sys.executable, "-W", "error", "-m", "dlbasics.reproduce", *flags]


def reproduce(project, *flags, names=THREE):
    """Run the command, and return the process that has ended."""
    return subprocess.run(
        command("--only", *names, "--data", "digits", *flags),
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SECONDS,
    )


def page_of(project, *folders):
    return project.joinpath("out", *folders, "report", "index.html").read_text(encoding="utf-8")


@pytest.fixture
def changed(project):
    """A function that replaces a text in a file of the project for the time of a test."""
    before = {}

    def change(file, old, new):
        path = project / file
        text = path.read_text(encoding="utf-8")
        before.setdefault(path, text)
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    yield change
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


def runs(done):
    """Return the experiments that have run."""
    return sorted(re.findall(r"^(\w+/\w+) \(\d+ s\)", done.stdout, re.MULTILINE))


ALL = ["ch02_perceptron/adders", "ch02_perceptron/gates", "ch05_backprop/buy_apple"]


def test_what_has_finished_is_not_run_again(project):
    first = reproduce(project, "--out", "once")
    assert first.returncode == 0, first.stderr
    assert runs(first) == ALL
    assert " claims hold" in first.stdout and "0 failed" in first.stdout
    second = reproduce(project, "--out", "once")
    assert second.returncode == 0
    assert runs(second) == []
    assert "3 had finished before" in second.stdout
    assert runs(reproduce(project, "--out", "once", "--again")) == ALL


def test_only_what_has_changed_is_run_again(project, changed):
    reproduce(project)
    changed("ch02_perceptron/gates.py", '"""', '"""\n')
    assert runs(reproduce(project)) == ALL[:2]  # adders imports gates
    changed("dlbasics/experiment/claims.py", '"""Claims', '"""The claims')
    assert runs(reproduce(project)) == ALL


def test_results_of_other_settings_and_lost_figures_are_not_taken_for_finished(project):
    reproduce(project)
    for script in (["gates.py"], ["adders.py", "--quick"]):
        subprocess.run(
            [sys.executable, f"ch02_perceptron/{script[0]}", *script[1:]],
            cwd=project,
            env=os.environ | {"PYTHONPATH": str(project)},
            capture_output=True,
            check=True,
        )
    assert runs(reproduce(project)) == []
    apple = [sys.executable, "ch05_backprop/buy_apple.py", "--apple", "150"]
    environment = os.environ | {"PYTHONPATH": str(project)}
    subprocess.run(apple, cwd=project, env=environment, capture_output=True, check=True)
    (project / "out" / "ch02_perceptron" / "adders_full_adder.png").unlink()
    assert runs(reproduce(project)) == [ALL[0], ALL[2]]


def test_a_failure_stops_no_other_experiment_and_is_named_at_the_end(project, changed):
    changed("ch02_perceptron/gates.py", "def run(", "def run():\n    1 / 0\n\n\ndef _run(")
    changed("ch05_backprop/buy_apple.py", "import", "import nothing_of_that_name\nimport")
    done = reproduce(project, "--out", "failing", names=["gates", "ch05/buy_apple", "parity"])
    assert done.returncode == 1
    assert "2 failed" in done.stdout
    assert "ch05_backprop/buy_apple: ImportError: cannot import name 'nothing_of_t" in done.stdout
    assert "ch02_perceptron_gates.txt" in done.stdout
    assert "ch02_perceptron/parity (" in done.stdout
    page = (project / "failing" / "digits" / "report" / "index.html").read_text(encoding="utf-8")
    assert "cannot import name &#x27;nothing_of_that_name&#x27;" in page
    assert 'title="failed"' in page


def test_a_claim_that_does_not_hold_is_named_and_makes_the_exit_code_1(project, changed):
    changed("ch05_backprop/buy_apple.py", '"price", 220', '"price", 221')
    done = reproduce(project, names=["ch05/buy_apple"])
    assert done.returncode == 1
    assert "1 of 2 claims hold" in done.stdout
    assert "ch05_backprop/buy_apple: price: 220, not 221" in done.stdout
    assert "1 of 2 claims hold" in page_of(project, "digits")


def test_quick_runs_have_a_page_of_their_own_and_judge_nothing(project):
    done = reproduce(project, "--quick", "--seed", "3", names=["gates", "equal_weights"])
    assert done.returncode == 0, done.stdout
    assert "no claim is judged" in page_of(project, "seed-3", "quick")
    about = project / "out" / "seed-3" / "quick" / "ch06_techniques" / "equal_weights.json"
    about = json.loads(about.read_text(encoding="utf-8"))
    assert (about["quick"], about["seed"], about["data"]) == (True, 3, "digits")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to consoles only")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_runs_that_were_stopped_go_on_where_they_were(project, changed, kind):
    """Ctrl-C comes to one process here; its child ends all the same."""
    changed("ch05_backprop/buy_apple.py", "def run(", "import time\n\n\ndef run(")
    changed(
        "ch05_backprop/buy_apple.py", "    return Result", "    time.sleep(9)\n    return Result"
    )
    folder = f"stopped-{kind.value}"
    flags = ["--only", *THREE, "--data", "digits", "--out", folder, "--jobs", "1"]
    with subprocess.Popen(
        command(*flags),
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as stopped:
        lock = project / folder / "ch05_backprop" / ".buy_apple.lock"
        while not lock.exists():
            assert stopped.poll() is None, stopped.stderr.read()
            time.sleep(0.05)
        stopped.send_signal(kind)
        out, err = stopped.communicate(timeout=SECONDS)
    assert stopped.returncode in (130, -signal.SIGKILL)
    assert ("goes on from here" in err) == (kind == signal.SIGINT)
    changed("ch05_backprop/buy_apple.py", "time.sleep(9)", "time.sleep(0)")
    again = reproduce(project, "--out", folder)
    assert again.returncode == 0, again.stdout
    assert len(runs(again)) == 3 - len(re.findall(r"hold$", out, re.MULTILINE))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--only", "gate"], "--only: no experiment is called 'gate'; ch02_perceptron/gates"),
        (["--chapter", "9"], "--chapter must be from 2 to 8, got '9'"),
        (["--out", ""], "must be a folder without the code, got ''"),
        (["--out", str(ROOT)], "must be a folder without the code"),
        (["--out", str(ROOT / "ch02_perceptron" / "out")], "must be a folder without the code"),
        (["--only", "xyzzy"], "no experiment is called 'xyzzy'; python -m dlbasics lists all"),
        (["--jobs", "0"], "must be a number from 1 to 64, got '0'"),
        (["--seed", "-1"], "--seed"),
        (["--data", "cats"], "invalid choice: 'cats'"),
        (["--write-docs", "--quick"], "--write-docs takes a full run on MNIST with seed 0"),
        (["--write-docs", "--chapter", "2"], "--write-docs takes a full run"),
        (["--write-docs", "--data", "digits"], "--write-docs takes a full run"),
    ],
)
def test_flags_that_make_no_sense_are_refused_before_anything_runs(flags, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(flags)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_chapter_is_run_without_what_takes_half_an_hour_unless_long():
    chosen = {}
    for flags in (
        ["--chapter", "8"],
        ["--chapter", "8", "--long"],
        [],
        ["--long"],
        ["--only", "best"],
    ):
        names = [entry.script for entry in _chosen(_parser().parse_args(flags))]
        chosen[" ".join(flags)] = "best" in names
    assert list(chosen.values()) == [False, True, False, True, True]


def test_two_commands_do_not_use_one_folder(tmp_path, capsys):
    (tmp_path / "quick").mkdir()
    lock = locked(tmp_path / "quick" / ".reproduce.lock")
    try:
        assert main(["--only", "gates", "--data", "digits", "--quick", "--out", str(tmp_path)]) == 1
    finally:
        unlock(lock)
    assert "another run of this command uses" in capsys.readouterr().err


def test_a_folder_that_takes_no_files_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "out")
    assert main(["--only", "gates", "--data", "digits", "--quick", "--out", out]) == 1
    assert "file" in capsys.readouterr().err
