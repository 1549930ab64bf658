"""What a verbose training shows: a line for each epoch, and a bar in a terminal."""

import sys

import numpy as np
import pytest
import tqdm

from tests.helpers import mean_error, regression, small_trainer


def test_a_line_an_epoch(capsys):
    trainer = small_trainer(verbose=True, optimizer_param={"lr": 0.5})
    trainer.train()
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 3
    loss = np.mean(trainer.train_loss_list[4:8])
    values = trainer.history.test_loss[1], trainer.train_acc_list[1], trainer.test_acc_list[1]
    wanted = "mean loss {:.4f}, test loss {:.4f}, training accuracy {:.4f}, test accuracy {:.4f}"
    assert lines[1] == "epoch 2: " + wanted.format(loss, *values)
    assert err == ""


def test_a_line_of_a_regression_has_losses_and_metrics(capsys):
    trainer = regression(verbose=True, metrics={"mean error": mean_error})
    trainer.train()
    loss, history = np.mean(trainer.train_loss_list[4:8]), trainer.history
    values = history.test_loss[1], history.test_metrics["mean error"][1]
    wanted = "epoch 2: mean loss {:.4f}, test loss {:.4f}, test mean error {:.4f}"
    assert capsys.readouterr().out.splitlines()[1] == wanted.format(loss, *values)


def test_nothing_unless_verbose(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    small_trainer().train()
    assert capsys.readouterr() == ("", "")


def test_why_it_stopped(capsys):
    small_trainer(verbose=True, callbacks=[lambda trainer: trainer.stop("enough")]).train()
    assert capsys.readouterr().out.endswith("stopped after iteration 4: enough\n")


@pytest.mark.parametrize("make", [small_trainer, regression])
def test_a_bar_with_loss_and_accuracy_in_a_terminal(capsys, monkeypatch, make):
    class Bar(tqdm.tqdm):
        """A bar that is drawn at once, not ten times a second."""

        def __init__(self, **options):
            super().__init__(mininterval=0, **options)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    trainer = make(verbose=True)
    trainer.train()
    bar = capsys.readouterr().err
    assert "/12 [" in bar
    assert f"loss={trainer.train_loss_list[6]:.3f}" in bar
    if make is regression:
        assert f"test loss={trainer.history.test_loss[1]:.3f}" in bar
    else:
        assert f"accuracy={trainer.test_acc_list[1]:.3f}" in bar
