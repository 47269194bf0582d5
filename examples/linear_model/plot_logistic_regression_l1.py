"""A model that names its features: the l1 penalty of LogisticRegression sets most coefficients to exactly zero."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from ghostflow_learn.linear_model import LogisticRegression
from ghostflow_learn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

n_used, scores = [], []
Cs = np.logspace(-2, 2, 15)
for C in Cs:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, l1_ratio=1.0, solver="liblinear", random_state=0))
    model.fit(X_train, y_train)
    n_used.append(np.count_nonzero(model[-1].coef_))
    scores.append(model.score(X_test, y_test))
print(f"{n_used[0]} of {X.shape[1]} features give an accuracy of {scores[0]:.3f}, {n_used[-1]} give {scores[-1]:.3f}")

_, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(n_used, scores, marker="o")
axes.set(xlabel="features with a coefficient", ylabel="accuracy on new rows")
plt.show()
