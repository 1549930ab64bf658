"""The gradient check is itself checked: errors planted in right layers must be caught."""

import copy

import numpy as np
import pytest
from tests.helpers import Block

from dlbasics.gradient import check_gradients, numerical_gradient
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Convolution,
    Identity,
    IdentityWithLoss,
    Layer,
    Pooling,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.networks import MultiLayerNet


def normal(*shape, seed=10):
    return np.random.default_rng(seed).standard_normal(shape)


class Softmax(Layer):
    """Softmax as a layer of its own, with the right gradient."""

    def forward(self, x, train_flg=True):
        exp = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = exp / exp.sum(axis=1, keepdims=True)
        return self.y.copy()

    def backward(self, dout):
        return self.y * (dout - (self.y * dout).sum(axis=1, keepdims=True))


class SoftmaxMinusPlainMean(Softmax):
    def backward(self, dout):
        return self.y * (dout - dout.mean(axis=1, keepdims=True))


class SoftmaxOfZeros(Softmax):
    def backward(self, dout):
        return np.zeros_like(dout)


class BatchNormWithoutVariance(BatchNorm):
    """The variance is taken for a constant."""

    def backward(self, dout):
        super().backward(dout)
        return self.gamma / self._std * (dout - dout.mean(axis=0))


class BatchNormWithoutMean(BatchNorm):
    """The mean is taken for a constant."""

    def backward(self, dout):
        super().backward(dout)
        return self.gamma / self._std * (dout - self._xn * self.dgamma / len(dout))


class BatchNormOfZeros(BatchNorm):
    def backward(self, dout):
        super().backward(dout)
        return np.zeros_like(dout)


def affine(**damage):
    """An Affine layer of 4 inputs and 4 outputs whose results are passed through `damage`."""

    class Damaged(Affine):
        def backward(self, dout):
            self.dx = super().backward(dout)
            rows = np.atleast_2d(dout)
            for name, change in damage.items():
                setattr(self, name, change(getattr(self, name), self, rows))
            return self.dx

    return Damaged(normal(4, 4, seed=1), normal(4, seed=2))


AFFINE_ERRORS = {
    "dW 1.001 times too large": {"dW": lambda dW, *_: 1.001 * dW},
    "db 1.001 times too large": {"db": lambda db, *_: 1.001 * db},
    "dx 1.001 times too large": {"dx": lambda dx, *_: 1.001 * dx},
    "dW of the wrong sign": {"dW": lambda dW, *_: -dW},
    "db of the wrong sign": {"db": lambda db, *_: -db},
    "dx of the wrong sign": {"dx": lambda dx, *_: -dx},
    "dW divided by N": {"dW": lambda dW, _, rows: dW / len(rows)},
    "db averaged, not summed": {"db": lambda db, _, rows: rows.mean(axis=0)},
    "dW transposed": {"dW": lambda dW, *_: dW.T},
    "W transposed in dx": {"dx": lambda dx, layer, rows: rows @ layer.W},
    "dW of the first sample only": {"dW": lambda dW, layer, rows: np.outer(layer.x[0], rows[0])},
    "db of the first sample only": {"db": lambda db, _, rows: rows[0]},
    "dW zero": {"dW": lambda dW, *_: np.zeros_like(dW)},
    "db zero": {"db": lambda db, *_: np.zeros_like(db)},
    "dx zero": {"dx": lambda dx, *_: np.zeros_like(dx)},
    "one element of dW zero": {"dW": lambda dW, *_: dW * (np.arange(16).reshape(4, 4) != 5)},
    "samples of dx in reverse": {"dx": lambda dx, *_: dx[::-1]},
    "first of db not a number": {"db": lambda db, *_: np.r_[np.nan, db[1:]]},
    "last of db not a number": {"db": lambda db, *_: np.r_[db[:-1], np.nan]},
    "first of db infinite": {"db": lambda db, *_: np.r_[np.inf, db[1:]]},
    "dx not a number at all": {"dx": lambda dx, *_: np.full_like(dx, np.nan)},
}


@pytest.mark.parametrize("damage", AFFINE_ERRORS.values(), ids=AFFINE_ERRORS.keys())
def test_an_error_in_an_affine_layer_is_caught(damage):
    (name,) = damage
    report = check_gradients(affine(**damage), normal(5, 4))
    assert not report, f"\n{report}"
    failed = [check.name for check in report.checks if not report.passed(check)]
    assert failed == [name.removeprefix("d")]
    assert check_gradients(affine(), normal(5, 4))


def convolution(stride=1, **damage):
    """A Convolution of 3 channels to 3 whose results are passed through `damage`."""

    class Damaged(Convolution):
        def backward(self, dout):
            self.dx = super().backward(dout)
            for name, change in damage.items():
                setattr(self, name, change(getattr(self, name), self, dout))
            return self.dx

    return Damaged(normal(3, 3, 3, 3, seed=1), normal(3, seed=2), stride, pad=1)


def with_other_filters(W, layer, dout):
    """dx as it would be with the filters W."""
    twin = Convolution(W, None, layer.stride, layer.pad)
    twin.forward(layer.x)
    return twin.backward(dout)


CONVOLUTION_ERRORS = {
    "dW 1.001 times too large": {"dW": lambda dW, *_: 1.001 * dW},
    "db 1.001 times too large": {"db": lambda db, *_: 1.001 * db},
    "dx 1.001 times too large": {"dx": lambda dx, *_: 1.001 * dx},
    "dW divided by N": {"dW": lambda dW, _, dout: dW / len(dout)},
    "db averaged over pixels": {"db": lambda db, _, dout: db / dout[0, 0].size},
    "dW of turned filters": {"dW": lambda dW, *_: dW[:, :, ::-1, ::-1]},
    "dW with rows and columns exchanged": {"dW": lambda dW, *_: dW.transpose(0, 1, 3, 2)},
    "dW with filters and channels exchanged": {"dW": lambda dW, *_: dW.transpose(1, 0, 2, 3)},
    "dW without its last column": {"dW": lambda dW, *_: dW * (np.arange(3) < 2)},
    "dx of turned filters": {
        "dx": lambda dx, layer, dout: with_other_filters(layer.W[:, :, ::-1, ::-1], layer, dout)
    },
    "dx with rows and columns exchanged": {
        "dx": lambda dx, layer, dout: with_other_filters(layer.W.transpose(0, 1, 3, 2), layer, dout)
    },
    "dx with filters and channels exchanged": {
        "dx": lambda dx, layer, dout: with_other_filters(layer.W.transpose(1, 0, 2, 3), layer, dout)
    },
    "dx moved by one pixel": {"dx": lambda dx, *_: np.roll(dx, 1, axis=3)},
    "dx without the border": {
        "dx": lambda dx, *_: np.pad(dx[:, :, 1:-1, 1:-1], ((0, 0), (0, 0), (1, 1), (1, 1)))
    },
    "images of dx in reverse": {"dx": lambda dx, *_: dx[::-1]},
}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("damage", CONVOLUTION_ERRORS.values(), ids=CONVOLUTION_ERRORS.keys())
def test_an_error_in_a_convolution_is_caught(damage, stride):
    (name,) = damage
    x = normal(2, 3, 5, 5)
    report = check_gradients(convolution(stride, **damage), x)
    failed = [check.name for check in report.checks if not report.passed(check)]
    assert failed == [name.removeprefix("d")]
    assert check_gradients(convolution(stride), x)


class ToEveryMaximum(Pooling):
    """The gradient goes to all pixels of a window, each its share."""

    def backward(self, dout):
        dx = super().backward(dout)
        return np.repeat(np.repeat(dout, 2, axis=2), 2, axis=3) * (0.25 + 0 * dx)


class ToTheLeft(Pooling):
    def backward(self, dout):
        return np.roll(super().backward(dout), -1, axis=3)


class ToOneWindowOnly(Pooling):
    """Where windows share their largest pixel, their gradients are not added up."""

    def backward(self, dout):
        dx = super().backward(dout)
        return np.sign(dx) * np.minimum(np.abs(dx), np.abs(dout).max())


@pytest.mark.parametrize(
    ("wrong", "stride"), [(ToEveryMaximum, 2), (ToTheLeft, 2), (ToTheLeft, 1), (ToOneWindowOnly, 1)]
)
def test_an_error_in_pooling_is_caught(wrong, stride):
    x = normal(2, 3, 6, 6)
    assert not check_gradients(wrong(2, 2, stride), x)
    assert check_gradients(Pooling(2, 2, stride), x)


FORGOTTEN_SUMS = {
    "db": {"db": lambda db, _, rows: rows},
    "dW": {"dW": lambda dW, layer, rows: layer.x[:, :, np.newaxis] * rows[:, np.newaxis]},
    "db, a row": {"db": lambda db, *_: db[np.newaxis]},
}


@pytest.mark.parametrize("damage", FORGOTTEN_SUMS.values(), ids=FORGOTTEN_SUMS.keys())
def test_a_gradient_of_another_shape_is_caught(damage):
    report = check_gradients(affine(**damage), normal(5, 4))
    assert not report, f"\n{report}"


def test_a_transposed_gradient_of_weights_that_are_not_square_is_caught():
    class Transposed(Affine):
        def _backward(self, dout):
            dx = super()._backward(dout)
            self.dW = self.dW.T
            return dx

    for n_in, n_out in ((3, 5), (5, 3)):
        assert not check_gradients(Transposed.create(n_in, n_out, rng=0), normal(4, n_in))


WRONG_COUPLINGS = {
    "softmax minus the plain mean": (SoftmaxMinusPlainMean(), Softmax()),
    "softmax of zeros": (SoftmaxOfZeros(), Softmax()),
    "batch norm without variance": (
        BatchNormWithoutVariance(np.ones(4), np.zeros(4)),
        BatchNorm(np.ones(4), np.zeros(4)),
    ),
    "batch norm of zeros": (
        BatchNormOfZeros(np.ones(4), np.zeros(4)),
        BatchNorm(np.ones(4), np.zeros(4)),
    ),
}


@pytest.mark.parametrize(("wrong", "right"), WRONG_COUPLINGS.values(), ids=WRONG_COUPLINGS.keys())
def test_what_a_probe_of_ones_lets_pass_is_caught(wrong, right):
    x = normal(6, 4)
    y = wrong.forward(x)
    numeric = numerical_gradient(lambda x: wrong.forward(x).sum(), x)
    wrong.forward(x)
    np.testing.assert_allclose(wrong.backward(np.ones_like(y)), numeric, atol=1e-7)
    assert not check_gradients(wrong, x)
    assert check_gradients(right, x)


def test_a_probe_of_ones_would_see_a_batch_norm_without_mean_and_so_does_the_check():
    assert not check_gradients(BatchNormWithoutMean(np.ones(4), np.zeros(4)), normal(6, 4))


def test_over_one_sample_a_wrong_batch_norm_passes_over_two_it_is_caught():
    layer = BatchNormOfZeros(np.ones(4), np.zeros(4))
    assert check_gradients(layer, normal(1, 4))
    assert not check_gradients(layer, normal(2, 4))


def scaled(base, factor):
    class Scaled(base):
        def backward(self, dout=1):
            return factor * super().backward(dout)

    return Scaled()


@pytest.mark.parametrize("factor", [1.001, 0.999, -1, 0, 5])
@pytest.mark.parametrize("base", [Relu, Sigmoid, Tanh, Identity, Softmax])
def test_a_wrong_factor_in_an_activation_is_caught(base, factor):
    x = normal(5, 4)
    assert not check_gradients(scaled(base, factor), x)
    assert check_gradients(base(), x)


LOSSES = {
    "softmax, classes": (SoftmaxWithLoss, np.array([0, 1, 2, 2, 1])),
    "softmax, soft": (SoftmaxWithLoss, np.random.default_rng(0).random((5, 3))),
    "sigmoid": (SigmoidWithLoss, np.random.default_rng(0).random((5, 3))),
    "identity": (IdentityWithLoss, normal(5, 3, seed=1)),
}


@pytest.mark.parametrize("factor", [1.001, 0.999, -1, 0, 5])
@pytest.mark.parametrize(("base", "t"), LOSSES.values(), ids=LOSSES.keys())
def test_a_wrong_factor_or_a_missing_1_over_n_in_a_loss_is_caught(base, t, factor):
    assert not check_gradients(scaled(base, factor), normal(5, 3), t)
    assert check_gradients(base(), normal(5, 3), t)


def test_a_softmax_with_loss_that_takes_every_row_to_sum_to_1_is_caught():
    class PlainDifference(SoftmaxWithLoss):
        def _backward(self, y, t):
            return y - t

    x, soft = normal(5, 3), np.random.default_rng(0).random((5, 3))
    assert check_gradients(PlainDifference(), x, soft / soft.sum(axis=1, keepdims=True))
    assert not check_gradients(PlainDifference(), x, soft)


def test_an_error_is_caught_inside_a_block():
    report = check_gradients(
        Block(affine(), Tanh(), affine(db=lambda db, *_: 2 * db)), normal(5, 4)
    )
    assert [report.passed(check) for check in report.checks] == [True, True, True, True, False]
    assert check_gradients(Block(affine(), Tanh(), affine()), normal(5, 4))


class TestReport:
    def test_names_the_worst_element(self):
        def damage(dW, *_):
            dW = dW.copy()
            dW[2, 1] *= 1.5
            return dW

        report = check_gradients(affine(dW=damage), normal(5, 4))
        x, W, b = report.checks
        assert (x.name, W.name, b.name) == ("x", "W", "b") and W.where == (2, 1)
        assert W.analytic == pytest.approx(1.5 * W.numeric)
        assert W.error == pytest.approx(1 / 3, rel=1e-6)
        assert not report.passed(W) and report.passed(x) and report.passed(b)

    def test_reads_as_a_table(self):
        report = check_gradients(affine(dW=lambda dW, *_: 2 * dW), normal(5, 4))
        header, x, W, b = str(report).splitlines()
        titles = ["shape", "checked", "kinks", "error", "where", "analytic", "numeric"]
        assert header.split() == titles
        assert x.split()[0] == "x" and x.endswith("ok") and b.endswith("ok")
        assert W.split()[0] == "W" and W.endswith("WRONG") and "(4, 4)" in W and "5.0e-01" in W
        assert header.index("where") == W.index(str(report.checks[1].where))

    def test_is_true_or_false(self):
        assert bool(check_gradients(affine(), normal(5, 4))) is True
        assert bool(check_gradients(affine(dx=lambda dx, *_: 2 * dx), normal(5, 4))) is False

    def test_tolerance_decides(self):
        layer, x = affine(dW=lambda dW, *_: 1.001 * dW), normal(5, 4)
        assert check_gradients(layer, x, tolerance=2e-3)
        assert not check_gradients(layer, x, tolerance=9e-4)

    @pytest.mark.parametrize(
        ("sample", "checked"), [(None, [20, 16, 4]), (5, [5, 5, 4]), (99, [20, 16, 4])]
    )
    def test_sample_compares_that_many_elements_of_each_larger_array(self, sample, checked):
        report = check_gradients(affine(), normal(5, 4), sample=sample)
        assert report and [check.checked for check in report.checks] == checked

    def test_a_sample_is_drawn_by_rng(self):
        damaged = affine(dW=lambda dW, *_: dW * (np.arange(16).reshape(4, 4) != 5))
        found = {bool(check_gradients(damaged, normal(5, 4), sample=4, rng=i)) for i in range(30)}
        assert found == {True, False}

    @pytest.mark.parametrize("sample", [0, -1, 1.5, "all"])
    def test_sample_that_is_no_count(self, sample):
        with pytest.raises((ValueError, TypeError), match="sample must be"):
            check_gradients(affine(), normal(5, 4), sample=sample)

    def test_verbose_says_the_cost_on_stderr_before(self, capsys):
        said = []

        class Listening(Identity):
            def backward(self, dout):
                said.append(capsys.readouterr().err)
                return super().backward(dout)

        check_gradients(Listening(), normal(5, 4), verbose=True)
        out, err = capsys.readouterr()
        assert set(said) == {""} and not out
        assert err.startswith(
            "check_gradients: at least 40 forward passes, about "
        ) and err.endswith(" s\n")

    def test_a_short_check_says_nothing(self, capsys):
        check_gradients(affine(), normal(5, 4))
        check_gradients(affine(), normal(5, 4), verbose=False)
        assert capsys.readouterr() == ("", "")

    def test_a_long_check_says_so_beforehand(self, capsys, monkeypatch):
        monkeypatch.setattr("dlbasics.gradient_check.ANNOUNCED", 0)
        check_gradients(affine(), normal(5, 4))
        assert "forward passes" in capsys.readouterr().err
        check_gradients(affine(), normal(5, 4), verbose=False)
        assert not capsys.readouterr().err


class TestKinks:
    def test_they_are_counted_and_shown(self):
        x = normal(5, 4)
        x[1, 2] = x[3, 0] = 0
        report = check_gradients(Relu(), x)
        (check,) = report.checks
        assert report and (check.checked, check.kinks) == (20, 2)
        assert str(report).splitlines()[1].split()[1:5] == ["(5,", "4)", "20", "2"]

    def test_an_error_elsewhere_is_still_caught(self):
        x = normal(5, 4)
        x[1, 2] = 0
        assert not check_gradients(scaled(Relu, 1.001), x)

    def test_at_a_kink_the_derivative_lies_between_the_one_sided_ones(self):
        report = check_gradients(Relu(), np.zeros((5, 4)))
        assert report and report.checks[0].kinks == 20

        class Beyond(Relu):
            def backward(self, dout):
                return super().backward(dout) - dout

        assert not check_gradients(Beyond(), np.zeros((5, 4)))

    @pytest.mark.parametrize("seed", [18, 34, 57])
    def test_a_dead_relu_layer_does_not_make_a_right_network_wrong(self, seed):
        x = np.random.default_rng(seed).standard_normal((6, 8))
        network = MultiLayerNet(8, [6, 6], 3, rng=seed)
        assert check_gradients(network, x, np.array([0, 1, 2] * 2))

    def test_rounding_is_not_taken_for_a_kink(self):
        class Zero(Affine):
            def backward(self, dout):
                return 0 * super().backward(dout)

        x = 1000 * np.random.default_rng(0).standard_normal((1000, 5))
        report = check_gradients(Zero.create(5, 4, rng=0), x, sample=50)
        assert not report and report.checks[0].kinks == 0

    def test_a_smooth_layer_has_none(self):
        for layer in (affine(), affine(dW=lambda dW, *_: -dW), Sigmoid(), SoftmaxOfZeros()):
            report = check_gradients(layer, normal(5, 4))
            assert not any(check.kinks for check in report.checks)

    @pytest.mark.parametrize("x", [5e-6, -5e-6, 2e-5, 5e-5, -5e-5])
    def test_near_a_kink_a_smaller_step_is_taken(self, x):
        report = check_gradients(Relu(), np.array([[x, 1], [2, 3]]))
        assert report and report.checks[0].kinks == 0

    @pytest.mark.parametrize("x", [0, 1e-9, -1e-8, 1e-7, 3e-7, -5e-7, 7e-7, -9e-7, 1.1e-6])
    def test_however_near_the_kink_a_right_layer_passes(self, x):
        report = check_gradients(Relu(), np.array([[x, 1], [2, 3]]))
        assert report, f"\n{report}"


def test_x_t_and_the_layer_are_untouched():
    layer = BatchNorm(normal(4).astype(np.float32), normal(4).astype(np.float32))
    x = normal(5, 4).astype(np.float32)
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


def test_a_loss_layer_that_ignores_dout_is_caught():
    class IgnoresDout(SoftmaxWithLoss):
        def backward(self, dout=1):
            return super().backward(1)

    assert check_gradients(SoftmaxWithLoss(), normal(4, 3), [0, 1, 2, 0])
    assert not check_gradients(IgnoresDout(), normal(4, 3), [0, 1, 2, 0])
