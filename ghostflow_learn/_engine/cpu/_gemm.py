"""Matrix products of parts of flat arrays in compiled code.

`np.dot` in a kernel takes views, whose checks and copies cost the compiler more than a second a call. This is the
BLAS call below it alone.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BYTE, INT, POINTER = ir.IntType(8), ir.IntType(64), ir.IntType(8).as_pointer()
KINDS = {types.float32: b"s", types.float64: b"d"}
GEMM = ir.FunctionType(
    ir.IntType(32), [BYTE, BYTE, BYTE, INT, INT, INT, POINTER, POINTER, INT, POINTER, INT, POINTER, POINTER, INT]
)


def _product(first_transposed, second_transposed):
    """The intrinsic c = a b, where `a` or `b` may be stored transposed.

    C is n_rows x n_columns, from `c[at_c]` on in C order; `n_inner` is what the sum runs over.
    """

    @intrinsic
    def product(typingctx, a, at_a, b, at_b, c, at_c, n_rows, n_inner, n_columns):
        kind = ord(KINDS[c.dtype])

        def codegen(context, builder, signature, args):
            def pointer(i):
                array = context.make_array(signature.args[i])(context, builder, args[i])
                return builder.bitcast(builder.gep(array.data, [args[i + 1]]), POINTER)

            def constant(value):
                slot = cgutils.alloca_once_value(builder, context.get_constant(c.dtype, value))
                return builder.bitcast(slot, POINTER)

            n_rows, n_inner, n_columns = args[6:]
            # BLAS counts columns first: it computes c' = b' a'.
            fn = cgutils.get_or_insert_function(builder.module, GEMM, "numba_xxgemm")
            flags = [ir.Constant(BYTE, ord("t" if flag else "n")) for flag in (second_transposed, first_transposed)]
            lda = n_rows if first_transposed else n_inner
            ldb = n_inner if second_transposed else n_columns
            sizes = [n_columns, n_rows, n_inner]
            operands = [constant(1), pointer(2), ldb, pointer(0), lda, constant(0), pointer(4), n_columns]
            builder.call(fn, [ir.Constant(BYTE, kind), *flags, *sizes, *operands])
            return context.get_dummy_value()

        return types.void(a, types.intp, b, types.intp, c, *[types.intp] * 4), codegen

    return product


product = _product(False, False)
product_first_transposed = _product(True, False)
product_second_transposed = _product(False, True)
