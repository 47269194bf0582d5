"""How sure the importances of a forest are: their spread over its trees, and what it loses without each feature."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from ghostflow_learn.ensemble import RandomForestClassifier

X, y = load_wine(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
forest = RandomForestClassifier(n_estimators=300, oob_score=True, random_state=0).fit(X_train, y_train)
by_tree = np.array([tree.feature_importances_ for tree in forest])
loss = permutation_importance(forest, X_test, y_test, n_repeats=20, random_state=0, scoring="neg_log_loss")
order = np.argsort(forest.feature_importances_)
print(f"out of bag {forest.oob_score_:.3f}, on new bottles {forest.score(X_test, y_test):.3f}")

_, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
left.barh(X.columns[order], forest.feature_importances_[order], xerr=by_tree[:, order].std(axis=0))
left.set(xlabel="decrease in impurity, and its standard deviation over trees")
right.barh(X.columns[order], loss.importances_mean[order], xerr=loss.importances_std[order])
right.set(xlabel="increase of the log loss where the feature is shuffled")
plt.show()
