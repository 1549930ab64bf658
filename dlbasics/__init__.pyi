"""The public names of dlbasics.  No other file lists them.

Python reads this file when it imports dlbasics; type checkers and editors read it too.  To make a
name public, add it to `__all__` of its module and to that module's lines here.
"""

# The modules, so that `dlbasics.layers` needs no import of its own.  A star import leaves them out.
from . import (
    functions as functions,
    gradient as gradient,
    gradient_check as gradient_check,
    initializers as initializers,
    columns as columns,
    layers as layers,
    optimizers as optimizers,
    regularizers as regularizers,
    schedules as schedules,
    averaging as averaging,
    network as network,
    networks as networks,
    convnets as convnets,
    imagenets as imagenets,
    trainer as trainer,
    distributed as distributed,
    history as history,
    search as search,
    metrics as metrics,
    data as data,
    augmentation as augmentation,
    plotting as plotting,
    storage as storage,
    torch_weights as torch_weights,
    datasets as datasets,
    experiment as experiment,
    exercises as exercises,
    pad as pad,
    sklearn as sklearn,
    typing as typing,
)

# The names.
from .functions import (
    cross_entropy_error as cross_entropy_error,
    identity_function as identity_function,
    log_softmax as log_softmax,
    np as np,
    relu as relu,
    relu_grad as relu_grad,
    sigmoid as sigmoid,
    sigmoid_grad as sigmoid_grad,
    softmax as softmax,
    softmax_loss as softmax_loss,
    step_function as step_function,
    sum_squared_error as sum_squared_error,
)
from .gradient import (
    check_gradients as check_gradients,
    gradient_descent as gradient_descent,
    numerical_diff as numerical_diff,
    numerical_gradient as numerical_gradient,
)
from .initializers import (
    fans as fans,
    glorot as glorot,
    he as he,
    initializer as initializer,
    normal as normal,
    xavier as xavier,
    zeros as zeros,
)
from .columns import col2im as col2im, conv_output_size as conv_output_size, im2col as im2col
from .layers import (
    AddLayer as AddLayer,
    Affine as Affine,
    AveragePooling as AveragePooling,
    BatchNorm as BatchNorm,
    BatchNormalization as BatchNormalization,
    Concatenate as Concatenate,
    Convolution as Convolution,
    Dropout as Dropout,
    Elu as Elu,
    Flatten as Flatten,
    GlobalAveragePooling as GlobalAveragePooling,
    Identity as Identity,
    IdentityWithLoss as IdentityWithLoss,
    Layer as Layer,
    LeakyRelu as LeakyRelu,
    LocalResponseNorm as LocalResponseNorm,
    LossLayer as LossLayer,
    MulLayer as MulLayer,
    Pooling as Pooling,
    Relu as Relu,
    Reshape as Reshape,
    Residual as Residual,
    Sigmoid as Sigmoid,
    SigmoidWithLoss as SigmoidWithLoss,
    SoftmaxWithLoss as SoftmaxWithLoss,
    Tanh as Tanh,
)
from .optimizers import (
    SGD as SGD,
    AdaGrad as AdaGrad,
    Adam as Adam,
    AdamW as AdamW,
    Momentum as Momentum,
    Nesterov as Nesterov,
    Optimizer as Optimizer,
    RMSprop as RMSprop,
    clip_by_norm as clip_by_norm,
)
from .regularizers import L1 as L1, L2 as L2, LInf as LInf
from .schedules import (
    CosineDecay as CosineDecay,
    ExponentialDecay as ExponentialDecay,
    Schedule as Schedule,
    StepDecay as StepDecay,
    Warmup as Warmup,
)
from .averaging import WeightAverage as WeightAverage
from .network import Network as Network
from .networks import (
    AlexNet as AlexNet,
    DeepConvNet as DeepConvNet,
    GoogLeNet as GoogLeNet,
    LeNet as LeNet,
    MultiLayerNet as MultiLayerNet,
    MultiLayerNetExtend as MultiLayerNetExtend,
    ResNet as ResNet,
    SimpleConvNet as SimpleConvNet,
    TwoLayerNet as TwoLayerNet,
    VGG as VGG,
)
from .trainer import Trainer as Trainer
from .distributed import DistributedTrainer as DistributedTrainer, ranks as ranks
from .history import History as History
from .search import (
    Choice as Choice,
    LogUniform as LogUniform,
    SearchResult as SearchResult,
    Trial as Trial,
    Uniform as Uniform,
    random_search as random_search,
)
from .metrics import (
    WorstErrors as WorstErrors,
    confusion_matrix as confusion_matrix,
    worst_errors as worst_errors,
)
from .data import (
    label_smoothing as label_smoothing,
    minibatches as minibatches,
    one_hot as one_hot,
    shuffle_dataset as shuffle_dataset,
    smooth_curve as smooth_curve,
    train_validation_split as train_validation_split,
)
from .storage import load_arrays as load_arrays, save_arrays as save_arrays
from ._internal.table import plain as plain

__version__: str
