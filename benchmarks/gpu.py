"""Check and measure networks on a GPU, in less than four minutes on a recent card.

    python -m benchmarks.gpu

The program compares every layer and network with the CPU, trains the networks of chapters 7 and 8,
and measures images a second beside PyTorch on the same card.  It needs CuPy (the extra `cuda`);
without PyTorch its columns are missing.  `--device cpu` runs all of it on the CPU, as a trial.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dlbasics import (
    Adam,
    DeepConvNet,
    LeNet,
    MultiLayerNet,
    Network,
    ResNet,
    SimpleConvNet,
    Trainer,
    TwoLayerNet,
    plain,
)
from dlbasics._internal import device, network_state
from dlbasics.experiment import load_data
from tests.layers.cases import LAYERS

NETWORKS: dict[str, tuple[Callable[[], Network], tuple[int, ...]]] = {
    "TwoLayerNet": (lambda: TwoLayerNet(784, 50, 10, rng=0), (784,)),
    "MultiLayerNet": (
        lambda: MultiLayerNet(784, [100] * 5, 10, use_batchnorm=True, use_dropout=True, rng=0),
        (784,),
    ),
    "LeNet": (lambda: LeNet(rng=0), (1, 28, 28)),
    "SimpleConvNet": (lambda: SimpleConvNet(rng=0), (1, 28, 28)),
    "DeepConvNet": (lambda: DeepConvNet(rng=0), (1, 28, 28)),
    "ResNet": (lambda: ResNet(rng=0), (1, 28, 28)),
}
MEASURED = ("SimpleConvNet", "DeepConvNet", "ResNet")
SIZES = (1, 10, 100, 1000)
SECONDS = 1.0
"""How long one thing is measured."""


def difference(pairs: Iterable[tuple[Any, Any]]) -> float:
    """Return the largest difference of all pairs, relative to the largest number in them."""
    arrays = [[np.asarray(device.get(each), float) for each in pair] for pair in pairs]
    largest = max(abs(other).max(initial=0) for _, other in arrays)
    return float(max(abs(one - other).max(initial=0) for one, other in arrays) / largest)


def check_layers(name: str) -> None:
    """Compare forward, backward and all gradients of each layer with those of the CPU."""
    worst: dict[Any, float] = {}
    for make, shape in LAYERS.values():
        for dtype in (np.float64, np.float32):
            for train_flg in (True, False):
                here, there = make(dtype), make(dtype)
                network_state.move({"layer": there}, name)
                x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
                y = here.forward(x, train_flg)
                pairs = [(there.forward(device.put(x, name), train_flg), y)]
                pairs.append((there.backward(device.put(y, name)), here.backward(y)))
                for one, other in zip(there.walk(), here.walk(), strict=True):
                    names = [each for each in other.param_names if getattr(other, each) is not None]
                    pairs += [(getattr(one, f"d{n}"), getattr(other, f"d{n}")) for n in names]
                worst[dtype] = max(worst.get(dtype, 0.0), difference(pairs))
    print(f"{len(LAYERS)} layers, forward and backward: largest relative difference from the CPU")
    for dtype, found in worst.items():
        print(f"  {np.dtype(dtype).name}: {found:.1e}")


def check_networks(name: str) -> None:
    """Compare the gradients of each network with those of the CPU, in double precision."""
    print("gradients of networks in float64: largest relative difference from the CPU")
    for title, (make, shape) in NETWORKS.items():
        here = make().astype(np.float64)
        there = make().astype(np.float64).to(name)
        x, t = batch(shape, 10, np.float64)
        with plain():
            wanted = here.gradient(x, t)
        found = difference((g, wanted[key]) for key, g in there.gradient(x, t).items())
        print(f"  {title}: {found:.1e}")


def batch(shape: tuple[int, ...], size: int, dtype: Any = np.float32) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((size, *shape)).astype(dtype), rng.integers(0, 10, size)


def train(name: str, epochs: int) -> None:
    """Train the networks of chapters 7 and 8 as their scripts do, and print the accuracy."""
    data = load_data("auto")
    x_train, x_test = (x.reshape(-1, 1, 28, 28) for x in (data.x_train, data.x_test))
    print(f"trainings of {epochs} epochs on {data.name}")
    for title in ("SimpleConvNet", "DeepConvNet"):
        network = NETWORKS[title][0]().to(name)
        start = time.perf_counter()
        trainer = Trainer(
            network,
            x_train,
            data.t_train,
            x_test,
            data.t_test,
            epochs,
            optimizer=Adam(0.001),
            evaluate_sample_num_per_epoch=1000,
            verbose=False,
            rng=0,
        )
        trainer.train()
        seconds = time.perf_counter() - start
        accuracy = network.accuracy(x_test, data.t_test)
        print(f"  {title}: test accuracy {accuracy:.4f} after {seconds:.0f} s")


def rate(step: Callable[[], Any], size: int, wait: Callable[[], Any]) -> float:
    """Return images a second: the median of many steps of that many images."""
    for _ in range(3):
        step()
    wait()
    times = []
    end = time.perf_counter() + SECONDS
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 200):
        start = time.perf_counter()
        step()
        wait()
        times.append(time.perf_counter() - start)
    return size / statistics.median(times)


def ours(title: str, size: int, dtype: Any, name: str) -> tuple[float, float]:
    """Return images a second in training and in prediction."""
    make, shape = NETWORKS[title]
    network, optimizer = make().astype(dtype).to(name), Adam()
    x, t = (device.put(each, name) for each in batch(shape, size, dtype))
    wait = waiting(name)

    def step() -> None:
        optimizer.update(network.params, network.gradient(x, t))

    return rate(step, size, wait), rate(lambda: network.predict(x), size, wait)


def waiting(name: str) -> Callable[[], Any]:
    """Return a function that waits until the device has done all that was asked of it."""
    if name != "cuda":
        return lambda: None
    import cupy

    return lambda: cupy.cuda.get_current_stream().synchronize()


def pytorch(title: str, size: int, dtype: Any, name: str) -> tuple[float, float]:
    """Return PyTorch's images a second, with the same layers on the same device."""
    import torch

    from dlbasics.torch_weights import to_module

    make, shape = NETWORKS[title]
    module = to_module(make()).to(name, getattr(torch, np.dtype(dtype).name))
    optimizer = torch.optim.Adam(module.parameters(), fused=name == "cuda")
    x, t = (torch.from_numpy(each).to(name) for each in batch(shape, size, dtype))
    criterion = torch.nn.CrossEntropyLoss()
    wait = torch.cuda.synchronize if name == "cuda" else lambda: None

    def step() -> None:
        optimizer.zero_grad()
        criterion(module(x), t).backward()
        optimizer.step()

    def predict() -> None:
        with torch.inference_mode():
            module(x)

    trained = rate(step, size, wait)
    module.eval()
    return trained, rate(predict, size, wait)


def rates(name: str) -> None:
    """Print images a second, in training and in prediction, beside PyTorch's."""
    try:
        import torch

        has_torch = name == "cpu" or torch.cuda.is_available()
    except ImportError:
        has_torch = False
    others = ["PyTorch, training", "PyTorch, predictions"] if has_torch else []
    table("images a second", ["network", "batch", "training", "predictions", *others])
    for title in MEASURED:
        for dtype in (np.float32, np.float16):
            for size in (100, 1000):
                found = [*ours(title, size, dtype, name)]
                if has_torch:
                    found += pytorch(title, size, dtype, name)
                row(f"{title}, {np.dtype(dtype).name}", size, *found)


def crossing(name: str) -> None:
    """Print images a second in training on the CPU and on the device, by batch size."""
    table("training, images a second by batch size", ["network", "batch", "CPU", name])
    for title in MEASURED:
        for size in SIZES:
            both = (ours(title, size, np.float32, place)[0] for place in ("cpu", name))
            row(title, size, *both)


def table(title: str, columns: list[str]) -> None:
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")


def row(title: str, size: int, *found: float) -> None:
    print(f"| {title} | {size:,} | {' | '.join(f'{each:,.0f}' for each in found)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--epochs", type=int, default=20, help="of the two trainings; 0: none")
    args = parser.parse_args()
    if args.device == "cuda":
        import cupy

        properties = cupy.cuda.runtime.getDeviceProperties(0)
        print(f"{properties['name'].decode()}, CuPy {cupy.__version__}, NumPy {np.__version__}")
    check_layers(args.device)
    check_networks(args.device)
    if args.epochs:
        train(args.device, args.epochs)
    rates(args.device)
    crossing(args.device)


if __name__ == "__main__":
    main()
