"""The weights of a network as a state dict of PyTorch, and back.

The functions need PyTorch: `python -m pip install "dlbasics[torch]"`.

Each layer with parameters becomes a module with tensors:

- Affine becomes Linear.  Its weight is W.T, (M, D), because PyTorch computes x weight^T + bias.
- Convolution becomes Conv2d, with the same weight, (FN, C, FH, FW).
- BatchNorm becomes BatchNorm1d or BatchNorm2d, whose weight is gamma and whose bias is beta.

PyTorch's Flatten has the order of our Affine, (C, H, W), so no row of a weight moves.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlbasics._internal import device
from dlbasics._internal.checks import Array, as_float, as_number
from dlbasics.layers import Affine, BatchNorm, Layer
from dlbasics.network import Network

__all__ = ["load_state_dict", "to_module", "to_state_dict"]

TRACKED = "num_batches_tracked"


def to_module(network: Network) -> Any:
    """Return a `torch.nn.Sequential` that computes what the network computes, with its weights.

    It returns the scores, in the network's dtype.  The softmax is part of PyTorch's loss,
    `torch.nn.CrossEntropyLoss`.  A module takes batches only: images (N, C, H, W), or rows (N, D)
    if the first layer is Affine.  Like any new module, it is in training mode; `module.eval()` is
    for test.

    Two things differ in training.  PyTorch's running variance divides by N - 1, ours by N.  And
    PyTorch's first batch moves the running statistics, where ours sets them.

    Args:
        network: The network.  The book's dropout, which scales in test, becomes a module of ours.

    Raises:
        ImportError: If PyTorch is not installed.
        TypeError: If PyTorch has no counterpart of a layer, as of a layer of your own.
        ValueError: If PyTorch does not take the settings of a layer.
    """
    module, layers = _counterpart(network)
    module.load_state_dict(_state(layers), assign=True)
    return module


def to_state_dict(network: Network, like: Any = None) -> dict[str, Any]:
    """Return the parameters and running statistics as a state dict, for a module to load.

    Args:
        network: The network.
        like: A module, or its state dict, that gives the names.  Its modules with weights must have
            the order of the network's layers.  None stands for the names of `to_module(network)`:
            "0.weight", "0.bias", ...  A Sequential with the same modules has them, if Flatten
            stands between the images and the first Linear.

    Returns:
        The tensors by name.  They are copies.

    Raises:
        ImportError: If PyTorch is not installed.
        TypeError: If PyTorch has no counterpart of a layer.
        ValueError: If the network does not fit `like`.  The message names what does not fit.
    """
    _, layers = _counterpart(network)
    state = _state(layers)
    if like is None:
        return state
    names = _matched(layers, like.state_dict() if hasattr(like, "state_dict") else like, "like")
    return {
        key: state[f"{path}.{entry}"] for path, keys in names.items() for entry, key in keys.items()
    }


def load_state_dict(network: Network, state: Any, *, eps: float | None = None) -> None:
    """Put the tensors of a state dict into the network, in the dtypes of its parameters.

    The names may be those of any module, such as "conv1.weight", if its modules with weights have
    the order of the network's layers.  The names of `to_state_dict` may come in any order.

    Args:
        network: The network.  It stays as it is if anything does not fit.
        state: A state dict, which maps names to tensors, such as `module.state_dict()`, or what
            `torch.load(path, weights_only=True)` reads from a file.
        eps: What batch normalization adds to the variance.  PyTorch's default is 1e-5, and a state
            dict does not hold it.  None leaves the network's, 1e-7.

    Raises:
        ImportError: If PyTorch is not installed.
        TypeError: If `state` is not a mapping from names to tensors of floating-point numbers, or
            PyTorch has no counterpart of a layer.
        ValueError: If a tensor is missing, is one too many, or has another shape.  The message
            names it.
    """
    _, layers = _counterpart(network)
    if eps is not None:
        eps = as_number(eps, "eps", low=0)
    found: list[tuple[Layer, dict[str, Array | None]]] = []
    for path, keys in _matched(layers, state, "state").items():
        arrays = {entry: _array(state[key], f"state[{key!r}]") for entry, key in keys.items()}
        found.append((layers[path][1], _attributes(layers[path][1], arrays)))
    for layer, attributes in found:
        vars(layer).update(attributes)
        if eps is not None and isinstance(layer, BatchNorm):
            vars(layer).update(eps=eps)  # only this layer's, not that of the class


def _counterpart(network: Network) -> Any:
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network of dlbasics, got {type(network).__name__}")
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'state dicts need PyTorch: python -m pip install "dlbasics[torch]"'
        ) from error
    from dlbasics._internal.torch_modules import counterpart

    return counterpart(network)


def _state(layers: Mapping[str, tuple[str, Layer]]) -> dict[str, Any]:
    """Return the tensors of all layers by name."""
    import torch

    return {
        f"{path}.{entry}": torch.from_numpy(np.array(array, order="C"))
        for path, (_, layer) in layers.items()
        for entry, array in _entries(layer).items()
    }


def _entries(layer: Any) -> dict[str, Array]:
    """Return the arrays of a layer by PyTorch's names, in PyTorch's shapes."""
    names = layer.param_names + layer.state_names
    own = {name: device.get(getattr(layer, name)) for name in names}  # a GPU may hold them
    if isinstance(layer, BatchNorm):
        gamma, mean, var = as_float(own["gamma"]), own["running_mean"], own["running_var"]
        return {
            "weight": gamma,
            "bias": as_float(own["beta"]),
            "running_mean": np.zeros_like(gamma) if mean is None else mean,
            "running_var": np.ones_like(gamma) if var is None else var,
            TRACKED: np.array(0 if mean is None else 1),  # we do not count batches
        }
    entries = {"weight": as_float(own["W"].T if isinstance(layer, Affine) else own["W"])}
    return entries if own["b"] is None else entries | {"bias": as_float(own["b"])}


def _attributes(layer: Any, arrays: dict[str, Array]) -> dict[str, Array | None]:
    """Undo `_entries`: return the attributes of a layer, in the dtype of its parameters."""
    first, second = layer.param_names
    weight = arrays["weight"].T if isinstance(layer, Affine) else arrays["weight"]
    found: dict[str, Array | None] = {first: weight, second: arrays.get("bias")}
    if isinstance(layer, BatchNorm):
        mean, var = arrays["running_mean"], arrays["running_var"]
        is_new = not arrays.get(TRACKED, 0) and (mean == 0).all() and (var == 1).all()
        found |= {"running_mean": None if is_new else mean, "running_var": None if is_new else var}
    like = getattr(layer, first)
    dtype = like.dtype if like.dtype.kind == "f" else np.dtype(np.float64)
    return {
        name: None if array is None else device.like(np.array(array, dtype, order="C"), like)
        for name, array in found.items()
    }


def _matched(
    layers: Mapping[str, tuple[str, Layer]], state: Any, name: str
) -> dict[str, dict[str, str]]:
    """Return the keys in `state` of the entries of each layer, by our name of its module.

    Raises:
        TypeError: If `state` is not a mapping from names to tensors.
        ValueError: If it does not fit the layers.
    """
    given: dict[str, dict[str, str]] = {}
    for key in _keys(state, name):
        path, _, entry = key.rpartition(".")
        given.setdefault(path, {})[entry] = key
    if len(given) != len(layers):
        labels = [label for label, _ in layers.values()]
        raise ValueError(
            f"{name} must have the weights of {len(layers)} modules, for {', '.join(labels)}, "
            f"got {len(given)}: {', '.join(map(repr, given))}"
        )
    paths = layers if layers.keys() == given.keys() else given
    found = dict(zip(layers, (given[path] for path in paths), strict=True))
    for (label, layer), keys, path in zip(layers.values(), found.values(), paths, strict=True):
        entries = _entries(layer)
        if keys.keys() | {TRACKED} != entries.keys() | {TRACKED}:
            wanted = [entry for entry in entries if entry != TRACKED]
            raise ValueError(
                f"{name} must hold {', '.join(wanted)} of {path!r}, for {label}, "
                f"got {', '.join(keys)}"
            )
        for entry, key in keys.items():
            own, shape = entries[entry].shape, tuple(state[key].shape)
            if shape != own:
                raise ValueError(f"{name}[{key!r}] must have shape {own}, for {label}, got {shape}")
    return found


def _keys(state: Any, name: str) -> list[str]:
    """Return the names of the tensors; raise TypeError unless `state` maps names to tensors."""
    if not isinstance(state, Mapping):
        cure = "; use its state_dict()" if hasattr(state, "state_dict") else ""
        raise TypeError(f"{name} must be a state dict, got {type(state).__name__}{cure}")
    for key, value in state.items():
        if not isinstance(key, str) or not hasattr(value, "shape"):
            raise TypeError(
                f"{name} must map names to tensors, got {type(value).__name__} for {key!r}"
            )
    return [*state]


def _array(value: Any, name: str) -> Array:
    """Return a tensor as an array in float64, or as integers if it holds integers."""
    import torch

    tensor = torch.as_tensor(value).detach().cpu()
    if tensor.is_floating_point():
        return tensor.double().numpy()
    if name.endswith(f"{TRACKED}']"):
        return tensor.numpy()
    raise TypeError(f"{name} must hold floating-point numbers, got {tensor.dtype}")
