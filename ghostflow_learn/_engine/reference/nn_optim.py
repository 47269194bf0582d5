"""One step of an optimizer, in place on flat arrays that hold all parameters of a model.

In all of them

    params, grads : (n_params,) float32 or float64
    velocity, m, v, v_max, square : like params
        What the optimizer remembers; zeros before the first step. They and `params` are changed, and returned.
    rates : namedtuple of floats from ``_neural``
    start, stop : int
        The range of the flat arrays that these rates are for.
    segments : tuple of (start, stop)
        The tensors in the flat arrays, each with a norm of its own. What lies between them is left alone.
    scale : (1,), dtype of params, or None
        Factor of the gradients, on the device: for clipping by their norm, or to undo a scaled loss.

The gradient g of a step is ``scale * grads + decay * params``, after which ``params *= 1 - shrink``.
"""

import numpy as np


def sgd(params, grads, velocity, rates, start, stop, scale=None):
    """Gradient descent with momentum, in the form of scikit-learn: v = momentum v - lr g; params += v.

    With Nesterov's momentum params += momentum v - lr g.

    Parameters
    ----------
    params, grads
    velocity : like params, or None where momentum is 0
    rates : SgdRates
    start, stop, scale

    Returns
    -------
    params, velocity
    """
    p, step = params[start:stop], rates.lr * _gradient(params, grads, rates, start, stop, scale)
    p *= 1 - rates.shrink
    if velocity is None:
        p -= step
        return params, velocity
    v = velocity[start:stop]
    v[...] = rates.momentum * v - step
    p += rates.momentum * v - step if rates.nesterov else v
    return params, velocity


def adam(params, grads, m, v, rates, start, stop, scale=None):
    """Adam (Kingma and Ba, arXiv:1412.6980), or AdamW with `rates.shrink`.

    params -= step m / (root_correction sqrt(v) + eps).

    Parameters
    ----------
    params, grads, m, v
    rates : AdamRates
    start, stop, scale

    Returns
    -------
    params, m, v
    """
    p = params[start:stop]
    first, second = _moments(params, grads, m, v, rates, start, stop, scale)
    p *= 1 - rates.shrink
    p -= rates.step * first / (rates.root_correction * np.sqrt(second) + rates.eps)
    return params, m, v


def amsgrad(params, grads, m, v, v_max, rates, start, stop, scale=None):
    """Adam with the largest second moment so far (Reddi et al., ICLR 2018).

    Parameters
    ----------
    params, grads, m, v, v_max
    rates : AdamRates
    start, stop, scale

    Returns
    -------
    params, m, v, v_max
    """
    p = params[start:stop]
    first, second = _moments(params, grads, m, v, rates, start, stop, scale)
    largest = np.maximum(v_max[start:stop], second, out=v_max[start:stop])
    p *= 1 - rates.shrink
    p -= rates.step * first / (rates.root_correction * np.sqrt(largest) + rates.eps)
    return params, m, v, v_max


def rmsprop(params, grads, square, velocity, rates, start, stop, scale=None):
    """Gradients divided by the root of a moving mean of their squares.

    square = alpha square + (1 - alpha) g^2; velocity = momentum velocity + g / (sqrt(square) + eps);
    params -= lr velocity.

    Parameters
    ----------
    params, grads, square
    velocity : like params, or None where momentum is 0
    rates : RmspropRates
    start, stop, scale

    Returns
    -------
    params, square, velocity
    """
    p, s, g = params[start:stop], square[start:stop], _gradient(params, grads, rates, start, stop, scale)
    s[...] = rates.alpha * s + (1 - rates.alpha) * g**2
    step = g / (np.sqrt(s) + rates.eps)
    if velocity is not None:
        step += rates.momentum * velocity[start:stop]
        velocity[start:stop] = step
    p *= 1 - rates.shrink
    p -= rates.lr * step
    return params, square, velocity


def lamb(params, grads, m, v, rates, segments, scale=None):
    """Adam whose step in each tensor is as long as a part of the tensor (You et al., arXiv:1904.00962).

    With u = correction m / (root_correction sqrt(v) + eps) + decay params: params -= lr |params| / |u| u, and where a
    norm is 0, params -= lr u. The gradient is without decay here.

    Parameters
    ----------
    params, grads, m, v
    rates : LambRates
    segments, scale

    Returns
    -------
    params, m, v
    """
    for start, stop in segments:
        p = params[start:stop]
        first, second = _moments(params, grads, m, v, rates._replace(decay=0.0), start, stop, scale)
        update = rates.correction * first / (rates.root_correction * np.sqrt(second) + rates.eps) + rates.decay * p
        p -= rates.lr * _ratio(_norm(p), _norm(update)) * update
    return params, m, v


def lars(params, grads, velocity, rates, segments, scale=None):
    """Gradient descent whose step in each tensor is as long as a part of the tensor (You et al., arXiv:1708.03888).

    ratio = trust |params| / (|g| + decay |params| + eps), or 1 where a norm is 0, with g the gradient without decay;
    velocity = momentum velocity + lr ratio (g + decay params); params -= velocity.

    Parameters
    ----------
    params, grads, velocity
    rates : LarsRates
    segments, scale

    Returns
    -------
    params, velocity
    """
    for start, stop in segments:
        p, u = params[start:stop], velocity[start:stop]
        g = grads[start:stop] if scale is None else grads[start:stop] * scale
        p_norm, g_norm = _norm(p), _norm(g)
        ratio = rates.trust * p_norm / (g_norm + rates.decay * p_norm + rates.eps) if p_norm > 0 and g_norm > 0 else 1.0
        u[...] = rates.momentum * u + rates.lr * ratio * (g + rates.decay * p)
        p -= u
    return params, velocity


def squared_norm(flat, segments):
    """Sums of squares.

    Parameters
    ----------
    flat : (n_params,) float32 or float64
    segments : tuple of (start, stop)

    Returns
    -------
    sums : (n_segments,) float64
    """
    return np.array([_norm(flat[start:stop]) ** 2 for start, stop in segments])


def _gradient(params, grads, rates, start, stop, scale):
    g = grads[start:stop] if scale is None else grads[start:stop] * scale
    return g + rates.decay * params[start:stop]


def _moments(params, grads, m, v, rates, start, stop, scale):
    g = _gradient(params, grads, rates, start, stop, scale)
    m[start:stop] = rates.beta1 * m[start:stop] + (1 - rates.beta1) * g
    v[start:stop] = rates.beta2 * v[start:stop] + (1 - rates.beta2) * g**2
    return m[start:stop], v[start:stop]


def _norm(x):
    return float(np.sqrt(np.square(x, dtype=np.float64).sum()))


def _ratio(numerator, denominator):
    return numerator / denominator if numerator > 0 and denominator > 0 else 1.0
