"""`Network.numerical_gradient` by columns equals the definition and backpropagation."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbasics.layers import (
    Affine,
    Dropout,
    IdentityWithLoss,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.regularizers import L1, L2
from tests.gradients.cases import LAYERS, D, K, affine, batch, norm, one_hot, soft


def assert_columns_are_right(net, x, t, tolerance=1e-9):
    by_columns, plain = net.numerical_gradient(x, t), net.numerical_gradient(x, t, plain=True)
    backward = copy.deepcopy(net).astype(np.float64).gradient(x, t)
    assert list(by_columns) == list(plain) == list(backward)
    for key, expected in plain.items():
        assert by_columns[key].dtype == np.float64
        np.testing.assert_allclose(by_columns[key], expected, rtol=0, atol=tolerance, err_msg=key)
        np.testing.assert_allclose(by_columns[key], backward[key], rtol=0, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_columns_equal_the_definition_and_backpropagation(layers):
    assert_columns_are_right(Network(layers(), rng=3), *batch())


@pytest.mark.parametrize("regularizer", [L1(0.2), L2(0.2)], ids=["L1", "L2"])
@pytest.mark.parametrize("kind", ["tanh, tanh", "both", "no bias", "block"])
def test_penalties_belong_to_the_gradient(kind, regularizer):
    net = Network(LAYERS[kind](), regularizer=regularizer, rng=3)
    assert_columns_are_right(net, *batch())
    bare = Network(LAYERS[kind](), rng=3).numerical_gradient(*batch())
    assert not np.allclose(net.numerical_gradient(*batch())["W1"], bare["W1"], atol=1e-3)


@pytest.mark.parametrize("form", [one_hot, soft, list, lambda t: t[:, None]])
def test_every_form_of_label(form):
    x, t = batch()
    assert_columns_are_right(Network(LAYERS["tanh, tanh"]()), x, form(t))


SHAPES = {
    "images": ([affine(12, 4), Tanh(), affine(4, K)], batch(3, 12)[0].reshape(3, 3, 2, 2)),
    "lists of integers": (LAYERS["sigmoid"](), [[1, 2, 0, -1, 3], [0, 1, 1, 2, -2], [1] * 5]),
    "many stacks": ([affine(40, 12), Relu(), affine(12, K)], batch(30, 40)[0]),
}


@pytest.mark.parametrize(("layers", "x"), SHAPES.values(), ids=SHAPES)
def test_every_form_of_input(layers, x):
    assert_columns_are_right(Network(layers), x, np.arange(len(x)) % K)


def test_a_single_output():
    net, (x, t) = Network([affine(D, 4), Tanh(), affine(4, 1)], SigmoidWithLoss()), batch()
    assert_columns_are_right(net, x, (t > 0)[:, None].astype(int))


LOSSES = {
    "yes or no": (SigmoidWithLoss(), lambda t: one_hot(t).astype(int)),
    "probabilities": (SigmoidWithLoss(), soft),
    "regression": (IdentityWithLoss(), lambda t: 5 * soft(t) - 2),
}


@pytest.mark.parametrize(("loss", "targets"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("kind", ["one affine", "tanh, tanh", "batch norm", "dropout", "block"])
def test_every_loss(kind, loss, targets):
    x, t = batch()
    assert_columns_are_right(Network(LAYERS[kind](), loss, rng=3), x, targets(t))


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, IdentityWithLoss])
@pytest.mark.parametrize("kind", ["one affine", "sigmoid", "dropout", "no bias"])
def test_one_sample_and_a_batch_of_one(kind, loss):
    net, (x, t) = Network(LAYERS[kind](), loss(), rng=3), batch(1)
    assert_columns_are_right(net, x, one_hot(t))
    lifted = net.numerical_gradient(x, one_hot(t))
    labels = [one_hot(t)[0]] if loss is IdentityWithLoss else [one_hot(t)[0], t[0], int(t[0])]
    for label in labels:
        for key, value in net.numerical_gradient(x[0], label).items():
            np.testing.assert_allclose(value, lifted[key], rtol=0, atol=1e-12)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    activations=st.lists(st.sampled_from([Sigmoid, Tanh]), min_size=3, max_size=3),
    extras=st.lists(st.sampled_from(["", "norm", "dropout", "no bias"]), min_size=3, max_size=3),
    penalty=st.sampled_from([None, L1(0.1), L2(0.1)]),
    n=st.integers(2, 6),
)
def test_any_network(sizes, activations, extras, penalty, n):
    layers, width = [], D
    for size, activation, extra in zip(sizes, activations, extras, strict=False):
        layers += [affine(width, size, bias=extra != "no bias"), activation()]
        layers += {"norm": [norm(size)], "dropout": [Dropout(0.3)]}.get(extra, [])
        width = size
    net = Network([*layers, affine(width, K)], regularizer=penalty, rng=0)
    by_columns, plain = (net.numerical_gradient(*batch(n), plain=plain) for plain in (False, True))
    for key, value in plain.items():
        np.testing.assert_allclose(by_columns[key], value, rtol=1e-9, atol=1e-9)


class RowNormRelu(Relu):
    """No longer element by element, though it inherits from a layer that is."""

    def forward(self, x, train_flg=True):
        y = super().forward(x, train_flg)
        return y / np.linalg.norm(x, axis=1, keepdims=True)


class TwiceAffine(Affine):
    def forward(self, x, train_flg=True):
        return 2 * super().forward(x, train_flg)


@pytest.mark.parametrize("middle", [RowNormRelu(), TwiceAffine.create(4, 4, rng=3)])
def test_a_subclass_inherits_no_rule_of_a_forward_that_it_replaces(middle):
    net = Network([TwiceAffine.create(D, 4, rng=1), middle, affine(4, K)])
    by_columns, plain = (net.numerical_gradient(*batch(6), plain=plain) for plain in (False, True))
    for key in plain:
        np.testing.assert_allclose(by_columns[key], plain[key], atol=1e-9)
