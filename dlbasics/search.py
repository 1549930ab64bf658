"""Random search for hyperparameters (book: *Optimizing Hyperparameters*)."""

import json
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dlbasics._internal.blas import one_core
from dlbasics._internal.checks import RngLike, as_count, as_function, as_number, as_rng
from dlbasics._internal.files import as_path, number_of, parse_json, write_text
from dlbasics._internal.reprs import html_table, text_table
from dlbasics.storage import PathLike, without_addresses

__all__ = ["Choice", "LogUniform", "SearchResult", "Trial", "Uniform", "random_search"]

Objective = Callable[[dict[str, Any], int, np.random.Generator], Any]


class Distribution(Protocol):
    """A distribution from which a hyperparameter is drawn.

    Its `repr` describes it in the file of a search.
    """

    def draw(self, rng: np.random.Generator) -> Any: ...


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution U(low, high).

    Args:
        low: The lower bound.
        high: The upper bound, which is above the lower one.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, as_number(getattr(self, name), name))
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")
        if math.isinf(self.high - self.low):
            raise ValueError(f"high - low must be finite, got {self.low} and {self.high}")

    def draw(self, rng: np.random.Generator) -> float:
        """Return a random number."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform(Uniform):
    """The distribution 10^U(log10 low, log10 high): the logarithm is uniform.

    Args:
        low: The lower bound, which is above 0.
        high: The upper bound, which is above the lower one.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise ValueError(f"low must be above 0, got {self.low}")

    def draw(self, rng: np.random.Generator) -> float:
        """Return a random number."""
        return float(10 ** rng.uniform(math.log10(self.low), math.log10(self.high)))


@dataclass(frozen=True)
class Choice:
    """A choice between options of equal probability, such as Choice(["relu", "tanh"]).

    Args:
        options: The options, at least one.
    """

    options: Sequence[Any]

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not isinstance(self.options, Sequence):
            raise TypeError(f"options must be a list, got {self.options!r}")
        if not self.options:
            raise ValueError("options must hold at least one, got none")
        object.__setattr__(self, "options", tuple(self.options))

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one of the options."""
        return self.options[int(rng.integers(len(self.options)))]


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters and its score.

    Attributes:
        number: The number of the trial, from 0, in the order of the draws.
        budget: The budget of its training.  If successive halving has given the trial up, this is
            less than the budget of the search.
        params: The hyperparameters.
        score: The score; NaN if the training diverged.
        error: The error message if the training diverged, else "".
        extra: The values that the objective returned with the score.
    """

    number: int
    budget: int
    params: dict[str, Any]
    score: float
    error: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchResult:
    """The trials of a search.  A prompt and a notebook show a table of the best ones.

    Attributes:
        trials: All trials, the highest score first and NaN last.  Trials of equal score have the
            order of their numbers.
    """

    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The trial with the highest score."""
        return self.trials[0]

    def table(self, n: int = 20) -> str:
        """Return the n best trials as text: rank, score, budget and hyperparameters."""
        return text_table(self._rows(as_count(n, "n")), left=0)

    def __repr__(self) -> str:
        return f"SearchResult of {len(self.trials):,} trials\n{self.table()}"

    def _repr_html_(self) -> str:
        head, *rows = self._rows(20)
        return html_table(head, rows)

    def _rows(self, n: int) -> list[list[str]]:
        rows = [["rank", "score", "budget", *(self.best.params if self.trials else ())]]
        for rank, trial in enumerate(self.trials[:n], start=1):
            values = [
                f"{value:.3g}" if isinstance(value, float) else str(value)
                for value in trial.params.values()
            ]
            rows.append([str(rank), f"{trial.score:.4g}", str(trial.budget), *values])
        return rows


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
    """Draw hyperparameters at random, train with each set, and sort the sets by score.

    The hyperparameters and the generator of a trial depend only on the seed and on the number of
    the trial.  Therefore its score is the same with any executor.

    Args:
        objective: A function objective(params, budget, rng) that trains for `budget` epochs, or
            another unit.  It returns the score, or a mapping with "score" and other values that
            JSON can hold, such as curves.  A higher score is better.  The score is NaN if the
            function raises FloatingPointError, as Trainer does when a training diverges.  After any
            other error, the search cancels waiting trials and raises the error again.
        space: The distribution of each hyperparameter, by name.
        trials: The number of trials.
        executor: An object like concurrent.futures.Executor.  None runs one trial after another
            in this process.  For an executor of processes, `objective` must be picklable.  During
            a trial, matrix products use one core; in the executor's processes, also afterwards.
            The processes of a ProcessPoolExecutor live on if this one is killed; those of
            `dlbasics.experiment.processes` end with it.
        rng: The random generator, or its seed.
        budget: The budget of each trial.
        halving: The factor eta, at least 2, of successive halving (Jamieson and Talwalkar 2016).
            All trials begin with the budget ceil(budget / eta^k).  The best 1 / eta of them get
            the next larger budget, k times, up to `budget`; k is as large as trials and budget
            allow.  With each budget a trial begins its training anew, with the same generator
            (see docs/search.md for the cost).  None gives the whole budget to every trial.
        path: A JSON file, which the search writes anew after each trial.  A search with the same
            path, seed, budget and space does not repeat the trials in the file.  With a path, `rng`
            must be an int.  The file holds nothing about the objective.
        progress: A function that wraps the iteration over trials, such as tqdm.

    Returns:
        All trials, the best one first.

    Raises:
        TypeError, ValueError: If an argument is not as above, or the file is of another search.
    """
    trials, budget = as_count(trials, "trials"), as_count(budget, "budget")
    eta = None if halving is None else as_count(halving, "halving", least=2)
    _check(objective, space, executor, progress)
    if isinstance(rng, int | np.integer):
        seed = as_count(rng, "rng", least=0)
    elif path is None:
        seed = int(as_rng(rng).integers(2**63))
    else:
        raise ValueError(f"rng must be an int where path is given, got {rng!r}")

    search = _Search(objective, space, seed, budget, None if path is None else as_path(path))
    last: dict[int, Trial] = {}
    remaining = list(range(trials))
    with one_core():
        for rung_budget in _budgets(trials, budget, eta):
            rung = search.run(remaining, rung_budget, executor, progress)
            last |= {trial.number: trial for trial in rung}
            best = rung[: max(1, len(rung) // (eta or 1))]
            remaining = [trial.number for trial in best if not math.isnan(trial.score)]
    return SearchResult(tuple(sorted(last.values(), key=_rank)))


def _budgets(trials: int, budget: int, eta: int | None) -> list[int]:
    """Return the budgets of successive halving, the smallest first."""
    budgets = [budget]
    while eta is not None and eta ** len(budgets) <= min(trials, budget):
        budgets.append(-(-budget // eta ** len(budgets)))  # rounded up
    return budgets[::-1]


@dataclass
class _Search:
    """The finished trials, by number and budget, and their file."""

    objective: Objective
    space: Mapping[str, Distribution]
    seed: int
    budget: int
    path: Path | None
    finished: dict[tuple[int, int], Trial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            self._load(self.path)
        self._save()  # a wrong path raises its error before the first trial

    def about(self) -> dict[str, Any]:
        """Return the arguments on which the scores depend, except the objective."""
        described = {name: without_addresses(repr(each)) for name, each in self.space.items()}
        return {"seed": self.seed, "budget": self.budget, "space": described}

    def run(
        self, numbers: Sequence[int], budget: int, executor: Any, progress: Callable[..., Any]
    ) -> list[Trial]:
        """Run the trials that are not finished; return all of these trials, the best first."""
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
                if not future.cancel() and future.done() and future.exception() is None:
                    self.finished[future.result().number, budget] = future.result()
            self._save()
            raise
        return sorted((self.finished[number, budget] for number in numbers), key=_rank)

    def _save(self) -> None:
        if self.path is not None:
            trials = [_to_json(self.finished[key]) for key in sorted(self.finished)]
            text = json.dumps(self.about() | {"trials": trials}, default=repr, allow_nan=False)
            write_text(self.path, text)

    def _load(self, path: Path) -> None:
        try:
            found = parse_json(path.read_text(encoding="utf-8"), _as_float)
            trials = [_from_json(stored) for stored in found["trials"]]
            # These are texts, because the order of the space matters.
            about = {key: json.dumps(found.get(key)) for key in self.about()}
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"{path} is not the file of a search: {error!r}") from None
        for key, wanted in self.about().items():
            if about[key] != (own := json.dumps(wanted)):
                raise ValueError(
                    f"{path} is of another search: its {key} is {about[key]:.1000}, not {own}"
                )
        for trial in trials:
            params, _ = _draw(self.space, self.seed, trial.number)
            self.finished[trial.number, trial.budget] = replace(trial, params=params)


def _to_json(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON can hold it."""
    score = trial.score if math.isfinite(trial.score) else str(trial.score)
    texts = {"params": _strict(trial.params), "score": score, "extra": _strict(trial.extra)}
    return vars(trial) | texts


def _from_json(stored: Any) -> Trial:
    """Undo `_to_json`, but for the hyperparameters: seed and number tell them.

    Raises:
        TypeError, ValueError, RecursionError: If `stored` is anything else.
    """
    names = {item.name for item in fields(Trial)}
    if not isinstance(stored, dict) or stored.keys() != names:
        raise ValueError(f"a trial must have {sorted(names)}")
    if not isinstance(stored["error"], str) or not isinstance(stored["extra"], dict):
        raise ValueError("the error of a trial must be a text, and extra an object")
    number = as_count(stored["number"], "number", least=0)
    budget, score = as_count(stored["budget"], "budget"), number_of(stored["score"])
    trial = Trial(number, budget, {}, score, stored["error"], stored["extra"])
    json.dumps(_to_json(trial))  # what is nested too deeply for the next file is refused
    return trial


def _strict(value: Any) -> Any:
    """Return `value` with an object {"float": "nan"} for each number that is not finite.

    JSON has no such numbers.  `_as_float` undoes this.  Arrays become lists.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, dict):
        if len({*map(str, value)}) < len(value):
            raise ValueError(f"got keys that are the same in JSON: {[*value]}")
        return {key: _strict(item) for key, item in value.items()}
    return value


def _as_float(found: dict[str, Any]) -> Any:
    is_number = len(found) == 1 and found.get("float") in ("nan", "inf", "-inf")
    return float(found["float"]) if is_number else found


@one_core()
def _run_trial(
    objective: Objective, space: Mapping[str, Distribution], seed: int, number: int, budget: int
) -> Trial:
    """Run one trial, in any process or thread."""
    params, rng = _draw(space, seed, number)
    try:
        outcome = objective(dict(params), budget, rng)
    except FloatingPointError as error:
        return Trial(number, budget, params, math.nan, str(error) or "FloatingPointError")
    extra = dict(outcome) if isinstance(outcome, Mapping) else {"score": outcome}
    score = extra.pop("score", None)
    if not isinstance(score, numbers.Real):
        raise TypeError(f"objective must return a number, or one as 'score', got {outcome!r}")
    return Trial(number, budget, params, _as_score(score), extra=_as_resumed(extra))


def _as_score(score: numbers.Real) -> float:
    try:
        return float(score)
    except OverflowError:
        raise ValueError("objective must return a number, got one too large") from None


def _as_resumed(extra: dict[str, Any]) -> Any:
    """Return `extra` as a resumed search reads it from its file.

    Raises:
        TypeError: If JSON cannot hold it.
    """
    try:
        text = json.dumps(_strict(extra), default=_refused, allow_nan=False)
    except (RecursionError, TypeError, ValueError) as error:
        raise TypeError(f"objective must return what JSON can hold, {error}") from None
    return parse_json(text, _as_float)


def _draw(
    space: Mapping[str, Distribution], seed: int, number: int
) -> tuple[dict[str, Any], np.random.Generator]:
    """Return the hyperparameters of a trial, and the generator for its training."""
    # The sequence is np.random.SeedSequence(seed).spawn(number + 1)[number].
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    return {name: distribution.draw(rng) for name, distribution in space.items()}, rng


def _rank(trial: Trial) -> tuple[bool, float, int]:
    diverged = math.isnan(trial.score)  # NaN has no place in an order
    return diverged, 0.0 if diverged else -trial.score, trial.number


def _refused(value: Any) -> Any:
    raise TypeError(f"got {type(value).__name__}")


def _check(objective: Any, space: Any, executor: Any, progress: Any) -> None:
    as_function(objective, "objective")
    as_function(progress, "progress")
    if not isinstance(space, Mapping) or not space:
        raise TypeError(f"space must be a mapping of names to distributions, got {space!r}")
    for name, distribution in space.items():
        is_one = callable(getattr(distribution, "draw", None)) and not isinstance(
            distribution, type
        )
        if not isinstance(name, str) or not is_one:
            raise TypeError(f"space[{name!r}] must be one like Uniform(0, 1), got {distribution!r}")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor must be None or have a method submit, got {executor!r}")
