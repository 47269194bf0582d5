"""L-BFGS on all samples at once."""

from collections import namedtuple

import scipy.optimize

from ghostflow_learn._validation._mlp import check_optimize_result

Found = namedtuple("Found", "params loss n_iter")


def minimize(engine, data, start, network, alpha, limits, verbose):
    """SciPy's L-BFGS-B from `start`, a (n_params,) float64 array on the host; `limits` are its options."""

    def objective(params):
        loss, gradient = engine.nn_mlp.loss_gradient(data, engine.asarray(params), network, alpha)
        return loss, engine.to_numpy(gradient)

    options = {**limits}
    report = _Report() if verbose else None
    result = scipy.optimize.minimize(objective, start, method="L-BFGS-B", jac=True, callback=report, options=options)
    n_iter = check_optimize_result("lbfgs", result, limits["maxiter"])
    return Found(engine.asarray(result.x), result.fun, n_iter)


class _Report:
    """Prints a line for each iteration, as the other solvers do."""

    def __init__(self):
        self.n_iter = 0

    def __call__(self, intermediate_result):
        self.n_iter += 1
        print(f"Iteration {self.n_iter}, loss = {intermediate_result.fun:.8f}")
