"""The two scalar layers of the shopping example (book: *Implementing a Simple Layer*)."""

from typing import Any

from dlbasics._internal.checks import quiet
from dlbasics._internal.reprs import made_by


class MulLayer:
    """The product of two numbers.

    z = x y;  dx = dout y;  dy = dout x: the factors change places.

    >>> apple = MulLayer()
    >>> apple.forward(100, 2)
    200
    >>> apple.backward(1.1)
    (2.2, 110.00000000000001)
    """

    @quiet  # silences NumPy's warnings about infinite numbers
    def forward(self, x: Any, y: Any) -> Any:
        """Return the product x y."""
        self.x, self.y = x, y
        return x * y

    @quiet
    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return dx and dy."""
        return dout * self.y, dout * self.x

    def __repr__(self) -> str:
        return made_by(self)


class AddLayer:
    """The sum of two numbers.

    z = x + y;  dx = dy = dout.

    >>> AddLayer().forward(200, 450)
    650
    >>> AddLayer().backward(1.1)
    (1.1, 1.1)
    """

    @quiet
    def forward(self, x: Any, y: Any) -> Any:
        """Return the sum x + y."""
        return x + y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return dx and dy."""
        return dout, dout

    def __repr__(self) -> str:
        return made_by(self)
