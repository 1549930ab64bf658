"""What a prompt and a notebook show of a history and of a trainer."""

import math

from dlbasics import Affine
from dlbasics.history import History
from dlbasics.network import Network
from tests.helpers import small_trainer


def history(epochs=20, iterations=600):
    losses = [2.5 - 2 * i / iterations / epochs for i in range(iterations * epochs)]
    accuracies = [0.5 + 0.02 * i for i in range(epochs)]
    lr, seconds = [0.01] * len(losses), [0.75 * (i + 1) for i in range(epochs)]
    return History(losses, lr, accuracies, [*accuracies[:-1], 0.25], seconds)


def test_a_prompt_shows_a_few_lines():
    assert str(history()) == "\n".join(
        [
            "History: 20 epochs, 12,000 iterations, 15.0 seconds, best epoch 19",
            "            number  first    last  lowest  highest",
            "train_loss  12,000    2.5  0.5002  0.5002      2.5",
            "lr          12,000   0.01    0.01    0.01     0.01",
            "train_acc       20    0.5    0.88     0.5     0.88",
            "test_acc        20    0.5    0.25    0.25     0.86",
        ]
    )
    assert repr(history()) == str(history())


def test_a_history_that_has_hardly_begun():
    assert repr(History()) == "History: 0 epochs, 0 iterations"
    assert History()._repr_html_() == "<p>History: 0 epochs, 0 iterations</p>"
    started = History([1.5, math.nan], [0.1, 0.1], stopped="the loss is <nan>")
    title, _, loss, _ = repr(started).splitlines()
    assert title == "History: 0 epochs, 2 iterations, stopped: the loss is <nan>"
    assert loss.split() == ["train_loss", "2", "1.5", "nan", "1.5", "1.5"]
    assert "the loss is &lt;nan&gt;</p>" in started._repr_html_()
    assert "nan" in repr(History([math.nan], [math.inf]))


def test_nan_hides_no_lowest_and_no_highest_value():
    loss = repr(History([math.nan, 1.5, 0.5, 1.0])).splitlines()[2]
    assert loss.split() == ["train_loss", "4", "nan", "1", "0.5", "1.5"]


def test_curves_in_a_mapping_are_shown_as_they_are_found():
    shown = history()
    shown.more = {"error": [3.0, 2.0], "none": []}
    assert repr(shown).splitlines()[-1].split() == ["more['error']", "2", "3", "2", "2", "3"]


def test_a_notebook_shows_a_table_and_the_figures():
    html = history()._repr_html_()
    assert html.startswith("<p>History: 20 epochs, ")
    assert "<td>train_loss</td><td>12,000</td><td>2.5</td>" in html
    for name in history().plot():
        assert f"<div>{name}<br><img src='data:image/png;base64,iVBOR" in html


def test_a_trainer_says_how_far_it_is():
    trainer = small_trainer()
    start = "Trainer(TwoLayerNet, optimizer=SGD(lr=0.01)): epoch"
    assert repr(trainer) == f"{start} 0 of 3"
    for _ in range(5):
        trainer.train_step()
    loss, accuracy = trainer.train_loss_list[-1], trainer.test_acc_list[-1]
    text = f"{start} 1 of 3, loss {loss:.4f}, test accuracy {accuracy:.4f}"
    assert repr(trainer) == text
    trainer.stop("enough")
    assert repr(trainer) == f"{text}, stopped: enough"


def test_a_network_is_its_summary():
    network = small_trainer().network
    assert repr(network) == f"TwoLayerNet\n{network.summary()}"
    assert network._repr_html_() == network.summary()._repr_html_()
    assert repr(object.__new__(Network)) == "Network()"


def test_a_very_deep_network_shows_its_ends():
    network = Network([Affine.create(2, 2) for _ in range(1_000)])
    lines = repr(network).splitlines()
    assert lines[0] == "Network" and len(lines) == 61
    assert lines[29].split()[0] == "Affine28" and lines[31].split()[0] == "Affine972"
    assert lines[30] == "... 943 layers" and lines[-1].split() == ["total", "6,000"]
    assert len(str(network.summary()).splitlines()) == 1_002
