"""The average of a network's weights over the course of training."""

import copy
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_number, quiet
from dlbasics._internal.network_state import arrays_of, put_back
from dlbasics.network import Network

__all__ = ["WeightAverage"]


class WeightAverage:
    """The exponential moving average of the weights and running statistics of a network.

    Each `update` computes average <- d average + (1 - d) weights.  In the k-th update, counted from
    0, d = min(decay, (1 + k) / (10 + k)).  A small d at the beginning lets the average forget the
    initial weights.  With a large learning rate, the weights jump around a minimum; their mean lies
    nearer to it.  Checkpoints of a Trainer do not hold the average.

        average = WeightAverage(network)
        for _ in range(trainer.max_iter):
            trainer.train_step()
            average.update()
        average.network().accuracy(x_test, t_test)

    Args:
        network: The network.
        decay: The weight of the old average, at least 0 and below 1.  The average is over about
            1 / (1 - decay) updates.

    Raises:
        TypeError: If `network` is no Network, or has weights that are integers.
        ValueError: If `decay` is out of range.

    Sources: Polyak and Juditsky 1992; Izmailov et al. 2018.
    """

    def __init__(self, network: Network, decay: float = 0.999) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, got {network!r}")
        self._network = network
        self.decay = as_number(decay, "decay", low=0, high=1)
        if decay == 1:
            raise ValueError("decay must be below 1, got 1: nothing would ever be averaged")
        self._average = self._arrays()
        self._updates = 0

    @quiet
    def update(self) -> None:
        """Add the network's present weights to the average."""
        k = self._updates
        share = 1 - min(self.decay, (1 + k) / (10 + k))
        for key, array in self._arrays().items():
            # Running statistics are None before the first batch.
            average = self._average.setdefault(key, array)
            average += share * (array - average)
        self._updates += 1

    @quiet
    def network(self) -> Any:
        """Return a copy of the network whose weights and statistics are the averages."""
        twin = copy.deepcopy(self._network)
        dtypes = {key: array.dtype for key, array in arrays_of(twin).items()}
        average = {key: array.astype(dtypes[key]) for key, array in self._average.items()}
        put_back(twin, average)
        return twin

    def __repr__(self) -> str:
        name = type(self._network).__name__
        return f"WeightAverage({name}, decay={self.decay:g}) after {self._updates:,} updates"

    def _arrays(self) -> dict[str, Array]:
        """Return the arrays in at least single precision; half would lose small differences."""
        arrays = arrays_of(self._network)
        if wrong := [key for key, array in arrays.items() if array.dtype.kind != "f"]:
            raise TypeError(f"network must have floating-point weights, got integers in {wrong}")
        return {key: a.astype(np.result_type(a, np.float32)) for key, a in arrays.items()}
