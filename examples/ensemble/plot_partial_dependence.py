"""What a model has learnt of each feature: scikit-learn's partial dependence reads the trees of ours."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.inspection import PartialDependenceDisplay

from ghostflow_learn.ensemble import HistGradientBoostingRegressor

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
rises_with = {"bmi": 1, "bp": 1}
free = HistGradientBoostingRegressor(max_iter=80, max_leaf_nodes=8).fit(X, y)
rising = HistGradientBoostingRegressor(max_iter=80, max_leaf_nodes=8, monotonic_cst=rises_with).fit(X, y)
print(
    f"R2 on the training rows: {free.score(X, y):.3f} free, {rising.score(X, y):.3f} where two features may only rise"
)

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained", sharey=True)
for model, label in ((free, "free"), (rising, "may only rise with bmi and bp")):
    PartialDependenceDisplay.from_estimator(
        model, X, ["bmi", "bp", "s5"], ax=axes, line_kw={"label": label}, kind="average"
    )
plt.show()
