"""The time of load_mnist after the first call, in a new process and in the same one."""

import subprocess
import sys

from benchmarks.interleaved import compare
from dlbasics.datasets.mnist import load_mnist

FRESH = """
import time, numpy
start = time.perf_counter()
from dlbasics.datasets.mnist import load_mnist
load_mnist()
print(f"{time.perf_counter() - start:.3f} s, in a new process (which had imported numpy)")
"""


def main() -> None:
    load_mnist()
    for _ in range(5):
        subprocess.run([sys.executable, "-c", FRESH], check=True)
    compare(
        {
            "load_mnist()": load_mnist,
            "load_mnist(normalize=False)": lambda: load_mnist(normalize=False),
        },
        rounds=10,
        calls=1,
    )


if __name__ == "__main__":
    main()
