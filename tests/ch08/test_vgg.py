"""Chapter 8, vgg.py: stages of one, two and four convolutions."""

from ch08_deep import vgg
from tests.helpers import few_digits, first_test_images


def test_networks_have_three_affine_layers_and_two_stages():
    data = first_test_images(few_digits(), 50)
    result = vgg.experiment.run(data=data, depths=(1, 3), train_size=100, epochs=1)
    assert [*result.costs] == ["5 layers", "9 layers"]
    assert result.sizes == [14, 7]
    few, many = (found.parameters for found in result.costs.values())
    assert many - few == 2 * (16 * 16 * 9 + 16) + 2 * (32 * 32 * 9 + 32)
