"""Each row of docs/pytorch_keras.md: its code of dlbasics and of PyTorch gives the same numbers."""

import contextlib
import io
from types import SimpleNamespace

import numpy as np
import pytest

import dlbasics
from dlbasics import Dropout, Network, check_gradients, layers
from dlbasics.regularizers import L2
from tests.equivalents import SHOWN, cases, code, program, rows
from tests.helpers import normal

torch = pytest.importorskip("torch")
nn = torch.nn

IMAGES = ("Conv", "Pool", "Norm2d", "LocalResponseNorm", "Flatten", "Residual", "Concat")
"""What the code of dlbasics or PyTorch contains if the layer takes images."""


def ours(text):
    return eval(text, {name: getattr(dlbasics, name) for name in dlbasics.__all__})


def theirs(text, **names):
    return eval(text, {**vars(nn), "torch": torch, **names})


def copy_parameters(layer, module):
    """Give the module of PyTorch the random parameters of the layer, which is float64."""
    layer.cast(np.float64)
    for name in layer.param_names:
        getattr(layer, name)[...] += 0.1 * normal(*getattr(layer, name).shape, seed=7)
    arrays = [getattr(layer, name) for name in layer.param_names]
    for array, parameter in zip(arrays, module.parameters(), strict=True):
        parameter.data = torch.tensor(array.T if isinstance(module, nn.Linear) else array)


def batch(*texts):
    is_image = any(word in text for word in IMAGES for text in texts)
    return 2 * normal(6, 3, 7, 7) if is_image else 2 * normal(6, 12)


LAYERS = [case for case in cases("Layers", 0, 1) if not case[0].startswith("Dropout")]


@pytest.mark.parametrize(
    ("our", "their"), [case[:2] for case in LAYERS], ids=[c[2] for c in LAYERS]
)
def test_a_layer(our, their):
    layer, x = ours(our), batch(our, their)
    if "2, 2, 2" in our:
        x = x[:, :, :6, :6]
    leaf = torch.tensor(x, requires_grad=True)
    if "(x)" in their:
        function = lambda x: theirs(their, x=x)  # noqa: E731
    else:
        function = theirs(their).double()
        copy_parameters(layer, function)
    y = function(leaf)
    dout = normal(*y.shape, seed=9)
    y.backward(torch.tensor(dout))
    np.testing.assert_allclose(layer.forward(x), y.detach().numpy(), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(layer.backward(dout), leaf.grad.numpy(), rtol=1e-9, atol=1e-10)


def test_dropout():
    (case,) = (case for case in cases("Layers", 0, 1) if case[0].startswith("Dropout"))
    layer, module, x = ours(case[0]), theirs(case[1]), np.ones((100, 100))
    y, by_torch = layer.forward(x), module(torch.tensor(x)).numpy()
    for output in (y, by_torch):
        np.testing.assert_allclose(np.unique(output), [0, 1 / 0.7])
        assert np.mean(output == 0) == pytest.approx(0.3, abs=0.03)
    module.eval()
    assert (layer.forward(x, train_flg=False) == 1).all()
    assert (module(torch.tensor(x)) == 1).all()
    plain = Dropout(0.3, rng=0)
    assert {*np.unique(plain.forward(x))} == {0, 1}
    np.testing.assert_allclose(plain.forward(x, train_flg=False), 0.7)


@pytest.mark.parametrize("our", ["BatchNorm.create(12)", "BatchNorm.create(3)"])
def test_the_momentum_of_batch_normalization(our):
    (their,) = (case[1] for case in cases("Layers", 0, 1) if case[0] == our)
    layer, module, x = ours(our), theirs(their), batch(their)
    layer.running_mean, layer.running_var = np.zeros_like(layer.beta), np.ones_like(layer.gamma)
    layer.forward(x)
    module(torch.tensor(x, dtype=torch.float32))
    np.testing.assert_allclose(layer.running_mean, module.running_mean.numpy(), atol=1e-6)
    n = x.size // len(layer.gamma)
    by_n = 0.9 + (module.running_var.numpy() - 0.9) * (n - 1) / n
    np.testing.assert_allclose(layer.running_var, by_n, rtol=1e-5)


def test_what_differs_in_batch_normalization():
    layer, module, x = layers.BatchNorm.create(12), nn.BatchNorm1d(12), batch("")
    layer.cast(np.float64)
    module.double()
    layer.forward(x)
    np.testing.assert_allclose(layer.running_mean, x.mean(axis=0))  # the first batch sets them
    module(torch.tensor(x))
    np.testing.assert_allclose(module.running_mean, 0.1 * x.mean(axis=0))
    np.testing.assert_allclose(module.running_var, 0.9 + 0.1 * x.var(axis=0, ddof=1))
    layer.forward(2 * x)
    np.testing.assert_allclose(layer.running_var, (0.9 + 0.1 * 4) * x.var(axis=0))
    assert (layer.momentum, layer.eps) == (0.9, 1e-7)
    assert (module.momentum, module.eps) == (0.1, 1e-5)


def test_pytorch_pads_at_most_half_a_window():
    x = normal(2, 3, 7, 7)
    with pytest.raises(RuntimeError, match="half"):
        nn.MaxPool2d(3, 2, 2)(torch.tensor(x))
    assert ours("Pooling(3, 3, 2, 2)").forward(x).shape == (2, 3, 5, 5)


def test_windows_that_do_not_tile_the_image():
    (row,) = (row for row in rows("Layers") if code(row[1]) == "Conv2d(3, 4, 3, 2)")
    x = normal(2, 3, 8, 8)
    assert theirs(code(row[1])).double()(torch.tensor(x)).shape == (2, 4, 3, 3)
    with pytest.raises(ValueError, match="floor"):
        ours(code(row[0]).replace(", floor=True", "")).forward(x)
    assert ours(code(row[0])).forward(x).shape == (2, 4, 3, 3)


LOSSES = [
    (*case[:2], row[0], row[1])
    for case, row in zip(cases("Losses", 0, 2), rows("Losses"), strict=True)
]


@pytest.mark.parametrize(
    ("our", "their", "first", "ratio"), LOSSES, ids=[case[2] for case in LOSSES]
)
def test_a_loss(our, their, first, ratio):
    x, classes = 2 * normal(6, 5), np.arange(6) % 5
    t = np.eye(5)[classes]
    t = classes if "Softmax" in our and "one-hot" not in first else t
    factor = {"1": 1, "K": 5, "K/2": 5 / 2}[ratio]
    expected = theirs(their)(torch.tensor(x), torch.tensor(t)).item()
    assert ours(our).forward(x, t) == pytest.approx(factor * expected, rel=1e-12)


X, T = normal(20, 4), np.random.default_rng(0).integers(0, 3, 20)


def our_path(optimizer, regularizer=None, steps=10, change=lambda grads: grads):
    network = Network([ours("Affine.create(4, 3, rng=0)")], regularizer=regularizer)
    network = network.astype(np.float64)
    for _ in range(steps):
        optimizer.update(network.params, change(network.gradient(X, T)))
    return network.params


def torch_path(make, steps=10, change=lambda parameters: None):
    network = Network([ours("Affine.create(4, 3, rng=0)")]).astype(np.float64)
    model = nn.Linear(4, 3).double()
    model.weight.data = torch.tensor(network.params["W1"].T.copy())
    model.bias.data = torch.tensor(network.params["b1"].copy())
    optimizer = make(model)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(model(torch.tensor(X)), torch.tensor(T)).backward()
        change(model.parameters())
        optimizer.step()
    return {"W1": model.weight.detach().numpy().T, "b1": model.bias.detach().numpy()}


def assert_same_path(our, their, atol=1e-12):
    for key in our:
        np.testing.assert_allclose(our[key], their[key], rtol=0, atol=atol)


OPTIMIZERS = cases("Optimizers", 0, 1)


@pytest.mark.parametrize(
    ("our", "their"), [case[:2] for case in OPTIMIZERS], ids=[c[2] for c in OPTIMIZERS]
)
def test_an_optimizer(our, their):
    def make(model):
        p = [model.weight]
        p = [
            {"params": p},
            {"params": [model.bias], **({"weight_decay": 0} if "weight_decay" in their else {})},
        ]
        return eval(their, vars(torch.optim), {"p": p})

    assert_same_path(our_path(ours(our)), torch_path(make), 1e-5 if "Adam" in our else 1e-12)


def test_the_defaults_of_pytorch():
    p = [torch.zeros(1)]
    assert nn.LocalResponseNorm(5).k == 1 and nn.LeakyReLU().negative_slope == 0.01
    assert ours("SGD()").lr == 0.01
    assert torch.optim.SGD(p).defaults["lr"] == 0.001
    assert torch.optim.Adagrad(p).defaults["eps"] == 1e-10
    assert torch.optim.RMSprop(p).defaults["eps"] == 1e-8
    assert torch.optim.Adam(p).defaults["eps"] == 1e-8
    assert torch.optim.AdamW(p).defaults["weight_decay"] == ours("AdamW()").weight_decay == 0.01


def test_momentum_parts_if_the_rate_changes():
    def slower(model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return SimpleNamespace(
            zero_grad=optimizer.zero_grad,
            step=lambda: (optimizer.step(), optimizer.param_groups[0].update(lr=0.05)),
        )

    optimizer = ours("Momentum(0.1, 0.9)")
    network = Network([ours("Affine.create(4, 3, rng=0)")]).astype(np.float64)
    for _ in range(10):
        optimizer.update(network.params, network.gradient(X, T))
        optimizer.lr = 0.05
    assert abs(network.params["W1"] - torch_path(slower)["W1"]).max() > 0.01


def test_weight_decay_of_sgd():
    our = our_path(ours("SGD(0.1)"), L2(0.1))

    def make(model):
        groups = [{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0}]
        return torch.optim.SGD(groups, lr=0.1, weight_decay=0.1)

    assert_same_path(our, torch_path(make))
    for_all = torch_path(lambda m: torch.optim.SGD(m.parameters(), lr=0.1, weight_decay=0.1))
    assert abs(for_all["b1"] - our["b1"]).max() > 1e-4


def test_weight_decay_of_adam_passes_through_the_gradient():
    def make(kind):
        return lambda model: kind(
            [{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0}],
            lr=0.01, eps=1e-7, weight_decay=0.1,
        )  # fmt: skip

    coupled = our_path(ours("Adam(0.01)"), L2(0.1))
    assert_same_path(coupled, torch_path(make(torch.optim.Adam)), 1e-4)
    apart = torch_path(make(torch.optim.AdamW))["W1"]
    assert abs(coupled["W1"] - apart).max() > 1e-3


def test_clipping():
    our = our_path(ours("SGD(0.1)"), change=lambda grads: ours("clip_by_norm")(grads, 0.05))
    clip = lambda p: nn.utils.clip_grad_norm_(p, 0.05)  # noqa: E731
    assert_same_path(
        our, torch_path(lambda m: torch.optim.SGD(m.parameters(), lr=0.1), 10, clip), 1e-5
    )


def assert_standard_deviation(row, W):
    formula = row[1].replace("out", "200").replace("in", "300").replace("s200", "sout")
    std = eval(formula, {"sqrt": np.sqrt})
    assert W.shape == (300, 200) or W.shape == (200, 300)
    assert np.std(W) == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize("row", rows("Initial weights"), ids=lambda row: row[0])
def test_initial_weights(row):
    torch.manual_seed(0)
    init = ours(code(row[0]))
    assert_standard_deviation(row, dlbasics.Affine.create(300, 200, init, rng=0).W)
    W = torch.empty(200, 300)
    eval(code(row[2]), vars(nn.init), {"W": W})
    assert_standard_deviation(row, W.numpy())


def test_initial_weights_if_nothing_is_said():
    torch.manual_seed(0)
    he = rows("Initial weights")[0]
    assert_standard_deviation(he, dlbasics.Affine.create(300, 200, rng=0).W)
    module = nn.Linear(300, 200)
    for array in (module.weight, module.bias):
        assert 0.9 / np.sqrt(300) < array.abs().max() <= 1 / np.sqrt(300)
        assert array.std().item() == pytest.approx(1 / np.sqrt(3 * 300), rel=0.1)  # uniform


def run(*programs):
    names, stream = {}, io.StringIO()
    with contextlib.redirect_stdout(stream):
        for each in programs:
            exec(each, names)
    return names, stream.getvalue().splitlines()


def test_the_training_prints_the_same_line():
    _, lines = run(program("numpy"), program("torch"))
    assert lines == [SHOWN.strip()] * 2


def test_networks_and_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = {code(row[0]): row[1] for row in rows("Networks and training")}
    names, _ = run(program("numpy"), program("torch"))
    network, model, x, t = (names[name] for name in ("network", "model", "x", "t"))
    scope = {"torch": torch, "nn": nn, "model": model, "x": x, "network": network}
    exec(code(cell["network.predict(x)"]), scope)
    close = {"rtol": 1e-3, "atol": 1e-4}
    y = network.predict(x.numpy())
    np.testing.assert_allclose(model(x).detach(), y, **close)
    np.testing.assert_allclose(
        eval(code(cell["network.predict_proba(x)"]), scope).detach(),
        network.predict_proba(x.numpy()),
        **close,
    )
    exec(code(cell['network.save_params("w.npz")']), scope)
    for parameter in model.parameters():
        parameter.data.zero_()
    exec(code(cell['network.load_params("w.npz")']), scope)
    np.testing.assert_allclose(model(x).detach(), y, **close)

    p = model[0].bias
    p.grad = None
    names["loss_function"](model(x), t).backward()
    once = p.grad.clone()
    names["loss_function"](model(x), t).backward()
    torch.testing.assert_close(p.grad, 2 * once)  # they add up

    def seeded():
        exec(code(cell["rng=0"]), scope)
        return torch.rand(3)

    assert (seeded() == seeded()).all()
    exec(code(cell["network.astype(np.float64)"]), scope)
    f = lambda x: names["loss_function"](model(x), t[:3])  # noqa: E731
    inputs = x[:3].double().requires_grad_()
    assert eval(code(cell["check_gradients(network, x, t)"]), scope, {"f": f, "inputs": inputs})
    assert check_gradients(network, x[:3].numpy(), t[:3].numpy())
    assert nn.Linear(2, 2).training  # by default
