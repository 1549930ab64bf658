"""The floor of the gradient check follows from rounding, and hides no error."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Identity,
    Pooling,
    Relu,
    Residual,
)
from dlbasics.network import Network
from tests.helpers import damaged, normal

X = normal(5, 4)


def batch_norm_of(size):
    return BatchNorm.create(size, dtype=np.float64)


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


class TestTies:
    """At a tie, last digits decide which gradient there is."""

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
