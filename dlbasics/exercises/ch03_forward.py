"""The checks of chapter 3's notebook."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlbasics import functions
from dlbasics.exercises.hints import as_pair, expect_or_hint, mistake_in
from dlbasics.exercises.mistakes import compare, expect_unchanged
from dlbasics.exercises.verdict import Wrong, exercise, expect

Arrays = dict[str, np.ndarray]

EXP = "np.exp takes whole arrays; math.exp takes one number"


@exercise
def sigmoid(answer: Callable[[Any], Any]) -> str:
    """Check sigmoid(x) = 1 / (1 + exp(-x)), for numbers and arrays."""
    h = functions.sigmoid
    x = np.array([-1.0, 1.0, 2.0])
    got = _of_array(answer, x, EXP)
    mistakes = {
        "Use exp(-x), not exp(x)": h(-x),
        "Put 1 + exp(-x) in parentheses: all of it is below the line": 1 + np.exp(-x),
        "Add exp(-x) to 1, do not subtract it": 1 / (1 - np.exp(-x)),
        "The 1 in the sum below the line is missing": np.exp(x),
        "This is tanh, which goes from -1 to 1": np.tanh(x),
    }
    compare(got, h(x), "sigmoid([-1, 1, 2])", mistakes)
    expect(answer(0.0), 0.5, "sigmoid(0.0)")
    column = x.reshape(3, 1)
    expect(answer(column), h(column), "sigmoid of an array of shape (3, 1)")
    return "it rises from near 0 to near 1, and is 0.5 at 0"


@exercise
def relu(answer: Callable[[Any], Any]) -> str:
    """Check relu(x): x where x > 0, else 0."""
    x = np.array([-2.0, -0.5, 0.0, 1.5, 3.0])
    given = x.copy()
    hint = "np.maximum and np.where take whole arrays; `if` and `max` take one number"
    got = _of_array(answer, given, hint)
    mistakes = {
        "This is the step function; numbers above 0 stay as they are": x > 0,
        "Numbers below 0 become 0": x,
        "Numbers below 0 become 0, not positive": np.abs(x),
        "Keep the numbers above 0, not those below": np.minimum(x, 0),
        "np.max is the largest number of the array; np.maximum compares two": x.max(),
        "Keep all places, with a 0 where x is not above 0": x[x > 0],
    }
    compare(got, np.maximum(x, 0), f"relu({x.tolist()})", mistakes)
    expect_unchanged(given, x, "x")
    square = x[:4].reshape(2, 2)
    expect(answer(square.copy()), np.maximum(square, 0), "relu of an array of shape (2, 2)")
    return "it passes what is above 0, makes 0 of the rest, and leaves x alone"


@exercise
def matmul(answer: Callable[[Any, Any], Any]) -> str:
    """Check matmul(A, B), the product of two matrices."""
    A, B = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 9.0]])
    mistakes = {
        "You multiply numbers in the same place": A * B,
        "This is B times A": B @ A,
        "Rows and columns of the result are exchanged": (A @ B).T,
        "You take a row of B": A @ B.T,
        "You take a column of A": A.T @ B,
        "Add up all products, not only the last one": A[:, -1:] * B[-1],
    }
    big = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4) - 5
    for first, second in ((A, B), big):
        got, wanted = answer(first.copy(), second.copy()), first @ second
        what = f"matmul({first.tolist()}, {second.tolist()})"
        rule = "Element [i, j] is row i of A times column j of B, added up"
        mistake = mistake_in(got, mistakes)
        expect_or_hint(got, wanted, what, f"{mistake}. {rule}" if mistake else rule)
    return "each element is a row of A times a column of B"


@exercise
def forward(answer: Callable[[Arrays, Any], Any]) -> str:
    """Check forward(network, x): three layers, with the sigmoid after the first and the second."""
    rng = np.random.default_rng(0)
    shapes: dict[str, Any] = {"W1": (2, 3), "b1": 3, "W2": (3, 2), "b2": 2, "W3": (2, 2), "b3": 2}
    network: Arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    x, h, same = np.array([1.0, 0.5]), functions.sigmoid, functions.identity_function

    def output(*functions: Callable[[Any], Any], bias: int = 1) -> Any:
        """Return what layers with these functions make of x; 0 leaves out the biases."""
        z = x
        for i, function in enumerate(functions, start=1):
            z = function(z @ network[f"W{i}"] + bias * network[f"b{i}"])
        return z

    mistakes = {
        "No sigmoid after the last layer": output(h, h, h),
        "The sigmoid after the first layer is missing": output(same, h, same),
        "The sigmoid after the second layer is missing": output(h, same, same),
        "The sigmoids after the first and the second layer are missing": output(same, same, same),
        "The biases are missing": output(h, h, same, bias=0),
        "These are the signals after the first layer": output(h),
        "These are the signals after the second layer": output(h, h),
    }
    got = answer({name: array.copy() for name, array in network.items()}, x.copy())
    compare(got, output(h, h, same), "forward(network, x) of another network", mistakes)
    return "the signals pass three layers, here with other weights than above"


@exercise
def collapse(answer: Callable[[Any, Any, Any, Any], tuple[Any, Any]]) -> str:
    """Check collapse(W1, b1, W2, b2): the (W, b) of one layer that equals two without h."""
    rng = np.random.default_rng(0)
    known_W, known_b = {}, {}
    for D, H, M in ((2, 2, 2), (3, 4, 2)):
        W1, b1, W2, b2 = (rng.normal(size=shape) for shape in ((D, H), H, (H, M), M))
        pair = answer(W1.copy(), b1.copy(), W2.copy(), b2.copy())
        W, b = as_pair(pair, "the result of collapse", "(W, b)")
        if D == M:  # in other cases, most of these fit no shape
            known_W = {
                "x meets W1 first: it is W1 @ W2": W2 @ W1,
                "* multiplies numbers in the same place; @ is the product of matrices": W1 * W2,
                "x W1 W2 has a product of W1 and W2, not a sum": W1 + W2,
            }
            known_b = {
                "b1 passes the second layer, too: W2 multiplies it": b1 + b2,
                "The bias b2 of the second layer is missing": b1 @ W2,
                "The bias b1 of the first layer is missing": b2,
                "b1 is a row, so W2 stands on its right": W2 @ b1 + b2,
            }
        compare(W, W1 @ W2, f"W for the sizes {D}, {H}, {M}", known_W)
        compare(b, b1 @ W2 + b2, f"b for the sizes {D}, {H}, {M}", known_b)
    return "one layer gives what the two give, whatever x is"


@exercise
def softmax(answer: Callable[[Any], Any]) -> str:
    """Check softmax(a), for scores that are large, too."""
    a = np.array([0.3, 2.9, 4.0])
    given, exp, below = a.copy(), np.exp(a), np.exp(a - 4)
    mistakes = {
        "Divide the exponentials by their sum": exp,
        "Take the exponentials of the scores first": a / a.sum(),
        "Divide by the sum of the exponentials, not by the largest": below,
        "Divide by the sum of the exponentials, not by the exponential of the sum": (
            exp / np.exp(a.sum())
        ),
        "Subtract the largest score below the line, too": below / exp.sum(),
        "Subtract the largest score above the line, too": exp / below.sum(),
    }
    with np.errstate(all="ignore"):  # the verdict says what NumPy would warn of
        got = _of_array(answer, given, EXP)
        compare(got, functions.softmax(a), f"softmax({a.tolist()})", mistakes)
        expect_unchanged(given, a, "a")
        for large in ([1010.0, 1000.0, 990.0], [-990.0, -1000.0, -1010.0], [2000.0, 0.0, -2000.0]):
            hint = (
                f"exp({large[0]:g}) is {np.exp(large[0]):g} for a computer. Subtract the largest "
                "score from all scores first"
            )
            got = answer(np.array(large))
            expect_or_hint(got, functions.softmax(large), f"softmax({large})", hint)
    return "it gives probabilities, however large the scores are"


@exercise
def accuracy(answer: Callable[[Any, Any], float]) -> str:
    """Check accuracy(y, t): the share of rows of y whose largest element stands at place t."""
    tenths = [
        [0, 9, 0, 1, 0],
        [0, 5, 4, 1, 0],
        [1, 3, 2, 2, 2],
        [7, 1, 0, 2, 0],
        [0, 1, 3, 6, 0],  # wrong, with the same number at its label as the third, right image
    ]
    y, t = np.array(tenths) / 10, np.array([1, 1, 1, 0, 2])
    mistakes = {
        "Divide by the number of images": 4,
        "This is the share of wrong answers": 0.2,
        "The accuracy is a share from 0 to 1, not a percentage": 80,
        "np.argmax(y) looks at the whole array. Take axis=1": np.mean(np.argmax(y) == t),
        "axis=0 gives a place in each column. Take axis=1": np.mean(np.argmax(y, axis=0) == t),
        "Take the place of the largest number, np.argmax, not the number": np.mean(
            np.max(y, axis=1) == t
        ),
        "A bare comparison gives an answer for each image": y.argmax(axis=1) == t,
    }
    got = answer(y.copy(), t.copy())
    what = "accuracy of five images, four of which are right,"
    compare(got, 0.8, what, mistakes)
    expect(answer(y[:3], t[:3]), 1, "accuracy of three images, all of them right,")
    return "it is the share of images whose largest output stands at their label"


@exercise
def classify(answer: Callable[[Callable[[Any], Any], Any, int], Any]) -> str:
    """Check classify(predict, x, batch_size): classes, found in batches."""
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(7, 3)), rng.normal(size=(3, 4))
    classes = np.argmax(x @ W, axis=1)
    mistakes = {
        "The last batch is smaller than the others, and it is missing": classes[:6],
        "Only the first batch is there: `return` belongs behind the loop": classes[:3],
        "Only the last batch is there: collect the classes of all": classes[6:],
        "Return classes, not outputs: np.argmax with axis=1 finds them": x @ W,
    }
    for batch_size, batches in ((3, [3, 3, 1]), (10, [7])):
        sizes: list[int] = []

        def predict(batch: Any, sizes: list[int] = sizes) -> Any:
            sizes.append(len(batch) if np.ndim(batch) == 2 else 1)
            return np.asarray(batch) @ W

        got = answer(predict, x.copy(), batch_size)
        what = f"classify(predict, x, {batch_size}) of 7 images"
        hint = mistake_in(got, mistakes)
        if isinstance(got, list) and any(np.ndim(each) for each in got):
            hint = hint or "np.concatenate joins a list of arrays"
        expect_or_hint(got, classes, what, hint)
        if sizes != batches:
            raise Wrong(
                f"{what} gives the right classes, but predict got batches of {sizes} images. "
                f"They must be {batches}"
            )
    return "each batch goes through the network at once, and the smaller last one, too"


def _of_array(answer: Callable[[Any], Any], x: np.ndarray, hint: str) -> Any:
    """Return what the reader's function gives for an array; if it takes none, give the hint."""
    try:
        return answer(x)
    except (TypeError, ValueError) as error:
        if "truth value" in str(error) or "converted to Python scalars" in str(error):
            raise Wrong(f"your code takes a single number, and it got an array. {hint}") from None
        raise
