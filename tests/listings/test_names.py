"""The book's names, and their arguments in the book's order, by the imports of docs/names.md."""

import inspect
import re
from importlib import import_module

import pytest

from tests.helpers import ROOT
from tests.listings.helpers import run

NAMES = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
NET = "input_size, hidden_size_list, output_size, activation='relu', weight_init_std='relu', "
NET += "weight_decay_lambda=0, use_dropout=False, dropout_ration=0.5, use_batchnorm=False"
NORM = "gamma, beta, momentum=0.9, running_mean=None, running_var=None"

SIGNATURES = {
    "dlbasics.functions": """
        step_function(x)
        sigmoid(x)
        sigmoid_grad(x)
        relu(x)
        relu_grad(x)
        identity_function(x)
        softmax(x)
        sum_squared_error(y, t)
        cross_entropy_error(y, t)
        softmax_loss(X, t)
    """,
    "dlbasics.gradient": """
        numerical_diff(f, x)
        numerical_gradient(f, x)
        gradient_descent(f, init_x, lr=0.01, step_num=100)
    """,
    "dlbasics.data": """
        smooth_curve(x)
        shuffle_dataset(x, t)
    """,
    "dlbasics.layers": f"""
        MulLayer()
        MulLayer.forward(self, x, y)
        MulLayer.backward(self, dout)
        AddLayer()
        AddLayer.forward(self, x, y)
        AddLayer.backward(self, dout)
        Affine(W, b)
        Relu()
        Sigmoid()
        Convolution(W, b, stride=1, pad=0)
        Pooling(pool_h, pool_w, stride=1, pad=0)
        SoftmaxWithLoss()
        SoftmaxWithLoss.forward(self, x, t)
        SoftmaxWithLoss.backward(self, dout=1)
        Dropout(dropout_ratio=0.5)
        Dropout.forward(self, x, train_flg=True)
        Dropout.backward(self, dout)
        BatchNormalization({NORM})
        BatchNormalization.forward(self, x, train_flg=True)
        BatchNormalization.backward(self, dout)
        BatchNorm({NORM})
    """,
    "dlbasics.optimizers": """
        SGD(lr=0.01)
        SGD.update(self, params, grads)
        Momentum(lr=0.01, momentum=0.9)
        Nesterov(lr=0.01, momentum=0.9)
        AdaGrad(lr=0.01)
        RMSprop(lr=0.01, decay_rate=0.99)
        Adam(lr=0.001, beta1=0.9, beta2=0.999)
    """,
    "dlbasics.networks": f"""
        TwoLayerNet(input_size, hidden_size, output_size, weight_init_std=0.01)
        TwoLayerNet.predict(self, x)
        TwoLayerNet.loss(self, x, t)
        TwoLayerNet.accuracy(self, x, t)
        TwoLayerNet.gradient(self, x, t)
        TwoLayerNet.numerical_gradient(self, x, t)
        MultiLayerNet({NET})
        MultiLayerNetExtend({NET})
        MultiLayerNetExtend.predict(self, x, train_flg=False)
        MultiLayerNetExtend.loss(self, x, t, train_flg=False)
        SimpleConvNet.predict(self, x)
        SimpleConvNet.loss(self, x, t)
        SimpleConvNet.gradient(self, x, t)
        DeepConvNet.predict(self, x, train_flg=False)
        DeepConvNet.gradient(self, x, t)
    """,
    "ch04_training.two_layer_net": """
        TwoLayerNet(input_size, hidden_size, output_size, weight_init_std=0.01)
        TwoLayerNet.predict(self, x)
        TwoLayerNet.loss(self, x, t)
        TwoLayerNet.accuracy(self, x, t)
        TwoLayerNet.gradient(self, x, t)
        TwoLayerNet.numerical_gradient(self, x, t)
    """,
    "ch05_backprop.two_layer_net": """
        TwoLayerNet(input_size, hidden_size, output_size, weight_init_std=0.01)
        TwoLayerNet.gradient(self, x, t)
        TwoLayerNet.numerical_gradient(self, x, t)
    """,
    "dlbasics.columns": """
        im2col(input_data, filter_h, filter_w, stride=1, pad=0)
        col2im(col, input_shape, filter_h, filter_w, stride=1, pad=0)
        conv_output_size(input_size, filter_size, stride=1, pad=0)
    """,
    # The book's optimizer_param={'lr': 0.01} is mutable; None stands for it.
    "dlbasics.trainer": """
        Trainer(network, x_train, t_train, x_test, t_test, epochs=20, mini_batch_size=100, \
            optimizer="SGD", optimizer_param=None, evaluate_sample_num_per_epoch=None, verbose=True)
        Trainer.train(self)
        Trainer.train_step(self)
    """,
    "dlbasics.datasets.mnist": """
        load_mnist(normalize=True, flatten=True, one_hot_label=False)
    """,
}
"""What stands in the book, by the module that docs/names.md sends its reader to."""

for name in ("Affine", "Relu", "Sigmoid", "Convolution", "Pooling"):
    SIGNATURES["dlbasics.layers"] += f"{name}.forward(self, x)\n{name}.backward(self, dout)\n"

LINES = [
    (module, line.strip())
    for module in SIGNATURES
    for line in SIGNATURES[module].strip().splitlines()
]


@pytest.mark.parametrize(("module", "line"), LINES)
def test_the_books_arguments_in_their_order(module, line):
    name, _, arguments = line.partition("(")
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    book = run(f"def book({arguments}: pass")["book"]
    theirs = [(p.name, p.default) for p in inspect.signature(book).parameters.values()]
    ours = [p for p in inspect.signature(found).parameters.values() if p.kind != p.KEYWORD_ONLY]
    assert [(p.name, p.default) for p in ours[: len(theirs)]] == theirs
    assert all(p.default is not p.empty for p in ours[len(theirs) :])


def test_the_table_keeps_the_names_and_covers_every_module():
    rows = re.findall(r"^\| `from (\S+) import ([^`]*)`[^|]*\| (.*) \|$", NAMES, re.MULTILINE)
    assert len(rows) >= 9
    modules = {}
    for module, names, ours in rows:
        if ours != "the same":
            module, kept = re.fullmatch(r"`from (\S+) import (.*)`", ours).groups()
            assert kept == names
        modules.setdefault(module, set()).update(names.split(", "))
    assert modules.keys() == SIGNATURES.keys()
    for module, names in modules.items():
        found = run(f"from {module} import {', '.join(sorted(names))}")
        promised = {re.split(r"\W", line)[0] for where, line in LINES if where == module}
        used = promised if "*" in names else names
        assert used <= promised
        assert used <= found.keys()


def test_a_star_import_supplies_our_layers_beside_the_books():
    names = run("from dlbasics.layers import *")
    assert {"BatchNorm", "SigmoidWithLoss", "IdentityWithLoss"} <= names.keys()
