"""The model of the speed-up, and a training without MPI."""

from dataclasses import replace

import pytest

from ch08_deep import train_distributed
from ch08_deep.train_distributed import MACHINES, Config, Timing, experiment
from dlbasics.experiment import LEFT_OUT
from tests.helpers import few_digits

TIMING = Timing([1, 2, 4], [0.100, 0.060, 0.040], 0.010, 1_000_000, 1e-6)
CONFIG = Config(gigabits=8, latency=100)  # a gigabyte a second, so 1 ms for all bytes


@pytest.mark.parametrize(
    ("machines", "own_batches", "seconds"),
    [
        (1, False, 0.010 + 0.090),
        (2, False, 0.010 + 0.045 + 2 * (0.0001 + 0.0005)),
        (100, False, 0.010 + 0.0009 + 198 * (0.0001 + 0.00001)),
        (1, True, 0.010 + 0.090),
        (100, True, (0.010 + 0.090 + 198 * (0.0001 + 0.00001)) / 100),
    ],
)
def test_the_model_adds_up_update_passes_and_messages(machines, own_batches, seconds):
    """The seconds are those in which one machine's batch is trained."""
    speed_up = TIMING.speed_up(machines, CONFIG, own_batches=own_batches)
    assert speed_up == pytest.approx(0.100 / seconds)


def test_messages_without_end_make_more_machines_slower():
    slow = replace(CONFIG, latency=10_000)
    speed_ups = [TIMING.speed_up(n, slow, own_batches=False) for n in MACHINES]
    assert speed_ups == sorted(speed_ups, reverse=True)
    with pytest.raises(ValueError, match="gigabits must be above 0"):
        Config(gigabits=0)


@pytest.mark.parametrize(("size", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6])])
def test_the_ranks_that_are_measured(size, counts):
    class Comm:
        pass

    comm = Comm()
    comm.size = size
    assert [*train_distributed.numbers_of_ranks(comm)] == counts
    assert [*train_distributed.numbers_of_ranks(None)] == [1]


def test_without_mpi_one_process_does_it_alone(monkeypatch, capsys):
    monkeypatch.setattr(train_distributed, "find_spec", lambda name: None)
    result = experiment.run(data=few_digits(), epochs=1, batch_size=10, iterations=1)
    printed = capsys.readouterr().out
    assert "mpi4py is not installed" in printed
    assert " 1 ranks: " in printed
    assert result.ranks == 1
    values = [claim.value(result) for claim in experiment.claims]
    assert values[1] is LEFT_OUT
    assert values[2] == [1_735_560, 494_208]
    assert len(values[3]) == len(values[4]) == 2


def test_the_figure_has_what_was_measured_and_the_model():
    result = train_distributed.Result(
        4, [0.9], 0.9, 1.0, {"SimpleConvNet": TIMING}, {"SimpleConvNet": [[1] * 8, [2] * 8]}, 10, 50
    )
    left, right = train_distributed.plot(result)["speed"].axes
    measured, ideal = left.lines
    assert [*measured.get_ydata()] == pytest.approx([100, 60, 40])
    assert [*ideal.get_ydata()] == pytest.approx([100, 50, 25])
    own, divided, same, book = right.lines
    assert {*own.get_ydata()} == {2} and {*divided.get_ydata()} == {1}
    assert [*same.get_ydata()] == [*MACHINES]
    assert (*book.get_xdata(), *book.get_ydata()) == (100, 56)


@pytest.mark.long
def test_a_short_training_on_mnist_reads_most_digits(mnist):
    result = experiment.run(data=mnist, epochs=1, train_size=10_000, iterations=1)
    assert result.final_acc > 0.85
