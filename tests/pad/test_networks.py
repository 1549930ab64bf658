"""The trained networks of the pad, and readers' own from files."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import dlbasics
from dlbasics import DeepConvNet, LeNet, MultiLayerNet, SimpleConvNet, TwoLayerNet
from dlbasics.datasets import load_digits
from dlbasics.pad.networks import FILES, network_from, probabilities, shipped_networks
from tests.helpers import normal

pytestmark = pytest.mark.long

SMALL = {f"conv_param_{i}": {"filter_num": i} for i in range(1, 7)}


def test_three_networks_are_shipped_in_float32():
    networks = shipped_networks()
    assert [type(network).__name__ for network in networks.values()] == [*networks] == [*FILES]
    for network in networks.values():
        assert {param.dtype for param in network.params.values()} == {np.dtype(np.float32)}


def test_the_shipped_weights_take_less_than_1_5_megabytes():
    files = Path(dlbasics.__file__).parent.glob("pad/*.npz")
    assert sum(file.stat().st_size for file in files) < 1_500_000


def test_the_shipped_networks_read_digits():
    (x, t), _ = load_digits(train=200, test=0, flatten=False)
    for network in shipped_networks().values():
        p = probabilities(network, x[:, 0])
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert (p.argmax(axis=1) == t).mean() > 0.8


@pytest.mark.parametrize(
    "make",
    [
        lambda **given: TwoLayerNet(784, 7, 10, **given),
        lambda **given: MultiLayerNet(784, [], 10, **given),
        lambda **given: MultiLayerNet(784, [6, 5, 4], 10, "tanh", **given),
        lambda **given: MultiLayerNet(784, [6], 10, "leaky_relu", **given),
        lambda **given: MultiLayerNet(784, [6, 5], 10, use_batchnorm=True, **given),
        lambda **given: MultiLayerNet(784, [6], 10, "elu", 0.1, 0.1, True, 0.5, True, **given),
        lambda **given: SimpleConvNet(hidden_size=8, **given),
        lambda **given: SimpleConvNet(
            conv_param={"filter_num": 3, "filter_size": 3, "pad": 1}, **given
        ),
        lambda **given: SimpleConvNet(
            conv_param={"filter_num": 2, "filter_size": (7, 3), "pad": 0}, floor=False, **given
        ),
        lambda **given: DeepConvNet(hidden_size=9, **SMALL, **given),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_file_tells_which_network_it_is(make, dtype, tmp_path):
    network = make(rng=0, dtype=dtype)
    x = normal(6, 28, 28).astype(dtype)
    if network.input_dim is None:  # running statistics, where there are some
        network.loss(x.reshape(6, 784), np.arange(6), train_flg=True)
    network.save_params(tmp_path / "own.npz")
    same = network_from(tmp_path / "own.npz")
    assert type(same) is type(network)
    assert [*map(repr, same.layers.values())] == [*map(repr, network.layers.values())]
    assert {param.dtype for param in same.params.values()} == {np.dtype(np.float32)}
    wanted = probabilities(network.astype(np.float32), x.astype(np.float32))
    np.testing.assert_allclose(probabilities(same, x.astype(np.float32)), wanted, rtol=1e-5)


def changed(**arrays):
    """Return a function that saves a network with other arrays in some places of its file."""

    def write(path):
        TwoLayerNet(784, 5, 10, rng=0).save_params(path)
        given = dict(np.load(path)) | arrays
        np.savez(path, **{key: array for key, array in given.items() if array is not None})

    return write


def saved(network):
    return network.save_params


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (saved(TwoLayerNet(64, 5, 10)), r"'W1': \(64, 5\)"),
        (saved(TwoLayerNet(784, 5, 26)), r"'W2': \(5, 26\)"),
        (saved(MultiLayerNet(10, [784], 10)), r"'W1': \(10, 784\)"),
        (saved(SimpleConvNet((1, 20, 20))), r"'W2': \(1920, 100\)"),
        (saved(SimpleConvNet((3, 28, 28))), r"'W1': \(30, 3, 5, 5\)"),
        (saved(SimpleConvNet(output_size=9)), r"'W3': \(100, 9\)"),
        (saved(DeepConvNet(output_size=9, **SMALL)), "got the layers"),
        (saved(DeepConvNet((3, 28, 28), **SMALL)), "got the layers"),
        (saved(LeNet()), r"got the layers \['Conv1', 'Sigmoid1'"),
        (changed(layers=None), "got a file without names of layers"),
        (changed(layers=np.zeros(6)), "got a file without names of layers"),
        (changed(layers=np.array(["Affine1", "Softsign1", "Affine2"])), "Softsign1"),
        (changed(layers=np.array("x")), "got the layers"),
        (changed(W1=None), "got the layers"),
        (changed(b2=None), "got the layers"),
        (changed(b1=np.zeros(4, np.float32)), r"'b1': \(4,\)"),
        (changed(W3=np.zeros((10, 10), np.float32)), "W3"),
        (changed(W1=np.zeros((784, 5), int)), "floating-point"),
        (changed(W1=np.zeros((784, 5))), "float64"),
        (changed(W2=np.full((5, 10), np.nan, np.float32)), "expected finite numbers, .* in W2"),
        (changed(b1=np.full(5, np.inf, np.float32)), "expected finite numbers, .* in b1"),
        (lambda path: path.write_bytes(b"no file of ours"), "must be an .npz file"),
        (lambda path: path.write_bytes(b""), "must be an .npz file"),
        (lambda path: path.write_bytes(pickle.dumps({"W1": 1})), "is a pickle"),
        (lambda path: path.write_bytes(b"PK" + bytes(100)), "is damaged"),
    ],
)
def test_a_file_of_another_kind_is_refused(write, message, tmp_path):
    path = tmp_path / "own.npz"
    write(path)
    with pytest.raises(ValueError, match=message) as caught:
        network_from(path)
    assert str(caught.value).startswith(str(path))


def test_any_damage_is_a_value_error(tmp_path):
    path = tmp_path / "own.npz"
    TwoLayerNet(784, 2, 10, rng=0).save_params(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for cut in rng.integers(3, len(content), 30):
        path.write_bytes(content[:cut])
        with pytest.raises(ValueError, match=r"own\.npz"):
            network_from(path)


def test_large_shapes_in_a_small_file_are_refused(tmp_path):
    path = tmp_path / "own.npz"
    changed(W1=np.broadcast_to(np.float32(0), (784, 35_000)))(path)
    arrays = {"W1": np.zeros((784, 35_000), np.float32)} | dict(
        layers=np.array(["Affine1", "Relu1", "Affine2"])
    )
    np.savez_compressed(path, **arrays)
    with pytest.raises(ValueError, match="must hold at most"):
        network_from(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="own"):
        network_from(tmp_path / "own.npz")
    with pytest.raises(ValueError, match="path must be the path of a file"):
        network_from(tmp_path)
    with pytest.raises(TypeError, match="path must be the path of a file"):
        network_from(None)
