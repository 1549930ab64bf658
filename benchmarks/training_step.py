"""One training iteration of chapter 5's network: 784-50-10, batch 100, float32, SGD.

Against its five matrix products alone, and where PyTorch is installed against its eager mode, with
the same number of threads and the loss read in every iteration, as ours does.
"""

import os

import numpy as np

from benchmarks.interleaved import compare
from dlbasics import SGD, TwoLayerNet


def main() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.random((100, 784), dtype=np.float32), rng.integers(0, 10, 100)
    network, optimizer = TwoLayerNet(784, 50, 10, rng=rng), SGD(lr=0.1)

    def ours() -> None:
        optimizer.update(network.params, network.gradient(x, t))

    W1, W2 = (network.params[key].copy() for key in ("W1", "W2"))
    dh, dy = (rng.standard_normal((100, k)).astype(np.float32) for k in (50, 10))

    def products() -> None:
        h = x @ W1
        _ = h @ W2
        _ = h.T @ dy, dy @ W2.T
        _ = x.T @ dh

    compare({"dlbasics": ours, "matrix products alone": products})
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed")
        return
    torch.set_num_threads(os.cpu_count() or 1)
    model = torch.nn.Sequential(torch.nn.Linear(784, 50), torch.nn.ReLU(), torch.nn.Linear(50, 10))
    sgd, criterion = torch.optim.SGD(model.parameters(), lr=0.1), torch.nn.CrossEntropyLoss()
    x_torch, t_torch = torch.tensor(x), torch.tensor(t)

    def eager() -> None:
        sgd.zero_grad()
        loss = criterion(model(x_torch), t_torch)
        loss.backward()
        sgd.step()
        loss.item()

    compare({"dlbasics": ours, f"PyTorch {torch.__version__} eager": eager})


if __name__ == "__main__":
    main()
