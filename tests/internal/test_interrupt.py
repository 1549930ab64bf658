"""Ctrl-C: it ends a training after the iteration, and no other code notices."""

import signal
import threading
from contextlib import suppress

import numpy as np
import pytest

from dlbasics import TwoLayerNet
from dlbasics._internal.interrupt import hold_interrupt
from tests.helpers import small_trainer


@pytest.fixture(autouse=True)
def interruptible():
    """A shell's background process ignores Ctrl-C, and so would the tests in it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupting(at):
    """Return a function for `augment` that interrupts the training in its iteration `at`."""
    calls = []

    def interrupt(x, rng):
        calls.append(1)
        if len(calls) == at:
            signal.raise_signal(signal.SIGINT)
        return x

    return interrupt


def test_ctrl_c_ends_with_checkpoint_and_history_and_training_goes_on_after_it(tmp_path):
    trainer, undisturbed = small_trainer(checkpoints=tmp_path), small_trainer()
    trainer.augment = interrupting(6)
    assert trainer.train().stopped == "interrupted"
    assert trainer.current_iter == len(trainer.train_loss_list) == 6
    assert trainer.folder.newest().name == "checkpoint-00000006.npz"
    assert trainer.train().stopped == ""
    assert trainer.current_iter == 12
    assert trainer.train_loss_list == undisturbed.train().train_loss


def test_an_interrupted_training_keeps_its_weights_not_the_best():
    network, undisturbed = TwoLayerNet(6, 5, 3, 0.5, rng=0), small_trainer()
    accuracies = iter([0.5, 0.9, 0.5, 0.5])  # for training and test data, epoch by epoch
    network.accuracy = lambda x, t: next(accuracies)
    trainer = small_trainer(network, patience=3, augment=interrupting(9))
    assert trainer.train().stopped == "interrupted"
    for _ in range(9):
        undisturbed.train_step()
    np.testing.assert_array_equal(network.params["W1"], undisturbed.network.params["W1"])


def test_ctrl_c_does_not_hide_why_a_training_ended():
    def interrupt(trainer):
        signal.raise_signal(signal.SIGINT)

    stops = [interrupt, lambda trainer: trainer.stop("enough")]
    assert small_trainer(callbacks=stops).train().stopped == "enough"
    assert small_trainer(epochs=1, callbacks=[interrupt]).train().stopped == ""


def test_the_first_ctrl_c_sets_the_event_and_the_second_is_raised():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), hold_interrupt() as interrupted:
        assert not interrupted.is_set()
        signal.raise_signal(signal.SIGINT)
        assert interrupted.is_set()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("augment", [None, interrupting(1), lambda x, rng: 1 / 0])
def test_the_handler_is_as_before_whatever_happens(augment):
    before = signal.getsignal(signal.SIGINT)
    with suppress(ZeroDivisionError):
        small_trainer(augment=augment).train()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_process_that_ignores_ctrl_c_goes_on_to_ignore_it():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with hold_interrupt() as interrupted:
        signal.raise_signal(signal.SIGINT)
    assert not interrupted.is_set()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_train_too():
    trainer = small_trainer()
    thread = threading.Thread(target=trainer.train)
    thread.start()
    thread.join()
    assert trainer.current_epoch == 3
