"""The scripts of chapter 7: their claims, and what they compute."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ch07_cnn import (
    apply_filter,
    gradient_check,
    im2col_drawn,
    pooling_shift,
    train_convnet,
    visualize_filter,
)
from dlbasics.experiment import judge, load_data
from dlbasics.experiment.results import save_result
from dlbasics.layers import Convolution
from dlbasics.networks import SimpleConvNet
from dlbasics.storage import load_arrays

DIGITS = load_data("digits", quick=True)
QUICK = train_convnet.Config(epochs=2, train_size=200)
RUNS = {
    apply_filter: apply_filter.run,
    gradient_check: lambda: gradient_check.run(gradient_check.Config(), np.random.default_rng(0)),
    im2col_drawn: im2col_drawn.run,
    pooling_shift: lambda: pooling_shift.run(
        pooling_shift.Config(epochs=1, train_size=200, test_size=200), 0, DIGITS
    ),
    train_convnet: lambda: train_convnet.run(QUICK, 0, DIGITS),
    visualize_filter: lambda: visualize_filter.run(
        visualize_filter.Config(), np.random.default_rng(0)
    ),
}


@cache
def result_of(script):
    return RUNS[script]()


def short(script):
    return script.__name__.rpartition(".")[2]


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict.text for verdict in verdicts if not verdict.holds]


# Claims


@pytest.mark.parametrize(
    "script", [apply_filter, gradient_check, im2col_drawn, visualize_filter], ids=short
)
def test_every_claim_holds(script):
    assert failed(script, result_of(script)) == []


@pytest.mark.slow
@pytest.mark.parametrize("script", [train_convnet, pooling_shift], ids=short)
def test_every_claim_of_the_trainings_holds_on_mnist(script, mnist):
    result = script.run(script.Config(), np.random.default_rng(0), mnist)
    print(judge(script.CLAIMS, result))
    assert failed(script, result) == []


def test_convnet_learns_mnist_in_150_iterations(mnist):
    config = train_convnet.Config(epochs=1, train_size=15_000)
    result = train_convnet.run(config, 0, first_images(mnist, 2_000))
    assert len(result.train_loss) == 150
    assert result.final_test_acc > 0.85
    assert 0.85 < result.final_train_acc < 1
    assert np.mean(result.train_loss[-20:]) < 0.6 < 2.2 < result.train_loss[0] < 2.4


def test_convolutional_networks_lose_less_by_shifts_on_mnist(mnist):
    config = pooling_shift.Config(epochs=1, train_size=10_000, learning_rate=0.003, test_size=1_000)
    result = pooling_shift.run(config, 0, first_images(mnist, 1_000))
    assert min(curve[0] for curve in result.accuracy.values()) > 0.85
    for pixels in (2, 3):
        affine, *convolutional = pooling_shift.lost(result, pixels)
        assert 0.05 < max(convolutional) < affine - 0.02
    assert result.change[1] < 0.9 * result.change[0]


def first_images(data, count):
    return replace(data, x_test=data.x_test[:count], t_test=data.t_test[:count])


@pytest.mark.parametrize(
    ("script", "claim"),
    [
        pytest.param(script, claim, id=f"{short(script)}: {claim.text}")
        for script in RUNS
        for claim in script.CLAIMS
    ],
)
def test_no_claim_of_chapter_7_holds_whatever_comes(script, claim):
    value = np.array(claim.value(result_of(script)), dtype=float)
    assert not claim.holds((value * np.nan).tolist())
    away = 1_000 * np.arange(1, value.size + 1).reshape(value.shape) * (1 + np.abs(value))
    assert not all(claim.holds((value + sign * away).tolist()) for sign in (1, -1))


def test_claims_on_accuracy_ask_for_what_a_good_run_has():
    train, test = train_convnet.CLAIMS
    assert (train.holds(0.9982), train.holds(0.99)) == (True, False)
    assert (test.holds(0.9896), test.holds(0.98)) == (True, False)
    _, *lost, change = pooling_shift.CLAIMS
    for claim in lost:
        assert claim.holds([0.3, 0.2, 0.2])
        assert not claim.holds([0.2, 0.2, 0.2])
        assert not claim.holds([0.2, 0.1, 0.3])
        assert not claim.holds([0.2, 0.3, 0.1])
        assert not claim.holds([0.3, 0.2, -0.1])
    assert (change.holds([0.5, 0.4]), change.holds([0.4, 0.5])) == (True, False)
    vertical, horizontal = apply_filter.CLAIMS
    assert (vertical.holds([5, 1]), vertical.holds([1, 5])) == (True, False)
    assert (horizontal.holds([5, 1]), horizontal.holds([1, 5])) == (False, True)


# im2col, drawn


def test_every_window_of_the_image_is_a_row():
    result = result_of(im2col_drawn)
    image = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])
    for row, (top, left) in zip(result.col, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        window = image[top : top + 3, left : left + 3]
        np.testing.assert_array_equal(row, window.ravel())
    np.testing.assert_array_equal(result.out, result.col @ result.col_W)
    np.testing.assert_array_equal(result.y[0, 0], [[15, 16], [6, 15]])
    # Left less right column of each window.
    np.testing.assert_array_equal(result.y[0, 1], [[-2, -2], [2, -2]])


def test_the_drawing_shows_all_numbers_and_frames_in_their_colors():
    result = replace_arrays(result_of(im2col_drawn))
    (axes,) = im2col_drawn.plot(result)["expansion"].axes
    numbers = [float(text.get_text()) for text in axes.texts if is_number(text.get_text())]
    wanted = [*np.tile(result.x.ravel(), 4), *result.col.ravel(), *result.col_W.ravel()]
    wanted += [*result.out.ravel(), *result.y.ravel()]
    assert numbers == pytest.approx(wanted)
    for i, color in enumerate(im2col_drawn.COLORS):
        frames = [line.get_xydata() for line in axes.lines if line.get_color() == color]
        sizes = [np.rint(np.ptp(xy, axis=0)).tolist() for xy in frames]
        assert sizes == [[3, 3], [9, 1], [2, 1], [1, 1], [1, 1]]
        inside = [seen(axes, xy) for xy in frames]
        row = result.col[i].tolist()
        assert inside[:2] == [row, row]
        assert inside[2] == result.out[i].tolist()
        assert inside[3:] == [[value] for value in result.out[i]]


def replace_arrays(result):
    """The result with numbers that are all different, so that none can stand for another."""
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    col = np.array([x[0, 0, i : i + 3, j : j + 3].ravel() for i in (0, 1) for j in (0, 1)])
    out = 100.0 + np.arange(8).reshape(4, 2)
    return replace(
        result,
        x=x,
        col=col,
        col_W=50.0 + np.arange(18).reshape(9, 2),
        out=out,
        y=out.T.reshape(1, 2, 2, 2),
    )


def is_number(text):
    return text.lstrip("-").replace(".", "").isdigit()


def seen(axes, frame):
    """The numbers within a frame, row by row."""
    (left, top), (right, bottom) = frame.min(axis=0), frame.max(axis=0)
    found = [
        (*text.get_position()[::-1], float(text.get_text()))
        for text in axes.texts
        if is_number(text.get_text())
        and left < text.get_position()[0] < right
        and top < text.get_position()[1] < bottom
    ]
    return [value for _, _, value in sorted(found)]


# The gradient check


def test_gradient_check_sees_a_wrong_gradient(monkeypatch):
    right = Convolution.backward_params

    def wrong(self, dout):
        right(self, dout)
        self.dW = self.dW * 1.001

    monkeypatch.setattr(Convolution, "backward_params", wrong)
    assert "mean error of W1" in failed(gradient_check, RUNS[gradient_check]())


def test_gradient_check_has_every_parameter_and_gradients_that_are_not_0():
    result = result_of(gradient_check)
    assert [*result.mean_error] == [*result.mean_gradient] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert min(result.mean_gradient.values()) > 1e-3
    zero = replace(result, mean_gradient=dict.fromkeys(result.mean_gradient, 0.0))
    assert failed(gradient_check, zero) == ["smallest mean gradient of a parameter"]


# Training


def test_training_is_the_published_one(monkeypatch):
    made = []

    class Watched(train_convnet.Trainer):
        def __init__(self, *args, **given):
            super().__init__(*args, **given)
            made.append((self, {key: p.copy() for key, p in self.network.params.items()}))

    monkeypatch.setattr(train_convnet, "Trainer", Watched)
    config = train_convnet.Config(epochs=1, train_size=150, learning_rate=0.002)
    result = train_convnet.run(config, 0, DIGITS)
    ((trainer, first),) = made
    assert (trainer.batch_size, trainer.epochs, trainer.max_iter) == (100, 1, 2)
    assert type(trainer.optimizer).__name__ == "Adam"
    assert trainer.optimizer.lr == 0.002
    assert trainer.evaluate_sample_num_per_epoch == 1_000
    assert trainer.x_train.shape == (150, 1, 28, 28)
    assert np.array_equal(trainer.x_train.reshape(150, 784), DIGITS.x_train[:150])
    assert np.array_equal(trainer.x_test.reshape(-1, 784), DIGITS.x_test)
    assert isinstance(trainer.network, SimpleConvNet)
    assert first["W1"].shape == (30, 1, 5, 5)
    assert first["W1"].std() == pytest.approx(0.01, rel=0.1)
    for key, param in trainer.network.params.items():
        assert result.params[key] is param
        assert np.any(param != first[key])
    assert train_convnet.Config() == train_convnet.Config(20, 100, 0.001, 60_000)
    x, t = trainer.x_train, trainer.t_train
    assert result.final_train_acc == trainer.network.accuracy(x, t)
    assert result.final_test_acc == trainer.network.accuracy(trainer.x_test, DIGITS.t_test)


def test_same_seed_same_training():
    first, again, other = (train_convnet.run(QUICK, seed, DIGITS) for seed in (3, 3, 4))
    assert first.train_loss == again.train_loss != other.train_loss
    assert len(first.train_loss) == 4
    assert len(first.train_acc) == len(first.test_acc) == 2


def test_weights_are_written_in_half_precision_and_read_again(tmp_path, monkeypatch, capsys):
    file = tmp_path / "weights.npz"
    config = replace(QUICK, weights=str(file))
    assert config == QUICK
    result = train_convnet.run(config, 0, DIGITS)
    assert str(file) in capsys.readouterr().out
    stored = load_arrays(file)
    assert {stored[key].dtype for key in result.params} == {np.dtype(np.float16)}
    network = train_convnet.trained_network(file)
    for key, param in network.params.items():
        assert param.dtype == np.float32
        np.testing.assert_allclose(param, result.params[key], rtol=1e-3, atol=1e-6)
    for wrong in (tmp_path, tmp_path / "nowhere" / "weights.npz"):
        with pytest.raises(ValueError, match="weights must be a file in a folder that exists"):
            train_convnet.Config(weights=str(wrong))
    monkeypatch.chdir(tmp_path / "..")
    filters = visualize_filter.run(visualize_filter.Config(str(file)), 0).after
    assert np.array_equal(filters, network.params["W1"])
    with pytest.raises(ValueError, match="weights must be a file of"):
        visualize_filter.Config(str(tmp_path / "nothing.npz"))


def test_without_weights_none_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_convnet.run(QUICK, 0, DIGITS)
    assert [*tmp_path.iterdir()] == []


def test_the_committed_weights_read_mnist(mnist):
    network = train_convnet.trained_network()
    *_, x_test, t_test = train_convnet.as_images(mnist, 1)
    assert network.accuracy(x_test, t_test) >= 0.985
    assert train_convnet.WEIGHTS.stat().st_size < 900_000


def test_the_curves_are_those_of_the_result():
    result = replace(
        result_of(train_convnet), train_acc=[0.5, 0.75], test_acc=[0.25, 0.5], train_loss=[1.0] * 30
    )
    figures = train_convnet.plot(result)
    (axes,) = figures["accuracy"].axes
    shown = {line.get_label(): line.get_xydata().T.tolist() for line in axes.lines}
    assert shown == {"training": [[1, 2], [0.5, 0.75]], "test": [[1, 2], [0.25, 0.5]]}
    (line,) = figures["loss"].axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), np.ones(30))


# Filters


def test_filters_before_training_are_those_that_training_starts_from(monkeypatch):
    started = []

    def note(network, *_):
        started.append(network.params["W1"].copy())
        raise KeyboardInterrupt

    monkeypatch.setattr(train_convnet, "train", note)
    with pytest.raises(KeyboardInterrupt):
        train_convnet.run(QUICK, np.random.default_rng(0), DIGITS)
    assert np.array_equal(result_of(visualize_filter).before, started[0])


def test_likeness_is_that_of_neighbours():
    ramp = np.add.outer(np.arange(5.0), np.arange(5.0)).reshape(1, 1, 5, 5)
    chess = (-1.0) ** ramp
    noise = np.random.default_rng(0).standard_normal((2_000, 1, 5, 5))
    assert visualize_filter.likeness(ramp) > 0.8
    assert visualize_filter.likeness(chess) < -0.9
    # Less its own mean, a pixel is by -1 / 24 like any other.
    assert visualize_filter.likeness(noise) == pytest.approx(-1 / 24, abs=0.01)
    # What differs between filters, but not within one, is no pattern.
    offsets = 100 * np.arange(2_000).reshape(-1, 1, 1, 1)
    assert visualize_filter.likeness(noise + offsets) == pytest.approx(-1 / 24, abs=0.01)
    rows = np.broadcast_to((-1.0) ** np.arange(5).reshape(5, 1), (1, 1, 5, 5))
    for stripes in (rows, rows.swapaxes(2, 3)):
        assert abs(visualize_filter.likeness(stripes)) < 0.1


def test_figure_7_24_shows_every_filter_in_one_range():
    result = result_of(visualize_filter)
    figures = visualize_filter.plot(result)
    for name, W in (("before", result.before), ("after", result.after)):
        panels = figures[f"figure_7_24_{name}"].axes
        assert len(panels) == 30
        for axes, image in zip(panels, W[:, 0], strict=True):
            (drawn,) = axes.images
            np.testing.assert_array_equal(drawn.get_array(), image)
            assert drawn.get_clim() == (W.min(), W.max())


def test_windows_with_edges_of_one_direction_are_found():
    image = np.zeros((12, 12), np.float32)
    image[6:, :] = 1
    vertical, horizontal = apply_filter.edges(image)
    assert not vertical.any()
    assert horizontal[2:6].all()
    assert horizontal.sum() == 4 * 8
    for found, wanted in zip(apply_filter.edges(image.T), (horizontal.T, vertical), strict=True):
        assert np.array_equal(found, wanted)
    image[:, 6:] = 2
    vertical, horizontal = apply_filter.edges(image)
    assert not (vertical & horizontal).any()
    assert not (vertical | horizontal)[2:6, 2:6].any()


def test_filters_are_chosen_by_their_halves():
    W = np.random.default_rng(0).standard_normal((4, 5, 5)) / 10
    W[1, :, 3:] += 1
    W[2, 3:] -= 1
    W[3, 3:, 3:] += 2
    chosen = apply_filter.edge_filters(W)
    assert np.array_equal(chosen["vertical"], W[1])
    assert np.array_equal(chosen["horizontal"], W[2])


def test_outputs_are_convolutions_of_the_picture():
    result = result_of(apply_filter)
    assert result.image.shape == (96, 128)
    assert 0 <= result.image.min() < result.image.max() <= 1
    windows = np.lib.stride_tricks.sliding_window_view(result.image, (5, 5))
    for key, W in result.filters.items():
        np.testing.assert_allclose(
            result.outputs[key], np.einsum("yxij,ij->yx", windows, W), atol=1e-5
        )
    found = apply_filter.edges(result.image)
    assert min(edges.sum() for edges in found) > 300


def test_the_claims_on_edges_fail_with_filters_changed_round_or_random():
    result = result_of(apply_filter)
    turned = {key: values[::-1] for key, values in result.strength.items()}
    assert len(failed(apply_filter, replace(result, strength=turned))) == 2


def test_figure_7_25_shows_picture_filter_and_output():
    result = result_of(apply_filter)
    panels = apply_filter.plot(result)["figure_7_25"].axes
    for row, key in enumerate(("vertical", "horizontal")):
        picture, W, output = (axes.images[0].get_array() for axes in panels[3 * row : 3 * row + 3])
        np.testing.assert_array_equal(picture, result.image)
        np.testing.assert_array_equal(W, result.filters[key])
        np.testing.assert_array_equal(output, result.outputs[key])
        assert panels[3 * row + 2].get_title() == f"output: {key} edges"


# Shifts


@pytest.mark.parametrize("down", [-2, 0, 3])
@pytest.mark.parametrize("right", [-3, 0, 1])
def test_shifted_images_are_moved_and_filled_with_0(down, right):
    x = np.random.default_rng(0).random((2, 1, 6, 7)) + 1
    moved = pooling_shift.shift(x, down, right)
    for row, column in np.ndindex(6, 7):
        y, z = row - down, column - right
        inside = 0 <= y < 6 and 0 <= z < 7
        wanted = x[:, :, y, z] if inside else np.zeros((2, 1))
        np.testing.assert_array_equal(moved[:, :, row, column], wanted)


def test_accuracy_is_the_mean_of_four_directions():
    class ByPlace:
        """Right where the bright pixel is at one of some places."""

        def __init__(self, *places):
            self.places = places

        def accuracy(self, x, t):
            return np.mean([tuple(np.argwhere(image)[0, 1:]) in self.places for image in x])

    x = np.zeros((3, 1, 9, 9))
    x[:, :, 4, 4] = 1
    t = np.zeros(3, int)
    assert pooling_shift.mean_accuracy(ByPlace((4, 4)), x, t, 0) == 1
    for place in ((4, 6), (6, 4), (4, 2), (2, 4)):
        assert pooling_shift.mean_accuracy(ByPlace(place), x, t, 2) == 0.25
    assert pooling_shift.mean_accuracy(ByPlace((5, 5), (4, 4)), x, t, 1) == 0


def test_the_three_networks_are_of_one_size():
    result = result_of(pooling_shift)
    counts = [*result.parameters.values()]
    assert len(counts) == 3
    assert max(counts) < 1.001 * min(counts)
    networks = pooling_shift.networks(0)
    kinds = [[layer.kind for layer in network.layers.values()] for network in networks.values()]
    assert ["Conv" in kind for kind in kinds] == [False, True, True]
    assert ["Pool" in kind for kind in kinds] == [False, False, True]
    without, with_it = (networks[key] for key in (pooling_shift.STRIDE, pooling_shift.POOLING))
    shapes = [
        dict((row[0], row[1]) for row in n.summary((1, 28, 28)).rows) for n in (without, with_it)
    ]
    assert shapes[0]["Relu1"] == shapes[1]["Pool1"] == (30, 12, 12)


def test_changes_are_those_of_relu_and_pooling():
    network = pooling_shift.networks(0)[pooling_shift.POOLING]
    x = DIGITS.x_test[:3].reshape(-1, 1, 28, 28)
    network.params["b1"][:] = 0.1
    found = pooling_shift.changes(network, x)

    def outputs(images):
        relu = np.maximum(network.layers["Conv1"].forward(images), 0)
        pool = relu.reshape(3, 30, 12, 2, 12, 2).max(axis=(3, 5))
        return relu, pool

    for change, one, other in zip(
        found, outputs(x), outputs(pooling_shift.shift(x, 0, 1)), strict=True
    ):
        assert change == pytest.approx(np.sqrt(((other - one) ** 2).sum() / (one**2).sum()), 1e-4)


def test_figures_on_shifts_show_the_result():
    result = replace(
        result_of(pooling_shift),
        accuracy={key: np.arange(4) / (i + 4) for i, key in enumerate("abc")},
        images=np.arange(4).reshape(4, 1, 1) * np.full((4, 28, 28), 0.25),
    )
    figures = pooling_shift.plot(result)
    (axes,) = figures["accuracy"].axes
    for line, (key, curve) in zip(axes.lines, result.accuracy.items(), strict=True):
        assert line.get_label() == key
        np.testing.assert_array_equal(line.get_xydata(), np.stack([np.arange(4), curve], axis=1))
    for n, (axes, image) in enumerate(zip(figures["images"].axes, result.images, strict=True)):
        np.testing.assert_array_equal(axes.images[0].get_array(), image)
        assert axes.get_title() == f"shifted by {n}"
    assert pooling_shift.lost(result, 2) == pytest.approx([-2 / 4, -2 / 5, -2 / 6])


def test_all_figures_of_chapter_7_are_drawn_and_results_stored(tmp_path):
    names = set()
    for script in RUNS:
        save_result(result_of(script), {}, tmp_path / "result.json")
        if script is not gradient_check:
            names |= {*script.plot(result_of(script))}
    assert names == {
        "accuracy",
        "expansion",
        "figure_7_24_after",
        "figure_7_24_before",
        "figure_7_25",
        "images",
        "loss",
    }
