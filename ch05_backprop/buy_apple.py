"""*Implementing a Multiplication Layer* (chapter 5): the price of two apples, its derivatives."""

from dataclasses import dataclass

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.layers import MulLayer

ROUNDING = "1.1 is not exact in binary, so that the last digits are rounded"


@dataclass(frozen=True)
class Config:
    """The numbers of the book.

    Args:
        apple: The price of one apple.
        apple_num: The number of apples.
        tax: The factor of the tax: 1.1 stands for 10 percent.
    """

    apple: float = 100
    apple_num: float = 2
    tax: float = 1.1


@dataclass(frozen=True)
class Result(Record):
    """What two apples cost, and how that depends on each number.

    Args:
        price: The price of the apples with tax.
        dapple: The derivative of the price with respect to the price of one apple.
        dapple_num: The derivative with respect to the number of apples.
        dtax: The derivative with respect to the factor of the tax.
    """

    price: float
    dapple: float
    dapple_num: float
    dtax: float


def run(config: Config) -> Result:
    mul_apple_layer = MulLayer()
    mul_tax_layer = MulLayer()

    apple_price = mul_apple_layer.forward(config.apple, config.apple_num)
    price = mul_tax_layer.forward(apple_price, config.tax)

    dprice = 1
    dapple_price, dtax = mul_tax_layer.backward(dprice)
    dapple, dapple_num = mul_apple_layer.backward(dapple_price)
    return Result(price, dapple, dapple_num, dtax)


experiment = Experiment(
    __doc__,
    run,
    config=Config,
    claims=[
        Claim.same("price", 220, lambda r: r.price, atol=1e-9, why=ROUNDING),
        Claim.same(
            "derivatives by the price of an apple, their number, the tax",
            [2.2, 110, 200],
            lambda r: [r.dapple, r.dapple_num, r.dtax],
            atol=1e-9,
            why=ROUNDING,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
