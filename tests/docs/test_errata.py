"""What docs/errata.md says is wrong in the texts is wrong, and what it says is right is right."""

import math
import re

import numpy as np
import pytest

from dlbasics import functions, layers, networks, optimizers
from dlbasics.columns import im2col
from dlbasics.data import one_hot
from dlbasics.gradient import numerical_diff, numerical_gradient
from tests.docs.texts import BOOK, HUANG, TAKAHASHI, TAKENAWA, TILK, squeezed
from tests.helpers import ROOT, normal

PAGE = (ROOT / "docs" / "errata.md").read_text(encoding="utf-8")


# The book.


def function_1(x):
    return 0.01 * x**2 + 0.1 * x


def squared_error(y):
    return 0.5 * np.sum((np.array(y) - np.eye(10)[2]) ** 2)


NUMBERS = {
    "-0.1999999999999996": lambda: np.sum(np.array([0.5, 0.5]) * np.array([0, 1])) - 0.7,
    "0.09750000000000031": lambda: squared_error([0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0]),
    "0.5975000000000003": lambda: squared_error([0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0]),
    "0.1999999999999898": lambda: numerical_diff(function_1, 5),
    "0.29999999999986347": lambda: numerical_diff(function_1, 10),
    "6.0000000000378": lambda: numerical_diff(lambda x: x * x + 4.0**2.0, 3.0),
    "7.999999999991189": lambda: numerical_diff(lambda x: 3.0**2.0 + x * x, 4.0),
}
"""Numbers that the book prints, and the calculations whose results they are to be."""


@pytest.mark.parametrize("printed", NUMBERS)
def test_a_printed_number_is_not_what_the_listing_gives(printed):
    (row,) = [line for line in PAGE.splitlines() if f"| `{printed}` |" in line]
    right = float(row.split("|")[3].strip(" `"))
    result = float(NUMBERS[printed]())
    assert abs(result - right) < abs(float(printed) - right) / 2  # machines round differently


def test_the_error_of_the_biases_in_decimals():
    assert float("0.000000000097") == 9.7e-11
    assert float("0.00000000000097") == 9.7e-13


def test_the_h_of_the_bad_implementation():
    h = 10e-50
    assert h == 1e-49 != 1e-50
    assert f"{1e-50:.50f}".count("0") == 50
    assert f"{h:.50f}".count("0") == 50  # with the one at the end
    assert ((5 + h) ** 2 - 5**2) / h == 0


def test_the_or_gate_satisfies_figure_2_4():
    outputs = [int(-0.5 + x1 + x2 > 0) for x1, x2 in ((0, 0), (1, 0), (0, 1), (1, 1))]
    assert outputs == [0, 1, 1, 1] != [0, 1, 1, 0]


def test_the_index_order_of_two_chapters():
    x, W = np.array([2.0, 3.0]), np.array([[11.0, 12, 13], [21, 22, 23]])  # eq. 4.8
    assert (x @ W)[0] == W[0, 0] * x[0] + W[1, 0] * x[1]  # w11 x1 + w21 x2
    assert (x @ W)[0] != W[0, 0] * x[0] + W[0, 1] * x[1]  # eq. 3.8: w11 x1 + w12 x2


def test_the_probability_of_the_class_0_rounds_to_2_percent():
    y = functions.softmax(np.array([0.3, 2.9, 4.0]))
    assert [round(100 * p) for p in y.tolist()] == [2, 25, 74]


def test_images_and_labels_are_rows_of_784_and_10_columns():
    network = networks.TwoLayerNet(input_size=784, hidden_size=5, output_size=10)
    assert network.predict(np.zeros((20, 784))).shape == (20, 10)
    with pytest.raises(ValueError, match="784"):
        network.predict(np.zeros((784, 20)))


def test_one_image_has_784_pixels_and_hidden_size_counts_neurons():
    network = networks.TwoLayerNet(input_size=784, hidden_size=100, output_size=10)
    assert network.predict(np.zeros(784)).shape == (10,)
    assert network.params["b1"].shape == (100,)
    assert len(network.params) == 4  # one hidden layer


def test_a_function_falls_against_its_gradient():
    def f(x):
        return float(np.sum(x**2))

    x = np.array([3.0, 4.0])
    step = 0.1 * numerical_gradient(f, x)
    assert f(x - step) < f(x) < f(x + step)
    directions = [np.array([np.cos(a), np.sin(a)]) for a in np.linspace(0, 2 * np.pi, 361)]
    steepest = min(directions, key=lambda d: f(x + 1e-3 * d))
    np.testing.assert_allclose(steepest, -step / np.linalg.norm(step), atol=0.02)


def test_the_chain_rule_of_the_squared_sum():
    x, y = 1.5, 2.0
    t = x + y
    dz_dz, dz_dt, dt_dx = 1, 2 * t, 1
    right = numerical_diff(lambda x: (x + y) ** 2, x)
    assert dz_dz * dz_dt * dt_dx == pytest.approx(right)
    printed = right * dz_dt  # the first product of the printed line
    assert printed != pytest.approx(right)
    node = layers.MulLayer()  # t times t
    node.forward(t, t)
    assert sum(node.backward(dz_dz)) == 2 * t  # what enters the node is dz/dz, not dz/dt
    assert sum(node.backward(dz_dt)) != 2 * t


def test_110_is_the_derivative_by_the_number_of_apples():
    apple, tax = layers.MulLayer(), layers.MulLayer()
    tax.forward(apple.forward(100, 2), 1.1)
    dapples, dtax = tax.backward(1)
    assert (*apple.backward(dapples), dtax) == pytest.approx((2.2, 110, 200))
    assert apple.y == 2  # apples


def test_the_l2_norm_is_the_root_of_the_sum_of_squares():
    w = np.array([3.0, 4.0])
    assert np.linalg.norm(w) == 5
    assert np.sum(w**2) == 25
    penalty = numerical_gradient(lambda w: 0.5 * 0.1 * np.sum(w**2), w)
    np.testing.assert_allclose(penalty, 0.1 * w)  # of half the squared norm, as the text says


def test_dropout_keeps_the_mean_if_the_test_multiplies_by_the_share_of_kept_neurons():
    ratio, x = 0.2, np.ones((1_000, 100))
    dropout = layers.Dropout(ratio)
    dropout.rng = np.random.default_rng(0)
    trained = dropout.forward(x, train_flg=True).mean()
    tested = dropout.forward(x, train_flg=False).mean()
    assert tested == pytest.approx(1 - ratio)
    assert trained == pytest.approx(tested, rel=0.02)
    assert trained != pytest.approx(ratio, rel=0.5)


def test_the_digits_are_0_to_9():
    assert one_hot(np.arange(10)).shape == (10, 10)
    with pytest.raises(ValueError, match="10"):
        one_hot(np.array([0, 10]), 10)


BEST = {0.83: 3.86e-07, 0.78: 6.04e-07, 0.77: 1.27e-06, 0.74: 1.43e-05, 0.73: 8.97e-06}
"""The decay rates of the book's best five trials, by validation accuracy."""


def test_three_of_the_best_five_decay_rates_are_above_the_range_of_the_text():
    assert sum(rate > 1e-6 for rate in BEST.values()) == 3
    assert all(1e-8 < rate < 2e-5 for rate in BEST.values())
    BOOK.has(*(f"{rate:.2e}" for rate in BEST.values()))


def test_a_filter_becomes_a_column():
    x, W = normal(1, 3, 7, 7), normal(4, 3, 5, 5, seed=1)
    col = im2col(x, 5, 5)
    assert (col @ W.reshape(4, -1).T).shape == (9, 4)
    with pytest.raises(ValueError, match=r"mismatch|align"):
        col @ W.reshape(4, -1)


def test_a_size_with_a_fraction_is_rounded_down():
    H, FH, S = 8, 3, 3
    assert (H - FH) / S + 1 == pytest.approx(2.67, abs=0.01)
    assert int((H - FH) / S + 1) == 2
    assert (round((H - FH) / S + 1) - 1) * S + FH > H  # the third window would leave the image


def test_numpy_computes_with_half_floats():
    assert np.float16(2048) + np.float16(1) == np.float16(2048)
    assert (np.ones(2, np.float16) * np.float16(3)).dtype == np.float16


# Takahashi.


def test_a_mean_divides_by_the_number_of_outputs():
    y, t = np.array([0.2, 0.5, 0.3]), np.array([0, 1.0, 0])
    half_sum = 0.5 * np.sum((y - t) ** 2)
    assert half_sum == functions.sum_squared_error(y, t)
    assert half_sum == pytest.approx(1.5 * np.mean((y - t) ** 2))
    assert 10 * np.mean((normal(10) - 1) ** 2) == pytest.approx(np.sum((normal(10) - 1) ** 2))


def test_the_algorithm_of_central_differences_pushes_a_shifted_parameter():
    """The parameter is p - epsilon when it is pushed, so each step subtracts epsilon, too."""
    epsilon, rate = 1e-2, 0.1

    def steps(shifted):
        p = 1.0
        for _ in range(300):
            slope = ((p + epsilon) ** 2 - (p - epsilon) ** 2) / (2 * epsilon)
            p = (p - epsilon if shifted else p) - rate * slope
        return p

    assert steps(shifted=False) == pytest.approx(0, abs=1e-12)
    assert steps(shifted=True) == pytest.approx(-epsilon / (2 * rate))


def test_the_last_factor_of_the_example_is_the_slope_of_x():
    a, b = 0.7, 1.2  # x = ab, y = sin x, z = y^2
    x, y = a * b, math.sin(a * b)
    right = numerical_diff(lambda a: math.sin(a * b) ** 2, a)
    dz_dy, dy_dx, dx_da = 2 * y, math.cos(x), b
    assert dz_dy * dy_dx * dx_da == pytest.approx(right)
    assert dz_dy * dy_dx * right != pytest.approx(right)  # with dz/da, as printed


def test_the_derivative_by_the_scores_of_an_identity():
    x, t = normal(3), normal(3, seed=1)
    layer = layers.IdentityWithLoss()
    layer.forward(x, t)
    slopes = numerical_gradient(lambda x: 0.5 * float(np.sum((x - t) ** 2)), x)
    np.testing.assert_allclose(layer.backward(), slopes, atol=1e-9)  # by X


def test_the_inner_derivative_of_the_cross_entropy():
    """-T / (N h) is -T_ij sum_r exp(X_ir) / (N exp(X_ij)): no r is left in the denominator."""
    X, T = normal(2, 3), np.eye(3)[[0, 2]]
    h = functions.softmax(X)
    slopes = numerical_gradient(lambda h: -float(np.sum(T * np.log(h))) / 2, h.copy())
    total = np.exp(X).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(-T * total / np.exp(X) / 2, slopes, atol=1e-7)


def test_the_slope_of_a_variance():
    X, column = normal(5, 2), 0
    slopes = numerical_gradient(lambda X: float(X[:, column].var()), X.copy())
    right = 2 / 5 * (X[:, column] - X[:, column].mean())
    np.testing.assert_allclose(slopes[:, column], right, atol=1e-9)
    printed = 2 / 5 * (X[0, column] - X[:, column].mean())  # X_ij with a free i in place of X_lj
    assert not np.allclose(slopes[:, column], printed, atol=1e-3)


def test_the_gradient_of_gamma_sums_over_samples_alone():
    X, dout = normal(6, 3), normal(6, 3, seed=1)
    layer = layers.BatchNorm(np.ones(3), np.zeros(3))
    layer.forward(X)
    layer.backward(dout)
    normalized = (X - X.mean(axis=0)) / X.std(axis=0)
    one_sum = (dout * normalized).sum(axis=0)
    np.testing.assert_allclose(layer.dgamma, one_sum, atol=1e-6)
    assert not np.allclose(layer.dgamma, 3 * one_sum)  # sum over i and j of terms without a j


# Tilk.


def test_the_target_of_the_correct_answer_6():
    printed = [0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert len(printed) == 9 != 10
    assert printed.index(1) + 1 == 6  # the sixth of o outputs that count from 1: the digit 5
    assert functions.cross_entropy_error(np.full(10, 0.1), np.array(6)) == pytest.approx(
        -np.sum(np.eye(10)[6] * np.log(0.1))
    )


def test_the_slope_of_softmax_by_another_score():
    z, c = normal(4), 1
    y = functions.softmax(z)
    slopes = numerical_gradient(lambda z: float(functions.softmax(z)[c]), z.copy())
    np.testing.assert_allclose(slopes, y[c] * (np.eye(4)[c] - y), atol=1e-9)  # 1 where k = c


# Huang.

X, LABEL = np.abs(normal(7)), 1
Y = np.eye(3)[LABEL]


def small_network():
    """Return a network 7-5-4-3 with ReLU, as Huang's 784-128-64-10, and its values for X."""
    network = networks.MultiLayerNet(7, [5, 4], 3, rng=1, dtype=np.float64)
    values, x = {}, X
    for name, layer in zip(("z1", "a1", "z2", "a2", "z3"), network.layers.values(), strict=True):
        x = values[name] = layer.forward(x)
    return network, values | {"a3": functions.softmax(x)}


def right_gradients():
    network, values = small_network()
    grads = network.gradient(X[np.newaxis], np.array([LABEL]))
    numeric = network.numerical_gradient(X[np.newaxis], np.array([LABEL]))
    for key, grad in grads.items():
        np.testing.assert_allclose(grad, numeric[key], atol=1e-8)
    return network.params, values, grads


def test_relu_reaches_0():
    assert functions.relu(np.array([-2.0, 0.0, 3.0])).min() == 0


def learn(remade):
    """Return the losses of 30 rounds of steps 1 to 4, or of steps 2 to 4 after one step 1."""
    network, x, t = networks.TwoLayerNet(6, 8, 3, 0.5, rng=0), normal(40, 6), np.arange(40) % 3
    losses = []
    for round_ in range(30):
        if remade:
            network = networks.TwoLayerNet(6, 8, 3, 0.5, rng=round_)
        optimizers.SGD(0.3).update(network.params, network.gradient(x, t))
        losses.append(network.last_loss)
    return losses


def test_a_network_that_starts_anew_each_time_never_learns():
    assert learn(remade=False)[-1] < 0.8 * learn(remade=False)[0]
    assert min(learn(remade=True)[20:]) > 0.8 * np.mean(learn(remade=True))


def test_the_cost_of_a_batch_sums_over_its_samples():
    scores, t = normal(4, 3), np.array([0, 2, 1, 1])
    y, rows = functions.softmax(scores), np.eye(3)[t]
    right = layers.SoftmaxWithLoss().forward(scores, t)
    assert -np.sum(rows * np.log(y)) / 4 == pytest.approx(right)
    printed = -np.sum(rows[0] * np.log(y[0])) / 4  # eq. 14: one sample, divided by N
    assert printed != pytest.approx(right, rel=0.1)


def test_the_slope_of_the_sum_is_not_that_of_the_cost():
    params, values, grads = right_gradients()
    printed = np.repeat(values["a2"][:, np.newaxis], 3, axis=1)  # eq. 18a: a_i
    assert not np.allclose(printed, grads["W3"])
    np.testing.assert_allclose(printed * (values["a3"] - Y), grads["W3"])  # times dC/dz_j

    def z(w):
        return float(values["a2"] @ w + params["b3"][0])

    slopes = numerical_gradient(z, params["W3"][:, 0].copy())
    np.testing.assert_allclose(slopes, values["a2"], atol=1e-9)  # what eq. 18a is: dz_j/dw_ij


def test_the_slope_of_softmax_has_its_value_as_factor():
    z = normal(4)
    a = functions.softmax(z)
    jacobian = np.array(
        [
            numerical_gradient(lambda z, i=i: float(functions.softmax(z)[i]), z.copy())
            for i in range(4)
        ]
    )
    np.testing.assert_allclose(jacobian, a[:, np.newaxis] * (np.eye(4) - a), atol=1e-9)
    slope = np.diag(jacobian)  # the printed first form: f'(z_i) in place of f(z_i)
    assert not np.allclose(jacobian, slope[:, np.newaxis] * (np.eye(4) - a), atol=1e-3)


def test_one_path_through_softmax_is_not_the_slope():
    _, values, grads = right_gradients()
    a3 = values["a3"]
    one_path = a3 * (1 - a3) * (-Y / a3)  # da_j/dz_j dC/da_j
    np.testing.assert_allclose(grads["b3"], a3 - Y)
    assert not np.allclose(one_path, grads["b3"], atol=1e-3)
    all_paths = (a3[:, np.newaxis] * (np.eye(3) - a3)).T @ (-Y / a3)
    np.testing.assert_allclose(all_paths, grads["b3"])


def test_the_gradients_of_the_lower_layers_sum_over_the_outputs():
    """Equations 22c to 22f keep one output j, and 22c and 22e take it from a layer below."""
    params, values, grads = right_gradients()
    error = values["a3"] - Y
    on2, on1 = values["z2"] > 0, values["z1"] > 0
    W2, W3 = params["W2"], params["W3"]
    dz2 = on2 * (W3 @ error)
    dz1 = on1 * (W2 @ dz2)
    np.testing.assert_allclose(np.outer(values["a1"], dz2), grads["W2"])
    np.testing.assert_allclose(np.outer(X, dz1), grads["W1"])
    np.testing.assert_allclose(dz2, grads["b2"])
    np.testing.assert_allclose(dz1, grads["b1"])
    with pytest.raises(IndexError):  # eq. 22c: w_jj, for the last node j of layer H2
        W3[3, 3]
    with pytest.raises(IndexError):  # eq. 22e: w_kj, for the last node j of layer H1
        W3[:, 4]
    for j in range(3):  # eq. 22d and 22f, whichever j they mean
        assert not np.allclose(on2 * W3[:, j] * error[j], grads["b2"], atol=1e-3)
        assert not np.allclose(on1 * (W2 @ (on2 * W3[:, j] * error[j])), grads["b1"], atol=1e-3)
    for j in range(3):
        printed = values["a1"] * on2[j] * W3[j, j] * error[j]
        assert not on2[j] or not np.allclose(printed, grads["W2"][:, j], atol=1e-3)


def test_products_of_rows_need_a_transpose():
    _, values, grads = right_gradients()
    A2, error = values["a2"][np.newaxis], (values["a3"] - Y)[np.newaxis]
    with pytest.raises(ValueError, match=r"mismatch|align"):
        A2 @ error
    np.testing.assert_allclose(A2.T @ error, grads["W3"])


def test_a_hidden_layer_reads_the_layer_before():
    _, values = small_network()
    network, _ = small_network()
    with pytest.raises(ValueError, match=r"mismatch|align"):
        X @ network.params["W2"]  # the comment: X . W(2)
    np.testing.assert_allclose(values["a1"] @ network.params["W2"], values["z2"])


def test_weights_stand_in_the_row_of_the_node_below():
    network = networks.MultiLayerNet(784, [128, 64], 10, rng=0)
    shapes = [network.params[f"W{i}"].shape for i in (1, 2, 3)]
    assert shapes == [(784, 128), (128, 64), (64, 10)]  # W(3) belongs to layer O


A1 = [0.065, 0.275, 0.000, 0.243]
A2 = [0.365, 0.000, 0.094, 0.000]
A3 = [0.082, 0.067, 0.162, 0.171]
"""The first activations of each layer that Huang prints."""


def test_the_printed_gradients_of_the_tables():
    """A gradient is the activation below times the error, and 0 where the activation is 0."""
    printed = [0.030, 0.025, 0.059, 0.063]  # from numbers before they were rounded
    np.testing.assert_allclose(np.multiply(A2[0], A3), printed, atol=1.1e-3)
    assert A2[1] * A3[0] == 0 != 0.041  # table 4, second row of W(3); 0.041 is the weight
    assert A3[3] == 0.171 != 0.104  # table 4, fourth bias; 0.104 is the output of digit 6
    assert A1[2] == 0  # so the third row of table A-1 is 0: the printed 0.006 is not


def test_the_tables_print_the_wrong_weights():
    """Table A-1 has the first row of W(1) as its original W(2), and changes another row."""
    of_W1, of_W2 = [-0.043, 0.008, 0.025, 0.049], [-0.095, 0.017, 0.055, 0.106]
    new = [-0.095, 0.017, 0.055, 0.106]
    np.testing.assert_allclose(new, of_W2, atol=1e-3)  # an update is smaller than this
    assert not np.allclose(new, of_W1, atol=1e-2)


def test_a_bias_with_a_gradient_moves_and_one_without_stays():
    def step(slope):
        params = {"b": np.zeros(1)}
        optimizers.Adam().update(params, {"b": np.array([slope])})
        return float(params["b"][0])

    assert step(0.060) == pytest.approx(-1e-3, rel=1e-4)  # table 4: the last bias of O
    assert step(0.0) == 0  # table A-2: the last bias of H1
    HUANG.has("-7.441366490506412003e-04")  # figure 10b: the last bias of O moved


def test_adams_printed_step_is_the_second():
    lr, m, v = 1e-3, 0.1, 0.001  # of a gradient of 1, after one update
    steps = [lr * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t)) for t in (1, 2)]
    assert steps == pytest.approx([1e-3, 7.441e-4], rel=1e-4)


# Takenawa.


def test_one_score_lowers_the_probability_of_the_other():
    x, y = 0.3, -0.8
    u, v = functions.softmax(np.array([x, y]))
    slope = numerical_diff(lambda y: float(functions.softmax(np.array([x, y]))[0]), y)
    printed = math.exp(x + y) / (math.exp(x) + math.exp(y)) ** 2
    assert slope == pytest.approx(-u * v)
    assert printed == pytest.approx(u * v)


def test_the_cross_entropy_of_a_sigmoid_by_its_score():
    x, y = 0.4, 0.3
    layer = layers.SigmoidWithLoss()
    layer.forward(np.array([x]), np.array([y]))
    assert layer.backward()[0] == pytest.approx(1 / (1 + math.exp(-x)) - y)


def test_the_gradient_of_y_has_the_shape_of_y():
    dY = np.array([[1, 0], [0, -1], [1, 1]])
    x = np.array([[1, 3], [2, -1], [0, 1]])
    assert dY.shape == x.shape
    assert dY.sum(axis=0).tolist() == [2, 0]  # the text's answer


def lecture_steps(overwritten, steps=100):
    """Return the path on (w - 3)^2 of the rewritten Adam; lambda is kept, or overwritten."""
    w = s = r = 0.0
    rate = 0.1
    for t in range(1, steps + 1):
        g = 2 * (w - 3)
        s, r = 0.9 * s + 0.1 * g, 0.999 * r + 0.001 * g * g
        corrected = rate * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        if overwritten:
            rate = corrected
        w -= corrected * s / math.sqrt(r + 1e-8)
    return w


def test_a_learning_rate_that_is_overwritten_vanishes():
    assert lecture_steps(overwritten=False) == pytest.approx(3, abs=0.3)
    assert lecture_steps(overwritten=True) < 0.2
    rate = 1.0
    for t in range(1, 8):
        rate *= math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    assert rate < 2e-5


def test_epsilon_beside_the_uncorrected_moment_is_larger():
    """Beside r, not r / (1 - beta2^t), it counts 1000 times as much in the first step."""
    g, t, epsilon = 1e-3, 1, 1e-8
    s, r = 0.1 * g, 0.001 * g * g
    original = (s / (1 - 0.9**t)) / math.sqrt(r / (1 - 0.999**t) + epsilon)
    rewritten = math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s / math.sqrt(r + epsilon)
    assert original == pytest.approx(1, rel=0.01)
    assert rewritten == pytest.approx(1 / math.sqrt(1 + 1000 * 1e-2), rel=0.01)


def test_half_a_mean_squared_error():
    y, t = normal(5, 1), normal(5, 1, seed=1)
    loss = layers.IdentityWithLoss().forward(y, t)
    assert loss == pytest.approx(0.5 * np.mean((y - t) ** 2))
    assert loss != pytest.approx(np.mean((y - t) ** 2))


@pytest.mark.parametrize(
    ("penalty", "slope"),
    [
        (lambda W: float(np.sum(W * W)), lambda W: 2 * W),
        (lambda W: float(np.sum(abs(W))), np.sign),
    ],
    ids=["L2", "L1"],
)
def test_the_slope_of_omega_has_no_alpha(penalty, slope):
    W, alpha = normal(3, 2), 0.1
    slopes = numerical_gradient(penalty, W.copy())
    np.testing.assert_allclose(slopes, slope(W), atol=1e-8)
    assert not np.allclose(slopes, alpha * slope(W))


def test_a_squared_norm_is_the_trace_of_the_product():
    W = normal(3, 2)
    assert (W @ W.T).shape == (3, 3)
    assert np.trace(W @ W.T) == pytest.approx(np.sum(W * W))


def test_the_gradient_of_batch_norm_divides_by_the_same_root():
    X, dout, epsilon = 1e-3 * normal(6, 2), normal(6, 2, seed=1), 1e-7
    layer = layers.BatchNorm(np.ones(2), np.zeros(2))
    layer.forward(X)
    dx = layer.backward(dout)

    def printed(root):
        normalized = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + epsilon)
        d = (normalized * dout).mean(axis=0)
        return (dout - dout.mean(axis=0) - normalized * d) / root

    np.testing.assert_allclose(dx, printed(np.sqrt(X.var(axis=0) + epsilon)), rtol=1e-6)
    assert not np.allclose(dx, printed(X.std(axis=0)), rtol=1e-2)


def test_the_binary_cross_entropy_of_a_batch_is_one_number():
    x, t = normal(5, 1), np.array([[0.0], [1], [1], [0], [1]])
    y = functions.sigmoid(x)
    printed = (-t * np.log(y) - (1 - t) * np.log(1 - y)) / 5
    assert printed.shape == (5, 1)
    assert printed.sum() == pytest.approx(layers.SigmoidWithLoss().forward(x, t))


def test_the_code_of_the_softmax_loss_gives_nan_at_a_probability_of_0():
    x, t = np.array([[0.0, -800.0]]), np.array([[1.0, 0.0]])
    y = functions.softmax(x)
    with np.errstate(all="ignore"):
        assert np.isnan(-np.sum(t * np.log(y)))
    assert layers.SoftmaxWithLoss().forward(x, t) == 0


# The texts themselves, where they are.


def test_the_texts_contradict_themselves(texts):
    """Names, numbers and figures that a text gives in two ways, or that it does not have."""
    BOOK.has("Figure 8.20", "Figure 8.19: Using", "ILSVRC", "ILSRVC", "SimpleConvNet", "[h06/")
    BOOK.has("simpleConvNet", "common/layer.py", "common/layers.py", "section 8.1")
    BOOK.has("proposed in 1998", "proposed in 2012", "nearly 20 years after", r"\hat{x}_{1m}")
    BOOK.lacks("Figure 8.20:", "8.1 Making")
    assert BOOK.count("Figure 8.17 is cited from") == 2
    TAKAHASHI.has("devised in 1975", "noticed in Section 3.5")
    BOOK.has("Rosenblatt in 1957")
    assert TAKAHASHI.count(r"X_{ij} - \mu_j}{\sqrt{\sigma_j^2 + \epsilon}}$$(A.2)") == 1
    TAKAHASHI.lacks("(A.3)")
    HUANG.has("BatchSize=64, Epochs=10", "epochs set to 20", "Table 5.", "Table 8.")
    HUANG.has("third layer H2", "Original $W^{(2)}, B^{(2)}$", r"\sum_{i=0}^{n_{l+1}-1} w_{ji}")
    HUANG.has(r"w_{jk}^{(l)}$, the edge connecting the $k$-th node")
    HUANG.lacks("Table 6.", "Table 7.", "Original $W^{(1)}, B^{(1)}$")
    TAKENAWA.has("Batch Regularization: A method", r"\hat{\theta} = f(\mathbf{x}")
    TAKENAWA.has("represents the. In fact", r"\tilde{x}_{kn}")


def test_the_pages_words_and_formulas_are_the_texts(texts):
    """What docs/errata.md corrects, as the texts have it: formulas, and a few words."""
    BOOK.has("truth table in *Figure 2.5* when", "inverting all the signs")
    BOOK.has(
        r"a_1^{(1)} = w_{11}^{(1)}x_1 + w_{12}^{(1)}x_2", r"w_{11} & w_{12} & w_{13} \\ w_{21}"
    )
    BOOK.has("(1.8%)", "probability of 1%", "784 rows", "with 10 rows", "containing 50 0s")
    BOOK.has("direction that reduces the value", "784 input images", "number of hidden layers")
    BOOK.has("110 apples", "32-bit floating-point numbers are", '"0" to "10"', "into a row")
    BOOK.has("rate of the erased neurons", "rate of the erasures", "L2 norm is the sum of squares")
    BOOK.has("seven-layer network", "hidden_size_list=[100, 100, 100,100, 100]", "into a column")
    BOOK.has(r"10^{-6}$, learning advanced well", "nearest integer", "only for storage")
    BOOK.has(r"in backward propagation is $\frac{\partial z}{\partial t}$. It")
    BOOK.has(r"\frac{\partial z}{\partial x} \cdot \frac{\partial z}{\partial t} =")
    TAKAHASHI.has(
        r"E \equiv \frac{1}{2} \sum_{k} (y_k - t_k)^2 \tag{3.9}",
        r"Push (p - t \frac{E_1 - E_2}{2\epsilon}) to P'.p \leftarrow p + \epsilon",
        r"In the example of $\frac{\partial x}{\partial a}$",
        r"\frac{\partial y}{\partial x} \cdot \frac{\partial z}{\partial a}",
        r"\frac{\partial}{\partial Y}g(h(X),T) = h(X) - T. \tag{3.40}",
        r"\frac{\sum_{r} \exp(X_{ir})}{\exp(X_{ir})}",
        r"\sum_{i,j} \frac{\partial g}{\partial Y_{im}} \hat{X}_{im}",
        r"\frac{1}{N} \left( 2X_{ij}\delta_{jm} - 2\frac{1}{N}",
    )
    TILK.has("c=6", r"[0\ 0\ 0\ 0\ 0\ 1\ 0\ 0\ 0]", "equals 1 if i = j")
    HUANG.has(
        r"(0, \infty)",
        "steps 1) to 3)",
        r"C = \sum_{i=1}^{10} (y_i - a_i^{(3)})^2 \quad \dots (12)",
        r"\bar{C} = -\frac{1}{N} \sum_{i=1}^{10} (y_i \log_e a_i^{(3)})",
        r"\frac{\partial C}{\partial w_{i,j}^{(l)}} = a_i^{(l-1)} \quad \dots (18a)",
        r"\frac{\partial C}{\partial w_{3,2}^{(3)}} = a_3^{(2)}$$",
        r"= f'(z_i^{(3)}) \cdot (1\{i = j\} - f(z_j^{(3)}))",
        r"= f(z_i^{(3)}) \cdot (1\{i = j\} - f(z_j^{(3)}))",
        r"\frac{\partial C}{\partial a_j^{(3)}} = (a_j^{(3)} - y_j) \quad \dots (22b)",
        r"w_{j,j}^{(3)} \cdot (a_j^{(3)} - y_j) \quad \dots (22c)",
        r"w_{i,j}^{(3)} \cdot (a_j^{(3)} - y_j) \quad \dots (22d)",
        r"w_{k,j}^{(3)}] \cdot (a_j^{(3)} - y_j) \quad \dots (22e)",
        r"w_{k,j}^{(3)}] \cdot (a_j^{(3)} - y_j) \quad \dots (22f)",
        r"A^{(2)} (A^{(3)} - y)",
        r"0.065 \\ 0.275 \\ 0.000 \\ 0.243 \\ \vdots \\ 0.468 \end{bmatrix} \\ A^{(2)} [1,64]",
        "0.041 0.000 0.000 0.000 ... 0.000 0.067",
        "0.000 0.000 0.000 0.000 ... 0.000 0.104",
        "0.000 0.000 0.000 0.000 ... 0.000 0.060",
        "0.199 -0.165 0.180 0.236 ... 0.134 0.000",
        "Z^{(2)} = X \\cdot W^{(2)} + B^{(2)}",
        "Original $W^{(2)}, B^{(2)}$ <div> −0.043 0.008 0.025 0.049",
        "−0.000 −0.000 0.000 0.000 ... 0.006",
        "-0.072 -0.025 0.000 -0.033 ⋮ 0.000",
        "7.441e-4 7.441e-4 0.000 7.441e-4 ⋮ 7.441e-4",
        r"\frac{\partial C}{\partial b_i^{(2)}} = f'(z_i^{(1)}) \sum",
        "$t$ : timestep, initialize to 0",
    )
    TAKENAWA.has(
        r"\frac{e^{x+y}}{(e^x + e^y)^2} = -uv",
        r"\frac{\partial z}{\partial x} &= \left( -\frac{y}{\hat{y}}",
        r"\begin{bmatrix} 1 & 0 & & \\ 0 & -1 & 1 & 1 \end{bmatrix}",
        r"E = \frac{1}{2N} \sum_{n=0}^{N-1} (\hat{Y}_n - Y_n)^2",
        r"E = \frac{1}{N}(-T \log(Y) - (1 - T) \log(1 - Y))",
        "loss = -np.sum(t * np.log(y))/batch_size",
        r"\frac{\tilde{\mathbf{s}}}{\sqrt{\tilde{\mathbf{r}} + \epsilon}}",
        r"\frac{\mathbf{s}}{\sqrt{\mathbf{r} + \epsilon}}",
        r"\lambda \leftarrow \lambda \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}",
        r"2\alpha W^{(l)}",
        r"\alpha \text{sign } W^{(l)}",
        r"W^{(l)} \left(W^{(l)}\right)^T",
        r"\frac{\gamma}{\sigma} \left(",
    )


# The page.

SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
TEXTS = {"Saitoh": BOOK, "Takahashi": TAKAHASHI, "Tilk": TILK, "Huang": HUANG, "Takenawa": TAKENAWA}


def rows(section):
    return re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ((?:`[^`|]+`(?:, )?)+) \|$", section, re.MULTILINE
    )


def test_the_page_has_a_section_for_each_text_and_every_row_is_read():
    assert [title.split(",")[0] for title in SECTIONS] == [*TEXTS]
    for section in SECTIONS.values():
        lines = [line for line in section.splitlines() if line.startswith("|")]
        assert len(rows(section)) == len(lines) - 2 > 0


@pytest.mark.parametrize("title", SECTIONS)
def test_a_number_or_name_that_is_said_to_be_printed_is(title, texts):
    printed = [
        found for _, cell, *_ in rows(SECTIONS[title]) for found in re.findall("`(.*?)`", cell)
    ]
    TEXTS[title.split(",")[0]].has(*printed)


def test_texts_are_compared_without_blanks_and_signs():
    assert squeezed("a b\n$c$ \\_d") == "abc_d"
