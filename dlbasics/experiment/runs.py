"""Runs many experiments, each in a process of its own, and finds the results that they left."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlbasics._internal.files import parse_json
from dlbasics.experiment.catalog import Entry
from dlbasics.experiment.claims import Verdict
from dlbasics.experiment.fingerprint import is_current
from dlbasics.experiment.measured import usual_seconds

KINDS = {
    "default": bool,
    "quick": bool,
    "sources": dict,
    "versions": dict,
    "config": dict,
    "seconds": int | float,
    "claims": list,
    "figures": list,
}
"""What a file of results says about a run, beside its seed and data."""

LAST = 4_000
"""The number of bytes at the end of a log in which the reason of a failure is looked for."""


@dataclass(frozen=True)
class Setting:
    """What a set of runs has in common.

    Attributes:
        out: The folder for figures and results.
        data: 'mnist' or 'digits'.
        quick: Whether the runs are quick.
        seed: The seed of all random numbers.
    """

    out: Path = Path("out")
    data: str = "mnist"
    quick: bool = False
    seed: int = 0

    @property
    def base(self) -> Path:
        """The folder for --out: each seed but 0 has its own."""
        return self.out / f"seed-{self.seed}" if self.seed else self.out

    @property
    def folder(self) -> Path:
        """The folder of the report: quick runs and runs on digits have their own."""
        return self.base / ("quick" if self.quick else "digits" if self.data == "digits" else "")

    def log_file(self, entry: Entry) -> Path:
        """Return the file for what an experiment prints."""
        return self.folder / "report" / "logs" / f"{entry.folder}_{entry.script}.txt"


@dataclass(frozen=True)
class Outcome:
    """How the run of an experiment ended.

    Attributes:
        entry: The experiment.
        seconds: The time that it took.
        error: The last line of what it printed, if it failed, else ''.
    """

    entry: Entry
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Result:
    """What a run left.

    Attributes:
        path: The file of results.
        about: What the file says.
    """

    path: Path
    about: dict[str, Any]

    @property
    def figures(self) -> list[Path]:
        """The files of the figures."""
        return [self.path.with_name(name) for name in self.about["figures"]]


def stored(entry: Entry, setting: Setting) -> Result | None:
    """Return what a run with this setting left, perhaps with other code; None if nothing."""
    return next(_all_stored(entry, setting), None)


def _all_stored(entry: Entry, setting: Setting) -> Iterator[Result]:
    # An experiment without images writes to the same folder, whatever the data of the others.
    for folder in dict.fromkeys((setting.folder, setting.base)):
        path = folder / entry.folder / f"{entry.script}.json"
        with suppress(OSError, ValueError):
            about = parse_json(path.read_text(encoding="utf-8"))
            if _fits(about, setting):
                yield Result(path, about)


def _fits(about: Any, setting: Setting) -> bool:
    """Return whether the file of results is complete, and that of a run with this setting."""
    return (
        isinstance(about, dict)
        and all(isinstance(about.get(key), kind) for key, kind in KINDS.items())
        and all(re.fullmatch(r"\w+\.png", str(name)) for name in about["figures"])
        and all(isinstance(claim, dict) and _is_verdict(claim) for claim in about["claims"])
        and about["default"]
        and about["quick"] == setting.quick
        and about.get("seed", "") in (None, setting.seed)
        and about.get("data", "") in (None, setting.data)
    )


def _is_verdict(claim: dict[str, Any]) -> bool:
    try:
        verdict = Verdict(**claim)
    except TypeError:
        return False
    texts = (verdict.text, verdict.condition, verdict.why)
    return (
        all(isinstance(text, str) for text in texts)
        and verdict.holds in (True, False, None)
        and type(verdict.digits) is int
        and 0 < verdict.digits < 20
    )


def finished(entry: Entry, setting: Setting) -> Result | None:
    """Return what a run with this setting and today's code left; None if there was no such run."""
    for result in _all_stored(entry, setting):
        if is_current(result.about) and all(path.is_file() for path in result.figures):
            return result
    return None


@dataclass
class Estimate:
    """How long the rest of the runs takes, judged by those that have ended.

    Attributes:
        setting: The setting of the runs.
        jobs: The number of runs at the same time.
        waiting: The experiments that have not started.
        running: The experiments that run, each with its start.
        ended: The experiments that have ended, each with the time it took.
    """

    setting: Setting
    jobs: int
    waiting: list[Entry]
    running: dict[Entry, float] = field(default_factory=dict)
    ended: dict[Entry, float] = field(default_factory=dict)

    def usual(self, entry: Entry) -> float:
        """Return the seconds that an experiment took elsewhere."""
        return 2.0 if self.setting.quick else usual_seconds(entry.name)

    def pace(self, now: float) -> float:
        """Return the time that runs take, divided by the time that they usually take."""
        taken = dict(self.ended)
        for entry, start in self.running.items():
            if now - start > self.usual(entry):  # it has not ended, but tells that all is slow
                taken[entry] = now - start
        # The usual times of a minute count, too: the first runs are short, and tell little.
        return (sum(taken.values()) + 60) / (sum(map(self.usual, taken)) + 60)

    def share(self, now: float) -> float:
        """Return the share of the work that is done, from 0 to 1."""
        pace = self.pace(now)
        running = {entry: pace * self.usual(entry) for entry in self.running}
        done = pace * sum(map(self.usual, self.ended))
        waiting = pace * sum(map(self.usual, self.waiting))
        total = done + sum(running.values()) + waiting
        done += sum(min(now - self.running[entry], 0.95 * running[entry]) for entry in running)
        return done / total if total else 1.0

    def left(self, now: float) -> float:
        """Return the seconds until all runs have ended."""
        pace = self.pace(now)
        rest = [
            max(pace * self.usual(entry) - (now - start), 1)
            for entry, start in self.running.items()
        ]
        alone = pace * sum(self.usual(entry) for entry in self.waiting if entry.is_timed)
        others = pace * sum(self.usual(entry) for entry in self.waiting if not entry.is_timed)
        return max(max(rest, default=0), (sum(rest) + others) / self.jobs) + alone


class Children:
    """The processes that run."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    def wait_for(self, child: subprocess.Popen[bytes]) -> int:
        """Wait until a process has ended, and return its exit code."""
        with self._lock:
            self._running.add(child)
            if self._is_stopped:
                child.kill()
        code = child.wait()
        with self._lock:
            self._running.discard(child)
        return code

    def stop(self) -> None:
        """End all processes, and those that are about to start."""
        with self._lock:
            self._is_stopped = True
            for child in self._running:
                child.kill()


def run_all(
    entries: Sequence[Entry],
    setting: Setting,
    jobs: int,
    show: Callable[[Estimate, Outcome | None], None],
) -> list[Outcome]:
    """Run experiments, `jobs` at a time; those that measure times run last, one by one.

    Args:
        entries: The experiments.
        setting: What the runs have in common.
        jobs: The number of runs at the same time.
        show: A function that is called twice a second, and with each outcome.

    Returns:
        The outcomes, in the order in which they came.  A run that fails does not stop the others.
    """
    # The longest come first, so that no process waits for one that has started last.
    estimate = Estimate(setting, jobs, sorted(entries, key=lambda e: -usual_seconds(e.name)))
    outcomes: list[Outcome] = []
    children = Children()

    def run(entry: Entry) -> Outcome:
        try:
            return _run(entry, setting, children)
        except OSError as error:  # such as a full disk
            return Outcome(entry, 0.0, str(error))

    with ThreadPoolExecutor(jobs) as pool:
        futures: set[Future[Outcome]] = set()
        try:
            while estimate.waiting or futures:
                while entry := _next(estimate, jobs):
                    estimate.waiting.remove(entry)
                    estimate.running[entry] = time.perf_counter()
                    futures.add(pool.submit(run, entry))
                done, futures = wait(futures, 0.5, FIRST_COMPLETED)
                for outcome in (future.result() for future in done):
                    estimate.ended[outcome.entry] = outcome.seconds
                    del estimate.running[outcome.entry]
                    outcomes.append(outcome)
                    show(estimate, outcome)
                show(estimate, None)
        except BaseException:
            children.stop()
            raise
    return outcomes


def _next(estimate: Estimate, jobs: int) -> Entry | None:
    """Return the experiment that may start now, if one may."""
    if len(estimate.running) >= jobs:
        return None
    for entry in estimate.waiting:
        if not entry.is_timed:
            return entry
    return estimate.waiting[0] if estimate.waiting and not estimate.running else None


def _run(entry: Entry, setting: Setting, children: Children) -> Outcome:
    log = setting.log_file(entry)
    log.parent.mkdir(parents=True, exist_ok=True)
    safe = ["-P"] if getattr(sys.flags, "safe_path", False) else []
    command = [
        sys.executable,
        *safe,
        "-m",
        "dlbasics.experiment.child",
        entry.name,
        str(setting.base),
    ]
    command += [setting.data, str(setting.seed), *["--quick"] * setting.quick]
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    start = time.perf_counter()
    with log.open("wb") as file:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, env=environment
        )
        code = children.wait_for(child)
        if child.stdin is not None:
            child.stdin.close()
    seconds = time.perf_counter() - start
    if code == 0 and finished(entry, setting):
        return Outcome(entry, seconds)
    return Outcome(entry, seconds, _reason(log, code))


def _reason(log: Path, code: int) -> str:
    """Return the last line of a log, or else the exit code."""
    if code < 0 or code > 255:
        return f"another program ended it (exit code {code})"
    lines = log.read_bytes()[-LAST:].decode("utf-8", "replace").split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    if code == 0:
        return "the code changed while it ran"
    return lines[-1] if lines else f"exit code {code}"
