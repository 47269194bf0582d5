"""Categories as codes: what is done to the columns of X before they are binned."""

import itertools
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.utils import check_array

from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation._boosting import is_scalar_nan

LARGEST_LISTED = 2**16  # whole numbers below it are told apart by a table


def is_table(X):
    """Whether the columns of `X` may be something else than numbers."""
    return hasattr(X, "columns") or getattr(getattr(X, "dtype", None), "kind", "f") not in "biuf"


def categories_first(is_categorical):
    """A transformer: the codes of the categories, NaN where missing or unknown, then the numbers."""
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, dtype=np.float64
    )
    numbers = FunctionTransformer(partial(check_array, dtype=[np.float64], ensure_all_finite=False))
    steps = [("encoder", encoder, is_categorical), ("numerical", numbers, ~is_categorical)]
    return ColumnTransformer(steps).set_output(transform="default")


def fitted_on_array(X, is_categorical):
    """:func:`categories_first`, fitted; only the distinct values of the columns of `X` come to the host."""
    engine = get_engine(X)
    values = [engine.to_numpy(_distinct(engine.xp, X[:, j])) for j in np.flatnonzero(is_categorical)]
    return fitted_on_categories(values, is_categorical)


def fitted_on_categories(values, is_categorical, names=None):
    """:func:`categories_first`, fitted on the distinct values of each categorical column.

    Parameters
    ----------
    values : list of arrays
    is_categorical : (n_features,) bool
    names : (n_features,) array, optional
        Of the columns, where they come in tables.
    """
    n_rows = max(map(len, values))
    columns = [np.zeros(max(1, n_rows)) for _ in is_categorical]
    for j, some in zip(np.flatnonzero(is_categorical), values):
        columns[j] = np.resize(np.asarray(some, dtype=None if names is None else object), max(1, n_rows))
    if names is None:
        return categories_first(is_categorical).fit(np.column_stack(columns))
    import pandas as pd

    return categories_first(is_categorical).fit(pd.DataFrame(dict(zip(names, columns))))


def encode(X, preprocessor):
    """What `preprocessor`, from :func:`fitted_on_array` or :func:`categories_first`, makes of an array of numbers."""
    engine = get_engine(X)
    xp, X = engine.xp, engine.asarray(X)
    encoder, is_categorical = preprocessor.named_transformers_["encoder"], preprocessor.transformers_[0][2]
    encoded = xp.empty_like(X)
    for k, (j, categories) in enumerate(zip(np.flatnonzero(is_categorical), encoder.categories_)):
        encoded[:, k] = _codes(xp, X[:, j], np.asarray(categories, dtype=np.float64))
    encoded[:, k + 1 :] = X[:, np.flatnonzero(~is_categorical)]
    return encoded


def _distinct(xp, column):
    """Its values, ascending, NaN once and last."""
    table = _table_positions(xp, column)
    if table is None:
        return xp.unique(column)
    present = xp.zeros(LARGEST_LISTED + 1, dtype=bool)
    present[table] = True
    found = xp.flatnonzero(present)
    return xp.where(found == LARGEST_LISTED, xp.nan, found)


def _codes(xp, column, categories):
    """The place of each value among `categories`, NaN for NaN and for others."""
    known = xp.asarray(categories[~np.isnan(categories)])
    table = _table_positions(xp, column)
    if not len(known):
        return xp.full(len(column), xp.nan)
    if table is not None and _table_positions(xp, known) is not None:
        codes = xp.full(LARGEST_LISTED + 1, xp.nan)
        codes[known.astype(np.int64)] = xp.arange(len(known))
        return codes[table]
    codes = xp.searchsorted(known, column).clip(max=len(known) - 1)
    return xp.where(known[codes] == column, codes, xp.nan)


def _table_positions(xp, column):
    """Whole numbers below LARGEST_LISTED as they are and NaN as that; None if there are other values."""
    with np.errstate(invalid="ignore"):
        whole = column.astype(np.int64)
    missing = column != column
    listed = (whole == column) & (whole >= 0) & (whole < LARGEST_LISTED)
    return xp.where(missing, LARGEST_LISTED, whole) if bool((listed | missing).all()) else None


def known_categories(preprocessor, is_categorical, max_bins):
    """For each column of what `preprocessor` gives: None, or the codes of its categories, 0, 1, ... as floats.

    Raises
    ------
    ValueError
        If a feature has more than `max_bins` of them.
    """
    encoder = preprocessor.named_transformers_["encoder"]
    known = [None] * preprocessor.n_features_in_
    origins = np.flatnonzero(is_categorical)
    for j, categories in enumerate(encoder.categories_):
        n_categories = len(categories) - (len(categories) > 0 and is_scalar_nan(categories[-1]))
        if n_categories > max_bins:
            names = getattr(encoder, "feature_names_in_", None)
            name = f"at index {origins[j]}" if names is None else repr(names[j])
            raise ValueError(
                f"Categorical feature {name} is expected to have a cardinality <= {max_bins} but actually has a "
                f"cardinality of {n_categories}. Raise max_bins (255 at most), merge rare categories, or encode it "
                "as numbers."
            )
        known[j] = np.arange(n_categories, dtype=np.float64)
    return known


def interaction_groups(interaction_cst, n_features):
    """`interaction_cst` as a list of sets of features, or None; features that no set names are a set of their own."""
    if interaction_cst is None:
        return None
    named = {"no_interactions": 1, "pairwise": 2}
    if isinstance(interaction_cst, str):
        interaction_cst = itertools.combinations(range(n_features), named[interaction_cst])
    try:
        groups = [set(group) for group in interaction_cst]
    except TypeError:
        raise ValueError(
            f"Interaction constraints must be a sequence of tuples or lists, got: {interaction_cst!r}."
        ) from None
    for group in groups:
        if not all(isinstance(j, Integral) and 0 <= j < n_features for j in group):
            raise ValueError(
                f"Interaction constraints must consist of integer indices in [0, n_features - 1] = [0, "
                f"{n_features - 1}], specifying the position of features, got invalid indices: {group!r}"
            )
    rest = set(range(n_features)).difference(*groups)
    return groups + [rest] if rest else groups
