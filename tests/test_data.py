import numpy as np
import pytest

from dlbasics.data import (
    label_smoothing,
    minibatches,
    one_hot,
    shuffle_dataset,
    smooth_curve,
    train_validation_split,
)

X = np.arange(20, dtype=np.float32).reshape(10, 2)
T = np.arange(10, dtype=np.uint8)


def paired(x, t):
    return np.array_equal(x[:, 0], 2 * t.astype(np.float32))


def test_an_epoch_holds_each_sample_once_and_ends_with_what_is_left():
    batches = list(minibatches(X, T, batch_size=4, rng=0))
    assert [len(t) for _, t in batches] == [4, 4, 2]
    assert sorted(np.concatenate([t for _, t in batches])) == list(T)
    assert all(paired(x, t) for x, t in batches)


@pytest.mark.parametrize(
    ("n", "size", "lengths"),
    [
        (9, 4, [4, 5]),
        (10, 9, [10]),
        (3, 2, [3]),
        (10, 3, [3, 3, 4]),
        (10, 4, [4, 4, 2]),
        (3, 1, [1, 1, 1]),
        (1, 4, [1]),
        (4, 4, [4]),
    ],
)
def test_a_rest_of_one_sample_joins_the_batch_before(n, size, lengths):
    """Alone, it would set the running variance of batch normalization to 0."""
    batches = list(minibatches(X[:n], T[:n], size, rng=0))
    assert [len(t) for _, t in batches] == lengths
    assert sorted(np.concatenate([t for _, t in batches])) == list(T[:n])
    drawn = list(minibatches(X[:n], T[:n], size, sampling="replacement", rng=0))
    assert [len(t) for _, t in drawn] == [size] * -(-n // size)


def test_sampling_with_replacement_gives_full_batches():
    batches = list(minibatches(X, T, batch_size=4, sampling="replacement", rng=0))
    assert [len(t) for _, t in batches] == [4, 4, 4]
    assert all(paired(x, t) for x, t in batches)
    seen = np.concatenate([t for _, t in minibatches(X, T, 10, sampling="replacement", rng=0)])
    assert len(set(seen)) < 10


def test_the_seed_decides_the_order():
    first, again, other = (next(minibatches(X, T, 10, rng=seed))[1] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_shuffle_keeps_pairs_and_leaves_its_input():
    before = X.copy()
    x, t = shuffle_dataset(X, T, rng=1)
    assert paired(x, t)
    assert sorted(t) == list(T)
    assert not np.array_equal(t, T)
    assert np.array_equal(X, before)


def test_split_parts_are_disjoint_and_complete():
    (x_train, t_train), (x_val, t_val) = train_validation_split(X, T, 0.25, rng=0)
    assert len(t_val) == 2
    assert paired(x_train, t_train)
    assert paired(x_val, t_val)
    assert sorted([*t_train, *t_val]) == list(T)


@pytest.mark.parametrize("rate", [0, 0.05, 1, -1, 2, float("nan")])
def test_a_split_that_leaves_one_side_empty_is_an_error(rate):
    with pytest.raises(ValueError, match="validation_rate"):
        train_validation_split(X, T, rate)


@pytest.mark.parametrize("x, t", [(X, T[:5]), (X[:0], T[:0]), (np.float32(1), T)])
def test_batches_of_different_length_are_an_error(x, t):
    with pytest.raises(ValueError, match="x and t must be batches of one length"):
        shuffle_dataset(x, t)


def test_unknown_sampling_and_batch_size_are_errors():
    with pytest.raises(ValueError, match="sampling"):
        minibatches(X, T, sampling="all")
    with pytest.raises(ValueError, match="batch_size"):
        minibatches(X, T, batch_size=0)


def test_one_hot():
    rows = one_hot(T)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, np.eye(10))
    for wrong in ([3], [-1], [0, -1], [-1, 2], [-4], [0.5], [True], [[0]]):
        with pytest.raises(ValueError, match="t must"):
            one_hot(wrong, num_classes=3)


def test_labels_of_many_classes_take_memory_for_their_rows_only():
    """A square matrix of 10^6 classes would take 3.64 TiB."""
    rows, smooth = one_hot([7], 10**6), label_smoothing([7], 10**6, epsilon=0.5)
    assert rows.shape == smooth.shape == (1, 10**6)
    assert rows.sum() == rows[0, 7] == 1
    assert smooth[0, 7] == pytest.approx(0.5)


@pytest.mark.parametrize("kind", [list, tuple, np.asarray])
def test_images_and_labels_may_be_lists(kind):
    x, t = kind(X.tolist()), kind(T.tolist())
    for found, wanted in (
        (shuffle_dataset(x, t, rng=1), shuffle_dataset(X, T, rng=1)),
        (next(minibatches(x, t, 4, rng=1)), next(minibatches(X, T, 4, rng=1))),
        *zip(train_validation_split(x, t, rng=1), train_validation_split(X, T, rng=1), strict=True),
    ):
        for a, b in zip(found, wanted, strict=True):
            assert isinstance(a, np.ndarray)
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one_hot(t), one_hot(T))
    np.testing.assert_array_equal(label_smoothing(t), label_smoothing(T))
    np.testing.assert_array_equal(smooth_curve(t), smooth_curve(T))


MASKED = np.ma.array(T, mask=T > 5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: one_hot(MASKED),
        lambda: label_smoothing(MASKED),
        lambda: smooth_curve(MASKED),
        lambda: shuffle_dataset(X, MASKED),
        lambda: shuffle_dataset(np.ma.array(X), T),
        lambda: train_validation_split(X, MASKED),
        lambda: minibatches(X, MASKED),
    ],
)
def test_masked_arrays_are_an_error(call):
    with pytest.raises(TypeError, match=r"(x|t) must be an array without a mask"):
        call()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16])
def test_narrow_numbers_do_not_overflow(dtype):
    largest = np.iinfo(dtype).max if dtype != np.float16 else 60_000
    np.testing.assert_allclose(smooth_curve(np.full(30, largest, dtype)), largest)
    classes = np.array([1, 0], np.uint8 if dtype == np.float16 else dtype)
    np.testing.assert_allclose(label_smoothing(classes, 2, 0.2), [[0.1, 0.9], [0.9, 0.1]])


def test_tiny_numbers_are_no_error_whatever_np_seterr_says():
    rows = np.array([[1e-45, 1], [1e-300, 1]])
    with np.errstate(all="raise"):
        np.testing.assert_allclose(label_smoothing(rows, epsilon=0), rows, atol=1e-44)
        assert np.isfinite(smooth_curve([5e-324, 1e308] * 10)).all()


SMOOTHED = [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]]


@pytest.mark.parametrize(
    ("t", "options", "expected"),
    [
        ([2, 0], {"num_classes": 4, "epsilon": 0.2}, SMOOTHED),
        (np.eye(4)[[2, 0]], {"num_classes": 4, "epsilon": 0.2}, SMOOTHED),
        (np.eye(4, dtype=bool)[[2, 0]], {"num_classes": 4, "epsilon": 0.2}, SMOOTHED),
        (np.array([[0.5, 0.25, 0.25]]), {"epsilon": 0.3}, [[0.45, 0.275, 0.275]]),
        (T, {}, 0.9 * np.eye(10) + 0.01),
        (T, {"epsilon": 0}, np.eye(10)),
        (T, {"epsilon": 1}, np.full((10, 10), 0.1)),
    ],
)
def test_label_smoothing_shares_epsilon_among_all_classes(t, options, expected):
    before = np.array(t)
    rows = label_smoothing(t, **options)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    np.testing.assert_array_equal(t, before)


@pytest.mark.parametrize("t", [[10], [-1], [0.5], 3, [[1], [1]], [[2, 3]], [[1.5, -0.5]], [[[1]]]])
def test_label_smoothing_takes_nothing_else(t):
    with pytest.raises(ValueError, match="t must"):
        label_smoothing(t)


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, float("nan")])
def test_label_smoothing_needs_an_epsilon_from_0_to_1(epsilon):
    with pytest.raises(ValueError, match="epsilon must be"):
        label_smoothing(T, epsilon=epsilon)


def books_smooth_curve(x):
    """The book's function, in its own steps: a Kaiser window over mirrored ends."""
    length = 11
    mirrored = np.r_[x[length - 1 : 0 : -1], x, x[-1:-length:-1]]
    window = np.kaiser(length, 2)
    return np.convolve(window / window.sum(), mirrored, mode="valid")[5 : 5 + len(x)]


@pytest.mark.parametrize("n", [11, 12, 50])
def test_smooth_curve_is_the_books(n):
    x = np.random.default_rng(0).random(n)
    np.testing.assert_allclose(smooth_curve(x), books_smooth_curve(x), atol=1e-15)


@pytest.mark.parametrize("n", range(11))
def test_smooth_curve_of_a_short_curve_has_its_length(n):
    """Bug 20: the book's fails on short input."""
    smoothed = smooth_curve([2.0] * n)
    np.testing.assert_allclose(smoothed, [2.0] * n)
