"""The trained networks of the pad, and your own from a file."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.files import as_path
from dlbasics._internal.network_state import LAYERS, MAX_NAMES, arrays_of
from dlbasics._internal.npz import Form
from dlbasics.network import Network
from dlbasics.networks import ACTIVATIONS, DeepConvNet, MultiLayerNet, SimpleConvNet, TwoLayerNet
from dlbasics.storage import PathLike, open_npz

FILES = {
    "TwoLayerNet": "two_layer_net.npz",
    "SimpleConvNet": "simple_convnet.npz",
    "DeepConvNet": "deep_convnet.npz",
}
"""The files with the trained weights, in this folder."""

INPUTS, CLASSES = 784, 10
"""The numbers of pixels and of digits."""

EXPECTED = (
    "a file that save_params wrote from a TwoLayerNet, MultiLayerNet, SimpleConvNet or DeepConvNet "
    "for 28x28 pixels and 10 classes"
)


def shipped_networks() -> dict[str, Network]:
    """Return the trained networks by the names of their classes, the simplest first."""
    folder = Path(__file__).parent
    return {name: network_from(folder / file) for name, file in FILES.items()}


def network_from(path: PathLike) -> Network:
    """Return the network whose parameters are in a file, in float32.

    The names of the layers and the shapes of the parameters tell which network it is.

    Args:
        path: A file that `save_params` wrote from a TwoLayerNet, MultiLayerNet, SimpleConvNet or
            DeepConvNet of digits, with any numbers of units and filters.  The convolutions have
            stride 1, and those of a DeepConvNet the default padding.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, or holds another network, or numbers that are not
            finite.  The message names the file.
    """
    path = as_path(path)
    with open_npz(path) as file:
        forms = dict(file.forms)
        names = forms.pop(LAYERS, None)
        if names is None or names.dtype.kind != "U" or names.size > MAX_NAMES:
            raise ValueError(f"{path}: expected {EXPECTED}, got a file without names of layers")
        file.check_size(forms)
        layers = file.read(LAYERS).reshape(-1).tolist()
    dtype = forms["W1"].dtype if "W1" in forms else np.dtype(np.float32)
    if dtype.kind != "f":
        raise ValueError(f"{path}: expected parameters of a floating-point type, got {dtype}")
    for make in _networks(layers, forms):
        try:
            network = make(dtype=dtype, rng=0)
        except (TypeError, ValueError):  # no network of this kind has these shapes
            continue
        if [*network.layers] == layers and _fits(network, forms):
            network.load_params(path)
            break
    else:
        shapes = {key: form.shape for key, form in forms.items()}
        raise ValueError(
            f"{path}: expected {EXPECTED}, got the layers {layers!s:.300} and the parameters "
            f"{shapes!s:.500}"
        )
    network = network.astype(np.float32)
    for key, array in arrays_of(network).items():
        if not np.isfinite(array).all():
            raise ValueError(f"{path}: expected finite numbers, got others in {Path(key).name}")
    return network


def probabilities(network: Network, images: Array) -> Array:
    """Return the probabilities of the ten digits, (N, 10), for images (N, 28, 28)."""
    return network.predict_proba(images.reshape(len(images), *(network.input_dim or (INPUTS,))))


def _fits(network: Network, forms: Mapping[str, Form]) -> bool:
    """Return whether the parameters have the shapes of those in the file."""
    return all(key in forms and forms[key].shape == p.shape for key, p in network.params.items())


def _networks(layers: list[str], forms: Mapping[str, Form]) -> Iterator[Callable[..., Network]]:
    """Yield functions that make the networks which a file may be from."""
    shapes = [forms[f"W{i}"].shape for i in range(1, len(forms) + 1) if f"W{i}" in forms]
    if not shapes or any(len(shape) not in (2, 4) for shape in shapes):
        return
    filters = [shape for shape in shapes if len(shape) == 4]
    sizes = [shape[1] for shape in shapes if len(shape) == 2]
    if not sizes or sizes[-1] != CLASSES:
        return
    if not filters:
        if shapes[0][0] != INPUTS:
            return
        if layers == ["Affine1", "Relu1", "Affine2"]:
            yield partial(TwoLayerNet, INPUTS, sizes[0], CLASSES)
        options: dict[str, Any] = {
            "use_batchnorm": any(name.startswith("BatchNorm") for name in layers),
            "use_dropout": any(name.startswith("Dropout") for name in layers),
        }
        for activation in ACTIVATIONS:
            yield partial(MultiLayerNet, INPUTS, sizes[:-1], CLASSES, activation, **options)
    elif len(filters) == 1:
        FN, _, FH, FW = filters[0]
        for pad in range(max(FH, FW)):
            param = {"filter_num": FN, "filter_size": (FH, FW), "pad": pad}
            yield partial(SimpleConvNet, conv_param=param, hidden_size=sizes[0])
    elif len(filters) == 6:
        params: dict[str, Any] = {
            f"conv_param_{i + 1}": {"filter_num": FN, "filter_size": (FH, FW)}
            for i, (FN, _, FH, FW) in enumerate(filters)
        }
        yield partial(DeepConvNet, **params, hidden_size=sizes[0])
