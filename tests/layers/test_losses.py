"""The loss layers: their values, labels, gradients, and what they refuse."""

import copy

import numpy as np
import pytest

from dlbasics.data import one_hot
from dlbasics.functions import sigmoid, softmax
from dlbasics.layers import IdentityWithLoss, SigmoidWithLoss, SoftmaxWithLoss
from dlbasics.networks import TwoLayerNet
from tests import labels
from tests.helpers import normal as scores
from tests.labels import CLASSES, ONE_HOT


def from_0_to_1(*shape):
    return np.random.default_rng(1).random(shape)


IMAGE_CLASSES = np.random.default_rng(2).integers(0, 3, (2, 2, 4))
LOSSES = {
    "softmax, classes": (SoftmaxWithLoss, (4, 3), CLASSES),
    "softmax, column of classes": (SoftmaxWithLoss, (4, 3), CLASSES[:, np.newaxis]),
    "softmax, one-hot": (SoftmaxWithLoss, (4, 3), ONE_HOT),
    "softmax, soft rows of any sum": (SoftmaxWithLoss, (4, 3), scores(4, 3, seed=2)),
    "softmax, one sample": (SoftmaxWithLoss, (3,), 1),
    "softmax, one sample, one-hot": (SoftmaxWithLoss, (3,), np.array([0, 1, 0])),
    "sigmoid": (SigmoidWithLoss, (4, 3), from_0_to_1(4, 3)),
    "sigmoid, one sample": (SigmoidWithLoss, (3,), from_0_to_1(3)),
    "softmax, images": (SoftmaxWithLoss, (2, 3, 2, 4), IMAGE_CLASSES),
    "softmax, images, one-hot": (
        SoftmaxWithLoss,
        (2, 3, 2, 4),
        np.eye(3)[IMAGE_CLASSES].transpose(0, 3, 1, 2),
    ),
    "sigmoid, images": (SigmoidWithLoss, (2, 3, 2, 4), from_0_to_1(2, 3, 2, 4)),
    "identity, images": (IdentityWithLoss, (2, 3, 2, 4), scores(2, 3, 2, 4, seed=3)),
    "identity": (IdentityWithLoss, (4, 3), scores(4, 3, seed=3)),
    "identity, one sample": (IdentityWithLoss, (3,), scores(3, seed=3)),
}


@pytest.mark.parametrize(("make", "shape", "t"), LOSSES.values(), ids=LOSSES.keys())
class TestEveryLoss:
    def test_forward_is_a_python_float_the_mean_of_losses(self, make, shape, t):
        layer, x = make(), scores(*shape)
        with pytest.raises(ValueError, match="backward needs a forward before it"):
            layer.backward()
        layer.forward(scores(*shape, seed=9), t)
        loss, losses = layer.forward(x, t), layer.losses(x, t)
        assert type(loss) is float
        assert losses.shape == ((1,) if len(shape) == 1 else (len(x), *shape[2:]))
        assert loss == pytest.approx(losses.mean(), rel=1e-14)
        assert layer.loss == loss and layer.t is t and layer.y.shape == shape

    def test_what_was_given_or_handed_out_stays_and_losses_keeps_nothing(self, make, shape, t):
        layer, x, t = make(), scores(*shape), np.array(t)
        before = copy.deepcopy((x, t))
        x.flags.writeable = t.flags.writeable = False
        layer.forward(x, t)
        dx, y = layer.backward(), layer.y.copy()
        kept = dx.copy()
        layer.losses(5 * x, t)
        layer.backward(3)
        np.testing.assert_array_equal(layer.y, y)
        np.testing.assert_array_equal(layer.backward(), kept)
        layer.forward(2 * x, t)
        layer.backward()
        for found, expected in zip((dx, x, t), (kept, *before), strict=True):
            np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize("dout", [0, -1, 2.5, np.float32(0.5), 1e-300])
    def test_backward_scales_by_dout(self, make, shape, t, dout):
        layer = make()
        layer.forward(scores(*shape), t)
        np.testing.assert_allclose(layer.backward(dout), float(dout) * layer.backward(), rtol=1e-14)

    def test_dx_is_fresh_and_writable(self, make, shape, t):
        layer, x = make(), scores(*shape)
        layer.forward(x, t)
        dx = layer.backward()
        assert dx.shape == shape and dx.flags.writeable
        assert not np.shares_memory(layer.y, x)
        assert not any(np.shares_memory(dx, other) for other in (x, np.asarray(t), layer.y))
        expected = dx.copy()
        dx[...] = 1e9
        np.testing.assert_array_equal(layer.backward(), expected)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_keeps_the_dtype(self, make, shape, t, dtype):
        layer, x = make(), scores(*shape, dtype=dtype)
        loss = layer.forward(x, t)
        assert layer.y.dtype == layer.backward().dtype == layer.losses(x, t).dtype == dtype
        assert loss == pytest.approx(make().forward(scores(*shape), t), rel=0.01)

    def test_integer_scores_and_lists_are_computed_in_float64(self, make, shape, t):
        layer, x = make(), np.round(3 * scores(*shape))
        expected = make().forward(x, t)
        assert layer.forward(x.astype(int), t) == expected
        assert layer.forward(x.tolist(), np.array(t).tolist()) == expected
        assert layer.backward().dtype == np.float64

    def test_results_have_the_byte_order_of_this_machine(self, make, shape, t):
        layer, x, labels = make(), scores(*shape), np.asarray(t)
        swapped = x.astype(">f8"), labels.astype(labels.dtype.newbyteorder("S"))
        assert layer.forward(*swapped) == make().forward(x, t)
        for array in (layer.y, layer.backward(), layer.losses(*swapped)):
            assert array.dtype == np.float64 and array.dtype.isnative

    def test_an_array_with_a_mask_is_refused(self, make, shape, t):
        x, masked = scores(*shape), np.ma.masked_invalid
        for method in (make().forward, make().losses):
            for wrong in (masked(x), [*map(masked, x)]):
                with pytest.raises(TypeError, match="x must be an array without a mask"):
                    method(wrong, t)
            with pytest.raises(TypeError, match="t must be an array without a mask"):
                method(x, masked(t))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("least", ["tiny", "smallest_subnormal", "max"])
    def test_no_number_is_an_error_whatever_seterr_says(self, make, shape, t, dtype, least):
        number = float(getattr(np.finfo(dtype), least))
        layer, x = make(), scores(*shape, dtype=dtype)
        for extreme in (number, -number, 1000, -1000, np.inf, -np.inf, np.nan):
            x.flat[1] = extreme
            with np.errstate(all="raise"):
                layer.forward(x, t)
                layer.backward()
                layer.backward(1e-300)
                layer.losses(x, t)

    @pytest.mark.parametrize("dout", ["1", None, np.nan, np.inf, 1j, np.ones(2)])
    def test_dout_that_is_no_number(self, make, shape, t, dout):
        layer = make()
        layer.forward(scores(*shape), t)
        with pytest.raises((TypeError, ValueError), match="dout must be"):
            layer.backward(dout)

    @pytest.mark.parametrize("shape_of_x", [(), (0,), (0, 3), (4, 0), (2, 3, 4)])
    def test_scores_of_another_shape(self, make, shape, t, shape_of_x):
        x = np.ones(shape_of_x)
        with pytest.raises(ValueError, match=r"(x|t) must have"):
            make().forward(x, t if make is SoftmaxWithLoss else x)


@pytest.mark.parametrize("make", [SoftmaxWithLoss, SigmoidWithLoss, IdentityWithLoss])
def test_a_place_of_an_image_counts_as_a_sample(make):
    image, layer, rows = scores(2, 3, 2, 4), make(), make()
    x = image.transpose(0, 2, 3, 1).reshape(-1, 3)
    t = IMAGE_CLASSES if make is SoftmaxWithLoss else from_0_to_1(2, 3, 2, 4)
    each = t.ravel() if make is SoftmaxWithLoss else t.transpose(0, 2, 3, 1).reshape(-1, 3)
    assert layer.forward(image, t) == pytest.approx(rows.forward(x, each), rel=1e-14)
    for of_image, of_rows in ((layer.y, rows.y), (layer.backward(), rows.backward())):
        np.testing.assert_allclose(of_image.transpose(0, 2, 3, 1).reshape(-1, 3), of_rows)
    np.testing.assert_allclose(layer.losses(image, t).ravel(), rows.losses(x, each))
    if make is not IdentityWithLoss:
        np.testing.assert_array_equal(layer.correct(image, t).ravel(), rows.correct(x, each))
        found = layer.probabilities(image).transpose(0, 2, 3, 1).reshape(-1, 3)
        np.testing.assert_allclose(found, rows.probabilities(x))


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (
            IMAGE_CLASSES[:1],
            r"shape \(2, 2, 4\) or rows of shape \(2, 3, 2, 4\), got int64 of shape",
        ),
        (IMAGE_CLASSES.ravel(), r"shape \(2, 2, 4\) or rows .*, got int64 of shape \(16,\)"),
        (IMAGE_CLASSES * 1.0, "got float64 of shape"),
        (IMAGE_CLASSES + 1, "classes from 0 to 2, got 1 to 3"),
    ],
)
def test_labels_of_images_of_another_kind(t, message):
    with pytest.raises(ValueError, match=f"t must .*{message}"):
        SoftmaxWithLoss().forward(scores(2, 3, 2, 4), t)
    with pytest.raises(ValueError, match="t must have the shape of x"):
        SigmoidWithLoss().forward(scores(2, 3, 2, 4), t)


class TestProbabilities:
    def test_they_are_those_of_the_output_function(self):
        x = scores(4, 3, dtype=np.float32)
        for make, function in ((SoftmaxWithLoss, softmax), (SigmoidWithLoss, sigmoid)):
            y = make().probabilities(x)
            assert y.dtype == np.float32
            np.testing.assert_allclose(y, function(x), rtol=1e-6)
            np.testing.assert_allclose(make().probabilities(x[0]), function(x[0]), rtol=1e-6)
            with pytest.raises(ValueError, match=r"x must have shape \(N, K\)"):
                make().probabilities(np.ones((2, 3, 4)))

    def test_a_regression_has_none(self):
        with pytest.raises(TypeError, match="is a regression, which has no probabilities"):
            IdentityWithLoss().probabilities(scores(4, 3))


def test_a_row_of_weight_w_counts_w_times():
    x, t, weight = scores(4, 3), CLASSES, np.array([1, 3, 2])
    found, repeated = SoftmaxWithLoss(), SoftmaxWithLoss()
    loss = found.forward(x, one_hot(t, 3) * weight[t][:, np.newaxis])
    often = np.repeat(np.arange(4), weight[t])
    expected = repeated.forward(x[often], t[often]) * len(often) / 4
    assert loss == pytest.approx(expected, rel=1e-6)
    sums = np.zeros((4, 3))
    np.add.at(sums, often, repeated.backward() * len(often) / 4)
    np.testing.assert_allclose(found.backward(), sums, rtol=1e-6)


class TestSoftmaxWithLossLabels:
    x = scores(4, 3)

    @labels.of_a_batch
    def test_every_form_of_a_label_gives_the_same(self, t):
        layer, y = SoftmaxWithLoss(), softmax(self.x)
        loss = -np.log(y[np.arange(4), CLASSES]).mean()
        assert layer.forward(self.x, t) == pytest.approx(loss, rel=1e-14)
        np.testing.assert_allclose(layer.backward(), (y - ONE_HOT) / 4, rtol=1e-12)

    @labels.of_one_sample
    def test_one_sample_gives_what_a_batch_of_one_gives(self, t):
        layer, batch = SoftmaxWithLoss(), SoftmaxWithLoss()
        assert layer.forward(self.x[0], t) == batch.forward(self.x[:1], np.array([2]))
        np.testing.assert_allclose(layer.backward(), batch.backward()[0], rtol=1e-14)

    @pytest.mark.parametrize("t", [1, [0, 1, 0]])
    def test_one_sample_with_a_one_hot_row_gets_the_whole_gradient(self, t):
        layer = SoftmaxWithLoss()
        layer.forward(np.log([0.3, 0.2, 0.5]), t)
        np.testing.assert_allclose(layer.backward(), [0.3, -0.8, 0.5])
        np.testing.assert_allclose(layer.backward(10), [3, -8, 5])
        np.testing.assert_allclose(layer.y, [0.3, 0.2, 0.5])

    @pytest.mark.parametrize("t", [[0.2, 0.3, 0.5], [2.0, 0.0, 1.0], [-1.0, 0.5, 0.0], [0, 0, 0]])
    def test_soft_rows_of_any_sum_in_forward_and_backward(self, t):
        layer, t = SoftmaxWithLoss(), np.array(t)
        y = softmax(self.x[0])
        assert layer.forward(self.x[0], t) == pytest.approx(-np.sum(t * np.log(y)))
        np.testing.assert_allclose(layer.backward(), t.sum() * y - t, rtol=1e-12, atol=1e-15)

    @labels.wrong_of_a_batch
    @pytest.mark.parametrize("method", ["forward", "losses", "correct"])
    def test_any_other_label_is_an_error(self, method, t):
        with pytest.raises(ValueError, match=r"^t must (be|hold) .* got"):
            getattr(SoftmaxWithLoss(), method)(self.x, t)

    @labels.wrong_of_one_sample
    def test_any_other_label_of_one_sample_is_an_error(self, t):
        with pytest.raises(ValueError, match=r"^t must (be|hold) .* got"):
            SoftmaxWithLoss().forward(self.x[0], t)

    @labels.no_numbers
    def test_labels_that_are_no_numbers(self, t):
        with pytest.raises(TypeError, match="t must"):
            SoftmaxWithLoss().forward(self.x, t)

    def test_correct(self):
        layer, x = SoftmaxWithLoss(), np.array([[1.0, 5, 2], [9, 0, 0], [0, 1, 2], [3, 2, 1]])
        expected = [True, True, False, False]
        classes = np.array([1, 0, 1, 2])
        rows = np.eye(3)[classes]
        for t in (classes, classes[:, np.newaxis], rows, 0.9 * rows):
            assert layer.correct(x, t).tolist() == expected
        assert layer.correct(x[0], 1).tolist() == [True]
        assert layer.correct(x[0], [1, 0, 0]).tolist() == [False]

    @pytest.mark.parametrize(
        ("x", "t"),
        [([[0.3], [-2.0]], [[5], [7]]), ([[0.3], [-2.0]], [0, 0]), ([0.3], 0), ([0.3], [1.0])],
    )
    @pytest.mark.parametrize("method", ["forward", "losses", "correct"])
    def test_one_output_is_refused(self, method, x, t):
        """Its softmax is 1 whatever the score, so that the loss and all gradients would be 0."""
        with pytest.raises(ValueError, match=r"x must have two or more .* use SigmoidWithLoss"):
            getattr(SoftmaxWithLoss(), method)(x, t)

    def test_a_network_with_one_output_is_refused(self):
        network, x = TwoLayerNet(5, 10, 1), scores(6, 5)
        for t in (np.ones((6, 1), int), np.zeros(6, int)):
            for use in (network.loss, network.gradient, network.accuracy):
                with pytest.raises(ValueError, match="use SigmoidWithLoss"):
                    use(x, t)
        network.last_layer = SigmoidWithLoss()
        assert network.loss(x, np.ones((6, 1))) > 0


class TestSoftmaxWithLossValues:
    @pytest.mark.parametrize("t", [1, [0, 1, 0]])
    def test_a_score_of_minus_infinity(self, t):
        layer = SoftmaxWithLoss()
        x = np.array([np.log(0.01), np.log(0.99), -np.inf])
        assert layer.forward(x, t) == pytest.approx(-np.log(0.99))
        np.testing.assert_allclose(layer.backward(), [0.01, -0.01, 0], atol=1e-15)

    @pytest.mark.parametrize("t", [[1], [[0.0, 1.0]]])
    @pytest.mark.parametrize("gap", [1.0, 16.2, 1e3, 1e30])
    def test_the_loss_has_no_ceiling_and_is_never_below_0(self, gap, t):
        loss = SoftmaxWithLoss().forward(np.array([[gap, 0.0]]), t)
        assert loss == pytest.approx(gap + np.log1p(np.exp(-gap)), rel=1e-14)
        perfect = SoftmaxWithLoss().forward(np.array([[0.0, gap]]), t)
        assert perfect == pytest.approx(np.log1p(np.exp(-gap)), abs=1e-15) and perfect >= 0

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_losses_near_the_largest_number_bring_no_warning(self, dtype):
        big = 0.6 * np.finfo(dtype).max
        loss = SoftmaxWithLoss().forward(np.array([[big, 0], [big, 0]], dtype), [1, 1])
        assert loss > 0.59 * np.finfo(dtype).max

    @pytest.mark.parametrize("n", [1_000, 20_000])
    def test_half_precision_takes_the_mean_of_a_large_batch(self, n):
        x = np.tile(np.array([[200, 0]], np.float16), (n, 1))
        assert SoftmaxWithLoss().forward(x, np.ones(n, int)) == pytest.approx(200, rel=1e-3)


class TestSigmoidWithLoss:
    def test_formula_sum_over_columns_mean_over_samples(self):
        layer, x, t = SigmoidWithLoss(), scores(4, 3), from_0_to_1(4, 3)
        y = 1 / (1 + np.exp(-x))
        losses = -(t * np.log(y) + (1 - t) * np.log(1 - y)).sum(axis=1)
        np.testing.assert_allclose(layer.losses(x, t), losses, rtol=1e-12)
        assert layer.forward(x, t) == pytest.approx(losses.mean())
        np.testing.assert_allclose(layer.y, y)
        np.testing.assert_allclose(layer.backward(), (y - t) / 4, rtol=1e-12)

    @pytest.mark.parametrize("x", [-1e30, -800.0, -40.0, 40.0, 800.0, 1e30])
    def test_exact_at_any_score(self, x):
        small = np.exp(-abs(x))
        right, wrong = [float(x > 0)], [float(x < 0)]
        for t, loss in ((right, np.log1p(small)), (wrong, abs(x) + small)):
            assert SigmoidWithLoss().forward([x], t) == pytest.approx(loss, rel=1e-12, abs=0)

    @pytest.mark.parametrize("t", [[[1.1, 0]], [[-0.1, 1]], [[np.nan, 1]], [[0, 2]]])
    def test_labels_out_of_range(self, t):
        with pytest.raises(ValueError, match="t must be from 0 to 1, got"):
            SigmoidWithLoss().forward(np.zeros((1, 2)), np.array(t))

    def test_correct_when_every_column_is_and_yes_from_a_half_on(self):
        x, t = np.array([[0.3, -1], [2, 0.1], [-3, -0.3]]), np.array([[1, 0], [1, 0], [0, 0]])
        for form in (t, t.astype(bool), 0.8 * t + 0.1):
            assert SigmoidWithLoss().correct(x, form).tolist() == [True, False, True]


def test_the_mean_of_large_losses_is_finite():
    """Their sum is not, in single precision."""
    x = np.full((4, 1), 1.5e19, np.float32)
    assert IdentityWithLoss().forward(x, np.zeros((4, 1))) == pytest.approx(1.125e38, rel=1e-6)


class TestHalfPrecision:
    """Sums and squares are computed in single precision."""

    def test_squares_that_overflow(self):
        layer, x = IdentityWithLoss(), np.array([[300.0], [-300.0]], np.float16)
        assert layer.forward(x, np.zeros((2, 1))) == 45_000
        assert layer.losses(x, np.zeros((2, 1))).tolist() == [np.float16(45_000)] * 2
        assert layer.forward(x, np.full((2, 1), 2000)) == (1700**2 + 2300**2) / 4

    def test_labels_that_overflow(self):
        layer = IdentityWithLoss()
        assert layer.forward(np.zeros(1, np.float16), [1e5]) == 5e9
        assert layer.forward(np.full(1, 300, np.float16), [0]) == 45_000

    def test_many_classes(self):
        layer, x = SoftmaxWithLoss(), np.zeros((1, 70_000), np.float16)
        assert layer.forward(x, [3]) == pytest.approx(np.log(70_000), rel=1e-6)
        np.testing.assert_allclose(layer.y, 1 / 70_000, rtol=5e-3)
        t = np.full((1, 70_000), 1 / 70_000)
        assert layer.forward(x, t) == pytest.approx(np.log(70_000), rel=1e-5)

    def test_many_outputs(self):
        x = np.zeros((1, 100_000), np.float16)
        loss = SigmoidWithLoss().forward(x, x)
        assert loss == pytest.approx(100_000 * np.log(2), rel=1e-6)

    def test_a_large_batch_keeps_its_gradient(self):
        layer = SoftmaxWithLoss()
        layer.forward(np.zeros((70_000, 2), np.float16), np.zeros(70_000, int))
        np.testing.assert_allclose(layer.backward(70_000), [[-0.5, 0.5]] * 70_000)

    def test_the_gradient_is_rounded_once(self):
        layer = SoftmaxWithLoss()
        layer.forward(scores(7, 3, dtype=np.float16), [0, 1, 2, 0, 1, 2, 0])
        rows = layer.y.astype(np.float32) - np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2, 0]]
        np.testing.assert_array_equal(layer.backward(), (rows / 7).astype(np.float16))


class TestIdentityWithLoss:
    def test_formula_and_no_accuracy(self):
        layer, x, t = IdentityWithLoss(), scores(4, 3), scores(4, 3, seed=1)
        assert layer.forward(x, t) == pytest.approx(((x - t) ** 2).sum() / 8)
        np.testing.assert_array_equal(layer.y, x)
        np.testing.assert_allclose(layer.backward(), (x - t) / 4)
        with pytest.raises(TypeError, match="regression"):
            layer.correct(x, t)


@pytest.mark.parametrize("make", [SigmoidWithLoss, IdentityWithLoss])
@pytest.mark.parametrize(
    ("shape", "shape_of_t"), [((4, 1), (4,)), ((4,), (4, 1)), ((4, 3), (3,)), ((4, 3), (4,))]
)
def test_t_must_have_the_shape_of_x_and_hold_numbers(make, shape, shape_of_t):
    with pytest.raises(ValueError, match=r"t must have the shape of x, \(.*\), got \("):
        make().forward(np.zeros(shape), np.zeros(shape_of_t))
    for t in ([[1.0], [1.0, 2.0]], [["a", "b"]] * 2, [[1j, 0]] * 2, None):
        with pytest.raises((TypeError, ValueError), match="t must"):
            make().forward(np.zeros((2, 2)), t)


def test_labels_too_large_for_half_precision_bring_no_warning():
    x, t = np.zeros((1, 2), np.float16), np.array([[1e6, 0.0]])
    assert SoftmaxWithLoss().correct(x, t).shape == (1,)
    with pytest.raises(ValueError, match="t must be from 0 to 1"):
        SigmoidWithLoss().correct(x, t)
