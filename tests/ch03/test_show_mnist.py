import numpy as np

from ch03_forward import show_mnist


def test_first_images_of_mnist(mnist):
    result = show_mnist.experiment.run(data=mnist)
    assert result.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    figures = show_mnist.plot(result)
    (axes,) = figures["first_image"].axes
    np.testing.assert_array_equal(axes.images[0].get_array(), mnist.x_train[0].reshape(28, 28))
    sheet = figures["first_fifty"].axes
    assert [axes.get_title() for axes in sheet[:3]] == ["5", "0", "4"]
