"""Ctrl-C ends a script with the exit code 130 and leaves no result, whatever the script does."""

import os
import signal
import subprocess
import sys
import time

import pytest

from dlbasics.experiment import Experiment, experiment, output
from tests.experiment import sample
from tests.helpers import ROOT

pytestmark = pytest.mark.long

SECONDS = 60
"""A limit for processes that would hang; a process that works ends long before."""


@pytest.fixture(autouse=True)
def pythons_ctrl_c():
    """Ctrl-C as Python has it at first: a process in the background of a shell may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to consoles only")
@pytest.mark.parametrize("waits", [*sample.WAITS])
def test_ctrl_c_in_a_terminal_ends_a_run_at_once(tmp_path, waits):
    """All processes of the script's terminal get the signal, as from the keyboard."""
    script = subprocess.Popen(
        [sys.executable, "-m", "tests.experiment.sample", "--waits", waits],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        while "waiting" not in script.stdout.readline():
            assert script.poll() is None, script.stderr.read()
        os.killpg(script.pid, signal.SIGINT)
        out, err = script.communicate(timeout=SECONDS)
    finally:
        script.kill()
        script.wait()
    assert script.returncode == 130
    assert err == "\ninterrupted: nothing was stored\n"
    assert out == ""
    assert not list(tmp_path.rglob("*.json"))
    with pytest.raises(ProcessLookupError):  # soon no worker is left
        for _ in range(10 * SECONDS):
            os.killpg(script.pid, 0)
            time.sleep(0.1)


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_ctrl_c_while_data_is_loaded_ends_with_one_line_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(experiment, "load_data", interrupt)
    with pytest.raises(SystemExit) as stopped:
        Experiment("T", lambda data: {}).main(["--out", str(tmp_path)])
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted: nothing was stored\n"


def test_ctrl_c_while_figures_are_drawn_says_where_the_result_is(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        Experiment("T", lambda: {"n": 1}, interrupt).main(["--out", str(tmp_path)])
    assert stopped.value.code == 130
    path = tmp_path / "experiment" / "test_ctrl_c.json"
    assert capsys.readouterr().err == f"\ninterrupted: the result is in {path}\n"
    assert path.exists()


def test_ctrl_c_that_a_library_turns_into_another_error_is_still_ctrl_c(tmp_path, capsys):
    def wrap(result):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise RuntimeError("while importing") from error

    with pytest.raises(SystemExit) as stopped:
        Experiment("T", lambda: {"n": 1}, wrap).main(["--out", str(tmp_path)])
    assert stopped.value.code == 130
    assert "the result is in" in capsys.readouterr().err


def test_ctrl_c_waits_until_the_result_is_stored(tmp_path, monkeypatch, capsys):
    save = output.save_result

    def save_interrupted(*args):
        signal.raise_signal(signal.SIGINT)
        save(*args)

    monkeypatch.setattr(output, "save_result", save_interrupted)
    with pytest.raises(SystemExit) as stopped:
        Experiment("T", lambda: {"n": 1}).main(["--out", str(tmp_path)])
    assert stopped.value.code == 130
    assert (tmp_path / "experiment" / "test_ctrl_c.json").exists()
    assert "the result is in" in capsys.readouterr().err


def test_ctrl_c_in_a_notebook_gives_no_half_result():
    """The Trainer alone would hold Ctrl-C and return, and the run would go on."""

    def run():
        import numpy as np

        from dlbasics import Trainer, TwoLayerNet

        x, t = np.zeros((10, 4)), np.zeros(10, int)
        ctrl_c = [lambda _: signal.raise_signal(signal.SIGINT)]
        network = TwoLayerNet(4, 2, 2)
        return Trainer(network, x, t, x, t, epochs=3, verbose=False, callbacks=ctrl_c).train()

    with pytest.raises(KeyboardInterrupt):
        Experiment("T", run).run()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_after_a_run_ctrl_c_is_what_it_was(tmp_path):
    Experiment("T", lambda: {}).main(["--out", str(tmp_path)])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.set_wakeup_fd(-1) == -1
