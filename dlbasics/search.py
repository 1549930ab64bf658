"""Random search for hyperparameters, on any executor (book: *Hyperparameter Optimization*)."""

import json
import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dlbasics._internal.checks import RngLike, as_count, as_number, as_rng
from dlbasics._internal.files import atomic_write
from dlbasics.storage import without_addresses

__all__ = ["Choice", "LogUniform", "SearchResult", "Trial", "Uniform", "random_search"]

Objective = Callable[[dict[str, Any], int, np.random.Generator], Any]
PathLike = str | os.PathLike[str]


class Distribution(Protocol):
    """What a hyperparameter is drawn from; its `repr` tells a search's file one from another."""

    def draw(self, rng: np.random.Generator) -> Any: ...


@dataclass(frozen=True)
class _Range:
    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, as_number(getattr(self, name), name))
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")


@dataclass(frozen=True)
class Uniform(_Range):
    """U(low, high), low < high."""

    def draw(self, rng: np.random.Generator) -> float:
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform(_Range):
    """10^U(log10 low, log10 high), 0 < low < high: every power of ten is as likely."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise ValueError(f"low must be above 0, got {self.low}")

    def draw(self, rng: np.random.Generator) -> float:
        return float(10 ** rng.uniform(math.log10(self.low), math.log10(self.high)))


@dataclass(frozen=True)
class Choice:
    """One of the options, each as likely: Choice(["relu", "tanh"])."""

    options: Sequence[Any]

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not isinstance(self.options, Sequence):
            raise TypeError(f"options must be a list, got {self.options!r}")
        if not self.options:
            raise ValueError("options must hold at least one, got none")
        object.__setattr__(self, "options", tuple(self.options))

    def draw(self, rng: np.random.Generator) -> Any:
        return self.options[int(rng.integers(len(self.options)))]


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters, and what came of it.

    number: from 0 on, in the order in which they were drawn.
    budget: what it was trained with: less than the search's where it was abandoned.
    score: NaN where training diverged; `error` then says how.
    extra: what the objective returned beside the score.
    """

    number: int
    budget: int
    params: dict[str, Any]
    score: float
    error: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchResult:
    """All trials, from the highest score down; equal ones by number, NaN at the end."""

    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        return self.trials[0]

    def table(self, n: int = 20) -> str:
        """The n best as text: rank, score, budget and hyperparameters."""
        rows = [["rank", "score", "budget", *self.best.params]]
        for rank, trial in enumerate(self.trials[: as_count(n, "n")], start=1):
            values = [
                f"{value:.3g}" if isinstance(value, float) else str(value)
                for value in trial.params.values()
            ]
            rows.append([str(rank), f"{trial.score:.4g}", str(trial.budget), *values])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def random_search(
    objective: Objective,
    space: Mapping[str, Distribution],
    trials: int = 100,
    executor: Any = None,
    rng: RngLike = None,
    *,
    budget: int = 50,
    halving: int | None = None,
    path: PathLike | None = None,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> SearchResult:
    """Draw hyperparameters at random, train with each, and sort by the score.

    objective(params, budget, rng): trains for `budget` epochs, or whatever it counts, and returns
        the score, higher is better; or a mapping with "score" and what else JSON can hold, such as
        curves.  A FloatingPointError, as Trainer raises when training diverges, scores NaN; any
        other exception cancels the trials that wait, and goes on.
    space: a distribution for each name in params.
    executor: a concurrent.futures.Executor or the like; None: one trial after another, here.
        For processes, objective must be picklable.  A trial's matrix products keep to one core,
        and so do those of the executor's processes from then on.
    rng: hyperparameters and generator of a trial depend on this seed and the trial's number alone,
        and its score therefore not on the executor.
    halving: successive halving (Jamieson and Talwalkar 2016) by this factor eta, 2 or more.  All
        trials get the budget ceil(budget / eta^k); k times, the best 1 / eta of them get the next
        larger one, up to the whole; k is as large as trials and budget allow.  Who goes on is
        trained anew, with the same generator, which is simple on any executor and costs the
        smaller budgets once more (docs/search.md has numbers).
    path: a JSON file that is written anew after each trial; with the same path, seed (which must
        then be an int), budget and space, trials that stand there are not run again.  Of the
        objective nothing is stored.

    Raises ValueError or TypeError for other arguments, and ValueError for a file of another search.
    """
    trials, budget = as_count(trials, "trials"), as_count(budget, "budget")
    eta = None if halving is None else as_count(halving, "halving", least=2)
    _check(space, executor)
    if isinstance(rng, int | np.integer):
        seed = as_count(rng, "rng", least=0)
    elif path is None:
        seed = int(as_rng(rng).integers(2**63))
    else:
        raise ValueError(f"rng must be an int where path is given, got {rng!r}")

    search = _Search(objective, space, seed, budget, None if path is None else Path(path))
    last: dict[int, Trial] = {}
    remaining = list(range(trials))
    with _one_core():
        for rung_budget in _budgets(trials, budget, eta):
            rung = search.run(remaining, rung_budget, executor, progress)
            last |= {trial.number: trial for trial in rung}
            best = rung[: max(1, len(rung) // (eta or 1))]
            remaining = [trial.number for trial in best if not math.isnan(trial.score)]
    return SearchResult(tuple(sorted(last.values(), key=_rank)))


def _budgets(trials: int, budget: int, eta: int | None) -> list[int]:
    """The budget of each rung; every rung has trials, and budgets rise."""
    if eta is None:
        return [budget]
    rungs = 0
    while eta ** (rungs + 1) <= min(trials, budget):
        rungs += 1
    return [math.ceil(budget / eta**k) for k in range(rungs, -1, -1)]


@dataclass
class _Search:
    """The trials that are finished, by number and budget, and their file."""

    objective: Objective
    space: Mapping[str, Distribution]
    seed: int
    budget: int
    path: Path | None
    finished: dict[tuple[int, int], Trial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            self._load(self.path)
        self._save()  # a path that cannot be written to must not cost a trial

    def about(self) -> dict[str, Any]:
        """What the scores depend on, but for the objective."""
        described = {name: without_addresses(repr(each)) for name, each in self.space.items()}
        return {"seed": self.seed, "budget": self.budget, "space": described}

    def run(
        self, numbers: Sequence[int], budget: int, executor: Any, progress: Callable[..., Any]
    ) -> list[Trial]:
        """These trials with this budget, the best first; runs those that are not finished."""
        jobs = [
            (self.objective, self.space, self.seed, number, budget)
            for number in numbers
            if (number, budget) not in self.finished
        ]
        futures: list[Future[Trial]] = []
        try:
            if executor is None:
                trials = (_run_trial(*job) for job in jobs)
            else:
                futures.extend(executor.submit(_run_trial, *job) for job in jobs)
                trials = (future.result() for future in as_completed(futures))
            for _, trial in zip(progress(range(len(jobs))), trials, strict=True):
                self.finished[trial.number, budget] = trial
                self._save()
        except BaseException:
            for future in futures:
                future.cancel()
            for future in futures:
                if future.done() and not future.cancelled() and future.exception() is None:
                    self.finished[future.result().number, budget] = future.result()
            self._save()
            raise
        return sorted((self.finished[number, budget] for number in numbers), key=_rank)

    def _save(self) -> None:
        if self.path is not None:
            trials = [asdict(self.finished[key]) for key in sorted(self.finished)]
            text = json.dumps(self.about() | {"trials": trials}, default=repr)
            with atomic_write(self.path) as file:
                file.write(text.encode("utf-8"))

    def _load(self, path: Path) -> None:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            trials = [
                Trial(
                    **trial
                    | {
                        "params": _draw(self.space, self.seed, trial["number"])[0],
                        "score": float(trial["score"]),
                    }
                )
                for trial in found["trials"]
            ]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is not the file of a search: {error!r}") from None
        for key, wanted in self.about().items():
            # As text, for the order of the space counts.
            if json.dumps(found.get(key)) != json.dumps(wanted):
                raise ValueError(
                    f"{path} is of another search: its {key} is {found.get(key)}, not {wanted}"
                )
        self.finished = {(trial.number, trial.budget): trial for trial in trials}


def _one_core() -> Any:
    """Matrix products on one core, from now on; as a context manager, until its end."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(limits=1, user_api="blas")


def _run_trial(
    objective: Objective, space: Mapping[str, Distribution], seed: int, number: int, budget: int
) -> Trial:
    """One trial, wherever an executor runs it."""
    # Not lifted here: it may be the limit of other trials in this process, too.
    _one_core()
    params, rng = _draw(space, seed, number)
    try:
        outcome = objective(dict(params), budget, rng)
    except FloatingPointError as error:
        return Trial(number, budget, params, math.nan, str(error) or "FloatingPointError")
    extra = dict(outcome) if isinstance(outcome, Mapping) else {"score": outcome}
    score = extra.pop("score", None)
    if not isinstance(score, numbers.Real):
        raise TypeError(f"objective must return a number, or one as 'score', got {outcome!r}")
    # As a file would give it back, so that a search that was resumed ends the same.
    extra = json.loads(json.dumps(extra, default=_to_list))
    return Trial(number, budget, params, float(score), extra=extra)


def _draw(
    space: Mapping[str, Distribution], seed: int, number: int
) -> tuple[dict[str, Any], np.random.Generator]:
    """The hyperparameters of a trial, and the generator that its training goes on with."""
    # What np.random.SeedSequence(seed).spawn(number + 1)[number] is.
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    return {name: distribution.draw(rng) for name, distribution in space.items()}, rng


def _rank(trial: Trial) -> tuple[bool, float, int]:
    diverged = math.isnan(trial.score)  # NaN itself cannot be sorted by
    return diverged, 0.0 if diverged else -trial.score, trial.number


def _to_list(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"objective must return what JSON can hold, got {type(value).__name__}")


def _check(space: Any, executor: Any) -> None:
    if not isinstance(space, Mapping) or not space:
        raise TypeError(f"space must be a mapping of names to distributions, got {space!r}")
    for name, distribution in space.items():
        if not isinstance(name, str) or not hasattr(distribution, "draw"):
            raise TypeError(f"space[{name!r}] must be one like Uniform(0, 1), got {distribution!r}")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor must be None or have a method submit, got {executor!r}")
