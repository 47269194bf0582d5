"""Where a vote of neighbours draws its borders: 1 or 25 of them, near ones counting more, and centroids alone."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import cross_val_score

from ghostflow_learn.neighbors import KNeighborsClassifier, NearestCentroid

X, y = make_moons(400, noise=0.3, random_state=0)
models = {
    "1 neighbour": KNeighborsClassifier(1),
    "25 neighbours": KNeighborsClassifier(25),
    "25, near ones count more": KNeighborsClassifier(25, weights="distance"),
    "nearest centroid": NearestCentroid(),
}

across, up = np.meshgrid(np.linspace(-2, 3, 200), np.linspace(-1.5, 2, 200))
grid = np.c_[across.ravel(), up.ravel()]

_, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained", sharex=True, sharey=True)
for axis, (name, model) in zip(axes.flat, models.items()):
    accuracy = cross_val_score(model, X, y).mean()
    print(f"{name:<25} accuracy {accuracy:.3f}")
    share = model.fit(X, y).predict_proba(grid)[:, 1].reshape(across.shape)
    axis.contourf(across, up, share, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.6)
    axis.contour(across, up, share, levels=[0.5], colors="black", linewidths=1)
    axis.scatter(*X.T, c=y, cmap="RdBu", s=10, edgecolors="black", linewidths=0.3)
    axis.set_title(f"{name}: {accuracy:.0%}")
plt.show()
