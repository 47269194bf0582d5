"""Products of small matrices, tile by tile in vector registers.

BLAS takes longer for its call, and to copy its arguments into the order it wants, than such a product takes. Matrices
are parts of flat arrays, their columns are samples, as many as `padded` gives: rows of whole vectors, no remainder.
"""

import itertools

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

# Bytes of a vector, by the features that Numba compiles for: they are part of the name of what it keeps on disk.
BYTES = 64 if "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2] else 32
ROWS = 4
VECTORS = 4 if BYTES == 64 else 2  # so many vectors of as many rows are added up in registers
INT, N = ir.IntType(64), types.intp
CONTRACT = ("contract",)
FLOATS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


def padded(n_samples, dtype):
    """The least number of columns of whole vectors."""
    lanes = BYTES // np.dtype(dtype).itemsize
    return -(-n_samples // lanes) * lanes


def aligned(size, dtype):
    """An empty array that begins where a vector may: no vector lies in two lines of the cache."""
    n_bytes = size * np.dtype(dtype).itemsize
    raw = np.empty(n_bytes + BYTES, np.uint8)
    start = -raw.ctypes.data % BYTES
    return raw[start : start + n_bytes].view(dtype)


class _Code:
    """What is repeated in the code of a product of numbers of one type."""

    def __init__(self, context, builder, signature, args):
        self.context, self.builder, self.signature, self.args = context, builder, signature, args
        array = next(arg for arg in signature.args if isinstance(arg, types.Array))
        self.number = FLOATS[array.dtype]
        self.lanes = BYTES // (4 if array.dtype == types.float32 else 8)
        self.vector = ir.VectorType(self.number, self.lanes)

    def start(self, i):
        """The address of the number that arguments i, an array, and i + 1, an index, name."""
        array = self.context.make_array(self.signature.args[i])(self.context, self.builder, self.args[i])
        return self.builder.gep(array.data, [self.args[i + 1]])

    def int(self, value):
        return ir.Constant(INT, value)

    def times(self, a, b):
        return self.builder.mul(a, self.int(b) if isinstance(b, int) else b)

    def loop(self, start, stop, step):
        return cgutils.for_range_slice(self.builder, start, stop, self.int(step), INT)

    def rows(self, first, n_rows):
        """Four rows; beyond the last it is the last again, which then is computed more than once."""
        last = self.builder.sub(n_rows, self.int(1))
        rows = [self.builder.add(first, self.int(k)) for k in range(ROWS)]
        return [self.builder.select(self.builder.icmp_signed("<", row, last), row, last) for row in rows]

    def load(self, address):
        return self.builder.load(self.builder.bitcast(address, self.vector.as_pointer()), align=4)

    def store(self, vector, address):
        self.builder.store(vector, self.builder.bitcast(address, self.vector.as_pointer()), align=4)

    def spread(self, number):
        """The number in every lane."""
        empty, place = ir.Constant(self.vector, ir.Undefined), ir.IntType(32)
        one = self.builder.insert_element(empty, number, ir.Constant(place, 0))
        return self.builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(place, self.lanes), [0] * self.lanes))

    def sums(self, initial):
        """Places of sums, which end up in registers."""
        places = [cgutils.alloca_once(self.builder, self.vector) for _ in initial]
        for place, value in zip(places, initial):
            self.builder.store(value, place)
        return places

    def add_product(self, place, a, b):
        product = self.builder.fmul(a, b, flags=CONTRACT)
        self.builder.store(self.builder.fadd(self.builder.load(place), product, flags=CONTRACT), place)

    def total(self, place):
        """The sum of all lanes."""
        kind = ir.FunctionType(self.number, [self.number, self.vector])
        name = f"llvm.vector.reduce.fadd.v{self.lanes}f{8 * BYTES // self.lanes}"
        add = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(add, [ir.Constant(self.number, 0), self.builder.load(place)], fastmath=("reassoc",))


def _tile_of_combinations(code, i, row, n_vectors, has_bias):
    """Rows [row, row + 4) of the result, `n_vectors` vectors of each from column i on."""
    builder = code.builder
    w, of_row, of_term, a, out = code.start(0), code.args[2], code.args[3], code.start(4), code.start(6)
    n_rows, n_terms, n_columns = code.args[-3:]
    rows = code.rows(row, n_rows)
    factors = [builder.gep(w, [code.times(r, of_row)]) for r in rows]
    vectors = [builder.add(i, code.int(v * code.lanes)) for v in range(n_vectors)]
    zero = ir.Constant(code.vector, [0.0] * code.lanes)
    initial = [code.spread(builder.load(builder.gep(code.start(8), [r]))) for r in rows] if has_bias else [zero] * ROWS
    sums = code.sums([value for value in initial for _ in vectors])
    with code.loop(code.int(0), n_terms, 1) as (t, _):
        first, at = code.times(t, n_columns), code.times(t, of_term)
        terms = [code.load(builder.gep(a, [builder.add(first, v)])) for v in vectors]
        weights = [code.spread(builder.load(builder.gep(factor, [at]))) for factor in factors]
        for place, (weight, term) in zip(sums, itertools.product(weights, terms)):
            code.add_product(place, weight, term)
    for place, (r, v) in zip(sums, itertools.product(rows, vectors)):
        code.store(builder.load(place), builder.gep(out, [builder.add(code.times(r, n_columns), v)]))


def _combine(context, builder, signature, args, has_bias):
    code = _Code(context, builder, signature, args)
    n_rows, _, n_columns = args[-3:]
    wide = VECTORS * code.lanes
    middle = code.times(builder.sdiv(n_columns, code.int(wide)), wide)
    for start, stop, n_vectors in ((code.int(0), middle, VECTORS), (middle, n_columns, 1)):
        with code.loop(start, stop, n_vectors * code.lanes) as (i, _), code.loop(code.int(0), n_rows, ROWS) as (row, _):
            _tile_of_combinations(code, i, row, n_vectors, has_bias)
    return context.get_dummy_value()


@intrinsic
def combine(typingctx, w, at_w, of_row, of_term, a, at_a, out, at_out, n_rows, n_terms, n_columns):
    """out[r, i] = sum over t of w[r of_row + t of_term] a[t, i], each array from its `at` on."""

    def codegen(*args):
        return _combine(*args, has_bias=False)

    return types.void(w, N, N, N, a, N, out, N, N, N, N), codegen


@intrinsic
def combine_and_add(typingctx, w, at_w, of_row, of_term, a, at_a, out, at_out, b, at_b, n_rows, n_terms, n_columns):
    """The same plus b[r]."""

    def codegen(*args):
        return _combine(*args, has_bias=True)

    return types.void(w, N, N, N, a, N, out, N, b, N, N, N, N), codegen


@intrinsic
def dots(typingctx, a, at_a, b, at_b, out, at_out, n_a, n_b, n_columns):
    """out[r, s] = sum over i of a[r, i] b[s, i], each array from its `at` on."""

    def codegen(context, builder, signature, args):
        code = _Code(context, builder, signature, args)
        n_a, n_b, n_columns = args[-3:]
        a, b, out = code.start(0), code.start(2), code.start(4)
        zero = ir.Constant(code.vector, [0.0] * code.lanes)
        with code.loop(code.int(0), n_a, ROWS) as (row, _), code.loop(code.int(0), n_b, ROWS) as (column, _):
            rows, columns = code.rows(row, n_a), code.rows(column, n_b)
            of_a, of_b = ([code.times(r, n_columns) for r in some] for some in (rows, columns))
            sums = code.sums([zero] * ROWS**2)
            with code.loop(code.int(0), n_columns, code.lanes) as (i, _):
                left, right = (
                    [code.load(builder.gep(array, [builder.add(first, i)])) for first in firsts]
                    for array, firsts in ((a, of_a), (b, of_b))
                )
                for place, (x, y) in zip(sums, itertools.product(left, right)):
                    code.add_product(place, x, y)
            for place, (r, s) in zip(sums, itertools.product(rows, columns)):
                builder.store(code.total(place), builder.gep(out, [builder.add(code.times(r, n_b), s)]))
        return context.get_dummy_value()

    return types.void(a, N, b, N, out, N, N, N, N), codegen
