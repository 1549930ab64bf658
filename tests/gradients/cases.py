"""Small networks with every kind of layer that takes rows, in float64."""

import numpy as np

from dlbasics.layers import (
    Affine,
    BatchNorm,
    Dropout,
    Elu,
    Flatten,
    Identity,
    LeakyRelu,
    Relu,
    Reshape,
    Sigmoid,
    Tanh,
)
from tests.helpers import Block, normal

D, K = 5, 3
"""Numbers of inputs and classes."""


class Skip(Block):
    """A block as a reader might write one: its input is added to its output."""

    def forward(self, x, train_flg=True):
        return x + super().forward(x, train_flg)

    def backward(self, dout):
        return dout + super().backward(dout)


def affine(n_in, n_out, bias=True):
    seed = 10 * n_in + n_out
    return Affine(normal(n_in, n_out, seed=seed), normal(n_out, seed=seed + 1) if bias else None)


def norm(size):
    return BatchNorm(1 + 0.3 * normal(size, seed=size), normal(size, seed=size + 1))


def batch(n=4, d=D):
    return normal(n, d, seed=n), np.random.default_rng(n).integers(0, K, n)


def soft(t):
    return np.random.default_rng(0).uniform(0.1, 1, (len(t), K))


def one_hot(t):
    return np.eye(K)[t]


LAYERS = {
    "one affine": lambda: [affine(D, K)],
    "relu": lambda: [affine(D, 6), Relu(), affine(6, K)],
    "sigmoid": lambda: [affine(D, 6), Sigmoid(), affine(6, K)],
    "tanh, tanh": lambda: [affine(D, 6), Tanh(), affine(6, 4), Tanh(), affine(4, K)],
    "leaky": lambda: [affine(D, 6), LeakyRelu(0.2), affine(6, K)],
    "elu": lambda: [affine(D, 6), Elu(0.7), affine(6, K)],
    "shapes": lambda: [affine(D, 6), Reshape((3, 2)), Tanh(), Flatten(), affine(6, K)],
    "affine on affine": lambda: [affine(D, 6), affine(6, 4), affine(4, K)],
    "activations in a row": lambda: [affine(D, 6), Tanh(), Sigmoid(), Identity(), affine(6, K)],
    "activation first": lambda: [Tanh(), affine(D, K), Sigmoid()],
    "activation last": lambda: [affine(D, 6), Relu(), affine(6, K), Tanh(), LeakyRelu()],
    "no bias": lambda: [affine(D, 6, bias=False), Tanh(), affine(6, K, bias=False)],
    "batch norm": lambda: [affine(D, 6), norm(6), Tanh(), affine(6, K)],
    "batch norm first": lambda: [norm(D), affine(D, 6), Sigmoid(), affine(6, K)],
    "batch norm last": lambda: [affine(D, 6), Tanh(), affine(6, K), norm(K)],
    "batch norm twice": lambda: [
        affine(D, 4),
        norm(4),
        Tanh(),
        affine(4, 4),
        norm(4),
        affine(4, K),
    ],
    "dropout": lambda: [affine(D, 8), Tanh(), Dropout(0.5), affine(8, K)],
    "dropout right after affine": lambda: [affine(D, 8), Dropout(0.4), affine(8, K), Dropout(0.2)],
    "dropout first": lambda: [Dropout(0.3), affine(D, 8), Sigmoid(), affine(8, K)],
    "both": lambda: [affine(D, 8), norm(8), Tanh(), Dropout(0.5), affine(8, 4), affine(4, K)],
    "deep": lambda: [layer for _ in range(6) for layer in (affine(D, D), Tanh())] + [affine(D, K)],
    "block": lambda: [Block(affine(D, 6), Tanh()), affine(6, K)],
    "block in the middle": lambda: [affine(D, 4), Block(Tanh(), affine(4, 4)), affine(4, K)],
    "skip": lambda: [affine(D, 4), Skip(affine(4, 4), Tanh(), affine(4, 4)), affine(4, K)],
    "dropout in a block": lambda: [affine(D, 4), Block(Tanh(), Dropout(0.3)), affine(4, K)],
    "nested": lambda: [Block(affine(D, 4), Skip(affine(4, 4), norm(4)), Tanh()), affine(4, K)],
}
