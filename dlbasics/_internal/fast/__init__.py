"""Every speed trick of the library, each equal to a plain formula that it replaces.

Importing this package enters the replacements into `_internal/table.py`.  The file for a layer has
the functions `fits`, `forward`, `backward` and `backward_params`; they take the layer first and set
the same public attributes on it as its plain formulas do.  docs/performance.md tells what each
trick buys.
"""

from dlbasics._internal import halves, table
from dlbasics._internal.fast import (
    affine,
    batch_norm,
    columns,
    convolution,
    optimizers,
    order,
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
table.enter(halves.in_working_order, order.pooling_before_relu)
table.enter(numerical_gradients, columns.numerical_gradients)
