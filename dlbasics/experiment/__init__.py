"""The parts that all chapter scripts share: data, claims, and `main` with the command line."""

import argparse
import inspect
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import dlbasics
from dlbasics.datasets.choice import Data, load_data
from dlbasics.experiment.flags import parse
from dlbasics.experiment.results import save_result, shown

Progress = Callable[[Iterable[Any]], Iterable[Any]]

LEFT_OUT = "left out"
"""The value of a claim whose number a run lacks, because of its settings or a missing extra."""


@dataclass(frozen=True)
class Claim:
    """A number of the book, with the way to our number and the test that ours must pass.

    Args:
        text: The name of the number.
        book: The book's number.
        value: A function that returns our number, given the result of a run.
        holds: A function that says whether our number is good enough.
        digits: The number of significant digits in the printout.
        any_data: If True, the claim must hold on other data than MNIST, too.
    """

    text: str
    book: Any
    value: Callable[[Any], Any]
    holds: Callable[[Any], bool]
    digits: int = 4
    any_data: bool = False

    @classmethod
    def same(
        cls,
        text: str,
        book: Any,
        value: Callable[[Any], Any],
        atol: float = 0,
        rtol: float = 0,
        digits: int = 4,
        any_data: bool = False,
    ) -> "Claim":
        """Return a claim that holds if |ours - book| <= atol + rtol |book|.

        Both may be arrays, which must have the same shape.
        """
        return cls(text, book, value, partial(_equal, book, atol, rtol), digits, any_data)


@dataclass(frozen=True)
class Verdict:
    """A claim and our number; `holds` is None if the claim was not judged."""

    text: str
    book: Any
    ours: Any
    holds: bool | None
    digits: int = 4


def _equal(book: Any, atol: float, rtol: float, ours: Any) -> bool:
    return np.shape(book) == np.shape(ours) and np.allclose(ours, book, rtol=rtol, atol=atol)


def judge(
    claims: Sequence[Claim], result: Any, *, judged: bool = True, on_mnist: bool = True
) -> list[Verdict]:
    """Return our number for each claim, and whether the claim holds.

    A claim whose number is `LEFT_OUT` is not judged.

    Args:
        claims: The claims.
        result: The result of a run.
        judged: If False, no claim is judged.
        on_mnist: If False, only claims about any data are judged.
    """
    verdicts = []
    for claim in claims:
        ours = claim.value(result)
        known = judged and ours is not LEFT_OUT and (on_mnist or claim.any_data)
        holds = bool(claim.holds(ours)) if known else None
        verdicts.append(Verdict(claim.text, claim.book, ours, holds, claim.digits))
    return verdicts


@dataclass(frozen=True)
class NoSettings:
    """The Config of a script without settings."""


def main(
    doc: str | None,
    run: Callable[..., Any],
    plot: Callable[[Any], Mapping[str, Any]] | None = None,
    *,
    config: type[Any] = NoSettings,
    claims: Sequence[Claim] = (),
    quick: Mapping[str, Any] | None = None,
    argv: Sequence[str] | None = None,
) -> Any:
    """Run an experiment as its command line says.

    It prints the claims, and writes figures as PNG files and the result as JSON below the folder
    that --out names.

    Args:
        doc: The description of the script.  Its first line is the title.
        run: A function with any of the arguments config, rng, data and progress.
        plot: A function that returns figures by name, given the result of `run`.
        config: A dataclass with the settings, the book's by default.
        claims: The book's numbers.
        quick: The settings that --quick changes.
        argv: The command line; None stands for that of the process.

    Returns:
        The result of `run`.
    """
    args, settings = parse(doc, config, quick or {}, argv)
    title = (doc or "").strip().split("\n")[0]
    print(title, flush=True)
    script = Path(inspect.getfile(run))
    wanted = inspect.signature(run).parameters
    with _one_line_errors():
        data = _data(args) if "data" in wanted else None
    on_mnist = data is None or data.name == "mnist"
    stem = _output_folder(args, script, on_mnist) / script.stem
    given = {
        "config": settings,
        "rng": np.random.default_rng(args.seed),
        "data": data,
        "progress": _progress(args),
    }
    start = time.perf_counter()
    with one_blas_thread(), _one_line_errors():
        result = run(**{name: value for name, value in given.items() if name in wanted})
    seconds = time.perf_counter() - start
    about = {
        "script": f"{script.parent.name}/{script.name}",
        "title": title,
        "config": asdict(settings),
        "seed": args.seed,
        "quick": args.quick,
        "data": None if data is None else data.name,
        "seconds": round(seconds, 2),
        "versions": {
            "dlbasics": dlbasics.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "claims": [],
    }
    # The result is stored before the claims and the figures, which may raise errors.
    save_result(result, about, stem.with_suffix(".json"))
    judged = settings == config() and not args.quick
    if verdicts := judge(claims, result, judged=judged, on_mnist=on_mnist):
        print(_report(verdicts))
        about["claims"] = [asdict(verdict) for verdict in verdicts]
        save_result(result, about, stem.with_suffix(".json"))
    figures = {} if plot is None else plot(result)
    _save_figures(figures, stem, "" if on_mnist else "embedded digits, not MNIST")
    print(f"result: {stem.with_suffix('.json')} ({seconds:.1f} s)")
    _show(figures, args)
    return result


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep matrix products to one core within the block, unless the environment says otherwise.

    A second core hardly speeds up products as small as the book's, and slows them down many times
    if another program keeps it busy.  One core also rounds alike on every machine.
    """
    if any(os.environ.get(f"{name}_NUM_THREADS") for name in ("OMP", "OPENBLAS", "MKL", "VECLIB")):
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits


def processes(count: int) -> AbstractContextManager[Any]:
    """Return an executor of `count` processes for a `with` block; None for the count 1."""
    if count == 1:
        return nullcontext()
    # The start method is the same on every system; a forked process can hang if it has threads.
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """End the program with one line after Ctrl-C and after a training that diverges."""
    try:
        yield
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was stored", file=sys.stderr)
        sys.exit(130)
    except FloatingPointError as error:
        sys.exit(f"training failed: {error}")


def _output_folder(args: argparse.Namespace, script: Path, on_mnist: bool) -> Path:
    """Return the folder out/<chapter>, or another one for quick runs and for runs on digits.

    Such runs do not replace the results of a long run on MNIST.
    """
    kind = "quick" if args.quick else "" if on_mnist else "digits"
    folder = Path(args.out, kind, script.parent.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"--out must be a folder that can be written to: {error}")
    return folder


def _data(args: argparse.Namespace) -> Data:
    try:
        return load_data(args.data, quick=args.quick)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


def _progress(args: argparse.Namespace) -> Progress:
    if args.no_progress or not sys.stderr.isatty():
        return iter
    from tqdm import tqdm

    return partial(tqdm, leave=False)


def _report(verdicts: Sequence[Verdict]) -> str:
    words = {True: "holds", False: "does not hold", None: "not judged"}
    rows = [("", "book", "ours", "")] + [
        (v.text, shown(v.book, v.digits), shown(v.ours, v.digits), words[v.holds]) for v in verdicts
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _save_figures(figures: Mapping[str, Any], stem: Path, mark: str) -> None:
    if not figures:
        return
    from dlbasics import plotting

    for name, figure in figures.items():
        if mark:
            plotting.mark(figure, mark)
        path = stem.with_name(f"{stem.name}_{name}.png")
        plotting.save(figure, path)
        print(f"figure: {path}")


def _show(figures: Mapping[str, Any], args: argparse.Namespace) -> None:
    wanted = _at_a_display() and not args.quick if args.show is None else args.show
    if not figures or not wanted:
        return
    from dlbasics import plotting

    if not plotting.show(figures.values()):
        print("no window: matplotlib finds no display to draw on")


def _at_a_display() -> bool:
    """Return whether the output goes to a terminal and there is a screen for windows."""
    screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return sys.stdout.isatty() and screen
