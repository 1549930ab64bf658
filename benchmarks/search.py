"""The time of the book's search, 100 trials of 50 epochs, in one process and in two.

The two ways take turns.  The times include the start of the processes.
"""

import statistics
import time

from ch06_techniques.hyperparameter_optimization import experiment
from dlbasics.experiment import load_data

ROUNDS = 3


def main() -> None:
    data = load_data()
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        results = []
        for processes, rows in times.items():
            start = time.perf_counter()
            results.append(experiment.run(data=data, processes=processes))
            rows.append(time.perf_counter() - start)
        if results[0] != results[1]:
            raise RuntimeError("one process and two must give the same result")
    for processes, rows in times.items():
        each = " ".join(f"{row:.1f}" for row in rows)
        print(f"processes {processes}: median {statistics.median(rows):.1f} s ({each})")
    ratios = [one / two for one, two in zip(*times.values(), strict=True)]
    print(f"one / two: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
