"""One hundred errors, planted one at a time, measure the power of the test suite.

Each is a small mistake that a programmer might make: a wrong sign, a forgotten factor, a check with
a wrong bound, a missing copy.  For each of them, some input shows that the program is now wrong, so
a suite that passes with it has a gap.  The errors were chosen in version 0.1.0, before anybody knew
which of them the tests catch.  If a line has moved since, its error has moved with it: `what` says
what goes wrong.

    python -m benchmarks.planted_errors --checkout DIR --json FILE

For each error, this command makes the change in DIR, and runs the tests nearest to the file and, if
those pass, all tests.  Then it restores the file and prints which test failed first.  After an
interruption, the same command continues where it was.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

TIMEOUT = 300
"""The number of seconds that the tests may take.  Slower tests hang, and so count as failed."""

NOT_THESE = "not slow and not mnist"
"""The tests to run, for pytest's -m."""

LEFT_OUT = ("test_benchmarks.py", "test_scripts.py")
"""Test files that do not run: one notices that a line has changed, one starts each script."""


class PlantedError(NamedTuple):
    """An error: in `file`, the text `old`, which occurs once, becomes `new`."""

    id: str
    file: str
    old: str
    new: str
    what: str
    """What is wrong now."""


AFFINE = "dlbasics/layers/affine.py"
FAST_AFFINE = "dlbasics/_internal/fast/affine.py"
CHECKS = "dlbasics/_internal/checks.py"
BASE = "dlbasics/layers/base.py"
ACTIVATIONS = "dlbasics/layers/activations.py"
LOSSES = "dlbasics/layers/losses.py"
FAST_BATCH_NORM = "dlbasics/_internal/fast/batch_norm.py"
BATCH_NORM = "dlbasics/layers/batch_norm.py"
FAST_CONVOLUTION = "dlbasics/_internal/fast/convolution.py"
CONVOLUTION = "dlbasics/layers/convolution.py"
SHAPES = "dlbasics/layers/shapes.py"
WINDOWS = "dlbasics/_internal/fast/windows.py"
DROPOUT = "dlbasics/layers/dropout.py"
FAST_COLUMNS = "dlbasics/_internal/fast/columns.py"
POOLING = "dlbasics/layers/pooling.py"
FAST_POOLING = "dlbasics/_internal/fast/pooling.py"
RESIDUAL = "dlbasics/layers/residual.py"
FUNCTIONS = "dlbasics/functions.py"
OPTIMIZERS = "dlbasics/optimizers.py"
FAST_OPTIMIZERS = "dlbasics/_internal/fast/optimizers.py"
OPTIMIZER = "dlbasics/_internal/optimizer.py"
COLUMNS = "dlbasics/columns.py"
CHECK = "dlbasics/gradient_check.py"
TARGETS = "dlbasics/_internal/check_targets.py"
ROUNDING = "dlbasics/_internal/rounding.py"
NETWORK = "dlbasics/network.py"
PARAMS = "dlbasics/_internal/params.py"
NETWORK_STATE = "dlbasics/_internal/network_state.py"
ASSEMBLY = "dlbasics/_internal/assembly.py"
HALVES = "dlbasics/_internal/halves.py"
ORDER = "dlbasics/_internal/fast/order.py"

PLANTED: tuple[PlantedError, ...] = (
    PlantedError(
        "affine-1",
        AFFINE,
        "        self.dW = self.x.T @ dout\n",
        "        self.dW = self.x.T @ dout / len(dout)\n",
        "dW is the mean over the batch, not the sum.",
    ),
    PlantedError(
        "affine-2",
        FAST_AFFINE,
        "out=y if y.dtype == layer.b.dtype else None)",
        "out=y)",
        "A bias of a wider dtype than x W is rounded to that of x W: float32 x and W with a float64 b give a float32 y instead of a float64 one.",
    ),
    PlantedError(
        "affine-3",
        BASE,
        "y = as_result(y if is_batch else y[0])",
        "y = as_result(y if is_batch or given.ndim > 1 else y[0])",
        "One sample that is an image (C, H, W) gives y of shape (1, M) instead of (M,), and other layers likewise.",
    ),
    PlantedError(
        "affine-4",
        AFFINE,
        'self.W = as_param(W, "W", ("D", "M"), create="Affine.create(n_in, n_out)")',
        'self.W = as_param(W, "W", ("D", "M"), create="Affine.create(n_in, n_out)").copy()',
        "The layer keeps a copy of W, so that a change of the caller's array no longer changes it.",
    ),
    PlantedError(
        "activations-1",
        ACTIVATIONS,
        "self.mask = x <= 0\n        return np.maximum(x, 0)",
        "self.mask = x < 0\n        return np.maximum(x, 0)",
        "ReLU's derivative at 0 is 1 instead of 0.",
    ),
    PlantedError(
        "activations-2",
        BASE,
        "        if not is_fast and np.may_share_memory(y, given):\n            y = y.copy()\n",
        "",
        "A layer whose formula returns x itself, as that of Identity, hands out the array of the caller.",
    ),
    PlantedError(
        "activations-3",
        ACTIVATIONS,
        "self.out = functions.sigmoid(x)\n        return self.out.copy()",
        "self.out = functions.sigmoid(x)\n        return self.out",
        "Sigmoid's forward hands out the array that backward will use: a caller who writes into y changes the gradient.",
    ),
    PlantedError(
        "activations-4",
        ACTIVATIONS,
        'self.slope = as_number(slope, "slope", low=0, high=1)',
        'self.slope = as_number(slope, "slope", low=0)',
        "LeakyRelu takes a slope above 1, where max(x, slope x) is another function.",
    ),
    PlantedError(
        "activations-5",
        ACTIVATIONS,
        "(1 - self.out * self.out)",
        "(1 - np.abs(self.out))",
        "Tanh's derivative is 1 - |y| instead of 1 - y^2.",
    ),
    PlantedError(
        "losses-1",
        LOSSES,
        "losses.sum(dtype=np.float64)",
        "losses.sum()",
        "The losses of a batch are added up in their own dtype: the sum of large losses is infinite where their mean is not.",
    ),
    PlantedError(
        "losses-2",
        LOSSES,
        'dx *= as_number(dout, "dout") / len(dx)',
        'as_number(dout, "dout")\n        dx *= 1 / len(dx)',
        "A loss layer's backward checks dout but does not multiply by it.",
    ),
    PlantedError(
        "losses-3",
        LOSSES,
        "return t.sum(axis=1, keepdims=True) * y - t",
        "return y - t",
        "Softmax's gradient is y - t for soft labels too, whose sum need not be 1.",
    ),
    PlantedError(
        "losses-4",
        LOSSES,
        "dx = y.copy()",
        "dx = y",
        "Softmax's backward writes into the layer's y: y is no probability afterwards, and a second backward gives another gradient.",
    ),
    PlantedError(
        "losses-5",
        LOSSES,
        "if not (t.min() >= 0 and t.max() <= 1):",
        "if not (t.min() >= -1 and t.max() <= 1):",
        "SigmoidWithLoss takes labels down to -1, as if they were the -1 and 1 of other libraries.",
    ),
    PlantedError(
        "losses-6",
        LOSSES,
        "np.all((x > 0) == (t > 0.5), axis=1)",
        "np.all((x > 0.5) == (t > 0.5), axis=1)",
        "SigmoidWithLoss counts as 1 what has a score above 0.5, not a probability above 0.5.",
    ),
    PlantedError(
        "batch_norm-1",
        FAST_BATCH_NORM,
        "layer._move_running_statistics(mean, var)",
        "layer._move_running_statistics(mean, squares / max(n - 1, 1))",
        "The running variance is moved by the variance divided by N - 1, as PyTorch does it, not by the batch's own, divided by N.",
    ),
    PlantedError(
        "batch_norm-2",
        BATCH_NORM,
        "        if self.frozen:\n            return\n",
        "",
        "A frozen BatchNorm moves its running statistics.",
    ),
    PlantedError(
        "batch_norm-3",
        BATCH_NORM,
        "mean = self.momentum * self.running_mean + (1 - self.momentum) * mean\n            var = self.momentum * self.running_var + (1 - self.momentum) * var",
        "mean = (1 - self.momentum) * self.running_mean + self.momentum * mean\n            var = (1 - self.momentum) * self.running_var + self.momentum * var",
        "momentum is the share of the new batch, as in PyTorch, not that of the running statistic.",
    ),
    PlantedError(
        "batch_norm-4",
        BATCH_NORM,
        "self._train_flg = train_flg",
        "self._train_flg = True",
        "BatchNorm's backward after a forward in test mode takes mean and variance for functions of the batch, as in training.",
    ),
    PlantedError(
        "batch_norm-5",
        FAST_BATCH_NORM,
        "    n = rows.size // len(layer.gamma)\n    mean = across(",
        "    n = len(rows)\n    mean = across(",
        "BatchNorm's backward for images divides the sums over all pixels by N H, not by N H W.",
    ),
    PlantedError(
        "batch_norm-6",
        CHECKS,
        'return np.dtype(np.float32) if dtype.char == "e" else dtype',
        "return dtype",
        "Half precision is computed in half precision: sums above 65,504 are infinite, small terms are lost.",
    ),
    PlantedError(
        "batch_norm-7",
        BATCH_NORM,
        "self._std = np.sqrt(var + self.eps)",
        "self._std = np.sqrt(var) + self.eps",
        "eps is added to the standard deviation, not to the variance.",
    ),
    PlantedError(
        "convolution-1",
        FAST_CONVOLUTION,
        "    layer.dW, layer.db = dW, sum_of_pixels(layer, dout)\n    return dx",
        "    layer.dW = dW\n    return dx",
        "With stride 1, Convolution's backward does not set db: it is None, or the last step's.",
    ),
    PlantedError(
        "convolution-2",
        CONVOLUTION,
        '"channels"), *sizes',
        '"channels"), *sizes[::-1]',
        "Convolution.create takes filter_size as width and height, not height and width.",
    ),
    PlantedError(
        "convolution-3",
        SHAPES,
        'if len(x_shape) != 3 or channels not in ("C", x_shape[0]):',
        "if len(x_shape) != 3:",
        "Convolution takes samples with any number of channels in output_shape, so that a summary shows a network that cannot run.",
    ),
    PlantedError(
        "fast_convolution-1",
        WINDOWS,
        "return stride == 1 and above < FH and left < FW",
        "return stride == 1 and above <= FH and left <= FW",
        "Padding as wide as the filter goes through the fast convolution, which cannot do it.",
    ),
    PlantedError(
        "fast_convolution-2",
        BASE,
        "        if is_half:\n            batch = batch.astype(np.float32)\n",
        "",
        "In half precision backward adds up dout over the batch and over pixels in half precision, where small terms are lost.",
    ),
    PlantedError(
        "fast_convolution-3",
        WINDOWS,
        "pads = FH - 1 - above, FW - 1 - left",
        "pads = FH - 1 - above, FH - 1 - left",
        "In the fast convolution's backward the zeros beside dout are counted from the filter's height: wrong for filters that are not square.",
    ),
    PlantedError(
        "fast_convolution-4",
        WINDOWS,
        "windows.dtype if b is None else np.result_type(windows.dtype, b)",
        "windows.dtype",
        "In the fast convolution a bias of a wider dtype than x W is rounded to that of x W.",
    ),
    PlantedError(
        "dropout-1",
        DROPOUT,
        "self._mask_for(x) if train_flg else kept",
        "self._mask_for(x) if train_flg else self.dropout_ratio",
        "In test mode Dropout multiplies by the ratio of what is dropped, not of what is kept; at the default of 0.5 that is the same.",
    ),
    PlantedError(
        "dropout-2",
        DROPOUT,
        "if self.inverted and kept:",
        "if self.inverted and kept and train_flg:",
        "Inverted dropout scales in test mode too, by the ratio of what is kept.",
    ),
    PlantedError(
        "dropout-3",
        FAST_COLUMNS,
        "np.concatenate([own.mask] * times)",
        "np.repeat(own.mask, times, axis=0)",
        "In the numerical gradient by columns, a mask is laid on the stacked batches sample by sample (1, 1, 2, 2), not batch by batch (1, 2, 1, 2).",
    ),
    PlantedError(
        "dropout-4",
        DROPOUT,
        "if self.inverted and kept:",
        "if self.inverted:",
        "Inverted dropout with a ratio of 1 divides by 0, and returns nan instead of zeros.",
    ),
    PlantedError(
        "pooling-1",
        POOLING,
        "if above >= self.pool_h or left >= self.pool_w:",
        "if above > self.pool_h or left > self.pool_w:",
        "Pooling takes padding as wide as its window: a window in the corner sees nothing else.",
    ),
    PlantedError(
        "pooling-2",
        POOLING,
        "padding: ClassVar[float] = -math.inf",
        "padding: ClassVar[float] = 0",
        "Max pooling pads with zeros, which are larger than negative pixels.",
    ),
    PlantedError(
        "pooling-3",
        POOLING,
        "        return np.repeat(dvalues / size, size)",
        "        return np.repeat(dvalues / self.pool_h**2, size)",
        "AveragePooling's gradient is divided by the square of the window's height, which is wrong for windows that are not square.",
    ),
    PlantedError(
        "pooling-4",
        BASE,
        'is_half = given.dtype.char == "e" and not self.layers',
        'is_half = given.dtype.char == "e" and bool(self.param_names)',
        "Layers without parameters go backward in half precision: GlobalAveragePooling's gradient is 0 for images of more than 65,504 pixels.",
    ),
    PlantedError(
        "fast_pooling-1",
        FAST_POOLING,
        "np.greater(lower, upper, out=lower_wins[block])",
        "np.greater_equal(lower, upper, out=lower_wins[block])",
        "In 2 x 2 pooling the gradient goes to the lower pixel where both rows have the same maximum, not to the first.",
    ),
    PlantedError(
        "residual-1",
        RESIDUAL,
        "        return x + y\n",
        "        y += x\n        return y\n",
        "Residual adds x to the array that its last layer returned: without layers that is the caller's x, which is doubled; and a wider dtype of x is lost.",
    ),
    PlantedError(
        "residual-2",
        RESIDUAL,
        "y = layer.forward(y, train_flg)",
        "y = layer.forward(y)",
        "The layers within Residual are in training mode in a test, too.",
    ),
    PlantedError(
        "base-1",
        BASE,
        "        for layer in self.walk():\n            layer.frozen = True",
        "        self.frozen = True",
        "freeze freezes a block but not the layers in it: their masks are drawn anew.",
    ),
    PlantedError(
        "base-2",
        BASE,
        "for name in layer.param_names + layer.state_names:",
        "for name in layer.param_names:",
        "cast leaves running statistics in their old dtype.",
    ),
    PlantedError(
        "base-3",
        BASE,
        "if dout.shape != self._y_shape:",
        "if self._y_shape is None or dout.ndim != len(self._y_shape):",
        "backward takes a dout with the right number of dimensions but other sizes, (1, M) for (N, M), which NumPy may stretch.",
    ),
    PlantedError(
        "base-4",
        FAST_COLUMNS,
        "return own.forward is Layer.forward and own._forward is kind._forward",
        "return issubclass(own, kind)",
        "A class derived from an elementwise layer counts as elementwise though its own forward is not: the numerical gradient by columns is wrong for it.",
    ),
    PlantedError(
        "images-1",
        COLUMNS,
        "tiles(W, window[1], right, left,",
        "tiles(W, window[0], right, left,",
        "The number of windows beside each other is counted with the window's height.",
    ),
    PlantedError(
        "functions-1",
        FUNCTIONS,
        "y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))",
        'with np.errstate(over="ignore"):\n        y = 1 / (1 + np.exp(-x))',
        "sigmoid is computed as 1 / (1 + exp(-x)), whose exp overflows for x far below 0: in float64 sigmoid(-710) is 0, not 4.5e-309.",
    ),
    PlantedError(
        "functions-2",
        FUNCTIONS,
        "return sigmoid(x) * sigmoid(-x)",
        "return sigmoid(x) * (1 - sigmoid(x))",
        "sigmoid_grad is y (1 - y), which cancels where y is near 1: 0 at x = 40, not 4e-18.",
    ),
    PlantedError(
        "functions-3",
        FUNCTIONS,
        "return (as_array(x) > 0).astype(int)",
        "return (as_array(x) >= 0).astype(int)",
        "step_function is 1 at 0.",
    ),
    PlantedError(
        "functions-4",
        FUNCTIONS,
        'single=np.ndim(y) == 1, name="y")',
        'single=len(batch) == 1, name="y")',
        "cross_entropy_error takes, for a batch of one row (1, K), the labels of a single sample, a class or a row (K,), which have no batch axis.",
    ),
    PlantedError(
        "functions-5",
        FUNCTIONS,
        'transposed = x.T.astype(computed_in(x.dtype), order="C")',
        "transposed = x.T",
        "softmax and log_softmax subtract the maximum within the caller's own scores.",
    ),
    PlantedError(
        "functions-6",
        FUNCTIONS,
        "transposed -= transposed.max(axis=0)",
        "transposed -= transposed.max()",
        "softmax subtracts the largest score of the whole batch, not of each row: rows far below it become nan.",
    ),
    PlantedError(
        "functions-7",
        FUNCTIONS,
        "positive = np.maximum(batch, np.finfo(batch.dtype).tiny)",
        "positive = batch + batch.dtype.type(1e-7)",
        "cross_entropy_error adds 1e-7 to every probability, as the book does.",
    ),
    PlantedError(
        "functions-8",
        FUNCTIONS,
        "if batch.min() < 0 or 1.001 < batch.max() < np.inf:",
        "if 1.001 < batch.max() < np.inf:",
        "cross_entropy_error takes probabilities below 0.",
    ),
    PlantedError(
        "functions-9",
        FUNCTIONS,
        "if y.shape != t.shape:",
        "if y.size != t.size:",
        "sum_squared_error takes y and t of the same size but other shapes: (3,) and (3, 1) make nine differences.",
    ),
    PlantedError(
        "functions-10",
        FUNCTIONS,
        "return -np.where(labels == 0, 0, labels * log_y).sum(axis=1)",
        "return -(labels * log_y).sum(axis=1)",
        "The cross-entropy of one-hot rows is nan where another class has a score of minus infinity: 0 times -inf.",
    ),
    PlantedError(
        "optimizers-1",
        OPTIMIZERS,
        "        W -= self.lr * dW\n\n\nclass Momentum",
        "        dW *= self.lr\n        W -= dW\n\n\nclass Momentum",
        "SGD writes into the gradients that it is given.",
    ),
    PlantedError(
        "optimizers-2",
        OPTIMIZERS,
        "        v -= self.lr * dW\n        W += v",
        "        v -= (1 - self.momentum) * self.lr * dW\n        W += v",
        "Momentum takes a mean of the gradients: each counts (1 - momentum) times.",
    ),
    PlantedError(
        "optimizers-3",
        OPTIMIZERS,
        "W += self.momentum * v",
        "W += v",
        "Nesterov's step adds v, not momentum v.",
    ),
    PlantedError(
        "optimizers-4",
        OPTIMIZERS,
        "        h += dW * dW\n        W -= self.lr * dW / (np.sqrt(h) + 1e-7)",
        "        h += dW * dW\n        W -= self.lr * dW / np.sqrt(h + 1e-7)",
        "AdaGrad adds 1e-7 within the root, where it counts 3,000 times as much.",
    ),
    PlantedError(
        "optimizers-5",
        OPTIMIZERS,
        "decay_rate: float = 0.99",
        "decay_rate: float = 0.9",
        "RMSprop's default decay rate is 0.9, not 0.99.",
    ),
    PlantedError(
        "optimizers-6",
        FAST_OPTIMIZERS,
        "not all(array.flags.c_contiguous for array in arrays)",
        "not all(array.flags.forc for array in arrays)",
        "Large parameters in Fortran order are flattened, which copies them, and the step changes the copy only: they are never trained.",
    ),
    PlantedError(
        "optimizers-7",
        OPTIMIZERS,
        "(1 - self.beta2**self.iter) ** 0.5",
        "(1 - self.beta2 ** (self.iter + 1)) ** 0.5",
        "Adam's correction of v counts one step too many.",
    ),
    PlantedError(
        "optimizers-8",
        OPTIMIZER,
        "        given = dict(params.items())\n        arrays = {key: _floating(key, param) for key, param in given.items()}\n        checked = {key: _gradient(key, param, grads) for key, param in arrays.items()}\n        states = self._states(arrays)\n        in_chunks = table.fast(type(self), *arrays.values())\n        self.iter += 1\n",
        "        self.iter += 1\n        given = dict(params.items())\n        arrays = {key: _floating(key, param) for key, param in given.items()}\n        checked = {key: _gradient(key, param, grads) for key, param in arrays.items()}\n        states = self._states(arrays)\n        in_chunks = table.fast(type(self), *arrays.values())\n",
        "A step that is refused because of its gradients is counted all the same: Adam's next correction is that of a later step.",
    ),
    PlantedError(
        "optimizers-9",
        OPTIMIZER,
        "if self.weight_decay and is_weight(key):",
        "if self.weight_decay:",
        "AdamW's weight decay takes biases and batch normalization's parameters, too.",
    ),
    PlantedError(
        "optimizers-10",
        OPTIMIZER,
        "param *= 1 - self.lr * self.weight_decay",
        "param *= 1 - self.weight_decay",
        "AdamW's weight decay does not go with the learning rate.",
    ),
    PlantedError(
        "optimizers-11",
        OPTIMIZERS,
        '{"beta1": (0, BELOW_ONE), ',
        '{"beta1": (0, 1), ',
        "Adam takes a beta1 of 1, and divides by 0 in its first step.",
    ),
    PlantedError(
        "optimizers-12",
        OPTIMIZER,
        'f"{name}/{key}": device.get(array.copy())',
        'f"{name}/{key}": array',
        "state_dict hands out the optimizer's own arrays, which the next step changes.",
    ),
    PlantedError(
        "optimizers-13",
        OPTIMIZER,
        "return array.astype(native_dtype(computed_in(array.dtype)))",
        "return array.astype(native_dtype(computed_in(array.dtype)), copy=False)",
        "load_state_dict keeps the caller's arrays, into which the next step writes.",
    ),
    PlantedError(
        "optimizers-14",
        OPTIMIZER,
        "            if _shapes(state) != _shapes(params):\n",
        "            if state.keys() != params.keys():\n",
        "An optimizer with the state of another network with the same keys is not refused, where shapes differ; where NumPy can stretch one to the other it takes a step.",
    ),
    PlantedError(
        "optimizers-15",
        OPTIMIZERS,
        "if norm <= max_norm or not math.isfinite(norm):",
        "if norm <= max_norm:",
        "clip_by_norm scales gradients of an infinite norm, to 0 and nan, instead of returning them as they are.",
    ),
    PlantedError(
        "columns-1",
        COLUMNS,
        "if room >= 0 and (floor or room % stride == 0):",
        "if floor or room % stride == 0:",
        "A window larger than the padded image is taken, where the difference is a multiple of the stride: there are 0 windows, or less.",
    ),
    PlantedError(
        "columns-2",
        COLUMNS,
        "if room >= 0 and (floor or room % stride == 0):",
        "if room >= 0:",
        "Windows that do not tile the image are taken: the last pixels are in none.",
    ),
    PlantedError(
        "columns-3",
        COLUMNS,
        "col = np.empty((N, OH, OW, C, filter_h, filter_w), image.dtype, like=image)",
        "col = np.empty((N, OH, OW, C, filter_h, filter_w))",
        "im2col returns float64, whatever the images' dtype is.",
    ),
    PlantedError(
        "columns-4",
        COLUMNS,
        "met += windows[..., y, x].transpose(0, 3, 1, 2)",
        "met[...] = windows[..., y, x].transpose(0, 3, 1, 2)",
        "col2im keeps the last gradient of each pixel instead of the sum of all.",
    ),
    PlantedError(
        "columns-5",
        COLUMNS,
        "return image[:, :, above : above + H, left : left + W]",
        "return image[:, :, above : above + H, above : above + H]",
        "col2im cuts the padding off as if images were square.",
    ),
    PlantedError(
        "columns-6",
        COLUMNS,
        "if col.shape != (rows, columns):",
        "if col.size != rows * columns:",
        "col2im takes a col of another shape, such as the transposed one, if only its size fits.",
    ),
    PlantedError(
        "columns-7",
        COLUMNS,
        'window = as_count(filter_h, "filter_h"), as_count(filter_w, "filter_w")',
        "window = filter_h, filter_w",
        "im2col and col2im take a window of height or width 0 and return empty rows.",
    ),
    PlantedError(
        "columns-8",
        COLUMNS,
        "left : left + W].astype(col.dtype, copy=False)",
        "left : left + W].astype(np.float64)",
        "col2im returns float64, whatever col's dtype is.",
    ),
    PlantedError(
        "gradient_check-1",
        CHECK,
        "return not self._nothing and all(map(self.passed, self.checks))",
        "return all(map(self.passed, self.checks))",
        "A report of nothing, as of a network without parameters, counts as passed.",
    ),
    PlantedError(
        "gradient_check-2",
        CHECK,
        "if analytic.shape != array.shape:",
        "if analytic.ndim != array.ndim:",
        "A gradient that is larger than its array passes if the part that is looked at is right.",
    ),
    PlantedError(
        "gradient_check-3",
        ROUNDING,
        "max(1e-3 * size, (rounding / STEPS[0] + own) / CLOSE, sys.float_info.min)",
        "max(1e-3 * size, 1e-6)",
        "The floor of the errors is a constant: wrong gradients of small numbers pass, and right ones that are only rounding do not.",
    ),
    PlantedError(
        "gradient_check-4",
        TARGETS,
        "    given = x.copy()\n",
        "    given = x\n",
        "x is compared with itself, so a layer that writes into its x is not found out.",
    ),
    PlantedError(
        "gradient_check-5",
        TARGETS,
        '    return Checked(lambda: 2 * layer.forward(x, t), {"x": x}, gradients)',
        '    return Checked(lambda: layer.forward(x, t), {"x": x}, lambda: [layer.backward(1)])',
        "A loss layer is checked with dout = 1 only, so one that ignores dout passes.",
    ),
    PlantedError(
        "gradient_check-6",
        CHECK,
        "tried.append((np.inf if np.isnan(error) else error, numeric))",
        "tried.append((error, numeric))",
        "A gradient of nan has an error of nan, which `max` passes over unless it comes first: the array passes.",
    ),
    PlantedError(
        "gradient_check-7",
        CHECK,
        "target = copy.deepcopy(target)",
        "target = copy.copy(target)",
        "The check freezes and casts the inner layers of the caller's own block, and the caller's float64 parameters are moved while it runs.",
    ),
    PlantedError(
        "gradient_check-8",
        CHECK,
        "    if _is_kink(slopes, floor) and all(\n        low - 0.01 * floor <= analytic <= high + 0.01 * floor for low, high in slopes[1:]\n    ):\n",
        "    if _is_kink(slopes, floor):\n",
        "At a kink every analytic derivative passes, not only those between the one-sided ones.",
    ),
    PlantedError(
        "network-1",
        HALVES,
        "plan = in_working_order([layer.replica() for layer in layers])",
        "plan = in_working_order(layers)",
        "predict runs the network's own layers, so that a backward after it is that of another batch, and a training-mode predict moves running statistics.",
    ),
    PlantedError(
        "network-2",
        NETWORK,
        "            right, count = right + int(correct.sum()), count + correct.size\n",
        "            right, count = right + float(correct.mean()), count + 1\n",
        "accuracy is the mean over batches, in which a smaller last batch counts as much as the others.",
    ),
    PlantedError(
        "network-3",
        NETWORK,
        "if x.ndim < 2 or t.ndim == 0 or not 0 < len(x) == len(t):",
        "if x.ndim < 2 or t.ndim == 0 or not 0 < len(x) <= len(t):",
        "accuracy takes more labels than samples, where whole batches of both fit together.",
    ),
    PlantedError(
        "network-4",
        NETWORK,
        "if self.regularizer is not None and is_weight(name):",
        "if self.regularizer is not None:",
        "gradient adds the penalty's gradient to biases, too, which the loss does not penalize.",
    ),
    PlantedError(
        "network-5",
        NETWORK,
        "self.last_loss = self._backpropagate(x, t) + self._penalty()",
        "self.last_loss = self._backpropagate(x, t)",
        "last_loss lacks the penalty.",
    ),
    PlantedError(
        "network-6",
        PARAMS,
        "        for key, array in arrays.items():\n            self.check(key, array)\n        for key",
        "        for key",
        "Assigning params of which one does not fit changes those before it, though it fails.",
    ),
    PlantedError(
        "network-7",
        NETWORK_STATE,
        "if is_state and has_states.setdefault(layer, is_given) != is_given:",
        "if False:",
        "load_params takes a file with the running mean but not the running variance of a layer, or the other way round.",
    ),
    PlantedError(
        "network-8",
        ASSEMBLY,
        "if not inner or len({id(own) for own in map(_own, inner)}) < len(inner):",
        "if not inner:",
        "A network takes the same layer twice, whose backward then uses the wrong x.",
    ),
    PlantedError(
        "network-9",
        NETWORK,
        "len(x) == n_labels >= halves.HALVES * each and not is_frozen",
        "len(x) == n_labels >= halves.HALVES * each",
        "A frozen network's batches are worked on in halves, too, on which the masks of the whole batch do not fit.",
    ),
    PlantedError(
        "shards-1",
        HALVES,
        "share = (part.stop - part.start) / len(x)",
        "share = 1 / HALVES",
        "Both halves of a batch count the same though one of them is larger: loss and gradient of an odd number of samples are wrong.",
    ),
    PlantedError(
        "shards-2",
        HALVES,
        "setattr(layer, name, sum(getattr(twin, name) for twin in twins) / HALVES)",
        "setattr(layer, name, getattr(twins[0], name))",
        "After a step in halves running statistics are those of the first half alone.",
    ),
    PlantedError(
        "shards-3",
        ORDER,
        "if type(order[i]) is Relu and type(order[i + 1]) is Pooling:",
        "if isinstance(order[i], Relu) and isinstance(order[i + 1], Pooling):",
        "Pooling also changes places with classes derived from Relu and Pooling, whose own forward may be any other function.",
    ),
    PlantedError(
        "params-1",
        PARAMS,
        "                count[name] += 1\n",
        "                count[name] += getattr(layer, name) is not None\n",
        "Parameters that are None are not counted: after a layer without bias the next layer's bias is b1, beside W2, and states that are still None cannot be loaded.",
    ),
    PlantedError(
        "params-2",
        PARAMS,
        "setattr(*self.slots()[key], device.like(value, self[key]))",
        "self[key][...] = value",
        'params["W1"] = w copies w into the old array, in its dtype, instead of putting the very array w into the layer.',
    ),
)


def mirror(file: str) -> Path:
    """Return the test file of a source file; tests/ mirrors dlbasics/."""
    source = Path(file).relative_to("dlbasics")
    folders = [part.lstrip("_") for part in source.parent.parts]
    return Path("tests", *folders, f"test_{source.name}")


def nearest(file: str, checkout: Path) -> list[str]:
    """Return the test files nearest to a source file that exist.  They run first.

    Layers, their fast replacements and the gradient check also have tests in common.
    """
    near = [mirror(file)]
    if file in (TARGETS, ROUNDING):  # they are parts of the gradient check
        near.append(mirror(CHECK))
    if {"layers", "fast", "gradient_check.py"} & {*Path(file).parts}:
        near.append(Path("tests/layers", near[0].name))  # the layer that a file replaces
        for folder in ("tests/layers", "tests/internal/fast", "tests/gradients"):
            found = (checkout / folder).glob("test_*.py")
            near += sorted(path.relative_to(checkout) for path in found)
    return [*dict.fromkeys(str(path) for path in near if (checkout / path).is_file())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="ID", help="plant these errors only")
    parser.add_argument("--checkout", type=Path, default=Path.cwd(), metavar="DIR")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="file of results, which a later run continues"
    )
    parser.add_argument(
        "--tests",
        nargs="+",
        metavar="PATTERN",
        help="run these test files only, as tests/**/*loss*",
    )
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    checkout = args.checkout.resolve()
    errors = chosen(args.only)
    if wrong := [line for error in errors if (line := misfit(error, checkout))]:
        sys.exit(
            "\n".join([*wrong, "the lines of these errors have changed: adapt the errors to them"])
        )
    report: dict[str, Any] = {"unmodified": None, "results": []}
    if args.json and args.json.exists():
        report = json.loads(args.json.read_text(encoding="utf-8"))
    if report["unmodified"] != "passed":
        if failure := run_tests(checkout, AFFINE, args.tests):
            sys.exit(f"the unmodified tree does not pass: {failure}")
        report["unmodified"] = "passed"
        write(args.json, report)
    done = {result["id"]: result for result in report["results"]}
    for error in errors:
        if error.id not in done:
            start = time.perf_counter()
            failure = plant_and_test(error, checkout, args.tests)
            done[error.id] = {
                "id": error.id,
                "caught": bool(failure),
                "by": failure,
                "what": error.what,
                "seconds": round(time.perf_counter() - start, 1),
            }
            report["results"] = [*done.values()]
            write(args.json, report)
        by = done[error.id]["by"]
        print(f"{error.id:20} {f'caught by {by}' if by else 'NOT CAUGHT'}", flush=True)
    caught = sum(done[error.id]["caught"] for error in errors)
    print(f"{caught} of {len(errors)} caught")


def chosen(ids: list[str] | None) -> list[PlantedError]:
    """Return the errors with these ids; None stands for all errors."""
    if unknown := set(ids or ()) - {error.id for error in PLANTED}:
        sys.exit(f"no such error: {', '.join(sorted(unknown))}")
    return [error for error in PLANTED if ids is None or error.id in ids]


def misfit(error: PlantedError, checkout: Path) -> str | None:
    """Return why the error cannot be planted in the checkout, or None if it can."""
    path = checkout / error.file
    if not path.is_file():
        return f"{error.id}: there is no {path}"
    count = path.read_text(encoding="utf-8").count(error.old)
    return None if count == 1 else f"{error.id}: {error.file} has its text {count} times"


def plant_and_test(error: PlantedError, checkout: Path, patterns: list[str] | None) -> str | None:
    """Plant the error, return the test that fails first, or None, and restore the file."""
    path = checkout / error.file
    if is_changed(checkout, error.file):
        sys.exit(f"{path} has changes that are not committed: an earlier error may still be there")
    original = path.read_bytes()
    try:
        path.write_text(
            original.decode("utf-8").replace(error.old, error.new), encoding="utf-8", newline=""
        )
        return run_tests(checkout, error.file, patterns)
    finally:
        path.write_bytes(original)


def is_changed(checkout: Path, file: str) -> bool:
    """Return whether git reports changes in the file; False if the folder is not a git checkout."""
    status = ["git", "-C", str(checkout), "status", "--porcelain", "--", file]
    return bool(subprocess.run(status, capture_output=True, text=True, check=False).stdout)


def run_tests(checkout: Path, file: str, patterns: list[str] | None) -> str | None:
    """Return the first test that fails: near the file, then of all tests; or of `patterns`."""
    if patterns:
        files = sorted({str(path) for pattern in patterns for path in checkout.glob(pattern)})
        return pytest_fails(checkout, files)
    near = nearest(file, checkout)
    failure = pytest_fails(checkout, near) if near else None
    return failure or pytest_fails(checkout, [])


def pytest_fails(checkout: Path, files: list[str]) -> str | None:
    """Return the first test of these files that fails, or what went wrong; None if all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-rfE"]
    command += ["-m", NOT_THESE, *(f"--ignore-glob=*/{name}" for name in LEFT_OUT), *files]
    with tempfile.TemporaryDirectory() as folder:
        # Examples that hypothesis found with one error would be tried with the next.
        env = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": folder,
        }
        tests = subprocess.Popen(
            command,
            cwd=checkout,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = tests.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"a test that hangs: no end after {TIMEOUT} s"
        finally:
            stop(tests)
    if tests.returncode in (0, 5):  # passed, or nothing to run
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", output, re.MULTILINE)
    return failed[1] if failed else (output.strip().splitlines() or ["a crash"])[-1]


def stop(tests: "subprocess.Popen[str]") -> None:
    """End the tests and the processes that they started, if they still run."""
    if tests.poll() is None:
        os.killpg(tests.pid, signal.SIGKILL)
        tests.communicate()


def write(path: Path | None, report: dict[str, Any]) -> None:
    """Store the results so that the file is complete at any time."""
    if path is not None:
        partial = path.with_name(f"{path.name}.part")
        partial.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
        partial.replace(path)


if __name__ == "__main__":
    main()
