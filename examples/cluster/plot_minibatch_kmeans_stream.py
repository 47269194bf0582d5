"""Cluster a stream that never fits in memory: MiniBatchKMeans sees each batch once, through partial_fit."""

import matplotlib.pyplot as plt
import numpy as np

from ghostflow_learn.cluster import MiniBatchKMeans

rng = np.random.default_rng(0)
true_centers = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0], [6.0, 6.0]])


def next_batch(n_samples=200):
    return true_centers[rng.integers(4, size=n_samples)] + rng.standard_normal((n_samples, 2))


model = MiniBatchKMeans(n_clusters=4, n_init=5, random_state=0)
distances = []
for _ in range(60):
    model.partial_fit(next_batch())
    nearest = np.linalg.norm(true_centers[:, None] - model.cluster_centers_, axis=2).min(axis=1)
    distances.append(nearest.mean())
print(f"mean distance to the true centers: {distances[0]:.2f} after one batch, {distances[-1]:.2f} after 60")

_, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(distances)
left.set(xlabel="batches seen", ylabel="mean distance to the true centers")
X = next_batch(1000)
right.scatter(*X.T, c=model.predict(X), s=4, cmap="tab10")
right.scatter(*model.cluster_centers_.T, c="black", marker="x", s=80)
plt.show()
