"""The speed tricks of the library; each gives the same result as the plain formula it replaces.

The import of this package enters the replacements into `_internal/table.py`.  The file for a layer
has the functions `fits`, `forward`, `backward` and `backward_params`.  Their first argument is the
layer, and they set the same public attributes on it as its plain formulas do.  `fits` returns
whether the replacement can compute the formula for this layer and this x.  `plan.py` says in which
form a network calls its layers.  docs/performance.md says how much time each trick saves.

Where numba is installed (the extra `fast`), passes of `compiled` take the place of some of them.
`DLBASICS_NUMBA=0` leaves them out.
"""

from dlbasics._internal import halves, table
from dlbasics._internal.fast import (
    affine,
    batch_norm,
    columns,
    compiled,
    convolution,
    optimizers,
    plan,
    pooling,
    relu,
    threads,
)
from dlbasics.layers import Affine, BatchNorm, Convolution, Pooling, Relu
from dlbasics.network import numerical_gradients
from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop

table.enter(Affine, affine)
table.enter(Relu, relu)
table.enter(BatchNorm, batch_norm)
table.enter(Convolution, convolution)
table.enter(Pooling, pooling)
for kind in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW):
    table.enter(kind, optimizers.step_in_chunks)
table.enter(halves.run_all, threads.run_all)
table.enter(halves.in_working_order, plan.for_replicas)
table.enter(halves.without_checks, plan.for_layers)
table.enter(numerical_gradients, columns.numerical_gradients)
if compiled.are_wanted():
    compiled.enter()
