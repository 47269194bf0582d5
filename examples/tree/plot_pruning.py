"""How far to prune: accuracy on new data along the path from the full tree to its root."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from ghostflow_learn.tree import DecisionTreeClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

path = DecisionTreeClassifier(random_state=0).cost_complexity_pruning_path(X_train, y_train)
alphas = np.unique(path.ccp_alphas)
trees = [DecisionTreeClassifier(random_state=0, ccp_alpha=alpha).fit(X_train, y_train) for alpha in alphas]
scores = np.array([[tree.score(X_train, y_train), tree.score(X_test, y_test)] for tree in trees])
best = trees[scores[:, 1].argmax()]
print(f"full tree: {trees[0].get_n_leaves()} leaves, accuracy {scores[0, 1]:.3f}")
print(f"best tree: {best.get_n_leaves()} leaves, accuracy {scores[:, 1].max():.3f}, alpha {best.ccp_alpha:.4f}")

_, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.step(alphas, scores, where="post", label=["training", "new"])
left.set(xlabel="ccp_alpha", ylabel="accuracy")
left.legend()
right.step(alphas, [tree.get_n_leaves() for tree in trees], where="post", color="black")
right.set(xlabel="ccp_alpha", ylabel="leaves", yscale="log")
plt.show()
