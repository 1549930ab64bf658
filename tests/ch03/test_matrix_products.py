import numpy as np

from ch03_forward import matrix_products
from dlbasics.experiment import judge


def test_only_shapes_that_do_not_fit_are_an_error():
    assert matrix_products.misfit(np.ones((2, 3)), np.ones((3, 2))) == "no error"
    assert matrix_products.misfit(np.ones((2, 3)), np.ones((2, 2))) == "ValueError"


def test_shapes_that_differ_are_counted():
    result = matrix_products.experiment.run()
    assert judge(matrix_products.experiment.claims, result)[0].ours == 0
    result.shapes["W"], result.shapes["Y"] = (3, 2), (3, 1)
    verdict = judge(matrix_products.experiment.claims, result)[0]
    assert (verdict.ours, verdict.holds) == (2, False)
