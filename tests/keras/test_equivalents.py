"""Each row of docs/pytorch_keras.md: its code of dlbasics and of Keras gives the same numbers."""

import contextlib
import io
import os
import warnings

import numpy as np
import pytest

import dlbasics
from dlbasics import Network, layers
from dlbasics.regularizers import L2
from tests.equivalents import SHOWN, cases, code, program, rows
from tests.helpers import normal

pytestmark = pytest.mark.extra

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keras = pytest.importorskip("keras")

F32 = np.float32
IMAGES = ("Conv", "Pool", "BatchNorm.create(3)", "Flatten", "Residual", "Concat")
"""What the code of dlbasics contains if the layer takes images."""


@pytest.fixture(autouse=True)
def quiet_and_float32():
    keras.config.set_dtype_policy("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def ours(text):
    return eval(text, {name: getattr(dlbasics, name) for name in dlbasics.__all__})


def theirs(text, **names):
    return eval(text, {**vars(keras.layers), "Sequential": keras.Sequential, **names})


def to_keras(array):
    """Return images with their channels last, and filters in the order of Keras."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


LAYERS = [case for case in cases("Layers", 0, 2) if not case[0].startswith("Dropout")]


@pytest.mark.parametrize(
    ("our", "their"), [case[:2] for case in LAYERS], ids=[c[2] for c in LAYERS]
)
def test_a_layer(our, their):
    layer = ours(our)
    is_image = any(word in our for word in IMAGES)
    x = 2 * normal(6, 3, 7, 7, dtype=F32) if is_image else 2 * normal(6, 12, dtype=F32)
    if "2, 2, 2" in our:
        x = x[:, :, :6, :6]
    leaf = torch.tensor(to_keras(x).copy(), requires_grad=True)
    if "(x)" in their:
        y = theirs(their, x=leaf)
    else:
        module = theirs(their)
        module(leaf)  # makes its weights
        for name in layer.param_names:
            getattr(layer, name)[...] += 0.1 * normal(*getattr(layer, name).shape, seed=7)
        params = [getattr(layer, name) for name in layer.param_names]
        params = [W.transpose(2, 3, 1, 0) if W.ndim == 4 else W for W in params]
        for variable, array in zip(module.trainable_variables, params, strict=True):
            variable.assign(array)
        y = module(leaf, training=True)
    expected = layer.forward(x)
    assert_close(y.detach().numpy(), to_keras(expected))
    dout = normal(*expected.shape, seed=9, dtype=F32)
    y.backward(torch.tensor(to_keras(dout).copy()))
    assert_close(leaf.grad.numpy(), to_keras(layer.backward(dout)))


def test_dropout():
    (case,) = (case for case in cases("Layers", 0, 2) if case[0].startswith("Dropout"))
    module, x = theirs(case[1]), np.ones((100, 100), F32)
    y = module(torch.tensor(x), training=True).numpy()
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert np.mean(y == 0) == pytest.approx(0.3, abs=0.03)
    assert (module(torch.tensor(x)).numpy() == 1).all()  # by default, a test


def test_the_momentum_of_batch_normalization():
    (their,) = (case[1] for case in cases("Layers", 0, 2) if case[0] == "BatchNorm.create(12)")
    layer, module = ours("BatchNorm.create(12)"), theirs(their)
    layer.running_mean, layer.running_var = np.zeros(12, F32), np.ones(12, F32)
    x = 2 * normal(6, 12, dtype=F32)
    layer.forward(x)
    module(torch.tensor(x), training=True)
    assert_close(layer.running_mean, module.moving_mean.numpy())
    assert_close(layer.running_var, module.moving_variance.numpy())


def test_what_differs_in_batch_normalization():
    module, layer = keras.layers.BatchNormalization(), layers.BatchNorm.create(12)
    assert (module.momentum, module.epsilon) == (0.99, 1e-3)
    x = 2 * normal(6, 12, dtype=F32)
    module = keras.layers.BatchNormalization(momentum=0.9)
    module(torch.tensor(x), training=True)
    assert_close(module.moving_mean.numpy(), 0.1 * x.mean(axis=0))
    assert_close(module.moving_variance.numpy(), 0.9 + 0.1 * x.var(axis=0))  # by N, as ours
    small = 0.01 * x
    by_keras = module(torch.tensor(small), training=True).detach().numpy()
    assert by_keras.std() < 0.7 < layer.forward(small).std()


def test_same_pads_on_the_right_and_below():
    x = normal(2, 3, 8, 8, dtype=F32)
    layer = layers.Convolution.create(3, 4, 3, 2, 1, floor=True, rng=0)
    results = []
    for text in (
        'Conv2D(4, 3, 2, padding="same")',
        "Sequential([ZeroPadding2D(1), Conv2D(4, 3, 2)])",
    ):
        module = theirs(text)
        module(torch.tensor(to_keras(x).copy()))
        module.set_weights([layer.W.transpose(2, 3, 1, 0), layer.b])
        results.append(module(torch.tensor(to_keras(x).copy())).detach().numpy())
    assert abs(results[0] - results[1]).max() > 0.1
    assert_close(results[1], to_keras(layer.forward(x)))
    largest = theirs('MaxPooling2D(3, 2, "same")')(torch.tensor(to_keras(x).copy())).numpy()
    assert abs(largest - to_keras(ours("Pooling(3, 3, 2, 1, floor=True)").forward(x))).max() > 0.1


def test_same_leaves_the_padding_out_of_the_mean():
    x = torch.ones(1, 4, 4, 1)
    assert (theirs('AveragePooling2D(3, 1, "same")')(x).numpy() == 1).all()
    assert theirs("Sequential([ZeroPadding2D(1), AveragePooling2D(3, 1)])")(x).numpy().min() < 0.5


def test_the_defaults_of_keras():
    assert theirs("LeakyReLU()").negative_slope == pytest.approx(0.3)
    assert theirs("MaxPooling2D(3)").strides in (3, (3, 3))
    assert theirs("Conv2D(4, 3)").padding == "valid"
    assert keras.config.image_data_format() == "channels_last"
    optimizers = keras.optimizers
    assert optimizers.SGD().get_config()["learning_rate"] == pytest.approx(0.01)
    assert optimizers.RMSprop().rho == 0.9
    assert optimizers.Adagrad().initial_accumulator_value == 0.1
    assert optimizers.Adam().epsilon == 1e-7
    assert optimizers.AdamW().weight_decay == 0.004


LOSSES = [
    (*case[:2], row[0], row[1])
    for case, row in zip(cases("Losses", 0, 3), rows("Losses"), strict=True)
]


@pytest.mark.parametrize(
    ("our", "their", "first", "ratio"), LOSSES, ids=[case[2] for case in LOSSES]
)
def test_a_loss(our, their, first, ratio):
    x, classes = 2 * normal(6, 5, dtype=F32), np.arange(6) % 5
    one_hot = np.eye(5, dtype=F32)[classes]
    t = classes if "Sparse" in their else one_hot
    factor = {"1": 1, "K": 5, "K/2": 5 / 2}[ratio]
    loss = eval(their, vars(keras.losses))
    assert ours(our).forward(x, t) == pytest.approx(factor * float(loss(t, x)), rel=1e-5)
    if "from_logits" in their:
        twice = eval(their.replace("from_logits=True", ""), vars(keras.losses))
        assert not np.isclose(float(twice(t, x)), float(loss(t, x)), rtol=0.05)


X, T = normal(20, 4, dtype=F32), np.random.default_rng(0).integers(0, 3, 20)


def our_path(optimizer, regularizer=None, change=lambda grads: grads):
    network = Network([ours("Affine.create(4, 3, rng=0)")], regularizer=regularizer)
    for _ in range(10):
        optimizer.update(network.params, change(network.gradient(X, T)))
    return network.params


def keras_path(optimizer, regularizer=None):
    network = Network([ours("Affine.create(4, 3, rng=0)")])
    dense = keras.layers.Dense(3, kernel_regularizer=regularizer)
    model = keras.Sequential([keras.Input((4,)), dense])
    model.set_weights([network.params["W1"], network.params["b1"]])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if "AdamW" in str(optimizer):
        optimizer.exclude_from_weight_decay(var_list=[dense.bias])
    model.compile(optimizer, loss)
    model.fit(X, T, batch_size=20, epochs=10, shuffle=False, verbose=0)
    return dict(zip(("W1", "b1"), model.get_weights(), strict=True))


def assert_same_path(our, their):
    for key in our:
        np.testing.assert_allclose(our[key], their[key], rtol=0, atol=2e-5)


OPTIMIZERS = cases("Optimizers", 0, 2)


@pytest.mark.parametrize(
    ("our", "their"), [case[:2] for case in OPTIMIZERS], ids=[c[2] for c in OPTIMIZERS]
)
def test_an_optimizer(our, their):
    assert_same_path(our_path(ours(our)), keras_path(eval(their, vars(keras.optimizers))))


def test_weight_decay():
    regularizers, sgd = keras.regularizers, keras.optimizers.SGD
    our = our_path(ours("SGD(0.1)"), L2(0.1))
    assert_same_path(our, keras_path(sgd(0.1), regularizers.L2(0.05)))
    assert abs(our["W1"] - keras_path(sgd(0.1), regularizers.L2(0.1))["W1"]).max() > 1e-3


def test_clipping():
    our = our_path(ours("SGD(0.1)"), change=lambda grads: ours("clip_by_norm")(grads, 0.05))
    assert_same_path(our, keras_path(keras.optimizers.SGD(0.1, global_clipnorm=0.05)))
    each = keras_path(keras.optimizers.SGD(0.1, clipnorm=0.05))
    assert abs(our["b1"] - each["b1"]).max() > 1e-3


@pytest.mark.parametrize("row", rows("Initial weights"), ids=lambda row: row[0])
def test_initial_weights(row):
    keras.utils.set_random_seed(0)
    W = eval(code(row[3]), vars(keras.initializers))((300, 200))
    W = keras.ops.convert_to_numpy(W)
    formula = row[1].replace("out", "200").replace("in", "300")
    std = eval(formula, {"sqrt": np.sqrt})
    assert np.std(W) == pytest.approx(std, rel=0.02)
    beyond = np.mean(abs(W) > 2.3 * std)  # two standard deviations of the normal that is cut
    assert beyond < 1e-4 if "sqrt" in row[1] else std == 0 or beyond > 0.01


def test_initial_weights_if_nothing_is_said():
    dense = keras.layers.Dense(200)
    dense.build((None, 300))
    kernel, bias = dense.get_weights()
    most = np.sqrt(6 / 500)
    assert 0.99 * most < abs(kernel).max() <= most
    assert (bias == 0).all()


def run(*programs):
    names, stream = {}, io.StringIO()
    with contextlib.redirect_stdout(stream):
        for each in programs:
            exec(each, names)
    return names, stream.getvalue().splitlines()


def test_the_training_prints_the_same_line():
    _, lines = run(program("numpy"), program("torch"), program("keras"))
    assert lines == [SHOWN.strip()] * 3


def test_networks_and_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = {code(row[0]): row[2] for row in rows("Networks and training")}
    names, _ = run(program("numpy"), program("keras"))
    network, model, x = (names[name] for name in ("network", "model", "x"))
    scope = {"keras": keras, "model": model, "x": x}
    y, close = network.predict(x), {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(model.predict(x, verbose=0), y, **close)
    probabilities = keras.ops.convert_to_numpy(eval(code(cell["network.predict_proba(x)"]), scope))
    np.testing.assert_allclose(probabilities, network.predict_proba(x), **close)
    exec(code(cell['network.save_params("w.npz")']), scope)
    model.set_weights([0 * array for array in model.get_weights()])
    exec(code(cell['network.load_params("w.npz")']), scope)
    np.testing.assert_allclose(model.predict(x, verbose=0), y, **close)

    def seeded():
        exec(code(cell["rng=0"]), scope)
        return keras.ops.convert_to_numpy(keras.random.normal((3,)))

    assert (seeded() == seeded()).all()
    exec(code(cell["network.astype(np.float64)"]), scope)
    assert str(keras.layers.Dense(3).compute_dtype) == "float64"
