"""What alpha does: Ridge draws the coefficients of LinearRegression towards zero and towards each other."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from ghostflow_learn.linear_model import LinearRegression, Ridge

X, y = load_diabetes(return_X_y=True, as_frame=True)
alphas = np.logspace(-4, 2, 40)
paths = np.array([Ridge(alpha=alpha).fit(X, y).coef_ for alpha in alphas])
least_squares = LinearRegression().fit(X, y)
print(f"R2 of least squares on what it was fitted on: {least_squares.score(X, y):.3f}")

_, axes = plt.subplots(figsize=(8, 5), layout="constrained")
lines = axes.semilogx(alphas, paths)
for line, value in zip(lines, least_squares.coef_, strict=True):
    axes.plot(alphas[0], value, "o", color=line.get_color())
axes.set(xlabel="alpha (dots: least squares)", ylabel="coefficient")
axes.legend(lines, X.columns, ncols=2, fontsize=8)
plt.show()
