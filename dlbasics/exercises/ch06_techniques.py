"""The checks of chapter 6's notebook."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.reprs import brief
from dlbasics.exercises.mistakes import expect_unchanged
from dlbasics.exercises.verdict import Wrong, as_numbers, exercise, expect
from dlbasics.gradient_check import check_gradients

Mistakes = Sequence[tuple[Any, str]]
"""Results of typical mistakes, each with the sentence that explains it."""

Step = Callable[[float, float, float], tuple[float, float]]
"""A function of a parameter, its gradient and its state, which returns the new parameter and state.

The state is the velocity v of Momentum, or the sum h of AdaGrad.
"""

START = {"x": -7.0, "y": 2.0}
"""Where the descents begin, on the bowl x^2 / 20 + y^2."""

STEPS = 30


@exercise
def momentum(answer: Callable[[float, float], Any]) -> str:
    """Check a class MyMomentum(lr, momentum): its path down the book's bowl."""
    right = _rolling(0.9, 0.1)
    _compare_paths(
        _path(answer(0.1, 0.9)),
        _descent(right),
        [
            (
                _descent(_rolling(0, 0.1)),
                "This is the path of SGD: each update makes v anew. Make the zeros once, where "
                "self.v is still None",
            ),
            (
                _descent(_rolling(0.9, -0.1)),
                "Your steps go uphill. The velocity gets a minus, v = momentum * v - lr * grad, "
                "and the parameter a plus, W += v",
            ),
            (
                _descent(_rolling(1, 0.1)),
                "Your ball has no friction: multiply the old v by momentum",
            ),
            (_descent(_rolling(0.9, 1)), "Multiply the gradient by lr"),
            (
                _descent(right, shared=True),
                "x and y share one velocity. Keep one for each key, in a dict: self.v[key]",
            ),
        ],
    )
    mistakes = [(_descent(right), "Use the lr and the momentum that the class is given")]
    _compare_paths(_path(answer(0.2, 0.5)), _descent(_rolling(0.5, 0.2)), mistakes)
    return "your ball rolls down the bowl as that of dlbasics does"


@exercise
def adagrad(answer: Callable[[float], Any]) -> str:
    """Check a class MyAdaGrad(lr): its path down the book's bowl, and a gradient of 0."""
    right = _shrinking(1.5)
    _compare_paths(
        _path(answer(1.5)),
        _descent(right),
        [
            (
                _descent(_shrinking(1.5, kept=0)),
                "Each step is as long as lr: your h holds the last gradient alone. Make the zeros "
                "once, where self.h is still None, and add to them with +=",
            ),
            (
                _descent(_shrinking(1.5, root=float)),
                "Divide by the square root of h, not by h",
            ),
            (
                _descent(_shrinking(1.5, power=1)),
                "h adds up the squares of the gradients: grad * grad",
            ),
            (_descent(_shrinking(-1.5)), "Your steps go uphill: subtract them from the parameter"),
            (
                _descent(_rolling(0, 1.5)),
                "This is the path of SGD: divide the step by the square root of h",
            ),
            (
                _descent(right, shared=True),
                "x and y share one h. Keep one for each key, in a dict: self.h[key]",
            ),
        ],
    )
    mistakes = [(_descent(right), "Use the lr that the class is given")]
    _compare_paths(_path(answer(0.5)), _descent(_shrinking(0.5)), mistakes)
    params = {"W": np.array([1.0])}
    with np.errstate(all="ignore"):
        answer(1.5).update(params, {"W": np.array([0.0])})
    _explain(
        params["W"],
        np.array([1.0]),
        "after a step with the gradient 0, W",
        [([math.nan], "The root of h is 0, and 0 / 0 is nan: add 1e-7 to the root")],
    )
    return "your steps shrink as those of dlbasics do, and a gradient of 0 does no harm"


@exercise
def he_weights(answer: Callable[[int, int, np.random.Generator], Any]) -> str:
    """Check he_weights(n_in, n_out, rng): shape, mean and standard deviation."""
    n_in, n_out = 600, 400
    rng = np.random.default_rng(0)
    W = answer(n_in, n_out, rng)
    call = f"he_weights({n_in}, {n_out}, rng)"
    shape = np.shape(W) if _is_array(W) else ()
    if shape == (n_out, n_in):
        raise Wrong(f"{call} must have shape ({n_in}, {n_out}): a row for each input, got {shape}")
    expect(np.zeros(shape) if _is_array(W) else W, np.zeros((n_in, n_out)), call)
    mean, std = float(np.mean(W)), float(np.std(W))
    he = math.sqrt(2 / n_in)
    if not abs(mean) < 0.05 * he:
        raise Wrong(
            f"the mean of {call} must be about 0, got {mean:.3g}. rng.standard_normal(shape) draws "
            "numbers around 0, rng.random(shape) from 0 to 1"
        )
    if not 0.98 * he < std < 1.02 * he:
        mistakes = [
            (1 / math.sqrt(n_in), "This is Xavier's rule; for ReLU the variance is twice as large"),
            (math.sqrt(2 / n_out), "n is the number of inputs of a unit, n_in, not n_out"),
            (math.sqrt(2 / (n_in + n_out)), "This is Glorot's rule; He's has n_in alone"),
            (2 / n_in, "2 / n is the variance: the standard deviation is its square root"),
            (math.sqrt(2) / n_in, "The root is that of 2 / n_in, not of 2 alone"),
            (1.0, "Multiply the numbers by the standard deviation"),
            (0.0, "All weights are equal, so all units would stay equal"),
        ]
        hints = [f". {hint}" for value, hint in mistakes if abs(std - value) <= 0.02 * value]
        raise Wrong(
            f"the standard deviation of {call} must be {he:.3g}, got {std:.3g}{''.join(hints)}"
        )
    if np.array_equal(W, answer(n_in, n_out, rng)):
        raise Wrong(
            "two calls with the same rng return the same weights: draw from the rng that you get"
        )
    if not np.array_equal(W, answer(n_in, n_out, np.random.default_rng(0))):
        raise Wrong("two calls with the same seed differ: draw from the rng that you get")
    std_of_few = float(np.std(answer(24, 400, rng)))
    if not 0.95 < std_of_few / math.sqrt(2 / 24) < 1.05:
        raise Wrong(
            f"the standard deviation of he_weights(24, 400, rng) must be {math.sqrt(2 / 24):.3g}, "
            f"got {std_of_few:.3g}. It depends on n_in"
        )
    return f"the standard deviation for {n_in} inputs is {std:.4f}, and sqrt(2 / {n_in}) = {he:.4f}"


@exercise
def batch_norm(answer: Callable[[Array, Array, Array], Any]) -> str:
    """Check batch_norm(x, gamma, beta): a batch (N, D), and a column that is constant."""
    rng = np.random.default_rng(0)
    x = rng.normal([5, -2, 0], [3, 1, 2], (6, 3))
    gamma, beta = np.array([1.0, 2.0, 0.5]), np.array([0.0, -1.0, 3.0])
    mean, std = x.mean(axis=0), x.std(axis=0)
    xn = (x - mean) / std
    by_row = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    by_all = (x - x.mean()) / x.std()
    _explain(
        answer(x.copy(), gamma.copy(), beta.copy()),
        gamma * xn + beta,
        "y",
        [
            (gamma * by_row + beta, "You normalize each row; a column is a unit: use axis=0"),
            (gamma * by_all + beta, "You normalize all units together: give mean and var axis=0"),
            (gamma * (x - mean) / std**2 + beta, "Divide by the root of the variance"),
            (gamma * (x - mean) + beta, "Divide by the standard deviation"),
            (gamma * x / std + beta, "Subtract the mean"),
            (xn, "Your x is normalized; now multiply by gamma and add beta"),
            (gamma * xn, "Add beta"),
            (xn + beta, "Multiply by gamma"),
            (gamma * (xn + beta), "Multiply by gamma first, then add beta"),
            (
                gamma * (x - mean) / x.std(axis=0, ddof=1) + beta,
                "The variance of a batch divides by N, not by N - 1",
            ),
        ],
        tolerance=1e-4,  # some texts have an eps of 1e-5
    )
    constant = np.full((4, 1), 2.0)
    with np.errstate(all="ignore"):
        y = answer(constant, np.array([1.0]), np.array([3.0]))
    _explain(
        y,
        np.full((4, 1), 3.0),
        "for a column of equal numbers and beta 3, y",
        [(np.full((4, 1), math.nan), "The variance is 0, and 0 / 0 is nan: add 1e-7 to it")],
    )
    return "each column has mean beta and standard deviation gamma, and a constant one stays finite"


@exercise
def batch_norm_backward(answer: Callable[[Array, Array], Any]) -> str:
    """Check a class MyBatchNorm(gamma, beta) with backward(dout), by a gradient check."""
    rng = np.random.default_rng(1)
    x, dout = rng.normal(2, 3, (6, 3)), rng.standard_normal((6, 3))
    gamma, beta = np.array([1.0, 2.0, 0.5]), np.array([0.0, -1.0, 3.0])
    layer = answer(gamma.copy(), beta.copy())
    layer.forward(x.copy())
    dx = layer.backward(dout.copy())
    _check_dots(dx)

    std = x.std(axis=0)
    xn = (x - x.mean(axis=0)) / std
    dxn = gamma * dout
    shift, stretch = dxn.mean(axis=0), xn * (xn * dxn).mean(axis=0)
    for name, wanted, mistakes in (
        (
            "dbeta",
            dout.sum(axis=0),
            [(dout, "Add up the rows"), (dout.mean(axis=0), "Add up the rows: no mean")],
        ),
        (
            "dgamma",
            (xn * dout).sum(axis=0),
            [
                (dout.sum(axis=0), "gamma is multiplied by xn, so dout is multiplied by xn, too"),
                ((x * dout).sum(axis=0), "gamma is multiplied by xn, not by x"),
                (xn * dout, "Add up the rows"),
                ((xn * dout).mean(axis=0), "Add up the rows: no mean"),
            ],
        ),
    ):
        if getattr(layer, name, None) is None:
            raise Wrong(f"backward must set self.{name}, the gradient for {name[1:]}")
        _explain(getattr(layer, name), wanted, f"self.{name}", mistakes, tolerance=1e-4)
    _explain(
        dx,
        (dxn - shift - stretch) / std,
        "dx",
        [
            (
                dxn / std,
                "You take mean and std as constants. They depend on x, too: two terms are missing",
            ),
            ((dxn - shift) / std, "The path through the standard deviation is missing"),
            ((dxn - stretch) / std, "The path through the mean is missing: subtract dxn's mean"),
            (dxn - shift - stretch, "Divide by the standard deviation"),
            ((dout - shift / gamma - stretch / gamma) / std, "Multiply by gamma"),
            (dout, "You return dout as it is"),
        ],
        tolerance=1e-4,
    )
    report = check_gradients(answer(gamma.copy(), beta.copy()), x[:5])  # another N
    if not report:
        raise Wrong(f"check_gradients says: {report!r}")
    error = max(check.error for check in report.checks)
    return f"check_gradients finds x, gamma and beta right; its largest error is {error:.0e}"


@exercise
def weight_decay(answer: Callable[..., Any]) -> str:
    """Check with_decay(loss, grads, params, decay), which returns a loss and gradients."""
    rng = np.random.default_rng(2)
    shapes = {"W1": (4, 3), "b1": (3,), "gamma1": (3,), "W2": (3, 2), "b2": (2,)}
    params = {key: rng.standard_normal(shape) for key, shape in shapes.items()}
    grads = {key: rng.standard_normal(shape) for key, shape in shapes.items()}
    loss, decay = 2.0, 0.3
    given = [{key: array.copy() for key, array in each.items()} for each in (grads, params)]
    returned = answer(loss, *given, decay)
    _check_dots(returned)
    for key, param in params.items():
        expect_unchanged(given[1][key], param, f"params[{key!r}]")
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], dict)):
        raise Wrong(
            "with_decay must return the loss and the dict of gradients, "
            f"`return loss, grads`, got {brief(returned)}"
        )
    squares = {key: float((W * W).sum()) for key, W in params.items()}
    of_weights, of_all = squares["W1"] + squares["W2"], sum(squares.values())
    only_weights = "Only the weights decay: the keys that begin with W, not b1 or gamma1"
    _explain(
        returned[0],
        loss + decay / 2 * of_weights,
        "the loss",
        [
            (loss, "Add decay / 2 times the sum of all W * W"),
            (loss + decay * of_weights, "The term has a half: decay / 2"),
            (loss + of_weights / 2, "Multiply the term by decay"),
            (loss + decay / 2 * of_all, only_weights),
            (loss + decay * of_all, f"{only_weights}. The term has a half: decay / 2"),
            (loss + decay / 2 * squares["W1"], "Add the terms of all weights, W2 too"),
            (loss + decay / 2 * squares["W2"], "Add the terms of all weights, W1 too"),
            (
                loss + decay / 2 * sum(math.sqrt(squares[key]) for key in ("W1", "W2")),
                "No square root: the term is the sum of the squares",
            ),
            (decay / 2 * of_weights, "This is the term alone: add it to the loss"),
        ],
    )
    if missing := [key for key in grads if key not in returned[1]]:
        raise Wrong(f"the gradients must have all keys of grads, got none for {missing[0]!r}")
    for key, grad in grads.items():
        is_weight = key.startswith("W")
        mistakes = [
            (grad, "Add the slope of the new term of the loss"),
            (grad + 2 * decay * params[key], "The half and the 2 of the square cancel: decay * W"),
            (grad + decay / 2 * params[key], "The slope of decay / 2 * W * W is decay * W"),
            (grad + params[key], "Multiply W by decay"),
            (grad - decay * params[key], "The gradient gets a plus; update subtracts it"),
            (decay * params[key], "This is the new term alone: add it to the gradient"),
        ]
        _explain(
            returned[1][key],
            grad + decay * params[key] if is_weight else grad,
            f"the gradient of {key}",
            mistakes if is_weight else [(grad + decay * params[key], only_weights)],
        )
    return "the loss and the gradients of W1 and W2 have their terms, and the others stay"


@exercise
def dropout(answer: Callable[[float], Any]) -> str:
    """Check a class MyDropout(dropout_ratio): its mask, backward and test mode."""
    ratio, kept = 0.25, 0.75
    layer = answer(ratio)
    x = 1 + np.random.default_rng(3).random((100, 100))
    y = layer.forward(x.copy(), True)
    expect(np.zeros(np.shape(y)) if _is_array(y) else y, np.zeros(x.shape), "in training, y")
    mask = np.asarray(y) != 0
    scale = float(np.asarray(y)[mask].mean() / x[mask].mean()) if mask.any() else 0.0
    if len({*mask.any(axis=0)}) == 2 or len({*mask.any(axis=1)}) == 2:
        raise Wrong("whole rows or columns are 0: draw a number for each element, of x.shape")
    share = 1 - mask.mean()
    if abs(share - ratio) > 0.03:
        hints = {
            0.0: ". Nothing is switched off: multiply x by the mask",
            kept: ". Your mask is the wrong way round: keep where the number is above the ratio",
        }
        hint = next((hint for at, hint in hints.items() if abs(share - at) < 0.03), "")
        raise Wrong(
            f"with dropout_ratio {ratio}, a quarter of y must be 0 in training, "
            f"got {share:.2f}{hint}"
        )
    if not np.allclose(np.asarray(y)[mask], scale * x[mask]):
        raise Wrong("in training, an element that is kept must stay as it is")

    dout = np.random.default_rng(4).random(x.shape) + 1
    _explain(
        layer.backward(dout.copy()),
        scale * mask * dout,
        "the dx of backward",
        [
            (dout, "backward must multiply dout by the mask of forward"),
            (dout * kept, "backward must multiply dout by the mask of forward"),
            (~mask * dout, "backward passes dout where forward has switched x off"),
        ],
    )
    y = layer.forward(x.copy(), False)
    if _is_array(y) and 0 < np.mean(np.asarray(y) == 0) < 1:
        raise Wrong("with train_flg=False some elements are 0: there, nothing is switched off")
    _explain(
        y,
        kept * scale * x,
        "with train_flg=False, y",
        [
            (x, "All elements work now, so each must count less: multiply by 1 - dropout_ratio"),
            (ratio * x, "Multiply by the share that is kept, 1 - dropout_ratio, not by the ratio"),
            (0 * x, "There, nothing is switched off"),
            (kept * x, "You scale in training already: return x as it is"),
        ],
    )
    if np.array_equal(mask, np.asarray(layer.forward(x.copy(), True)) != 0):
        raise Wrong("two batches get the same mask: draw a new one in each forward")
    half = answer(0.5)
    share = float(np.mean(np.asarray(half.forward(x.copy(), True)) == 0))
    ratio_of_test = float(np.mean(half.forward(x.copy(), False)) / x.mean())
    if abs(share - 0.5) > 0.03 or not math.isclose(ratio_of_test, 0.5 if scale < 1.1 else 1):
        raise Wrong(
            f"with dropout_ratio 0.5, a share of {share:.2f} is 0 in training, and in test x is "
            f"multiplied by {ratio_of_test:.3g}. Use the ratio that the class is given"
        )
    if not math.isclose(scale, 1):
        return (
            "yours scales in training and not in test, as most libraries do (inverted dropout); "
            "the mean is the same in both, and backward uses the mask of forward"
        )
    return "a quarter is off in training, backward uses the same mask, and the mean stays in test"


@exercise
def log_uniform(answer: Callable[[float, float, np.random.Generator], Any]) -> str:
    """Check log_uniform(low, high, rng): each power of ten is drawn equally often."""
    low, high = 1e-4, 1.0
    rng = np.random.default_rng(5)
    first = answer(low, high, rng)
    expect(0 if _is_array(first) else first, 0, "log_uniform(0.0001, 1, rng)")
    if np.ndim(first) != 0:
        raise Wrong(f"log_uniform must return one number, got an array of shape {np.shape(first)}")
    drawn = np.array([first, *(answer(low, high, rng) for _ in range(3999))], float)
    if np.ptp(drawn) == 0:
        raise Wrong(f"log_uniform returns {brief(drawn[0])} each time: draw from rng")
    if (drawn < 0).all():
        raise Wrong(f"got {drawn[0]:.3g}: this is the exponent; return 10 to its power")
    slack = 1e-9
    if not ((drawn >= low * (1 - slack)) & (drawn <= high * (1 + slack))).all():
        with np.errstate(all="ignore"):
            far = drawn[np.argmax(np.abs(np.log(np.abs(drawn) / math.sqrt(low * high))))]
        raise Wrong(
            f"log_uniform(0.0001, 1, rng) must lie from 0.0001 to 1, got {far:.3g}. Draw the "
            "exponent from log10(low) to log10(high), and return 10 to its power"
        )
    counts, _ = np.histogram(np.log10(drawn), 4, (-4 - slack, slack))
    shares = ", ".join(f"{count / len(drawn):.0%}" for count in counts)
    if np.abs(counts / len(drawn) - 0.25).max() > 0.05:
        hint = ". This is uniform: draw the exponent, not the number" if counts[-1] > 3200 else ""
        raise Wrong(
            "a quarter of the numbers must lie between 0.0001 and 0.001, and so on up to 1; "
            f"got {shares}{hint}"
        )
    for number in (float(answer(1e-3, 1e-2, rng)) for _ in range(20)):
        if not 1e-3 * (1 - slack) <= number <= 1e-2 * (1 + slack):
            raise Wrong(f"log_uniform(0.001, 0.01, rng) must lie between the two, got {number:.3g}")
    if len({float(answer(low, high, np.random.default_rng(5))) for _ in range(2)}) == 2:
        raise Wrong("two calls with the same seed differ: draw from the rng that you get")
    return f"the four powers of ten from 0.0001 to 1 get {shares} of your numbers"


def _rolling(share: float, lr: float) -> Step:
    """Return the rule of Momentum; a share of 0 makes it SGD."""

    def step(W: float, dW: float, v: float) -> tuple[float, float]:
        v = share * v - lr * dW
        return W + v, v

    return step


def _shrinking(
    lr: float, *, kept: int = 1, power: int = 2, root: Callable[[float], float] = math.sqrt
) -> Step:
    """Return the rule of AdaGrad; `kept` is 0 for an h that forgets."""

    def step(W: float, dW: float, h: float) -> tuple[float, float]:
        h = kept * h + abs(dW) ** power
        return W - lr * dW / (root(h) + 1e-7), h

    return step


def _descent(step: Step, *, shared: bool = False) -> Array:
    """Return the points of a descent down the bowl, (STEPS + 1, 2).

    Args:
        step: The rule.
        shared: If True, x and y have one state together, which is a mistake.
    """
    place, state = dict(START), dict.fromkeys(START, 0.0)
    places = [[*place.values()]]
    for _ in range(STEPS):
        grads = _bowl_gradient(place)
        for key in place:
            slot = "x" if shared else key
            place[key], state[slot] = step(place[key], grads[key], state[slot])
        places.append([*place.values()])
    return np.array(places)


def _path(optimizer: Any) -> Array:
    """Return the points of the reader's optimizer down the bowl, (STEPS + 1, 2)."""
    params = {key: np.array([value]) for key, value in START.items()}
    places = [[*START.values()]]
    for _ in range(STEPS):
        with np.errstate(all="ignore"):
            _check_dots(optimizer.update(params, _bowl_gradient(params)))
        for key, value in params.items():
            if np.shape(value) != (1,):
                raise Wrong(f"update must keep the shape of params[{key!r}], got {brief(value)}")
        places.append([float(value[0]) for value in params.values()])
    if places[-1] == places[0]:
        raise Wrong("update changes nothing: assign to params[key], as in params[key] += ...")
    return np.array(places)


def _bowl_gradient(place: Any) -> dict[str, Any]:
    return {"x": place["x"] / 10, "y": 2 * place["y"]}


def _compare_paths(got: Array, wanted: Array, mistakes: Mistakes) -> None:
    """Compare two paths point by point; name the mistake that made the whole path."""
    hints = [f". {hint}" for path, hint in mistakes if np.allclose(got, path)]
    for step, (ours, theirs) in enumerate(zip(got, wanted, strict=True)):
        for key, one, other in zip(START, ours, theirs, strict=True):
            try:
                expect(one, other, f"from (-7, 2), {key} after step {step}")
            except Wrong as wrong:
                raise Wrong(f"{wrong}{''.join(hints)}") from None


def _explain(
    got: Any, wanted: Any, what: str, mistakes: Mistakes, *, tolerance: float = 1e-6
) -> None:
    """Do what `expect` does; if a typical mistake gives `got`, say which."""
    try:
        expect(got, wanted, what, tolerance=tolerance)
    except Wrong as wrong:
        for result, hint in mistakes:
            if np.shape(got) == np.shape(result) and np.allclose(
                np.asarray(got, float), result, rtol=tolerance, atol=tolerance, equal_nan=True
            ):
                raise Wrong(f"{wrong}. {hint}") from None
        raise


def _check_dots(returned: Any) -> None:
    """Raise Unsolved if a method still returns the three dots; it may return None."""
    if returned is ...:
        expect(returned, 0, "")


def _is_array(value: Any) -> bool:
    """Return whether a value is a number or an array of numbers."""
    return as_numbers(value) is not None
