"""The confusion matrix of a network on handwritten digits, and the digits it takes for others."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from ghostflow_learn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split((X / 16).astype("float32"), y, stratify=y, random_state=0)
model = MLPClassifier((128, 64), max_iter=300, tol=1e-3, random_state=0).fit(X_train, y_train)
predicted = model.predict(X_test)
wrong = (predicted != y_test).nonzero()[0]
print(f"{model.score(X_test, y_test):.1%} of the test digits are right, {len(wrong)} are not")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
ConfusionMatrixDisplay.from_predictions(y_test, predicted, ax=left, colorbar=False, cmap="Blues")
left.set_title("digits, and what they were taken for")
right.axis("off")
for k, row in enumerate(wrong[:12]):
    axes = right.inset_axes([k % 4 / 4, 1 - (k // 4 + 1) / 3, 0.2, 0.25])
    axes.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    axes.set_title(f"{y_test[row]} as {predicted[row]}", fontsize=9)
    axes.axis("off")
plt.show()
