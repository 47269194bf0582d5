"""What is done to whole batches at random, so that a model does not see the same samples twice."""

import numpy as np

from .transforms import OneHot, beside


class Noise:
    """Adds normal noise to the inputs of each batch.

    Parameters
    ----------
    std : float or array of shape (n_features,), default=0.1
        Standard deviation, in the units of each feature.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import DataLoader, Dataset, Noise
    >>> loader = DataLoader(Dataset(np.zeros((2, 1000))), augment=Noise(0.5), random_state=0)
    >>> [float(X.std().round(1)) for X, in loader]
    [0.5]
    """

    def __init__(self, std=0.1):
        if not np.all(np.asarray(std) >= 0):
            raise ValueError(f"std must not be negative. Got {std!r} instead.")
        self.std = std

    def __call__(self, batch, rng):
        X, *others = _of_floats(batch, self)
        noise = rng.standard_normal(X.shape) * self.std
        return (X + beside(noise, X, X.dtype), *others)


class Mixup:
    """Replaces each sample of a batch by a mixture with another one, its target and its weight by the same mixture.

    Parameters
    ----------
    alpha : float > 0, default=0.2
        The part that is kept is drawn for each batch from the beta distribution (alpha, alpha): near 0 or 1 if small.
    n_classes : int or None, default=None
        Where targets are class codes: they become probabilities in rows, as the cross-entropy takes them. None leaves
        targets, numbers, as they are.

    References
    ----------
    Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond empirical risk minimization. ICLR 2018, arXiv:1710.09412

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import DataLoader, Dataset, Mixup
    >>> data = Dataset(np.arange(4.0).reshape(4, 1), np.arange(4) % 2)
    >>> (X, y), = DataLoader(data, augment=Mixup(1.0, n_classes=2), random_state=0)
    >>> X.shape, y.shape
    ((4, 1), (4, 2))
    """

    def __init__(self, alpha=0.2, n_classes=None):
        if not alpha > 0:
            raise ValueError(f"alpha must be positive. Got {alpha!r} instead.")
        self.alpha, self.n_classes = alpha, n_classes

    def __call__(self, batch, rng):
        X, *others = _of_floats(batch, self)
        kept, order = float(rng.beta(self.alpha, self.alpha)), rng.permutation(len(X))
        if self.n_classes is not None:
            others[0] = OneHot(self.n_classes, X.dtype)(others[0])
        return tuple(None if a is None else a * kept + a[beside(order, a)] * (1 - kept) for a in (X, *others))


def _of_floats(batch, augmentation):
    if batch[0].dtype.kind != "f":
        raise TypeError(
            f"{type(augmentation).__name__} needs inputs that are floats. Got dtype {batch[0].dtype}. Give the Dataset "
            "transform=Cast(), or Normalize."
        )
    return batch
