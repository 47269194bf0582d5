"""A search over the size and the penalty of a network, behind the preprocessing of a table with categories."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from ghostflow_learn.neural_network import MLPRegressor
from ghostflow_learn.preprocessing import StandardScaler

# Rents that depend on the size, the age, the district and, only in the centre, the floor.
rng = np.random.default_rng(0)
n = 1500
flats = pd.DataFrame({"area": rng.uniform(20, 120, n), "year": rng.integers(1900, 2024, n)})
flats["floor"] = rng.integers(0, 12, n)
flats["district"] = rng.choice(["centre", "harbour", "hills", "north"], n)
base = flats["district"].map({"centre": 16.0, "harbour": 13.0, "hills": 11.0, "north": 9.0})
view = np.where(flats["district"] == "centre", 0.5 * flats["floor"], 0)
rent = flats["area"] ** 0.9 * (base + view) * (1 - 0.002 * (2024 - flats["year"])) + rng.normal(0, 40, n)

columns = ColumnTransformer(
    [("numbers", StandardScaler(), ["area", "year", "floor"]), ("categories", OneHotEncoder(), ["district"])]
)
model = Pipeline([("columns", columns), ("net", MLPRegressor(solver="lbfgs", max_iter=150, tol=1e-3, random_state=0))])
grid = {"net__hidden_layer_sizes": [(4,), (16,), (32, 16)], "net__alpha": [1e-3, 1e-1, 10.0]}
X_train, X_test, y_train, y_test = train_test_split(flats, rent / 1000, random_state=0)
search = GridSearchCV(model, grid, cv=3).fit(X_train, y_train)
print(f"best: {search.best_params_}, R2 on new flats {search.score(X_test, y_test):.3f}")

scores = pd.DataFrame(search.cv_results_)
scores = scores.pivot(index="param_net__hidden_layer_sizes", columns="param_net__alpha", values="mean_test_score")
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
left.imshow(scores, cmap="PuBu")
for (i, j), score in np.ndenumerate(scores):
    left.text(j, i, f"{score:.3f}", ha="center", va="center")
left.set(title="R2 in cross-validation", xlabel="alpha", ylabel="hidden layers")
left.set_xticks(range(scores.shape[1]), scores.columns)
left.set_yticks(range(scores.shape[0]), scores.index)
right.plot(y_test, search.predict(X_test), ".")
right.axline((0, 0), slope=1, color="k", linewidth=0.8)
right.set(title="the best, on new flats", xlabel="rent, thousands", ylabel="predicted")
plt.show()
