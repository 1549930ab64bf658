"""What importing costs, and where names are found."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

import dlbasics
from dlbasics import functions, layers

FILE = Path(dlbasics.__file__)
STUB = FILE.with_suffix(".pyi")


DIGITS, MNIST = "dlbasics.datasets.digits", "dlbasics.datasets.mnist"
IMAGES = "dlbasics.datasets.images"
LAYERS = "dlbasics.layers dlbasics.network dlbasics.trainer dlbasics.search"


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "loaded", "not_loaded"),
    [
        ("import dlbasics", "", f"numpy matplotlib pooch tqdm threadpoolctl {LAYERS}"),
        ("import dlbasics; dlbasics.SGD", "dlbasics.optimizers", f"matplotlib {LAYERS}"),
        (
            "from dlbasics import *; import dlbasics.experiment, dlbasics.typing; "
            f"import {MNIST}, {DIGITS}, ch05_backprop.train_neuralnet",
            f"dlbasics.networks {LAYERS}",
            "matplotlib pooch tqdm",
        ),
        ("import dlbasics; dlbasics.plotting.curves", "matplotlib", ""),
        (
            "from dlbasics.typing import *; Array, Initializer, PathLike, Schedule",
            "",
            f"matplotlib {LAYERS}",
        ),
        ("from dlbasics.datasets import load_mnist", MNIST, DIGITS),
        ("from dlbasics.datasets import load_digits", DIGITS, MNIST),
        ("from dlbasics.datasets import load_folder, normalize_digit", IMAGES, f"{MNIST} PIL"),
        (f"import dlbasics; assert {MNIST}.__name__ == '{MNIST}'", MNIST, DIGITS),
        (f"import dlbasics; assert {DIGITS}.__name__ == '{DIGITS}'", DIGITS, MNIST),
    ],
)
def test_an_import_loads_what_it_needs_and_no_more(code, loaded, not_loaded):
    """Modules are attributes of their package that load when they are used, as names do."""
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    modules = set(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    )
    assert set(loaded.split()) <= modules
    assert not set(not_loaded.split()) & modules


def test_datasets_offers_the_loaders_and_its_modules_stay_modules():
    from dlbasics.datasets import digits, load_digits, load_mnist, mnist

    assert (load_digits, load_mnist) == (digits.load_digits, mnist.load_mnist)
    assert (dlbasics.datasets.digits, dlbasics.datasets.mnist) == (digits, mnist)


def test_dir_lists_the_public_names_and_hands_out_no_list_of_ours():
    assert dir(dlbasics) == sorted(dlbasics.__all__)
    dlbasics.__dir__().clear()
    assert "Affine" in dir(dlbasics)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Afine"):
        _ = dlbasics.Afine
    with pytest.raises(ImportError, match="Afine"):
        from dlbasics import Afine  # noqa: F401


BOOK = """
step_function sigmoid sigmoid_grad relu relu_grad identity_function softmax sum_squared_error
cross_entropy_error softmax_loss numerical_diff numerical_gradient gradient_descent smooth_curve
shuffle_dataset MulLayer AddLayer Affine Relu Sigmoid Dropout BatchNormalization SoftmaxWithLoss SGD
Momentum Nesterov AdaGrad RMSprop Adam TwoLayerNet MultiLayerNet MultiLayerNetExtend Trainer
im2col col2im conv_output_size Convolution Pooling SimpleConvNet DeepConvNet
"""


OURS = """
AdamW AveragePooling BatchNorm Choice CosineDecay ExponentialDecay GlobalAveragePooling History
Identity IdentityWithLoss L1 L2 Layer LeNet LeakyRelu LogUniform LossLayer Network Optimizer ResNet
Residual Schedule SearchResult SigmoidWithLoss StepDecay Tanh Trial Uniform Warmup WeightAverage
check_gradients clip_by_norm fans glorot he initializer label_smoothing load_arrays log_softmax
minibatches normal np one_hot random_search save_arrays train_validation_split xavier zeros
"""


def test_no_name_of_the_book_or_of_version_0_1_is_lost():
    assert set((BOOK + OURS).split()) <= set(dlbasics.__all__)


@pytest.mark.parametrize(
    "module", ["functions", "gradient", "columns", "layers", "optimizers", "networks"]
)
def test_star_imports_supply_np(module):
    namespace = {}
    exec(f"from dlbasics.{module} import *", namespace)
    assert namespace["np"].pi > 3


def test_layers_supply_the_functions_as_the_books_file_does():
    assert set(functions.__all__) - {"log_softmax"} <= set(layers.__all__)


def test_star_import_of_everything_brings_the_names_and_no_modules():
    names = {}
    exec("from dlbasics import *", names)
    assert names.keys() - {"__builtins__"} == set(dlbasics.__all__)
    assert {name for name, value in names.items() if isinstance(value, ModuleType)} == {"np"}


# ---- The stub is the one source ----


def stub():
    """The names that the stub takes from each module; those from "." are the modules."""
    tree = ast.parse(STUB.read_text(encoding="ascii"))  # lazy_loader names no encoding
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    for alias in (alias for node in imports for alias in node.names):
        assert alias.asname == alias.name, "type checkers export a name only as itself"
    return {node.module or ".": {alias.name for alias in node.names} for node in imports}


WITHOUT_NAMES = {
    "imagenets",
    "augmentation",
    "convnets",
    "datasets",
    "exercises",
    "experiment",
    "gradient_check",
    "pad",
    "sklearn",
    "torch_weights",
}
WITHOUT_NAMES |= {"plotting", "typing"}
"""The modules whose names are not at the top, or are there through another module."""


def test_the_stub_has_every_module():
    modules = {module.name for module in iter_modules(dlbasics.__path__)}
    modules -= {"_internal", "__main__", "reproduce"}  # the last two are programs
    assert stub().pop(".") == modules
    named = {module for module in stub() if not module.startswith((".", "_internal"))}
    assert named == modules - WITHOUT_NAMES


def test_the_stub_has_every_name_of_its_modules():
    names = stub()
    names.pop(".")
    at_the_top = set().union(*names.values())
    assert at_the_top == set(dlbasics.__all__)
    for module, taken in names.items():
        loaded = import_module(f"dlbasics.{module}")
        assert {
            name for name in taken if getattr(dlbasics, name) is not getattr(loaded, name)
        } == set()
        if not module.startswith("_internal"):
            assert taken <= set(loaded.__all__) <= at_the_top, module


def test_the_package_has_what_type_checkers_look_for():
    assert STUB.is_file()
    assert FILE.with_name("py.typed").is_file()
    assert FILE.with_name("datasets").joinpath("__init__.pyi").is_file()
