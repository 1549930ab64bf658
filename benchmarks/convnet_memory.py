"""The memory that training DeepConvNet takes, which must not grow (Linux and macOS).

The numbers are the largest resident memory of several processes.  The first process only loads
the data; the others also train, with batches of 100, in float32, with Adam.

    python benchmarks/convnet_memory.py [MNIST or digits]
"""

import json
import subprocess
import sys

import numpy as np

from dlbasics import Adam, DeepConvNet
from dlbasics.experiment import load_data

ITERATIONS = (0, 50, 500)


def peak_megabytes(iterations: int, name: str) -> float:
    import resource

    data = load_data(name)
    x, t = data.x_train.reshape(-1, 1, 28, 28), data.t_train
    if iterations:
        rng = np.random.default_rng(0)
        network, adam = DeepConvNet(rng=rng), Adam()
        for _ in range(iterations):
            chosen = rng.choice(len(x), 100)
            adam.update(network.params, network.gradient(x[chosen], t[chosen]))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(name: str = "mnist") -> None:
    peaks = []
    for iterations in ITERATIONS:
        command = [sys.executable, "-m", "benchmarks.convnet_memory", name, str(iterations)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(json.loads(done.stdout))
        more = (
            f", {round(peaks[-1] - peaks[0])} MB more than without training" if iterations else ""
        )
        print(f"{iterations:4} iterations: {peaks[-1]:.0f} MB{more}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(peak_megabytes(int(sys.argv[2]), sys.argv[1])))
    else:
        main(*sys.argv[1:])
