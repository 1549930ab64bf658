"""All forms of labels, right and wrong: of scores (4, 3), and of one sample's scores (3,)."""

import numpy as np
import pytest

INTEGERS = [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64]
CLASSES = np.array([2, 0, 2, 1])
ONE_HOT = np.eye(3)[CLASSES]


def each(labels):
    """Run a test with each of these labels as `t`."""
    return pytest.mark.parametrize(
        "t", labels, ids=lambda t: f"{type(t).__name__} {getattr(t, 'dtype', t)} {np.shape(t)}"
    )


of_a_batch = each(
    [
        *(CLASSES.astype(dtype) for dtype in INTEGERS),
        *(CLASSES.astype(dtype)[:, np.newaxis] for dtype in INTEGERS),
        *(ONE_HOT.astype(dtype) for dtype in (bool, *INTEGERS, np.float32, np.float64)),
        CLASSES.tolist(),
        ONE_HOT.tolist(),
        np.repeat(CLASSES, 2)[::2],
    ]
)
"""They all mean CLASSES."""

of_one_sample = each(
    [2, np.uint8(2), np.array(2), [2], np.array([2]), [0, 0, 1], np.array([0.0, 0, 1])]
)
"""They all mean the class 2."""

wrong_of_a_batch = each(
    [
        [0, 1, 2],
        [0, 1, 2, 0, 1],
        [[0, 1, 2, 0]],
        [[0, 0, 1]],
        [[0, 1], [1, 0], [0, 1], [1, 0]],
        [0.0, 1.0, 2.0, 0.0],
        [[0.0], [1.0], [2.0], [0.0]],
        [True, False, True, False],
        [0, 1, 2, 3],
        [0, 1, 2, -1],
        1,
        [],
        np.zeros((4, 3, 1), int),
    ]
)

wrong_of_one_sample = each([3, -1, 1.0, True, [0, 1], [0.0], [[0, 1]], [0, 1, 0, 0], [[0], [1]]])

no_numbers = pytest.mark.parametrize(
    "t", ["cat", ["a", "b"], None, [1j], [1j, 2], [[1], [1, 2]], [object()] * 4]
)
