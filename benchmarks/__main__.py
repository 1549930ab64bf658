"""The time of training steps and predictions, over that of PyTorch, the book and straight NumPy.

    python -m benchmarks [--only TEXT] [--rounds N] [--seconds S] [--no-write]

It takes less than ten minutes, and writes its tables into docs/performance.md, which says what is
compared with what.  The machine must do nothing else: the command prints whether that was so.
"""

import argparse
import os
import platform
import re
import textwrap
import time
from importlib import import_module
from pathlib import Path

import numpy as np

import dlbasics
from benchmarks.sides import NUMPY_ALONE, SIDES, STRAIGHT, TASKS, WITH_FAST
from benchmarks.turns import Times, measure

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- written by python -m benchmarks -->", "<!-- end -->"
OURS = NUMPY_ALONE, WITH_FAST
PACKAGES = {side: "torch" for side in SIDES if "PyTorch" in side} | {WITH_FAST: "numba"}
TITLES = {
    2: "By the clock, on two threads:",
    1: "By processor time, on one thread each:",
}


def version(package: str) -> str:
    """Return the version of a package, or nothing if it cannot be imported."""
    try:
        return str(import_module(package).__version__)
    except (ImportError, OSError):
        return ""


def sides_of(task: str) -> list[str]:
    """Return the sides that do the task and are installed."""
    straight = [] if TASKS[task].has_convolutions else [STRAIGHT]
    sides = [side for side in SIDES if side != STRAIGHT] + straight
    return [side for side in sides if side not in PACKAGES or version(PACKAGES[side])]


def cell(times: Times, ours: str, theirs: str, threads: int) -> str:
    """Return the median of the rounds' ratios, and their 5 to 95% range."""
    for side in (theirs, ours):
        if (side, threads) not in times:
            return "not installed" if side in PACKAGES else ""
    ratios = np.divide(times[ours, threads], times[theirs, threads])
    low, middle, high = np.nanquantile(ratios, [0.05, 0.5, 0.95])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def table(results: dict[str, Times], threads: int) -> str:
    others = [side for side in SIDES if side not in OURS]
    rows = [["task", "dlbasics", *others], ["---"] * (2 + len(others))]
    for task, times in results.items():
        for ours in OURS:
            cells = [cell(times, ours, theirs, threads) for theirs in others]
            rows.append([task if ours == OURS[0] else "", ours, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def busy_and_own() -> tuple[float, float] | None:
    """Return the processor time of all programs, and that of this one; None if nothing tells."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return busy, sum(os.times()[:4])


def quietness(before: tuple[float, float] | None, seconds: float) -> str:
    """Say how much processor time other programs used since then."""
    if before is None or (now := busy_and_own()) is None:
        return "It is not known whether other programs ran."
    others = (now[0] - before[0]) - (now[1] - before[1])
    share = max(0.0, others / (seconds * (os.cpu_count() or 1)))
    verdict = "was quiet" if share < 0.02 else "was not quiet; the times by the clock mean little"
    return f"Other programs used {share:.1%} of the processor time: the machine {verdict}."


def machine() -> str:
    """Describe the machine, without its name."""
    from threadpoolctl import threadpool_info

    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        cpuinfo = ""
    named = re.search(r"model name\s*: (.*)", cpuinfo)
    processor = named[1] if named else platform.processor() or platform.machine()
    blas = ", ".join(
        f"{info['internal_api']} {info['version']} for {info.get('architecture', 'any processor')}"
        for info in threadpool_info()
        if info["user_api"] == "blas" and "numpy" in info["filepath"]
    )
    packages = [f"{name} {version(name) or 'is not installed'}" for name in ("torch", "numba")]
    return (
        f"dlbasics {dlbasics.__version__} on {os.cpu_count()} cores of: {processor}; "
        f"{platform.system()}, Python {platform.python_version()}, NumPy {np.__version__} with "
        f"{blas or 'an unknown BLAS'}, {', '.join(packages)}."
    )


def write(text: str, page: Path = PAGE) -> None:
    """Put the text between the two markers of the page."""
    old = page.read_text(encoding="utf-8")
    head, begin, rest = old.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} must have the lines {BEGIN} and {END}")
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8", newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="tasks with this text alone; writes nothing")
    parser.add_argument("--rounds", type=int, default=15, help="the most for each task")
    parser.add_argument("--seconds", type=float, default=0.15, help="for each side in a round")
    parser.add_argument("--no-write", action="store_true", help="print the tables alone")
    options = parser.parse_args()
    tasks = [task for task in TASKS if options.only in task]
    if not tasks or options.rounds < 1:
        parser.error(f"--rounds must be at least 1, and --only part of one of: {'; '.join(TASKS)}")
    before, start = busy_and_own(), time.perf_counter()
    results = {}
    for task in tasks:
        results[task] = measure(task, sides_of(task), options.rounds, options.seconds)
        print(f"{time.perf_counter() - start:4.0f} s  {task}", flush=True)
    about = f"{machine()} {quietness(before, time.perf_counter() - start)}"
    tables = [f"{title}\n\n{table(results, threads)}" for threads, title in TITLES.items()]
    text = "\n\n".join([textwrap.fill(about, 100), *tables])
    print(f"\n{text}")
    if not (options.only or options.no_write):
        write(text)


if __name__ == "__main__":
    main()
