"""Networks on another device compute by the same formulas, and get the same numbers.

No GPU is needed: `tests/device_array.py` has arrays that refuse what CuPy's arrays refuse.
"""

import copy
import inspect
import re
import sys
import warnings

import numpy as np
import pytest

from benchmarks import gpu
from dlbasics import (
    L1,
    L2,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Affine,
    LInf,
    Momentum,
    MultiLayerNet,
    Nesterov,
    Network,
    RMSprop,
    Trainer,
    TwoLayerNet,
    WeightAverage,
    check_gradients,
    clip_by_norm,
    convnets,
    imagenets,
    networks,
    plain,
)
from dlbasics._internal import device, network_state
from tests.device_array import ARGUMENTS, FUNCTIONS, UFUNCS, DeviceArray, device_of_tests
from tests.gradients.test_layers import LOSSES
from tests.helpers import ROOT, normal
from tests.layers.cases import LAYERS


@pytest.fixture(autouse=True)
def test_device():
    with device_of_tests(), plain():
        yield


def put(x):
    return device.put(np.asarray(x), "test")


def same(given, wanted):
    """The array of the device holds exactly the numbers of the NumPy array."""
    assert type(given) is DeviceArray
    assert given.dtype == wanted.dtype
    np.testing.assert_array_equal(given.values, wanted)


# ---- Layers and losses ----


@pytest.mark.parametrize("train_flg", [True, False])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_the_same_on_the_device(name, dtype, train_flg):
    make, shape = LAYERS[name]
    layer, twin = make(dtype), make(dtype)
    network_state.move({"layer": twin}, "test")
    x = normal(*shape, dtype=dtype)
    y = layer.forward(x, train_flg)
    same(twin.forward(put(x), train_flg), y)
    dout = normal(*y.shape, seed=9, dtype=dtype)
    same(twin.backward(put(dout)), layer.backward(dout))
    for one, other in zip(twin.walk(), layer.walk(), strict=True):
        for each in [f"d{param}" for param in other.param_names] + [*other.state_names]:
            if getattr(other, each) is not None:
                same(getattr(one, each), getattr(other, each))


@pytest.mark.parametrize("place", ["labels here", "labels there"])
@pytest.mark.parametrize(("make", "shape", "t"), LOSSES.values(), ids=LOSSES.keys())
def test_a_loss_is_the_same_on_the_device(make, shape, t, place):
    layer, twin = make(), make()
    x = normal(*shape)
    labels = put(t) if place == "labels there" else t
    assert twin.forward(put(x), labels) == layer.forward(x, t)
    same(twin.backward(0.5), layer.backward(0.5))
    same(twin.losses(put(x), labels), layer.losses(x, t))
    for method in ("correct", "probabilities"):
        arguments = ((x, t), (put(x), labels)) if method == "correct" else ((x,), (put(x),))
        try:
            wanted = getattr(layer, method)(*arguments[0])
        except TypeError:
            continue  # a regression
        same(getattr(twin, method)(*arguments[1]), wanted)


# ---- Networks ----

ROWS, IMAGES = (20,), (1, 12, 12)
CONVOLUTION = {"filter_num": 3, "filter_size": 3, "pad": 1, "stride": 1}
NETWORKS = {
    "TwoLayerNet": (lambda: TwoLayerNet(20, 10, 5, rng=0), ROWS),
    "MultiLayerNet": (
        lambda: MultiLayerNet(
            20, [9, 8], 5, use_dropout=True, use_batchnorm=True, weight_decay_lambda=0.1, rng=0
        ),
        ROWS,
    ),
    "SimpleConvNet": (lambda: networks.SimpleConvNet(IMAGES, CONVOLUTION, 10, 5, rng=0), IMAGES),
    "DeepConvNet": (lambda: networks.DeepConvNet(rng=0), (1, 28, 28)),
    "LeNet": (lambda: convnets.LeNet(rng=0), (1, 28, 28)),
    "ResNet": (lambda: convnets.ResNet(rng=0), (1, 28, 28)),
    "AlexNet": (lambda: imagenets.AlexNet(rng=0), (1, 28, 28)),
    "VGG": (lambda: imagenets.VGG(rng=0), (1, 28, 28)),
    "GoogLeNet": (lambda: imagenets.GoogLeNet(rng=0), (1, 28, 28)),
}


def batch(shape, size=4):
    rng = np.random.default_rng(1)
    return rng.random((size, *shape), dtype=np.float32), rng.integers(0, 5, size)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_trained_alike_on_the_device(name):
    make, shape = NETWORKS[name]
    network, twin = make(), make()
    assert twin.to("test") is twin
    x, t = batch(shape)
    optimizer, other = Adam(), Adam()
    for _ in range(2):
        gradients, others = network.gradient(x, t), twin.gradient(x, t)
        assert twin.last_loss == network.last_loss
        for key, gradient in gradients.items():
            same(others[key], gradient)
        optimizer.update(network.params, gradients)
        other.update(twin.params, others)
    same(twin.predict(x), network.predict(x))
    same(twin.predict(x[0]), network.predict(x[0]))
    same(twin.predict_proba(put(x)), network.predict_proba(x))
    assert twin.accuracy(x, t) == network.accuracy(x, t)
    assert twin.loss(x, t) == network.loss(x, t)
    for key, param in twin.to("cpu").params.items():
        assert type(param) is np.ndarray
        np.testing.assert_array_equal(param, network.params[key])


def test_each_network_of_ours_is_in_the_table():
    ours = {
        name
        for module in (networks, convnets, imagenets)
        for name in module.__all__
        if isinstance(getattr(module, name), type) and issubclass(getattr(module, name), Network)
    }
    assert ours - {"Network", "MultiLayerNetExtend"} == set(NETWORKS)


def test_in_fast_mode_arrays_of_the_device_take_the_plain_formulas():
    from dlbasics._internal import table

    assert table.fast(Affine, np.ones(2), put([1.0])) is None
    table._plain_blocks -= 1  # leave the fixture's block
    try:
        make, shape = NETWORKS["SimpleConvNet"]
        x, t = batch(shape, 30)
        twin = make().to("test")
        fast = make().gradient(x, t)
        for key, gradient in twin.gradient(x, t).items():
            np.testing.assert_allclose(gradient.values, fast[key], rtol=1e-4, atol=1e-6)
        assert len(twin.predict(x)) == 30
        Adam().update(twin.params, twin.gradient(x, t))
    finally:
        table._plain_blocks += 1


class BookRelu:
    """As the book types it."""

    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0, x)

    def backward(self, dout):
        return np.where(self.mask, 0, dout)


def test_a_layer_without_our_base_class_computes_on_the_device():
    layers = [Affine.create(20, 6, rng=0), BookRelu(), Affine.create(6, 5, rng=1)]
    network = Network(copy.deepcopy(layers))
    twin = Network(layers).to("test")
    x, t = batch(ROWS)
    gradients = network.gradient(x, t)
    for key, gradient in twin.gradient(x, t).items():
        same(gradient, gradients[key])


class BookAffine:
    """As the book types it."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


@pytest.mark.parametrize("kind", [Affine, BookAffine])
def test_a_network_of_layers_whose_arrays_are_on_the_device_computes_there(kind):
    W, b = normal(20, 5), normal(5)
    network, twin = Network([kind(W, b)]), Network([kind(put(W), put(b))])
    assert twin.device == "test"
    x, t = batch(ROWS)
    gradients = network.gradient(x, t)
    assert gradients.keys() == twin.params.keys() == {"W1", "b1"}
    for key, gradient in twin.gradient(x, t).items():
        same(gradient, gradients[key])


# ---- Optimizers and penalties ----


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("make", [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW])
def test_an_optimizer_takes_the_same_steps_and_follows_its_network(make, dtype):
    optimizer, other = make(0.1), make(0.1)
    W, dW = normal(3, 4, dtype=dtype), normal(3, 4, seed=1, dtype=dtype)
    params, others = {"W1": W.copy()}, {"W1": put(W)}
    for place in (put, put, np.asarray, put):
        others["W1"] = device.like(others["W1"], place(W))
        optimizer.update(params, {"W1": dW})
        other.update(others, {"W1": place(dW)})
        np.testing.assert_array_equal(device.get(others["W1"]), params["W1"])
    state = other.state_dict()
    assert state.keys() == optimizer.state_dict().keys()
    for key, value in optimizer.state_dict().items():
        np.testing.assert_array_equal(state[key], value)
    make().load_state_dict(state)


@pytest.mark.parametrize("make", [L1, L2, LInf])
def test_a_penalty_is_the_same_on_the_device(make):
    W = normal(3, 4)
    same(make(0.1).penalty(put(W)), make(0.1).penalty(W))
    same(make(0.1).gradient(put(W)), make(0.1).gradient(W))


def test_gradients_are_clipped_on_the_device():
    grads = {"W1": normal(3, 4), "b1": normal(4)}
    clipped = clip_by_norm({key: put(grad) for key, grad in grads.items()}, 0.5)
    for key, grad in clip_by_norm(grads, 0.5).items():
        np.testing.assert_allclose(clipped[key].values, grad, rtol=1e-14)


# ---- Trainer, files, averages, checks ----


def trainer(network, folder=None, *, place=np.asarray, **changes):
    x, t = map(place, batch(ROWS, 60))
    arguments = {"epochs": 3, "mini_batch_size": 20, "optimizer": Adam(), "rng": 0} | changes
    return Trainer(network, x, t, x[:20], t[:20], verbose=False, checkpoints=folder, **arguments)


def net():
    return NETWORKS["MultiLayerNet"][0]()


def test_trainer_trains_and_resumes_on_the_device(tmp_path):
    metrics = {"largest": lambda y, t: float(y.max())}
    reference, other = (
        trainer(net(), metrics=metrics),
        trainer(net().to("test"), tmp_path, metrics=metrics),
    )
    for each in (reference, other):
        each.train()
    assert other.train_loss_list == reference.train_loss_list
    assert other.test_acc_list == reference.test_acc_list
    assert other.history.test_metrics == reference.history.test_metrics
    # The checkpoints are those of the CPU: a training may go on there, or come from there.
    longer = trainer(net(), epochs=5)
    longer.train()
    for place, kind in (("test", DeviceArray), ("cpu", np.ndarray)):
        again = trainer(net().to(place), tmp_path, epochs=5)
        again.resume()
        assert {type(param) for param in again.network.params.values()} == {kind}
        again.train()
        assert again.train_loss_list == longer.train_loss_list


def test_all_data_may_lie_on_the_device(tmp_path):
    reference = trainer(net())
    other = trainer(net().to("test"), tmp_path, place=put)
    for each in (reference, other):
        each.train()
    assert other.train_loss_list == reference.train_loss_list
    trainer(net(), tmp_path).resume()  # the data is the same, wherever it lies


def test_classes_as_floats_are_explained_on_the_device():
    x, t = batch(ROWS)
    with pytest.raises(ValueError, match="t must be integer classes"):
        net().to("test").gradient(x, t.astype(float))


def test_parameters_are_saved_and_loaded_on_the_device(tmp_path):
    network = net()
    network.gradient(*batch(ROWS))  # sets the running statistics
    path = tmp_path / "params.npz"
    copy.deepcopy(network).to("test").save_params(path)
    again = net().to("test")
    again.load_params(path)
    same(again.predict(batch(ROWS)[0]), network.predict(batch(ROWS)[0]))
    again.params["W1"] = network.params["W1"]
    assert type(again.params["W1"]) is DeviceArray
    with pytest.raises(ValueError, match="shape"):
        again.params["W1"] = put(np.ones((2, 2)))


def test_copies_stay_on_the_device():
    twin = copy.deepcopy(net().to("test"))
    assert twin.device == "test"
    assert type(twin.astype(np.float64).params["W1"]) is DeviceArray
    assert twin.astype(np.float64).params["W1"].dtype == np.float64


def test_averages_of_weights_are_computed_on_the_device():
    network = net()
    twin = copy.deepcopy(network).to("test")
    averages = []
    for each in (network, twin):
        average = WeightAverage(each, 0.5)
        each.params["W1"] = each.params["W1"] * 2
        average.update()
        averages.append(average.network())
    same(averages[1].params["W1"], averages[0].params["W1"])


def test_gradients_are_checked_on_a_copy_on_the_cpu():
    x, t = batch(ROWS)
    twin = TwoLayerNet(20, 3, 5, rng=0).to("test")
    assert check_gradients(twin, x, t, sample=10)
    numerical = twin.numerical_gradient(put(x), t)
    for key, gradient in twin.astype(np.float64).gradient(x, t).items():
        np.testing.assert_allclose(numerical[key], gradient.values, atol=1e-7)
    assert type(twin.params["W1"]) is DeviceArray


def test_what_comes_from_another_device_is_taken_by_a_network_on_the_cpu():
    x, t = batch(ROWS)
    network = net()
    np.testing.assert_array_equal(network.predict(put(x)), network.predict(x))
    assert network.accuracy(put(x), put(t)) == network.accuracy(x, t)


# ---- The page and the benchmark ----


@pytest.mark.long
def test_the_program_of_the_page_runs(tmp_path, monkeypatch):
    """It trains on the device of these tests in place of a GPU, with few images."""
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(from dlbasics import Adam.*?)```", page, re.DOTALL)[1]
    x, t = batch((1, 28, 28), 12)
    monkeypatch.setattr("dlbasics.datasets.load_mnist", lambda flatten: ((x, t), (x[:4], t[:4])))
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(program.replace('to("cuda")', 'to("test")'), names)
    assert len(names["trainer"].train_loss_list) == 20
    networks.DeepConvNet().load_params("deep.npz")


@pytest.mark.long
def test_the_benchmark_compares_layers_and_networks_with_the_cpu(capsys):
    gpu.check_layers("test")
    gpu.check_networks("test")
    found = re.findall(r": (\d\.\de[+-]\d+)", capsys.readouterr().out)
    assert len(found) == 2 + len(gpu.NETWORKS)
    assert max(map(float, found)) < 1e-5


# ---- Errors ----


def test_a_device_that_is_none_is_named():
    for name in ("gpu", ["cuda"]):
        with pytest.raises(ValueError, match="device must be 'cpu' or 'cuda', got"):
            net().to(name)


def test_without_cupy_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    network = net()
    with pytest.raises(ImportError, match=r"dlbasics\[cuda\]"):
        network.to("cuda")
    assert network.device == "cpu"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: np.asarray(a),
        lambda a: a + np.ones(2),
        lambda a: a.max(initial=0),
        lambda a: np.max(a, initial=0),
        lambda a: np.add(a, a, where=a > 1),
        lambda a: np.add.reduce(a),
        lambda a: np.spacing(a),
    ],
)
def test_the_arrays_of_these_tests_refuse_what_cupy_refuses(wrong):
    with pytest.raises(TypeError):
        wrong(put([1.0, 2.0]))


@pytest.mark.extra
def test_cupy_has_what_these_tests_allow():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without a GPU, CuPy warns
        cupy = pytest.importorskip("cupy")
    for name, keywords in FUNCTIONS.items():
        found = cupy
        for part in name.split("."):
            found = getattr(found, part)
        if inspect.isfunction(found):
            known = inspect.signature(found).parameters
            assert "kwargs" in known or known.keys() >= {*keywords.split()}, name
    assert [name for name in UFUNCS if not hasattr(cupy, name)] == []
    assert [name for name in ARGUMENTS if not hasattr(cupy.ndarray, name)] == []
