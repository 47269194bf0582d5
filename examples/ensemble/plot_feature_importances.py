"""Which features a boosted model uses, and how sure that is: importances over models of resampled rows."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.utils import resample

from ghostflow_learn.ensemble import HistGradientBoostingClassifier

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
importances = []
for seed in range(12):
    model = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8)
    importances.append(model.fit(*resample(X, y, random_state=seed)).feature_importances_)
importances = np.array(importances)
order = np.argsort(importances.mean(axis=0))[-10:]
spread = importances[:, order].std(axis=0)
print("largest share of the gain:", ", ".join(f"{X.columns[j]} {importances[:, j].mean():.0%}" for j in order[:-4:-1]))

_, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
axes.barh(X.columns[order], importances[:, order].mean(axis=0), xerr=spread)
axes.set(xlabel="share of the gain of all splits, and its standard deviation over resampled rows")
plt.show()
