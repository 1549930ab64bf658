"""What every layer is, and all that may be asked of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from dlbasics._internal.checks import Array, as_float, as_float_dtype

L = TypeVar("L", bound="Layer")


class Layer(ABC):
    """One step of a network: y = f(x) forward, dL/dx from dL/dy backward.

    `forward` keeps what `backward` needs.  Neither writes into an array it was given or has handed
    out, and what they return is the caller's own.
    """

    kind: ClassVar[str]
    """The book's name for such a layer in a network, before its number: Affine1, Conv1."""
    param_names: ClassVar[tuple[str, ...]] = ()
    """Attributes that are trained; each may be None.  The gradient of W is dW."""
    state_names: ClassVar[tuple[str, ...]] = ()
    """Attributes that are saved with the parameters but not trained: running statistics.

    All of them are None, or arrays of the shape of the layer's first parameter."""
    couples_samples: ClassVar[bool] = False
    """Whether, in training, one sample's output depends on the other samples of the batch."""
    elementwise: ClassVar[bool] = False
    """Whether y[i] depends on x[i] alone, by the same function for every i (a mask is not)."""

    layers: Sequence["Layer"] = ()
    """The inner layers of a block."""
    rng: np.random.Generator | None = None
    """Where a layer that draws draws from; a network hands its own to layers that have none."""
    frozen: bool = False
    """Whether random masks and running statistics stay as they are (gradient checks).

    A frozen layer must take a batch that is the last one several times over, as if each repetition
    came alone, unless `couples_samples`."""

    _y_shape: tuple[int, ...] | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.kind = cls.__dict__.get("kind", cls.__name__)
        if "forward" in cls.__dict__:
            # What a base class says of its forward need not hold for another one.
            for rule in ("elementwise", "column_shifts", "column_effect"):
                if rule not in cls.__dict__:
                    setattr(cls, rule, getattr(Layer, rule))

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of one sample of x; None where any will do."""
        return None

    @abstractmethod
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """y = f(x)."""

    @abstractmethod
    def backward(self, dout: Array) -> Array:
        """dL/dx from dout = dL/dy; sets d<name> for each parameter."""

    def backward_params(self, dout: Array) -> None:
        """Set d<name> for each parameter, without dL/dx, which the first layer does not need."""
        self.backward(dout)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample of y, given the shape of one sample of x."""
        return x_shape

    def column_shifts(self, name: str) -> Array | None:
        """How y moves with the parameter `name`, where each element moves one column of y only.

        (K, N): an element [k, c] of the parameter, as a (K, M) matrix, adds `shifts[k]` per unit
        to y[:, c] for the batch of the last forward.  None where there is no such rule.
        """
        return None

    def column_effect(self, column: int) -> Array | None:
        """What one unit of x[:, column] adds to each row of y, (M,); None where that varies."""
        return None

    def walk(self) -> Iterator["Layer"]:
        """This layer and all that it contains, depth first."""
        yield self
        for layer in self.layers:
            yield from layer.walk()

    def replica(self: L) -> L:
        """A layer over the same parameters that keeps its own forward pass.

        Inner layers are found in `layers`, and wherever else an attribute is one of them.
        """
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twins = {id(layer): layer.replica() for layer in self.layers}
        for name, value in self.__dict__.items() if twins else ():
            twin.__dict__[name] = twins.get(id(value), value)
        if "layers" in self.__dict__:
            twin.layers = list(twins.values())
        return twin

    def freeze(self) -> None:
        """Set `frozen` here and in inner layers."""
        for layer in self.walk():
            layer.frozen = True

    def cast(self, dtype: Any) -> None:
        """Turn parameters and states, inner layers' too, into arrays of a floating-point dtype."""
        dtype = as_float_dtype(dtype)
        for layer in self.walk():
            for name in layer.param_names + layer.state_names:
                array = getattr(layer, name)
                if array is not None:
                    setattr(layer, name, array.astype(dtype))

    def _checked(self, dout: Any) -> Array:
        """`dout` as a floating-point array of the shape that the last forward returned."""
        dout = as_float(dout, "dout")
        if dout.shape != self._y_shape:
            if self._y_shape is None:
                raise ValueError(f"{self.kind}: backward needs a forward before it")
            raise ValueError(
                f"{self.kind}: dout must have the shape of the output, {self._y_shape}, "
                f"got {dout.shape}"
            )
        return dout
