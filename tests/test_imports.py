"""What importing costs, and where names are found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dlbasics
from dlbasics import functions, layers


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_import_dlbasics_imports_nothing_heavy():
    loaded = modules_after("import dlbasics")
    assert not loaded & {"numpy", "matplotlib", "pooch", "tqdm", "threadpoolctl"}


def test_no_module_but_plotting_imports_matplotlib_and_none_pooch():
    loaded = modules_after(
        "import dlbasics; dir(dlbasics); import dlbasics.experiment, dlbasics.datasets.mnist; "
        "import ch05_backprop.train_neuralnet"
    )
    assert "dlbasics.networks" in loaded
    assert not loaded & {"matplotlib", "pooch", "tqdm"}


def test_every_name_is_found_at_the_top():
    for name in dir(dlbasics):
        assert getattr(dlbasics, name) is not None
    assert dlbasics.Affine is layers.Affine
    assert dlbasics.layers is layers


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Afine'"):
        _ = dlbasics.Afine


BOOK = """
step_function sigmoid sigmoid_grad relu relu_grad identity_function softmax sum_squared_error
cross_entropy_error softmax_loss numerical_diff numerical_gradient gradient_descent smooth_curve
shuffle_dataset MulLayer AddLayer Affine Relu Sigmoid Dropout BatchNormalization SoftmaxWithLoss SGD
Momentum Nesterov AdaGrad RMSprop Adam TwoLayerNet MultiLayerNet MultiLayerNetExtend Trainer
im2col col2im conv_output_size Convolution Pooling SimpleConvNet DeepConvNet
"""


@pytest.mark.parametrize("name", BOOK.split())
def test_the_books_names_exist(name):
    assert callable(getattr(dlbasics, name))


@pytest.mark.parametrize(
    "module", ["functions", "gradient", "columns", "layers", "optimizers", "networks"]
)
def test_star_imports_supply_np(module):
    namespace = {}
    exec(f"from dlbasics.{module} import *", namespace)
    assert namespace["np"].pi > 3


def test_layers_supply_the_functions_as_the_books_file_does():
    assert set(functions.__all__) - {"log_softmax"} <= set(layers.__all__)


def test_the_stub_has_every_name():
    stub = Path(dlbasics.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    listed = set(re.findall(r"^    (\w+) as \1,$|^from .* import (\w+) as \2$", stub, re.MULTILINE))
    names = {name for pair in listed for name in pair if name}
    assert names == set(dir(dlbasics))


def test_star_import_of_everything():
    namespace = {}
    exec("from dlbasics import *", namespace)
    assert {"np", "Affine", "he", "load_arrays", "check_gradients"} <= set(namespace)


def test_submodules_are_attributes():
    loaded = modules_after("import dlbasics; dlbasics.initializers.he; dlbasics.plotting.curves")
    assert "matplotlib" in loaded
