"""Networks with fewer and fewer bits."""

import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

from ch08_deep import fewer_bits
from ch08_deep.fewer_bits import (
    BEST,
    BITS,
    CHANNEL,
    CHOICES,
    LAYER,
    Rounding,
    experiment,
    in_format,
    quantize,
    rounded_after_each_layer,
    with_few_bits,
)
from ch08_deep.train_deepnet import trained_network
from dlbasics import SimpleConvNet, check_gradients
from dlbasics.experiment import LEFT_OUT
from dlbasics.layers import Convolution
from tests.helpers import ROOT, failed, few_digits, normal

IMAGES = normal(3, 1, 28, 28, dtype=np.float32)


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), images=5)


@pytest.mark.parametrize("shape", [(20, 3), (4, 2, 3, 3)], ids=str)
@pytest.mark.parametrize("bits", BITS)
def test_a_weight_of_few_bits_is_a_step_times_one_of_so_many_integers(bits, shape):
    W = normal(*shape, dtype=np.float32)
    top = 2 ** (bits - 1) - 1
    for choice in CHOICES:
        q, s = quantize(W, bits, choice)
        assert (q == np.round(q)).all()
        assert np.abs(q).max() <= top
        assert (s * q).dtype == W.dtype
        if choice != BEST:  # it cuts off weights that are far from the others
            assert (np.abs(s * q - W) <= s * 0.5001).all()
            assert np.abs(q).max() == top
    assert quantize(W, bits, LAYER)[1].size == 1
    assert quantize(W, bits)[1].shape == ((1, 3) if W.ndim == 2 else (4, 1, 1, 1))


def test_the_formula_by_hand():
    W = np.array([[0.7, 14.0], [-0.32, -5.0], [0.04, 1.1]], np.float32)
    q, s = quantize(W, 4)
    np.testing.assert_allclose(s, [[0.1, 2]], rtol=1e-6)
    assert q.tolist() == [[7, 7], [-3, -2], [0, 1]]
    q, s = quantize(W, 4, LAYER)  # the small column keeps nothing
    assert (s.item(), q.tolist()) == (2, [[0, 7], [0, -2], [0, 1]])


def test_filters_and_columns_have_steps_of_their_own_and_zeros_stay_zeros():
    W = normal(4, 2, 3, 3, dtype=np.float32)
    scale = np.array([1, 1000, 1e-3, 0], np.float32).reshape(4, 1, 1, 1)
    for choice in (CHANNEL, BEST):
        q, s = quantize(W * scale, 5, choice)
        alone, _ = quantize(W[:1], 5, choice)
        np.testing.assert_array_equal(q[:1], alone)
        assert np.abs(q[:3]).max(axis=(1, 2, 3)).min() >= 10
        assert ((s * q)[3] == 0).all()


@pytest.mark.parametrize("bits", BITS)
def test_the_best_step_has_the_least_error_and_a_step_for_the_layer_the_largest(bits):
    W = normal(300, 8, dtype=np.float32) * np.linspace(0.1, 1, 8, dtype=np.float32)

    def errors(choice):
        q, s = quantize(W, bits, choice)
        return np.square(s * q - W).sum(axis=0)

    assert (errors(BEST) <= errors(CHANNEL)).all()
    assert errors(BEST).sum() < errors(CHANNEL).sum() or bits == 8
    assert errors(CHANNEL).sum() < errors(LAYER).sum()


def test_weights_are_rounded_biases_are_not_and_the_network_stays_as_it_is():
    network = SimpleConvNet(rng=0)
    for key in ("b1", "b2", "b3"):
        network.params[key] += np.float32(0.123)
    before = {key: param.copy() for key, param in network.params.items()}
    rounded, nbytes = with_few_bits(network, 4, CHANNEL)
    for key, param in network.params.items():
        np.testing.assert_array_equal(param, before[key])
        if key.startswith("b"):
            np.testing.assert_array_equal(rounded.params[key], param)
        else:
            q, s = quantize(param, 4)
            np.testing.assert_array_equal(rounded.params[key], s * q)
    weights, channels = 30 * 25 + 4320 * 100 + 1000, 30 + 100 + 10
    assert nbytes == weights / 2 + 4 * channels + 4 * channels
    assert with_few_bits(network, 2, LAYER)[1] == weights / 4 + 4 * 3 + 4 * channels


def test_a_rounding_after_each_layer_is_what_float16_does():
    network = trained_network()
    half = network.astype(np.float16)
    expected = half.predict(IMAGES.astype(np.float16))
    rounded = rounded_after_each_layer(network, np.dtype(np.float16))
    scores = rounded.predict(IMAGES)
    assert scores.dtype == np.float32
    assert expected.dtype == np.float16
    np.testing.assert_array_equal(scores, expected.astype(np.float32))


def test_every_layer_gets_and_returns_the_format(monkeypatch):
    seen = []
    right = Convolution.forward

    def forward(self, x, train_flg=True):
        y = right(self, x, train_flg)
        seen.append((x.dtype.name, self.W.dtype.name, y.dtype.name))
        return y

    monkeypatch.setattr(Convolution, "forward", forward)
    monkeypatch.setattr(fewer_bits, "BITS", (2,))
    experiment.run(data=few_digits(), images=5)
    dtypes = [dtype.name for dtype in fewer_bits.dtypes()]
    computed = ["float32" if name == "bfloat16" else name for name in dtypes]
    expected = [[(name,) * 3] * count for count in (1, 6) for name in computed]
    few = [[("float32",) * 3] * count * len(CHOICES) for count in (1, 6)]
    assert seen == [entry for part in [*expected, *few] for entry in part]


def test_bfloat16_has_eight_bits_of_a_number_in_weights_and_activations():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = np.dtype(ml_dtypes.bfloat16)
    network = in_format(trained_network(), dtype)
    values = [*network.params.values(), network.predict(IMAGES)]
    x = IMAGES
    for layer in network.layers.values():
        x = layer.forward(x, False)
        values += [x] if isinstance(layer, Rounding) else []
    for value in values:
        bits = np.ascontiguousarray(value).view(np.uint32)
        assert not (bits & 0xFFFF).any()  # the lower half of a float32
        assert value.any()
    assert not np.array_equal(network.params["W1"], trained_network().params["W1"])


def test_rounding_is_a_layer_whose_gradient_passes():
    layer = Rounding(np.dtype(np.float16))
    np.testing.assert_array_equal(layer.forward(np.array([[1.0, 1.0001]])), [[1, 1]])
    np.testing.assert_array_equal(layer.backward(np.array([[2.0, 3.0]])), [[2, 3]])
    exact = Rounding(np.dtype(np.float64))
    assert check_gradients(exact, normal(3, 4))


def test_what_is_said_follows_from_the_networks(result):
    data = few_digits()
    x, t = data.x_test[:5].reshape(-1, 1, 28, 28), data.t_test[:5]
    network = trained_network()
    for choice, bits in [(LAYER, 3), (CHANNEL, 2), (BEST, 4)]:
        rounded, nbytes = with_few_bits(network, bits, choice)
        reading = result.weights["DeepConvNet"][choice][f"{bits} bits"]
        assert reading.accuracy == np.mean(rounded.predict(x).argmax(axis=1) == t)
        assert reading.megabytes == nbytes / 1e6
        W, exact = (
            np.concatenate([param.ravel() for key, param in net.params.items() if key[0] == "W"])
            for net in (rounded, network)
        )
        assert reading.zeros == np.mean(W == 0)
        error = np.sqrt(np.square(W - exact).sum() / np.square(exact).sum())
        assert reading.error == pytest.approx(error, rel=1e-5)
    for name, size in {"float64": 8, "float32": 4, "float16": 2}.items():
        reading = result.formats["DeepConvNet"][name]
        assert reading.megabytes == pytest.approx(123_552 * size / 1e6)
        assert reading.error == 0  # the weights are stored in float16


def test_without_ml_dtypes_bfloat16_is_left_out_and_a_sentence_says_so(monkeypatch, capsys):
    monkeypatch.setattr(fewer_bits, "find_spec", lambda name: None)
    result = experiment.run(data=few_digits(), images=5)
    said = 'Without ml_dtypes there is no bfloat16: pip install -e ".[bits]"'
    assert capsys.readouterr().out.splitlines() == [said]
    assert [*result.formats["SimpleConvNet"]] == ["float64", "float32", "float16"]
    values = [claim.value(result) for claim in experiment.claims]
    assert [value is LEFT_OUT for value in values] == [False, True] + [False] * 6
    (axes, *_) = fewer_bits.plot(result)["formats"].axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["float64", "float32", "float16", *(f"{bits} bits" for bits in BITS)]


def test_the_figures_show_the_readings(result):
    figures = fewer_bits.plot(result)
    names = ("accuracy", "megabytes", "seconds")
    for axes, name, unit in zip(figures["formats"].axes, names, (1, 1, 1e3), strict=True):
        for drawn, network in zip(
            axes.containers[::2] or axes.containers, result.formats, strict=False
        ):
            expected = [unit * getattr(r, name) for r in result.by_format(network).values()]
            assert [bar.get_width() for bar in drawn] == pytest.approx(expected)
    for axes, network in zip(figures["steps"].axes, [*result.weights] * 2, strict=True):
        is_error = axes in figures["steps"].axes[2:]
        for line, readings in zip(axes.lines, result.weights[network].values(), strict=True):
            expected = [r.error if is_error else 1 - r.accuracy for r in readings.values()]
            np.testing.assert_allclose(line.get_ydata(), expected)


def test_a_network_that_is_not_rounded_is_seen(monkeypatch):
    monkeypatch.setattr(fewer_bits, "quantize", lambda W, bits, choice: (W, np.ones(1, W.dtype)))
    result = experiment.run(data=few_digits(), images=5)
    texts = [claim.text for claim in experiment.claims]
    assert {*texts[3:]} <= {verdict.text for verdict in failed(experiment.claims, result)}


def test_the_page_runs_as_it_is_pasted(capsys):
    page = (ROOT / "docs/fewer_bits.md").read_text(encoding="utf-8")
    exec("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), {})
    told = "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))
    assert capsys.readouterr().out == told


@pytest.mark.long
def test_the_command_of_the_page_runs(tmp_path):
    page = (ROOT / "docs/fewer_bits.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"```bash\npython (.*?)\n```", page)
    flags = ["--data", "digits", "--no-show", "--out", str(tmp_path)]
    subprocess.run([sys.executable, *shlex.split(command), *flags], cwd=ROOT, check=True)
    names = {path.name for path in tmp_path.rglob("*.png")}
    assert names == {"fewer_bits_formats.png", "fewer_bits_steps.png"}
