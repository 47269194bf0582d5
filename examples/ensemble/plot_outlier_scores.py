"""Score outliers: an isolation forest needs few random splits to set them apart, and no distances."""

import matplotlib.pyplot as plt
import numpy as np

from ghostflow_learn.ensemble import IsolationForest

rng = np.random.default_rng(0)
clusters = np.concatenate([rng.normal((-2, -2), 0.4, size=(300, 2)), rng.normal((2, 2), 0.7, size=(300, 2))])
outliers = rng.uniform(-5, 5, size=(40, 2))
X = np.concatenate([clusters, outliers])

forest = IsolationForest(contamination=40 / len(X), random_state=0).fit(X)
found = forest.predict(X) == -1
n_clustered = len(clusters)
print(f"called outliers: {found[n_clustered:].sum()} of 40 scattered points, {found[:n_clustered].sum()} of the others")

axis = np.linspace(-5, 5, 150)
grid = np.stack(np.meshgrid(axis, axis), axis=-1)
scores = forest.decision_function(grid.reshape(-1, 2)).reshape(150, 150)
_, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
left.contourf(axis, axis, scores, levels=20, cmap="RdBu")
left.contour(axis, axis, scores, levels=[0], colors="black")
left.scatter(*X.T, c=np.where(found, "tab:orange", "black"), s=6)
left.set(title="decision function; the line is 0")
right.hist([forest.score_samples(clusters), forest.score_samples(outliers)], bins=30, label=["clusters", "scattered"])
right.axvline(forest.offset_, color="black")
right.set(xlabel="score", ylabel="samples", title="scores; the line is the threshold")
right.legend()
plt.show()
