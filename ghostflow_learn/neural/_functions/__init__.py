"""The derivatives table: every function that networks are written with, its value and its vjp side by side.

Nothing here speaks of graphs, accumulation, broadcasting or devices. A function is written on arrays of one engine,
with operators, methods and ``engine.xp``; ``differentiable`` lifts it to Tensors.
"""

from . import _operators
from ._arithmetic import (
    absolute,
    add,
    arctan,
    astype,
    clip,
    cos,
    divide,
    exp,
    expm1,
    log,
    log1p,
    logaddexp,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    sin,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)
from ._linear_algebra import einsum, matmul
from ._reductions import cumsum, logsumexp, max, mean, min, prod, sum, var
from ._shapes import (
    broadcast_to,
    concatenate,
    expand_dims,
    flip,
    getitem,
    pad,
    repeat,
    reshape,
    roll,
    scatter_add,
    split,
    squeeze,
    stack,
    swapaxes,
    take,
    take_along_axis,
    transpose,
)

abs = absolute
