"""The book's algorithms in float64, with nothing but what its layers need.

A convolution and a pooling layer copy the windows of a whole batch at once (im2col).  `network`
takes shapes and weights from a network of the library.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlbasics import Network

Array = np.ndarray


def met(i: int, count: int, stride: int) -> slice:
    """Return the pixels that are at place i of their windows, along one axis."""
    return slice(i, i + stride * count, stride)


class Windows:
    """What layers with windows share."""

    def __init__(self, FH: int, FW: int, stride: int, pad: int) -> None:
        self.FH, self.FW, self.stride, self.pad = FH, FW, stride, pad

    def columns(self, x: Array) -> Array:
        (N, C, H, W), FH, FW, stride, pad = x.shape, self.FH, self.FW, self.stride, self.pad
        self.x_shape = x.shape
        OH, OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
        self.OH, self.OW = OH, OW
        image = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        col = np.zeros((N, C, FH, FW, OH, OW))
        for i in range(FH):
            for j in range(FW):
                col[:, :, i, j] = image[:, :, met(i, OH, stride), met(j, OW, stride)]
        return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * OH * OW, -1)

    def image(self, col: Array) -> Array:
        (N, C, H, W), stride, pad, OH, OW = self.x_shape, self.stride, self.pad, self.OH, self.OW
        col = col.reshape(N, OH, OW, C, self.FH, self.FW).transpose(0, 3, 4, 5, 1, 2)
        image = np.zeros((N, C, H + 2 * pad + stride - 1, W + 2 * pad + stride - 1))
        for i in range(self.FH):
            for j in range(self.FW):
                image[:, :, met(i, OH, stride), met(j, OW, stride)] += col[:, :, i, j]
        return image[:, :, pad : H + pad, pad : W + pad]


class Convolution(Windows):
    def __init__(self, W: Array, b: Array, stride: int, pad: int) -> None:
        super().__init__(*W.shape[2:], stride, pad)
        self.W, self.b = W, b

    def forward(self, x: Array, train_flg: bool) -> Array:
        self.col, self.col_W = self.columns(x), self.W.reshape(len(self.W), -1).T
        out = np.dot(self.col, self.col_W) + self.b
        return out.reshape(len(x), self.OH, self.OW, -1).transpose(0, 3, 1, 2)

    def backward(self, dout: Array) -> Array:
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, len(self.W))
        self.db = np.sum(dout, axis=0)
        self.dW = np.dot(self.col.T, dout).T.reshape(self.W.shape)
        return self.image(np.dot(dout, self.col_W.T))


class Pooling(Windows):
    def forward(self, x: Array, train_flg: bool) -> Array:
        col = self.columns(x).reshape(-1, self.FH * self.FW)
        self.arg_max = np.argmax(col, axis=1)
        out = np.max(col, axis=1).reshape(len(x), self.OH, self.OW, x.shape[1])
        return out.transpose(0, 3, 1, 2)

    def backward(self, dout: Array) -> Array:
        dout = dout.transpose(0, 2, 3, 1)
        dmax = np.zeros((dout.size, self.FH * self.FW))
        dmax[np.arange(dout.size), self.arg_max] = dout.flatten()
        return self.image(dmax)


class Affine:
    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array, train_flg: bool) -> Array:
        self.x_shape, self.x = x.shape, x.reshape(len(x), -1)
        return np.dot(self.x, self.W) + self.b

    def backward(self, dout: Array) -> Array:
        self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
        return np.dot(dout, self.W.T).reshape(self.x_shape)


class Relu:
    def forward(self, x: Array, train_flg: bool) -> Array:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: Array) -> Array:
        dout[self.mask] = 0
        return dout


class Dropout:
    def __init__(self, dropout_ratio: float) -> None:
        self.dropout_ratio, self.rng = dropout_ratio, np.random.default_rng(0)

    def forward(self, x: Array, train_flg: bool) -> Array:
        if not train_flg:
            return x * (1 - self.dropout_ratio)
        self.mask = self.rng.random(x.shape) > self.dropout_ratio
        return x * self.mask

    def backward(self, dout: Array) -> Array:
        return dout * self.mask


KINDS: dict[str, Callable[[Any], Any]] = {
    "Conv": lambda layer: Convolution(layer.W, layer.b, layer.stride, layer.pad),
    "Pool": lambda layer: Pooling(layer.pool_h, layer.pool_w, layer.stride, layer.pad),
    "Affine": lambda layer: Affine(layer.W, layer.b),
    "Relu": lambda layer: Relu(),
    "Dropout": lambda layer: Dropout(layer.dropout_ratio),
}


class BookNetwork:
    def __init__(self, ours: Network) -> None:
        ours = ours.astype(np.float64)
        self.layers = [KINDS[layer.kind](layer) for layer in ours.layers.values()]
        self.params = {**ours.params}

    def predict(self, x: Array, train_flg: bool = False) -> Array:
        for layer in self.layers:
            x = layer.forward(x, train_flg)
        return x

    def gradient(self, x: Array, t: Array) -> tuple[float, dict[str, Array]]:
        """Return the loss, softmax with cross-entropy, and its gradients."""
        scores, rows = self.predict(x, train_flg=True), np.arange(len(x))
        y = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        y /= np.sum(y, axis=1, keepdims=True)
        loss = -float(np.sum(np.log(y[rows, t] + 1e-7))) / len(x)
        dout = y.copy()
        dout[rows, t] -= 1
        dout /= len(x)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        with_params = [layer for layer in self.layers if hasattr(layer, "W")]
        grads = [grad for layer in with_params for grad in (layer.dW, layer.db)]
        return loss, dict(zip(self.params, grads, strict=True))


class SGD:
    def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        for key in params:
            params[key] -= 0.01 * grads[key]


class Adam:
    def __init__(self) -> None:
        self.iter = 0
        self.m: dict[str, Array] = {}
        self.v: dict[str, Array] = {}

    def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        if not self.m:
            self.m = {key: np.zeros_like(param) for key, param in params.items()}
            self.v = {key: np.zeros_like(param) for key, param in params.items()}
        self.iter += 1
        lr_t = 0.001 * math.sqrt(1 - 0.999**self.iter) / (1 - 0.9**self.iter)
        for key in params:
            self.m[key] += (1 - 0.9) * (grads[key] - self.m[key])
            self.v[key] += (1 - 0.999) * (grads[key] ** 2 - self.v[key])
            params[key] -= lr_t * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)
