"""What a verbose training shows: a line for each epoch, and a bar in a terminal."""

import sys

import numpy as np
import tqdm

from tests.helpers import small_trainer


def test_a_line_an_epoch(capsys):
    trainer = small_trainer(verbose=True, optimizer_param={"lr": 0.5})
    trainer.train()
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 3
    loss = np.mean(trainer.train_loss_list[4:8])
    accuracies = trainer.train_acc_list[1], trainer.test_acc_list[1]
    wanted = "epoch 2: mean loss {:.4f}, training accuracy {:.4f}, test accuracy {:.4f}"
    assert lines[1] == wanted.format(loss, *accuracies)
    assert err == ""


def test_nothing_unless_verbose(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    small_trainer().train()
    assert capsys.readouterr() == ("", "")


def test_why_it_stopped(capsys):
    small_trainer(verbose=True, callbacks=[lambda trainer: trainer.stop("enough")]).train()
    assert capsys.readouterr().out.endswith("stopped after iteration 4: enough\n")


def test_a_bar_with_loss_and_accuracy_in_a_terminal(capsys, monkeypatch):
    class Bar(tqdm.tqdm):
        """A bar that is drawn at once, not ten times a second."""

        def __init__(self, **options):
            super().__init__(mininterval=0, **options)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    trainer = small_trainer(verbose=True)
    trainer.train()
    bar = capsys.readouterr().err
    assert "/12 [" in bar
    assert f"loss={trainer.train_loss_list[6]:.3f}" in bar
    assert f"accuracy={trainer.test_acc_list[1]:.3f}" in bar
