# ruff: noqa: E402
"""The estimators do what scikit-learn asks of estimators, and work in its tools."""

import doctest
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

from dlbasics import Affine, IdentityWithLoss, Momentum, Network, Relu
from tests.helpers import ROOT

pytestmark = [pytest.mark.extra, pytest.mark.filterwarnings("default::UserWarning")]

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import dlbasics.sklearn
from dlbasics.sklearn import NetworkClassifier, NetworkRegressor

IRIS = load_iris(return_X_y=True)
SHORT = {"epochs": 5, "random_state": 0}


@parametrize_with_checks([NetworkClassifier(), NetworkRegressor()])
def test_estimators_keep_what_scikit_learn_asks(estimator, check):
    check(estimator)


def test_the_docstring_is_right():
    assert doctest.testmod(dlbasics.sklearn) == (0, 6)


def test_a_pipeline_is_cross_validated():
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(lr=0.01, random_state=0))
    assert cross_val_score(pipeline, *IRIS, cv=3).min() > 0.9


def test_a_grid_search_takes_our_arguments_through_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(epochs=30, random_state=0))
    grid = {
        "networkclassifier__lr": [1e-6, 0.01],
        "networkclassifier__activation": ["relu", "tanh"],
        "networkclassifier__hidden_size_list": [(20,), (10, 10)],
        "networkclassifier__optimizer": ["Adam", "SGD"],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(*IRIS)
    assert search.best_params_["networkclassifier__lr"] == 0.01
    assert search.best_score_ > 0.9


def test_a_regression_explains_diabetes_about_as_well_as_least_squares():
    regressor = NetworkRegressor((10,), weight_decay_lambda=0.01, random_state=0)
    model = make_pipeline(
        StandardScaler(), TransformedTargetRegressor(regressor, transformer=StandardScaler())
    )
    assert cross_val_score(model, *load_diabetes(return_X_y=True), cv=3).mean() > 0.4


@pytest.mark.parametrize("columns", [None, 1, 2])
def test_predicted_numbers_have_the_form_of_y(columns):
    X = np.random.default_rng(0).standard_normal((50, 3))
    y = X[:, 0] if columns is None else X[:, :columns]
    assert NetworkRegressor(**SHORT).fit(X, y).predict(X[:7]).shape == y[:7].shape


def test_the_random_state_decides_and_none_draws_anew():
    one, same, other = (
        NetworkClassifier(epochs=2, random_state=seed).fit(*IRIS) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.predict_proba(IRIS[0]), same.predict_proba(IRIS[0]))
    assert one.loss_curve_ != other.loss_curve_


def test_the_loss_falls_and_probabilities_are_those_of_the_network():
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"])
    classifier = NetworkClassifier(random_state=0).fit(X, names[y])
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0] / 3
    assert classifier.classes_.tolist() == names.tolist()
    proba = classifier.predict_proba(X)
    np.testing.assert_allclose(proba, classifier.network_.predict_proba(X))
    assert (classifier.predict(X) == names[proba.argmax(axis=1)]).all()
    again = pickle.loads(pickle.dumps(classifier))  # noqa: S301
    assert (again.predict(X) == classifier.predict(X)).all()


def test_an_optimizer_is_copied_so_that_each_training_begins_anew():
    optimizer = Momentum(lr=0.05)
    classifier = NetworkClassifier(optimizer=optimizer, **SHORT)
    losses = [clone(classifier).fit(*IRIS).loss_curve_ for _ in range(2)]
    assert losses[0] == losses[1] == classifier.fit(*IRIS).fit(*IRIS).loss_curve_
    assert optimizer.state_dict() == Momentum(lr=0.05).state_dict()


def affine(inputs, outputs, rng):
    return Network([Affine.create(inputs, outputs, rng=rng)], IdentityWithLoss())


def test_weight_decay_makes_weights_small():
    settings = {"optimizer": "SGD", "lr": 0.01, "random_state": 0}
    sizes = [
        abs(
            NetworkClassifier(weight_decay_lambda=decay, **settings)
            .fit(*IRIS)
            .network_.params["W1"]
        )
        for decay in (0, 1)
    ]
    assert sizes[1].sum() < sizes[0].sum() / 2


@pytest.mark.parametrize(
    ("estimator", "arguments", "message"),
    [
        (NetworkClassifier, {"epochs": 0}, "epochs"),
        (NetworkClassifier, {"mini_batch_size": 2.5}, "mini_batch_size"),
        (NetworkClassifier, {"lr": "fast"}, "lr"),
        (NetworkClassifier, {"lr": -1}, "lr"),
        (NetworkClassifier, {"optimizer": "Adem"}, "optimizer"),
        (NetworkClassifier, {"optimizer": 3}, "optimizer"),
        (NetworkClassifier, {"activation": "rellu"}, "activation"),
        (NetworkClassifier, {"hidden_size_list": 50}, "hidden_size_list"),
        (NetworkClassifier, {"weight_decay_lambda": -1}, "weight_decay_lambda"),
        (NetworkClassifier, {"network": "TwoLayerNet"}, "network must be a function"),
        (NetworkClassifier, {"network": lambda *_: Relu()}, "must return a Network"),
        (NetworkClassifier, {"network": lambda i, o, r: affine(i, 4, r)}, "with 3 outputs"),
        (NetworkRegressor, {"network": lambda i, o, r: affine(i, 2, r)}, "with 1 outputs"),
        (NetworkRegressor, {"network": lambda i, o, r: Network([Relu()])}, "IdentityWithLoss"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(estimator, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        estimator(**arguments).fit(*IRIS)


def test_a_training_that_diverges_ends_with_an_error():
    X, y = IRIS
    with pytest.raises(FloatingPointError, match=r"the loss is (nan|inf)\. A smaller lr"):
        NetworkRegressor((), optimizer="SGD", lr=1.0, **SHORT).fit(X * 1e9, y)


def test_numbers_too_large_for_a_network_in_float32_are_named():
    estimator = NetworkClassifier(network=lambda i, o, r: affine(i, o, r).astype(np.float32))
    with pytest.raises(ValueError, match="X must hold numbers that fit in float32"):
        estimator.fit(IRIS[0] * 1e300, IRIS[1])


def test_a_network_of_ones_own_learns_numbers():
    X = np.random.default_rng(0).standard_normal((100, 2))
    regressor = NetworkRegressor(network=affine, lr=0.05, random_state=0).fit(X, X @ [1.0, 2.0])
    assert regressor.score(X, X @ [1.0, 2.0]) > 0.99


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="two or more classes"):
        NetworkClassifier().fit(IRIS[0], np.zeros(150))


def test_the_page_runs_as_it_is_pasted(capsys):
    page = (ROOT / "docs/scikit_learn.md").read_text(encoding="utf-8")
    exec("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), {})
    iris, best, digits, diabetes = capsys.readouterr().out.splitlines()
    assert float(iris.removeprefix("accuracy ")) > 0.9
    assert "networkclassifier__lr" in best
    assert float(digits.removeprefix("accuracy ")) > 0.9
    assert float(diabetes.removeprefix("R2 ")) > 0.4


@pytest.mark.long
def test_without_scikit_learn_a_sentence_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None; import dlbasics.sklearn"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert 'python -m pip install "dlbasics[sklearn]"' in done.stderr
