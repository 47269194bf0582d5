"""The steps of a logistic fit, which LogisticRegression and LogisticRegressionCV share."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from ghostflow_learn._validation import check_weight, encode_labels

from ._logistic_solvers import Data, Settings

LARGE_SPARSE = {"lbfgs", "newton-cg", "newton-cholesky"}  # solvers that take 64-bit indices
LARGEST_FOR_LIBLINEAR = 1e30


def check_solver(solver, penalty, dual):
    """Raise ValueError unless `solver` minimises under `penalty`, one of "l1", "l2", "elasticnet" and None."""
    if solver not in ("liblinear", "saga") and penalty not in ("l2", None):
        raise ValueError(f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty.")
    if solver != "liblinear" and dual:
        raise ValueError(f"Solver {solver} supports only dual=False, got dual={dual}")
    if penalty == "elasticnet" and solver != "saga":
        raise ValueError(f"Only 'saga' solver supports elasticnet penalty, got solver={solver}.")
    if solver == "liblinear" and penalty is None:
        raise ValueError("C=np.inf as well as penalty=None is not supported for the liblinear solver")
    if solver == "liblinear" and penalty == "l1" and dual:
        raise ValueError(
            "Unsupported set of arguments: The combination of penalty='l1' and loss='logistic_regression' are not "
            "supported when dual=True, Parameters: penalty='l1', loss='logistic_regression', dual=True"
        )


def encode_classes(y):
    """(classes, the int32 code of each sample), or ValueError where y is no class labels."""
    on_host = isinstance(y, np.ndarray)
    if on_host and y.dtype.kind not in "biuU":  # integers and strings always are
        check_classification_targets(y)
    classes, codes = encode_labels(y)
    if not on_host:
        check_classification_targets(classes)
    return classes, codes.astype(np.int32)


def check_classes(solver, classes, X):
    """Raise ValueError unless the solver takes as many classes, and values of X, as there are."""
    if solver == "liblinear":
        if len(classes) > 2:
            raise ValueError(
                "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Either use "
                "another solver or wrap the estimator in a OneVsRestClassifier to keep applying a one-versus-rest "
                "scheme."
            )
        if X.max() > LARGEST_FOR_LIBLINEAR:
            raise ValueError(
                "Using the 'liblinear' solver while X contains a maximum value > 1e30 results in a frozen fit. "
                "Please choose another solver or rescale the input X."
            )
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one class: "
            f"{classes[0]!r}"
        )


def prepare(engine, X, codes, classes, sample_weight, class_weight, solver):
    """The :class:`Data` of a fit, on the engine."""
    weight = None
    if sample_weight is not None or class_weight is not None:
        weight = check_weight(sample_weight, X, dtype=np.float64 if solver == "liblinear" else X.dtype)
        if class_weight is not None:
            weight = weight * _of_classes(class_weight, classes, codes, weight, engine)[codes]
        weight = engine.asarray(weight)
    total = len(codes) if weight is None else float(weight.sum())
    n_outputs = 1 if len(classes) == 2 else len(classes)
    X = X if issparse(X) else engine.asarray(X)
    return Data(engine, X, engine.asarray(codes), weight, total, n_outputs)


def _of_classes(class_weight, classes, codes, sample_weight, engine):
    """The weight of each class, in the dtype of the samples' weights."""
    host_weight, host_codes = engine.to_numpy(sample_weight), engine.to_numpy(codes)
    if isinstance(class_weight, dict):
        weights = compute_class_weight(class_weight, classes=classes, y=classes)
    else:
        counts = np.bincount(host_codes, weights=host_weight, minlength=len(classes))
        weights = counts.sum() / (len(classes) * counts)
    return engine.asarray(weights.astype(host_weight.dtype))


def solver_settings(estimator, penalty, l1_ratio, on_iteration=None, largest_sq_norm=None):
    """What the solvers read of an estimator."""
    return Settings(
        solver=estimator.solver,
        l1_ratio={"l1": 1.0, "elasticnet": l1_ratio}.get(penalty, 0.0),
        dual=estimator.dual,
        tol=estimator.tol,
        max_iter=estimator.max_iter,
        intercept_scaling=estimator.intercept_scaling,
        rng=check_random_state(estimator.random_state),
        verbose=estimator.verbose,
        on_iteration=on_iteration,
        largest_sq_norm=largest_sq_norm,
    )


def split(weights, n_features):
    """(coef, intercept) in scikit-learn's shapes, from the weights of a solver."""
    coef = np.ascontiguousarray(weights[:n_features].T)
    return coef, weights[n_features].copy() if len(weights) > n_features else np.zeros(len(coef), weights.dtype)


def joined(coef, intercept):
    """The weights that `split` took apart."""
    coef = coef.toarray() if issparse(coef) else coef
    return np.vstack([coef.T, np.broadcast_to(intercept, len(coef))]).astype(np.float64)
