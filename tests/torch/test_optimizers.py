"""Trajectories of our optimizers beside those of torch.optim, in float64.

Where the formulas differ:

- Momentum: torch keeps v / -lr (v <- momentum v + g; W <- W - lr v), the book keeps lr inside v.
  The two are the same path as long as lr does not change.
- Nesterov: torch's W <- W - lr (g + momentum v) is the form of Bengio et al. 2013, and ours.
- AdaGrad and RMSprop: torch adds eps outside the root, as the book adds 1e-7; its defaults differ
  (1e-10 and 1e-8).
- Adam: torch divides by sqrt(v / (1 - beta2^t)) + eps.  The book has the corrections in the rate,
  W <- W - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + 1e-7), which is torch's with an eps
  of 1e-7 / sqrt(1 - beta2^t): 3.2e-6 at first, 1e-7 in the end.
- AdamW: torch decays all parameters of a group, ours the weights: two groups make it the same.
- Clipping: torch multiplies by max_norm / (norm + 1e-6), ours by max_norm / norm.  Where the norm
  is not finite, torch's gradients become 0 or NaN, ours stay.
"""

import numpy as np
import pytest

from dlbasics.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    RMSprop,
    clip_by_norm,
)

torch = pytest.importorskip("torch")

STEPS = 50
RNG = np.random.default_rng(0)
X = torch.tensor(RNG.standard_normal((20, 4)))
T = torch.tensor(RNG.integers(0, 3, 20))
START = {
    "W1": RNG.standard_normal((4, 5)),
    "b1": np.zeros(5),
    "W2": RNG.standard_normal((5, 3)),
    "b2": np.zeros(3),
}


def loss(W1, b1, W2, b2):
    return torch.nn.functional.cross_entropy(torch.tanh(X @ W1 + b1) @ W2 + b2, T)


def our_path(optimizer, change=lambda grads: grads):
    params = {key: array.copy() for key, array in START.items()}
    for _ in range(STEPS):
        leaves = {key: torch.tensor(array, requires_grad=True) for key, array in params.items()}
        loss(**leaves).backward()
        grads = {key: leaf.grad.numpy() for key, leaf in leaves.items()}
        optimizer.update(params, change(grads))
        yield {key: array.copy() for key, array in params.items()}


def torch_path(make_optimizer, before_step=lambda optimizer, t: None):
    leaves = {key: torch.tensor(array, requires_grad=True) for key, array in START.items()}
    optimizer = make_optimizer(leaves.values())
    for t in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss(**leaves).backward()
        before_step(optimizer, t)
        optimizer.step()
        yield {key: leaf.detach().numpy().copy() for key, leaf in leaves.items()}


def assert_same_path(ours, theirs, tolerance):
    for t, (our, their) in enumerate(zip(ours, theirs, strict=True), start=1):
        for key in START:
            np.testing.assert_allclose(
                our[key], their[key], rtol=0, atol=tolerance, err_msg=f"{key} after step {t}"
            )
    assert max(abs(our[key] - START[key]).max() for key in START) > 0.1


CASES = {
    SGD(0.5): lambda p: torch.optim.SGD(p, lr=0.5),
    Momentum(0.1, 0.9): lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    Nesterov(0.1, 0.9): lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    AdaGrad(0.1): lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-7),
    RMSprop(0.01, 0.99): lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.99, eps=1e-7),
}


@pytest.mark.parametrize(("ours", "theirs"), CASES.items(), ids=lambda case: type(case).__name__)
def test_the_path_is_torchs(ours, theirs):
    assert_same_path(our_path(ours), torch_path(theirs), tolerance=1e-13)


def with_the_books_epsilon(optimizer, t):
    for group in optimizer.param_groups:
        group["eps"] = 1e-7 / (1 - 0.999**t) ** 0.5


def torch_adam(leaves):
    return torch.optim.Adam(leaves, lr=0.01, betas=(0.9, 0.999), eps=1e-7)


def torch_adamw(leaves):
    W1, b1, W2, b2 = leaves
    groups = [{"params": [W1, W2]}, {"params": [b1, b2], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.01, weight_decay=0.3)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(Adam(0.01, 0.9, 0.999), torch_adam), (AdamW(0.01, weight_decay=0.3), torch_adamw)],
    ids=["Adam", "AdamW"],
)
def test_the_path_of_adam_is_torchs_with_the_books_epsilon(ours, theirs):
    assert_same_path(our_path(ours), torch_path(theirs, with_the_books_epsilon), tolerance=1e-13)


def test_the_path_of_adam_is_near_torchs_with_its_own_epsilon():
    assert_same_path(our_path(Adam(0.01)), torch_path(torch_adam), tolerance=5e-5)


def test_the_path_of_clipped_gradients_is_torchs():
    def clip(optimizer, t):
        norm = torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 0.2)
        clipped.append(float(norm) > 0.2)

    clipped = []
    theirs = torch_path(lambda leaves: torch.optim.SGD(leaves, lr=0.5), clip)
    ours = our_path(SGD(0.5), lambda grads: clip_by_norm(grads, 0.2))
    assert_same_path(ours, theirs, tolerance=1e-4)
    assert 5 < sum(clipped) < STEPS - 5
