"""What every chapter script shares: data, claims, and `main`, which reads the command line."""

import argparse
import inspect
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import dlbasics
from dlbasics._internal.checks import Array
from dlbasics.experiment.flags import parse
from dlbasics.experiment.results import save_result, shown

Progress = Callable[[Iterable[Any]], Iterable[Any]]

DOWNLOAD_SECONDS = 15.0

LEFT_OUT = "left out"
"""In place of a number that a run does not have: for want of an extra, or by its settings."""

_out_of_reach: set[str] = set()  # what is not asked for again in this session


@dataclass(frozen=True)
class Data:
    """A data set: x (N, 784) float32 from 0 to 1 and t (N,) classes, for training and test."""

    name: str
    x_train: Array
    t_train: Array
    x_test: Array
    t_test: Array


@dataclass(frozen=True)
class Claim:
    """A number of the book, how to read ours off a result, and when ours is good enough.

    digits: how many significant digits of both are shown.
    any_data: it must hold on other data than MNIST, too.
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
        """A claim that holds where ours, a number or an array, equals the book's.

        Up to atol + rtol |book|, as np.allclose has it.
        """
        return cls(text, book, value, partial(_equal, book, atol, rtol), digits, any_data)


@dataclass(frozen=True)
class Verdict:
    """A claim and our number; `holds` is None where it was not judged."""

    text: str
    book: Any
    ours: Any
    holds: bool | None
    digits: int = 4


def _equal(book: Any, atol: float, rtol: float, ours: Any) -> bool:
    return np.shape(book) == np.shape(ours) and np.allclose(ours, book, rtol=rtol, atol=atol)


def load_data(name: str = "auto", *, quick: bool = False) -> Data:
    """The data set `name`: 'mnist', or 'digits', those that are drawn here.

    'auto' is MNIST where it is found or can be downloaded within DOWNLOAD_SECONDS, else the digits,
    which a printed line says.
    quick: never download; a small share of the digits.
    """
    from dlbasics.datasets import mnist
    from dlbasics.datasets.digits import load_digits

    if name not in ("auto", "mnist", "digits"):
        raise ValueError(f"name must be 'auto', 'mnist' or 'digits', got {name!r}")
    # A folder that was named must be good; without one, only the cache needs no download.
    local = bool(os.environ.get("DLBASICS_DATA")) or mnist.mnist_is_local()
    if name == "mnist" and quick and not local:
        raise FileNotFoundError("--quick never downloads, and MNIST is not on this machine")
    if name == "mnist" or (name == "auto" and local):
        train, test = mnist.load_mnist()
        return Data("mnist", *train, *test)
    if name == "auto" and not quick and "MNIST" not in _out_of_reach:
        try:
            train, test = mnist.load_mnist(timeout=DOWNLOAD_SECONDS)
            return Data("mnist", *train, *test)
        except ConnectionError:
            _out_of_reach.add("MNIST")
    if name == "auto":
        reason = "is not on this machine" + ("" if quick else " and could not be downloaded")
        line = f"data: the embedded digits, as MNIST {reason}; accuracies differ from the book's"
        print(line, flush=True)
    train, test = load_digits(train=2_000, test=500) if quick else load_digits()
    return Data("digits", *train, *test)


def judge(
    claims: Sequence[Claim], result: Any, *, judged: bool = True, on_mnist: bool = True
) -> list[Verdict]:
    """Our number for each claim; unless `judged`, nothing is said about whether it holds.

    Nor is it where `claim.value` is `LEFT_OUT`.
    """
    verdicts = []
    for claim in claims:
        ours = claim.value(result)
        known = judged and ours is not LEFT_OUT and (on_mnist or claim.any_data)
        holds = bool(claim.holds(ours)) if known else None
        verdicts.append(Verdict(claim.text, claim.book, ours, holds, claim.digits))
    return verdicts


def main(
    doc: str | None,
    run: Callable[..., Any],
    plot: Callable[[Any], Mapping[str, Any]] | None = None,
    *,
    config: type[Any] | None = None,
    claims: Sequence[Claim] = (),
    quick: Mapping[str, Any] | None = None,
    argv: Sequence[str] | None = None,
) -> Any:
    """Run an experiment as its command line says; returns the result.

    run(config, rng, data, progress) gets those of the four that it names.  The claims are printed;
    figures go to PNG files and the result to JSON, below the folder --out.
    quick: the fields of `config` that --quick sets.
    """
    args, settings = parse(doc, config, quick or {}, argv)
    title = (doc or "").strip().split("\n")[0]
    print(title, flush=True)
    script = Path(inspect.getfile(run))
    wanted = inspect.signature(run).parameters
    data = _outcome(lambda: _data(args)) if "data" in wanted else None
    stem = _output_folder(args, script, data) / script.stem
    given = {
        "config": settings,
        "rng": np.random.default_rng(args.seed),
        "data": data,
        "progress": _progress(args),
    }
    start = time.perf_counter()
    with one_blas_thread():
        result = _outcome(
            lambda: run(**{name: value for name, value in given.items() if name in wanted})
        )
    seconds = time.perf_counter() - start
    about = {
        "script": f"{script.parent.name}/{script.name}",
        "title": title,
        "config": {} if settings is None else asdict(settings),
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
    # Before anything is judged or drawn: an error there must not cost the run.
    save_result(result, about, stem.with_suffix(".json"))
    as_in_the_book = settings is None or (config is not None and settings == config())
    judged = as_in_the_book and not args.quick
    on_mnist = data is None or data.name == "mnist"
    verdicts = judge(claims, result, judged=judged, on_mnist=on_mnist)
    if verdicts:
        print(_report(verdicts))
        about["claims"] = [asdict(verdict) for verdict in verdicts]
        save_result(result, about, stem.with_suffix(".json"))
    figures = {} if plot is None else plot(result)
    if data is not None and data.name == "digits":
        _mark(figures, "embedded digits, not MNIST")
    _save_figures(figures, stem)
    print(f"result: {stem.with_suffix('.json')} ({seconds:.1f} s)")
    _show(figures, args)
    return result


def one_blas_thread() -> AbstractContextManager[Any]:
    """Matrix products on one core, unless the environment says how many they may use.

    Products as small as the book's hardly gain by a second core, and take many times as long when
    another program keeps that core busy.  Besides, they round alike whatever the number of cores.
    """
    if any(os.environ.get(f"{name}_NUM_THREADS") for name in ("OMP", "OPENBLAS", "MKL", "VECLIB")):
        return nullcontext()
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits


def processes(count: int) -> AbstractContextManager[Any]:
    """An executor of so many processes; None for one, which is this one."""
    if count == 1:
        return nullcontext()
    # Fresh processes, the same on every system: a fork of one with threads can hang.
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def _outcome(call: Callable[[], Any]) -> Any:
    """What the call returns; Ctrl-C or a training that diverges ends the program with one line."""
    try:
        return call()
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was stored", file=sys.stderr)
        sys.exit(130)
    except FloatingPointError as error:
        sys.exit(f"training failed: {error}")


def _output_folder(args: argparse.Namespace, script: Path, data: Data | None) -> Path:
    """out/<chapter>; for a quick run or one on digits a folder of its own.

    Neither must replace the results of a long run on MNIST.
    """
    kind = "quick" if args.quick else "digits" if data and data.name == "digits" else ""
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


def _mark(figures: Mapping[str, Any], text: str) -> None:
    if figures:
        from dlbasics import plotting

        for figure in figures.values():
            plotting.mark(figure, text)


def _save_figures(figures: Mapping[str, Any], stem: Path) -> None:
    if figures:
        from dlbasics import plotting

        for name, figure in figures.items():
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
    """Whether somebody sits there: a terminal, and a screen that windows can open on."""
    screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return sys.stdout.isatty() and screen
