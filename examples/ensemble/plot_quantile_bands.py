"""How sure is a prediction? One model of three quantiles draws a band that holds 80 % of what may happen."""

import matplotlib.pyplot as plt
import numpy as np

from ghostflow_learn.ensemble import HistGradientBoostingRegressor

rng = np.random.default_rng(0)
X = np.sort(rng.uniform(0, 10, (3000, 1)), axis=0)
y = X[:, 0] * np.sin(X[:, 0]) + rng.gamma(2, 0.2 + 0.15 * X[:, 0])  # noise that grows, and is not symmetric

model = HistGradientBoostingRegressor(
    loss="quantile", quantile=[0.1, 0.5, 0.9], learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=50
)
low, middle, high = model.fit(X[::2], y[::2]).predict(X[1::2]).T
inside = np.mean((low <= y[1::2]) & (y[1::2] <= high))
print(f"{inside:.1%} of the samples that the model has not seen lie between the quantiles 0.1 and 0.9")

_, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
axes.plot(X[1::2], y[1::2], ".", color="0.7", markersize=3, label="samples")
axes.fill_between(X[1::2, 0], low, high, alpha=0.4, label="quantiles 0.1 to 0.9")
axes.plot(X[1::2], middle, label="median")
axes.set(xlabel="x", ylabel="y")
axes.legend()
plt.show()
