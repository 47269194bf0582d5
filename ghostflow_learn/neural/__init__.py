"""Neural networks: a tensor that differentiates, modules, optimizers, and estimators made of them."""

from . import _functions as functional
from ._autoencoder import AutoencoderTransformer
from ._backward import grad
from ._callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientClipping,
    LRScheduler,
    ProgressBar,
)
from ._data import (
    Cast,
    Compose,
    DataLoader,
    Dataset,
    Mixup,
    Noise,
    Normalize,
    OneHot,
    RandomSampler,
    SequentialSampler,
    WeightedSampler,
    read_csv,
    read_idx,
    read_parquet,
)
from ._export import to_onnx
from ._gradients import checkpoint, clip_gradient, custom_vjp, scale_gradient, stop_gradient, straight_through
from ._modes import anomaly_mode, is_recording, no_grad
from ._net import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from ._saving import load, load_into, save
from ._tensor import Tensor, differentiable
