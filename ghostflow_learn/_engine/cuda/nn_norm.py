import cupy as cp

from ._launch import launch
from ._strips import launch_strips, partials_of


def layer_norm(x, gain, bias, eps, out=None):
    y = cp.empty_like(x) if out is None else out
    mean, inv_std = cp.empty(len(x), x.dtype), cp.empty(len(x), x.dtype)
    launch("nn_norm", "layer_norm", 32 * len(x), (x, gain, bias, y, mean, inv_std, eps, *x.shape))
    return y, mean, inv_std


def layer_norm_backward(g, x, gain, mean, inv_std):
    g, dx = cp.ascontiguousarray(g), cp.empty_like(x)
    launch("nn_norm", "layer_norm_backward", 32 * len(x), (g, x, gain, mean, inv_std, dx, *x.shape))
    d_gain, d_bias = _parameter_sums(g, x, mean, inv_std, True)
    return dx, d_gain.astype(x.dtype), d_bias.astype(x.dtype)


def batch_norm(x, gain, bias, eps, out=None):
    mean = _moment(x, None)
    var = _moment(x, mean).astype(x.dtype)
    mean = mean.astype(x.dtype)
    return batch_norm_apply(x, gain, bias, mean, var, eps, out), mean, var


def batch_norm_backward(g, x, gain, mean, var, eps):
    g, dx, n_samples = cp.ascontiguousarray(g), cp.empty_like(x), len(x)
    inv_std = 1 / cp.sqrt(var.astype(cp.float64) + eps)
    d_gain, d_bias = _parameter_sums(g, x, mean, inv_std.astype(x.dtype), False)
    # dX = gain inv_std (G - mean(G) - x_hat mean(G x_hat))
    a = gain * inv_std
    columns = cp.stack([a, -a * inv_std * d_gain / n_samples, -a * d_bias / n_samples]).astype(x.dtype)
    launch("nn_norm", "combine_columns", x.size, (g, x, mean, columns, dx, x.shape[1], x.size))
    return dx, d_gain.astype(x.dtype), d_bias.astype(x.dtype)


def batch_norm_apply(x, gain, bias, mean, var, eps, out=None):
    y = cp.empty_like(x) if out is None else out
    factor = (gain / cp.sqrt(var.astype(cp.float64) + eps)).astype(x.dtype)
    launch("nn_norm", "scale_columns", x.size, (x, mean, factor, bias, y, x.shape[1], x.size))
    return y


def _moment(x, mean):
    """The mean of x, or of its squares about a mean, in float64."""
    partials = cp.empty((partials_of(len(x))[0], x.shape[1]))
    launch_strips("nn_norm", "moment_sums", *x.shape, (x, mean, partials))
    return partials.sum(axis=0) / len(x)


def _parameter_sums(g, x, mean, inv_std, of_samples):
    partials = cp.empty((2, partials_of(len(x))[0], x.shape[1]))
    launch_strips("nn_norm", "parameter_sums", *x.shape, (g, x, mean, inv_std, partials, of_samples))
    sums = partials.sum(axis=1)
    return sums[0], sums[1]
