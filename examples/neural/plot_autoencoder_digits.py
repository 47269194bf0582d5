"""Handwritten digits in two dimensions: an autoencoder, which never saw a label, beside PCA."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from ghostflow_learn.decomposition import PCA
from ghostflow_learn.neural import AutoencoderTransformer, EarlyStopping

X, y = load_digits(return_X_y=True)
X = X / 16

autoencoder = AutoencoderTransformer(
    n_components=2,
    hidden_layer_sizes=(256, 64),
    activation="gelu",
    noise=0.1,
    lr=0.003,
    max_epochs=100,
    validation_fraction=0.1,
    callbacks=[EarlyStopping(patience=15)],
    random_state=0,
)
pca = PCA(n_components=2)
shown = X[[np.flatnonzero(y == digit)[0] for digit in range(10)]]

figure = plt.figure(figsize=(10, 7), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=[3, 1])
rows = below.subplots(3, 10)
for pixels, axes in zip(shown, rows[0], strict=True):
    axes.imshow(pixels.reshape(8, 8), cmap="gray_r")
models = {"PCA": pca, "autoencoder": autoencoder}
for (name, model), axes, row in zip(models.items(), above.subplots(1, 2), rows[1:], strict=True):
    code = model.fit_transform(X)
    error = np.mean((model.inverse_transform(code) - X) ** 2)
    print(f"{name}: mean squared error {error:.4f}")
    axes.scatter(*code.T, c=y, cmap="tab10", s=8)
    for digit in range(10):
        axes.annotate(str(digit), np.median(code[y == digit], axis=0), fontsize=16, ha="center", va="center")
    axes.set(title=f"{name}: mean squared error {error:.3f}", xticks=[], yticks=[])
    for pixels, ax in zip(model.inverse_transform(model.transform(shown)), row, strict=True):
        ax.imshow(pixels.reshape(8, 8), cmap="gray_r")
for label, row in zip(("digit", "PCA", "autoencoder"), rows, strict=True):
    row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for axes in row:
        axes.set(xticks=[], yticks=[])
plt.show()
