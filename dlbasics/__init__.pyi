"""The names of `__getattr__`, for type checkers and editors."""

from dlbasics.averaging import (
    WeightAverage as WeightAverage,
)
from dlbasics.columns import (
    col2im as col2im,
)
from dlbasics.columns import (
    conv_output_size as conv_output_size,
)
from dlbasics.columns import (
    im2col as im2col,
)
from dlbasics.data import (
    label_smoothing as label_smoothing,
)
from dlbasics.data import (
    minibatches as minibatches,
)
from dlbasics.data import (
    one_hot as one_hot,
)
from dlbasics.data import (
    shuffle_dataset as shuffle_dataset,
)
from dlbasics.data import (
    smooth_curve as smooth_curve,
)
from dlbasics.data import (
    train_validation_split as train_validation_split,
)
from dlbasics.functions import (
    cross_entropy_error as cross_entropy_error,
)
from dlbasics.functions import (
    identity_function as identity_function,
)
from dlbasics.functions import (
    log_softmax as log_softmax,
)
from dlbasics.functions import (
    np as np,
)
from dlbasics.functions import (
    relu as relu,
)
from dlbasics.functions import (
    relu_grad as relu_grad,
)
from dlbasics.functions import (
    sigmoid as sigmoid,
)
from dlbasics.functions import (
    sigmoid_grad as sigmoid_grad,
)
from dlbasics.functions import (
    softmax as softmax,
)
from dlbasics.functions import (
    softmax_loss as softmax_loss,
)
from dlbasics.functions import (
    step_function as step_function,
)
from dlbasics.functions import (
    sum_squared_error as sum_squared_error,
)
from dlbasics.gradient import (
    check_gradients as check_gradients,
)
from dlbasics.gradient import (
    gradient_descent as gradient_descent,
)
from dlbasics.gradient import (
    numerical_diff as numerical_diff,
)
from dlbasics.gradient import (
    numerical_gradient as numerical_gradient,
)
from dlbasics.history import (
    History as History,
)
from dlbasics.initializers import (
    fans as fans,
)
from dlbasics.initializers import (
    glorot as glorot,
)
from dlbasics.initializers import (
    he as he,
)
from dlbasics.initializers import (
    initializer as initializer,
)
from dlbasics.initializers import (
    normal as normal,
)
from dlbasics.initializers import (
    xavier as xavier,
)
from dlbasics.initializers import (
    zeros as zeros,
)
from dlbasics.layers import (
    AddLayer as AddLayer,
)
from dlbasics.layers import (
    Affine as Affine,
)
from dlbasics.layers import (
    AveragePooling as AveragePooling,
)
from dlbasics.layers import (
    BatchNorm as BatchNorm,
)
from dlbasics.layers import (
    BatchNormalization as BatchNormalization,
)
from dlbasics.layers import (
    Convolution as Convolution,
)
from dlbasics.layers import (
    Dropout as Dropout,
)
from dlbasics.layers import (
    GlobalAveragePooling as GlobalAveragePooling,
)
from dlbasics.layers import (
    Identity as Identity,
)
from dlbasics.layers import (
    IdentityWithLoss as IdentityWithLoss,
)
from dlbasics.layers import (
    Layer as Layer,
)
from dlbasics.layers import (
    LeakyRelu as LeakyRelu,
)
from dlbasics.layers import (
    LossLayer as LossLayer,
)
from dlbasics.layers import (
    MulLayer as MulLayer,
)
from dlbasics.layers import (
    Pooling as Pooling,
)
from dlbasics.layers import (
    Relu as Relu,
)
from dlbasics.layers import (
    Residual as Residual,
)
from dlbasics.layers import (
    Sigmoid as Sigmoid,
)
from dlbasics.layers import (
    SigmoidWithLoss as SigmoidWithLoss,
)
from dlbasics.layers import (
    SoftmaxWithLoss as SoftmaxWithLoss,
)
from dlbasics.layers import (
    Tanh as Tanh,
)
from dlbasics.network import (
    Network as Network,
)
from dlbasics.networks import (
    DeepConvNet as DeepConvNet,
)
from dlbasics.networks import (
    LeNet as LeNet,
)
from dlbasics.networks import (
    MultiLayerNet as MultiLayerNet,
)
from dlbasics.networks import (
    MultiLayerNetExtend as MultiLayerNetExtend,
)
from dlbasics.networks import (
    ResNet as ResNet,
)
from dlbasics.networks import (
    SimpleConvNet as SimpleConvNet,
)
from dlbasics.networks import (
    TwoLayerNet as TwoLayerNet,
)
from dlbasics.optimizers import (
    SGD as SGD,
)
from dlbasics.optimizers import (
    AdaGrad as AdaGrad,
)
from dlbasics.optimizers import (
    Adam as Adam,
)
from dlbasics.optimizers import (
    AdamW as AdamW,
)
from dlbasics.optimizers import (
    Momentum as Momentum,
)
from dlbasics.optimizers import (
    Nesterov as Nesterov,
)
from dlbasics.optimizers import (
    Optimizer as Optimizer,
)
from dlbasics.optimizers import (
    RMSprop as RMSprop,
)
from dlbasics.optimizers import (
    clip_by_norm as clip_by_norm,
)
from dlbasics.regularizers import (
    L1 as L1,
)
from dlbasics.regularizers import (
    L2 as L2,
)
from dlbasics.schedules import (
    CosineDecay as CosineDecay,
)
from dlbasics.schedules import (
    ExponentialDecay as ExponentialDecay,
)
from dlbasics.schedules import (
    Schedule as Schedule,
)
from dlbasics.schedules import (
    StepDecay as StepDecay,
)
from dlbasics.schedules import (
    Warmup as Warmup,
)
from dlbasics.search import (
    Choice as Choice,
)
from dlbasics.search import (
    LogUniform as LogUniform,
)
from dlbasics.search import (
    SearchResult as SearchResult,
)
from dlbasics.search import (
    Trial as Trial,
)
from dlbasics.search import (
    Uniform as Uniform,
)
from dlbasics.search import (
    random_search as random_search,
)
from dlbasics.storage import (
    load_arrays as load_arrays,
)
from dlbasics.storage import (
    save_arrays as save_arrays,
)
from dlbasics.trainer import (
    Trainer as Trainer,
)

__version__: str
