"""The digit pad: draw a digit, and see how a network reads it.

`python -m dlbasics.pad` opens the page in a browser.  `python -m dlbasics.pad image.png` prints
which digits are in a picture.

    steps.py     from a picture to the 28x28 pixels that a network sees, one step at a time
    digits.py    the digits of a picture, from left to right
    networks.py  the trained networks, and your own from a file
    explain.py   what each layer computes, and which pixels speak for a class and against it
    server.py    what answers the page, which lies in page/
    train.py     the command that trained the networks
"""

from dlbasics.pad.digits import digits_of
from dlbasics.pad.explain import input_gradient, layer_outputs, occlusion
from dlbasics.pad.networks import network_from, probabilities, shipped_networks
from dlbasics.pad.steps import STEPS, Step, as_mnist

__all__ = [
    "STEPS", "Step", "as_mnist", "digits_of", "input_gradient", "layer_outputs", "network_from",
    "occlusion", "probabilities", "shipped_networks",
]  # fmt: skip
