"""Huang, *Feed Forward Verification* and *Back Propagation Verification*: one update by hand.

The network is 784-128-64-10 with ReLU and softmax, and it sees one image.  Each function is a
formula of the text, written as loops over plain Python numbers.  The script compares every number
with that of the layers and the optimizer in float64, and with that of PyTorch if it is installed.

For the two lower layers, Huang, eq. 22c to 22f, keep one term of the sum over the ten outputs, and
eq. 22c has no meaning for j above 10.  The script takes the whole sum, as the matrix formulas of
the text's appendix C do, and shows the error of the nearest term.  The text's first step of Adam is
7.441e-4.  Its algorithm gives the learning rate, 1e-3, at t = 1; the printed number is what t = 2
gives before any moment has been stored.  The script shows both.  In the text the slope of ReLU at 0
is 1; in the layers it is 0.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import exp, sqrt
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import LEFT_OUT, Claim, Data, Experiment, Record
from dlbasics.functions import softmax as layers_softmax
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam

Vector = list[float]
Matrix = list[Vector]
Params = dict[str, Any]
"""W1, W2, W3 as lists of rows, and b1, b2, b3 as lists.  Gradients and moments look the same."""
Update = dict[str, Mapping[str, Any]]
"""An update by Adam: "values" and "gradients" before it, and "parameters" after it."""

LR, BETA1, BETA2 = 0.001, 0.9, 0.999
UPDATES = 2


def affine(a: Vector, W: Matrix, b: Vector) -> Vector:
    """Return z_j = sum_i a_i W_ij + b_j."""
    return [sum(a[i] * W[i][j] for i in range(len(a))) + b[j] for j in range(len(b))]


def relu(z: Vector) -> Vector:
    """Return a_j = max(z_j, 0)."""
    return [max(z_j, 0.0) for z_j in z]


def softmax(z: Vector) -> Vector:
    """Return a_k = exp(z_k) / sum_i exp(z_i)."""
    total = sum(exp(z_i) for z_i in z)
    return [exp(z_k) / total for z_k in z]


def forward(params: Params, x: Vector) -> dict[str, Vector]:
    """Return z and a of all layers."""
    z1 = affine(x, params["W1"], params["b1"])
    a1 = relu(z1)
    z2 = affine(a1, params["W2"], params["b2"])
    a2 = relu(z2)
    z3 = affine(a2, params["W3"], params["b3"])
    return {"z1": z1, "a1": a1, "z2": z2, "a2": a2, "z3": z3, "a3": softmax(z3)}


def output_error(a3: Vector, label: int) -> Vector:
    """Return dL/dz3_k = a3_k - y_k, where y_k is 1 for the label and 0 for the others."""
    return [a3[k] - (k == label) for k in range(len(a3))]


def hidden_error(dz: Vector, W: Matrix, z: Vector) -> Vector:
    """Return dL/dz_i = (z_i > 0) sum_j W_ij dz_j, given dz of the layer after W."""
    return [(z[i] > 0) * sum(W[i][j] * dz[j] for j in range(len(dz))) for i in range(len(z))]


def products(a: Vector, dz: Vector) -> Matrix:
    """Return dL/dW_ij = a_i dz_j."""
    return [[a_i * dz_j for dz_j in dz] for a_i in a]


def backward(params: Params, x: Vector, values: Mapping[str, Vector], dz3: Vector) -> Params:
    """Return the gradients of all parameters; dL/db_j = dz_j."""
    dz2 = hidden_error(dz3, params["W3"], values["z2"])
    dz1 = hidden_error(dz2, params["W2"], values["z1"])
    return {
        "W1": products(x, dz1),
        "b1": dz1,
        "W2": products(values["a1"], dz2),
        "b2": dz2,
        "W3": products(values["a2"], dz3),
        "b3": dz3,
    }


def adam(g: float, m: float, v: float, t: int) -> tuple[float, float, float]:
    """Return the step that update t subtracts from a parameter, then the new m and v.

    m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
    the step is lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + 1e-7), as in the book.
    """
    m = BETA1 * m + (1 - BETA1) * g
    v = BETA2 * v + (1 - BETA2) * g * g
    return LR * sqrt(1 - BETA2**t) / (1 - BETA1**t) * m / (sqrt(v) + 1e-7), m, v


def update(params: Params, grads: Params, ms: Params, vs: Params, t: int) -> None:
    """Change the parameters and both moments in place."""
    for w, g, m, v in zip(rows(params), rows(grads), rows(ms), rows(vs), strict=True):
        for j in range(len(w)):
            step, m[j], v[j] = adam(g[j], m[j], v[j], t)
            w[j] -= step


def rows(params: Params) -> Iterator[Vector]:
    """Yield each row of each W, and each b."""
    for key, values in params.items():
        yield from values if key.startswith("W") else [values]


def zeros_like(params: Params) -> Params:
    """Return zeros for all parameters."""
    return {key: np.zeros(np.shape(values)).tolist() for key, values in params.items()}


@dataclass(frozen=True)
class Result(Record):
    """What the loops compute, and how far others are from it.

    Args:
        parameters: The number of parameters.
        label: The digit that the image shows.
        outputs: The ten outputs a3 before any update.
        one_term: The relative errors of dW2 and dW1 if the nearest term of one output replaces
            the sum.
        first_steps: The first step of Adam for one parameter, with t = 2, which gives the printed
            number, and with t = 1.
        differences: The largest difference from "layers", and from "PyTorch" if it is installed,
            in "values", "gradients" and "parameters" of all updates.
    """

    parameters: int
    label: int
    outputs: Vector
    one_term: tuple[float, float]
    first_steps: tuple[float, float]
    differences: dict[str, dict[str, float]]


def run(data: Data, rng: Generator) -> Result:
    image, label = data.x_train[0].astype(np.float64), int(data.t_train[0])
    x = image.tolist()
    network = MultiLayerNet(784, [128, 64], 10, rng=rng, dtype=np.float64)
    params = {key: param.tolist() for key, param in network.params.items()}
    values = forward(params, x)
    grads = backward(params, x, values, output_error(values["a3"], label))
    slope = grads["b3"][label]
    others = {"layers": updates_by_layers(network, image, label)}
    if find_spec("torch"):
        others["PyTorch"] = updates_by_pytorch(params, image, label)
    return Result(
        parameters=sum(map(len, rows(params))),
        label=label,
        outputs=values["a3"],
        one_term=nearest_terms(params, x, values, grads),
        first_steps=(abs(adam(slope, 0, 0, t=2)[0]), abs(adam(slope, 0, 0, t=1)[0])),
        differences={
            name: differences(updates_by_hand(params, x, label), updates)
            for name, updates in others.items()
        },
    )


def updates_by_hand(params: Params, x: Vector, label: int) -> Iterator[Update]:
    """Yield each update of a copy of the parameters, computed by the loops above."""
    params = copy.deepcopy(params)
    ms, vs = zeros_like(params), zeros_like(params)
    for t in range(1, UPDATES + 1):
        values = forward(params, x)
        grads = backward(params, x, values, output_error(values["a3"], label))
        update(params, grads, ms, vs, t)
        yield {"values": values, "gradients": grads, "parameters": params}


def updates_by_layers(network: Network, x: np.ndarray, label: int) -> Iterator[Update]:
    """Yield each update of the network, computed by its layers and the optimizer."""
    optimizer = Adam(LR, BETA1, BETA2)
    for _ in range(UPDATES):
        values = values_of(network, x)
        grads = network.gradient(x[np.newaxis], np.array([label]))
        optimizer.update(network.params, grads)
        yield {"values": values, "gradients": grads, "parameters": network.params}


def values_of(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the output of each layer, and the probabilities."""
    values = {}
    for name, layer in zip(("z1", "a1", "z2", "a2", "z3"), network.layers.values(), strict=True):
        x = values[name] = layer.forward(x)
    return values | {"a3": layers_softmax(x)}


def updates_by_pytorch(params: Params, image: np.ndarray, label: int) -> Iterator[Update]:
    """Yield each update of a copy of the parameters, computed by PyTorch."""
    import torch

    x, target = torch.tensor(image), torch.tensor(label)
    weights = {
        key: torch.tensor(values, dtype=torch.float64, requires_grad=True)
        for key, values in params.items()
    }
    optimizer = torch.optim.Adam(weights.values(), LR, (BETA1, BETA2))
    for t in range(1, UPDATES + 1):
        z1 = x @ weights["W1"] + weights["b1"]
        a1 = torch.relu(z1)
        z2 = a1 @ weights["W2"] + weights["b2"]
        a2 = torch.relu(z2)
        z3 = a2 @ weights["W3"] + weights["b3"]
        a3 = torch.softmax(z3, 0)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(z3, target).backward()
        # PyTorch adds its epsilon to the root of the corrected v, the book to the root of v.
        optimizer.param_groups[0]["eps"] = 1e-7 / sqrt(1 - BETA2**t)
        optimizer.step()
        values = {"z1": z1, "a1": a1, "z2": z2, "a2": a2, "z3": z3, "a3": a3}
        yield {
            "values": {key: value.detach().numpy() for key, value in values.items()},
            "gradients": {key: weight.grad.numpy() for key, weight in weights.items()},
            "parameters": {key: weight.detach().numpy() for key, weight in weights.items()},
        }


def differences(by_hand: Iterator[Update], other: Iterator[Update]) -> dict[str, float]:
    """Return the largest difference in values, gradients and parameters of all updates."""
    found = [
        {name: largest_difference(mine[name], theirs[name]) for name in mine}
        for mine, theirs in zip(by_hand, other, strict=True)
    ]
    return {name: max(each[name] for each in found) for name in found[0]}


def largest_difference(by_hand: Mapping[str, Any], other: Mapping[str, np.ndarray]) -> float:
    """Return the largest difference between two numbers at the same place."""
    return float(np.max([np.abs(by_hand[key] - other[key]).max() for key in by_hand]))


def nearest_terms(
    params: Params, x: Vector, values: Mapping[str, Vector], grads: Params
) -> tuple[float, float]:
    """Return the relative errors of dW2 and dW1 if one output's term stands for the sum of all.

    The error is that of the output whose term is nearest to the sum.
    """
    dz3, found = grads["b3"], []
    for k in range(len(dz3)):
        term = backward(params, x, values, [dz3[i] * (i == k) for i in range(len(dz3))])
        found.append([relative_difference(term[key], grads[key]) for key in ("W2", "W1")])
    of_W2, of_W1 = np.min(found, axis=0).tolist()
    return of_W2, of_W1


def relative_difference(one: Matrix, other: Matrix) -> float:
    """Return |one - other| / |other|."""
    return float(np.linalg.norm(np.subtract(one, other)) / np.linalg.norm(other))


ORDER = "float64 rounds in the sixteenth digit, and loops add in another order"


def difference_claim(text: str, name: str) -> Claim:
    """Return the claim that loops and layers compute the same numbers."""
    return Claim.between(
        f"largest difference between loops and layers, {text}",
        None,
        lambda result: result.differences["layers"][name],
        low=0,
        high=1e-12,
        why=ORDER,
        digits=2,
        any_data=True,
    )


def from_pytorch(result: Result) -> Any:
    """Return the three differences from PyTorch, where it is installed."""
    found = result.differences.get("PyTorch")
    return LEFT_OUT if found is None else [*found.values()]


experiment = Experiment(
    __doc__,
    run,
    claims=[
        Claim.same("number of parameters", 109_386, lambda result: result.parameters),
        Claim.between(
            "smallest and largest of the ten outputs before training",
            [0.043, 0.171],
            lambda result: [min(result.outputs), max(result.outputs)],
            low=0.001,
            high=0.7,
            why="random weights decide; wide of every seed measured",
            digits=3,
        ),
        difference_claim("z and a of all layers", "values"),
        difference_claim("gradients", "gradients"),
        difference_claim(f"parameters after {UPDATES} updates", "parameters"),
        Claim.between(
            "the same three differences between loops and PyTorch",
            None,
            from_pytorch,
            low=0,
            high=1e-12,
            why=ORDER,
            digits=2,
            any_data=True,
        ),
        Claim.between(
            "relative error of dW2 and dW1 without the sum, as in Huang, eq. 22c and 22e",
            None,
            lambda result: result.one_term,
            low=0.1,
            why="one term of ten is not the sum; below every seed measured",
            digits=2,
        ),
        Claim.same(
            "first step of Adam, as t = 2 gives it",
            7.441e-4,
            lambda result: result.first_steps[0],
            atol=5e-8,
            why="the text prints four digits",
        ),
        Claim.same(
            "first step of Adam with t = 1, as the layers take it",
            LR,
            lambda result: result.first_steps[1],
            atol=1e-7,
            why="Adam divides by a little more, so that it never divides by 0",
            printed=False,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
