"""Cores and processes."""

import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from dlbasics.experiment import processes
from tests.helpers import ROOT, cores


def test_one_process_is_this_one():
    with processes(1) as pool:
        assert pool is None


@pytest.mark.long
def test_several_processes_keep_products_to_one_core(monkeypatch):
    for name in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.delenv(f"{name}_NUM_THREADS", raising=False)
    with processes(2) as pool:
        jobs = [pool.submit(cores), pool.submit(os.getpid)]
        threads, process = (job.result() for job in jobs)
    assert threads <= {1}
    assert process != os.getpid()


@pytest.mark.long
def test_an_error_ends_the_processes_at_once():
    mine = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    mine.start()
    with pytest.raises(RuntimeError, match="enough"), processes(2) as pool:
        pool.submit(time.sleep, 600)
        raise RuntimeError("enough")
    assert multiprocessing.active_children() == [mine], "a process of the caller's own"
    mine.terminate()
    mine.join()


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
def test_the_processes_end_with_the_one_that_started_them(tmp_path):
    code = "from tests.experiment import sample; print('ready', flush=True); sample.work()"
    command = [sys.executable, "-c", f"if __name__ == '__main__': {code}"]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    with parent:
        parent.stdout.readline()
        time.sleep(1.5)  # until some of its processes run
        parent.kill()
    with pytest.raises(ProcessLookupError):
        for _ in range(600):
            os.killpg(parent.pid, 0)
            time.sleep(0.1)
