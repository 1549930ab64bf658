"""A network whose gradient several processes, called ranks, compute together.

Each rank computes the gradient of its part of the batch.  One sum over all ranks then gives every
rank the gradient of the whole batch.
"""

import copy
import zlib
from typing import Any

import numpy as np

from dlbasics._internal import halves
from dlbasics._internal.checks import Array
from dlbasics.layers import BatchNorm, Layer
from dlbasics.network import Network, backpropagate

CHECKSUMS = 2**12
"""The number of checksums: float32 holds their sum over up to 4,096 ranks exactly."""


class Part:
    """The part of a batch that one rank computes.

    If there are fewer samples than ranks, some ranks compute the first one with the share 0: they
    then draw the random numbers and take part in the sums as all others do, and add nothing.

    Attributes:
        comm: The communicator of the ranks.
        batch_size: The number of samples in the whole batch.
        rows: Which of them are the rank's.
        share: The share of them that are the rank's.
    """

    def __init__(self, comm: Any, batch_size: int) -> None:
        self.comm, self.batch_size = comm, batch_size
        start, stop = (batch_size * rank // comm.size for rank in (comm.rank, comm.rank + 1))
        self.rows = slice(start, stop) if start < stop else slice(0, 1)
        self.share = (stop - start) / batch_size

    def total(self, own: Array) -> Array:
        """Return the sum of the arrays of all ranks."""
        total = np.empty_like(own)
        self.comm.Allreduce(own, total)
        return total


class DataParallel(Network):
    """The network on all ranks: `gradient` is that of the whole batch, and all ranks call it.

    The layers are those of the network.  Every rank must call `gradient` with the same batch.  The
    other methods are those of one process.

    Args:
        network: A network of our layers, or of subclasses of `Layer`.
        comm: The communicator of the ranks.
        sync_batch_norm: If True, batch normalization uses the mean and variance of the whole batch.
    """

    def __init__(self, network: Network, comm: Any, sync_batch_norm: bool) -> None:
        if not isinstance(network, Network) or type(network).gradient is not Network.gradient:
            raise TypeError(f"network must be a Network with its own gradient, got {network!r}")
        if network.device != "cpu":
            raise ValueError(f"network must lie on the CPU, got device {network.device!r}")
        all_layers = halves.all_of([*network.layers.values()])
        halves.check_can_be_shared(all_layers, network.last_layer, "network must go to Trainer")
        super().__init__(network.layers, network.last_layer, regularizer=network.regularizer)
        self.input_dim, self.block_size = network.input_dim, network.block_size
        self.sharded = False
        self._comm, self._sync_batch_norm = comm, sync_batch_norm

    def _backpropagate(self, x: Array, t: Array) -> float:
        if not self._is_batch(x):
            x, t = x[np.newaxis], t[np.newaxis]
        part = Part(self._comm, len(x))
        layers = [layer.replica() for layer in self.layers.values()]
        for twin in halves.all_of(layers):
            if twin.rng is not None:
                twin.rng = PartOfDraws(twin.rng, part)
            if self._sync_batch_norm and type(twin) is BatchNorm:
                twin.__class__ = SyncBatchNorm
                twin.part = part  # type: ignore[attr-defined]
        plan, last_layer = halves.in_working_order(layers), copy.copy(self.last_layer)
        loss = backpropagate(plan, last_layer, x[part.rows], t[part.rows], part.share)
        return self._add_up(part, layers, part.share * loss, checksum(x, t))

    def _add_up(self, part: Part, replicas: list[Layer], loss: float, batch: int) -> float:
        """Add up what the replicas of all ranks hold, in one array; return the loss."""
        gradients, states = [], []
        pairs = zip(self._all_layers(), halves.all_of(replicas), strict=True)
        for layer, twin in pairs:
            present = [name for name in twin.param_names if getattr(twin, name) is not None]
            gradients += [(layer, f"d{name}", getattr(twin, f"d{name}")) for name in present]
            present = [name for name in twin.state_names if getattr(twin, name) is not None]
            states += [(layer, name, getattr(twin, name)) for name in present]
        arrays = [array for *_, array in gradients] + [part.share * array for *_, array in states]
        dtype = np.result_type(np.float32, *arrays)  # MPI has no float16
        own = np.concatenate([np.array([batch, loss], dtype), *map(np.ravel, arrays)])
        if not part.share:
            own[1:] = 0  # batch normalization gives a gradient to a sample without a share, too
        total = part.total(own)
        if total[0] != batch * part.comm.size:
            raise ValueError("the batch must be the same on all ranks, got different ones")
        start = 2
        for layer, name, array in [*gradients, *states]:
            found = total[start : start + array.size].reshape(array.shape)
            setattr(layer, name, found.astype(array.dtype, copy=False))
            start += array.size
        return float(total[1])


def checksum(x: Array, t: Array) -> int:
    """Return a number below CHECKSUMS from the labels and the first and the last sample."""
    found = len(x)
    for array in (t, x[0], x[-1]):
        found = zlib.crc32(np.ascontiguousarray(array).data, found)
    return found % CHECKSUMS


class PartOfDraws(np.random.Generator):
    """Draws for the whole batch, as one process does, and returns what belongs to the rank's part.

    It shares its state with the generator that it is made of.
    """

    def __init__(self, rng: np.random.Generator, part: Part) -> None:
        super().__init__(rng.bit_generator)
        self._part = part

    def random(self, size: Any = None, *args: Any, **kwargs: Any) -> Any:
        if np.ndim(size) == 0:
            return super().random(size, *args, **kwargs)
        whole = super().random((self._part.batch_size, *size[1:]), *args, **kwargs)
        return whole[self._part.rows]


class SyncBatchNorm(BatchNorm):
    """Batch normalization over the whole batch, by the formulas of `BatchNorm`.

    Its formulas take means over rows.  Here they get the rank's rows as `PartOfRows`, whose means
    are those over the rows of all ranks.  Sums stay the rank's own: dgamma and dbeta are added up
    with the other gradients.
    """

    kind = BatchNorm.kind
    part: Part

    def _check_training(self, x: Array) -> None:
        super()._check_training(np.broadcast_to(x[:1], (self.part.batch_size, *x.shape[1:])))

    def _forward(self, x: Array, train_flg: bool) -> Array:
        return np.asarray(super()._forward(part_of_rows(x, self.part), train_flg))

    def _backward(self, dout: Array) -> Array:
        dx = super()._backward(part_of_rows(dout, self.part))
        self.dgamma, self.dbeta = np.asarray(self.dgamma), np.asarray(self.dbeta)
        return np.asarray(dx)


class PartOfRows(np.ndarray):
    """An array of which each rank holds a part: `mean` and `var` over axis 0 are of all parts."""

    part: Part | None = None

    def __array_finalize__(self, other: Any) -> None:
        self.part = getattr(other, "part", None)

    def mean(self, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        rows = np.asarray(self)
        if self.part is None or axis != 0:
            return rows.mean(axis, *args, **kwargs)
        own = np.append(rows.sum(axis=0), rows.dtype.type(len(rows)))
        total = self.part.total(own if self.part.share else np.zeros_like(own))
        return total[:-1] / total[-1]

    def var(self, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        if self.part is None or axis != 0:
            return np.asarray(self).var(axis, *args, **kwargs)
        return np.square(self - self.mean(axis=0)).mean(axis=0)


def part_of_rows(x: Array, part: Part) -> Any:
    """Return x as a `PartOfRows`."""
    rows = x.view(PartOfRows)
    rows.part = part
    return rows
