"""Train and validation loss of a network that is too large for its data, with and without what holds it back."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ghostflow_learn.neural import EarlyStopping, EpochScoring, LRScheduler, NeuralNetClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, train_size=600, stratify=y, random_state=0)
shared = {"module__hidden": (256, 128), "lr": 0.003, "max_epochs": 60, "validation_fraction": 0.25, "random_state": 0}
plain = NeuralNetClassifier(**shared)
held_back = NeuralNetClassifier(
    **shared,
    module__dropout=0.4,
    criterion__smoothing=0.05,
    optimizer="adamw",
    callbacks=[
        EarlyStopping(patience=15),
        LRScheduler("CosineAnnealingLR", {"n_steps": 60}),
        EpochScoring("accuracy"),
    ],
)

figure, grid = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
for axes, (name, net) in zip(grid, {"plain": plain, "dropout, smoothing, early stopping": held_back}.items()):
    net.fit(X_train, y_train).plot_history(axes)
    axes.set(title=f"{name}: {net.score(X_test, y_test):.1%} of the test digits", yscale="log")
    print(net.history.tail(1).to_string())
best = held_back.history["valid_loss"].idxmin()
grid[1].axvline(best, color="k", linestyle=":", label="kept")
grid[1].legend()
plt.show()
