"""Let the data choose alpha: RidgeCV tries all of them for little more than the price of one."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import PolynomialFeatures

from ghostflow_learn.linear_model import Ridge, RidgeCV

X, y = load_diabetes(return_X_y=True)
X = PolynomialFeatures(2, include_bias=False).fit_transform(X * 10)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

alphas = np.logspace(-3, 4, 60)
model = RidgeCV(alphas=alphas, store_cv_results=True).fit(X_train, y_train)
left_out_error = model.cv_results_.mean(axis=0)
test_scores = [Ridge(alpha=alpha).fit(X_train, y_train).score(X_test, y_test) for alpha in alphas]
score = model.score(X_test, y_test)
print(f"alpha {model.alpha_:.3g}: R2 {score:.3f} on new rows; the best there is {max(test_scores):.3f}")

_, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
axes.semilogx(alphas, left_out_error, label="mean squared error, each row left out once")
axes.axvline(model.alpha_, color="0.5", linestyle="--")
axes.set(xlabel="alpha", ylabel="error")
scores = axes.twinx()
scores.semilogx(alphas, test_scores, color="tab:orange", label="R2 on new rows")
scores.set(ylabel="R2", ylim=(0, 0.6))
axes.legend(loc="upper left")
scores.legend(loc="upper right")
plt.show()
