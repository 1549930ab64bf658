"""No script dies of what it prints."""

import os
import subprocess
import sys

import pytest

from tests.helpers import ROOT

pytestmark = pytest.mark.long

SAMPLE = [sys.executable, "-W", "error", "-m", "tests.experiment.sample"]
# Without a buffer, no text would be left for the end of the process.
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "", "MPLBACKEND": "Agg"}
EXPECTED = {"sample.json", "sample.npz", "sample_curve.png"}


def start(tmp_path, command, **env):
    return subprocess.run(
        command,
        env=os.environ | ENVIRONMENT | env,
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )


def stored(tmp_path, out="out"):
    return {path.name for path in (tmp_path / out / "experiment").iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="these are commands of a POSIX shell")
@pytest.mark.parametrize(
    "redirection",
    ["2>&-", "<&- >&- 2>&-", "2>&1 | head -1", "> /dev/full"],
)
def test_a_stream_that_takes_nothing_costs_no_result(tmp_path, redirection):
    if "full" in redirection and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    shell = f'set -o pipefail; "$@" {redirection}'
    done = start(tmp_path, ["bash", "-c", shell, "bash", *SAMPLE])
    assert (done.returncode, done.stderr) == (0, b"")
    assert stored(tmp_path) == EXPECTED


@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_characters_that_the_encoding_lacks_are_escaped(tmp_path, encoding):
    code = (
        "from tests.experiment import sample\n"
        "from dlbasics.experiment import Claim, Experiment\n"
        "claims = [Claim('sum in km², žluťoučký', 1, lambda r: 'café', bool)]\n"
        "Experiment('An émigré in Łódź.', sample.run, sample.plot, sample.Config, claims=claims)"
        ".main(['--out', 'äłß'])\n"
    )
    done = start(tmp_path, [sys.executable, "-c", code], PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u0141\\xf3d\\u017a" in done.stdout
    assert stored(tmp_path, "äłß") == EXPECTED


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no user numbers")
def test_a_user_without_name_and_home_gets_the_result(tmp_path, monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("DLBASICS_CACHE", "DLBASICS_DATA"):
        monkeypatch.delenv(name, raising=False)
    code = (
        "import pwd, runpy\n"
        "def getpwuid(number): raise KeyError(number)\n"
        "pwd.getpwuid = getpwuid\n"
        "runpy.run_module('ch03_forward.show_mnist', run_name='__main__', alter_sys=True)\n"
    )
    done = start(tmp_path, [sys.executable, "-c", code, "--quick"], TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "out" / "quick" / "ch03_forward" / "show_mnist.json").exists()
