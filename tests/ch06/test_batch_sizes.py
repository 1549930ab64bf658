"""Chapter 6, batch_sizes.py: batch, mini-batch and stochastic gradient descent."""

import numpy as np

from ch06_techniques import batch_sizes
from ch06_techniques.batch_sizes import Course, rises
from tests.ch06.helpers import Recorded
from tests.helpers import few_digits


def test_each_way_takes_its_batches_from_the_same_weights(monkeypatch):
    made = []

    def make(*args, **kwargs):
        made.append(Recorded(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(batch_sizes, "MultiLayerNet", make)
    result = batch_sizes.experiment.run(data=few_digits(), train_size=100, epochs=2, batch_size=20)
    sizes = [{len(t) for _, t in network.batches} for network in made]
    assert sizes == [{100}, {20}, {1}]
    assert [course.updates for course in result.courses.values()] == [2, 10, 200]
    for network in made:
        assert network.different_images(len(network.batches) // 2) > 90
        assert np.array_equal(network.first["W1"], made[0].first["W1"])
        network.assert_updated_by_sgd(0.1)
    for course in result.courses.values():
        assert course.epochs[0] == 0 and course.epochs[-1] == 2
        assert len(course.loss) == len(course.epochs)
    assert len(result.courses["stochastic"].loss) == 11


def test_only_rises_of_the_loss_count():
    course = Course([0, 1, 2, 3], [2.0, 1.5, 1.75, 1.0], 0.5, 3, 1.0, 0.1)
    assert rises(course) == 0.25


def test_the_memory_is_that_of_a_batch():
    courses = batch_sizes.experiment.run(data=few_digits(), train_size=100, epochs=1).courses
    assert courses["batch"].megabytes == 100 * courses["stochastic"].megabytes
    np.testing.assert_allclose(courses["stochastic"].megabytes, 4e-6 * (784 + 50 + 50 + 10))
