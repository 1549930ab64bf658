"""Implementing a Simple Layer (chapter 5): apples and oranges, with multiplication and addition."""

from dataclasses import dataclass

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.layers import AddLayer, MulLayer


@dataclass(frozen=True)
class Config:
    apple: float = 100
    apple_num: float = 2
    orange: float = 150
    orange_num: float = 3
    tax: float = 1.1


@dataclass(frozen=True)
class Result:
    price: float
    dapple_num: float
    dapple: float
    dorange: float
    dorange_num: float
    dtax: float


def run(config: Config) -> Result:
    mul_apple_layer = MulLayer()
    mul_orange_layer = MulLayer()
    add_apple_orange_layer = AddLayer()
    mul_tax_layer = MulLayer()

    apple_price = mul_apple_layer.forward(config.apple, config.apple_num)
    orange_price = mul_orange_layer.forward(config.orange, config.orange_num)
    all_price = add_apple_orange_layer.forward(apple_price, orange_price)
    price = mul_tax_layer.forward(all_price, config.tax)

    dprice = 1
    dall_price, dtax = mul_tax_layer.backward(dprice)
    dapple_price, dorange_price = add_apple_orange_layer.backward(dall_price)
    dorange, dorange_num = mul_orange_layer.backward(dorange_price)
    dapple, dapple_num = mul_apple_layer.backward(dapple_price)
    return Result(price, dapple_num, dapple, dorange, dorange_num, dtax)


CLAIMS = [
    Claim.same("price", 715, lambda result: result.price, atol=1e-9),
    Claim.same("derivative by the number of apples", 110, lambda r: r.dapple_num, atol=1e-9),
    Claim.same("derivative by the price of an apple", 2.2, lambda r: r.dapple, atol=1e-9),
    Claim.same("derivative by the price of an orange", 3.3, lambda r: r.dorange, atol=1e-9),
    Claim.same("derivative by the number of oranges", 165, lambda r: r.dorange_num, atol=1e-9),
    Claim.same("derivative by the tax", 650, lambda r: r.dtax, atol=1e-9),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, config=Config, claims=CLAIMS)
