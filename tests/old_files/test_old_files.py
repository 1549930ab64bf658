"""Files that earlier versions wrote load for good, and mean the same."""

from pathlib import Path

import numpy as np
import pytest

from dlbasics import History, load_arrays
from tests.old_files import write, write_before_floor, write_before_joining
from tests.old_files.write import batch, networks, outcome, search

FOLDER = Path(__file__).parent

TRAINERS = {
    **write.TRAINERS,
    **write_before_joining.TRAINERS,
    **write_before_floor.TRAINERS,
}


@pytest.mark.parametrize("name", [*networks()])
def test_stored_weights_give_the_stored_scores(name):
    network = networks()[name]
    for param in network.params.values():
        param[...] = 0
    network.load_params(FOLDER / f"{name}.npz")
    scores = load_arrays(FOLDER / f"{name}_scores.npz")["scores"]
    found = network.predict(batch(network)[0])
    assert found.dtype == scores.dtype
    np.testing.assert_allclose(found, scores, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [*TRAINERS])
def test_a_stored_checkpoint_goes_on_to_the_stored_end(name, tmp_path):
    trainer = TRAINERS[name](tmp_path)
    trainer.resume(FOLDER / f"{name}_checkpoint.npz")
    assert trainer.current_iter == 2 * trainer.iter_per_epoch - 1
    trainer.train()
    end, found = load_arrays(FOLDER / f"{name}_end.npz"), outcome(trainer)
    assert found.keys() == end.keys()
    for key, stored in end.items():
        if stored.dtype.kind == "f":
            # Batch normalization subtracts what b1 adds, so that the gradient of b1 is 0.  Adam
            # makes steps of the rounding error.
            atol = 1e-3 if (name, key) == ("dense", "b1") else 1e-5
            np.testing.assert_allclose(found[key], stored, rtol=1e-3, atol=atol, err_msg=key)
        else:
            assert found[key] == stored


@pytest.mark.parametrize("name", [*TRAINERS])
def test_a_stored_history_is_read(name):
    history = History.load(FOLDER / f"{name}_history.json")
    end = load_arrays(FOLDER / f"{name}_end.npz")
    for key in ("train_loss", "lr", "train_acc", "test_acc"):
        np.testing.assert_array_equal(getattr(history, key), end[key])
    assert len(history.seconds) == 4 and history.stopped == ""


def test_a_stored_search_is_not_run_again(tmp_path):
    def never(params, budget, rng):
        raise AssertionError("the trial stands in the file")

    path = tmp_path / "search.json"
    path.write_bytes((FOLDER / "search.json").read_bytes())
    again, fresh = search(path, never), search(tmp_path / "fresh.json")
    assert repr(again.trials) == repr(fresh.trials)
    assert path.read_bytes() == (tmp_path / "fresh.json").read_bytes()
    assert '"score": NaN, "error": "diverged"' in (FOLDER / "search.json").read_text("utf-8")
