import numpy as np

from ch03_forward import matrix_products


def test_only_shapes_that_do_not_fit_are_an_error():
    assert matrix_products.misfit(np.ones((2, 3)), np.ones((3, 2))) == "no error"
    assert matrix_products.misfit(np.ones((2, 3)), np.ones((2, 2))) == "ValueError"
