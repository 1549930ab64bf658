"""Whatever an argument is, the error is a TypeError or ValueError that names it."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dlbasics
from dlbasics import augmentation, convnets, datasets, imagenets, plotting
from dlbasics import layers as all_layers
from dlbasics.datasets.idx import idx_header
from tests.helpers import normal

WRONG = [None, 2, "x", [], {1}, object()]

X, T, ROWS = normal(6, 5), np.arange(6) % 2, np.full((6, 2), 0.5)
W, K, IMAGES = np.ones((5, 2)), np.ones((2, 1, 3, 3)), np.full((3, 1, 6, 6), 0.5)
PARAMS = {"W": np.ones(2)}
PATH = "arrays.npz"


def net():
    return dlbasics.TwoLayerNet(5, 4, 2, rng=0, dtype=np.float64)


def method(make, name):
    """Return a function that calls the method of a new object."""
    return lambda **arguments: getattr(make(), name)(**arguments)


def assign(make, name):
    """Return a function that assigns to the attribute of a new object."""
    return lambda **arguments: setattr(make(), name, arguments[name])


def backward(make, x):
    def call(**arguments):
        layer = make()
        layer.forward(x)
        layer.backward(**arguments)

    return call


def loading(load, write):
    """Return a function that writes files and loads them."""

    def call(**arguments):
        write()
        return load(**arguments)

    return call


def write_pictures():
    for name in ("a", "b"):
        Path("pictures", name).mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(f"pictures/{name}/1.png")


def write_others():
    Path("images").write_bytes(idx_header((2, 4, 4)) + bytes(32))
    Path("labels").write_bytes(idx_header((2,)) + bytes(2))
    Path("data_batch_1.bin").write_bytes(bytes(3_073))
    Path("test_batch.bin").write_bytes(bytes(3_073))
    Path("table.csv").write_text("0,1,2,3,4\n")


MADE = {"rng": 0, "dtype": np.float32}
IMAGE = {"input_dim": (1, 8, 8), "output_size": 2, "floor": False, **MADE}
GEOMETRY = {"stride": 1, "pad": 0, "floor": False}
WINDOW = {"pool_h": 2, "pool_w": 2, **GEOMETRY}
DRAWN = {"init": dlbasics.he, **MADE}
LAYERS = {
    "Relu": (dlbasics.Relu, X),
    "LeakyRelu": (dlbasics.LeakyRelu, X),
    "Elu": (dlbasics.Elu, X),
    "Flatten": (dlbasics.Flatten, IMAGES),
    "Reshape": (lambda: dlbasics.Reshape((1, 6, 6)), IMAGES),
    "Sigmoid": (dlbasics.Sigmoid, X),
    "Tanh": (dlbasics.Tanh, X),
    "Identity": (dlbasics.Identity, X),
    "Dropout": (partial(dlbasics.Dropout, 0.5, rng=0), X),
    "Residual": (lambda: dlbasics.Residual([dlbasics.Relu()]), X),
    "Affine": (lambda: dlbasics.Affine(W, None), X),
    "BatchNorm": (lambda: dlbasics.BatchNorm(np.ones(5), np.ones(5)), X),
    "Convolution": (lambda: dlbasics.Convolution(K, None), IMAGES),
    "Pooling": (lambda: dlbasics.Pooling(2, 2), IMAGES),
    "AveragePooling": (lambda: dlbasics.AveragePooling(2, 2), IMAGES),
    "GlobalAveragePooling": (dlbasics.GlobalAveragePooling, IMAGES),
    "LocalResponseNorm": (dlbasics.LocalResponseNorm, IMAGES),
    "Concatenate": (lambda: dlbasics.Concatenate([[dlbasics.Relu()], []]), IMAGES),
}
PENALTIES = ("L1", "L2", "LInf")
LOSSES = ("SoftmaxWithLoss", "SigmoidWithLoss", "IdentityWithLoss")
RATES = {
    "SGD": {"lr": 0.1},
    "Momentum": {"lr": 0.1, "momentum": 0.9},
    "Nesterov": {"lr": 0.1, "momentum": 0.9},
    "AdaGrad": {"lr": 0.1},
    "RMSprop": {"lr": 0.1, "decay_rate": 0.9},
    "Adam": {"lr": 0.1, "beta1": 0.9, "beta2": 0.9},
    "AdamW": {"lr": 0.1, "beta1": 0.9, "beta2": 0.9, "weight_decay": 0.1},
}
SCHEDULES = {
    "StepDecay": {"every": 1.0, "factor": 0.5},
    "ExponentialDecay": {"factor": 0.5},
    "CosineDecay": {"floor": 0.1},
    "Warmup": {"epochs": 1.0, "then": None, "start": 0.1},
}
AMOUNTS = {
    "brightness": {"amount": 0.1},
    "crop": {"pixels": 1},
    "elastic": {"alpha": 1.0, "sigma": 2.0},
    "flip": {"probability": 0.5},
    "rotate": {"degrees": 3.0},
    "scale": {"share": 0.1},
    "shift": {"pixels": 1},
    "warp": {"degrees": 1.0, "share": 0.1, "pixels": 1.0, "alpha": 1.0, "sigma": 2.0},
}
ELEMENTWISE = (
    "identity_function", "log_softmax", "relu", "relu_grad", "sigmoid", "sigmoid_grad", "softmax",
    "step_function",
)  # fmt: skip

CALLS = {
    **{name: (getattr(dlbasics, name), {"x": X}) for name in ELEMENTWISE},
    "cross_entropy_error": (dlbasics.cross_entropy_error, {"y": ROWS, "t": T}),
    "softmax_loss": (dlbasics.softmax_loss, {"X": X[:, :2], "t": T}),
    "sum_squared_error": (dlbasics.sum_squared_error, {"y": ROWS, "t": ROWS}),
    "numerical_diff": (partial(dlbasics.numerical_diff, np.square), {"x": 1.0}),
    "numerical_gradient": (partial(dlbasics.numerical_gradient, np.sum), {"x": np.ones(3)}),
    "gradient_descent": (
        partial(dlbasics.gradient_descent, np.sum, np.ones(2)),
        {"lr": 0.1, "step_num": 2},
    ),
    "check_gradients": (
        dlbasics.check_gradients,
        {
            "target": dlbasics.Affine(W, None), "x": X, "train_flg": True, "sample": 3,
            "tolerance": 1e-5, "rng": 0, "verbose": False,
        },
    ),
    "check_gradients of a network": (
        dlbasics.check_gradients,
        {"target": net(), "x": X, "t": T, "sample": 2},
    ),
    "fans": (dlbasics.fans, {"shape": (3, 4)}),
    "normal": (dlbasics.normal, {"std": 0.1}),
    "initializer": (dlbasics.initializer, {"weight_init_std": "he"}),
    **{
        name: (partial(getattr(dlbasics, name), rng=0), {"shape": (3, 4)})
        for name in ("he", "xavier", "glorot", "zeros")
    },
    "im2col": (
        dlbasics.im2col,
        {"input_data": IMAGES, "filter_h": 3, "filter_w": 3, **GEOMETRY},
    ),
    "col2im": (
        partial(dlbasics.col2im, input_shape=IMAGES.shape, filter_h=3, filter_w=3),
        {"col": np.ones((48, 9)), "floor": False},
    ),
    "conv_output_size": (
        dlbasics.conv_output_size,
        {"input_size": 6, "filter_size": 2, **GEOMETRY},
    ),
    "Affine": (dlbasics.Affine, {"W": W, "b": np.ones(2)}),
    "Affine.create": (dlbasics.Affine.create, {"n_in": 2, "n_out": 3, **DRAWN}),
    "Convolution": (dlbasics.Convolution, {"W": K, "b": np.ones(2), **GEOMETRY}),
    "Convolution.create": (
        dlbasics.Convolution.create,
        {"channels": 1, "filter_num": 2, "filter_size": 3, **GEOMETRY, **DRAWN},
    ),
    "BatchNorm": (
        dlbasics.BatchNorm,
        {"gamma": np.ones(5), "beta": np.ones(5), "momentum": 0.9, "running_mean": None},
    ),
    "BatchNorm.create": (dlbasics.BatchNorm.create, {"size": 5, "dtype": np.float32}),
    "Pooling": (dlbasics.Pooling, WINDOW),
    "AveragePooling": (dlbasics.AveragePooling, WINDOW),
    "Dropout": (dlbasics.Dropout, {"dropout_ratio": 0.5, "inverted": True, "rng": 0}),
    "LeakyRelu": (dlbasics.LeakyRelu, {"slope": 0.1}),
    "Elu": (dlbasics.Elu, {"alpha": 0.1}),
    "Reshape": (dlbasics.Reshape, {"shape": (2, 3)}),
    "Residual": (dlbasics.Residual, {"layers": [dlbasics.Relu()]}),
    "Concatenate": (dlbasics.Concatenate, {"branches": [[dlbasics.Relu()]]}),
    "LocalResponseNorm": (
        dlbasics.LocalResponseNorm,
        {"size": 3, "alpha": 0.1, "beta": 0.5, "k": 1.0},
    ),
    **{
        f"{name}.forward": (method(make, "forward"), {"x": x})
        for name, (make, x) in LAYERS.items()
    },
    **{
        f"{name}.backward": (backward(make, x), {"dout": make().forward(x)})
        for name, (make, x) in LAYERS.items()
    },
    **{
        f"{name}.probabilities": (method(getattr(dlbasics, name), "probabilities"), {"x": X})
        for name in LOSSES[:2]
    },
    **{
        f"{name}.{pass_}": (method(getattr(dlbasics, name), pass_), {"x": X[:, :2], "t": ROWS})
        for name in LOSSES
        for pass_ in ("forward", "losses")
    },
    **{name: (getattr(dlbasics, name), rates) for name, rates in RATES.items()},
    **{
        f"{name}.{rate}": (assign(getattr(dlbasics, name), rate), {rate: value})
        for name, rates in RATES.items()
        for rate, value in rates.items()
    },
    "Optimizer.update": (
        method(dlbasics.Adam, "update"),
        {"params": PARAMS, "grads": PARAMS},
    ),
    "Optimizer.load_state_dict": (
        method(dlbasics.Adam, "load_state_dict"),
        {"state": dlbasics.Adam().state_dict()},
    ),
    "clip_by_norm": (dlbasics.clip_by_norm, {"grads": PARAMS, "max_norm": 1.0}),
    **{name: (getattr(dlbasics, name), {"weight_decay_lambda": 0.1}) for name in PENALTIES},
    **{
        f"{name}.{pass_}": (method(partial(getattr(dlbasics, name), 0.1), pass_), {"W": W})
        for name in PENALTIES
        for pass_ in ("penalty", "gradient")
    },
    **{name: (getattr(dlbasics, name), values) for name, values in SCHEDULES.items()},
    **{
        f"{name}()": (getattr(dlbasics, name)(**values), {"epoch": 1.0, "epochs": 3.0})
        for name, values in SCHEDULES.items()
    },
    "WeightAverage": (dlbasics.WeightAverage, {"network": net(), "decay": 0.9}),
    "Network": (
        dlbasics.Network,
        {"layers": [dlbasics.Affine(W, None)], "last_layer": None, "regularizer": None, "rng": 0},
    ),
    "Network.predict": (method(net, "predict"), {"x": X}),
    "Network.predict_proba": (method(net, "predict_proba"), {"x": X}),
    "Network.loss": (method(net, "loss"), {"x": X, "t": T}),
    "Network.accuracy": (method(net, "accuracy"), {"x": X, "t": T, "batch_size": 2}),
    "Network.gradient": (method(net, "gradient"), {"x": X, "t": T}),
    "Network.numerical_gradient": (
        method(net, "numerical_gradient"),
        {"x": X, "t": T, "h": 1e-4},
    ),
    "Network.save_params": (method(net, "save_params"), {"path": PATH}),
    "Network.astype": (method(net, "astype"), {"dtype": np.float32}),
    "Network.summary": (
        method(lambda: dlbasics.Network([dlbasics.Relu()]), "summary"),
        {"input_shape": (5,)},
    ),
    "Network.params": (assign(net, "params"), {"params": dict(net().params)}),
    "Network.last_layer": (assign(net, "last_layer"), {"last_layer": None}),
    "TwoLayerNet": (
        dlbasics.TwoLayerNet,
        {"input_size": 5, "hidden_size": 4, "output_size": 2, "weight_init_std": 0.01, **MADE},
    ),
    "MultiLayerNet": (
        dlbasics.MultiLayerNet,
        {
            "input_size": 5, "hidden_size_list": [4], "output_size": 2, "activation": "relu",
            "weight_init_std": "relu", "weight_decay_lambda": 0.1, "use_dropout": True,
            "dropout_ration": 0.5, "use_batchnorm": True, "dropout_ratio": 0.5, **MADE,
        },
    ),
    "SimpleConvNet": (
        dlbasics.SimpleConvNet,
        {"conv_param": {"filter_size": 3}, "hidden_size": 4, "weight_init_std": 0.01, **IMAGE},
    ),
    "DeepConvNet": (
        dlbasics.DeepConvNet,
        {
            **{f"conv_param_{i}": {"filter_num": 2} for i in range(1, 7)},
            "hidden_size": 4,
            **IMAGE,
            "input_dim": (1, 28, 28),
        },
    ),
    "LeNet": (dlbasics.LeNet, {**IMAGE, "input_dim": (1, 28, 28), "modern": True}),
    "ResNet": (dlbasics.ResNet, {"filter_nums": (2, 3), "blocks": 1, "skips": True, **IMAGE}),
    "AlexNet": (
        dlbasics.AlexNet,
        {**IMAGE, "input_dim": (1, 28, 28), "normalize": True, "dropout_ratio": 0.5},
    ),
    "VGG": (
        dlbasics.VGG,
        {"convolutions": (1, 2), "filter_nums": (2, 3), "hidden_size": 4, **IMAGE},
    ),
    "GoogLeNet": (dlbasics.GoogLeNet, {"reduce": True, **IMAGE}),
    "inception_block": (
        imagenets.inception_block,
        {"channels": 2, "filter_nums": (1, 2, 3, 4, 5, 6), "reduce": True, **MADE},
    ),
    "residual_block": (convnets.residual_block, {"channels": 2, "skips": True, **MADE}),
    "Trainer": (
        dlbasics.Trainer,
        {
            "network": net(), "x_train": X, "t_train": T, "x_test": X, "t_test": T, "epochs": 1,
            "mini_batch_size": 2, "optimizer": "SGD", "optimizer_param": {"lr": 0.1},
            "evaluate_sample_num_per_epoch": 2, "verbose": False, "sampling": "epoch",
            "augment": None, "schedule": None, "max_norm": 1.0, "patience": 1, "callbacks": (),
            "checkpoints": None, "checkpoint_every": None, "keep": 2, "rng": 0, "metrics": None,
            "monitor": "accuracy",
        },
    ),
    "confusion_matrix": (dlbasics.confusion_matrix, {"t": T, "y": T, "num_classes": 2}),
    "worst_errors": (dlbasics.worst_errors, {"t": T, "y": ROWS}),
    "plotting.gallery": (
        plotting.gallery,
        {"images": IMAGES, "titles": ["a", "b", "c"], "columns": 2},
    ),
    "plotting.confusion_matrix": (
        plotting.confusion_matrix,
        {"matrix": np.eye(2), "names": ["a", "b"]},
    ),
    "WorstErrors.plot": (
        method(lambda: dlbasics.worst_errors(T[:3], ROWS[:3]), "plot"),
        {"x": IMAGES, "most": 2, "columns": 2, "names": ["a", "b"]},
    ),
    "one_hot": (dlbasics.one_hot, {"t": T, "num_classes": 2}),
    "label_smoothing": (dlbasics.label_smoothing, {"t": T, "num_classes": 2, "epsilon": 0.1}),
    "smooth_curve": (dlbasics.smooth_curve, {"x": np.ones(20)}),
    "shuffle_dataset": (dlbasics.shuffle_dataset, {"x": X, "t": T, "rng": 0}),
    "train_validation_split": (
        dlbasics.train_validation_split,
        {"x": X, "t": T, "validation_rate": 0.5, "rng": 0},
    ),
    "minibatches": (
        dlbasics.minibatches,
        {"x": X, "t": T, "batch_size": 2, "sampling": "epoch", "rng": 0},
    ),
    **{
        name: (getattr(augmentation, name), {"x": IMAGES, "rng": 0, **amounts})
        for name, amounts in AMOUNTS.items()
    },
    "subplots": (plotting.subplots, {"rows": 1, "columns": 1, "width": 6.0, "height": 4.0}),
    "curves": (
        partial(plotting.curves, xlabel="x", ylabel="y"),
        {"series": {"a": [1, 2]}, "markers": False, "accuracy": False},
    ),
    "bars": (partial(plotting.bars, xlabel="x"), {"numbers": {"a": 1.0}}),
    "log_axis": (plotting.log_axis, {"axis": plotting.subplots()[1].yaxis}),
    "accuracy_axis": (plotting.accuracy_axis, {"axes": plotting.subplots()[1], "low": 0.5}),
    "load_folder": (
        loading(partial(datasets.load_folder, "pictures"), write_pictures),
        {
            "size": (4, 4), "color": True, "crop": True, "test_rate": 0.0, "normalize": True,
            "flatten": True, "one_hot_label": False, "rng": 0,
        },
    ),
    "load_idx": (
        loading(partial(datasets.load_idx, "images", "labels"), write_others),
        {"transpose": True, "normalize": True, "flatten": True, "one_hot_label": False},
    ),
    "load_cifar10": (
        loading(partial(datasets.load_cifar10, "."), write_others),
        {"normalize": True, "flatten": True, "one_hot_label": False},
    ),
    "load_csv": (
        loading(partial(datasets.load_csv, "table.csv"), write_others),
        {
            "size": (2, 2), "label": 0, "names": ["0", "1"], "normalize": True, "flatten": True,
            "one_hot_label": False,
        },
    ),
    "normalize_digit": (partial(datasets.normalize_digit, np.eye(9)), {"flatten": True}),
    "save_arrays": (dlbasics.save_arrays, {"path": PATH, "arrays": PARAMS}),
}  # fmt: skip

UNLISTED = {
    "AddLayer": "takes whatever can be added",
    "MulLayer": "takes whatever can be multiplied",
    "BatchNormalization": "is BatchNorm",
    "MultiLayerNetExtend": "is MultiLayerNet",
    "Layer": "is a base class",
    "LossLayer": "is a base class",
    "Optimizer": "is a base class",
    "Schedule": "is a type",
    "History": "is a result",
    "SearchResult": "is a result",
    "Trial": "is a result",
    "WorstErrors": "is a result",
    "plain": "has no arguments",
    "ranks": "has no arguments",
    "DistributedTrainer": "takes Trainer's arguments: see tests/test_distributed.py",
    "np": "is NumPy",
    "load_arrays": "reads a file: see tests/test_storage.py",
    "Choice": "see tests/test_search.py",
    "LogUniform": "see tests/test_search.py",
    "Uniform": "see tests/test_search.py",
    "random_search": "see tests/test_search.py",
}
"""Public names that the table leaves out, and why."""


def test_every_public_name_is_in_the_table():
    names = {*dlbasics.__all__} - UNLISTED.keys()
    listed = {name.partition(".")[0].partition("(")[0] for name in CALLS}
    assert names - listed == set()
    assert {*all_layers.__all__} - listed - UNLISTED.keys() == set()


@pytest.mark.parametrize("name", CALLS)
def test_an_error_names_the_argument(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # "x" is a file or a folder
    function, arguments = CALLS[name]
    function(**arguments)
    unclear = []
    for argument in arguments:
        for wrong in WRONG:
            try:
                function(**{**arguments, argument: wrong})
            except (TypeError, ValueError) as error:
                if argument not in str(error):
                    unclear.append(f"{argument}={wrong!r}: {error}")
    assert unclear == []
