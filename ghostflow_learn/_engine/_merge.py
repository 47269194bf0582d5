"""Moments of several parts of the data put together, the same on every engine."""


def merge(weight, mean, ssd):
    total = weight.sum(axis=0)
    # About the mean of one part, so that a constant feature keeps its value to the last bit.
    shift = mean[weight.shape[0] // 2]
    center = shift + (weight * (mean - shift)).sum(axis=0) / (total + (total == 0))
    return total, center, (ssd + weight * (mean - center) ** 2).sum(axis=0)
