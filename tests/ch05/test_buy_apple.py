from ch05_backprop.buy_apple import Result, experiment


def test_other_numbers():
    assert experiment.run(apple=10, apple_num=3, tax=2.0) == Result(60, 6, 20, 30)
