"""64 pixels on two axes: PCA of handwritten digits, and how many components keep 90 % of the variance."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from ghostflow_learn.decomposition import PCA

X, digit = load_digits(return_X_y=True)
plane = PCA(n_components=2).fit_transform(X)
short = PCA(n_components=0.9).fit(X)
kept = short.explained_variance_ratio_.sum()
print(f"{short.n_components_} of {X.shape[1]} components keep {kept:.1%} of the variance")

_, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
points = left.scatter(*plane.T, c=digit, s=6, cmap="tab10")
plt.colorbar(points, ax=left, ticks=range(10), label="digit")
left.set(xlabel="first component", ylabel="second component")
right.plot(range(1, short.n_components_ + 1), short.explained_variance_ratio_.cumsum(), marker=".")
right.set(xlabel="components kept", ylabel="part of the variance", ylim=(0, 1))
plt.show()
