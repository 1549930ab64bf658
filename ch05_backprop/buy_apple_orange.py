"""*Implementing an Addition Layer* (chapter 5): apples and oranges, price and derivatives."""

from dataclasses import dataclass

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.layers import AddLayer, MulLayer

ROUNDING = "1.1 is not exact in binary, so that the last digits are rounded"


@dataclass(frozen=True)
class Config:
    """The numbers of the book.

    Args:
        apple: The price of one apple.
        apple_num: The number of apples.
        orange: The price of one orange.
        orange_num: The number of oranges.
        tax: The factor of the tax: 1.1 stands for 10 percent.
    """

    apple: float = 100
    apple_num: float = 2
    orange: float = 150
    orange_num: float = 3
    tax: float = 1.1


@dataclass(frozen=True)
class Result(Record):
    """What the fruit costs, and how that depends on each number.

    Args:
        price: The price of all fruit with tax.
        dapple_num: The derivative of the price with respect to the number of apples.
        dapple: The derivative with respect to the price of one apple.
        dorange: The derivative with respect to the price of one orange.
        dorange_num: The derivative with respect to the number of oranges.
        dtax: The derivative with respect to the factor of the tax.
    """

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


experiment = Experiment(
    __doc__,
    run,
    config=Config,
    claims=[
        Claim.same("price", 715, lambda r: r.price, atol=1e-9, why=ROUNDING),
        Claim.same(
            "derivatives by number of apples, apple, orange, number of oranges, tax",
            [110, 2.2, 3.3, 165, 650],
            lambda r: [r.dapple_num, r.dapple, r.dorange, r.dorange_num, r.dtax],
            atol=1e-9,
            why=ROUNDING,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
