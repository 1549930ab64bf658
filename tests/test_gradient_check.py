"""`check_gradients`: its report, its options, kinks, and what it refuses and leaves alone."""

import copy
from functools import partial

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Dropout,
    Identity,
    Layer,
    LossLayer,
    Pooling,
    Relu,
    Residual,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from tests.helpers import damaged, normal
from tests.internal.cases import BookAffine

affine = partial(damaged, Affine, normal(4, 4, seed=1), normal(4, seed=2))
X = normal(5, 4)


def batch_norm():
    return BatchNorm(normal(4, seed=1), normal(4, seed=2))


def batch_norm_of(size):
    return BatchNorm.create(size, dtype=np.float64)


class TestReport:
    def test_names_the_worst_element(self):
        def damage(dW, *_):
            dW = dW.copy()
            dW[2, 1] *= 1.5
            return dW

        report = check_gradients(affine(dW=damage), X)
        x, W, b = report.checks
        assert (x.name, W.name, b.name) == ("x", "W", "b") and W.where == (2, 1)
        assert W.analytic == pytest.approx(1.5 * W.numeric)
        assert W.error == pytest.approx(1 / 3, rel=1e-6)
        assert not report.passed(W) and report.passed(x) and report.passed(b)

    def test_reads_as_a_table(self):
        report = check_gradients(affine(dW=lambda dW, *_: 2 * dW), X)
        header, x, W, b = str(report).splitlines()
        titles = ["shape", "checked", "kinks", "error", "where", "analytic", "numeric"]
        assert header.split() == titles
        assert x.split()[0] == "x" and x.endswith("ok") and b.endswith("ok")
        assert W.split()[0] == "W" and W.endswith("WRONG") and "(4, 4)" in W and "5.0e-01" in W
        assert header.index("where") == W.index(str(report.checks[1].where))

    def test_a_network_without_parameters_does_not_pass(self):
        assert not check_gradients(Network([Relu()]), normal(4, 3), [0, 1, 2, 0])


class TestOptions:
    def test_tolerance_decides(self):
        layer = affine(dW=lambda dW, *_: 1.001 * dW)
        assert check_gradients(layer, X, tolerance=2e-3)
        assert not check_gradients(layer, X, tolerance=9e-4)

    @pytest.mark.parametrize(
        ("sample", "checked"), [(None, [20, 16, 4]), (5, [5, 5, 4]), (99, [20, 16, 4])]
    )
    def test_sample_compares_that_many_elements_of_each_larger_array(self, sample, checked):
        report = check_gradients(affine(), X, sample=sample)
        assert report and [check.checked for check in report.checks] == checked

    def test_a_sample_is_drawn_by_rng(self):
        wrong = affine(dW=lambda dW, *_: dW * (np.arange(16).reshape(4, 4) != 5))
        found = {bool(check_gradients(wrong, X, sample=4, rng=i)) for i in range(30)}
        assert found == {True, False}

    @pytest.mark.parametrize("seed", range(5))
    def test_any_seed_of_the_probe_and_any_scale_of_the_weights_will_do(self, seed):
        scale = 10.0 ** (3 * seed - 6)
        linear = Affine(scale * normal(4, 3), scale * normal(3))
        for layer in (batch_norm(), linear, Tanh()):
            report = check_gradients(layer, normal(6, 4), rng=seed)
            assert report, f"\n{report}"

    @pytest.mark.parametrize("name", ["train_flg", "verbose"])
    def test_flags_that_are_neither_true_nor_false(self, name):
        for wrong in ("False", 0, 1.0, []):
            with pytest.raises(TypeError, match=f"{name} must be True or False, got"):
                check_gradients(affine(), X, **{name: wrong})

    @pytest.mark.parametrize("sample", [0, -1, 1.5, "all"])
    def test_sample_that_is_no_count(self, sample):
        with pytest.raises((ValueError, TypeError), match="sample must be"):
            check_gradients(affine(), X, sample=sample)

    def test_verbose_announces_the_number_of_passes_on_stderr_before_the_check(self, capsys):
        said = []

        class Listening(Identity):
            def forward(self, x, train_flg=True):
                said.append(capsys.readouterr().err)
                return super().forward(x, train_flg)

        check_gradients(Listening(), X, verbose=True)
        assert "at least 40 forward passes, about " in "".join(said)
        assert capsys.readouterr() == ("", "")

    def test_a_check_announces_itself_only_if_it_is_long(self, capsys, monkeypatch):
        check_gradients(affine(), X)
        assert capsys.readouterr() == ("", "")
        monkeypatch.setattr("dlbasics.gradient_check.ANNOUNCED", 0)
        check_gradients(affine(), X)
        assert "forward passes" in capsys.readouterr().err
        check_gradients(affine(), X, verbose=False)
        assert not capsys.readouterr().err


class TestFloor:
    """Below the floor of an array, errors are relative to the floor.  It follows from rounding."""

    @pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6])
    @pytest.mark.parametrize("factor", [1.0, 1.01])
    def test_it_hides_no_error_of_small_or_large_numbers(self, scale, factor):
        W = scale * normal(4, 3)
        layer = damaged(Affine, W, np.zeros(3), dW=lambda dW, *_: factor * dW)
        report = check_gradients(layer, scale * X)
        assert bool(report) == (factor == 1), f"\n{report}"

    @pytest.mark.parametrize("size", [1.0, 100.0])
    @pytest.mark.parametrize("seed", range(5))
    def test_a_bias_before_batch_normalization_has_only_rounding_and_passes(self, seed, size):
        W, b = size * normal(4, 6, seed=seed), size * normal(6)
        layers = [Affine(W, b), BatchNorm.create(6, dtype=np.float64), Affine(normal(6, 3), None)]
        report = check_gradients(Network(layers), normal(50, 4, seed=seed), np.arange(50) % 3)
        assert report, f"\n{report}"

    @pytest.mark.parametrize("seed", [1, 2, 3, 7])
    def test_a_mean_far_from_0_makes_a_right_network_no_wrong_one(self, seed):
        """What batch normalization subtracts is 30,000 times as large as what is left."""
        W, b = 0.01 * normal(5, 10, seed=seed), 300 + normal(10, seed=seed)
        layers = [Affine(W, b), batch_norm_of(10), Affine(normal(10, 3, seed=seed), None)]
        report = check_gradients(Network(layers), normal(50, 5, seed=seed), np.arange(50) % 3)
        assert report, f"\n{report}"

    @pytest.mark.parametrize("seed", range(5))
    def test_a_small_output_with_large_gradients_makes_no_right_layer_wrong(self, seed):
        """The gradient of the bias is a sum of large terms that cancel out."""
        W, b = 1e-6 * normal(5, 5, seed=seed), 1e-6 * normal(5, seed=seed + 1)
        layer = Residual([Affine(W, b), batch_norm_of(5)])
        report = check_gradients(layer, 1e-3 * normal(6, 5, seed=seed + 2))
        assert report, f"\n{report}"

    def test_nan_beside_a_gradient_of_0_is_wrong(self):
        nan = damaged(Identity, dx=lambda dx, *_: 0 * dx)
        x = X.copy()
        x[0, 0] = np.nan
        assert not check_gradients(nan, x)

    def test_gradients_that_are_added_up_are_not_taken_for_rounding(self):
        class AddsUp(Affine):
            def backward(self, dout):
                before, dx = self.dW, super().backward(dout)
                self.dW = self.dW if before is None else before + self.dW
                return dx

        report = check_gradients(AddsUp(normal(4, 3), normal(3)), X)
        assert [report.passed(check) for check in report.checks] == [True, False, True]


class TestKinks:
    def test_they_are_counted_and_shown_and_hide_no_error_elsewhere(self):
        x = normal(5, 4)
        x[1, 2] = x[3, 0] = 0
        report = check_gradients(Relu(), x)
        (check,) = report.checks
        assert report and (check.checked, check.kinks) == (20, 2)
        assert str(report).splitlines()[1].split()[1:5] == ["(5,", "4)", "20", "2"]
        assert not check_gradients(damaged(Relu, dx=lambda dx, *_: 1.001 * dx), x)

    @pytest.mark.parametrize("x", [np.ones((2, 1, 4, 4)), np.arange(32.0).reshape(2, 1, 4, 4) // 2])
    @pytest.mark.parametrize("factor", [1, 3])
    def test_equal_pixels_hide_no_error(self, x, factor):
        """The last digits decide which of them wins, which changes the gradient as a whole."""
        layer = damaged(Pooling, 2, 2, 2, dx=lambda dx, *_: factor * dx)
        report = check_gradients(layer, x)
        assert bool(report) == (factor == 1), f"\n{report}"

    @pytest.mark.parametrize("factor", [1, 3])
    def test_a_sum_of_0_before_relu_hides_no_error(self, factor):
        first = damaged(Affine, np.full((3, 2), 0.3), None, dW=lambda dW, *_: factor * dW)
        x = np.array([[1.0, -1, 0], [2, 1, 1], [1, 2, 3]])
        report = check_gradients(Network([first, Relu(), Affine(normal(2, 3), None)]), x, [0, 1, 2])
        assert bool(report) == (factor == 1), f"\n{report}"

    def test_a_jump_hides_no_error(self):
        """f jumps where x - 1 changes its sign."""

        class Jumps(Identity):
            def _forward(self, x, train_flg):
                return 2 * x + (x > 1)

            def _backward(self, dout):
                return 3 * dout

        assert not check_gradients(Jumps(), np.array([[1.0, 2], [3, 4]]))

    def test_at_a_kink_the_derivative_lies_between_the_one_sided_ones(self):
        x = np.zeros((5, 4))
        report = check_gradients(Relu(), x)
        assert report and report.checks[0].kinks == 20
        assert not check_gradients(damaged(Relu, dx=lambda dx, _, dout: dx - dout), x)

    @pytest.mark.parametrize("seed", [18, 34, 57])
    def test_a_dead_relu_layer_does_not_make_a_right_network_wrong(self, seed):
        network = MultiLayerNet(8, [6, 6], 3, rng=seed)
        assert check_gradients(network, normal(6, 8, seed=seed), np.array([0, 1, 2] * 2))

    def test_rounding_is_not_taken_for_a_kink(self):
        wrong = damaged(Affine, normal(5, 4), normal(4), dx=lambda dx, *_: 0 * dx)
        report = check_gradients(wrong, 1000 * normal(1000, 5), sample=50)
        assert not report and report.checks[0].kinks == 0

    def test_a_smooth_layer_has_none(self):
        wrong = affine(dW=lambda dW, *_: -dW), damaged(Sigmoid, dx=lambda dx, *_: 0 * dx)
        for layer in (affine(), Sigmoid(), *wrong):
            assert not any(check.kinks for check in check_gradients(layer, X).checks)

    def test_near_a_kink_a_smaller_step_is_taken_and_a_right_layer_passes(self):
        for x in (5e-6, -5e-6, 2e-5, 5e-5, -5e-5):
            report = check_gradients(Relu(), np.array([[x, 1], [2, 3]]))
            assert report and report.checks[0].kinks == 0
        for x in (0, 1e-9, -1e-8, 1e-7, 3e-7, -5e-7, 7e-7, -9e-7, 1.1e-6):
            assert check_gradients(Relu(), np.array([[x, 1], [2, 3]])), x


def test_x_and_the_layer_are_untouched():
    layer = BatchNorm(normal(4, dtype=np.float32), normal(4, dtype=np.float32))
    x = normal(5, 4, dtype=np.float32)
    layer.forward(x)
    before, x_before = copy.deepcopy(vars(layer)), x.copy()
    x.flags.writeable = False
    assert check_gradients(layer, x)
    np.testing.assert_array_equal(x, x_before)
    assert vars(layer).keys() == before.keys() and not layer.frozen
    for name, value in before.items():
        np.testing.assert_array_equal(vars(layer)[name], value)
        assert np.asarray(vars(layer)[name]).dtype == np.asarray(value).dtype


def test_the_loss_layer_and_its_labels_are_untouched():
    layer, x, t = SoftmaxWithLoss(), normal(5, 3), np.array([0, 1, 2, 1, 0])
    layer.forward(x, t)
    y, loss, expected = layer.y, layer.loss, t.copy()
    assert check_gradients(layer, 2 * x, t)
    assert layer.y is y and layer.loss == loss and layer.t is t
    np.testing.assert_array_equal(t, expected)


def test_gradient_check_freezes_the_dropout_mask():
    assert check_gradients(Dropout(0.5, rng=0), np.ones((20, 20)), tolerance=1e-6)


def test_gradient_check_freezes_the_running_statistics():
    layer = batch_norm()
    layer.forward(3 + 2 * normal(50, 4))
    mean = layer.running_mean.copy()
    assert check_gradients(layer, normal(7, 4))
    np.testing.assert_array_equal(layer.running_mean, mean)


def test_what_is_neither_layer_nor_network_and_a_network_in_test_mode_are_refused():
    with pytest.raises(TypeError, match="target must be a layer, a loss layer or a network"):
        check_gradients(np.sin, normal(4, 3))
    with pytest.raises(ValueError, match="train_flg must be True"):
        check_gradients(MultiLayerNet(3, [2], 2), normal(4, 3), [0, 1, 1, 0], train_flg=False)


class WritesIntoDout(Relu):
    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class WritesIntoX(Relu):
    def forward(self, x, train_flg=True):
        x[x < 0] = 0
        return super().forward(x, train_flg)


@pytest.mark.parametrize(
    ("name", "reshape"),
    [
        ("W", lambda dW: np.vstack([dW, dW])),
        ("W", lambda dW: dW[:2]),
        ("W", lambda dW: dW[np.newaxis]),
        ("W", lambda dW: None),
        ("b", lambda db: db[np.newaxis]),
        ("b", lambda db: db.sum()),
        ("x", lambda dx: dx[:1]),
        ("x", lambda dx: None),
    ],
)
def test_a_gradient_of_another_shape_is_wrong(name, reshape):
    class Reshapes(BookAffine):
        def backward(self, dout):
            dx = super().backward(dout)
            if name == "x":
                return reshape(dx)
            setattr(self, f"d{name}", reshape(getattr(self, f"d{name}")))
            return dx

    report = check_gradients(Reshapes(normal(4, 4), normal(4)), X)
    assert [check.name for check in report.checks if not report.passed(check)] == [name]


@pytest.mark.parametrize("layer, what", [(WritesIntoDout(), "dout"), (WritesIntoX(), "x")])
def test_a_layer_that_writes_into_what_it_was_given_is_refused(layer, what):
    with pytest.raises(ValueError, match=f"must not change the {what} that"):
        check_gradients(layer, X)


class NotDeclared(Layer):
    """A subclass of ours that does not say that W is its parameter."""

    def __init__(self, W):
        self.W = W

    def _forward(self, x, train_flg):
        self.x = x
        return x @ self.W

    def _backward(self, dout):
        self.gradient_of_W = 3 * self.x.T @ dout
        return dout @ self.W.T


class InAList(NotDeclared):
    W = property(lambda self: self.params[0])

    def __init__(self, W):
        self.params, self.grads = [W], [None]

    def _backward(self, dout):
        self.grads[0] = 3 * self.x.T @ dout
        return dout @ self.W.T


class HasItsGradient(NotDeclared):
    def _backward(self, dout):
        self.dW = 3 * self.x.T @ dout
        return dout @ self.W.T


class WithScale(Affine):
    def __init__(self, W):
        super().__init__(W, None)
        self.scale = np.full(W.shape[1], 2.0)

    def _forward(self, x, train_flg):
        self.y = super()._forward(x, train_flg)
        return self.y * self.scale

    def _backward(self, dout):
        self.gradient_of_scale = 3 * (self.y * dout).sum(axis=0)
        return super()._backward(dout * self.scale)


class Holds(Layer):
    def __init__(self, W):
        self.inner = Affine(W, None)

    def _forward(self, x, train_flg):
        return self.inner.forward(x)

    def _backward(self, dout):
        return self.inner.backward(dout)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (NotDeclared, "NotDeclared.W is an array whose gradient is unknown: list the parameters"),
        (InAList, "InAList.params is an array whose gradient is unknown"),
        (HasItsGradient, "HasItsGradient.W has a gradient, so it must be in .*param_names"),
        (WithScale, "WithScale.scale is an array whose gradient is unknown"),
        (Holds, "Holds.inner must be in Holds.layers too"),
    ],
)
def test_parameters_of_a_subclass_that_it_does_not_declare_are_an_error(kind, message):
    with pytest.raises(ValueError, match=message):
        check_gradients(kind(normal(4, 3)), X)
    with pytest.raises(ValueError, match=message):
        check_gradients(Network([kind(normal(4, 3))]), X, [0, 1, 2, 0, 1])


def test_a_subclass_that_says_what_its_parameters_are_is_checked_also_after_use():
    class Says(WithScale):
        param_names = ("W", "b")

    layer = Says(normal(4, 3))
    for _ in range(2):
        assert check_gradients(layer, X)
        layer.backward(layer.forward(X))
    used = Tanh()
    used.backward(used.forward(X))
    assert check_gradients(used, X)


class LossWithWeights(LossLayer):
    def __init__(self, W):
        self.W = W

    def forward(self, x, t):
        self.x, self.t = x, t
        return float(np.sum((x @ self.W - t) ** 2) / 2)

    def backward(self, dout=1):
        return dout * (self.x @ self.W - self.t) @ self.W.T


def test_a_loss_layer_with_an_array_that_it_does_not_declare_is_an_error():
    class Constant(LossWithWeights):
        param_names = ()

    with pytest.raises(ValueError, match=r"LossWithWeights.W is an array whose gradient is unkn"):
        check_gradients(LossWithWeights(normal(4, 3)), X, normal(5, 3))
    assert check_gradients(Constant(normal(4, 3)), X, normal(5, 3))


def test_a_network_whose_params_are_no_dict_is_an_error():
    class Lists:
        params = (normal(4, 3),)

        def gradient(self, x, t):
            return [np.zeros((4, 3))]

    with pytest.raises(TypeError, match="params, and what gradient returns, must be dicts, got tu"):
        check_gradients(Lists(), X, [0, 1, 2, 0, 1])
