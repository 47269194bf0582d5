"""Class labels, as MLPClassifier keeps them: in a LabelBinarizer, which converters of models read."""

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ghostflow_learn._engine import get_engine


def to_host(y):
    return y if hasattr(y, "tocsr") else get_engine(y).to_numpy(y)


def as_column(y):
    """`y` with one axis where it has one column; scikit-learn's warning tells of that."""
    return column_or_1d(to_host(y), warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def binarizer_of(y, classes):
    """A fitted LabelBinarizer: for `classes`, or for the columns of a `y` of labels."""
    if y.ndim == 2:
        return LabelBinarizer().fit(to_host(y))
    if isinstance(y, np.ndarray) and y.dtype.kind not in "biuU":  # integers and strings are always classes
        check_classification_targets(y)
    return LabelBinarizer().fit(np.repeat(classes, 2))  # twice: scikit-learn warns of labels that each occur once


def check_known(seen, classes, all_of_them):
    """Raise ValueError if labels are `seen` that are not in `classes`, or, with `all_of_them`, if some are missing."""
    if all_of_them:
        if set(seen) != set(classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {classes}, `y` has {seen}"
            )
    elif len(np.setdiff1d(seen, classes, assume_unique=True)):
        raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {classes}. 'y' has {seen}.")
