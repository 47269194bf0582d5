"""What GaussianNB believes: one Gaussian per class and feature, drawn over the flowers it was fitted on."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris

from ghostflow_learn.naive_bayes import GaussianNB

iris = load_iris()
X, y = iris.data[:, 2:], iris.target
model = GaussianNB().fit(X, y)
print(f"accuracy {model.score(X, y):.3f}; class means\n{model.theta_.round(2)}")

grid_x, grid_y = np.meshgrid(np.linspace(0.5, 7.5, 200), np.linspace(-0.2, 3, 200))
grid = np.column_stack([grid_x.ravel(), grid_y.ravel()])
certainty = model.predict_proba(grid).max(axis=1).reshape(grid_x.shape)

_, axes = plt.subplots(figsize=(7, 5), layout="constrained")
shades = axes.contourf(grid_x, grid_y, certainty, levels=20, cmap="Greys")
plt.colorbar(shades, ax=axes, label="probability of the class chosen")
for k, name in enumerate(iris.target_names):
    axes.scatter(*X[y == k].T, s=14, label=name)
axes.set(xlabel=iris.feature_names[2], ylabel=iris.feature_names[3])
axes.legend(loc="upper left")
plt.show()
