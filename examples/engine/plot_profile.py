"""What ran where: the same fit on each device of this machine, and the table that profile() makes of it."""

import time

import matplotlib.pyplot as plt
import numpy as np

from ghostflow_learn import config_context, profile
from ghostflow_learn.cluster import KMeans

rng = np.random.default_rng(0)
X = rng.standard_normal((2000, 4)) + 4 * rng.integers(0, 2, size=(2000, 4))

seconds = {}
for device in "reference", "cpu", "cuda":
    try:
        with config_context(device=device):
            KMeans(n_clusters=16, n_init=1, random_state=0).fit(X)
            start = time.perf_counter()
            with profile() as table:
                model = KMeans(n_clusters=16, n_init=1, random_state=0).fit(X)
            seconds[device] = time.perf_counter() - start
    except RuntimeError as error:
        print(f"{device}: {error}")
        continue
    print(f"{device}: inertia {model.inertia_:.6f}\n{table}\n")

_, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.bar_label(axes.barh(list(seconds), [1000 * s for s in seconds.values()]), fmt="%.1f ms", padding=3)
axes.margins(x=0.15)
axes.set_xlabel("milliseconds of one fit")
plt.show()
