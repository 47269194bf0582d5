"""Arrays in a file of the safetensors layout: a JSON header, then raw bytes. Nothing in it is ever executed."""

import json
import math
import os
import secrets

import numpy as np

from .._engine import get_engine
from ._module import Module
from ._tensor import Tensor

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
CODES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}
BF16 = "BF16"  # read only: NumPy has no such type, float32 holds its values
METADATA = "__metadata__"
LONGEST_HEADER = 100_000_000  # bytes, of the safetensors package too
MOST_DIMENSIONS = 32


def save(arrays, path, metadata=None):
    """Write named arrays, or the state of a module, to a file in the safetensors layout.

    The file holds no code, so that reading one from a stranger is safe; other libraries read it, and it can be mapped
    into memory. It is written beside `path` and moved there when it is complete: what was there before stays until
    then.

    Parameters
    ----------
    arrays : dict of arrays or Tensors, or Module
        By name; float16, float32, float64, integers or bool, on any device. Of a module its :meth:`Module.state_dict`.
    path : str or path-like
        By custom it ends in ``.safetensors``.
    metadata : dict of str to str, default=None
        Notes to keep with the arrays.

    Raises
    ------
    TypeError
        If an array has a type that the layout does not know, such as object or complex, or a name is no string.

    References
    ----------
    The layout: https://huggingface.co/docs/safetensors

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from ghostflow_learn import neural
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> neural.save({"weight": np.eye(2), "steps": np.array(7)}, path, metadata={"trained on": "nothing"})
    >>> neural.load(path)["weight"]
    array([[1., 0.],
           [0., 1.]])
    """
    arrays = arrays.state_dict() if isinstance(arrays, Module) else dict(arrays)
    _check_names(arrays, metadata)
    arrays = {name: _as_stored(name, array) for name, array in arrays.items()}
    # Nothing may lie between arrays: the widest first keeps each at a multiple of its item's size.
    arrays = dict(sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])))
    header = _encode(arrays, metadata)
    with _Replacement(path) as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for array in arrays.values():
            file.write(array.reshape(-1).view(np.uint8))


def load(path, *, memory_map=False, return_metadata=False):
    """Read the arrays of a file in the safetensors layout, ours or another library's.

    Parameters
    ----------
    path : str or path-like
    memory_map : bool, default=False
        Whether the arrays are read-only views of the file, which is then read where and when they are used. The file
        must stay as it is while they are in use.
    return_metadata : bool, default=False
        Whether to return the metadata as well.

    Returns
    -------
    arrays : dict of ndarray
        By name, in the order of the file. bfloat16, which NumPy lacks, becomes float32.
    metadata : dict of str
        Only if `return_metadata`.

    Raises
    ------
    ValueError
        If the file is cut off, damaged, or of another kind; the message says where.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        header, start = _read_header(file, size, path)
        metadata = header.pop(METADATA, {})
        entries = _checked_entries(header, metadata, size - start, path)
        if memory_map:
            whole = np.memmap(path, dtype=np.uint8, mode="r")
            found = {name: np.asarray(whole[start + first : start + end]) for name, _, _, first, end in entries}
        else:
            found = {name: _read(file, start + first, end - first, path) for name, _, _, first, end in entries}
    arrays = {name: _as_array(found[name], code, shape, name, path) for name, code, shape, _, _ in entries}
    return (arrays, metadata) if return_metadata else arrays


def load_into(module, path):
    """Copy the arrays of a file into the parameters and buffers of a module.

    Parameters
    ----------
    module : Module
        With the names and shapes of the file; a module that takes its sizes from the data must have seen a batch.
    path : str or path-like
        Written by ``save(module, path)``.

    Returns
    -------
    module : Module
    """
    return module.load_state_dict(load(path))


class _Replacement:
    """A new file beside `path` that takes its place on success, and goes away on failure."""

    def __init__(self, path):
        self.path = os.path.realpath(path)  # a link stays a link
        folder, name = os.path.split(self.path)
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"there is no folder {folder} to write {name} into. Create it first.")
        self.temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")

    def __enter__(self):
        self.file = open(self.temporary, "xb")
        return self.file

    def __exit__(self, kind, *exception):
        try:
            with self.file:
                if kind is None:
                    self.file.flush()
                    os.fsync(self.file.fileno())
            if kind is None:
                os.replace(self.temporary, self.path)
        finally:
            if os.path.exists(self.temporary):
                os.unlink(self.temporary)


def _check_names(arrays, metadata):
    wrong = [name for name in arrays if not isinstance(name, str)]
    if wrong:
        raise TypeError(f"names of arrays must be strings; got {wrong[0]!r}.")
    if METADATA in arrays:
        raise ValueError(f"an array cannot be called {METADATA!r}: the layout keeps the metadata there. Rename it.")
    for key, value in (metadata or {}).items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata must map strings to strings; got {key!r}: {value!r}. Use json.dumps for more.")


def _as_stored(name, array):
    """C-ordered, in host memory, least significant byte first."""
    array = array.data if isinstance(array, Tensor) else array
    array = get_engine(array).to_numpy(array)
    dtype = array.dtype.newbyteorder("<")
    if dtype not in CODES:
        raise TypeError(
            f"array {name!r} is of type {array.dtype}, which the file cannot hold: float16, float32, float64, integers "
            "and bool can. Convert it, or leave it out."
        )
    return np.asarray(array, dtype=dtype, order="C")


def _encode(arrays, metadata):
    header, end = {METADATA: dict(metadata)} if metadata else {}, 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": CODES[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays start at a multiple of 8
    if len(text) > LONGEST_HEADER:
        raise ValueError(f"names and metadata take {len(text)} bytes; a file can hold {LONGEST_HEADER}. Save less.")
    return text


def _read_header(file, size, path):
    """The header as a dict, and where the bytes of the arrays start."""
    n = int.from_bytes(file.read(8), "little")
    if size < 8 or n > LONGEST_HEADER:
        raise _damaged(path, f"it does not start with the length of a header ({size} bytes in all)")
    if n > size - 8:
        raise _damaged(path, f"its header has {n} bytes, but only {max(0, size - 8)} are there")
    try:
        header = json.loads(file.read(n).decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its header cannot be read ({error})") from None
    if not isinstance(header, dict):
        raise _damaged(path, "its header is no table of arrays")
    return header, 8 + n


def _without_duplicates(pairs):
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return table


def _checked_entries(header, metadata, n_bytes, path):
    """(name, code, shape, start, end) of each array; together they cover all bytes, each once."""
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(path, "its metadata are no strings")
    entries = [_entry(name, fields, path) for name, fields in header.items()]
    end = 0
    for name, _, _, start, stop in sorted(entries, key=lambda entry: entry[3:]):
        if start != end:
            what = "overlaps the one before" if start < end else "leaves a gap before it"
            raise _damaged(path, f"array {name!r} {what}: it starts at byte {start}, after byte {end}")
        end = stop
    if end != n_bytes:
        raise _damaged(path, f"its arrays take {end} bytes, but {n_bytes} are there")
    return entries


def _entry(name, fields, path):
    try:
        code, shape, (start, end) = fields["dtype"], tuple(fields["shape"]), fields["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise _damaged(path, f"array {name!r} lacks a dtype, a shape or two offsets") from None
    if not isinstance(code, str) or code not in {*DTYPES, BF16}:
        raise ValueError(
            f"{path}: array {name!r} is of type {code!r}; only {', '.join(DTYPES)} and {BF16} can be read."
        )
    numbers = (*shape, start, end)
    if not all(type(number) is int and 0 <= number < 2**63 for number in numbers) or len(shape) > MOST_DIMENSIONS:
        raise _damaged(path, f"array {name!r} has the shape {list(shape)} and the offsets {start}, {end}")
    item = 2 if code == BF16 else np.dtype(DTYPES[code]).itemsize
    # Empty arrays have no bytes, but NumPy counts with their other dimensions.
    if math.prod(shape) * item != end - start or math.prod(filter(None, shape)) * item >= 2**63:
        raise _damaged(path, f"array {name!r} of type {code} and shape {list(shape)} has {end - start} bytes")
    return name, code, shape, start, end


def _read(file, start, n_bytes, path):
    content = np.empty(n_bytes, dtype=np.uint8)
    file.seek(start)
    if file.readinto(content) != n_bytes:
        raise _damaged(path, "it became shorter while it was read")
    return content


def _as_array(content, code, shape, name, path):
    if code == BF16:  # the upper half of a float32
        return (content.view("<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if code == "BOOL" and content.size and content.max() > 1:
        raise _damaged(path, f"array {name!r} of type BOOL has bytes other than 0 and 1")
    return content.view(DTYPES[code]).reshape(shape)


def _damaged(path, how):
    return ValueError(f"{path} is no whole safetensors file: {how}. Fetch or save it again.")
