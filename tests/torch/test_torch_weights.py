"""The weights of our networks in PyTorch, and those of PyTorch in ours."""

import copy
import re
import subprocess
import sys
import textwrap
from contextlib import nullcontext

import numpy as np
import pytest

from ch08_deep.train_deepnet import trained_network
from dlbasics import (
    Affine,
    BatchNorm,
    Network,
    Relu,
    TwoLayerNet,
    datasets,
    layers,
    networks,
    plain,
    torch_weights,
)
from dlbasics.layers import Convolution
from dlbasics.torch_weights import load_state_dict, to_module, to_state_dict
from tests.device_array import DeviceArray, device_of_tests
from tests.helpers import ROOT, normal

torch = pytest.importorskip("torch")
nn = torch.nn

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
both_dtypes = pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)


def everything(dtype):
    """A network with the layers that no network of the book has."""
    own = {"rng": 0, "dtype": dtype}
    block = [Convolution.create(4, 4, (1, 3), pad=(0, 1), **own), layers.Tanh()]
    return Network(
        [
            BatchNorm.create(2, dtype=dtype),
            Convolution(normal(4, 2, 3, 2, dtype=dtype), None, stride=(2, 1), pad=(1, 0)),
            layers.LeakyRelu(0.2),
            layers.Residual(block),
            layers.Concatenate([[], [layers.LocalResponseNorm(3, 0.1)]]),
            layers.AveragePooling(2, 3, stride=(1, 2), pad=(1, 1), floor=True),
            layers.Flatten(),
            layers.Elu(0.5),
            layers.Dropout(0.3, inverted=True),
            layers.Reshape((8, 6, 4)),
            layers.Pooling(2, 2, stride=2, floor=True, pad=1),
            layers.Sigmoid(),
            layers.Reshape((96,)),
            layers.Identity(),
            Affine(normal(96, 7, dtype=dtype), None),
            BatchNorm.create(7, dtype=dtype),
            Affine.create(7, 3, **own),
        ],
        rng=0,
    )


NETS = {
    "TwoLayerNet": lambda dtype: TwoLayerNet(20, 15, 4, 0.3, rng=0, dtype=dtype),
    **{
        f"MultiLayerNet, {activation}": lambda dtype, activation=activation: networks.MultiLayerNet(
            20, [15, 12], 4, activation, "xavier", rng=0, dtype=dtype
        )
        for activation in networks.ACTIVATIONS
    },
    "MultiLayerNet, batch normalization and dropout": lambda dtype: networks.MultiLayerNet(
        20, [15, 12], 4, use_batchnorm=True, use_dropout=True, dropout_ratio=0.3, rng=0, dtype=dtype
    ),
    **{
        kind.__name__: lambda dtype, kind=kind: kind(rng=0, dtype=dtype)
        for kind in (
            networks.SimpleConvNet,
            networks.DeepConvNet,
            networks.LeNet,
            networks.AlexNet,
            networks.VGG,
            networks.GoogLeNet,
            networks.ResNet,
        )
    },
    "LeNet, modern": lambda dtype: networks.LeNet(modern=True, rng=0, dtype=dtype),
    "ResNet, plain": lambda dtype: networks.ResNet((2, 8, 8), (4,), 2, skips=False, dtype=dtype),
    "everything else": everything,
}
SHAPES = {"everything else": (2, 9, 8)}


def sample(name, net, count=6):
    shape = net.input_dim or SHAPES.get(name, (20,))
    first = net.params["W1"]
    return normal(count, *shape, seed=1, dtype=first.dtype)


def use_masks(net, module):
    """Let the module's dropout use the masks that the network has drawn."""
    ours = [x for top in net.layers.values() for x in top.walk() if isinstance(x, layers.Dropout)]
    theirs = [part for part in module.modules() if type(part).__name__ == "Dropout"]
    for layer, part in zip(ours, theirs, strict=True):
        scale = 1 - layer.dropout_ratio if layer.inverted else 1
        factor = torch.tensor(layer.mask.astype(net.params["W1"].dtype) / scale)

        def masked(part, given, y, factor=factor):
            return given[0] * factor.to(y) if part.training else y

        part.register_forward_hook(masked)


def assert_close(found, expected, dtype):
    assert found.dtype == expected.dtype == dtype
    tolerance = TOLERANCE[dtype]
    scale = max(1, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)


@both_dtypes
@pytest.mark.parametrize("name", NETS)
def test_a_module_returns_the_networks_scores_and_gradients(name, dtype):
    net = NETS[name](dtype)
    net.sharded = False  # else each half of a batch has its own masks
    x = sample(name, net)
    t = np.arange(len(x)) % 3
    net.gradient(x, t)  # sets the running statistics
    module = to_module(net)
    assert module.training

    module.eval()
    assert_close(module(torch.tensor(x)).detach().numpy(), net.predict(x), dtype)

    module.train()
    gradients = net.gradient(x, t)
    use_masks(net, module)
    for layer in net.layers.values():
        layer.freeze()
    scores = module(torch.tensor(x))
    assert_close(scores.detach().numpy(), net.predict(x, train_flg=True), dtype)
    nn.CrossEntropyLoss()(scores, torch.tensor(t)).backward()
    grads = {key: param.grad for key, param in module.named_parameters()}
    twin = copy.deepcopy(net)
    load_state_dict(twin, module.state_dict() | grads)
    for key, gradient in twin.params.items():
        assert_close(gradients[key], gradient, dtype)


@pytest.mark.parametrize("name", NETS)
def test_there_and_back_is_the_same_network(name):
    net, other = NETS[name](np.float64), NETS[name](np.float64)
    x = sample(name, net)
    net.gradient(x, np.arange(len(x)) % 3)
    for param in other.params.values():
        param[...] = 7
    load_state_dict(other, to_module(net).state_dict())
    for key, param in net.params.items():
        np.testing.assert_array_equal(other.params[key], param)
        assert other.params[key].flags.c_contiguous
        assert other.params[key].flags.writeable
    np.testing.assert_array_equal(other.predict(x), net.predict(x))


def test_the_trained_network_reads_the_digits_alike():
    _, (x, t) = datasets.load_digits(train=10, test=50)
    net, x = trained_network(), x.reshape(-1, 1, 28, 28)
    module = to_module(net).eval()
    scores = module(torch.tensor(x)).detach().numpy()
    np.testing.assert_array_equal(scores.argmax(axis=1), net.predict(x).argmax(axis=1))
    assert np.mean(scores.argmax(axis=1) == t) == net.accuracy(x, t)


def test_a_sequential_typed_by_hand_takes_the_state_dict():
    net = networks.SimpleConvNet(rng=0)
    module = nn.Sequential(
        nn.Conv2d(1, 30, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4320, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    assert module.load_state_dict(to_state_dict(net)).missing_keys == []
    x = normal(3, 1, 28, 28, dtype=np.float32)
    assert_close(module(torch.tensor(x)).detach().numpy(), net.predict(x), np.float32)


class Own(nn.Module):
    """A module with names of its own, whose batch normalization has PyTorch's eps."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 15)
        self.norm = nn.BatchNorm1d(15)
        self.last = nn.Linear(15, 4)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.hidden(x))))


def normalized(rng=0, dtype=np.float64):
    return networks.MultiLayerNet(20, [15], 4, use_batchnorm=True, rng=rng, dtype=dtype)


def test_a_module_with_names_of_its_own_takes_the_networks_weights():
    net, module = normalized(), Own().double()
    for like in (module, module.state_dict()):
        state = to_state_dict(net, like)
        assert [*state] == [*module.state_dict()]
    module.load_state_dict(state)
    module.norm.eps = BatchNorm.eps
    x = normal(5, 20)
    assert_close(module.eval()(torch.tensor(x)).detach().numpy(), net.predict(x), np.float64)


@pytest.mark.parametrize("is_plain", [False, True])
def test_a_trained_module_of_pytorch_becomes_our_network(is_plain):
    torch.manual_seed(0)
    module, net = Own().double(), normalized()
    module.norm.momentum = 1  # the running variance is that of the last batch, far below 1
    module(torch.tensor(1e-3 * normal(30, 20)))
    x = 1e-3 * normal(5, 20, seed=2)
    expected = module.eval()(torch.tensor(x)).detach().numpy()
    with plain() if is_plain else nullcontext():
        load_state_dict(net, module.state_dict())
        assert np.abs(net.predict(x) - expected).max() > 1e-3  # eps is another one
        load_state_dict(net, module.state_dict(), eps=1e-5)
        assert_close(net.predict(x), expected, np.float64)
        assert BatchNorm.eps == normalized().layers["BatchNorm1"].eps == 1e-7
        t = np.arange(5) % 4
        net.gradient(x, t)
    scores = module.train()(torch.tensor(x))
    assert net.last_loss == pytest.approx(nn.CrossEntropyLoss()(scores, torch.tensor(t)).item())


def test_the_running_variance_divides_by_n_here_and_by_n_minus_1_there():
    net, x = normalized(), normal(5, 20)
    net.gradient(x, np.arange(5) % 4)  # sets the running statistics
    module, norm = to_module(net), net.layers["BatchNorm1"]
    before, x = norm.running_var, normal(5, 20, seed=2)
    net.gradient(x, np.arange(5) % 4)
    module(torch.tensor(x))
    np.testing.assert_allclose(module[1].running_mean.numpy(), norm.running_mean)
    ours, theirs = norm.running_var - 0.9 * before, module[1].running_var.numpy() - 0.9 * before
    np.testing.assert_allclose(theirs, ours * 5 / 4)
    assert module[1].num_batches_tracked == 2


def test_running_statistics_that_no_batch_has_set_stay_unset():
    net = normalized()
    state = to_state_dict(net)
    assert state["1.num_batches_tracked"] == 0
    load_state_dict(net, state)
    assert net.layers["BatchNorm1"].running_mean is None
    assert net.layers["BatchNorm1"].running_var is None
    state["1.running_mean"] += 1  # set, though no batch is counted
    load_state_dict(net, state)
    assert (net.layers["BatchNorm1"].running_mean == 1).all()


def test_names_of_to_state_dict_may_come_in_any_order_and_without_the_count_of_batches():
    net, other = normalized(), normalized(rng=1)
    state = {key: value for key, value in to_state_dict(net).items() if "tracked" not in key}
    load_state_dict(other, dict(reversed(state.items())))
    for key, param in net.params.items():
        np.testing.assert_array_equal(other.params[key], param)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_numbers_of_any_format_become_those_of_the_network(dtype):
    state = {key: value.to(dtype) for key, value in to_state_dict(TwoLayerNet(6, 5, 4)).items()}
    for own in (np.float16, np.float32):
        net = TwoLayerNet(6, 5, 4, dtype=own)
        load_state_dict(net, state)
        assert {param.dtype for param in net.params.values()} == {np.dtype(own)}
        np.testing.assert_array_equal(
            net.params["W1"],
            state["0.weight"]
            .double()
            .T.to({np.float16: torch.float16, np.float32: torch.float32}[own])
            .numpy(),
        )
    load_state_dict(net, {key: value.double().numpy() for key, value in state.items()})


def test_a_network_in_float16_or_with_integers_has_a_state_dict_too():
    net = TwoLayerNet(6, 5, 4, dtype=np.float16)
    assert to_module(net)[0].weight.dtype == torch.float16
    net = Network([Affine(np.arange(6).reshape(3, 2), None)])
    assert to_module(net)(torch.ones(1, 3).double()).tolist() == [[6, 9]]


def test_a_network_on_another_device_stays_there():
    net, x = normalized(), normal(5, 20)
    net.gradient(x, np.arange(5) % 4)
    expected = net.predict(x)
    with device_of_tests():
        net.to("test")
        module = to_module(net).eval()
        state = to_state_dict(normalized(rng=1), module)
        load_state_dict(net, state)
        assert type(net.params["W1"]) is type(net.layers["BatchNorm1"].gamma) is DeviceArray
        net.to("cpu")
    assert_close(module(torch.tensor(x)).detach().numpy(), expected, np.float64)
    np.testing.assert_array_equal(net.predict(x), normalized(rng=1).predict(x))


def test_tensors_are_copies_and_random_numbers_stay():
    net = TwoLayerNet(6, 5, 4)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    module = to_module(net)
    assert torch.equal(torch.random.get_rng_state(), before)
    W, state = net.params["W1"].copy(), to_state_dict(net)
    state["0.weight"] += 1
    module[0].weight.data += 1
    np.testing.assert_array_equal(net.params["W1"], W)
    load_state_dict(net, state)
    state["0.weight"] += 1
    np.testing.assert_array_equal(net.params["W1"], W + np.float32(1))


def test_a_module_can_be_trained_and_saved(tmp_path):
    module = to_module(NETS["everything else"](np.float32))
    x = torch.tensor(normal(6, 2, 9, 8, dtype=np.float32))
    optimizer = torch.optim.Adam(module.parameters())
    module(x).sum().backward()
    optimizer.step()
    torch.save(module, tmp_path / "module.pt")
    again = torch.load(tmp_path / "module.pt", weights_only=False).eval()
    assert torch.equal(again(x), module.eval()(x))


def test_the_books_dropout_draws_its_masks_in_training_and_scales_in_test():
    module, x = (
        to_module(Network([Affine(np.eye(2), None), layers.Dropout(0.3)])),
        torch.ones(2000, 2),
    )
    y = module.train()(x.double())
    assert set(y.unique().tolist()) == {0, 1}
    assert y.mean().item() == pytest.approx(0.7, abs=0.05)
    assert set(module.eval()(x.double()).unique().tolist()) == {0.7}
    assert "dropout_ratio=0.3" in repr(module)
    always = to_module(Network([layers.Dropout(1, inverted=True)]))
    assert always.eval()(x).abs().max() == 0


class Doubled(layers.Relu):
    def _forward(self, x, train_flg):
        return 2 * super()._forward(x, train_flg)


def without(key):
    state = to_state_dict(normalized())
    del state[key]
    return state


def changed(**entries):
    given = {key.replace("_", ".", 1): value for key, value in entries.items()}
    return to_state_dict(normalized()) | given


ZEROS = torch.zeros
UNFIT = {
    "no mapping": (3, TypeError, "state must be a state dict, got int"),
    "a module": (Own(), TypeError, "state must be a state dict, got Own; use its state_dict()"),
    "no tensor": (changed(a_weight=1), TypeError, "tensors, got int for 'a.weight'"),
    "no name": ({1: ZEROS(2)}, TypeError, "tensors, got Tensor for 1"),
    "empty": ({}, ValueError, "of 3 modules, for Affine1, BatchNorm1, Affine2, got 0"),
    "a module more": (changed(a_weight=ZEROS(2)), ValueError, "got 4: '0', '1', '3', 'a'"),
    "no bias": (without("3.bias"), ValueError, "weight, bias of '3', for Affine2, got weight"),
    "no mean": (without("1.running_mean"), ValueError, "running_var of '1', for BatchNorm1, got"),
    "an entry more": (changed(**{"3_scale": ZEROS(2)}), ValueError, "got weight, bias, scale"),
    "wide": (
        changed(**{"0_weight": ZEROS(15, 21)}),
        ValueError,
        "state['0.weight'] must have shape (15, 20), for Affine1, got (15, 21)",
    ),
    "transposed": (
        changed(**{"3_weight": ZEROS(15, 4)}),
        ValueError,
        "state['3.weight'] must have shape (4, 15), for Affine2, got (15, 4)",
    ),
    "integers": (
        changed(**{"3_bias": ZEROS(4).int()}),
        TypeError,
        "state['3.bias'] must hold floating-point numbers, got torch.int32",
    ),
    "complex": (
        changed(**{"1_running_mean": ZEROS(15, dtype=torch.complex64)}),
        TypeError,
        "state['1.running_mean'] must hold floating-point numbers",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_state_that_does_not_fit_is_named_and_changes_nothing(name):
    state, kind, message = UNFIT[name]
    net = normalized()
    before = {key: param.copy() for key, param in net.params.items()}
    with pytest.raises(kind, match=re.escape(message)):
        load_state_dict(net, state)
    for key, param in net.params.items():
        np.testing.assert_array_equal(param, before[key])
    assert net.layers["BatchNorm1"].running_mean is None


@pytest.mark.parametrize("eps", [-1, "x", float("nan")])
def test_eps_is_a_number_from_0_on_and_a_wrong_one_changes_nothing(eps):
    net, state = normalized(), to_state_dict(normalized(rng=1))
    before = net.params["W1"].copy()
    with pytest.raises((TypeError, ValueError), match="eps"):
        load_state_dict(net, state, eps=eps)
    np.testing.assert_array_equal(net.params["W1"], before)


def test_names_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=re.escape("like must have the weights of 2 modules")):
        to_state_dict(TwoLayerNet(20, 15, 4), Own())
    wide = nn.Sequential(nn.Linear(20, 15), nn.Linear(15, 5))
    with pytest.raises(ValueError, match=re.escape("like['1.weight'] must have shape (4, 15)")):
        to_state_dict(TwoLayerNet(20, 15, 4), wide)
    with pytest.raises(TypeError, match="like must be a state dict, got int"):
        to_state_dict(TwoLayerNet(20, 15, 4), 3)
    conv = [Convolution.create(2, 2, 3, pad=1), BatchNorm.create(3)]
    net = Network([layers.Residual([*conv[:1]]), layers.Flatten()])
    with pytest.raises(ValueError, match="for Conv, layer 1 of Residual1"):
        load_state_dict(net, nn.Conv2d(2, 2, 5).state_dict())


@pytest.mark.parametrize("call", [to_module, to_state_dict, lambda net: load_state_dict(net, {})])
@pytest.mark.parametrize(
    ("net", "message"),
    [
        (None, "network must be a Network of dlbasics, got NoneType"),
        (nn.Linear(2, 2), "network must be a Network of dlbasics, got Linear"),
        (
            Network([Affine.create(2, 2), Doubled()]),
            "layers that PyTorch has, got Doubled1 of class Doubled",
        ),
        (
            Network([layers.Residual([Relu(), Doubled()])]),
            "got Doubled, layer 2 of Residual1 of class Doubled",
        ),
        (
            Network([layers.Concatenate([[], [Doubled()]])]),
            "got Doubled, layer 1 of branch 2 of Concatenate1",
        ),
        (
            Network([layers.Pooling(2, 3, pad=(1, 2))]),
            "Pool1 must have a pad of at most half its window (2, 3), as PyTorch needs it",
        ),
    ],
)
def test_a_network_without_a_counterpart_is_named(call, net, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        call(net)


def test_importing_the_module_does_not_import_torch_and_its_absence_is_said():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import dlbasics\n"
        "net = dlbasics.TwoLayerNet(2, 2, 2)\n"
        "for call in ('to_module(net)', 'to_state_dict(net)', 'load_state_dict(net, {})'):\n"
        "    try:\n"
        "        eval('dlbasics.torch_weights.' + call)\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = 'state dicts need PyTorch: python -m pip install "dlbasics[torch]"'
    assert found.stdout.splitlines() == [said] * 3
    assert torch_weights.__all__ == ["load_state_dict", "to_module", "to_state_dict"]


def test_the_page_runs_as_it_is_pasted(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs/pytorch_weights.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)), names)
    (told,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert capsys.readouterr().out == told
    x = normal(3, 1, 28, 28, dtype=np.float32)
    for name in ("module", "typed", "own"):
        scores = names[name](torch.tensor(x)).detach().numpy()
        assert_close(scores, names["network"].predict(x), np.float32)
    (error,) = re.findall(r"```\nValueError: (.*?)\n```", page)
    state = names["own"].state_dict() | {"hidden.weight": torch.zeros(50, 4320)}
    with pytest.raises(ValueError, match=re.escape(error)):
        load_state_dict(names["again"], state)
    (loop,) = re.findall(r"^  ```python\n(.*?)^  ```", page, re.DOTALL | re.MULTILINE)
    network = networks.DeepConvNet()
    exec(textwrap.dedent(loop), {"network": network, "Dropout": layers.Dropout})
    kinds = [type(part) for part in to_module(network)]
    assert kinds.count(nn.Dropout) == 2
