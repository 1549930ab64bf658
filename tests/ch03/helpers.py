from pathlib import Path

from ch03_forward import neuralnet_mnist

FILE = Path(neuralnet_mnist.__file__).with_name("sample_weight.npz")
SHAPES = {
    "W1": (784, 50),
    "b1": (50,),
    "W2": (50, 100),
    "b2": (100,),
    "W3": (100, 10),
    "b3": (10,),
}
"""The shapes of the trained weights."""
