"""Samples that are asked for by their positions."""

import numpy as np
from scipy.sparse import issparse


class Dataset:
    """Arrays of equal length, taken row by row: the inputs, and whatever belongs to them.

    A class of one's own needs `__len__`, and `__getitem__` that takes an array of positions and returns a tuple of
    arrays, for data that do not fit into memory.

    Parameters
    ----------
    X : array, sparse matrix or DataFrame of shape (n_samples, ...)
    *others : arrays of shape (n_samples, ...)
        Targets, weights; each batch has them in this order. None is left out.
    transform : callable, default=None
        Applied to the inputs of each batch, such as ``Normalize(mean, std)``.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Dataset
    >>> data = Dataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 1]))
    >>> data[[2, 0]]
    (array([[4., 5.],
           [0., 1.]]), array([1, 0]))
    """

    def __init__(self, X, *others, transform=None):
        self.arrays = tuple(_rows(array) for array in (X, *others) if array is not None)
        self.transform = transform
        lengths = [array.shape[0] for array in self.arrays]
        if len(set(lengths)) > 1:
            raise ValueError(f"All arrays of a Dataset need the same number of samples. Got {lengths}.")

    def __len__(self):
        return self.arrays[0].shape[0]

    def __getitem__(self, positions):
        X, *others = (array[positions] for array in self.arrays)
        if issparse(X):
            X = X.toarray()
        return (X if self.transform is None else self.transform(X), *others)


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
    """

    def __init__(self, mean, std):
        self.mean, self.std = mean, np.where(np.asarray(std) == 0, 1, std)

    def __call__(self, X):
        dtype = X.dtype if X.dtype.kind == "f" else np.dtype(np.float32)
        return (X.astype(dtype) - dtype.type(self.mean)) / dtype.type(self.std)


def _rows(array):
    if issparse(array):
        return array.tocsr()
    if hasattr(array, "to_numpy"):
        return array.to_numpy()
    return array if hasattr(array, "shape") and hasattr(array, "dtype") else np.asarray(array)
