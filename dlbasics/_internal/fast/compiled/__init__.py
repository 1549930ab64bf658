"""The extra `fast`: passes over arrays as loops that numba compiles.

A NumPy formula with five operations reads and writes its arrays five times, and a compiled loop
does so once.  Each file here does what the NumPy version of the same name does, and calls that
version for arrays that the loops do not take.  Each loop is the formula for one element.  A layer
remembers the same arrays either way, so that one version may compute forward and the other one
backward.  Only affine_relu.py has no NumPy version, which would save no time.

`loops.py` says how they are compiled, and `layout.py` which arrays they take.
"""

import os

from dlbasics._internal import table
from dlbasics.layers import BatchNorm, Pooling, Relu, SoftmaxWithLoss
from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop


def are_wanted() -> bool:
    """Return whether numba is installed and the variable `DLBASICS_NUMBA` is not 0."""
    if os.environ.get("DLBASICS_NUMBA") == "0":
        return False
    try:
        import numba  # noqa: F401
    except (ImportError, OSError):  # not installed, or not for this version of NumPy
        return False
    return True


def enter() -> None:
    """Enter the compiled passes into the table, in place of their NumPy versions."""
    from dlbasics._internal.fast import bias_pool_relu, step, windows
    from dlbasics._internal.fast.compiled import (
        affine_relu,
        batch_norm,
        optimizers,
        pooling,
        relu,
        softmax,
    )
    from dlbasics._internal.fast.compiled import bias_pool_relu as passes
    from dlbasics._internal.fast.compiled import windows as compiled_windows

    table.enter(Relu, relu)
    table.enter(BatchNorm, batch_norm)
    table.enter(Pooling, pooling)
    table.enter(SoftmaxWithLoss, softmax)
    table.enter(windows.copy_rows, compiled_windows.copy_rows)
    table.enter(bias_pool_relu.rectify, passes.rectify)
    table.enter(bias_pool_relu.rectify_backward, passes.rectify_backward)
    table.enter(bias_pool_relu.pool_and_rectify, passes.pool_and_rectify)
    table.enter(bias_pool_relu.pool_and_rectify_backward, passes.pool_and_rectify_backward)
    table.enter(step.without_checks, affine_relu.in_pairs)
    for kind in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW):
        table.enter(kind, optimizers.step)
