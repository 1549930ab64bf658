"""Dropout: its mask, its two modes, its random numbers."""

import numpy as np
import pytest

from dlbasics.layers import Dropout


def test_training_multiplies_by_the_mask():
    layer, x = Dropout(0.3, rng=0), np.arange(1.0, 25).reshape(4, 6)
    np.testing.assert_array_equal(layer.forward(x), x * layer.mask)
    np.testing.assert_array_equal(layer.backward(2 * x), 2 * x * layer.mask)
    assert layer.mask.dtype == bool and layer.mask.shape == x.shape
    assert 0 < layer.mask.sum() < layer.mask.size


def test_test_mode_multiplies_by_the_share_that_is_kept():
    layer, x = Dropout(0.3), np.arange(1.0, 25).reshape(4, 6)
    np.testing.assert_allclose(layer.forward(x, train_flg=False), 0.7 * x)
    np.testing.assert_allclose(layer.backward(2 * x), 1.4 * x)


def test_inverted_dropout_scales_in_training_and_leaves_the_test_alone():
    x = np.arange(1.0, 25).reshape(4, 6)
    layer, usual = Dropout(0.2, inverted=True, rng=0), Dropout(0.2, rng=0)
    np.testing.assert_allclose(layer.forward(x), usual.forward(x) / 0.8)
    np.testing.assert_allclose(layer.backward(2 * x), usual.backward(2 * x) / 0.8)
    np.testing.assert_array_equal(layer.mask, usual.mask)
    np.testing.assert_array_equal(layer.forward(x, train_flg=False), x)
    np.testing.assert_array_equal(layer.backward(2 * x), 2 * x)


def test_backward_belongs_to_the_last_forward_of_either_mode():
    layer, x = Dropout(0.5, rng=0), np.ones((8, 8))
    layer.forward(x)
    layer.forward(x, train_flg=False)
    assert np.all(layer.backward(x) == 0.5)


@pytest.mark.parametrize("ratio", [0.15, 0.5, 0.8])
def test_the_ratio_is_the_share_switched_off(ratio):
    layer = Dropout(ratio, rng=0)
    layer.forward(np.ones((400, 500)))
    assert layer.dropout_ratio == ratio and Dropout().dropout_ratio == 0.5
    assert 1 - layer.mask.mean() == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(("ratio", "kept"), [(0, 1), (0.0, 1), (1, 0), (1.0, 0)])
def test_nothing_or_everything_switched_off(ratio, kept, inverted):
    layer, x = Dropout(ratio, inverted=inverted, rng=0), np.ones((50, 50))
    assert np.all(layer.forward(x) == kept)
    assert np.all(layer.forward(x, train_flg=False) == kept)


def test_the_same_seed_draws_the_same_masks_also_in_another_dtype():
    first, second = Dropout(rng=3), Dropout(rng=np.random.default_rng(3))
    for dtype in (np.float64, np.float32, np.float16):
        first.forward(np.ones((20, 20)))
        second.forward(np.ones((20, 20), dtype))
        np.testing.assert_array_equal(first.mask, second.mask)


@pytest.mark.parametrize("rng", [np.random.default_rng(0), None], ids=["one generator", "no seed"])
def test_two_layers_and_two_passes_draw_different_masks(rng):
    x, layer = np.ones((20, 20)), Dropout(rng=rng)
    y = layer.forward(x)
    assert (y != layer.forward(x)).any() and (y != Dropout(rng=rng).forward(x)).any()


def test_test_mode_draws_nothing():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    Dropout(rng=rng).forward(np.ones((20, 20)), train_flg=False)
    assert rng.bit_generator.state == before


def test_a_frozen_layer_keeps_its_mask_or_draws_its_first():
    layer, unused, x = Dropout(rng=0), Dropout(rng=0), np.ones((20, 20))
    y = layer.forward(x)
    for each in (layer, unused):
        each.freeze()
        np.testing.assert_array_equal(each.forward(x), y)
        np.testing.assert_array_equal(each.forward(x), y)
    layer.frozen = False
    assert (layer.forward(x) != y).any()


@pytest.mark.parametrize("shape", [(5, 6), (4, 7), (4,), (2, 6), (8, 6), (4, 6, 1), ()])
def test_a_frozen_mask_that_does_not_fit(shape):
    layer = Dropout(rng=0)
    layer.forward(np.ones((4, 6)))
    layer.freeze()
    with pytest.raises(ValueError, match=r"x must have the shape of the frozen mask, \(4, 6\)"):
        layer.forward(np.ones(shape))


@pytest.mark.parametrize("ratio", [-0.1, 1.1, np.nan, np.inf, "half", None, [0.5]])
def test_ratio_out_of_range(ratio):
    with pytest.raises((ValueError, TypeError), match="dropout_ratio must be"):
        Dropout(ratio)


@pytest.mark.parametrize("inverted", ["False", 0, 1, None, [True]])
def test_inverted_must_be_true_or_false(inverted):
    with pytest.raises(TypeError, match="inverted must be True or False, got"):
        Dropout(0.5, inverted=inverted)
    assert Dropout(0.5, inverted=np.bool_(True)).inverted is True


@pytest.mark.parametrize("rng", [-1, 0.5, "seed", np.random])
def test_rng_of_another_kind(rng):
    with pytest.raises(TypeError, match="rng must be"):
        Dropout(rng=rng)
