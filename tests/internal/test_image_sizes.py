"""What helps if the windows of a network do not tile its images."""

import re

import pytest

from dlbasics import DeepConvNet, LeNet, ResNet


def helps(kind, *given, **settings):
    """Return what the error message says would do, as arguments by name."""
    with pytest.raises(ValueError, match=r"input_dim must be that of images .*would do$") as caught:
        kind(*given, **settings)
    cures = str(caught.value).rpartition("; ")[2].removesuffix(" would do").split(" or ")
    return [dict([cure.split("=", 1)]) for cure in cures]


@pytest.mark.parametrize(
    ("kind", "shape", "settings", "found"),
    [
        (
            DeepConvNet,
            (3, 32, 32),
            {},
            ["conv_param_4={'pad': 1}", "input_dim=(3, 28, 28)", "input_dim=(3, 36, 36)"],
        ),
        (
            DeepConvNet,
            (1, 28, 28),
            {"conv_param_4": {"pad": 1}},
            ["conv_param_4={'pad': 2}", "input_dim=(1, 24, 24)", "input_dim=(1, 32, 32)"],
        ),
        (LeNet, (1, 30, 30), {}, ["input_dim=(1, 28, 28)", "input_dim=(1, 32, 32)"]),
        (LeNet, (1, 30, 17), {}, ["input_dim=(1, 28, 16)", "input_dim=(1, 32, 20)"]),
        (ResNet, (3, 30, 30), {}, ["input_dim=(3, 28, 28)", "input_dim=(3, 32, 32)"]),
        (ResNet, (3, 2, 32), {}, ["input_dim=(3, 4, 32)"]),
    ],
)
def test_a_padding_or_other_images_would_do(kind, shape, settings, found):
    cures = helps(kind, shape, **settings)
    assert [f"{name}={value}" for cure in cures for name, value in cure.items()] == found
    for cure in cures:
        arguments = {name: eval(value) for name, value in cure.items()}
        kind(**{"input_dim": shape, **settings, **arguments})


def test_the_layer_is_named_and_nothing_is_promised_that_does_not_help():
    message = r"got \(1, 1, 1\): Pool: x must have a height of 2 .* got 1; input_dim=\(1, 4, 4\)"
    with pytest.raises(ValueError, match=message):
        ResNet((1, 1, 1))
    with pytest.raises(ValueError, match=r"got \(1, 101, 101\): Pool: .* got 101$"):
        ResNet((1, 101, 101), filter_nums=[1] * 9)


def test_the_argument_of_the_padding_is_one_that_the_network_has():
    with pytest.raises(ValueError, match="input_dim must be") as caught:
        LeNet((1, 30, 30))
    assert not re.search("conv_param|pad'", str(caught.value))
