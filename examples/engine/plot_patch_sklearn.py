"""No import changes: code written for scikit-learn runs on ours while it is patched, and its pickles stay good."""

import pickle
import time

import matplotlib.pyplot as plt
import sklearn.cluster
from sklearn.datasets import make_blobs

from ghostflow_learn import is_native, patch_sklearn

X, _ = make_blobs(20_000, 12, centers=30, cluster_std=6.0, random_state=0)


def somebody_elses_code():
    start = time.perf_counter()
    model = sklearn.cluster.KMeans(n_clusters=20, n_init=1, random_state=0).fit(X)
    return model, time.perf_counter() - start


somebody_elses_code()
theirs, their_seconds = somebody_elses_code()
with patch_sklearn():
    somebody_elses_code()  # the first call compiles, or loads what was compiled before
    ours, our_seconds = somebody_elses_code()

again = pickle.loads(pickle.dumps(ours))
print(f"patched: native {is_native(ours)}, inertia {ours.inertia_:.6g} against {theirs.inertia_:.6g}")
print(f"the pickle predicts the same: {(again.predict(X) == ours.labels_).all()}")

_, axes = plt.subplots(figsize=(6, 2.5), layout="constrained")
bars = axes.barh(["scikit-learn", "patched"], [their_seconds, our_seconds])
axes.bar_label(bars, fmt="%.2f s", padding=3)
axes.margins(x=0.15)
axes.set_xlabel("seconds of one fit")
plt.show()
