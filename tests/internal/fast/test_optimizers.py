"""Optimizers on arrays above `CHUNK` elements equal those on small ones."""

import numpy as np
import pytest

from dlbasics._internal.fast.optimizers import CHUNK
from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop
from tests.helpers import normal
from tests.layers.cases import LAYOUTS


@pytest.fixture(
    scope="module",
    params=[SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW],
    ids=lambda kind: kind.__name__,
)
def by_rows(request):
    """Return a class, an array above CHUNK, its gradients, and what its rows become one by one."""
    shape = (10, CHUNK // 4 + 7)
    start, grads = normal(*shape), normal(3, *shape, seed=1)
    rows, optimizer = {f"W{i}": row.copy() for i, row in enumerate(start)}, request.param()
    for grad in grads:
        optimizer.update(rows, dict(zip(rows, grad, strict=True)))
    return request.param, start, grads, np.stack(list(rows.values()))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_large_parameters_of_any_layout_equal_small_ones_to_the_bit(by_rows, layout):
    kind, start, grads, expected = by_rows
    for grad_layout in (np.asarray, layout):
        W, optimizer = layout(start.copy()), kind()
        for grad in grads:
            optimizer.update({"W": W}, {"W": grad_layout(grad)})
        assert np.array_equal(W, expected)
