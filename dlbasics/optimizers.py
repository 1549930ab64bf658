"""How gradients change parameters (book: *Updating Parameters*).

Every optimizer is used as the book's: `update(params, grads)` changes the arrays of `params` in
place.  `params` is a network's, or any dict of arrays or plain numbers.
"""

import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from dlbasics._internal.checks import Array, as_array, as_count, as_float, as_number, quiet

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "clip_by_norm",
    "np",
]

BELOW_ONE = math.nextafter(1.0, 0.0)
TINY = math.ulp(0.0)


class ParamDict(Protocol):
    """What `update` asks of params: a dict has it, and so has a network's live mapping."""

    def items(self) -> Any: ...
    def __setitem__(self, key: str, value: Any, /) -> None: ...


class Optimizer(ABC):
    """Checks, state and memory, so that a method is no more than its formula.

    lr: the learning rate, at least 0; it may be changed at any time.
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    """Attributes that hold an array for each parameter: {key: array}, zeros at first."""

    settings: ClassVar[tuple[str, ...]] = ("lr",)
    """Attributes that are numbers, given when the optimizer is made."""

    weight_decay = 0.0
    """The share of each weight, times lr, that a step takes away besides; for biases none."""

    CHUNK: ClassVar[int] = 32_768
    """Elements worked on at once: few enough to stay in the processor's cache."""

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self.iter = 0
        for name in self.state_names:
            setattr(self, name, {})

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = as_number(value, "lr", low=0)

    @quiet
    def update(self, params: ParamDict, grads: Mapping[str, Any]) -> None:
        """Move every parameter by one step.

        Raises ValueError where a gradient is missing or has another shape than its parameter, or
        where keys or shapes are not those that the state belongs to; TypeError for parameters that
        are not floating-point.
        """
        given = dict(params.items())
        arrays = {key: _floating(key, param) for key, param in given.items()}
        checked = {key: _gradient(key, param, grads) for key, param in arrays.items()}
        states = self._states(arrays)
        self.iter += 1
        for key, param in arrays.items():
            if self.weight_decay and key.startswith("W"):
                param *= 1 - self.lr * self.weight_decay
            step = self._step if param.size <= self.CHUNK else self._step_in_chunks
            step(param, checked[key], *(state[key] for state in states))
        for key, param in given.items():
            if param is not arrays[key]:
                params[key] = float(arrays[key])

    @abstractmethod
    def _step(self, param: Array, grad: Array, *state: Array) -> None:
        """Change `param` and the state in place."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs, as copies: kind, iter, settings, arrays as 'v/W1'."""
        arrays = {
            f"{name}/{key}": array.copy()
            for name in self.state_names
            for key, array in getattr(self, name).items()
        }
        settings = {name: getattr(self, name) for name in self.settings}
        return {"kind": type(self).__name__, "iter": self.iter, **settings, **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` of such an optimizer returned; unchanged if it does not fit.

        Raises ValueError for the state of another kind of optimizer, or for half a state.
        """
        if str(state.get("kind")) != type(self).__name__:
            raise ValueError(f"state must be of {type(self).__name__}, got {state.get('kind')}")
        single = {"kind", "iter", *self.settings}
        arrays: dict[str, dict[str, Array]] = {name: {} for name in self.state_names}
        for entry in state.keys() - single:
            name, _, key = entry.partition("/")
            if name not in arrays or not key:
                raise ValueError(f"state has {entry!r}, which {type(self).__name__} does not keep")
            arrays[name][key] = as_array(state[entry], entry).copy()
        if not single <= state.keys() or len({frozenset(a) for a in arrays.values()}) > 1:
            raise ValueError(f"state is not a whole state of {type(self).__name__}")
        steps = as_count(int(state["iter"]), "iter", least=0)
        settings = {name: as_number(float(state[name]), name, low=0) for name in self.settings}
        self.iter = steps
        for name, value in {**settings, **arrays}.items():
            setattr(self, name, value)

    def _states(self, params: Mapping[str, Array]) -> list[dict[str, Array]]:
        states: list[dict[str, Array]] = [getattr(self, name) for name in self.state_names]
        for state in states:
            if not state:
                state.update(
                    (key, np.zeros_like(param, order="C")) for key, param in params.items()
                )
            if state.keys() != params.keys() or any(
                state[key].shape != param.shape for key, param in params.items()
            ):
                raise ValueError(
                    f"params must keep the keys and shapes that {type(self).__name__} has state "
                    f"for, {_shapes(state)}, got {_shapes(params)}: use an optimizer per network"
                )
        return states

    def _step_in_chunks(self, *arrays: Array) -> None:
        if not all(array.flags.c_contiguous for array in arrays):
            self._step(*arrays)
            return
        flat = [array.reshape(-1) for array in arrays]
        for start in range(0, flat[0].size, self.CHUNK):
            self._step(*(array[start : start + self.CHUNK] for array in flat))


def _floating(key: str, param: Any) -> Array:
    """The parameter itself; a plain number as an array of no dimensions."""
    if isinstance(param, np.ndarray) and param.dtype.kind == "f":
        if not param.flags.writeable:
            raise ValueError(f"params[{key!r}] must be writable, got a read-only array")
        return param
    if isinstance(param, numbers.Real):
        return np.array(param, dtype=np.float64)
    found = getattr(param, "dtype", type(param).__name__)
    raise TypeError(f"params[{key!r}] must be a floating-point array or number, got {found}")


def _gradient(key: str, param: Array, grads: Mapping[str, Any]) -> Array:
    if key not in grads:
        raise ValueError(f"grads must have an entry for {key!r}, got {list(grads)}")
    grad = grads[key]
    if not isinstance(grad, np.ndarray) or grad.dtype.kind != "f":
        grad = as_float(grad, f"grads[{key!r}]")
    if grad.shape != param.shape:
        raise ValueError(f"grads[{key!r}] must have shape {param.shape}, got {grad.shape}")
    return grad


def _shapes(arrays: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    return {key: array.shape for key, array in arrays.items()}


class SGD(Optimizer):
    """W <- W - lr dL/dW (book: *SGD*, eq. 6.1)."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)

    def _step(self, param: Array, grad: Array, *state: Array) -> None:
        param -= self.lr * grad


class Momentum(Optimizer):
    """v <- momentum v - lr dL/dW;  W <- W + v (book: *Momentum*, eq. 6.3 and 6.4)."""

    state_names: ClassVar[tuple[str, ...]] = ("v",)
    settings: ClassVar[tuple[str, ...]] = ("lr", "momentum")
    v: dict[str, Array]

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = as_number(momentum, "momentum", low=0, high=1)

    def _step(self, param: Array, grad: Array, *state: Array) -> None:
        (v,) = state
        v *= self.momentum
        v -= self.lr * grad
        param += v


class Nesterov(Momentum):
    """Momentum that looks ahead (Nesterov 1983, in the form of Bengio et al. 2013, eq. 6 and 7).

    v <- momentum v - lr dL/dW;  W <- W + momentum v - lr dL/dW.
    """

    def _step(self, param: Array, grad: Array, *state: Array) -> None:
        (v,) = state
        step = self.lr * grad
        v *= self.momentum
        v -= step
        param += self.momentum * v
        param -= step


class AdaGrad(Optimizer):
    """h <- h + (dL/dW)^2;  W <- W - lr dL/dW / (sqrt(h) + 1e-7) (book: *AdaGrad*, eq. 6.5, 6.6)."""

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    h: dict[str, Array]

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)

    def _step(self, param: Array, grad: Array, *state: Array) -> None:
        (h,) = state
        h += grad * grad
        param -= self.lr * grad / (np.sqrt(h) + 1e-7)


class RMSprop(Optimizer):
    """AdaGrad that forgets (Hinton 2012).

    h <- decay_rate h + (1 - decay_rate) (dL/dW)^2;  W <- W - lr dL/dW / (sqrt(h) + 1e-7).
    """

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    settings: ClassVar[tuple[str, ...]] = ("lr", "decay_rate")
    h: dict[str, Array]

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99) -> None:
        super().__init__(lr)
        self.decay_rate = as_number(decay_rate, "decay_rate", low=0, high=1)

    def _step(self, param: Array, grad: Array, *state: Array) -> None:
        (h,) = state
        h *= self.decay_rate
        h += (1 - self.decay_rate) * (grad * grad)
        param -= self.lr * grad / (np.sqrt(h) + 1e-7)


class Adam(Optimizer):
    """Momentum and RMSprop together, both corrected for their start at 0 (Kingma and Ba 2015).

    m <- beta1 m + (1 - beta1) dL/dW;  v <- beta2 v + (1 - beta2) (dL/dW)^2;
    W <- W - lr sqrt(1 - beta2^iter) / (1 - beta1^iter) m / (sqrt(v) + 1e-7).

    As in the book, the correction is part of the rate (end of the paper's section 2).  Beside the
    paper's epsilon the 1e-7 counts 1 / sqrt(1 - beta2^iter) times: 32 times at the first step, 1.26
    times after 1,000.
    """

    state_names: ClassVar[tuple[str, ...]] = ("m", "v")
    settings: ClassVar[tuple[str, ...]] = ("lr", "beta1", "beta2")
    m: dict[str, Array]
    v: dict[str, Array]

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr)
        self.beta1 = as_number(beta1, "beta1", low=0, high=BELOW_ONE)
        self.beta2 = as_number(beta2, "beta2", low=0, high=BELOW_ONE)

    def _step(self, param: Array, grad: Array, *state: Array) -> None:
        m, v = state
        rate = self.lr * (1 - self.beta2**self.iter) ** 0.5 / (1 - self.beta1**self.iter)
        m += (1 - self.beta1) * (grad - m)
        v += (1 - self.beta2) * (grad * grad - v)
        param -= rate * m / (np.sqrt(v) + 1e-7)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    W <- W - lr weight_decay W, then a step of Adam.  A penalty in the loss (the book's
    weight_decay_lambda) becomes part of the gradient, which Adam divides by its size: weights with
    large gradients decay less.  Here all decay alike.  As in the book only weights do, the
    parameters whose names begin with W.
    """

    settings: ClassVar[tuple[str, ...]] = ("lr", "beta1", "beta2", "weight_decay")

    def __init__(
        self,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(lr, beta1, beta2)
        self.weight_decay = as_number(weight_decay, "weight_decay", low=0)


@quiet
def clip_by_norm(grads: Mapping[str, Any], max_norm: float) -> dict[str, Array]:
    """All gradients times min(1, max_norm / norm), where norm is that of all of them together.

    norm = sqrt(sum of every element's square) (Pascanu et al. 2013, algorithm 1), in float64.
    Gradients within max_norm, or whose norm is not finite, come back as they are.  Raises
    ValueError unless max_norm > 0.
    """
    max_norm = as_number(max_norm, "max_norm", low=TINY)
    arrays = {key: as_float(grad, f"grads[{key!r}]") for key, grad in grads.items()}
    norm = math.hypot(*(np.linalg.norm(array.astype(np.float64)) for array in arrays.values()))
    if norm <= max_norm or not math.isfinite(norm):
        return arrays
    return {
        # In float16, a small factor would have few digits left, or none.
        key: np.multiply(array, max_norm / norm, dtype=np.float64).astype(array.dtype)
        for key, array in arrays.items()
    }
