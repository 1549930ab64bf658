from ch05_backprop.buy_apple import Result, experiment
from tests.helpers import failed


def test_the_numbers_are_the_books():
    assert failed(experiment.claims, experiment.run()) == []


def test_other_numbers():
    assert experiment.run(apple=10, apple_num=3, tax=2.0) == Result(60, 6, 20, 30)
