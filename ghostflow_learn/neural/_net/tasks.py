"""scikit-learn's callbacks (1.9) in a fit: a task for each epoch."""

import copy


class FitTasks:
    """Tells the callbacks that ``set_callbacks`` gave an estimator about its fit; before scikit-learn 1.9, nobody."""

    def __init__(self, net, X, y, sample_weight, n_epochs):
        self._fit = self._epoch = None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told = {"estimator": net, "X": X, "y": y, "metadata": metadata}
        if hasattr(net, "_init_callback_context"):
            self._fit = net._init_callback_context(max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(**self._told)

    def begin_epoch(self):
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self):
        """True if a callback asks to stop."""
        return self._fit is not None and self._end(self._epoch)

    def end(self):
        if self._fit is not None:
            self._end(self._fit)

    def _end(self, task):
        return task.call_on_fit_task_end(**self._told, reconstruction_attributes=self._attributes)

    def _attributes(self):
        """What an estimator needs to predict as this one does now; asked for only by callbacks that want one."""
        net = self._told["estimator"]
        names = [name for name in ("module_", "criterion_", "classes_") if hasattr(net, name)]
        return {name: copy.deepcopy(getattr(net, name)) for name in names}
