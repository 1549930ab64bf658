"""Networks as estimators of scikit-learn, for Pipeline, GridSearchCV and cross_val_score.

This module needs scikit-learn 1.6 or later: `python -m pip install "dlbasics[sklearn]"`.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_count, as_counts, as_number
from dlbasics._internal.trainer_arguments import as_optimizer
from dlbasics.data import minibatches
from dlbasics.layers.losses import IdentityWithLoss
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "dlbasics.sklearn needs scikit-learn 1.6 or later: "
        'python -m pip install "dlbasics[sklearn]"'
    ) from error

__all__ = ["NetworkClassifier", "NetworkRegressor"]


class _NetworkEstimator(BaseEstimator):
    """What both estimators share: their arguments, and the training loop."""

    def __init__(
        self,
        hidden_size_list: Sequence[int] = (100,),
        activation: str | Callable[[], Any] = "relu",
        *,
        network: Callable[[int, int, np.random.Generator], Network] | None = None,
        optimizer: Any = "Adam",
        lr: float = 0.001,
        weight_decay_lambda: float = 0.0,
        mini_batch_size: int = 32,
        epochs: int = 100,
        random_state: Any = None,
    ) -> None:
        # scikit-learn asks that the arguments are stored as they are, and checked in `fit`.
        self.hidden_size_list = hidden_size_list
        self.activation = activation
        self.network = network
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay_lambda = weight_decay_lambda
        self.mini_batch_size = mini_batch_size
        self.epochs = epochs
        self.random_state = random_state

    def _train(self, x: Array, t: Array, outputs: int) -> None:
        """Make a network with that many outputs, and train it."""
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        epochs = as_count(self.epochs, "epochs")
        size = as_count(self.mini_batch_size, "mini_batch_size")
        optimizer = self._make_optimizer()
        network = self._make_network(x.shape[1], outputs, rng)
        x = _as_input(x, network)
        if (found := network.predict(x[:1]).shape) != (1, outputs):
            raise ValueError(
                f"network(inputs, outputs, rng) must return a network with {outputs} outputs, got "
                f"scores of shape {found} for one sample"
            )
        loss_curve: list[float] = []
        for epoch in range(1, epochs + 1):
            losses: list[Any] = []
            for batch in minibatches(x, t, size, rng=rng):
                optimizer.update(network.params, network.gradient(*batch))
                losses.append(network.last_loss)
            loss_curve.append(float(np.mean(losses)))
            if not np.isfinite(loss_curve[-1]):
                raise FloatingPointError(
                    f"epoch {epoch}: the loss is {loss_curve[-1]}. A smaller lr or scaled columns, "
                    "for example with StandardScaler in a Pipeline, usually help"
                )
        self.network_, self.loss_curve_ = network, loss_curve

    def _make_optimizer(self) -> Any:
        if isinstance(self.optimizer, str):
            return as_optimizer(self.optimizer, {"lr": as_number(self.lr, "lr", low=0)})
        return copy.deepcopy(as_optimizer(self.optimizer, None))  # `fit` leaves the argument alone

    def _make_network(self, inputs: int, outputs: int, rng: np.random.Generator) -> Network:
        if self.network is None:
            sizes = as_counts(self.hidden_size_list, "hidden_size_list")
            decay = as_number(self.weight_decay_lambda, "weight_decay_lambda", low=0)
            return MultiLayerNet(
                inputs,
                sizes,
                outputs,
                self.activation,
                weight_decay_lambda=decay,
                rng=rng,
                dtype=np.float64,  # so that one sample and a batch give the same, as they must
            )
        if not callable(self.network):
            raise TypeError(
                "network must be a function f(inputs, outputs, rng) that returns a Network, or "
                f"None, got {self.network!r}"
            )
        network = self.network(inputs, outputs, rng)
        if not isinstance(network, Network):
            raise TypeError(f"network(inputs, outputs, rng) must return a Network, got {network!r}")
        return network

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.network_.predict(_as_input(X, self.network_))


def _as_input(X: Array, network: Network) -> Array:
    """Return X in the dtype of the network's parameters."""
    dtype = next((param.dtype for param in network.params.values()), np.dtype(np.float64))
    with np.errstate(over="ignore"):
        x = X.astype(dtype)
    if not np.isfinite(x).all():
        largest = np.abs(X).max()
        raise ValueError(f"X must hold numbers that fit in {dtype}, got {largest:g}: scale it")
    return x


class NetworkClassifier(ClassifierMixin, _NetworkEstimator):
    """A network that learns classes, as an estimator of scikit-learn.

    `fit(X, y)` makes a new network and trains it.  Each epoch takes each sample once, in random
    order.  Scale the columns of X first, for example with StandardScaler in a Pipeline.

    X: (N, D), numbers;  y: (N,), two or more classes: numbers or strings.

    Args:
        hidden_size_list: The number of units in each hidden layer.
        activation: The activation of the hidden layers, as in `MultiLayerNet`.
        network: A function f(inputs, outputs, rng) that returns the network; inputs is D, outputs
            the number of classes.  None stands for a `MultiLayerNet` with the arguments
            hidden_size_list, activation and weight_decay_lambda.  For images, let the network begin
            with `Reshape`.
        optimizer: The name of an optimizer, or an optimizer.  `fit` trains with a copy of it.
        lr: The learning rate, if `optimizer` is a name.
        weight_decay_lambda: The strength of the L2 penalty on the weights.
        mini_batch_size: The number of samples in a batch.
        epochs: The number of epochs.
        random_state: The seed of weights and batches: a number, a NumPy RandomState, or None.

    Attributes:
        classes_: The classes, (K,), in the order of the columns of `predict_proba`.
        network_: The trained network.
        loss_curve_: The mean loss of each epoch.
        n_features_in_: The number D of columns.

    Raises:
        ValueError, TypeError: In `fit`, if an argument is not as above.
        FloatingPointError: In `fit`, if the loss becomes NaN or infinite.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> X, y = load_iris(return_X_y=True)
        >>> pipeline = make_pipeline(StandardScaler(), NetworkClassifier(lr=0.01, random_state=0))
        >>> bool(pipeline.fit(X, y).score(X, y) > 0.95)
        True
    """

    def fit(self, X: Any, y: Any) -> "NetworkClassifier":
        """Train a new network.

        Args:
            X: The samples, (N, D).
            y: Their classes, (N,).

        Returns:
            The estimator itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, t = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold two or more classes, got one class, {self.classes_[0]}")
        self._train(X, t, len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class for the samples X (N, D): (N, K)."""
        scores = self._scores(X)
        return self.network_.last_layer.probabilities(scores)

    def predict(self, X: Any) -> Array:
        """Return the most probable class for each of the samples X (N, D)."""
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1)]


class NetworkRegressor(RegressorMixin, _NetworkEstimator):
    """A network that learns numbers, as an estimator of scikit-learn.

    The loss is half the mean squared error, `IdentityWithLoss`.  Scale the columns of X and y
    first, for example with StandardScaler and TransformedTargetRegressor.

    X: (N, D), numbers;  y: (N,) or (N, K), numbers.

    The arguments are those of `NetworkClassifier`; a function `network` returns a network whose
    last layer is `IdentityWithLoss`.

    Attributes:
        network_: The trained network.
        loss_curve_: The mean loss of each epoch.
        n_features_in_: The number D of columns.

    Raises:
        ValueError, TypeError: In `fit`, if an argument is not as above.
        FloatingPointError: In `fit`, if the loss becomes NaN or infinite.
    """

    def fit(self, X: Any, y: Any) -> "NetworkRegressor":
        """Train a new network.

        Args:
            X: The samples, (N, D).
            y: The numbers to learn, (N,) or (N, K).

        Returns:
            The estimator itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        t = np.asarray(y, dtype=np.float64)
        self._y_shape = t.shape[1:]
        t = t.reshape(len(t), -1)
        self._train(X, t, t.shape[1])
        return self

    def predict(self, X: Any) -> Array:
        """Return the numbers for the samples X (N, D), in the form of y in `fit`."""
        y = self._scores(X).astype(np.float64)  # as all regressors of scikit-learn do
        return y.reshape(len(y), *self._y_shape)

    def _make_network(self, inputs: int, outputs: int, rng: np.random.Generator) -> Network:
        network = super()._make_network(inputs, outputs, rng)
        if self.network is None:
            network.last_layer = IdentityWithLoss()
        elif not isinstance(network.last_layer, IdentityWithLoss):
            raise ValueError(
                "network(inputs, outputs, rng) must return a network whose last layer is "
                f"IdentityWithLoss, got {type(network.last_layer).__name__}"
            )
        return network

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
