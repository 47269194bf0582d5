"""Draw the rules of a small tree, the same tree with a rule that may not turn, and print both."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer

from ghostflow_learn.tree import DecisionTreeClassifier, export_text, plot_tree

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
features = ["worst radius", "worst texture", "worst concavity"]

free = DecisionTreeClassifier(max_depth=3, min_samples_leaf=10, random_state=0).fit(X[features], y)
# The class 1 is benign: a larger tumour may only lower its probability.
falling = DecisionTreeClassifier(max_depth=3, min_samples_leaf=10, monotonic_cst=[-1, 0, -1], random_state=0)
falling.fit(X[features], y)
print(export_text(falling, feature_names=features))

figure, axes = plt.subplots(2, figsize=(12, 10), layout="constrained")
for ax, model, title in zip(axes, (free, falling), ("free", "never rising with radius or concavity"), strict=True):
    plot_tree(model, feature_names=features, class_names=["malignant", "benign"], filled=True, ax=ax)
    ax.set_title(f"{title}: accuracy {model.score(X[features], y):.3f}, {model.get_n_leaves()} leaves")
plt.show()
