"""What the tests of chapter 6 share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics.experiment import Claim
from dlbasics.networks import MultiLayerNet


def assert_values(claims: Sequence[Claim], result: Any, *wanted: Any) -> None:
    """Assert that the claims read these numbers from the result."""
    for claim, value in zip(claims, wanted, strict=True):
        np.testing.assert_allclose(claim.value(result), value, atol=1e-12, err_msg=claim.text)


def wrong_values_that_hold(
    claims: Sequence[Claim], wrong: dict[str, list[Any]]
) -> list[tuple[str, Any]]:
    """Return the wrong values for which the claim holds whose text begins so."""
    found = []
    for start, values in wrong.items():
        (claim,) = (claim for claim in claims if claim.text.startswith(start))
        assert claim.holds is not None
        found += [(start, value) for value in values if claim.holds(value)]
    return found


def curves_of(axes: Any) -> dict[str, list[list[float]]]:
    """Return the points of each line, x and y, by its label."""
    return {line.get_label(): line.get_xydata().T.tolist() for line in axes.lines}


def are_equal(one: Any, other: Any) -> bool:
    """Return whether two sequences hold equal arrays."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


class Recorded(MultiLayerNet):
    """A network that keeps its first weights, its batches and losses, and its summed gradients."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first = {key: W.copy() for key, W in self.params.items() if key[0] == "W"}
        self.batches, self.losses = [], []
        self.moved = {key: np.zeros(W.shape) for key, W in self.first.items()}

    def gradient(self, x: Any, t: Any) -> Any:
        self.batches.append((x.copy(), t.copy()))
        grads = super().gradient(x, t)
        self.losses.append(self.last_loss)
        for key in self.moved:
            self.moved[key] += grads[key]
        return grads

    def layers_of(self, kind: type[Any]) -> list[Any]:
        return [layer for layer in self.layers.values() if isinstance(layer, kind)]

    def different_images(self, batches: int) -> int:
        """Return how many different images the first batches hold."""
        return len({x.tobytes() for batch, _ in self.batches[:batches] for x in batch})

    def assert_updated_by_sgd(self, lr: float) -> None:
        for key, first in self.first.items():
            assert np.any(self.moved[key])
            np.testing.assert_allclose(self.params[key], first - lr * self.moved[key], atol=1e-6)


def assert_same_start_and_batches(one: Recorded, other: Recorded) -> None:
    """Assert that two networks that differ start from the same weights, on the same batches."""
    assert one.first.keys() == other.first.keys()
    assert are_equal(one.first.values(), other.first.values())
    assert all(map(are_equal, one.batches, other.batches))
    assert len(one.batches) == len(other.batches) > 0
    assert one.losses != other.losses
