"""Features of handwritten digits that a restricted Boltzmann machine learns without their labels."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from ghostflow_learn.linear_model import LogisticRegression
from ghostflow_learn.neural_network import BernoulliRBM

X, y = load_digits(return_X_y=True)
# Each digit also shifted by one pixel: enough to show which features stand a shift.
images = X.reshape(-1, 8, 8) / 16
shifted = [np.roll(images, step, axis) for step, axis in ((0, 1), (1, 1), (-1, 1), (1, 2), (-1, 2))]
X, y = np.concatenate(shifted).reshape(-1, 64), np.tile(y, 5)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)

rbm = BernoulliRBM(n_components=100, learning_rate=0.06, n_iter=15, random_state=0)
model = make_pipeline(rbm, LogisticRegression(C=100, max_iter=1000)).fit(X_train, y_train)
pixels = LogisticRegression(C=100, max_iter=1000).fit(X_train, y_train)
print(f"accuracy on pixels {pixels.score(X_test, y_test):.3f}, on features {model.score(X_test, y_test):.3f}")

figure, grid = plt.subplots(10, 10, figsize=(6, 6), layout="constrained")
for axes, weights in zip(grid.flat, rbm.components_, strict=True):
    axes.imshow(weights.reshape(8, 8), cmap="RdBu", vmin=-3, vmax=3)
    axes.axis("off")
figure.suptitle("the pixels that switch each hidden unit on (blue) and off (red)")
plt.show()
