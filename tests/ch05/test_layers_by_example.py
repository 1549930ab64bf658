from ch05_backprop.layers_by_example import experiment
from tests.helpers import failed


def test_the_numbers_are_the_books():
    assert failed(experiment.claims, experiment.run()) == []
