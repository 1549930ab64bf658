"""Runs every experiment of every chapter, and writes one page with all figures and numbers.

The runs can be stopped and started again: an experiment that has finished is run again only if its
code, settings, data or versions have changed.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dlbasics._internal.files import locked, unlock
from dlbasics._internal.streams import forgiving_streams
from dlbasics.datasets.choice import load_data
from dlbasics.experiment.catalog import CHAPTERS, ROOT, Entry, entries, find, find_chapter, similar
from dlbasics.experiment.claims import expected, shown
from dlbasics.experiment.docs import write_docs
from dlbasics.experiment.report import Tally, write_page
from dlbasics.experiment.runs import Estimate, Outcome, Setting, finished, run_all, stored

BAR = "{percentage:3.0f}% |{bar:10}| {desc}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiments that the command line chooses, and write the page.

    Args:
        argv: The command line; None stands for that of the process.

    Returns:
        The exit code: 0, or 1 if an experiment fails or a claim does not hold.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        chosen = _chosen(args)
    except ValueError as error:
        parser.error(str(error))
    is_part = args.quick or args.chapter or args.only or args.seed or args.data == "digits"
    if args.write_docs and is_part:
        parser.error(
            "--write-docs takes a full run on MNIST with seed 0, and no choice of chapters"
        )
    with forgiving_streams():
        try:
            return _reproduce(args, chosen)
        except KeyboardInterrupt:
            print("\ninterrupted: the same command goes on from here", file=sys.stderr)
            return 130
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dlbasics.reproduce",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--chapter", nargs="+", metavar="N", help="run the experiments of these chapters only")
    add("--only", nargs="+", metavar="NAME", help="run these experiments only: ch07/train_convnet")
    add("--long", action="store_true", help="run ch08_deep/best, too, which takes half an hour")
    add(
        "--quick",
        action="store_true",
        help="take a minute or two: small settings; nothing is judged",
    )
    add(
        "--data",
        choices=("auto", "mnist", "digits"),
        default="auto",
        help="images: MNIST; the digits that dlbasics draws; or MNIST where it is at hand (auto)",
    )
    add("--seed", type=_seed, default=0, metavar="N", help="seed of all random numbers (0)")
    add("--jobs", type=_jobs, default=2, metavar="N", help="experiments at the same time (2)")
    add("--out", type=_out, default=Path("out"), metavar="FOLDER", help="folder for results (out)")
    add("--again", action="store_true", help="run those that have finished once more")
    add(
        "--write-docs",
        action="store_true",
        help="for developers: write the numbers and figures of a full run into docs/ and READMEs",
    )
    return parser


def _out(text: str) -> Path:
    inside = [ROOT / "dlbasics", *(ROOT / chapter.folder for chapter in CHAPTERS)]
    found = Path(text).resolve()
    if not text or found == ROOT or any(found.is_relative_to(folder) for folder in inside):
        raise argparse.ArgumentTypeError(f"must be a folder without the code, got {text!r}")
    return Path(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 on, got {text[:100]!r}")
    return int(text)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 64, got {text!r}")
    return int(text)


def _chosen(args: argparse.Namespace) -> list[Entry]:
    """Return the experiments that the flags choose, in reading order."""
    named = set()
    for name in args.only or ():
        if not (found := find(name)):
            hints = ", ".join(entry.name for entry in similar(name))
            hints = hints or "python -m dlbasics lists all"
            raise ValueError(f"--only: no experiment is called {name!r}; {hints}")
        named |= {*found}
    for name in args.chapter or ():
        if (chapter := find_chapter(name)) is None:
            raise ValueError(f"--chapter must be from 2 to 8, got {name!r}")
        named |= {entry for entry in chapter.entries if args.long or not entry.is_long}
    if not named:
        return [entry for entry in entries() if args.long or not entry.is_long]
    return [entry for entry in entries() if entry in named]


def _reproduce(args: argparse.Namespace, chosen: list[Entry]) -> int:
    # MNIST is downloaded here, once, and not by each experiment.
    data = "digits" if args.data == "digits" else load_data(args.data, quick=args.quick).name
    setting = Setting(args.out, data, args.quick, args.seed)
    if args.write_docs and setting.data != "mnist":
        raise ValueError("--write-docs takes a full run on MNIST, which is not here")
    setting.folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = locked(setting.folder / ".reproduce.lock")
    except BlockingIOError:
        raise ValueError(f"--out: another run of this command uses {setting.folder}") from None
    try:
        start = time.perf_counter()
        rest = [entry for entry in chosen if args.again or finished(entry, setting) is None]
        with tqdm(total=1.0, bar_format=BAR, leave=False, disable=not sys.stderr.isatty()) as bar:
            outcomes = run_all(rest, setting, args.jobs, partial(_show, bar, setting))
        minutes = (time.perf_counter() - start) / 60
        failed = {outcome.entry: outcome.error for outcome in outcomes if outcome.error}
        print(
            f"experiments: {len(rest) - len(failed)} have run in {minutes:.1f} minutes, "
            f"{len(chosen) - len(rest)} had finished before, {len(failed)} failed"
        )
        broken = _print_what_is_wrong(chosen, failed, setting)
        print(f"page: {write_page(setting, failed)}")
        if args.write_docs:
            if failed:
                raise ValueError("--write-docs takes a run in which no experiment fails")
            print(f"written: {write_docs(setting)}")
    finally:
        if lock is not None:
            unlock(lock)
    return 1 if failed or broken else 0


def _print_what_is_wrong(chosen: list[Entry], failed: Mapping[Entry, str], setting: Setting) -> int:
    """Print the failures, how many claims hold, and which do not; return the number of these."""
    for entry, error in failed.items():
        print(f"  {entry.name}: {error} (all that it printed: {setting.log_file(entry)})")
    results = {entry: stored(entry, setting) for entry in chosen if entry not in failed}
    tally = Tally.of(result for result in results.values() if result is not None)
    print("claims: quick runs are not judged" if setting.quick else tally.line)
    for entry, result in results.items():
        for claim in result.about["claims"] if result else ():
            if claim["holds"] is False:
                ours = shown(claim["ours"], claim["digits"])
                print(f"  {entry.name}: {claim['text']}: {ours}, not {expected(claim)}")
    return tally.broken


def _show(bar: Any, setting: Setting, estimate: Estimate, outcome: Outcome | None) -> None:
    """Move the bar to where the runs are; print a line for an experiment that has ended."""
    if outcome is not None:
        result = None if outcome.error else stored(outcome.entry, setting)
        words = Tally.of([result]).short if result else f"failed: {outcome.error}"
        words = "" if result and setting.quick else f": {words}"
        bar.write(f"{outcome.entry.name} ({outcome.seconds:.0f} s){words}")
    now = time.perf_counter()
    ended, running = len(estimate.ended), [entry.script for entry in estimate.running]
    total = ended + len(running) + len(estimate.waiting)
    left = f"about {minutes} min" if (minutes := round(estimate.left(now) / 60)) else "under 1 min"
    text = f"{ended} of {total}, {left} left"
    bar.n = min(1.0, estimate.share(now))
    bar.set_description_str(f"{text}: {', '.join(running)}"[:70])


if __name__ == "__main__":
    sys.exit(main())
