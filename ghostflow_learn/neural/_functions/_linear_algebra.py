"""Products of matrices: value and vjp side by side."""

from math import prod

from .._tensor import differentiable


@differentiable
def matmul(engine, a, b):
    """The matrix product over the last two axes, the others broadcast; a vector counts as a row or a column."""

    def vjp(g, needed):
        left, right = a[None, :] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
        g = g[..., None] if b.ndim == 1 else g
        g = g[..., None, :] if a.ndim == 1 else g
        for_a = g @ right.swapaxes(-1, -2) if needed[0] else None
        if not needed[1]:
            for_b = None
        elif right.ndim == 2 < left.ndim:  # one product, not one for each matrix of a
            n = prod(left.shape[:-1])
            for_b = left.reshape(n, left.shape[-1]).T @ g.reshape(n, right.shape[1])
        else:
            for_b = left.swapaxes(-1, -2) @ g
        if a.ndim == 1 and for_a is not None:
            for_a = for_a[..., 0, :]
        if b.ndim == 1 and for_b is not None:
            for_b = for_b[..., 0]
        return for_a, for_b

    return a @ b, vjp


@differentiable
def _einsum(engine, *arrays, formula):
    names, _, result = formula.partition("->")
    names = names.split(",")

    def vjp(g, needed):
        return tuple(for_one(g, i) if needs else None for i, needs in enumerate(needed))

    def for_one(g, i):
        others = [(names[j], arrays[j]) for j in range(len(arrays)) if j != i]
        known = "".join([result, *(name for name, _ in others)])
        lone = [a for a, letter in enumerate(names[i]) if letter not in known]  # summed there: the gradient is constant
        wanted = "".join(letter for letter in names[i] if letter in known)
        operands = ",".join([result, *(name for name, _ in others)])
        part = engine.xp.einsum(f"{operands}->{wanted}", g, *(array for _, array in others))
        for axis in lone:
            part = engine.xp.expand_dims(part, axis)
        return engine.xp.broadcast_to(part, arrays[i].shape)

    return engine.xp.einsum(formula, *arrays), vjp


def einsum(formula, *tensors):
    """A sum of products named by letters, such as "ij,jk->ik"; the result is named, no operand has a letter twice."""
    formula = formula.replace(" ", "")
    operands, arrow, _ = formula.partition("->")
    if not arrow or "." in formula or any(len(set(name)) < len(name) for name in operands.split(",")):
        raise ValueError(
            f"einsum needs a formula such as 'ij,jk->ik', with '->', without '...' and no letter twice in an operand; "
            f"got {formula!r}."
        )
    return _einsum(*tensors, formula=formula)


@differentiable(fused=True)
def solve(engine, a, b):
    """x of a x = b, for square matrices a and matrices b of right-hand sides."""
    solve = engine.xp.linalg.solve
    x = solve(a, b)

    def vjp(g, needed):
        for_b = solve(a.swapaxes(-1, -2), g)
        return -for_b @ x.swapaxes(-1, -2) if needed[0] else None, for_b

    return x, vjp
