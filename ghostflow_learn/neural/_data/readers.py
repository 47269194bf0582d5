"""Data sets from files."""

import gzip
import struct

import numpy as np

from .datasets import Dataset

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path):
    """The array in an IDX file, the format of MNIST; compressed by gzip or not.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    array : ndarray in the file's shape and dtype

    Raises
    ------
    ValueError
        If the file is none of this kind, or ends too early.
    """
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if compressed else open)(path, "rb") as file:
        content = file.read()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise ValueError(f"{path} is no IDX file: it starts with {content[:4]!r}. Pass one, such as train-images-idx3.")
    dtype, n_axes = np.dtype(IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * n_axes
    shape = struct.unpack(f">{n_axes}I", content[4:start]) if len(content) >= start else None
    size = None if shape is None else int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size is None or len(content) != start + size:
        wanted = "its sizes" if size is None else f"{start + size} bytes for an array of shape {shape}"
        raise ValueError(f"{path} has {len(content)} bytes, but needs {wanted}. Download or copy it again.")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def read_csv(path, target=None, *, columns=None, dtype="float32"):
    """A data set from the numbers of a CSV file with a header; needs pandas.

    Parameters
    ----------
    path : str, path or file
    target : str or None, default=None
        The column of the targets, of any type.
    columns : list of str or None, default=None
        The features; by default all columns but the target.
    dtype : dtype, default="float32"
        Of the features.

    Returns
    -------
    data : Dataset
        Its ``feature_names`` are the columns.

    Raises
    ------
    ValueError
        If a column is not in the file, or a feature is not a number.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("read_csv needs pandas. Install it: pip install pandas.") from error
    return _from_frame(pd.read_csv(path), path, target, columns, dtype)


def read_parquet(path, target=None, *, columns=None, dtype="float32"):
    """A data set from the numbers of a parquet file; needs pyarrow. Only the columns asked for are read.

    Parameters are those of :func:`read_csv`.

    Returns
    -------
    data : Dataset
        Its ``feature_names`` are the columns.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ImportError("read_parquet needs pyarrow. Install it: pip install 'ghostflow-learn[parquet]'.") from error
    wanted = None if columns is None else [*columns, *([] if target is None else [target])]
    if wanted is not None:
        _check_columns(parquet.read_schema(path).names, wanted, path)
    table = parquet.read_table(path, columns=wanted)
    return _from_frame({name: table[name].to_numpy() for name in table.column_names}, path, target, columns, dtype)


def _from_frame(frame, path, target, columns, dtype):
    names = [str(name) for name in frame]
    _check_columns(names, [*(columns or ()), *([] if target is None else [target])], path)
    columns = [name for name in names if name != target] if columns is None else list(columns)
    X = np.empty((len(next(iter(frame.values())) if isinstance(frame, dict) else frame), len(columns)), dtype)
    for j, name in enumerate(columns):
        try:
            X[:, j] = np.asarray(frame[name])
        except (ValueError, TypeError):
            raise ValueError(
                f"Column {name!r} of {path} holds values that are no numbers. Leave it out through columns=, or read "
                "the file with pandas and encode it."
            ) from None
    data = Dataset(X, None if target is None else np.asarray(frame[target]))
    data.feature_names = columns
    return data


def _check_columns(names, wanted, path):
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(f"{path} has no column {missing}. Its columns are {names}.")
