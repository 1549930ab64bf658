"""docs/layers: the pages of affine, activations, losses, dropout and batch_norm."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dlbasics import (
    Elu,
    Identity,
    IdentityWithLoss,
    LeakyRelu,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)
from tests.docs.pages import HEADINGS, LAYERS, blocks, drawing_program, functions
from tests.helpers import ROOT

draw_dense = drawing_program("draw_dense")
PAGES = ["activations", "affine", "batch_norm", "dropout", "losses"]


def text_of(page):
    return (LAYERS / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_have_the_same_headings(page):
    text = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("page", PAGES)
def test_the_code_on_a_page_is_that_of_the_layer(page):
    program = (ROOT / "dlbasics" / "layers" / f"{page}.py").read_text(encoding="utf-8")
    ours = functions(program)
    shown = {}
    for block in blocks(LAYERS / f"{page}.md"):
        if block.kind == "python" and not block.runs:
            shown |= functions(block.text)
    assert shown
    for name, code in shown.items():
        same = {code for ours_name, code in ours.items() if f".{ours_name}".endswith(f".{name}")}
        assert code in same, name


def test_every_picture_is_shown_and_every_picture_that_is_shown_is_drawn():
    shown = {
        name for page in PAGES for name in re.findall(r"\]\(figures/(\w+)\.png\)", text_of(page))
    }
    assert shown == draw_dense.PICTURES.keys()


def test_every_picture_is_there_and_small():
    for name in draw_dense.PICTURES:
        path = LAYERS / "figures" / f"{name}.png"
        assert path.stat().st_size <= 60_000


@pytest.mark.long
def test_the_command_draws_every_picture(tmp_path):
    pytest.importorskip("PIL")
    draw_dense.draw_all(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == draw_dense.PICTURES.keys()


def test_each_curve_keeps_its_color():
    """With few colors, curves of different colors would become alike."""
    image = pytest.importorskip("PIL.Image")
    with image.open(LAYERS / "figures" / "activations.png") as picture:
        found = np.unique(np.array(picture.convert("RGB")).reshape(-1, 3), axis=0).astype(int)
    for color in (f"C{i}" for i in range(6)):
        wanted = np.round(255 * np.array(to_rgb(color)))
        assert np.abs(found - wanted).max(axis=1).min() < 30, color


LAYER_OF = {
    "relu": Relu(),
    "leaky_relu": LeakyRelu(slope=0.1),
    "elu": Elu(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "identity": Identity(),
}


@pytest.mark.parametrize("name", LAYER_OF)
def test_the_graph_of_an_activation_is_the_layer(name):
    graph, layer = draw_dense.GRAPHS[name], LAYER_OF[name]
    flow = graph.run()
    y = layer.forward(np.asarray(flow.values["x"], float))
    np.testing.assert_allclose(y, flow.values["y"], atol=1e-15)
    dx = layer.backward(np.asarray(flow.derivatives["y"], float))
    np.testing.assert_allclose(dx, flow.derivatives["x"], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "layer", "score", "label"),
    [
        ("softmax_with_loss", SoftmaxWithLoss(), "x", "t"),
        ("sigmoid_with_loss", SigmoidWithLoss(), "x", "t"),
        ("identity_with_loss", IdentityWithLoss(), "y", "t"),
    ],
)
def test_the_graph_of_a_loss_is_the_layer(name, layer, score, label):
    flow = draw_dense.GRAPHS[name].run()
    x = np.atleast_1d(flow.values[score])
    t = np.atleast_1d(flow.values[label])
    if name == "identity_with_loss":  # a batch of two
        x, t = x[:, np.newaxis], t[:, np.newaxis]
    assert layer.forward(x, t) == pytest.approx(flow.values["L"])
    np.testing.assert_allclose(layer.backward().ravel(), np.ravel(flow.derivatives[score]))


def test_the_bars_of_batch_normalization_add_up_to_dx():
    bars = [
        [bar.get_height() for bar in axes.patches]
        for axes in draw_dense.draw_batch_norm_parts().axes
    ]
    dout, shift, stretch, rest = np.array(bars)
    np.testing.assert_allclose(dout - shift - stretch, rest)
    np.testing.assert_allclose(
        rest * 1.5 / 3, draw_dense.GRAPHS["batch_norm"].run().derivatives["x"]
    )
    np.testing.assert_allclose([shift @ rest, stretch @ rest], 0, atol=1e-5)


def test_the_curves_are_those_of_the_layers():
    left, right = draw_dense.draw_activations().axes
    slopes = [max(line.get_ydata()) for line in right.lines]
    assert slopes == pytest.approx([1, 1, 1, 0.25, 1, 1])
    assert [text.get_text() for text in left.get_legend().get_texts()][3] == "Sigmoid()"
