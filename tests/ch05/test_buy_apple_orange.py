from ch05_backprop.buy_apple_orange import Result, experiment


def test_other_numbers():
    result = experiment.run(apple=10, apple_num=1, orange=20, orange_num=2, tax=2.0)
    assert result == Result(price=100, dapple_num=20, dapple=2, dorange=4, dorange_num=40, dtax=50)
