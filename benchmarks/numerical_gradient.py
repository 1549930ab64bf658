"""The time of the numerical gradient of 784-50-10 on 3 samples: by columns, by the plain loop."""

import numpy as np

from benchmarks.interleaved import compare
from dlbasics import TwoLayerNet


def main() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.random((3, 784)), rng.integers(0, 10, 3)
    network = TwoLayerNet(784, 50, 10, rng=rng, dtype=np.float64)
    columns, plain = (network.numerical_gradient(x, t, plain=plain) for plain in (False, True))
    largest = max(float(np.abs(columns[key] - plain[key]).max()) for key in plain)
    print(f"largest difference of the two: {largest:.1e}")
    compare(
        {
            "plain loop": lambda: network.numerical_gradient(x, t, plain=True),
            "by columns": lambda: network.numerical_gradient(x, t),
            "backpropagation": lambda: network.gradient(x, t),
        },
        rounds=7,
        calls=1,
    )


if __name__ == "__main__":
    main()
