"""scikit-learn's callbacks (1.9) in a logistic fit."""

from ._logistic_fit import split


class Watch:
    """Tells the callbacks of an estimator about its fit: one task for each iteration of "lbfgs".

    As in scikit-learn, the task that begins when the last iteration ends stays empty. Without callbacks, or before
    scikit-learn 1.9, nothing happens.
    """

    def __init__(self, estimator, X, y, sample_weight):
        self._fit = self._iteration = None
        self._told = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
        }
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=max(estimator.max_iter, 1) + 1)
            self._fit.call_on_fit_task_begin(**self._told)

    def follow(self, start):
        """The function that the solver calls with its weights after each iteration, or None."""
        estimator = self._told["estimator"]
        if self._fit is None or not hasattr(estimator, "_skl_callbacks") or estimator.solver != "lbfgs":
            return None
        self._begin_iteration(self._attributes(start))
        return self._end_iteration

    def end(self):
        """The fit is done."""
        if self._iteration is not None:
            self._iteration.call_on_fit_task_end(estimator=self._told["estimator"])
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})

    def _begin_iteration(self, attributes):
        self._iteration = self._fit.subcontext(task_name="lbfgs-iter")
        self._iteration.call_on_fit_task_begin(**self._told, reconstruction_attributes=attributes)

    def _end_iteration(self, weights):
        attributes = self._attributes(weights)
        self._iteration.call_on_fit_task_end(**self._told, reconstruction_attributes=attributes)
        self._begin_iteration(attributes)

    def _attributes(self, weights):
        X = self._told["X"]
        coef, intercept = split(weights.astype(X.dtype), X.shape[1])
        return {"coef_": coef, "intercept_": intercept}
