"""How much each neighbour counts."""


def neighbor_weights(engine, dists, weights):
    """(n_queries, n_neighbors) weights, or None where all count the same.

    "distance" weighs by the inverse of the distance; where some are 0, those neighbours alone count.
    """
    if weights is None or (isinstance(weights, str) and weights == "uniform"):
        return None
    if callable(weights):
        return weights(dists)
    xp = engine.xp
    touching = dists == 0
    touched = touching.any(axis=1)[:, None]
    return xp.where(touched, touching, 1 / xp.where(touched, 1, dists))
