"""A module and a gradient of one's own: a network that cuts each feature into bins and learns where to cut."""

import matplotlib.pyplot as plt
import numpy as np

from ghostflow_learn.neural import NeuralNetRegressor, custom_vjp, nn
from ghostflow_learn.neural.nn import functional as F

# A step has no slope to follow. On the way back this one has that of a smooth step of the same height.
step = custom_vjp(
    lambda z: F.where(z > 0, 1.0, 0.0).astype(z.dtype),
    lambda g, y, z: g * 4 * F.sigmoid(4 * z) * (1 - F.sigmoid(4 * z)),
)


class Steps(nn.Module):
    """A sum of `n_steps` steps along each feature, whose places and heights are learnt."""

    def __init__(self, n_outputs, n_steps=24, soft=False):
        self.n_steps, self.soft, self.heights = n_steps, soft, nn.Linear(n_outputs)

    def build(self, x):
        places = np.linspace(-1, 1, self.n_steps).astype(x.dtype)
        self.places = nn.Parameter(np.tile(places, (x.shape[1], 1)), kind="bias")

    def forward(self, x):
        z = x.reshape(len(x), -1, 1) - self.places
        on = F.sigmoid(4 * z) if self.soft else step(z)
        return self.heights(on.reshape(len(x), -1))


rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (800, 1)).astype(np.float32)
truth = lambda x: np.where(x < -0.33, 0.4, np.where(x < 0.1, -0.6, np.where(x < 0.62, 1.0, 0.1)))
y = truth(X[:, 0]) + rng.normal(0, 0.1, 800)

line = np.linspace(-1, 1, 500, dtype=np.float32)[:, None]
_, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
axes.plot(X, y, ".", color="0.8", markersize=3)
for name, soft in {"hard steps, own gradient": False, "smooth steps": True}.items():
    net = NeuralNetRegressor(Steps, module__soft=soft, max_epochs=100, lr=0.02, random_state=0).fit(X, y)
    error = np.abs(net.predict(line) - truth(line[:, 0])).mean()
    print(f"{name}: mean distance {error:.3f} from the truth")
    axes.plot(line, net.predict(line), label=f"{name}: {error:.3f} from the truth")
axes.set(xlabel="the feature", ylabel="the target")
axes.legend()
plt.show()
