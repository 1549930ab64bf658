"""The parameters of a network under the book's names: W1, b1, W2, ..."""

from collections import Counter
from collections.abc import ItemsView, Iterator, Mapping, Sequence

from dlbasics._internal import device
from dlbasics._internal.checks import Array, as_param
from dlbasics.layers import Layer

Slot = tuple[Layer, str]


def slots(layers: Mapping[str, Layer], kinds: Sequence[str]) -> dict[str, Slot]:
    """Return layer and attribute of each parameter or state, by its key.

    The key is the name of the attribute with the number of the layer, counted among the layers
    that have such an attribute: W1, b1, gamma1, beta1, W2, ...

    Args:
        layers: The layers by name.
        kinds: "param_names", "state_names" or both.

    Raises:
        ValueError: If two of them have the same key, as W1 of a first layer and W of an 11th.
    """
    count: Counter[str] = Counter()
    found: dict[str, Slot] = {}
    for top in layers.values():
        for layer in top.walk():
            for name in (name for kind in kinds for name in getattr(layer, kind)):
                count[name] += 1
                key = f"{name}{count[name]}"
                if key in found:
                    raise ValueError(f"{layer.kind}.{name} must have another name: {key} is taken")
                found[key] = layer, name
    return found


class Params(Mapping[str, Array]):
    """The parameters of a network by key.  The layers' attributes are their only storage.

    A change of an array in place changes the network.  `params["W1"] = w` puts the array w itself,
    which must have the same shape, into the layer.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self._layers = layers
        self._seen: list[Layer] = []
        self._found: dict[str, Slot] = {}
        self.slots()  # raises, if two parameters have the same key

    def slots(self) -> dict[str, Slot]:
        """Return layer and attribute of each parameter that is not None, by its key."""
        layers = [layer for top in self._layers.values() for layer in top.walk()]
        if layers != self._seen:
            self._seen, self._found = layers, slots(self._layers, ["param_names"])
        return {key: slot for key, slot in self._found.items() if getattr(*slot) is not None}

    def __getitem__(self, key: str) -> Array:
        layer, name = self.slots()[key]
        param: Array = getattr(layer, name)
        return param

    def __setitem__(self, key: str, value: Array) -> None:
        self.check(key, value)
        setattr(*self.slots()[key], device.like(value, self[key]))

    def assign(self, arrays: Mapping[str, Array]) -> None:
        """Assign all of these arrays; if a key, shape or dtype does not fit, assign none."""
        if not isinstance(arrays, Mapping):
            raise TypeError(f"params must be a dict of arrays, got {type(arrays).__name__}")
        if arrays.keys() != self.keys():
            raise ValueError(f"params must have the keys {[*self]}, got {[*arrays]}")
        for key, array in arrays.items():
            self.check(key, array)
        for key, array in arrays.items():
            self[key] = array

    def check(self, key: str, value: Array) -> None:
        """Raise KeyError, TypeError or ValueError unless `value` may be assigned to `key`."""
        if key not in self.slots():
            raise KeyError(f"no parameter is called {key!r}, only {', '.join(self)}")
        if as_param(value, key, shape=self[key].shape).dtype.kind != "f":
            raise TypeError(f"{key} must hold floating-point numbers, got {value.dtype}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.slots())

    def items(self) -> ItemsView[str, Array]:
        """Return keys and arrays.  This takes one walk over the layers; Mapping's takes many."""
        return {key: getattr(*slot) for key, slot in self.slots().items()}.items()

    def __len__(self) -> int:
        return len(self.slots())

    def __repr__(self) -> str:
        arrays = (f"{key}: {param.dtype} {param.shape}" for key, param in self.items())
        return f"Params({', '.join(arrays)})"
