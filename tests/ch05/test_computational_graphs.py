import numpy as np
import pytest

from ch05_backprop.computational_graphs import (
    AFFINE_BATCH,
    BATCH_NORM,
    FIGURES,
    SIGMOID,
    Config,
    experiment,
)
from ch05_backprop.graph_drawing import BACKWARD
from dlbasics.layers import Affine, BatchNorm, Sigmoid, SoftmaxWithLoss


def test_sigmoid_step_by_step_is_the_layer():
    layer, flow = Sigmoid(), SIGMOID.run()
    assert layer.forward(np.array([np.log(4)])) == pytest.approx(flow.values["y"])
    assert layer.backward(np.array([2.0])) == pytest.approx(flow.derivatives["x"])


def test_affine_of_a_batch_is_the_layer():
    X, W, B = (edge.value.astype(float) for edge in AFFINE_BATCH.inputs)
    layer, flow = Affine(W, B), AFFINE_BATCH.run()
    np.testing.assert_allclose(layer.forward(X), flow.values["Y"])
    np.testing.assert_allclose(
        layer.backward(AFFINE_BATCH.upstream["Y"].astype(float)), flow.derivatives["X"]
    )
    np.testing.assert_allclose(layer.dW, flow.derivatives["W"])
    np.testing.assert_allclose(layer.db, flow.derivatives["B"])


def test_batch_normalization_is_the_layer():
    x = BATCH_NORM.inputs[0].value[:, None]
    layer, flow = BatchNorm(np.array([1.5]), np.array([0.6])), BATCH_NORM.run()
    np.testing.assert_allclose(layer.forward(x)[:, 0], flow.values["y"], rtol=1e-12)
    dx = layer.backward(BATCH_NORM.upstream["y"][:, None])
    np.testing.assert_allclose(dx[:, 0], flow.derivatives["x"], rtol=1e-9)
    np.testing.assert_allclose(layer.dgamma, flow.derivatives["γ"])
    np.testing.assert_allclose(layer.dbeta, flow.derivatives["β"])


@pytest.mark.parametrize("name", ["figure_5_33", "figure_A_11"])
def test_softmax_with_loss_is_the_layer(name):
    layer, flow = SoftmaxWithLoss(), FIGURES[name].graph.run()
    loss = layer.forward(np.log([[3.0, 2.0, 5.0]]), np.array([1]))
    assert loss == pytest.approx(flow.values["L"])
    found = [[flow.derivatives[f"a{k}"] for k in (1, 2, 3)]]
    np.testing.assert_allclose(layer.backward(), found, atol=1e-12)


def test_unknown_figures_are_refused():
    with pytest.raises(ValueError, match=r"only must name figures.*'figure_5'"):
        Config(only=("figure_5",))


def drawn(name):
    """Return the black and the red labels, sorted."""
    (axes,) = experiment.plot(experiment.run(only=(name,)))[name].axes
    labels = [text for text in axes.texts if text.get_text() and text.get_fontsize() == 9]
    red = [text.get_text() for text in labels if text.get_color() == BACKWARD]
    black = [text.get_text() for text in labels if text.get_color() == "black"]
    routes = [line.get_xydata() for line in axes.lines if line.get_color() == BACKWARD]
    heads = [text.xy for text in axes.texts if not text.get_text() and text.arrow_patch is not None]
    assert all(any(np.allclose(route[-1], head) for head in heads) for route in routes)
    assert all(route[-1][0] < route[0][0] for route in routes), "derivatives flow to the left"
    return sorted(black), sorted(red)


def test_figure_5_5_shows_one_way_back():
    assert drawn("figure_5_5") == (["1.1", "100", "2", "200", "220"], ["1", "1.1", "2.2"])


def test_figure_5_15_is_an_exercise():
    black, red = drawn("figure_5_15")
    assert [text for text in black if "(" not in text] == ["1.1", "100", "150", "2", "3"]
    assert len(black) == len(red) == 9
    assert {text.replace(" ", "") for text in red} == {"()"}


def test_figures_5_19_to_5_23_go_one_step_further_each():
    reds = [drawn(f"figure_5_{number}")[1] for number in range(19, 24)]
    assert [len(red) for red in reds] == [0, 2, 3, 4, 5]
    assert reds[1] == ["∂L/∂y\n2", "−∂L/∂y · y²\n−1.28"]
    assert set(reds[4]) - set(reds[3]) == {"∂L/∂y · y² · exp(−x)\n0.32"}


def test_figure_5_30_shows_matrices_row_by_row():
    black, red = drawn("figure_5_30")
    assert "X · W\n(5, 11, 17)\n(11, 25, 39)" in black
    assert "Xᵀ · ∂L/∂Y\n(1, 6, 2)\n(2, 8, 2)" in red
    assert "∂L/∂Y · Wᵀ\n(−4, −4)\n(11, 14)" in red


@pytest.mark.long
def test_figures_a_5_to_a_10_go_back_through_softmax_step_by_step():
    reds = [drawn(f"figure_A_{number}")[1] for number in range(5, 11)]
    new = [set(after) - set(before) for before, after in zip([[], *reds], reds, strict=False)]
    assert new == [
        {"−t₁ / y₁\n0", "−t₂ / y₂\n−5", "−t₃ / y₃\n0"},
        {"−t₁ · S\n0", "−t₂ · S\n−10", "−t₃ · S\n0"},
        {"−S · (t₁ + t₂ + t₃)\n−10", "(t₁ + t₂ + t₃) / S\n0.1"},
        {"1 / S\n0.1"},
        {"−t₁ / exp(a₁)\n0", "−t₂ / exp(a₂)\n−0.5", "−t₃ / exp(a₃)\n0"},
        {"1 / S − t₁ / exp(a₁)\n0.1", "1 / S − t₂ / exp(a₂)\n−0.4", "1 / S − t₃ / exp(a₃)\n0.1"}
        | {"y₁ − t₁\n0.3", "y₂ − t₂\n−0.8", "y₃ − t₃\n0.5"},
    ]
