import numpy as np
import pytest

from ch04_training import gradient_field


@pytest.fixture(scope="module")
def result():
    return gradient_field.experiment.run()


def test_the_surface_of_figure_4_8_opens_upwards(result):
    np.testing.assert_allclose(result.surface, result.grid[0] ** 2 + result.grid[1] ** 2)
    (axes,) = gradient_field.plot(result)["figure_4_8"].axes
    assert axes.xy_dataLim.extents.tolist() == [-3, -3, 3, 3]
    assert axes.zz_dataLim.intervalx.tolist() == [0, 18]


def test_arrows_point_at_the_minimum(result):
    (axes,) = gradient_field.plot(result)["figure_4_9"].axes
    arrows = axes.collections[0]
    np.testing.assert_allclose(arrows.get_offsets(), result.places)
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], 1), -2 * result.places, atol=1e-8)
