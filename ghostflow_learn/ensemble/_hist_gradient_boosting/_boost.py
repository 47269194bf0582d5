"""Boosting: one tree after another, each on the gradients that the ones before it leave."""

from collections import namedtuple

import numpy as np

from . import _sampling

# What an iteration does.
#
# loss      : the loss object of the estimator
# formulas  : list of Loss, if the engine has the gradients of `loss`: one, or one for each output; else None
# quantiles : list of floats, one for each output, where leaf values are quantiles of residuals; else None
# growth    : Growth
# max_iter  : int
# subsample : float; 1 for all samples
# sampling  : {"uniform", "goss"}
# rng       : numpy.random.Generator that draws them
# masks     : _sampling.FeatureMasks, or None
Plan = namedtuple("Plan", "loss formulas quantiles growth max_iter subsample sampling rng masks")


def boost(engine, bins, y, sample_weight, raw, plan, start=0):
    """Yield the trees of each iteration, one for each output, and the raw predictions that include them.

    Parameters
    ----------
    engine : module
    bins : Bins
    y : (n_samples,) float64
    sample_weight : (n_samples,) float64 or None
    raw : (n_outputs, n_samples) float64
        Raw predictions before the first iteration; overwritten.
    plan : Plan
    start : int
        Iterations that were made before.
    """
    packed = leaves = None
    for iteration in range(start, plan.max_iter):
        rows, weight = _sample(engine, y, raw, sample_weight, plan, iteration)
        packed = None  # right before the next: a small array that comes between and stays would take the place
        packed = derivatives(engine, y, raw, weight, plan, iteration)
        leaves = None
        trees, leaves = _grow(engine, bins, packed, plan, iteration, rows)
        if not plan.loss.differentiable:
            trees = _with_best_leaves(engine, trees, leaves, y, raw, weight, rows, plan)
        raw = engine.boosting.update(raw, trees, leaves)
        yield trees, raw


def _sample(engine, y, raw, sample_weight, plan, iteration):
    """The samples to grow on, None for all, and the weights of all samples."""
    if plan.subsample == 1:
        return None, sample_weight
    if plan.sampling == "uniform":
        return _sampling.draw_rows(engine, len(y), plan.subsample, plan.rng), sample_weight
    packed = derivatives(engine, y, raw, sample_weight, plan, iteration)
    rows, factors = _sampling.draw_by_gradient(engine, packed, plan.subsample, plan.rng)
    return rows, factors if sample_weight is None else factors * sample_weight


def derivatives(engine, y, raw, sample_weight, plan, iteration):
    """Gradients and hessians of the loss, packed. Their rounding depends on the iteration alone, not on a seed."""
    if plan.formulas is not None:
        one_each = len(plan.formulas) > 1
        return _joined(
            engine,
            [
                engine.boosting.gradients(formula, y, raw[k : k + 1] if one_each else raw, sample_weight, iteration)
                for k, formula in enumerate(plan.formulas)
            ],
        )
    weight = None if sample_weight is None else engine.to_numpy(sample_weight)
    raw = np.ascontiguousarray(engine.to_numpy(raw).T)
    pair = plan.loss.gradient_hessian(y_true=engine.to_numpy(y), raw_prediction=raw, sample_weight=weight)
    gradient, hessian = (_checked(engine, plan.loss, array, raw.shape) for array in pair)
    return engine.histogram.pack(gradient, hessian, iteration)


def _joined(engine, parts):
    """The gradients of several outputs, from those of each."""
    if len(parts) == 1:
        return parts[0]
    words, units = (engine.xp.concatenate(arrays) for arrays in list(zip(*parts))[:2])
    return parts[0]._replace(words=words, units=units)


def _checked(engine, loss, array, shape):
    """A gradient or hessian that an own loss returned, as (n_outputs, n_samples)."""
    array = np.asarray(array, dtype=np.float64)
    if array.size != np.prod(shape) or not np.isfinite(array).all():
        finite = "finite" if np.isfinite(array).all() else "not all finite"
        raise ValueError(
            f"gradient_hessian of the loss {loss!r} must return two arrays of finite numbers of shape {shape}, or "
            f"{shape[:1]} for one output. Got one of shape {array.shape}, {finite}."
        )
    return engine.asarray(np.ascontiguousarray(array.reshape(shape).T))


def _grow(engine, bins, packed, plan, iteration, rows):
    if plan.masks is None:
        return engine.boosting.grow(bins, packed, plan.growth, seed=iteration, rows=rows)
    masks = plan.masks.draw()
    trees, leaves, n_used = engine.boosting.grow(bins, packed, plan.growth, seed=iteration, rows=rows, masks=masks)
    plan.masks.keep(int(n_used))
    return trees, leaves


def _with_best_leaves(engine, trees, leaves, y, raw, sample_weight, rows, plan):
    """Trees whose leaf values minimise the loss, where it has kinks and a Newton step says little (line search)."""
    if rows is not None:
        leaves, y, raw = leaves[:, rows], y[rows], raw[:, rows]
        sample_weight = None if sample_weight is None else sample_weight[rows]
    renewed = []
    for k, tree in enumerate(trees):
        nodes = engine.to_numpy(tree.nodes).copy()
        values = _best_values(engine, k, y, raw[k], leaves[k], len(nodes), sample_weight, plan)
        is_leaf = nodes["is_leaf"] == 1
        nodes["value"][is_leaf] = plan.growth.learning_rate * values[is_leaf]
        renewed.append(tree._replace(nodes=nodes))
    return renewed


def _best_values(engine, k, y, raw, leaves, n_nodes, sample_weight, plan):
    if plan.quantiles is not None:
        op = engine.boosting.leaf_quantiles
        return engine.to_numpy(op(y, raw, leaves, n_nodes, plan.quantiles[k], sample_weight))
    y, raw, leaves = (engine.to_numpy(array) for array in (y, raw, leaves))
    weight = None if sample_weight is None else engine.to_numpy(sample_weight)
    values = np.zeros(n_nodes)
    for node in np.unique(leaves):
        i = np.flatnonzero(leaves == node)
        values[node] = plan.loss.fit_intercept_only(y[i] - raw[i], None if weight is None else weight[i])
    return values
