import numpy as np
import pytest

from ch03_forward import linear_layers


def test_outputs_of_one_to_three_layers_are_drawn(monkeypatch):
    made, affine_layers = [], linear_layers.affine_layers

    def recorded(sizes, rng):
        made.append(affine_layers(sizes, rng))
        return made[-1]

    monkeypatch.setattr(linear_layers, "affine_layers", recorded)
    result = linear_layers.experiment.run()
    between = {
        "activation: linear": lambda a: a,
        "activation: sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "activation: ReLU": lambda a: np.maximum(a, 0),
    }
    panels = linear_layers.plot(result)["one_input"].axes
    for axes in panels:
        for line, (first, *others) in zip(axes.lines, made[1:], strict=True):
            x, y = line.get_data()
            a = np.outer(x, first.W) + first.b
            for layer in others:
                a = between[axes.get_title()](a) @ layer.W + layer.b
            np.testing.assert_allclose(y, a[:, 0], rtol=1e-9, atol=1e-9)


def test_the_one_layer_has_the_product_of_the_weights():
    layers = linear_layers.affine_layers([2, 3, 4, 5], np.random.default_rng(0))
    one = linear_layers.collapsed(layers)
    assert one.W.shape == (2, 5)
    at_zero = np.zeros((1, 2))
    for layer in layers:
        at_zero = layer.forward(at_zero)
    np.testing.assert_allclose(one.b, at_zero[0], rtol=1e-12)


def test_distance_from_a_line_is_a_share_of_the_range():
    x = np.linspace(-1, 1, 101)
    assert linear_layers.distance_from_line(x, 3 * x - 5) < 1e-14
    # |x| from 0 to 1: the best line is flat at about 1/2.
    assert linear_layers.distance_from_line(x, 7 * np.abs(x)) == pytest.approx(0.5, abs=0.01)
