"""The layers.  Like the book's file, this module also supplies `np` and the functions."""

from dlbasics.functions import (
    cross_entropy_error,
    identity_function,
    np,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_loss,
    step_function,
    sum_squared_error,
)
from dlbasics.layers.activations import Elu, Identity, LeakyRelu, Relu, Sigmoid, Tanh
from dlbasics.layers.affine import Affine
from dlbasics.layers.base import Layer
from dlbasics.layers.batch_norm import BatchNorm, BatchNormalization
from dlbasics.layers.concatenate import Concatenate
from dlbasics.layers.convolution import Convolution
from dlbasics.layers.dropout import Dropout
from dlbasics.layers.local_response_norm import LocalResponseNorm
from dlbasics.layers.losses import IdentityWithLoss, LossLayer, SigmoidWithLoss, SoftmaxWithLoss
from dlbasics.layers.naive import AddLayer, MulLayer
from dlbasics.layers.pooling import AveragePooling, GlobalAveragePooling, Pooling
from dlbasics.layers.reshape import Flatten, Reshape
from dlbasics.layers.residual import Residual

__all__ = [
    "AddLayer", "Affine", "AveragePooling", "BatchNorm", "BatchNormalization", "Concatenate",
    "Convolution", "Dropout", "Elu", "Flatten", "GlobalAveragePooling", "Identity",
    "IdentityWithLoss", "Layer", "LeakyRelu", "LocalResponseNorm", "LossLayer", "MulLayer",
    "Pooling", "Relu", "Reshape", "Residual", "Sigmoid", "SigmoidWithLoss", "SoftmaxWithLoss",
    "Tanh", "cross_entropy_error", "identity_function", "np", "relu", "relu_grad", "sigmoid",
    "sigmoid_grad", "softmax", "softmax_loss", "step_function", "sum_squared_error",
]  # fmt: skip
