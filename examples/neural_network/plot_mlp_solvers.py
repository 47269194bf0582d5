"""Four ways to train one network on handwritten digits: how fast the loss falls, and what the test digits say."""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ghostflow_learn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split((X / 16).astype("float32"), y, random_state=0)
ways = {
    "adam": {},
    "sgd, Nesterov's momentum": {"solver": "sgd", "learning_rate_init": 0.1},
    "sgd, plain": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0},
    "sgd, rate / sqrt(t)": {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": "invscaling"},
}

_, axes = plt.subplots(figsize=(8, 5), layout="constrained")
for name, params in ways.items():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # forty epochs are enough to see
        model = MLPClassifier((64,), max_iter=40, random_state=0, **params).fit(X_train, y_train)
    print(f"{name}: {model.score(X_test, y_test):.1%} of the test digits")
    axes.semilogy(model.loss_curve_, label=name)
axes.set(xlabel="epoch", ylabel="log loss")
axes.legend()
plt.show()
