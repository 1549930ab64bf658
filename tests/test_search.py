"""The search for hyperparameters: what is drawn, where it runs, and what an interruption costs."""

import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import threadpoolctl

from dlbasics import MultiLayerNet
from dlbasics.search import Choice, LogUniform, SearchResult, Trial, Uniform, random_search
from tests.helpers import MPIEXEC, ROOT, cores

PAGE = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
SPACE = {"lr": LogUniform(1e-6, 1e-2), "units": Choice([5, 10]), "rate": Uniform(-1, 1)}
RATE = {"rate": Uniform(0, 1)}


def objective(params, budget, rng):
    """Cheap, but with random numbers and matrix products that two threads could round otherwise."""
    network = MultiLayerNet(20, [params["units"]], 3, rng=rng)
    x = rng.standard_normal((64, 20), dtype=np.float32)
    curve = [float(network.predict(x).std() * epoch * params["lr"]) for epoch in range(budget)]
    return {"score": params["rate"] + curve[-1], "curve": curve}


def rate(params, budget, rng):
    return params["rate"]


CYCLE = [1]
CYCLE.append(CYCLE)
begun = itertools.count(1)


def stuck_at_the_fourth(params, budget, rng):
    """The fourth trial of a process never ends."""
    if next(begun) == 4:
        time.sleep(3600)
    return params["rate"]


def count_cores(params, budget, rng):
    return {"score": 1, "cores": sorted(cores())}


class Counting:
    """An objective that knows what it was called with."""

    def __init__(self, inner=rate):
        self.inner, self.calls = inner, []

    def __call__(self, params, budget, rng):
        self.calls.append((params["rate"], budget))
        return self.inner(params, budget, rng)


def trials_in(path):
    return len(json.loads(path.read_text(encoding="utf-8"))["trials"]) if path.exists() else 0


def spawned(processes=2):
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"))


def numbers(result):
    return [trial.number for trial in result.trials]


class TestDistributions:
    def test_a_draw_is_one_number_of_the_generator(self):
        def draws(draw):
            rng = np.random.default_rng(0)
            return [draw(rng) for _ in range(20)]

        options = [16, "x", (1, 2), None]
        for distribution, draw in (
            (LogUniform(1e-6, 1e-2), lambda rng: 10 ** rng.uniform(-6, -2)),
            (LogUniform(2, 8), lambda rng: 10 ** rng.uniform(np.log10(2), np.log10(8))),
            (Uniform(-1, 5), lambda rng: rng.uniform(-1, 5)),
            (Choice(options), lambda rng: options[rng.integers(4)]),
        ):
            assert draws(distribution.draw) == draws(draw)
        assert Choice([1, 2]) == Choice((1, 2)) != Choice((2, 1))

    @pytest.mark.parametrize(
        ("make", "error", "words"),
        [
            (lambda: LogUniform(0, 1), ValueError, "low must be above 0"),
            (lambda: LogUniform(1, 1), ValueError, "low must be below high"),
            (lambda: LogUniform(1e-2, 1e-6), ValueError, "low must be below high"),
            (lambda: Uniform(1, 0), ValueError, "low must be below high"),
            (lambda: Uniform(0, np.inf), ValueError, "high must be a finite number"),
            (lambda: Uniform("0", 1), TypeError, "low must be a number"),
            (lambda: Uniform(-1e308, 1e308), ValueError, "high - low must be finite"),
            (lambda: Choice([]), ValueError, "options must hold at least one"),
            (lambda: Choice("relu"), TypeError, "options must be a list"),
            (lambda: Choice(5), TypeError, "options must be a list"),
        ],
    )
    def test_bad_ends(self, make, error, words):
        with pytest.raises(error, match=words):
            make()


class TestTrials:
    def test_a_trial_is_made_of_seed_and_number_alone(self):
        """It draws, in the space's order, from SeedSequence(seed).spawn(...)[number]."""
        seen = {}

        def look(params, budget, rng):
            seen[params["rate"]] = (params, rng.random())
            return params["rate"]

        result = random_search(look, SPACE, 6, rng=11, budget=3)
        for trial in result.trials:
            rng = np.random.default_rng(np.random.SeedSequence(11).spawn(6)[trial.number])
            params = {name: distribution.draw(rng) for name, distribution in SPACE.items()}
            assert (trial.params, trial.budget) == (params, 3)
            assert seen[params["rate"]] == (params, rng.random())
        assert sorted(numbers(result)) == [*range(6)]

    def test_a_generator_or_none_as_rng(self):
        first, again = (
            random_search(rate, RATE, 3, rng=np.random.default_rng(5)) for _ in range(2)
        )
        assert first == again
        assert random_search(rate, RATE, 3) != random_search(rate, RATE, 3)
        rng = np.random.default_rng(5)
        assert random_search(rate, RATE, 3, rng=rng) != random_search(rate, RATE, 3, rng=rng)

    def test_an_objective_may_change_its_params(self):
        def change(params, budget, rng):
            params["rate"] = "gone"
            return 0

        result = random_search(change, RATE, 2, rng=0)
        assert all(isinstance(trial.params["rate"], float) for trial in result.trials)

    def test_sorted_by_score_then_number_and_nan_at_the_end(self):
        scores = iter([0.5, np.nan, 0.75, 0.5, -np.inf, np.nan, np.float32(0.75)])
        result = random_search(lambda *_: next(scores), RATE, 7, rng=0)
        assert numbers(result) == [2, 6, 0, 3, 4, 1, 5]
        assert result.best.score == 0.75
        assert all(type(trial.score) is float for trial in result.trials)

    def test_what_stands_beside_the_score_is_as_json_has_it(self):
        def curves(params, budget, rng):
            return {
                "score": np.float64(1),
                "acc": np.array([0.5, 0.25], np.float32),
                "loss": (np.float32(0.5), float("nan")),
            }

        extra = random_search(curves, RATE, 1, rng=0).best.extra
        assert repr(extra) == "{'acc': [0.5, 0.25], 'loss': [0.5, nan]}"

    @pytest.mark.parametrize(
        ("outcome", "words"),
        [
            *((score, "must return a number") for score in ("0.5", None, {"a": 1}, {"score": [1]})),
            ({"score": 1, "seen": {1}}, "what JSON can hold, got set"),
            (
                {"score": 1, "seen": {1: 2, "1": 3}},
                "what JSON can hold, got keys that are the same",
            ),
            ({"score": 1, "seen": {(1, 2): 3}}, "what JSON can hold, keys must be"),
            ({"score": 1, "seen": CYCLE}, "what JSON can hold, maximum recursion"),
        ],
    )
    def test_any_other_outcome_is_refused(self, outcome, words):
        with pytest.raises(TypeError, match=words):
            random_search(lambda *_: outcome, RATE, 1)

    def test_a_score_that_no_float_can_hold_is_refused(self):
        with pytest.raises(ValueError, match="objective must return a number, got one too large"):
            random_search(lambda *_: 10**400, RATE, 1)

    def test_progress_goes_through_the_trials(self):
        lengths, seen = [], []

        def progress(iterable):
            lengths.append(len(iterable))
            for item in iterable:
                yield item
                seen.append(item)

        random_search(rate, RATE, 9, rng=0, budget=3, halving=3, progress=progress)
        assert (lengths, len(seen)) == ([9, 3], 12)


class TestDiverging:
    def diverge(self, params, budget, rng):
        if params["rate"] < 0.5:
            raise FloatingPointError(f"the loss is nan at {params['rate']:.2f}")
        return params["rate"]

    def test_a_trial_that_diverges_stays_at_the_end_with_its_message(self, tmp_path):
        path = tmp_path / "search.json"
        result = random_search(self.diverge, RATE, 10, rng=1, path=path)
        good = [trial for trial in result.trials if trial.params["rate"] >= 0.5]
        assert 0 < len(good) < 10
        assert [*result.trials[: len(good)]] == good
        for trial in result.trials[len(good) :]:
            assert np.isnan(trial.score)
            assert trial.error == f"the loss is nan at {trial.params['rate']:.2f}"
        assert numbers(result)[len(good) :] == sorted(numbers(result)[len(good) :])
        assert "nan" in result.table()
        counting = Counting()
        again = random_search(counting, RATE, 10, rng=1, path=path)
        assert repr(again.trials) == repr(result.trials)  # NaN is not equal to NaN
        assert counting.calls == []

    def test_a_search_in_which_all_diverge_ends_after_the_smallest_budget(self):
        counting = Counting(lambda *_: float("nan"))
        result = random_search(counting, RATE, 9, rng=0, budget=9, halving=3)
        assert len(counting.calls) == 9
        assert {trial.budget for trial in result.trials} == {1}

    def test_any_other_error_goes_on_and_what_is_finished_is_kept(self, tmp_path):
        def fail(params, budget, rng):
            if len(counting.calls) == 4:
                raise ZeroDivisionError("a mistake")
            if len(counting.calls) > 4:
                time.sleep(0.05)  # the others need time to be cancelled
            return params["rate"]

        for executor in (None, ThreadPoolExecutor(1)):
            counting, path = Counting(fail), tmp_path / f"{executor is None}.json"
            with pytest.raises(ZeroDivisionError, match="a mistake"):
                random_search(counting, RATE, 200, executor, rng=0, path=path)
            if executor is not None:
                executor.shutdown()
            assert 4 <= len(counting.calls) < 200  # the others were cancelled
            stored = json.loads(path.read_text(encoding="utf-8"))["trials"]
            assert [trial["number"] for trial in stored][:3] == [0, 1, 2]


class TestExecutors:
    EXPECTED = random_search(objective, SPACE, 12, rng=5, budget=4, halving=2)

    @pytest.mark.parametrize(
        "make", [lambda: ThreadPoolExecutor(3), pytest.param(spawned, marks=pytest.mark.long)]
    )
    def test_same_result_with_any_executor(self, make):
        with make() as executor:
            result = random_search(objective, SPACE, 12, executor, rng=5, budget=4, halving=2)
        assert result == self.EXPECTED

    @pytest.mark.long
    @pytest.mark.extra
    @pytest.mark.parametrize("processes", [False, True])
    def test_same_result_on_a_dask_cluster(self, processes):
        distributed = pytest.importorskip("distributed")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=processes, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            executor = client.get_executor()
            result = random_search(objective, SPACE, 12, executor, rng=5, budget=4, halving=2)
        assert result == self.EXPECTED


class TestCores:
    """Matrix products keep to one core inside of trials, and only there."""

    def setup_method(self):
        found = threadpoolctl.threadpool_info()
        if "openblas" not in [library["internal_api"] for library in found]:
            pytest.skip("another BLAS than OpenBLAS")

    def test_in_place(self):
        seen = []

        def look(params, budget, rng):
            seen.append(cores())
            if params["rate"] < 0.5:
                raise FloatingPointError
            return 1

        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            result = random_search(look, RATE, 5, rng=0)
            assert cores() == {2}
        assert seen == [{1}] * 5
        assert {trial.error for trial in result.trials} == {"", "FloatingPointError"}

    def test_in_threads_a_trial_that_ends_does_not_lift_the_limit_of_another(self):
        both, seen = threading.Barrier(2, timeout=30), []

        def look(params, budget, rng):
            if both.wait():
                while not any(future.done() for future in executor.futures):
                    time.sleep(0.001)
            seen.append(cores())
            return 1

        class Pool(ThreadPoolExecutor):
            futures = ()

            def submit(self, *args):
                self.futures = (*self.futures, super().submit(*args))
                return self.futures[-1]

        with threadpoolctl.threadpool_limits(2, user_api="blas"), Pool(2) as executor:
            random_search(look, RATE, 2, executor, rng=0)
            assert cores() == {2}
        assert seen == [{1}, {1}]

    @pytest.mark.long
    def test_in_processes(self, monkeypatch):
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
        with spawned(1) as executor:
            assert executor.submit(cores).result() == {2}
            result = random_search(count_cores, RATE, 2, executor, rng=0)
        assert [trial.extra["cores"] for trial in result.trials] == [[1], [1]]


class TestHalving:
    @pytest.mark.parametrize(
        ("trials", "budget", "halving", "rungs"),
        [
            (100, 50, 3, {2: 100, 6: 33, 17: 11, 50: 3}),  # the book's search
            (5, 8, 2, {2: 5, 4: 2, 8: 1}),  # too few trials for a fourth
            (64, 5, 2, {2: 64, 3: 32, 5: 16}),  # too small a budget
            (3, 9, 4, {9: 3}),
            (1, 50, 2, {50: 1}),
            (4, 1, 2, {1: 4}),
            (7, 6, None, {6: 7}),
        ],
    )
    def test_rungs(self, trials, budget, halving, rungs):
        counting = Counting()
        random_search(counting, RATE, trials, rng=0, budget=budget, halving=halving)
        budgets = [found for _, found in counting.calls]
        assert {b: budgets.count(b) for b in budgets} == rungs
        if trials == 100:
            resumed = 100 * 2 + 33 * (6 - 2) + 11 * (17 - 6) + 3 * (50 - 17)
            assert f"{sum(budgets)} epochs" in PAGE
            assert f"would take {resumed}" in PAGE

    def test_who_goes_on_is_judged_by_the_score_so_far_and_counts_with_the_last(self):
        """Lowest rates win with a budget of 1, and then turn out to be the worst."""

        def turning(params, budget, rng):
            return params["rate"] if budget > 1 else 2 - params["rate"]

        result = random_search(turning, RATE, 9, rng=0, budget=3, halving=3)
        went_on = [trial for trial in result.trials if trial.budget == 3]
        rates = sorted(trial.params["rate"] for trial in result.trials)
        assert sorted(trial.params["rate"] for trial in went_on) == rates[:3]
        assert [*result.trials[-3:]] == went_on

    @pytest.mark.parametrize("end", [1.0, float("nan")])
    def test_who_is_equal_in_the_end_is_sorted_by_number(self, end):
        """Whatever the order was in which they went on."""

        def level(params, budget, rng):
            return params["rate"] if budget == 1 else end

        result = random_search(level, RATE, 64, rng=0, budget=2, halving=2)
        went_on = [trial for trial in result.trials if trial.budget == 2]
        assert len(went_on) == 32
        assert [*(result.trials[-32:] if np.isnan(end) else result.trials[:32])] == went_on
        assert [trial.number for trial in went_on] == sorted(trial.number for trial in went_on)

    def test_one_goes_on_even_where_few_are_left(self):
        """Of 9 trials 7 diverge; of the other two one goes on to the whole budget."""
        highest = sorted(
            trial.params["rate"] for trial in random_search(rate, RATE, 9, rng=0).trials
        )[-2:]

        def diverge(params, budget, rng):
            return params["rate"] if params["rate"] in highest else float("nan")

        result = random_search(diverge, RATE, 9, rng=0, budget=9, halving=3)
        assert [trial.budget for trial in result.trials] == [9, 3] + 7 * [1]

    def test_a_trial_that_goes_on_has_the_same_random_numbers(self):
        seen = {}

        def look(params, budget, rng):
            seen.setdefault(params["rate"], []).append(rng.random())
            return params["rate"]

        random_search(look, RATE, 9, rng=0, budget=9, halving=3)
        assert sorted(map(len, seen.values())) == [1] * 6 + [2] * 2 + [3]
        assert all(len(set(draws)) == 1 for draws in seen.values())


class TestFile:
    def test_it_holds_every_finished_trial_at_any_moment(self, tmp_path):
        path = tmp_path / "search.json"

        def look(params, budget, rng):
            found.append(trials_in(path))
            return params["rate"]

        found = []
        result = random_search(look, RATE, 5, rng=0, path=path)
        assert found == [0, 1, 2, 3, 4]
        assert [entry.name for entry in tmp_path.iterdir()] == ["search.json"]
        stored = json.loads(path.read_text(encoding="utf-8"))
        assert {trial["score"]: trial["params"] for trial in stored["trials"]} == {
            trial.score: trial.params for trial in result.trials
        }

    @pytest.mark.parametrize("halving", [None, 2])
    def test_an_interrupted_search_goes_on_to_the_same_end(self, tmp_path, halving):
        paths = [tmp_path / f"{name}.json" for name in ("whole", "parts")]
        whole = Counting()
        expected = random_search(whole, RATE, 12, rng=2, budget=8, halving=halving, path=paths[0])
        arguments = {"rng": 2, "budget": 8, "halving": halving, "path": paths[1]}
        parts = Counting()
        for stop in (5, 5, 9):
            left = itertools.count(len(parts.calls))

            def interrupted(*args, left=left, stop=stop):
                if next(left) == stop:
                    raise KeyboardInterrupt
                return parts(*args)

            with pytest.raises(KeyboardInterrupt):
                random_search(interrupted, RATE, 12, **arguments)
        with ThreadPoolExecutor(2) as executor:
            result = random_search(parts, RATE, 12, executor, **arguments)
        assert result == expected
        assert sorted(parts.calls) == sorted(whole.calls)
        assert paths[0].read_bytes() == paths[1].read_bytes()

    def test_curves_and_options_come_back_as_they_were(self, tmp_path):
        space = SPACE | {"shape": Choice([(1, 2), (3,)]), "act": Choice([np.tanh])}
        first, again = (
            random_search(each, space, 6, rng=0, budget=3, path=tmp_path / "s.json")
            for each in (objective, lambda *_: pytest.fail("it ran"))
        )
        assert first == again
        assert isinstance(again.best.params["shape"], tuple)
        assert again.best.params["act"] is np.tanh

    def test_it_is_strict_json_and_numbers_that_are_not_finite_come_back(self, tmp_path):
        def odd(params, budget, rng):
            score = math.inf if params["rate"] < 0.5 else math.nan
            return {"score": score, "curve": [score, {"inner": -math.inf}], "text": "nan"}

        path, space = tmp_path / "search.json", RATE | {"odd": Choice([math.nan, (math.inf,)])}
        first = random_search(odd, space, 6, rng=0, path=path)
        text = path.read_text(encoding="utf-8")
        stored = json.loads(text, parse_constant=pytest.fail)["trials"]
        assert {trial["score"] for trial in stored} == {"inf", "nan"}
        assert stored[0]["extra"]["curve"][1] == {"inner": {"float": "-inf"}}
        again = random_search(lambda *_: pytest.fail("it ran"), space, 6, rng=0, path=path)
        assert repr(again.trials) == repr(first.trials)
        assert first.best.extra == {"curve": [math.inf, {"inner": -math.inf}], "text": "nan"}

    @pytest.mark.parametrize(
        "changed",
        [
            {"number": -1},
            {"number": 1.5},
            {"number": "1"},
            {"budget": 0},
            {"budget": "50"},
            {"score": None},
            {"score": "high"},
            {"score": 10**400},
            {"error": None},
            {"extra": [1]},
            {"more": 1},
        ],
    )
    def test_a_trial_that_is_damaged_is_refused_and_the_file_stays(self, tmp_path, changed):
        path = tmp_path / "search.json"
        random_search(rate, RATE, 2, rng=0, path=path)
        stored = json.loads(path.read_text(encoding="utf-8"))
        stored["trials"][1] |= changed
        path.write_text(json.dumps(stored), encoding="utf-8")
        with pytest.raises(ValueError, match=r"search\.json is not the file of a search"):
            random_search(rate, RATE, 2, rng=0, path=path)
        assert json.loads(path.read_text(encoding="utf-8")) == stored

    def test_more_trials_are_added(self, tmp_path):
        path, counting = tmp_path / "search.json", Counting()
        random_search(rate, RATE, 4, rng=0, path=path)
        result = random_search(counting, RATE, 7, rng=0, path=path)
        assert len(counting.calls) == 3
        assert result == random_search(rate, RATE, 7, rng=0)
        assert random_search(counting, RATE, 2, rng=0, path=path) == random_search(
            rate, RATE, 2, rng=0
        )
        assert len(counting.calls) == 3
        assert trials_in(path) == 7

    def test_ctrl_c_cancels_what_waits_and_keeps_what_is_finished(self, tmp_path):
        class Half(Executor):
            """Runs every other call at once, and never the others."""

            def __init__(self):
                self.futures = []

            def submit(self, function, *args):
                self.futures.append(Future())
                if len(self.futures) % 2:
                    self.futures[-1].set_result(function(*args))
                return self.futures[-1]

        def interrupt(iterable):
            raise KeyboardInterrupt
            yield

        executor, path = Half(), tmp_path / "search.json"
        with pytest.raises(KeyboardInterrupt):
            random_search(rate, RATE, 6, executor, rng=0, path=path, progress=interrupt)
        assert [future.cancelled() for future in executor.futures] == [False, True] * 3
        stored = json.loads(path.read_text(encoding="utf-8"))["trials"]
        assert [trial["number"] for trial in stored] == [0, 2, 4]

    @pytest.mark.long
    @pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a process of its own")
    def test_ctrl_c_in_a_terminal(self, tmp_path):
        """It reaches the workers too; the search ends with KeyboardInterrupt, and then goes on."""
        path, script = tmp_path / "search.json", tmp_path / "searching.py"
        script.write_text(
            "import signal\n"
            "from tests.test_search import RATE, random_search, spawned, stuck_at_the_fourth\n"
            # A shell's background process ignores Ctrl-C, and so would this one.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "if __name__ == '__main__':\n"
            "    with spawned() as executor:\n"
            f"        path = {str(path)!r}\n"
            "        random_search(stuck_at_the_fourth, RATE, 9, executor, rng=3, path=path)\n",
            encoding="utf-8",
        )
        with subprocess.Popen(
            [sys.executable, str(script)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            until = time.monotonic() + 120
            while trials_in(path) < 6 and time.monotonic() < until:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(timeout=120) == -signal.SIGINT
        # A worker that Ctrl-C woke may have finished one of the trials that it had been given.
        rest, finished = Counting(), trials_in(path)
        assert 6 <= finished < 9
        result = random_search(rest, RATE, 9, rng=3, path=path)
        assert len(rest.calls) == 9 - finished
        assert result == random_search(rate, RATE, 9, rng=3)

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"rng": 1}, "its seed is 0, not 1"),
            ({"budget": 51}, "its budget is 50, not 51"),
            ({"space": SPACE | {"rate": Uniform(-1, 2)}}, "its space is .*high=1.0.*, not .*=2.0"),
            ({"space": SPACE | {"lr": Uniform(1e-6, 1e-2)}}, "its space"),
            ({"space": SPACE | {"more": Uniform(0, 1)}}, "its space"),
            ({"space": dict(reversed(SPACE.items()))}, "its space"),
        ],
    )
    def test_a_file_of_another_search_is_refused_and_stays(self, tmp_path, changed, words):
        path, arguments = tmp_path / "search.json", {"space": SPACE, "rng": 0, "trials": 3}
        random_search(rate, **arguments, path=path)
        before, counting = path.read_bytes(), Counting()
        with pytest.raises(ValueError, match=f"search.json is of another search: {words}"):
            random_search(counting, **arguments | changed, path=path)
        assert (path.read_bytes(), counting.calls) == (before, [])

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '{"trials": [1]}', '{"trials": [{}]}', "[" * 100_000, "null"]
    )
    def test_a_file_that_is_something_else_is_refused_and_stays(self, tmp_path, text):
        path = tmp_path / "notes.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"notes\.json is not the file of a search"):
            random_search(rate, RATE, 2, rng=0, path=path)
        assert path.read_text(encoding="utf-8") == text

    @pytest.mark.parametrize("rng", [None, np.random.default_rng(0)])
    def test_it_needs_a_seed(self, tmp_path, rng):
        with pytest.raises(ValueError, match="rng must be an int where path is given"):
            random_search(rate, RATE, 2, rng=rng, path=tmp_path / "s.json")

    def test_a_path_that_cannot_be_written_to_costs_no_trial(self, tmp_path):
        counting = Counting()
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            random_search(counting, RATE, 2, rng=0, path=tmp_path / "none" / "s.json")
        assert counting.calls == []


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"trials": 0}, ValueError, "trials must be at least 1"),
        ({"trials": 2.5}, TypeError, "trials must be an integer"),
        ({"budget": 0}, ValueError, "budget must be at least 1"),
        ({"halving": 1}, ValueError, "halving must be at least 2"),
        ({"halving": True}, ValueError, "halving must be at least 2"),
        ({"space": {}}, TypeError, "space must be a mapping"),
        ({"space": [Uniform(0, 1)]}, TypeError, "space must be a mapping"),
        ({"space": {"lr": 0.1}}, TypeError, "'lr'.* must be one like Uniform"),
        ({"space": {"lr": Uniform}}, TypeError, "'lr'.* must be one like Uniform"),
        ({"objective": None}, TypeError, "objective must be a function, got NoneType"),
        ({"progress": 2}, TypeError, "progress must be a function, got int"),
        ({"path": ""}, ValueError, "path must be the path of a file, got ''"),
        ({"path": ROOT}, ValueError, "path must be the path of a file, got the folder"),
        ({"path": 2}, TypeError, "path must be the path of a file, got int"),
        ({"space": {1: Uniform(0, 1)}}, TypeError, "space"),
        ({"executor": 2}, TypeError, "executor must be None or have a method submit"),
        ({"rng": -1}, ValueError, "rng must be at least 0"),
        ({"rng": "0"}, TypeError, "rng must be a numpy Generator"),
    ],
)
def test_bad_arguments(changed, error, words):
    counting = Counting()
    with pytest.raises(error, match=words):
        random_search(**{"objective": counting, "space": RATE, "rng": 0} | changed)
    assert counting.calls == []


def test_table():
    trials = [
        Trial(4, 50, {"lr": 0.00123456, "units": 100, "act": "relu"}, 0.8125),
        Trial(12, 6, {"lr": 1e-6, "units": 1000, "act": "tanh"}, 1 / 3),
        Trial(0, 2, {"lr": 0.25, "units": 5, "act": "relu"}, float("nan"), "the loss is nan"),
    ]
    result = SearchResult(tuple(trials))
    assert result.table() == (
        "rank   score  budget       lr  units   act\n"
        "   1  0.8125      50  0.00123    100  relu\n"
        "   2  0.3333       6    1e-06   1000  tanh\n"
        "   3     nan       2     0.25      5  relu"
    )
    assert result.table(1).splitlines() == [
        "rank   score  budget       lr  units   act",
        "   1  0.8125      50  0.00123    100  relu",
    ]
    with pytest.raises(ValueError, match="n must be at least 1"):
        result.table(0)
    assert len(random_search(rate, RATE, 30, rng=0).table().splitlines()) == 21


def test_a_prompt_and_a_notebook_show_the_table():
    result = random_search(rate, RATE, 30, rng=0)
    assert repr(result) == f"SearchResult of 30 trials\n{result.table()}"
    html = result._repr_html_()
    assert html.count("<tr>") == 21 and "<th>score</th>" in html
    assert repr(SearchResult(())).startswith("SearchResult of 0 trials\nrank")


# ---- docs/search.md ----

BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def shortened(block):
    """The block of the page, with a few short trials."""
    for whole, short in (("100", "3"), ("50", "2")):
        block = re.sub(rf"(trials=|budget=|}}, ){whole}\b", rf"\g<1>{short}", block)
    return block


def run(block, **names):
    exec(compile(shortened(block), "docs/search.md", "exec"), names)
    return names


@pytest.mark.long
def test_the_pages_search_and_its_processes(mnist, tmp_path, monkeypatch, capsys):
    result = run(BLOCKS[0], __name__="__main__")["result"]
    assert {trial.number: trial.budget for trial in result.trials} == {0: 2, 1: 2, 2: 2}
    assert [*result.best.params] == ["decay", "lr"]
    printed = capsys.readouterr().out
    assert printed == f"{result.table(5)}\n"
    (block,) = [block for block in BLOCKS if "ProcessPoolExecutor" in block]
    (tmp_path / "my_search.py").write_text(shortened(BLOCKS[0]), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    run(block.replace("trials=100", "trials=100, budget=50"), __name__="__main__")
    del sys.modules["my_search"]
    assert capsys.readouterr().out == printed


@pytest.mark.long
@pytest.mark.extra
def test_the_pages_search_with_mpi(mnist, tmp_path, monkeypatch):
    pytest.importorskip("mpi4py")
    (block,) = [block for block in BLOCKS if "MPIPoolExecutor" in block]
    (tmp_path / "my_search.py").write_text(shortened(BLOCKS[0]), encoding="utf-8")
    (tmp_path / "my_mpi.py").write_text(
        shortened(block.replace("trials=100", "trials=100, budget=50")), encoding="utf-8"
    )
    (command,) = re.findall(r"`mpiexec -n 9 (python .*?)`", PAGE)
    python, *arguments = command.split()
    assert python == "python"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ran = subprocess.run(
        [MPIEXEC, "-n", "3", sys.executable, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    monkeypatch.syspath_prepend(tmp_path)
    names = run(BLOCKS[0], __name__="my_search")
    wanted = random_search(names["objective"], names["space"], 3, rng=0, budget=2)
    assert ran.stdout == f"{wanted.table(5)}\n"


@pytest.mark.extra
def test_the_pages_optuna(mnist, capsys):
    optuna = pytest.importorskip("optuna")
    (block,) = [block for block in BLOCKS if "import optuna" in block]
    assert len([line for line in block.splitlines() if line]) <= 10
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = run(block, **run(BLOCKS[0], __name__="my_search"))["study"]
    optuna.logging.set_verbosity(level)
    assert len({trial.params["lr"] for trial in study.trials}) == 3
    assert 0 < study.best_value < 1
    assert f"{study.best_value} {study.best_params}\n" in capsys.readouterr().out
    assert 1e-6 <= study.best_params["lr"] <= 1e-2
