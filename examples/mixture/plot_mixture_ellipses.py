"""How many clusters? BIC picks among mixtures; the Bayesian one is given too many and lets the needless ones go."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse

from ghostflow_learn.mixture import BayesianGaussianMixture, GaussianMixture

rng = np.random.default_rng(0)
X = np.concatenate(
    [
        rng.standard_normal((400, 2)) @ [[2.0, 0.9], [0.0, 0.4]],
        rng.standard_normal((300, 2)) * 0.6 + [-4, 3],
        rng.standard_normal((200, 2)) @ [[0.3, 0.0], [0.0, 1.8]] + [5, -1],
    ]
)

models = [GaussianMixture(n_components, n_init=3, random_state=0).fit(X) for n_components in range(1, 8)]
best = min(models, key=lambda model: model.bic(X))
bayesian = BayesianGaussianMixture(
    n_components=7, weight_concentration_prior=1e-3, max_iter=500, n_init=3, random_state=0
).fit(X)
print(f"BIC chooses {best.n_components} components of 1 to {len(models)}")
n_kept = (bayesian.weights_ > 0.02).sum()
print(f"{n_kept} of {bayesian.n_components} Bayesian components keep more than 2 % of the weight")


def draw(axes, model, title):
    """Samples in the color of their component, and ellipses of one, two and three standard deviations."""
    axes.scatter(*X.T, c=model.predict(X), s=4, cmap="tab10", vmax=9)
    for weight, mean, covariance in zip(model.weights_, model.means_, model.covariances_, strict=True):
        variances, directions = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(*directions[::-1, 1]))
        for deviations in (1, 2, 3) if weight > 0.02 else ():
            height, width = 2 * deviations * np.sqrt(variances)
            axes.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, alpha=0.9 - 0.2 * deviations))
    axes.set(title=title, aspect="equal")


_, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
draw(left, best, f"GaussianMixture, {best.n_components} components by BIC")
draw(middle, bayesian, f"BayesianGaussianMixture, at most {bayesian.n_components}")
n_components = [model.n_components for model in models]
right.plot(n_components, [model.bic(X) for model in models], marker="o", label="BIC")
right.plot(n_components, [model.aic(X) for model in models], marker="o", label="AIC")
right.set(xlabel="components", title="information criteria")
right.legend()
plt.show()
