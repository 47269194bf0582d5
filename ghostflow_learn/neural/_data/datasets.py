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
    target_transform : callable, default=None
        Applied to the first of `others`, such as ``OneHot(10)``.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Dataset
    >>> data = Dataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 1]))
    >>> data[[2, 0]]
    (array([[4., 5.],
           [0., 1.]]), array([1, 0]))
    """

    def __init__(self, X, *others, transform=None, target_transform=None):
        self.arrays = tuple(_rows(array) for array in (X, *others) if array is not None)
        self.transform, self.target_transform = transform, target_transform
        lengths = [array.shape[0] for array in self.arrays]
        if len(set(lengths)) > 1:
            raise ValueError(f"All arrays of a Dataset need the same number of samples. Got {lengths}.")
        if target_transform is not None and len(lengths) < 2:
            raise ValueError("target_transform needs targets: pass them after X.")

    def __len__(self):
        return self.arrays[0].shape[0]

    def __getitem__(self, positions):
        X, *others = (array[positions] for array in self.arrays)
        if issparse(X):
            X = X.toarray()
        if self.target_transform is not None:
            others[0] = self.target_transform(others[0])
        return (X if self.transform is None else self.transform(X), *others)


def is_dataset(data):
    """Whether `data` is asked by positions for tuples, as a Dataset is, and is no array."""
    return not hasattr(data, "shape") and not isinstance(data, (list, tuple))


def _rows(array):
    if issparse(array):
        return array.tocsr()
    if hasattr(array, "to_numpy"):
        return array.to_numpy()
    return array if hasattr(array, "shape") and hasattr(array, "dtype") else np.asarray(array)
