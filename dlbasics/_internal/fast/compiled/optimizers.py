"""Optimizers change a parameter and its state in one pass over their elements.

Each loop is the formula of its class in dlbasics/optimizers.py.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import optimizers
from dlbasics._internal.fast.compiled.loops import compiled
from dlbasics._internal.fast.layout import suit
from dlbasics._internal.optimizer import Optimizer
from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop


def step(optimizer: Any, *arrays: Array) -> None:
    """Do `optimizer._step(*arrays)`, where the arrays are the parameter, its gradient and state."""
    if not suit(*arrays):
        optimizers.step_in_chunks(optimizer, *arrays)
        return
    loop, settings = LOOPS[type(optimizer)]
    loop(*[array.ravel() for array in arrays], *settings(optimizer))


# The settings are Python's floats, which have 64 bits.  A product of one with a float32 would have
# 64 bits, too, so the loops first give them the dtype of W.


@compiled
def sgd(W: Array, dW: Array, lr: float) -> None:
    lr = W.dtype.type(lr)
    for i in range(W.size):
        W[i] -= lr * dW[i]


@compiled
def momentum(W: Array, dW: Array, v: Array, lr: float, momentum: float) -> None:
    lr, momentum = W.dtype.type(lr), W.dtype.type(momentum)
    for i in range(W.size):
        v[i] = momentum * v[i] - lr * dW[i]
        W[i] += v[i]


@compiled
def nesterov(W: Array, dW: Array, v: Array, lr: float, momentum: float) -> None:
    lr, momentum = W.dtype.type(lr), W.dtype.type(momentum)
    for i in range(W.size):
        step = lr * dW[i]
        v[i] = momentum * v[i] - step
        W[i] = W[i] + momentum * v[i] - step


@compiled
def ada_grad(W: Array, dW: Array, h: Array, lr: float) -> None:
    lr, small = W.dtype.type(lr), W.dtype.type(1e-7)
    for i in range(W.size):
        h[i] += dW[i] * dW[i]
        W[i] -= lr * dW[i] / (np.sqrt(h[i]) + small)


@compiled
def rms_prop(W: Array, dW: Array, h: Array, lr: float, decay_rate: float) -> None:
    lr, small = W.dtype.type(lr), W.dtype.type(1e-7)
    share, rest = W.dtype.type(decay_rate), W.dtype.type(1 - decay_rate)
    for i in range(W.size):
        h[i] = share * h[i] + rest * (dW[i] * dW[i])
        W[i] -= lr * dW[i] / (np.sqrt(h[i]) + small)


@compiled
def adam(W: Array, dW: Array, m: Array, v: Array, lr_t: float, beta1: float, beta2: float) -> None:
    lr_t, small = W.dtype.type(lr_t), W.dtype.type(1e-7)
    rest1, rest2 = W.dtype.type(1 - beta1), W.dtype.type(1 - beta2)
    for i in range(W.size):
        m[i] += rest1 * (dW[i] - m[i])
        v[i] += rest2 * (dW[i] * dW[i] - v[i])
        W[i] -= lr_t * m[i] / (np.sqrt(v[i]) + small)


def of_adam(own: Adam) -> tuple[float, float, float]:
    lr_t = own.lr * (1 - own.beta2**own.iter) ** 0.5 / (1 - own.beta1**own.iter)
    return lr_t, own.beta1, own.beta2


LOOPS: dict[type[Optimizer], tuple[Callable[..., None], Callable[[Any], tuple[float, ...]]]] = {
    SGD: (sgd, lambda own: (own.lr,)),
    Momentum: (momentum, lambda own: (own.lr, own.momentum)),
    Nesterov: (nesterov, lambda own: (own.lr, own.momentum)),
    AdaGrad: (ada_grad, lambda own: (own.lr,)),
    RMSprop: (rms_prop, lambda own: (own.lr, own.decay_rate)),
    Adam: (adam, of_adam),
    AdamW: (adam, of_adam),
}
"""For each class its loop, and the settings that the loop takes after the arrays."""
