"""The nodes of *Computational Graphs* (chapter 5): each has a forward and a backward method.

`forward` takes the values of the edges that enter the node, and returns the values of the edges
that leave it.  `backward` takes the derivatives of the edges that leave the node, and returns the
derivatives of the edges that enter it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlbasics.functions import relu, relu_grad, sigmoid
from dlbasics.layers import MulLayer


class Function:
    """A node with one input, y = f(x): dx = dout * slope(x, y)."""

    def __init__(self, f: Callable[[Any], Any], slope: Callable[[Any, Any], Any]) -> None:
        self.f, self.slope = f, slope

    def forward(self, x: Any) -> Any:
        self.x, self.y = x, self.f(x)
        return self.y

    def backward(self, dout: Any) -> Any:
        return dout * self.slope(self.x, self.y)


class Subtract:
    """z = x - y: dx = dout, dy = -dout."""

    def forward(self, x: Any, y: Any) -> Any:
        return x - y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        return dout, -dout


class Sum:
    """z = x_1 + x_2 + ...: dx_i = dout."""

    def forward(self, *x: Any) -> Any:
        self.count = len(x)
        return sum(x)

    def backward(self, dout: Any) -> tuple[Any, ...]:
        return (dout,) * self.count


class Branch:
    """y_1 = y_2 = ... = x: dx = dout_1 + dout_2 + ..."""

    def __init__(self, ways: int) -> None:
        self.ways = ways

    def forward(self, x: Any) -> tuple[Any, ...]:
        return (x,) * self.ways

    def backward(self, *dout: Any) -> Any:
        return sum(dout)


class Mean:
    """y = 1/N sum_i x_i: dx_i = dout / N."""

    def forward(self, x: Any) -> Any:
        self.N = len(x)
        return x.mean()

    def backward(self, dout: Any) -> Any:
        return np.full(self.N, dout / self.N)


class Total:
    """y = sum_i x_i, over the elements of one x: dx_i = dout."""

    def forward(self, x: Any) -> Any:
        self.shape = np.shape(x)
        return np.sum(x)

    def backward(self, dout: Any) -> Any:
        return np.full(self.shape, dout)


class Choose:
    """z = x where better(x, y), else y: dout goes to the one that is chosen."""

    def __init__(self, better: Callable[[Any, Any], Any]) -> None:
        self.better = better

    def forward(self, x: Any, y: Any) -> Any:
        self.chosen = self.better(x, y)
        return np.where(self.chosen, x, y)

    def backward(self, dout: Any) -> tuple[Any, Any]:
        return np.where(self.chosen, dout, 0), np.where(self.chosen, 0, dout)


class Dot:
    """Y = X W: dX = dY W^T, dW = X^T dY (book: eq. 5.13).  X: (D,) or (N, D);  W: (D, M)."""

    def forward(self, X: Any, W: Any) -> Any:
        self.X, self.W = X, W
        return X @ W

    def backward(self, dout: Any) -> tuple[Any, Any]:
        return dout @ self.W.T, np.atleast_2d(self.X).T @ np.atleast_2d(dout)


class Softmax:
    """y_k = exp(a_k) / sum_i exp(a_i): da_k = y_k (dout_k - sum_i dout_i y_i)."""

    def forward(self, *a: Any) -> tuple[Any, ...]:
        exp_a = np.exp(a)
        self.y = exp_a / exp_a.sum()
        return tuple(self.y)

    def backward(self, *dout: Any) -> tuple[Any, ...]:
        return tuple(self.y * (dout - np.dot(dout, self.y)))


class CrossEntropyError:
    """L = -sum_k t_k log y_k for the inputs y_1, ..., y_n, t_1, ..., t_n.

    dy_k = -dout t_k / y_k;  dt_k = -dout log y_k.
    """

    def forward(self, *y_and_t: Any) -> Any:
        self.y, self.t = np.split(np.array(y_and_t), 2)
        return -np.sum(self.t * np.log(self.y))

    def backward(self, dout: Any) -> tuple[Any, ...]:
        return (*(-dout * self.t / self.y), *(-dout * np.log(self.y)))


OPERATIONS: dict[str, Callable[[], Any]] = {
    "+": Sum,
    "×": MulLayer,
    "−": Subtract,
    "/": lambda: Function(lambda x: 1 / x, lambda x, y: -(y**2)),
    "x²": lambda: Function(lambda x: x**2, lambda x, y: 2 * x),
    "x³": lambda: Function(lambda x: x**3, lambda x, y: 3 * x**2),
    "√": lambda: Function(np.sqrt, lambda x, y: 1 / (2 * y)),
    "exp": lambda: Function(np.exp, lambda x, y: y),
    "log": lambda: Function(np.log, lambda x, y: 1 / x),
    "relu": lambda: Function(relu, lambda x, y: relu_grad(x)),
    "sigmoid": lambda: Function(sigmoid, lambda x, y: y * (1 - y)),
    "dot": Dot,
    "identity": lambda: Function(lambda x: x, lambda x, y: np.ones_like(x)),
    "max": lambda: Choose(np.greater),
    "min": lambda: Choose(np.less),
    "mean": Mean,
    "Σ": Total,
    "Softmax": Softmax,
    "Cross\nentropy\nerror": CrossEntropyError,
}
"""The text in a node, and a function that makes the node.  A branch is made by `Graph.run`."""
