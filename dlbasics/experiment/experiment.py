"""`Experiment`: what chapter scripts share, in notebooks and on the command line."""

import argparse
import inspect
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.blas import one_core_by_default
from dlbasics._internal.checks import RngLike, as_function, as_rng
from dlbasics._internal.figures import Figures
from dlbasics._internal.interrupt import EndOnCtrlC, raise_at_once
from dlbasics._internal.reprs import Record
from dlbasics._internal.streams import forgiving_streams
from dlbasics.datasets.choice import Data, load_data
from dlbasics.experiment.claims import Claim, as_claims, judge, report
from dlbasics.experiment.fingerprint import sources, versions
from dlbasics.experiment.flags import make_settings, parse
from dlbasics.experiment.output import Output, not_finite
from dlbasics.experiment.workers import stop_children

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class NoSettings:
    """The settings of a script without any."""


class Experiment:
    """An experiment of the book: settings, a function that runs it, figures and claims.

    Args:
        doc: The description.  Its first line is the title.
        run: A function with any of the arguments config, data, rng and progress, by these names.
            It returns the result, a dataclass or a mapping.  A prompt shows a dataclass that is a
            `Record` in a few lines.
        plot: A function that returns figures by name, given the result.
        config: A dataclass with the settings, the book's by default.  Its docstring explains them
            in a section `Args:`, which `--help` shows.
        claims: The book's numbers.
        quick: The settings that `--quick` changes.

    Raises:
        TypeError: If an argument is not as above.

    Example:
        >>> from ch05_backprop.buy_apple import experiment
        >>> experiment.run(apple=150).price
        330.0
    """

    def __init__(
        self,
        doc: str | None,
        run: Callable[..., Any],
        plot: Callable[[Any], Mapping[str, Any]] | None = None,
        config: type[Any] = NoSettings,
        *,
        claims: Sequence[Claim] = (),
        quick: Mapping[str, Any] | None = None,
    ) -> None:
        as_function(run, "run")
        if plot is not None:
            as_function(plot, "plot")
        if not (isinstance(config, type) and is_dataclass(config)):
            raise TypeError(f"config must be a dataclass, got {config!r}")
        if quick is not None and not isinstance(quick, Mapping):
            raise TypeError(f"quick must be a mapping of settings, got {quick!r}")
        self.doc = doc
        self.config = config
        self.claims = as_claims(claims)
        self.quick = quick or {}
        self._run = run
        self._plot = plot
        self._wanted = [*inspect.signature(run).parameters, *(["plot"] if plot is not None else [])]

    def __repr__(self) -> str:
        return f"Experiment({self.title!r})"

    @property
    def title(self) -> str:
        """The first line of the description."""
        return (self.doc or "").strip().split("\n")[0]

    @property
    def takes_data(self) -> bool:
        """Whether the experiment takes images."""
        return "data" in self._wanted

    @property
    def draws(self) -> bool:
        """Whether the experiment draws random numbers."""
        return "rng" in self._wanted

    def run(
        self,
        *,
        seed: RngLike = 0,
        data: Data | str | None = None,
        progress: Progress | None = iter,
        **settings: Any,
    ) -> Any:
        """Run the experiment.

        Ctrl-C ends it with KeyboardInterrupt, and no result.

        Args:
            seed: The seed of all random numbers, or a numpy Generator.
            data: A data set, or the name of one as in `load_data`.  None stands for 'auto'.
            progress: A function that shows a progress bar around an iterable, such as tqdm.  None
                stands for no bar.
            settings: Settings other than the defaults, by name.

        Returns:
            The result.  A notebook shows a result that is a `Record` with its figures.

        Raises:
            TypeError: If there is no such setting, or the experiment takes no data.
            ValueError: If a setting is not one that the experiment can take.
        """
        if data is not None and not self.takes_data:
            raise TypeError("data must be None, as this experiment takes no data")
        config = make_settings(self.config, settings)
        if data is None or isinstance(data, str):
            data = load_data(data or "auto") if self.takes_data else None
        elif not isinstance(data, Data):
            raise TypeError(f"data must be a Data, a name or None, got {type(data).__name__}")
        shown = iter if progress is None else as_function(progress, "progress")
        return self._call(config, as_rng(seed), data, shown)

    def plot(self, result: Any) -> Mapping[str, Any]:
        """Return the figures of a result, by name.  A notebook shows them as pictures."""
        return Figures({} if self._plot is None else self._plot(result))

    def main(self, argv: Sequence[str] | None = None) -> Any:
        """Run the experiment as the command line says.

        It prints the claims, and writes the result and the figures below the folder that --out
        names.  Ctrl-C ends the program with the exit code 130; the run then stores nothing.

        Args:
            argv: The command line; None stands for that of the process.

        Returns:
            The result.
        """
        output = Output(self._script.stem)

        def clean_up() -> None:
            stop_children()
            output.release()
            where = f"the result is in {output.stored}" if output.stored else "nothing was stored"
            print(f"\ninterrupted: {where}", file=sys.stderr, flush=True)

        with forgiving_streams(), EndOnCtrlC(clean_up) as ctrl_c:
            try:
                argv = sys.argv[1:] if argv is None else argv
                args, config = parse(self.doc, self.config, self.quick, self._wanted, argv)
                return self._main(args, config, output, ctrl_c)
            except BaseException as error:
                # Some libraries turn KeyboardInterrupt into an exception of their own.
                if not ctrl_c.came and not isinstance(error, KeyboardInterrupt):
                    raise
                clean_up()
                sys.exit(130)
            finally:
                output.release()

    def _main(
        self, args: argparse.Namespace, config: Any, output: Output, ctrl_c: EndOnCtrlC
    ) -> Any:
        print(self.title, flush=True)
        data = None
        if self.takes_data:
            with _exit_on((OSError, ValueError), ""):
                data = load_data(args.data, quick=args.quick)
        on_mnist = data is None or data.name == "mnist"
        # Quick runs and runs on digits do not replace the results of a long run on MNIST.
        kind = "quick" if args.quick else "" if on_mnist else "digits"
        with (
            _exit_on(ValueError, "--out must be the name of a folder: "),
            _exit_on(OSError, "--out must be a folder that can be written to: "),
            _exit_on(BlockingIOError, ""),  # an OSError; the last one comes first
        ):
            output.reserve(Path(args.out, kind, self._script.parent.name))

        start = time.perf_counter()
        with _exit_on((FloatingPointError, MemoryError), "training failed: "):
            rng = np.random.default_rng(getattr(args, "seed", 0))
            result = self._call(config, rng, data, _progress(args))
        seconds = time.perf_counter() - start

        is_default = config == make_settings(self.config, self.quick if args.quick else {})
        judged = is_default and not args.quick
        about = self._about(args, config, data)
        about |= {"default": is_default, "judged": judged, "seconds": round(seconds, 2)}
        # The result is stored before the claims and the figures, which may raise errors.
        with ctrl_c.held():
            output.store(result, about)
        if odd := not_finite(result):
            print(f"NaN or infinite numbers in the result: {', '.join(odd)}", flush=True)
        verdicts = judge(self.claims, result, judged=judged, on_mnist=on_mnist)
        if verdicts:
            print(report(verdicts), flush=True)
        figures = self.plot(result)
        about["claims"] = [asdict(verdict) for verdict in verdicts]
        about["figures"] = [output.figure_path(name).name for name in figures]
        about["sources"] = sources()
        with ctrl_c.held():
            output.store(result, about)
        marks = ["quick run"] * args.quick + ["embedded digits, not MNIST"] * (not on_mnist)
        for name, figure in figures.items():
            output.save_figure(figure, name, ", ".join(marks))
        if output.stored:
            print(f"result: {output.stored} ({seconds:.1f} s)", flush=True)
        _show(figures, args)
        if output.is_rescued:
            sys.exit(1)
        return result

    def _call(self, config: Any, rng: Any, data: Data | None, progress: Progress) -> Any:
        given = {"config": config, "data": data, "rng": rng, "progress": progress}
        with one_core_by_default(), raise_at_once():
            result = self._run(**{name: given[name] for name in given if name in self._wanted})
        if isinstance(result, Record):
            vars(result)["_plot"] = self._plot
        return result

    @property
    def _script(self) -> Path:
        return Path(inspect.getfile(self._run))

    def _about(self, args: argparse.Namespace, config: Any, data: Data | None) -> dict[str, Any]:
        return {
            "script": f"{self._script.parent.name}/{self._script.name}",
            "title": self.title,
            "config": asdict(config),
            "seed": getattr(args, "seed", None),
            "quick": args.quick,
            "data": None if data is None else data.name,
            "versions": versions(),
            "claims": [],
            "figures": [],
        }


@contextmanager
def _exit_on(kind: Any, message: str) -> Iterator[None]:
    """End the program with one line in place of a traceback, for errors of this kind."""
    try:
        yield
    except kind as error:
        sys.exit(f"{message}{error}")


def _progress(args: argparse.Namespace) -> Progress:
    if getattr(args, "no_progress", True) or not sys.stderr.isatty():
        return iter
    from tqdm import tqdm

    return partial(tqdm, leave=False)


def _show(figures: Mapping[str, Any], args: argparse.Namespace) -> None:
    if not figures:
        return
    wanted = _at_a_display() and not args.quick if args.show is None else args.show
    if not wanted:
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
