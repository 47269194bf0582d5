"""One wild value in a hundred: RobustScaler keeps the rest on its scale, where the other scalers squeeze it."""

import matplotlib.pyplot as plt
import numpy as np

from ghostflow_learn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

rng = np.random.default_rng(0)
X = rng.normal(10, 2, size=(1000, 1))
X[::100] = rng.uniform(500, 1000, size=(10, 1))
ordinary = X[:, 0] < 100

_, all_axes = plt.subplots(1, 4, figsize=(12, 3), layout="constrained")
for axes, scaler in zip(all_axes, [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()], strict=True):
    scaled = scaler.fit_transform(X)[ordinary, 0]
    print(f"{type(scaler).__name__:<15} the ordinary rows span {np.ptp(scaled):8.4f}")
    axes.hist(scaled, bins=30)
    axes.set_title(type(scaler).__name__)
    axes.set_xlim(min(scaled.min(), -0.1), max(scaled.max(), 0.1))
plt.show()
