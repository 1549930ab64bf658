"""The base class of all layers does the plumbing; a subclass writes the formulas."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from dlbasics._internal import table
from dlbasics._internal.checks import (
    Array,
    as_array,
    as_flag,
    as_float,
    as_float_dtype,
    as_result,
    computed_in,
    native,
    native_dtype,
    quiet,
)
from dlbasics._internal.reprs import made_by

L = TypeVar("L", bound="Layer")


class Layer:
    """One step of a network: y = f(x) forward, dL/dx from dL/dy backward.

    A layer of your own is a subclass with two methods, which are its formulas:

        def _forward(self, x, train_flg):  # returns y, keeps what _backward needs
        def _backward(self, dout):         # sets dW for a parameter W, returns dx

    x and dout are floating-point arrays; the formulas must not write into them.  They may return x
    or dout itself.  If the layer keeps an array, they return a copy of it, such as
    `self.out.copy()`, because the caller may change what a layer returns.

    `forward` and `backward` call the formulas.  They check their arguments, and compute float16 in
    float32.  By default every x is a batch.  A layer that also takes a single sample defines
    `_is_batch`; then `forward` makes a batch of one from the sample.  A layer whose y has another
    shape than x defines `output_shape`, for `summary`.

    For Affine, Relu, BatchNorm, Convolution and Pooling, `forward` and `backward` may run a faster
    version of the same formulas, from `_internal/fast`.  If you change a formula in one of these
    classes, compute within `with dlbasics.plain():`, or set `DLBASICS_PLAIN=1`, to see the effect.

    Attributes:
        param_names: The attributes that are trained; each may be None.  The gradient of W is dW.
        state_names: The attributes that are saved with the parameters but not trained, such as
            running statistics.  All of them are None, or all are arrays of the shape of the
            layer's first parameter.
        couples_samples: True if, in training, the output of one sample depends on the others.
        kind: The name of such a layer in a network, without its number: "Conv" for Conv1.
        layers: The inner layers of a block such as Residual; empty for other layers.
        rng: The random generator; Network sets it if it is None.
        frozen: True if random masks and running statistics stay as they are, for a gradient check.
    """

    kind: ClassVar[str] = "Layer"
    param_names: ClassVar[tuple[str, ...]] = ()
    state_names: ClassVar[tuple[str, ...]] = ()
    couples_samples: ClassVar[bool] = False

    layers: Sequence["Layer"] = ()
    rng: np.random.Generator | None = None
    frozen: bool = False

    _y_shape: tuple[int, ...] | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.kind = cls.__dict__.get("kind", cls.__name__)

    # A subclass writes the first two methods, and any of the other three that must differ.

    def _forward(self, x: Array, train_flg: bool) -> Array:
        """Return y = f(x)."""
        raise TypeError(f"{self.kind} must define _forward(x, train_flg), or forward(x)")

    def _backward(self, dout: Array) -> Array:
        """Set d<name> for each parameter, and return dL/dx, given dout = dL/dy."""
        raise TypeError(f"{self.kind} must define _backward(dout), or backward(dout)")

    def _is_batch(self, x: Array) -> bool:
        """Return whether x is a batch, not a single sample; raise ValueError if it is neither."""
        return True

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one sample of y, given the shape of one sample of x."""
        return x_shape

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of one sample of x; None if the layer takes samples of any shape."""
        return None

    # What the base class does for all layers:

    @quiet  # silences NumPy's warnings about infinite numbers
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """Return y = f(x).

        Args:
            x: A batch, or a single sample.
            train_flg: True in training, False in test.  It matters for Dropout and BatchNorm, and
                for blocks that contain them.

        Raises:
            ValueError: If x has a shape that the layer does not take.
            TypeError: If x does not hold numbers, or train_flg is neither True nor False.
        """
        given, train_flg = native(as_array(x)), as_flag(train_flg, "train_flg")
        is_batch = self._is_batch(given)
        x = given if is_batch else given[np.newaxis]
        dtype = None if given.dtype.char in "fd" else self._result_type(given.dtype)
        if dtype is not None:
            x = x.astype(dtype if self.layers else computed_in(dtype), copy=False)
        fast = table.fast(type(self), x)
        is_fast = fast is not None and fast.fits(self, x)
        y: Array = fast.forward(self, x, train_flg) if is_fast else self._forward(x, train_flg)
        if not is_fast and np.may_share_memory(y, given):
            y = y.copy()
        if dtype is not None and not self.layers:
            y = y.astype(dtype, copy=False)
        y = as_result(y if is_batch else y[0])  # no number, for an x without dimensions
        self._is_single, self._is_fast = not is_batch, is_fast
        self._x_shape, self._x_dtype, self._y_shape = given.shape, given.dtype, y.shape
        return y

    @quiet
    def backward(self, dout: Array) -> Array:
        """Set d<name> for each parameter, and return dL/dx.

        Args:
            dout: The gradient of the loss with respect to the output, dL/dy, in the shape of y.

        Returns:
            The gradient of the loss with respect to the input, dL/dx, in the shape of x.

        Raises:
            ValueError: If there was no forward before, or if dout does not have the shape of y.
        """
        dx: Array = self._run_backward(dout, "backward")
        return as_result(dx).reshape(self._x_shape)

    @quiet
    def backward_params(self, dout: Array) -> None:
        """Set d<name> for each parameter, without dL/dx, which the first layer does not need."""
        if type(self).backward is Layer.backward:
            self._run_backward(dout, "backward_params")
        else:
            self.backward(dout)

    def __repr__(self) -> str:
        return made_by(self)

    def walk(self) -> Iterator["Layer"]:
        """Yield this layer and all its inner layers, depth first."""
        yield self
        for layer in self.layers:
            yield from layer.walk()

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, for a copy or a pickle, as they are now.

        Another thread that uses the layer may add some meanwhile.
        """
        return self.__dict__.copy()

    def replica(self: L) -> L:
        """Return a layer that shares the parameters but remembers its own forward pass.

        It has replicas of the inner layers, in `layers` and in each attribute that is one of them.
        """
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twins = {id(layer): layer.replica() for layer in self.layers}
        for name, value in [*twin.__dict__.items()] if twins else ():
            twin.__dict__[name] = twins.get(id(value), value)
        if "layers" in self.__dict__:
            twin.layers = list(twins.values())
        return twin

    def freeze(self) -> None:
        """Set `frozen` in this layer and in its inner layers."""
        for layer in self.walk():
            layer.frozen = True

    @quiet
    def cast(self, dtype: Any) -> None:
        """Convert parameters and states, also those of inner layers, to a floating-point dtype."""
        dtype = as_float_dtype(dtype)
        for layer in self.walk():
            for name in layer.param_names + layer.state_names:
                array = getattr(layer, name)
                if array is not None:
                    setattr(layer, name, array.astype(dtype))

    def _run_backward(self, dout: Array, name: str) -> Any:
        given = self._checked(dout)
        batch = given[np.newaxis] if self._is_single else given
        is_half = given.dtype.char == "e" and not self.layers
        if is_half:
            batch = batch.astype(np.float32)
        if self._is_fast:
            dx = getattr(table.replacement(type(self)), name)(self, batch)
        else:
            dx = self._backward(batch)
            if np.may_share_memory(dx, given):
                dx = dx.copy()
        if is_half:
            for param in self._present_params():
                dtype = np.result_type(given, self._x_dtype)
                setattr(self, f"d{param}", getattr(self, f"d{param}").astype(dtype, copy=False))
            dx = None if dx is None else dx.astype(self._result_type(given.dtype), copy=False)
        return dx

    def _checked(self, dout: Any) -> Array:
        """Return `dout` as a floating-point array; raise ValueError if its shape is not y's."""
        dout = as_float(dout, "dout")
        if dout.shape != self._y_shape:
            if self._y_shape is None:
                raise ValueError(f"{self.kind}: backward needs a forward before it")
            raise ValueError(
                f"{self.kind}: dout must have the shape of the output, {self._y_shape}, "
                f"got {dout.shape}"
            )
        return dout

    def _present_params(self) -> list[str]:
        return [name for name in self.param_names if getattr(self, name) is not None]

    def _result_type(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the dtype that this dtype and the parameters give; float64 if all are integers."""
        params = (getattr(self, name) for name in self._present_params())
        found = np.result_type(dtype, *params)
        return native_dtype(found) if found.kind == "f" else np.dtype(np.float64)
