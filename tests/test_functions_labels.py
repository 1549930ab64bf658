"""Cross-entropy of probabilities and of scores, with labels in all their forms."""

import math

import numpy as np
import pytest

from dlbasics.functions import cross_entropy_error, softmax, softmax_loss, sum_squared_error

FLOAT_DTYPES = [np.float16, np.float32, np.float64]

SCORES = np.array([[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]])
CLASSES = [2, 0]
ONE_HOT = [[0, 0, 1], [1, 0, 0]]


def losses():
    """Both cross-entropies as functions of the scores."""
    return [
        pytest.param(lambda x, t: cross_entropy_error(softmax(x), t), id="cross_entropy_error"),
        pytest.param(softmax_loss, id="softmax_loss"),
    ]


@pytest.mark.parametrize("loss", losses())
class TestLabels:
    @pytest.mark.parametrize(
        "t",
        [
            CLASSES,
            np.array(CLASSES),
            np.array(CLASSES, np.uint8),
            np.array(CLASSES, np.int16),
            np.array(CLASSES).reshape(2, 1),
            np.array(CLASSES, np.uint8).reshape(2, 1),
            ONE_HOT,
            np.array(ONE_HOT, np.uint8),
            np.array(ONE_HOT, bool),
            np.array(ONE_HOT, np.float32),
            np.array(ONE_HOT, np.float64),
        ],
    )
    def test_every_form_of_a_batch(self, loss, t):
        expected = -(math.log(softmax(SCORES)[0, 2]) + math.log(softmax(SCORES)[1, 0])) / 2
        assert loss(SCORES, t) == pytest.approx(expected, rel=1e-14)

    @pytest.mark.parametrize(
        "t", [1, np.uint8(1), np.array(1), [1], np.array([1]), [0, 1, 0], np.array([0.0, 1.0, 0.0])]
    )
    def test_every_form_of_a_single_sample(self, loss, t):
        assert loss(SCORES[0], t) == pytest.approx(-math.log(softmax(SCORES[0])[1]), rel=1e-14)

    def test_soft_rows_of_any_sum(self, loss):
        t = [[0.2, 0.3, 0.5], [1.0, 1.0, 0.0]]
        y = softmax(SCORES)
        total = sum(t[n][k] * math.log(y[n, k]) for n in range(2) for k in range(3))
        assert loss(SCORES, t) == pytest.approx(-total / 2, rel=1e-14)
        assert loss(SCORES[1], t[1]) == pytest.approx(
            -math.log(y[1, 0]) - math.log(y[1, 1]), rel=1e-14
        )

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    def test_a_loss_is_a_python_float(self, loss, dtype):
        assert type(loss(SCORES.astype(dtype), CLASSES)) is float

    @pytest.mark.parametrize(
        "t",
        [
            [-1, 0],
            [0, 3],
            [0.0, 1.0],
            [True, False],
            [0, 1, 2],
            1,
            [[0, 1], [1, 0]],
            [[0, 1]],
            [[0, 0, 1]],
            np.zeros((2, 3, 1), int),
        ],
    )
    def test_wrong_labels_of_a_batch(self, loss, t):
        with pytest.raises(ValueError, match=r"^t must .*, got"):
            loss(SCORES, t)

    @pytest.mark.parametrize("t", [-1, 3, 0.5, True, [0, 1], [0, 1, 0, 0], [[0], [1]]])
    def test_wrong_labels_of_a_single_sample(self, loss, t):
        with pytest.raises(ValueError, match=r"^t must .*, got"):
            loss(SCORES[0], t)

    @pytest.mark.parametrize("t", [["a", "b"], None, [[1, 2], [3]], [1j, 2]])
    def test_labels_that_are_no_numbers(self, loss, t):
        with pytest.raises(TypeError, match="t must"):
            loss(SCORES, t)


class TestCrossEntropies:
    @pytest.mark.parametrize("f", [cross_entropy_error, softmax_loss])
    @pytest.mark.parametrize("y", [0.5, np.full((1, 2, 2), 0.5), [], np.empty((0, 3))])
    def test_wrong_shapes(self, f, y):
        with pytest.raises(ValueError, match=r"must have shape \(N, K\) or \(K,\)"):
            f(y, [0])

    def test_a_negative_probability_is_an_error(self):
        with pytest.raises(ValueError, match=r"y must hold probabilities, got -0\.25"):
            cross_entropy_error([1.25, -0.25], 0)

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("t", [1, [0, 1]])
    def test_a_probability_of_0_gives_a_finite_error(self, t, dtype):
        expected = -math.log(float(np.finfo(dtype).tiny))
        error = cross_entropy_error(np.array([1, 0], dtype), t)
        assert error == pytest.approx(expected, rel=float(2 * np.finfo(dtype).eps))

    def test_small_probabilities_count_exactly_and_certainty_costs_nothing(self):
        assert cross_entropy_error([1e-300, 1], 0) == pytest.approx(300 * math.log(10), rel=1e-14)
        assert cross_entropy_error([0.0, 1.0], 1) == 0
        assert cross_entropy_error([0.0, 1.0], [0.0, 1.0]) == 0

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("t", [1, [0, 1]])
    def test_softmax_loss_is_exact_at_any_score(self, t, dtype):
        assert softmax_loss(np.array([0, -1000], dtype), t) == 1000
        assert softmax_loss(np.array([-1000, 0], dtype), t) == 0

    @pytest.mark.parametrize("t", [0, 1, [1, 0], [0, 1]])
    def test_softmax_loss_at_a_score_of_minus_infinity(self, t):
        expected = np.inf if t in (1, [0, 1]) else 0
        assert softmax_loss([0, -np.inf], t) == expected

    def test_inputs_stay_as_they_are(self):
        y, t = softmax(SCORES), np.array(ONE_HOT, float)
        y.flags.writeable = t.flags.writeable = False
        for f in (cross_entropy_error, softmax_loss, sum_squared_error):
            f(y, t)


@pytest.mark.parametrize("loss", [cross_entropy_error, softmax_loss])
@pytest.mark.parametrize("t", [[0.0, 1.0, 0.0], 1, [0, 1, 0]])
def test_a_batch_of_one_wants_its_labels_as_a_batch(loss, t):
    with pytest.raises(ValueError, match="t must be"):
        loss(np.array([[0.2, 0.5, 0.3]]), t)
