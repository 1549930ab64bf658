"""Functions that compare times side by side, so that changes of the machine affect all alike."""

import random
import statistics
import time
from collections.abc import Callable, Mapping

from dlbasics import plain

Call = Callable[[], object]


def compare(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int = 30,
    calls: int = 100,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Print the time of a call for each contender, and the first contender's time divided by it.

    In every round, each contender runs `calls` times, after a few calls that do not count.  Each
    round has a random order, so that no contender always runs after the same one.  The function
    prints the median and the fastest of the rounds, and the median of the rounds' ratios.

    Args:
        contenders: The functions by name.
        rounds: The number of rounds.
        calls: The number of calls in a round.
        clock: The clock.  If others use the machine, too, give `time.thread_time` for functions
            that run in one thread.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    order = random.Random(0)
    for _ in range(rounds):
        for name in order.sample([*contenders], len(contenders)):
            function = contenders[name]
            for _ in range(max(2, calls // 20)):
                function()
            start = clock()
            for _ in range(calls):
                function()
            times[name].append((clock() - start) / calls)
    first = next(iter(contenders))
    width = max(map(len, contenders))
    print(f"{'':<{width}}  {'median':>10}  {'fastest':>10}  {first} / this")
    for name, rows in times.items():
        ratios = [ours / this for ours, this in zip(times[first], rows, strict=True)]
        low, middle, high = (statistics.quantiles(ratios, n=20)[i] for i in (0, 9, 18))
        print(
            f"{name:<{width}}  {statistics.median(rows) * 1e6:7.0f} us  {min(rows) * 1e6:7.0f} us  "
            f"{middle:.2f} (5 to 95%: {low:.2f} to {high:.2f})"
        )


def plainly(call: Call) -> Call:
    """Return a function that does `call` by the plain formulas alone."""

    def call_plainly() -> None:
        with plain():
            call()

    return call_plainly
