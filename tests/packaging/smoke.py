"""A first use of an installed ghostflow_learn; run by check_wheel.py, in its environment and away from the checkout."""

import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression as TheirLinearRegression
from sklearn.pipeline import make_pipeline

import ghostflow_learn
from ghostflow_learn import is_native
from ghostflow_learn.cluster import KMeans
from ghostflow_learn.decomposition import PCA
from ghostflow_learn.linear_model import LinearRegression, LogisticRegression
from ghostflow_learn.preprocessing import StandardScaler

package = Path(ghostflow_learn.__file__)
assert Path(sys.prefix) in package.parents, f"{package} is not the installed copy in {sys.prefix}"
assert all(is_native(cls) for cls in (KMeans, PCA, LinearRegression, LogisticRegression, StandardScaler))

X, y = load_iris(return_X_y=True)
ours, theirs = (cls(n_clusters=3, n_init=1, random_state=0).fit(X) for cls in (KMeans, TheirKMeans))
np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-6)
ours, theirs = (cls().fit(X, y) for cls in (LinearRegression, TheirLinearRegression))
np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)
pipeline = make_pipeline(StandardScaler(), PCA(n_components=3), LogisticRegression())
assert pipeline.fit(X, y).score(X, y) > 0.95

sources = {path.name for path in resources.files("ghostflow_learn._cuda").iterdir()}
assert {"common.cuh", "kmeans.cu"} <= sources, f"the CUDA sources are not installed: {sorted(sources)}"

doctor = subprocess.run([sys.executable, "-m", "ghostflow_learn", "doctor"], capture_output=True, text=True)
assert doctor.returncode == 0, doctor.stdout + doctor.stderr
print("smoke test passed")
