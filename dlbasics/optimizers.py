"""Optimizers: how gradients change parameters (book: *Updating Parameters*).

Use them as in the book: `update(params, grads)` changes the arrays of `params` in place.  For each
parameter W (a weight or a bias), `update` calls `_step(W, dW, *state)`.  `_step` holds the formula,
and changes W and its state in place.  `state_names` lists the attributes that hold the state:
each is a dict with an array for each parameter, zeros at first.  `settings` lists the arguments of
an optimizer that are numbers; `limits` says in which range a setting lies, if not from 0 on.  A
checkpoint holds the settings, the state, and `iter`, the number of updates, which is 1 in the first
`_step`.

For the classes in this file, `update` passes a large W to `_step` in pieces, so their formulas must
work element by element.  Where numba is installed, it runs a compiled loop instead of `_step`.
Within `with dlbasics.plain():`, and for a class of your own, it passes the whole W to `_step`.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from dlbasics._internal.checks import Array, as_float, as_number, quiet
from dlbasics._internal.optimizer import Optimizer

__all__ = [
    "SGD", "AdaGrad", "Adam", "AdamW", "Momentum", "Nesterov", "Optimizer", "RMSprop",
    "clip_by_norm", "np",
]  # fmt: skip

Limits = Mapping[str, tuple[float, float]]

BELOW_ONE = math.nextafter(1.0, 0.0)
"""The largest number below 1."""

TINY = math.ulp(0.0)
"""The smallest number above 0."""


class SGD(Optimizer):
    """Stochastic gradient descent.

    W <- W - lr * dL/dW.

    Args:
        lr: The learning rate.

    Book: *SGD*, eq. 6.1.
    """

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)

    def _step(self, W: Array, dW: Array) -> None:
        W -= self.lr * dW


class Momentum(Optimizer):
    """SGD with momentum, like a ball that rolls downhill with velocity v.

    v <- momentum * v - lr * dL/dW;  W <- W + v.

    Args:
        lr: The learning rate.
        momentum: The share of the velocity that each step keeps, from 0 to 1.

    Book: *Momentum*, eq. 6.3 and 6.4.
    """

    state_names: ClassVar[tuple[str, ...]] = ("v",)
    settings: ClassVar[tuple[str, ...]] = ("lr", "momentum")
    limits: ClassVar[Limits] = {"momentum": (0, 1)}
    momentum: float
    v: dict[str, Array]

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = momentum

    def _step(self, W: Array, dW: Array, v: Array) -> None:
        v *= self.momentum
        v -= self.lr * dW
        W += v


class Nesterov(Momentum):
    """Momentum that looks ahead, as if the next gradient were the same.

    v <- momentum * v - lr * dL/dW;  W <- W + momentum * v - lr * dL/dW.

    Args:
        lr: The learning rate.
        momentum: The share of the velocity that each step keeps, from 0 to 1.

    Source: Nesterov 1983, in the form of Bengio et al. 2013, eq. 6 and 7.
    """

    def _step(self, W: Array, dW: Array, v: Array) -> None:
        step = self.lr * dW
        v *= self.momentum
        v -= step
        W += self.momentum * v
        W -= step


class AdaGrad(Optimizer):
    """SGD in which each element's learning rate falls as its squared gradients add up.

    h <- h + (dL/dW)^2;  W <- W - lr * dL/dW / (sqrt(h) + 1e-7).

    Args:
        lr: The learning rate.

    Book: *AdaGrad*, eq. 6.5 and 6.6.
    """

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    h: dict[str, Array]

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)

    def _step(self, W: Array, dW: Array, h: Array) -> None:
        h += dW * dW
        W -= self.lr * dW / (np.sqrt(h) + 1e-7)


class RMSprop(Optimizer):
    """AdaGrad that forgets old gradients.

    h <- decay_rate * h + (1 - decay_rate) * (dL/dW)^2;
    W <- W - lr * dL/dW / (sqrt(h) + 1e-7).

    Args:
        lr: The learning rate.
        decay_rate: The share of h that each step keeps, from 0 to 1.

    Book: *AdaGrad*, which names it.  Source: Tieleman and Hinton 2012.
    """

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    settings: ClassVar[tuple[str, ...]] = ("lr", "decay_rate")
    limits: ClassVar[Limits] = {"decay_rate": (0, 1)}
    decay_rate: float
    h: dict[str, Array]

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99) -> None:
        super().__init__(lr)
        self.decay_rate = decay_rate

    def _step(self, W: Array, dW: Array, h: Array) -> None:
        h *= self.decay_rate
        h += (1 - self.decay_rate) * (dW * dW)
        W -= self.lr * dW / (np.sqrt(h) + 1e-7)


class Adam(Optimizer):
    """Momentum and RMSprop in one, with a correction for m and v, which start at 0.

    m <- beta1 * m + (1 - beta1) * dL/dW;  v <- beta2 * v + (1 - beta2) * (dL/dW)^2;
    lr_t = lr * sqrt(1 - beta2^iter) / (1 - beta1^iter);  W <- W - lr_t * m / (sqrt(v) + 1e-7).

    Because they start at 0, m and v are too small in the first steps.  The factor in lr_t corrects
    that, as the paper does at the end of its second section.  This formula adds 1e-7 to the root of
    v, and the paper's algorithm 1 adds epsilon to the root of the corrected v.  Both are equal for
    epsilon = 1e-7 / sqrt(1 - beta2^iter): with the defaults 32e-7 at step 1, 1.26e-7 at step 1,000.

    Args:
        lr: The learning rate.
        beta1: The share of m that each step keeps, at least 0 and below 1.
        beta2: The share of v that each step keeps, at least 0 and below 1.

    Book: *Adam*.  Source: Kingma and Ba 2015.
    """

    state_names: ClassVar[tuple[str, ...]] = ("m", "v")
    settings: ClassVar[tuple[str, ...]] = ("lr", "beta1", "beta2")
    limits: ClassVar[Limits] = {"beta1": (0, BELOW_ONE), "beta2": (0, BELOW_ONE)}
    beta1: float
    beta2: float
    m: dict[str, Array]
    v: dict[str, Array]

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr)
        self.beta1 = beta1
        self.beta2 = beta2

    def _step(self, W: Array, dW: Array, m: Array, v: Array) -> None:
        lr_t = self.lr * (1 - self.beta2**self.iter) ** 0.5 / (1 - self.beta1**self.iter)
        m += (1 - self.beta1) * (dW - m)  # the same as beta1 * m + (1 - beta1) * dW
        v += (1 - self.beta2) * (dW * dW - v)
        W -= lr_t * m / (np.sqrt(v) + 1e-7)


class AdamW(Adam):
    """Adam with weight decay that does not pass through the gradient.

    `update` computes W <- W - lr * weight_decay * W, and then a step of Adam.

    A penalty in the loss (book: *Weight Decay*) becomes part of the gradient.  Adam divides the
    gradient by the root of its mean square, so that weights with large gradients decay less.  AdamW
    shrinks all weights by the same factor.  Only weights decay: the parameters whose names begin
    with W.

    Args:
        lr: The learning rate.
        beta1: The share of m that each step keeps, at least 0 and below 1.
        beta2: The share of v that each step keeps, at least 0 and below 1.
        weight_decay: The strength of the decay, at least 0.

    Source: Loshchilov and Hutter 2019, algorithm 2.
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
        self.weight_decay = weight_decay


@quiet  # silences NumPy's warnings about infinite numbers
def clip_by_norm(grads: Mapping[str, Any], max_norm: float) -> dict[str, Array]:
    """Return all gradients times min(1, max_norm / norm), where norm is their common norm.

    The norm is the square root of the sum of the squares of all gradients, in float64.  If it is at
    most max_norm, or not finite, the gradients come back as they are.  Use the function before an
    update: `optimizer.update(params, clip_by_norm(grads, 5))`.

    Args:
        grads: The gradients by key.
        max_norm: The largest norm of the result.

    Raises:
        TypeError: If grads is not a dict of numbers or arrays of numbers.
        ValueError: If max_norm is not above 0.

    Source: Pascanu et al. 2013, algorithm 1.
    """
    max_norm = as_number(max_norm, "max_norm", low=TINY)
    if not isinstance(grads, Mapping):
        raise TypeError(f"grads must be a dict of arrays, got {type(grads).__name__}")
    arrays = {key: as_float(grad, f"grads[{key!r}]") for key, grad in grads.items()}
    norm = math.hypot(*(np.linalg.norm(array.astype(np.float64)) for array in arrays.values()))
    if norm <= max_norm or not math.isfinite(norm):
        return arrays
    return {
        # In float16, a small factor would have few digits left, or none.
        key: np.multiply(array, max_norm / norm, dtype=np.float64).astype(array.dtype)
        for key, array in arrays.items()
    }
