"""Parameters in files: exact path, whole or not at all, and clear errors for everything else."""

import gc
import io
import os
import pickle
import re
import sys
import warnings
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from dlbasics._internal import npz
from dlbasics.layers import Affine, BatchNorm, Relu, Sigmoid
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from dlbasics.storage import load_arrays, save_arrays
from tests.helpers import Block, normal


def new_net(seed=0, **options):
    return MultiLayerNet(3, [5, 4], 2, use_batchnorm=True, rng=seed, **options)


def trained_net(seed=0):
    net, rng = new_net(seed), np.random.default_rng(seed)
    for _ in range(3):
        net.gradient(rng.standard_normal((7, 3)).astype(np.float32), rng.integers(0, 2, 7))
    return net


def stored(net):
    """Parameters and running statistics, as bytes."""
    layers = [inner for layer in net.layers.values() for inner in layer.walk()]
    return pickle.dumps(
        [
            [getattr(layer, name) for name in layer.param_names + layer.state_names]
            for layer in layers
        ]
    )


def assert_comes_back(net, other, path):
    """What is saved of one network is what another has loaded."""
    net.save_params(path)
    other.load_params(path)
    assert stored(other) == stored(net)


def assert_refused(net, path, message):
    before, x = stored(net), np.ones((2, 3), np.float32)
    scores = net.predict(x)
    with pytest.raises(ValueError, match=message) as caught:
        net.load_params(path)
    assert str(path) in str(caught.value)
    assert stored(net) == before
    np.testing.assert_array_equal(net.predict(x), scores)


# ---- What is saved comes back ----


@pytest.mark.parametrize("name", ["params.npz", "weights", "net.bin", "ü name.npz.tmp", ".npz"])
@pytest.mark.parametrize("form", [str, lambda path: path], ids=["str", "Path"])
def test_exactly_that_path_is_written(tmp_path, name, form):
    assert_comes_back(trained_net(), new_net(1), form(tmp_path / name))
    assert os.listdir(tmp_path) == [name]


def test_the_path_is_params_npz_unless_given_and_an_older_file_is_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net, other = trained_net(), trained_net(1)
    other.save_params()
    net.save_params()
    assert os.listdir(tmp_path) == ["params.npz"]
    other.load_params()
    assert stored(other) == stored(net)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_everything_comes_back_to_the_bit(tmp_path, dtype):
    net, other = trained_net().astype(dtype), new_net(1).astype(dtype)
    net.params["W1"][0, :4] = np.nan, np.inf, -0.0, np.finfo(dtype).smallest_subnormal
    net.params["W2"] = np.asfortranarray(net.params["W2"])
    net.save_params(tmp_path / "params.npz")
    other.load_params(tmp_path / "params.npz")
    assert list(other.params) == list(net.params)
    for layer, twin in zip(net.layers.values(), other.layers.values(), strict=True):
        for name in layer.param_names + layer.state_names:
            array, found = getattr(layer, name), getattr(twin, name)
            assert (found.dtype, found.tobytes()) == (array.dtype, array.tobytes()), name


def test_a_network_that_was_loaded_trains_on(tmp_path):
    net, other = trained_net(), new_net(1)
    net.save_params(tmp_path / "params.npz")
    other.load_params(tmp_path / "params.npz")
    x, t = np.ones((2, 3), np.float32), [0, 1]
    assert other.params["W1"] is other.layers["Affine1"].W
    np.testing.assert_array_equal(other.gradient(x, t)["W1"], net.gradient(x, t)["W1"])
    other.params["W1"] += 1


def test_running_statistics_that_are_not_set_come_back_unset(tmp_path):
    net = trained_net()
    assert_comes_back(new_net(1), net, tmp_path / "params.npz")
    assert not any("running" in key for key in load_arrays(tmp_path / "params.npz"))
    assert net.layers["BatchNorm1"].running_mean is None


def test_inner_layers_and_biases_that_are_none_are_stored_too(tmp_path):
    def net(seed):
        block = Block(Affine.create(3, 3, rng=seed), BatchNorm.create(3))
        return Network([block, Affine(normal(3, 2, seed=seed), None)])

    first = net(0)
    first.gradient(np.eye(3), [0, 1, 0])
    assert_comes_back(first, net(1), tmp_path / "params.npz")


def test_a_file_without_layer_names_will_do(tmp_path):
    net, other = trained_net(), new_net(1)
    np.savez(tmp_path / "plain.npz", **net.params)
    other.load_params(tmp_path / "plain.npz")
    np.testing.assert_array_equal(other.params["W3"], net.params["W3"])


def test_load_arrays_gives_a_plain_dict_of_writable_arrays(tmp_path):
    arrays = {f"W{i}": normal(i, 2) for i in (1, 2, 3)}
    np.savez(tmp_path / "sample_weight.npz", **arrays)
    np.savez_compressed(tmp_path / "small.npz", **arrays)
    save_arrays(tmp_path / "ours.npz", arrays)
    for name in ("sample_weight.npz", "small.npz", "ours.npz"):
        found = load_arrays(str(tmp_path / name))
        assert type(found) is dict
        assert found.keys() == arrays.keys()
        for key, array in found.items():
            np.testing.assert_array_equal(array, arrays[key])
            array += 1


def test_save_arrays_takes_no_objects_and_leaves_an_older_file_as_it_was(tmp_path):
    path = tmp_path / "params.npz"
    save_arrays(path, {"W1": np.ones(2)})
    older = path.read_bytes()
    with pytest.raises(TypeError, match=r"arrays\['W2'\] must hold numbers or texts"):
        save_arrays(path, {"W1": np.zeros(2), "W2": np.array([{}], dtype=object)})
    assert path.read_bytes() == older
    assert os.listdir(tmp_path) == ["params.npz"]


# ---- What does not fit is refused ----


def test_a_missing_folder_or_file_is_the_usual_error(tmp_path):
    net = trained_net()
    before = stored(net)
    with pytest.raises(FileNotFoundError):
        net.save_params(tmp_path / "missing" / "params.npz")
    with pytest.raises(FileNotFoundError):
        net.load_params(tmp_path / "params.npz")
    with pytest.raises(FileNotFoundError):
        load_arrays(tmp_path / "params.npz")
    assert stored(net) == before


W, B = np.ones((3, 2), np.float32), np.ones(2, np.float32)
OTHER_NETWORKS = {
    "other layers": (MultiLayerNet(3, [5, 4], 2, "sigmoid", use_batchnorm=True), "Sigmoid1.*Relu1"),
    "fewer layers": (MultiLayerNet(3, [5], 2, use_batchnorm=True), "layers"),
    "no batch norm": (MultiLayerNet(3, [5, 4], 2), "layers"),
    "own names": (Network(dict(zip("abcdefg", new_net().layers.values(), strict=True))), "layers"),
    "other sizes": (MultiLayerNet(3, [5, 6], 2, use_batchnorm=True), r"W2.*\(5, 6\).*\(5, 4\)"),
    "other inputs": (MultiLayerNet(4, [5, 4], 2, use_batchnorm=True), r"W1.*\(4, 5\).*\(3, 5\)"),
    "other dtype": (new_net(dtype=np.float64), "W1.*float64.*float32"),
    "a bias": (Network([Affine(W, B)]), "b1", Network([Affine(W, None)])),
    "inner layers": (
        Network([Block(Affine(W, None), Relu())]),
        "Relu.*Sigmoid",
        Network([Block(Affine(W, None), Sigmoid())]),
    ),
}


@pytest.mark.parametrize("case", OTHER_NETWORKS)
def test_the_file_of_another_network_is_refused(tmp_path, case):
    other, message, *net = OTHER_NETWORKS[case]
    other.save_params(tmp_path / "params.npz")
    assert_refused(net[0] if net else trained_net(), tmp_path / "params.npz", message)


CHANGES = {
    "missing key": (lambda a: a.pop("b2"), "b2"),
    "missing gamma": (lambda a: a.pop("gamma1"), "gamma1"),
    "extra key": (lambda a: a.update(W4=np.ones(3)), "W4"),
    "transposed": (lambda a: a.update(W1=a["W1"].T), r"W1.*\(5, 3\).*\(3, 5\)"),
    "integers": (lambda a: a.update(b1=np.zeros(5, int)), "b1.*int"),
    "one wrong after many right": (lambda a: a.update(b3=np.zeros(9, np.float32)), "b3"),
    "statistics of another shape": (
        lambda a: a.update(running_mean1=np.zeros(9, np.float32)),
        r"running_mean1.*\(9,\).*\(5,\)",
    ),
    "half of the statistics": (lambda a: a.pop("running_var1"), "running_"),
    "layer names that are numbers": (lambda a: a.update(layers=np.arange(3)), "layers"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_does_not_fit_is_refused(tmp_path, change, message):
    path = tmp_path / "params.npz"
    trained_net(1).save_params(path)
    arrays = load_arrays(path)
    change(arrays)
    save_arrays(path, arrays)
    assert_refused(trained_net(0), path, message)


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("the pickle was executed",)


def npz_of(value):
    file = io.BytesIO()
    np.savez(file, W1=np.array([value], dtype=object))
    return file.getvalue()


def zip_of_a_text():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("W1", "no array")
    return file.getvalue()


FOREIGN = {
    "empty": b"",
    "one byte": b"P",
    "random": np.random.default_rng(1).bytes(5000),
    "random behind PK": b"PK\x03\x04" + np.random.default_rng(2).bytes(5000),
    "text": "W1 = 0.1, größer\n".encode(),
    "npy": b"\x93NUMPY\x01\x00v\x00" + b" " * 118,
    "zip of a text": zip_of_a_text(),
    "npz with a pickled bomb": npz_of(Bomb()),
    "npz with a pickled dict": npz_of({"W1": 1.0}),
    **{f"pickled bomb, {n}": pickle.dumps({"W1": Bomb()}, n) for n in range(6)},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_that_is_something_else_is_refused_and_never_executed(tmp_path, kind):
    path = tmp_path / "weights"
    path.write_bytes(FOREIGN[kind])
    words = {"zip of a text": "arrays only", "pickled bomb": "is a pickle"}
    assert_refused(trained_net(), path, words.get(kind.partition(",")[0], r"\.npz"))


@pytest.mark.parametrize("kind", [dict, OrderedDict])
@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_refused_with_the_command_that_converts_it(
    tmp_path, monkeypatch, protocol, kind
):
    """The name of the file, which could be code, is no part of the command."""
    path, net, trained = tmp_path / "'); my 'weights.pkl", new_net(0), trained_net(1)
    converted = tmp_path / "my weights.npz"
    path.write_bytes(pickle.dumps(kind(trained.params), protocol))
    assert_refused(net, path, "pickle.*any code.*python -c")
    with pytest.raises(ValueError, match="python -c") as caught:
        load_arrays(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a process that ends closes its files
        monkeypatch.setattr(sys, "argv", ["-c", str(path), str(converted)])
        exec(re.search(r'python -c "(.*)"$', str(caught.value)).group(1), {})
    net.load_params(converted)
    np.testing.assert_array_equal(net.params["W3"], trained.params["W3"])


# ---- Damage ----


@pytest.mark.parametrize("share", [0, 0.0005, 0.01, 0.2, 0.5, 0.8, 0.95, 0.99, 0.9999])
def test_a_truncated_file_is_refused_and_does_not_stay_open(tmp_path, share):
    path = tmp_path / "weights"
    trained_net(1).save_params(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert_refused(trained_net(0), path, r"\.npz")
    gc.collect()  # closes a file that is still open, with a warning, which is an error


@pytest.mark.long
def test_no_single_damaged_byte_gives_anything_but_a_clear_error(tmp_path):
    path, rng = tmp_path / "params.npz", np.random.default_rng(0)
    expected = {"W1": normal(2), "layers": np.array(["Affine1"])}
    save_arrays(path, expected)
    whole = path.read_bytes()
    for i in range(len(whole)):
        damaged = bytearray(whole)
        damaged[i] ^= rng.choice([1, 8, 128, 255])
        path.write_bytes(damaged)
        try:
            found = load_arrays(path)
        except ValueError as error:
            assert str(path) in str(error)
        else:
            for name in found.keys() & expected.keys():
                np.testing.assert_array_equal(found[name], expected[name])


# ---- Arguments ----


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        (1, TypeError, "arrays must be a mapping of names to arrays, got int"),
        ([("W1", W)], TypeError, "arrays must be a mapping of names to arrays, got list"),
        ({1: W}, TypeError, "arrays must have texts as names, got 1"),
        ({"a\0b": W}, ValueError, "arrays must have names that a file can hold"),
        ({"W1": [[1], [2, 3]]}, TypeError, r"arrays\['W1'\] must be an array, got a ragged list"),
        ({"W1": {1}}, TypeError, r"arrays\['W1'\] must hold numbers or texts, got dtype object"),
        (
            {"W1": np.ma.masked_array(B, [True, False])},
            TypeError,
            r"arrays\['W1'\] must be an array without a mask",
        ),
    ],
)
def test_what_is_no_mapping_of_arrays_is_refused_and_no_file_appears(
    tmp_path, arrays, error, message
):
    with pytest.raises(error, match=message):
        save_arrays(tmp_path / "params.npz", arrays)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "error"),
    [("", ValueError), (".", ValueError), ("a\0b", ValueError), (None, TypeError), (2, TypeError)],
)
def test_a_path_that_can_be_none_of_a_file_is_refused(path, error):
    net = new_net()
    for use in (load_arrays, lambda path: save_arrays(path, {}), net.save_params, net.load_params):
        with pytest.raises(error, match="path must be the path of a file, got"):
            use(path)


@pytest.mark.parametrize("key", ["layers", "running_mean1", "W9"])
def test_a_network_reads_only_names_and_forms_of_a_file_that_does_not_fit(
    tmp_path, monkeypatch, key
):
    path, net = tmp_path / "params.npz", trained_net()
    net.save_params(path)
    save_arrays(path, load_arrays(path) | {key: np.zeros(2_000_000)})
    monkeypatch.setattr(np.lib.format, "read_array", read := Reads(np.lib.format.read_array))
    assert_refused(net, path, rf"{key}|layers float64 of shape \(2000000,\)")
    assert read.sizes == ([] if key == "layers" else [len(net.layers)])


class Reads:
    """The number of values in each array that is read."""

    def __init__(self, read):
        self.read, self.sizes = read, []

    def __call__(self, *args, **options):
        array = self.read(*args, **options)
        self.sizes.append(array.size)
        return array


def test_a_network_reads_what_fits_it_however_small_the_file_is(tmp_path, monkeypatch):
    """Zeros compress well.  Who knows what a file should hold need not ask its size."""
    net = new_net(weight_init_std=0.0)
    np.savez_compressed(tmp_path / "params.npz", **net.params)
    monkeypatch.setattr(npz, "most_unpacked", lambda size: 10)
    net.load_params(tmp_path / "params.npz")
    with pytest.raises(
        ValueError, match=r"params\.npz, a file of \d+ bytes, must hold at most 10 b"
    ):
        load_arrays(tmp_path / "params.npz")
