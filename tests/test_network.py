"""Network: predict, loss, accuracy, gradient and penalties; copies, dtypes and generators."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics.functions import sigmoid, softmax, softmax_loss
from dlbasics.gradient import check_gradients
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Convolution,
    Dropout,
    Identity,
    IdentityWithLoss,
    Relu,
    Reshape,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.optimizers import SGD, Adam, Momentum
from dlbasics.regularizers import L1, L2
from dlbasics.trainer import Trainer
from tests.helpers import Block, normal, train

D, K = 6, 4


class NamedBlock(Block):
    """A block that also keeps its inner layers as attributes, and uses those."""

    def __init__(self, affine, activation):
        super().__init__(affine, activation)
        self.affine, self.activation = affine, activation

    def forward(self, x, train_flg=True):
        return self.activation.forward(self.affine.forward(x, train_flg), train_flg)

    def backward(self, dout):
        return self.affine.backward(self.activation.backward(dout))


def plain_net(**options):
    layers = [Affine.create(D, 5, rng=1), Tanh(), Affine.create(5, K, rng=2)]
    return Network(layers, **options)


def rich_net(**options):
    """Every kind of layer, and a block."""
    layers = [
        Affine.create(D, 8, rng=1),
        BatchNorm.create(8),
        Relu(),
        Dropout(0.3),
        Block(Affine.create(8, 8, rng=2), Sigmoid(), Block(BatchNorm.create(8), Dropout(0.2))),
        Affine.create(8, K, rng=3),
    ]
    return Network(layers, **{"rng": 4, **options})


def net_with_a_named_block():
    return Network([NamedBlock(Affine.create(D, 5, rng=1), Tanh()), Affine.create(5, K, rng=2)])


def batch(n=10, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, D)).astype(np.float32), rng.integers(0, K, n)


def all_layers(net):
    return [inner for layer in net.layers.values() for inner in layer.walk()]


def state(net):
    """All that the layers hold, inner layers and caches too."""
    return pickle.dumps([vars(layer) for layer in [*all_layers(net), net.last_layer]])


def assert_equal(found, expected):
    assert list(found) == list(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def one_hot(t):
    return np.eye(K, dtype=np.float32)[t]


@pytest.mark.parametrize("form", [np.asarray, np.ndarray.tolist, lambda x: x.astype(int).tolist()])
def test_predict_is_the_layers_in_order_for_a_batch_and_for_one_sample(form):
    net, (x, _) = plain_net(), batch()
    W1, b1, W2, b2 = net.params.values()
    x = np.rint(3 * x)
    scores = np.tanh(x @ W1 + b1) @ W2 + b2
    np.testing.assert_allclose(net.predict(form(x)), scores, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.predict(form(x[2])), scores[2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("train_flg", [False, True])
@pytest.mark.parametrize("is_trained", [False, True])
@pytest.mark.parametrize("build", [rich_net, net_with_a_named_block])
def test_predict_changes_nothing(build, is_trained, train_flg):
    net, (x, t) = build(), batch()
    if is_trained:
        net.gradient(x, t)
    for layer in all_layers(net):
        layer.rng = layer.rng if not train_flg else None
    before, loss = state(net), net.last_loss
    net.predict(x[:3] + 1, train_flg)
    if not train_flg:
        net.predict(x[0]), net.accuracy(x, t, batch_size=4)
    assert (state(net), net.last_loss) == (before, loss)


@pytest.mark.parametrize("n", [0, 1, 4, 5, 6, 10, 23])
def test_predict_in_blocks_gives_the_same(n):
    net, (x, _) = rich_net(), batch(n)
    net.gradient(*batch())
    whole = net.predict(x)
    net.block_size = 5
    np.testing.assert_allclose(net.predict(x), whole, rtol=1e-5, atol=1e-6)
    for i in range(n):
        np.testing.assert_allclose(net.predict(x[i]), whole[i], rtol=1e-5, atol=1e-6)
    assert (whole.shape, whole.dtype) == ((n, K), np.float32)


def test_predict_in_test_mode_never_runs_more_than_a_block():
    class Recorder(Identity):
        def forward(self, x, train_flg=True):
            sizes.append(len(x))
            return super().forward(x, train_flg)

    sizes, t = [], np.arange(1203) % K
    network = Network([Recorder()])
    network.predict(np.zeros((1203, 2)))
    assert sizes == [500, 500, 203]
    wrong = np.where(np.arange(1203) >= 1201, (t + 1) % K, t)
    assert network.accuracy(np.eye(K)[t], wrong) == 1201 / 1203


def test_predict_in_training_mode_sees_the_batch_as_a_whole():
    net, (x, _) = Network([BatchNorm.create(D)]), batch(10)
    net.block_size = 3
    expected = BatchNorm.create(D).forward(x, True)
    np.testing.assert_array_equal(net.predict(x, train_flg=True), expected)


@pytest.mark.parametrize("method", ["predict", "loss", "gradient", "accuracy"])
def test_wrong_width_says_what_was_expected(method):
    net, t = plain_net(), () if method == "predict" else ([0, 1],)
    with pytest.raises(ValueError, match=r"\(N, 6\), or \(6,\) .*\(2, 7\)"):
        getattr(net, method)(np.zeros((2, 7)), *t)


def test_flags_are_true_or_false():
    net = plain_net()
    with pytest.raises(TypeError, match="plain must be True or False, got 'False'"):
        net.numerical_gradient(*batch(), plain="False")
    with pytest.raises(TypeError, match="sharded must be True or False, got 1"):
        net.sharded = 1
    assert not net.sharded
    for method in (net.predict, lambda x, train_flg: net.loss(x, batch()[1], train_flg)):
        with pytest.raises(TypeError, match="train_flg must be True or False, got 'no'"):
            method(batch()[0], train_flg="no")


class Embedding:
    """A layer of indices, as a reader types it."""

    def __init__(self, W):
        self.W, self.dW = W, None

    def forward(self, indices):
        self.indices = indices
        return self.W[indices]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.indices, dout)


@pytest.mark.parametrize("plain", [True, False])
def test_the_numerical_gradient_takes_a_batch_of_indices(plain):
    net = Network([Embedding(normal(5, 4)), Affine.create(4, 3, dtype=np.float64, rng=0)])
    x, t = np.array([0, 3, 1, 3]), np.array([0, 1, 2, 0])
    found, wanted = net.numerical_gradient(x, t, plain=plain), net.gradient(x, t)
    for key in wanted:
        np.testing.assert_allclose(found[key], wanted[key], atol=1e-8)


class MeanOverTime:
    """A layer as a reader writes it, whose samples have two dimensions."""

    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=1)

    def backward(self, dout):
        return np.repeat(dout[:, np.newaxis] / self.shape[1], self.shape[1], axis=1)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    ("first", "d", "shape"),
    [
        (MeanOverTime, 4, (5, 3, 4)),
        (Relu, 12, (5, 3, 4)),
        (lambda: Convolution.create(1, 2, 2, rng=0), 8, (5, 1, 3, 3)),
        (lambda: Convolution.create(1, 2, 2, rng=0), 8, (1, 3, 3)),
    ],
    ids=["sequences", "any shape", "images", "one image"],
)
def test_the_numerical_gradient_takes_the_samples_that_the_first_layer_takes(
    first, d, shape, plain
):
    net = Network([first(), Affine.create(d, 3, init=0.5, rng=0)]).astype(np.float64)
    x, t = normal(*shape), np.arange(5) % 3 if shape[0] == 5 else 1
    found, wanted = net.numerical_gradient(x, t, plain=plain), net.gradient(x, t)
    for key in wanted:
        np.testing.assert_allclose(found[key], wanted[key], atol=1e-7)


def test_inputs_are_never_written_to():
    net, (x, t) = rich_net(regularizer=L2(0.1)), batch()
    x.flags.writeable = t.flags.writeable = False
    for param in net.params.values():
        param.flags.writeable = False
    net.predict(x), net.loss(x, t), net.accuracy(x, t), net.gradient(x, t)


def test_loss_in_test_mode_leaves_running_statistics_and_generator():
    net, (x, t) = rich_net(), batch()
    drawn, loss = copy.deepcopy(net.layers["Dropout1"].rng), net.loss(x, t)
    assert type(loss) is float
    assert loss == pytest.approx(softmax_loss(net.predict(x), t), rel=1e-6)
    assert net.layers["BatchNorm1"].running_mean is None
    assert net.layers["Dropout1"].rng.random() == drawn.random()
    twin = rich_net()
    twin.gradient(x, t)
    assert rich_net().loss(x, t, train_flg=True) == twin.last_loss != loss


@pytest.mark.parametrize("form", [list, one_hot, lambda t: t[:, None], lambda t: t.astype("uint8")])
def test_every_form_of_label_gives_the_same_also_of_one_sample(form):
    net, (x, t) = plain_net(), batch()
    loss, accuracy, gradient = net.loss(x, t), net.accuracy(x, t), net.gradient(x, t)
    assert net.loss(x, form(t)) == pytest.approx(loss, rel=1e-6)
    assert net.accuracy(x, form(t)) == accuracy
    for key, value in net.gradient(x, form(t)).items():
        np.testing.assert_allclose(value, gradient[key], rtol=1e-5, atol=1e-7)
    single, lifted = net.gradient(x[0], form(t)[0]), net.gradient(x[:1], t[:1])
    for key, value in lifted.items():
        np.testing.assert_allclose(single[key], value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("form", [one_hot, np.asarray, lambda t: t[:, None]])
@pytest.mark.parametrize("batch_size", [None, 1, 3, 7, 10, 99])
def test_accuracy_counts_the_partial_last_batch(batch_size, form):
    x = np.eye(K)[[0, 1, 2, 3, 0, 1, 2, 3, 0, 1]]
    t = np.array([0, 1, 2, 3, 0, 1, 2, 0, 1, 2])
    accuracy = Network([Identity()]).accuracy(x, form(t), batch_size)
    assert (accuracy, type(accuracy)) == (0.7, float)


def test_accuracy_of_yes_or_no_outputs_needs_all_of_them_right_and_a_regression_has_none():
    x = np.array([[3.0, -1], [2, 2], [-1, -1], [-4, 5]])
    t = np.array([[1, 0], [1, 0], [0, 0], [0, 1]])
    assert Network([Identity()], SigmoidWithLoss()).accuracy(x, t, batch_size=3) == 0.75
    with pytest.raises(TypeError, match="regression"):
        Network([Identity()], IdentityWithLoss()).accuracy(x, t)


@pytest.mark.parametrize(
    ("shape", "t", "batch_size", "error"),
    [
        ((3, D), [0, 1], None, ValueError),
        ((0, D), [], None, ValueError),
        ((D,), 1, None, ValueError),
        ((4, D), [0, 1, 0, 1, 0, 1], 2, ValueError),
        *(((2, D), t, None, ValueError) for t in ([0, K], [0, -1], [0.5, 1.0])),
        ((2, D), [0, 1], 0, ValueError),
        ((2, D), [0, 1], 1.5, TypeError),
    ],
)
def test_accuracy_refuses_what_makes_no_sense(shape, t, batch_size, error):
    with pytest.raises(error):
        plain_net().accuracy(np.zeros(shape), t, batch_size=batch_size)


def test_gradients_are_fresh_arrays_with_keys_shapes_and_dtypes_of_the_parameters():
    net, (x, t) = rich_net(regularizer=L2(0.1)), batch()
    first = net.gradient(x, t)
    kept = {key: value.copy() for key, value in first.items()}
    second = net.gradient(x + 1, t)
    assert_equal(first, kept)
    assert list(first) == list(net.params)
    for key, value in first.items():
        assert (value.shape, value.dtype) == (net.params[key].shape, net.params[key].dtype), key
        assert value.flags.writeable
        others = [*second.values(), *net.params.values(), x]
        assert not any(np.shares_memory(value, other) for other in others)


def test_last_loss_is_the_loss_before_the_update_with_penalty():
    net, (x, t) = plain_net(regularizer=L2(0.1)), batch()
    assert net.last_loss is None
    before = net.loss(x, t)
    SGD(lr=0.5).update(net.params, net.gradient(x, t))
    assert type(net.last_loss) is float
    assert net.last_loss == before != net.loss(x, t)


def test_the_first_layer_is_spared_dx_unless_its_backward_is_its_own():
    class Spared(Affine):
        def backward_params(self, dout):
            asked.append(dout.shape)
            super().backward_params(dout)

    class Own(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW *= 2
            return dx

    asked, W = [], normal(D, 3)
    plain, spared, own = (
        Network([kind(W, None), Affine(np.eye(3, K), None)]).gradient(*batch())
        for kind in (Affine, Spared, Own)
    )
    assert asked == [(10, 3)] and [*spared] == ["W1", "W2"]
    np.testing.assert_allclose(spared["W1"], plain["W1"])
    np.testing.assert_allclose(own["W1"], 2 * plain["W1"])


@pytest.mark.parametrize("regularizer", [None, L2(0.3), L1(0.3)])
def test_the_books_loop_over_the_layers_gives_gradient_less_the_penalty(regularizer):
    net, (x, t) = plain_net(regularizer=regularizer), batch()
    expected = plain_net().gradient(x, t)
    net.loss(x, t)
    dout = net.last_layer.backward(1)
    for layer in reversed(list(net.layers.values())):
        dout = layer.backward(dout)
    assert dout.shape == x.shape
    found = {key: getattr(net.layers[f"Affine{key[1]}"], f"d{key[0]}") for key in expected}
    assert_equal(found, expected)


PENALTIES = [
    (L2(0.3), lambda W: 0.15 * np.sum(W**2), lambda W: 0.3 * W),
    (L1(0.3), lambda W: 0.3 * np.abs(W).sum(), lambda W: 0.3 * np.sign(W)),
]


@pytest.mark.parametrize(("regularizer", "penalty", "slope"), PENALTIES)
def test_penalties_are_on_weights_only_and_never_in_the_layers(regularizer, penalty, slope):
    nets = [rich_net(regularizer=r).astype(np.float64) for r in (regularizer, None)]
    (with_penalty, without), (x, t) = nets, batch()
    for net in nets:
        for key in net.params:
            net.params[key] += 0.5
    gradients, bare = with_penalty.gradient(x, t), without.gradient(x, t)
    weights = [param for key, param in with_penalty.params.items() if key.startswith("W")]
    total = sum(map(penalty, weights))
    assert with_penalty.last_loss - without.last_loss == pytest.approx(total)
    assert with_penalty.loss(x, t) - without.loss(x, t) == pytest.approx(total)
    for key, value in gradients.items():
        extra = slope(with_penalty.params[key]) if key.startswith("W") else 0
        np.testing.assert_allclose(value, bare[key] + extra, rtol=1e-12)
    np.testing.assert_array_equal(with_penalty.layers["Affine1"].dW, bare["W1"])


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),  # noqa: S301
    "astype": lambda net: net.astype(np.float32),
}
every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())


@every_copy
def test_a_copy_is_equal_and_independent(copied):
    net, (x, t) = rich_net(), batch()
    net.gradient(x, t)
    twin = copied(net)
    assert_equal(twin.params, net.params)
    np.testing.assert_array_equal(twin.predict(x), net.predict(x))
    assert not any(np.shares_memory(net.params[key], twin.params[key]) for key in net.params)

    before = state(net)
    for key in twin.params:
        twin.params[key][...] = 0
    twin.params["W1"] = np.ones((D, 8), np.float32)
    twin.gradient(x + 9, t)
    assert state(net) == before
    assert twin.params["W1"] is twin.layers["Affine1"].W


@every_copy
def test_a_copy_trains_on_to_the_same_bits(copied):
    net, (x, t) = rich_net(), batch()
    optimizer = Momentum(0.1)
    optimizer.update(net.params, net.gradient(x, t))
    twin, other = copied(net), copy.deepcopy(optimizer)
    for _ in range(3):
        optimizer.update(net.params, net.gradient(x, t))
        other.update(twin.params, twin.gradient(x, t))
    assert_equal(twin.params, net.params)
    assert twin.last_loss == net.last_loss


def dtypes(net):
    """The dtypes of all parameters and running statistics, those of inner layers too."""
    states = [getattr(layer, name) for layer in all_layers(net) for name in layer.state_names]
    assert len(states) == 4
    return {array.dtype for array in [*net.params.values(), *states]}


@pytest.mark.parametrize("dtype", [np.float64, np.float16, "float64"])
def test_astype_is_a_copy_in_that_dtype(dtype):
    net, (x, t) = rich_net(), batch()
    net.gradient(x, t)
    twin = net.astype(dtype)
    assert dtypes(twin) == {np.dtype(dtype)}
    assert dtypes(net) == {np.dtype(np.float32)}
    if dtype != np.float16:
        assert_equal(twin.astype(np.float32).params, net.params)
    y = twin.predict(x.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y, net.predict(x), rtol=2e-2, atol=2e-2)
    for wrong in (int, bool, complex, "U1"):
        with pytest.raises((TypeError, ValueError)):
            net.astype(wrong)


def test_the_networks_generator_goes_to_layers_without_one_inner_layers_too():
    rng, own = np.random.default_rng(0), np.random.default_rng(1)
    layers = [Dropout(), Dropout(rng=own), Block(Affine.create(3, 3), Dropout())]
    Network(layers, rng=rng)
    assert [layer.rng for layer in (*layers[:2], layers[2].layers[1])] == [rng, own, rng]
    for wrong in ("seed", -1, 1.5):
        with pytest.raises(TypeError, match="rng"):
            plain_net(rng=wrong)


def test_the_same_seed_gives_the_same_masks():
    x, t = batch()
    nets = [Network([Dropout(0.5), Affine.create(D, K, rng=0)], rng=seed) for seed in (5, 5, 6)]
    first, second, other = ([net.gradient(x, t)["W1"] for _ in range(4)] for net in nets)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


def test_the_last_layer_can_be_set_by_either_name_the_layers_not_at_all():
    net = plain_net()
    for name, last in {"lastLayer": IdentityWithLoss(), "last_layer": SigmoidWithLoss()}.items():
        setattr(net, name, last)
        assert net.last_layer is net.lastLayer is last
    with pytest.raises(AttributeError):
        net.layers = {}


def test_xor_is_learned_with_a_single_yes_or_no_output():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    t = np.array([[0], [1], [1], [0]])
    layers = [Affine.create(2, 8, rng=0), Tanh(), Affine.create(8, 1, rng=1)]
    net = Network(layers, SigmoidWithLoss())
    train(net, x, t, Adam(0.05))
    assert net.accuracy(x, t) == 1
    assert net.loss(x, t) < 0.05


@pytest.mark.parametrize(
    ("last_layer", "function"),
    [(None, softmax), (SigmoidWithLoss(), sigmoid)],
    ids=["softmax", "sigmoid"],
)
def test_predict_proba_gives_the_probabilities_of_the_loss_layer(last_layer, function):
    net, x = plain_net(last_layer=last_layer), normal(7, D)
    np.testing.assert_allclose(net.predict_proba(x), function(net.predict(x)), rtol=1e-12)
    np.testing.assert_allclose(net.predict_proba(x[0]), function(net.predict(x[0])), rtol=1e-12)


def test_a_regression_has_no_probabilities_and_a_readers_loss_layer_does_not_tell_them():
    class Own:
        def forward(self, x, t):
            return 0.0

        def backward(self, dout=1): ...

    with pytest.raises(TypeError, match="IdentityWithLoss is a regression, which has no prob"):
        plain_net(last_layer=IdentityWithLoss()).predict_proba(np.ones((2, D)))
    with pytest.raises(TypeError, match=r"Own must tell .* compute them from predict\(x\)"):
        plain_net(last_layer=Own()).predict_proba(np.ones((2, D)))


class TestScoresOfImages:
    """A network without Affine layers has scores at each pixel."""

    def network(self, last_layer=None):
        convolution = {"pad": 1, "dtype": np.float64}
        layers = [
            Convolution.create(2, 4, 3, rng=1, **convolution),
            Relu(),
            Convolution.create(4, 3, 3, rng=2, **convolution),
        ]
        return Network(layers, last_layer)

    def labels(self, x):
        """Each pixel's class is that of its larger value, or 2 where both are below 0."""
        return np.where(x.max(axis=1) < 0, 2, x.argmax(axis=1))

    @pytest.mark.parametrize("last_layer", [SoftmaxWithLoss, SigmoidWithLoss, IdentityWithLoss])
    def test_gradients_are_right_and_halves_give_those_of_the_whole(self, last_layer):
        net, x = self.network(last_layer()), normal(5, 2, 4, 3)
        classes = self.labels(x)
        rows = np.eye(3)[classes].transpose(0, 3, 1, 2)
        t = classes if last_layer is SoftmaxWithLoss else rows
        assert check_gradients(net, x, t)
        assert net.sharded
        halves, loss = net.gradient(x, t), net.last_loss
        assert net.last_layer.y.shape == (5, 3, 4, 3)
        net.sharded = False
        for key, gradient in net.gradient(x, t).items():
            np.testing.assert_allclose(halves[key], gradient, rtol=1e-9, atol=1e-12)
        assert loss == pytest.approx(net.last_loss)
        if last_layer is SoftmaxWithLoss:
            numerical = net.numerical_gradient(x, t)
            np.testing.assert_allclose(numerical["W1"], halves["W1"], atol=1e-8)

    def test_columns_give_the_numerical_gradient_too(self):
        layers = [Affine.create(D, 12, rng=0, dtype=np.float64), Reshape((3, 2, 2))]
        net, x, t = (
            Network(layers),
            normal(4, D),
            np.random.default_rng(0).integers(0, 3, (4, 2, 2)),
        )
        gradient = net.gradient(x, t)
        for key, array in net.numerical_gradient(x, t).items():
            np.testing.assert_allclose(array, gradient[key], atol=1e-8)

    def test_they_are_trained_and_the_accuracy_is_the_share_of_places(self):
        net, x = self.network(), normal(120, 2, 5, 4)
        t = self.labels(x)
        history = Trainer(
            net, x[:100], t[:100], x[100:], t[100:], epochs=15, mini_batch_size=20,
            optimizer=Adam(0.02), verbose=False, rng=0,
        ).train()  # fmt: skip
        right = net.predict(x[100:]).argmax(axis=1) == t[100:]
        assert right.mean() > 0.8
        assert net.accuracy(x[100:], t[100:]) == history.test_acc[-1] == right.mean()
        assert net.accuracy(x[100:], t[100:], batch_size=7) == right.mean()
        assert history.test_loss[-1] == pytest.approx(net.loss(x[100:], t[100:]))
