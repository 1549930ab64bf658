"""`check_gradients`: its report, its options, kinks, and what it refuses and leaves alone."""

import copy
import re
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.gradient_check import ArrayCheck, GradientReport
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Dropout,
    Identity,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from tests.helpers import damaged, normal

affine = partial(damaged, Affine, normal(4, 4, seed=1), normal(4, seed=2))
X = normal(5, 4)


def batch_norm():
    return BatchNorm(normal(4, seed=1), normal(4, seed=2))


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

    def test_a_failed_assert_of_pytest_shows_what_is_wrong_on_a_readable_line(self):
        report = check_gradients(affine(dW=lambda dW, *_: 2 * dW), X)
        assert re.fullmatch(
            r"<GradientReport: W WRONG: error 5.0e-01 at \(\d, \d\), "
            r"analytic (-?[\d.]+), numeric (-?[\d.]+); 2 ok>",
            repr(report),
        )
        assert repr(check_gradients(affine(), X)) == "<GradientReport: 3 ok>"

    @pytest.mark.parametrize("name", ["W", "a_long_name_of_an_array"])
    def test_pytest_neither_cuts_that_line_nor_breaks_it(self, name):
        numbers = (123,), 99, 0, 1.0, (99, 99), -1.23456789e-100, -1.23456789e-100
        report = GradientReport(tuple(ArrayCheck(name, *numbers) for _ in range(30)), 1e-5)
        assert "28 more WRONG" in repr(report)
        assert len(repr(report)) <= 240 and "\n" not in repr(report)

    def test_a_notebook_shows_a_table(self):
        report = check_gradients(affine(dW=lambda dW, *_: 2 * dW), X)
        html = report._repr_html_()
        assert html.count("<tr>") == 4 and html.count("<td>ok</td>") == 2
        assert "<td>W</td><td>(4, 4)</td><td>16</td>" in html and "<td>WRONG</td>" in html
        written = []
        report._repr_pretty_(SimpleNamespace(text=written.append), cycle=False)
        assert written == [str(report)]

    def test_a_network_without_parameters_does_not_pass(self):
        report = check_gradients(Network([Relu()]), normal(4, 3), [0, 1, 2, 0])
        assert not report and str(report).endswith("there is no parameter")
        assert repr(report) == "<GradientReport: nothing could be checked: there is no parameter>"

    @pytest.mark.long
    def test_pytest_prints_it_whole(self, tmp_path):
        code = """
import numpy as np
from dlbasics import Layer, check_gradients

class Wrong(Layer):
    def _forward(self, x, train_flg):
        return 2 * x

    def _backward(self, dout):
        return dout

def test_it():
    assert check_gradients(Wrong(), np.ones((2, 2)))
"""
        (tmp_path / "test_wrong.py").write_text(code, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_wrong.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        line = r"assert <GradientReport: x WRONG: error 5.0e-01 at .*, analytic .*, numeric .*>\n"
        assert re.search(line, done.stdout) and done.returncode == 1


def saturated(scale=1000.0, seed=0):
    return MultiLayerNet(4, [5], 3, activation="sigmoid", weight_init_std=scale, rng=seed)


class TestNothing:
    """A check that could see nothing says so, and does not pass."""

    @pytest.mark.parametrize(
        "check",
        [
            lambda: check_gradients(saturated(), X, saturated().predict(X).argmax(1)),
            lambda: check_gradients(Sigmoid(), 1000 * X),
            lambda: check_gradients(Affine(np.zeros((4, 4)), None), 0 * X),
            lambda: check_gradients(Relu(), -1 - abs(X)),
            lambda: check_gradients(Dropout(1), X),
            lambda: check_gradients(Dropout(1), X, train_flg=False),
        ],
        ids=["right answers", "sigmoid", "zeros", "dead", "dropout", "dropout in test"],
    )
    def test_it_does_not_pass(self, check):
        report = check()
        assert not report and all(report.passed(check) for check in report.checks)
        assert "ok" not in str(report).split() and "WRONG" not in str(report)
        assert "nothing could be checked" in str(report).splitlines()[-1]
        assert "nothing could be checked" in repr(report) and len(repr(report)) < 240
        assert "nothing could be checked" in report._repr_html_()

    def test_a_loss_beside_it_does_not_make_it_ok(self):
        first = Affine(1e4 * normal(4, 5), normal(5))
        network = Network([first, Sigmoid(), Affine(normal(5, 3, seed=1), normal(3))])
        report = check_gradients(network, X, [0, 1, 2, 0, 1])
        words = [line.split()[-1] for line in str(report).splitlines()[1:]]
        assert words == ["small", "small", "ok", "ok"]  # "too small"
        assert report and repr(report) == "<GradientReport: 2 ok; 2 too small>"

    def test_a_bias_before_batch_normalization_has_none(self):
        network = MultiLayerNet(4, [20, 20], 3, use_batchnorm=True, rng=0)
        report = check_gradients(network, 10 * normal(9, 4), np.arange(9) % 3)
        small = [check.name for check in report.checks if not check.measurable]
        assert report and small == ["b1", "b2"]

    @pytest.mark.parametrize("wrong", [1e-9, 1.0, np.inf, np.nan])
    def test_a_derivative_that_should_be_0_is_still_seen(self, wrong):
        layer = damaged(Dropout, 1, dx=lambda dx, *_: dx + wrong)
        report = check_gradients(layer, X)
        assert not report and "WRONG" in str(report) and "nothing" not in str(report)


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


class TestKinks:
    def test_they_are_counted_and_shown_and_hide_no_error_elsewhere(self):
        x = normal(5, 4)
        x[1, 2] = x[3, 0] = 0
        report = check_gradients(Relu(), x)
        (check,) = report.checks
        assert report and (check.checked, check.kinks) == (20, 2)
        assert str(report).splitlines()[1].split()[1:5] == ["(5,", "4)", "20", "2"]
        assert not check_gradients(damaged(Relu, dx=lambda dx, *_: 1.001 * dx), x)

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
