"""The checks of chapter 6's exercises: typical answers, and the words that a student must see."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlbasics.exercises import ch06_techniques as check
from dlbasics.layers import BatchNorm, Dropout
from dlbasics.optimizers import SGD, AdaGrad, Momentum, Nesterov, RMSprop

UNSOLVED = "three dots"


def assert_verdict(verdict, right, words):
    assert (verdict.right, words in verdict.reason) == (right, True), verdict


class Rule:
    """An optimizer with a state for each key: `step(W, dW, s)` returns the new W and s."""

    def __init__(self, step, *, survives=True, shared=False):
        self.step, self.survives, self.shared = step, survives, shared
        self.state = {}

    def update(self, params, grads):
        if not self.survives:
            self.state = {}
        for key in params:
            slot = "" if self.shared else key
            state = self.state.get(slot, np.zeros_like(params[key]))
            params[key], self.state[slot] = self.step(params[key], grads[key], state)


def rolling(lr, momentum, sign=1.0):
    def step(W, dW, v):
        v = momentum * v - lr * dW
        return W + sign * v, v

    return step


def pytorch(lr, momentum):
    def step(W, dW, v):
        v = momentum * v + dW
        return W - lr * v, v

    return step


def flattened(W, dW, v):
    return (W - 0.1 * dW).sum(), v


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (Momentum, True, "rolls down the bowl"),
        (lambda lr, momentum: Rule(rolling(lr, momentum)), True, "rolls"),
        (lambda lr, momentum: Rule(pytorch(lr, momentum)), True, "rolls"),
        (lambda lr, m: Rule(rolling(lr, m), survives=False), False, "each update makes v anew"),
        (lambda lr, m: SGD(lr), False, "x after step 2 must be -6.7977, got -6.8607. This is the"),
        (lambda lr, m: Rule(rolling(-lr, m)), False, "go uphill"),
        (lambda lr, m: Rule(rolling(lr, m, sign=-1.0)), False, "the parameter a plus, W += v"),
        (lambda lr, m: Rule(rolling(lr, 1.0)), False, "no friction: multiply the old v by"),
        (lambda lr, m: Rule(rolling(1.0, m)), False, "Multiply the gradient by lr"),
        (lambda lr, m: Rule(rolling(lr, m), shared=True), False, "self.v[key]"),
        (Nesterov, False, "from (-7, 2), x after step 1 must be -6.93, got -6.867"),
        (lambda lr, m: SGD(0.0), False, "update changes nothing"),
        (lambda lr, m: Rule(lambda W, dW, v: (W * np.nan, v)), False, "got nan"),
        (lambda lr, m: Rule(flattened), False, "must keep the shape of params['x']"),
        (lambda lr, m: object(), False, "has no attribute 'update'"),
        (lambda lr, m: SimpleNamespace(update=lambda p, g: ...), None, UNSOLVED),
        (..., None, UNSOLVED),
    ],
)
def test_momentum(answer, right, words):
    assert_verdict(check.momentum(answer), right, words)


def shrinking(lr, add=np.square, divide=np.sqrt, tiny=1e-7, sign=1.0):
    def step(W, dW, h):
        h = h + add(dW)
        return W - sign * lr * dW / (divide(h) + tiny), h

    return step


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (AdaGrad, True, "your steps shrink"),
        (lambda lr: Rule(shrinking(lr)), True, "a gradient of 0 does no harm"),
        (lambda lr: Rule(shrinking(lr, tiny=1e-8)), True, "your steps shrink"),
        (lambda lr: Rule(shrinking(lr), survives=False), False, "Make the zeros once"),
        (lambda lr: Rule(shrinking(lr, divide=lambda h: h)), False, "by the square root of h, not"),
        (lambda lr: Rule(shrinking(lr, add=np.abs)), False, "squares of the gradients"),
        (lambda lr: Rule(shrinking(lr, sign=-1.0)), False, "go uphill"),
        (SGD, False, "the path of SGD"),
        (lambda lr: Rule(shrinking(lr), shared=True), False, "self.h[key]"),
        (lambda lr: Rule(shrinking(lr, tiny=0.0)), False, "0 / 0 is nan: add 1e-7 to the root"),
        (RMSprop, False, "from (-7, 2), x after step 1 must be -5.5, got 7.99998"),
        (lambda lr: SimpleNamespace(update=lambda p, g: ...), None, UNSOLVED),
    ],
)
def test_adagrad(answer, right, words):
    assert_verdict(check.adagrad(answer), right, words)


def gaussian(std):
    return lambda n_in, n_out, rng: std(n_in, n_out) * rng.standard_normal((n_in, n_out))


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (gaussian(lambda n, m: np.sqrt(2 / n)), True, "and sqrt(2 / 600) = 0.0577"),
        (gaussian(lambda n, m: np.sqrt(1 / n)), False, "must be 0.0577, got 0.0409. This is Xav"),
        (gaussian(lambda n, m: np.sqrt(2 / m)), False, "inputs of a unit, n_in, not n_out"),
        (gaussian(lambda n, m: np.sqrt(2 / (n + m))), False, "Glorot's rule"),
        (gaussian(lambda n, m: 2 / n), False, "2 / n is the variance"),
        (gaussian(lambda n, m: np.sqrt(2) / n), False, "not of 2 alone"),
        (gaussian(lambda n, m: 1), False, "Multiply the numbers"),
        (gaussian(lambda n, m: 0.01), False, "must be 0.0577, got 0.01"),
        (lambda n, m, rng: np.zeros((n, m)), False, "All weights are equal"),
        (lambda n, m, rng: np.sqrt(2 / n) * rng.random((n, m)), False, "rng.random(shape) from"),
        (lambda n, m, rng: rng.standard_normal((m, n)), False, "a row for each input"),
        (lambda n, m, rng: np.sqrt(2 / n), False, "must have shape (600, 400), got ()"),
        (lambda n, m, rng: "He", False, "must be an array of shape (600, 400), got 'He'"),
        (
            lambda n, m, rng: gaussian(lambda n, m: np.sqrt(2 / n))(n, m, np.random.default_rng(0)),
            False,
            "return the same weights",
        ),
        (lambda n, m, rng: ..., None, UNSOLVED),
        (lambda n, m, rng: None, None, "it is None so far"),
    ],
)
def test_he_weights(answer, right, words):
    assert_verdict(check.he_weights(answer), right, words)


def norm(x, axis=0, eps=1e-7, ddof=0):
    mean = x.mean(axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axis, keepdims=True, ddof=ddof) + eps)


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (lambda x, g, b: g * norm(x) + b, True, "a constant one stays finite"),
        (lambda x, g, b: g * norm(x, eps=1e-5) + b, True, "each column"),
        (lambda x, g, b: BatchNorm(g, b).forward(x), True, "each column"),
        (lambda x, g, b: g * norm(x, axis=1) + b, False, "a column is a unit: use axis=0"),
        (lambda x, g, b: g * norm(x, axis=None) + b, False, "all units together"),
        (lambda x, g, b: g * (x - x.mean(0)) / x.var(0) + b, False, "the root of the variance"),
        (lambda x, g, b: g * (x - x.mean(0)) + b, False, "Divide by the standard deviation"),
        (lambda x, g, b: g * x / x.std(0) + b, False, "Subtract the mean"),
        (lambda x, g, b: norm(x), False, "now multiply by gamma and add beta"),
        (lambda x, g, b: g * norm(x), False, "Add beta"),
        (lambda x, g, b: norm(x) + b, False, "Multiply by gamma"),
        (lambda x, g, b: g * (norm(x) + b), False, "first, then add beta"),
        (lambda x, g, b: g * norm(x, ddof=1) + b, False, "not by N - 1"),
        (lambda x, g, b: g * norm(x, eps=0) + b, False, "0 / 0 is nan: add 1e-7"),
        (
            lambda x, g, b: (x - x.mean(axis=1)) / x.std(axis=1),
            False,
            "your code raises ValueError",
        ),
        (lambda x, g, b: ..., None, UNSOLVED),
    ],
)
def test_batch_norm(answer, right, words):
    assert_verdict(check.batch_norm(answer), right, words)


class Normalization:
    """The exercise's layer; the class of each case has another `backward`."""

    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta
        self.dgamma, self.dbeta = None, None

    def forward(self, x, train_flg=True):
        self.x, self.std, self.xn = x, np.sqrt(x.var(axis=0) + 1e-7), norm(x)
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dbeta = self.sum(dout)
        self.dgamma = self.sum(self.factor() * dout)
        return self.dx(dout)

    def sum(self, rows):
        return rows.sum(axis=0)

    def factor(self):
        return self.xn

    def dx(self, dout):
        dxn = self.gamma * dout
        return (dxn - dxn.mean(axis=0) - self.xn * (self.xn * dxn).mean(axis=0)) / self.std


def with_dx(dx):
    return type("MyBatchNorm", (Normalization,), {"dx": dx})


def stretch(self, dxn):
    return self.xn * (self.xn * dxn).mean(axis=0)


class OnceRight(Normalization):
    """The first layer of the class is right, and the next ones are wrong."""

    made = 0

    def __init__(self, gamma, beta):
        super().__init__(gamma, beta)
        OnceRight.made += 1
        self.share = 1.0 if OnceRight.made == 1 else 0.5

    def dx(self, dout):
        return self.share * super().dx(dout)


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (Normalization, True, "check_gradients finds x, gamma and beta right"),
        (BatchNorm, True, "its largest error is"),
        (with_dx(lambda s, d: s.gamma * d / s.std), False, "two terms are missing"),
        (
            with_dx(lambda s, d: (s.gamma * d - (s.gamma * d).mean(axis=0)) / s.std),
            False,
            "through the standard deviation is missing",
        ),
        (
            with_dx(lambda s, d: (s.gamma * d - stretch(s, s.gamma * d)) / s.std),
            False,
            "through the mean is missing",
        ),
        (with_dx(lambda s, d: Normalization.dx(s, d) * s.std), False, "Divide by the standard"),
        (with_dx(lambda s, d: Normalization.dx(s, d) / s.gamma), False, "Multiply by gamma"),
        (with_dx(lambda s, d: d), False, "You return dout as it is"),
        (with_dx(lambda s, d: -Normalization.dx(s, d)), False, "dx[0, 0] must be"),
        (with_dx(lambda s, d: None), None, "it is None so far"),
        (type("M", (Normalization,), {"sum": lambda s, rows: rows}), False, "Add up the rows"),
        (
            type("M", (Normalization,), {"sum": lambda s, rows: rows.mean(axis=0)}),
            False,
            "self.dbeta[0] must be",
        ),
        (type("M", (Normalization,), {"factor": lambda s: 1.0}), False, "multiplied by xn, too"),
        (type("M", (Normalization,), {"factor": lambda s: s.x}), False, "by xn, not by x"),
        (
            type("M", (Normalization,), {"backward": lambda s, d: Normalization.dx(s, d)}),
            False,
            "backward must set self.dbeta, the gradient for beta",
        ),
        (OnceRight, False, "check_gradients says: <GradientReport: x WRONG"),
        (type("M", (Normalization,), {"backward": lambda s, d: ...}), None, UNSOLVED),
    ],
)
def test_batch_norm_backward(answer, right, words):
    assert_verdict(check.batch_norm_backward(answer), right, words)


def decaying(term=lambda W: np.sum(W * W) / 2, slope=lambda W: W, keys=("W1", "W2"), sign=1):
    def with_decay(loss, grads, params, decay):
        for key in keys:
            loss = loss + decay * term(params[key])
            grads[key] = grads[key] + sign * decay * slope(params[key])
        return loss, grads

    return with_decay


ALL = ("W1", "b1", "gamma1", "W2", "b2")


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (decaying(), True, "have their terms, and the others stay"),
        (decaying(keys=ALL), False, "the keys that begin with W, not b1"),
        (decaying(keys=("W1",)), False, "W2 too"),
        (decaying(keys=("W2",)), False, "W1 too"),
        (decaying(term=lambda W: np.sum(W * W)), False, "The term has a half"),
        (decaying(term=lambda W: np.sum(W * W), keys=ALL), False, "not b1 or gamma1. The term"),
        (decaying(term=lambda W: np.linalg.norm(W) / 2), False, "No square root"),
        (decaying(term=lambda W: 0), False, "Add decay / 2 times the sum of all W * W"),
        (lambda loss, g, p, d: (decaying()(loss, g, p, 1)[0], g), False, "Multiply the term by"),
        (lambda loss, g, p, d: decaying()(0, g, p, d), False, "This is the term alone"),
        (lambda loss, g, p, d: (decaying()(loss, dict(g), p, d)[0], g), False, "Add the slope of"),
        (decaying(slope=lambda W: 2 * W), False, "the gradient of W1[0, 0] must be"),
        (decaying(slope=lambda W: 2 * W), False, "The half and the 2 of the square cancel"),
        (decaying(slope=lambda W: W / 2), False, "is decay * W"),
        (decaying(slope=lambda W: W / 0.3), False, "Multiply W by decay"),
        (decaying(sign=-1), False, "The gradient gets a plus"),
        (
            lambda loss, g, p, d: (
                decaying()(loss, g, p, d)[0],
                {key: d * W if key[0] == "W" else g[key] for key, W in p.items()},
            ),
            False,
            "add it to the gradient",
        ),
        (
            lambda loss, g, p, d: (
                decaying()(loss, g, p, d)[0],
                decaying(keys=ALL)(loss, g, p, 0)[1]
                | {key: g[key] + d * p[key] for key in ("b1", "gamma1", "b2")},
            ),
            False,
            "the gradient of b1[0] must be",
        ),
        (
            lambda loss, g, p, d: (
                decaying()(loss, g, p, d)[0],
                {key: grad for key, grad in g.items() if key[0] == "W"},
            ),
            False,
            "none for 'b1'",
        ),
        (lambda loss, g, p, d: decaying()(loss, g, p, d)[0], False, "`return loss, grads`"),
        (lambda loss, g, p, d: None, False, "`return loss, grads`, got None"),
        (lambda loss, g, p, d: ..., None, UNSOLVED),
    ],
)
def test_weight_decay(answer, right, words):
    assert_verdict(check.weight_decay(answer), right, words)


class Masking:
    """The exercise's layer; the class of each case changes an attribute or a method."""

    inverted = False
    per_row = False
    wrong_way_round = False
    once = False
    keep_in_test = staticmethod(lambda kept, ratio: kept)
    back = staticmethod(lambda mask, dout: mask * dout)

    def __init__(self, dropout_ratio):
        self.ratio = dropout_ratio
        self.rng = np.random.default_rng(0)
        self.mask = None

    def forward(self, x, train_flg=True):
        kept = 1 - self.ratio
        if not train_flg:
            return x * self.keep_in_test(kept, self.ratio)
        if self.mask is None or not self.once:
            drawn = self.rng.random((len(x), 1) if self.per_row else x.shape)
            self.mask = (drawn > self.ratio) != self.wrong_way_round
        return x * self.mask / (kept if self.inverted else 1)

    def backward(self, dout):
        return self.back(self.mask, dout) / (1 - self.ratio if self.inverted else 1)


def masking(*, forward=Masking.forward, backward=Masking.backward, **changes):
    changes = {name: staticmethod(f) if callable(f) else f for name, f in changes.items()}
    methods = {"forward": forward, "backward": backward}
    return type("MyDropout", (Masking,), changes | methods)


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (Masking, True, "a quarter is off in training"),
        (Dropout, True, "the mean stays in test"),
        (masking(inverted=True, keep_in_test=lambda kept, ratio: 1), True, "inverted dropout"),
        (masking(inverted=True), False, "scale in training already"),
        (lambda ratio: Dropout(ratio, inverted=True), True, "inverted dropout"),
        (lambda ratio: Dropout(0.0), False, "Nothing is switched off"),
        (lambda ratio: Dropout(1.0), False, "must be 0 in training, got 1.00"),
        (lambda ratio: Dropout(0.5, rng=0), False, "a quarter of y must be 0 in training, got 0.5"),
        (masking(wrong_way_round=True), False, "the wrong way round"),
        (masking(per_row=True), False, "a number for each element"),
        (masking(once=True), False, "draw a new one in each forward"),
        (masking(keep_in_test=lambda kept, ratio: 1), False, "each must count less"),
        (masking(keep_in_test=lambda kept, ratio: ratio), False, "1 - dropout_ratio, not by the"),
        (masking(keep_in_test=lambda kept, ratio: 0), False, "nothing is switched off"),
        (masking(back=lambda mask, dout: dout), False, "multiply dout by the mask of forward"),
        (masking(back=lambda mask, dout: 0.75 * dout), False, "by the mask of forward"),
        (masking(back=lambda mask, dout: ~mask * dout), False, "where forward has switched x off"),
        (masking(forward=lambda s, x, f=True: (x > 1.25) * x**2), False, "must stay as it is"),
        (masking(forward=lambda s, x, f=True: x[0]), False, "must have shape (100, 100)"),
        (
            masking(forward=lambda s, x, f=True: Masking.forward(s, x)),
            False,
            "with train_flg=False some elements are 0",
        ),
        (masking(forward=lambda s, x, f=True: ...), None, UNSOLVED),
        (masking(backward=lambda s, dout: ...), None, UNSOLVED),
        (masking(backward=lambda s, dout: None), None, "it is None so far"),
    ],
)
def test_dropout(answer, right, words):
    assert_verdict(check.dropout(answer), right, words)


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (
            lambda low, high, rng: 10 ** rng.uniform(np.log10(low), np.log10(high)),
            True,
            "the four powers of ten from 0.0001 to 1 get 2",
        ),
        (lambda low, high, rng: np.exp(rng.uniform(np.log(low), np.log(high))), True, "the four"),
        (lambda low, high, rng: rng.uniform(low, high), False, "draw the exponent, not the number"),
        (
            lambda low, high, rng: rng.uniform(np.log10(low), np.log10(high)),
            False,
            "this is the exponent",
        ),
        (lambda low, high, rng: 10 ** rng.uniform(low, high), False, "must lie from 0.0001 to 1"),
        (lambda low, high, rng: 10 ** rng.uniform(np.log(low), np.log(high)), False, "must lie"),
        (lambda low, high, rng: np.log10(rng.uniform(low, high)) * 0, False, "each time"),
        (lambda low, high, rng: 0.01, False, "returns 0.01 each time"),
        (
            lambda low, high, rng: np.sqrt(10 ** rng.uniform(np.log10(low), np.log10(high))),
            False,
            "between 0.0001 and 0.001, and so on up to 1; got 0%, 0%",
        ),
        (lambda low, high, rng: rng.uniform(low, high, 5), False, "one number"),
        (lambda low, high, rng: "0.1", False, "must be 0, got '0.1'"),
        (lambda low, high, rng: ..., None, UNSOLVED),
    ],
)
def test_log_uniform(answer, right, words):
    assert_verdict(check.log_uniform(answer), right, words)
