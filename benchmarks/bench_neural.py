"""Perceptrons beside scikit-learn's and PyTorch's, and what they are made of beside PyTorch's, where it is installed.

All train for the same number of epochs on batches of the same size, with the same penalty; PyTorch's Adam is its fused
one. The operations of `OPERATIONS` go through tensors, as those of a user's module do; scikit-learn has none of them.
"""

from functools import cache, partial
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss

from _data import classification, iris
from _harness import Workload, main
from ghostflow_learn.neural import NeuralNetClassifier, Tensor, nn, no_grad, optim, read_idx

SEED = 20
TIMES = 1000  # an operation on one element: one alone would take less than what measures it
DIGITS = Path(__file__).resolve().parents[2] / "shared" / "data"


def loss(model, X, y):
    return "log loss", log_loss(y[:100_000], model.predict_proba(X[:100_000]))


def classes(n_samples, n_features, n_classes, scale=1.0):
    X, y = classification(n_samples, n_features, n_classes, scale)
    return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32), y


# ---------------------------------------------------------------- networks


def torch_mlp(**params):
    import _torch

    return _torch.MLP(**params)


def perceptron(name, data, hidden, batch_size, n_epochs, bar):
    params = {"hidden_layer_sizes": hidden, "batch_size": batch_size, "max_iter": n_epochs, "random_state": 0}
    params |= {"n_iter_no_change": n_epochs}
    torch = partial(torch_mlp, hidden=hidden, batch_size=batch_size, max_epochs=n_epochs)
    return Workload(name, "neural_network.MLPClassifier", data, loss, params, bar, others={"torch": torch})


def net(name, data, hidden, batch_size, n_epochs, bar):
    params = {"module__hidden": hidden, "batch_size": batch_size, "max_epochs": n_epochs, "lr": 1e-3, "random_state": 0}
    torch = partial(torch_mlp, hidden=hidden, batch_size=batch_size, max_epochs=n_epochs, alpha=0.0)
    return Workload(name, "neural.NeuralNetClassifier", data, loss, params, bar, others={"torch": torch})


NETWORKS = [
    perceptron(
        "mlp_narrow",
        partial(classes, 50_000, 64, 10),
        (128, 64),
        128,
        5,
        "2.5 times as fast as scikit-learn, 1.5 times as fast as torch",
    ),
    perceptron(
        "mlp_wide",
        partial(classes, 30_000, 256, 10),
        (1024, 1024),
        512,
        1,
        "1.5 times as fast as scikit-learn, as fast as torch",
    ),
    perceptron("iris_mlp", iris, (100,), 150, 200, "8 times as fast as scikit-learn"),
    perceptron("mlp_memory", partial(classes, 200_000, 64, 10), (128,), 256, 1, "memory within 1.3 times torch's"),
]
NETS = [
    net("net_narrow", partial(classes, 50_000, 64, 10), (128, 64), 128, 5, "as fast as torch"),
    net("net_memory", partial(classes, 200_000, 64, 10), (128,), 256, 1, "memory within 1.3 times torch's"),
]


# ---------------------------------------------------------------- operations


class AdamStep:
    def prepare(self, X):
        self.parameter = nn.Parameter(np.zeros(X.shape, X.dtype))
        self.optimizer = optim.Adam([self.parameter])
        self.parameter.receive(X)

    def run(self):
        self.optimizer.step()

    def answer(self):
        return self.parameter.data


class LayerNorm:
    def __init__(self, backward=True):
        self.backward = backward

    def prepare(self, X):
        self.x, self.gradient = Tensor(X, requires_grad=self.backward), X[::-1].copy()
        self.module = nn.LayerNorm(X.shape[1])

    def run(self):
        if not self.backward:
            with no_grad():
                self.y = self.module(self.x)
            return
        self.x.grad = None
        self.module.zero_grad()
        self.module(self.x).backward(self.gradient)

    def answer(self):
        return self.x.grad if self.backward else self.y.data


class CrossEntropy:
    def prepare(self, X):
        self.x, self.y = Tensor(X, requires_grad=True), np.arange(len(X)) % X.shape[1]
        self.loss = nn.losses.CrossEntropyLoss()

    def run(self):
        self.x.grad = None
        self.loss(self.x, self.y).backward()

    def answer(self):
        return self.x.grad


class OneElement:
    def __init__(self, times):
        self.times = times

    def prepare(self, X):
        self.x = Tensor(X[0], requires_grad=True)

    def run(self):
        for _ in range(self.times):
            self.x.grad = None
            (self.x + self.x).backward()

    def answer(self):
        return self.x.grad


def numbers(n_rows, n_columns, scale=1.0):
    shape = max(1, int(n_rows * scale)), n_columns
    return np.random.default_rng(SEED).standard_normal(shape, dtype=np.float32), None


def operate(operation, X, y):
    """Run it on arrays that stay from call to call."""
    if getattr(operation, "shape", None) != X.shape:
        operation.prepare(X)
        operation.run()
        operation.shape, operation.norm = X.shape, np.linalg.norm(operation.answer())
    operation.run()
    return operation


def norm(operation, X, y):
    return "norm of the first result", operation.norm


def of_torch(name, *args):
    import _torch

    return getattr(_torch, name)(*args)


def operation(name, ours, shape, bar, *args, label=None):
    makers = {"ghostflow_learn": partial(ours, *args), "torch": partial(of_torch, ours.__name__, *args)}
    others = {library: cache(make) for library, make in makers.items()}
    data = partial(numbers, *shape)
    return Workload(name, f"operation.{label or ours.__name__}", data, norm, bar=bar, run=operate, others=others)


AS_TORCH = "as fast as torch"
OPERATIONS = [
    operation("adam_200000", AdamStep, (200_000, 1), AS_TORCH),
    operation("adam_20000000", AdamStep, (20_000_000, 1), AS_TORCH),
    operation("layer_norm_forward", LayerNorm, (2048, 256), AS_TORCH, False, label="LayerNorm, forward alone"),
    operation("layer_norm", LayerNorm, (2048, 256), AS_TORCH),
    *(
        operation(f"cross_entropy_{k}_{n}", CrossEntropy, (n, k), AS_TORCH)
        for k in (10, 100, 1000)
        for n in (256, 8192)
    ),
    operation(
        "one_element_1000_times", OneElement, (1, 1), "under 6 microseconds each", TIMES, label="OneElement 1000 times"
    ),
]


# ---------------------------------------------------------------- digits


class OfThreeSeeds:
    """Three models of a kind; their score is the mean of theirs on digits that they have not seen."""

    def __init__(self, make):
        self.make = make

    def fit(self, X, y):
        self.models = [self.make(random_state=seed).fit(X, y) for seed in range(3)]
        return self


def digits(scale=1.0, held_out=False):
    from sklearn.model_selection import train_test_split

    X, y = (read_idx(DIGITS / f"mnist10k-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    X = (X.reshape(len(X), -1) / 255).astype(np.float32)
    X, X_new, y, y_new = train_test_split(X, y.astype(np.int64), train_size=8000, stratify=y, random_state=0)
    n_samples = int(len(X) * scale)
    return (X_new, y_new) if held_out else (X[:n_samples], y[:n_samples])


def accuracy_on_new(model, X, y):
    X, y = digits(held_out=True)
    return "accuracy on new digits, mean of 3 seeds", np.mean([m.score(X, y) for m in model.models])


def with_dropout():
    params = {"module__hidden": (512, 256), "module__dropout": 0.3, "lr": 1e-3, "max_epochs": 30}
    return OfThreeSeeds(partial(NeuralNetClassifier, **params))


def plain():
    from sklearn.neural_network import MLPClassifier

    return OfThreeSeeds(partial(MLPClassifier, (512, 256)))


ON_DIGITS = Workload(
    "digits_with_dropout",
    "digits.NeuralNetClassifier",
    digits,
    accuracy_on_new,
    bar="96.5 % where scikit-learn's plain net of the same sizes gets 96.0 %",
    others={"ghostflow_learn": with_dropout, "scikit-learn": plain},
)
WORKLOADS = NETWORKS + NETS + OPERATIONS + ([ON_DIGITS] if DIGITS.is_dir() else [])

if __name__ == "__main__":
    main(WORKLOADS, "neural")
