"""What is done to the inputs or the targets of a batch as it is taken, the same to each sample every time."""

import numpy as np

from ..._engine import get_engine
from .._tensor import Tensor
from .datasets import Dataset, is_dataset


class Compose:
    """Transforms one after the other.

    Parameters
    ----------
    *transforms : callables
        Each takes the inputs of a batch and returns new ones.
    """

    def __init__(self, *transforms):
        self.transforms = transforms

    def __call__(self, X):
        for transform in self.transforms:
            X = transform(X)
        return X


class Normalize:
    """``(X - mean) / std``, in the dtype of X where that is a float, else in float32: bytes of images may stay bytes.

    Parameters
    ----------
    mean, std : float or array of shape (n_features,)
        A feature whose `std` is 0 is only centred.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Dataset, Normalize
    >>> X = np.array([[0.0, 5.0], [2.0, 5.0]])
    >>> data = Dataset(X, transform=Normalize.of(X))
    >>> data[[0, 1]][0]
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    def __init__(self, mean, std):
        self.mean, self.std = mean, np.where(np.asarray(std) == 0, 1, std)

    @classmethod
    def of(cls, data, batch_size=4096):
        """With the mean and the standard deviation of each feature of `data`, computed in float64, batch by batch.

        Parameters
        ----------
        data : array, sparse matrix or DataFrame of shape (n_samples, n_features), or a Dataset
            Of a Dataset the inputs, after its transform.
        batch_size : int, default=4096

        Returns
        -------
        transform : Normalize
        """
        data = data if is_dataset(data) else Dataset(data)
        n, mean, squares = 0, 0.0, 0.0
        for start in range(0, len(data), batch_size):
            X = _on_host(data[np.arange(start, min(start + batch_size, len(data)))][0]).astype(np.float64)
            m, delta = len(X), X.mean(axis=0) - mean
            squares = squares + ((X - X.mean(axis=0)) ** 2).sum(axis=0) + delta**2 * (n * m / (n + m))
            mean, n = mean + delta * (m / (n + m)), n + m
        if n == 0:
            raise ValueError("Normalize.of needs at least one sample to learn the mean and the deviation of.")
        return cls(mean, np.sqrt(squares / n))

    def __call__(self, X):
        dtype = X.dtype if X.dtype.kind == "f" else np.dtype(np.float32)
        return (X.astype(dtype) - beside(self.mean, X, dtype)) / beside(self.std, X, dtype)


class Cast:
    """The values in another dtype; a list becomes an array.

    Parameters
    ----------
    dtype : dtype, default="float32"
    """

    def __init__(self, dtype="float32"):
        self.dtype = np.dtype(dtype)

    def __call__(self, X):
        return X.astype(self.dtype) if hasattr(X, "astype") else np.asarray(X, self.dtype)


class OneHot:
    """Class codes as rows with a 1 at the code, else 0.

    Parameters
    ----------
    n_classes : int
        The codes are 0 to ``n_classes - 1``.
    dtype : dtype, default="float32"

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Dataset, OneHot
    >>> data = Dataset(np.zeros((3, 2)), np.array([0, 2, 1]), target_transform=OneHot(3))
    >>> data[[0, 1]][1]
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """

    def __init__(self, n_classes, dtype="float32"):
        self.n_classes, self.dtype = n_classes, np.dtype(dtype)

    def __call__(self, codes):
        if isinstance(codes, np.ndarray) and codes.size and not 0 <= codes.min() <= codes.max() < self.n_classes:
            raise ValueError(
                f"OneHot({self.n_classes}) takes class codes in 0 to {self.n_classes - 1}. Got {codes.min()} to "
                f"{codes.max()}. Encode the labels first, as with numpy.unique(y, return_inverse=True)."
            )
        return (codes[..., None] == beside(np.arange(self.n_classes), codes)).astype(self.dtype)


def beside(values, X, dtype=None):
    """`values` as an array where X is."""
    values = np.asarray(values, dtype)
    if isinstance(X, np.ndarray):
        return values
    return (X.engine if isinstance(X, Tensor) else get_engine(X)).asarray(values)


def _on_host(X):
    return np.asarray(X.get() if hasattr(X, "get") else X)
