"""Labels: what MLPClassifier learns from, and how it is scored."""

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import unique_labels

from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import check_fit, check_weight, encode_labels

from ._base import BaseMLP, Task, weight_of
from ._labels import as_column, binarizer_of, check_known, to_host
from ._losses import find_loss, output_for_classes


class ClassTargets(BaseMLP):
    """The part of MLPClassifier that knows labels."""

    def _validated(self, X, y, sample_weight, incremental, classes_given=False):
        afresh = self._starts_afresh(incremental)
        checks = {**self._dtype_check(), "accept_sparse": "csr", "multi_output": True}
        X, y = check_fit(self, X, y, reset=afresh, **checks)
        y = as_column(y)
        seen, codes = (None, None) if y.ndim == 2 else encode_labels(y)
        known = hasattr(self, "classes_") and (self.warm_start or incremental)
        if known:
            check_known(unique_labels(to_host(y)) if y.ndim == 2 else seen, self.classes_, self.warm_start)
        if classes_given or not known:
            self._label_binarizer = binarizer_of(y, self.classes_ if known else seen)
        if not known:
            self.classes_ = self._label_binarizer.classes_
        Y = self._numbers(y, X.dtype, seen, codes)
        loss = find_loss(self.loss, ("log_loss",))
        output = output_for_classes(loss, self._label_binarizer.y_type_)
        if self.class_weight is not None:
            sample_weight = self._times_class_weight(sample_weight, X, y, incremental)
        return Task(X, Y, weight_of(sample_weight, X), output, loss)

    def _numbers(self, y, dtype, seen, codes):
        """What the network is to learn: numbers of classes, or a column for each label."""
        if y.ndim == 2:
            return self._label_binarizer.transform(to_host(y)).astype(dtype)
        return get_engine(codes).asarray(np.searchsorted(self.classes_, seen))[codes][:, None].astype(dtype)

    def _targets(self, X, y):
        y = as_column(y)
        seen, codes = (None, None) if y.ndim == 2 else encode_labels(y)
        check_known(unique_labels(to_host(y)) if y.ndim == 2 else seen, self.classes_, all_of_them=False)
        return self._numbers(y, X.dtype, seen, codes)

    def _times_class_weight(self, sample_weight, X, y, incremental):
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs the frequencies of all samples, and partial_fit sees a batch. Pass the "
                "dict of sklearn.utils.class_weight.compute_class_weight('balanced', classes=classes, y=y)."
            )
        factors = compute_sample_weight(self.class_weight, to_host(y))
        return factors if sample_weight is None else factors * to_host(check_weight(sample_weight, X))

    def _n_outputs(self, task):
        return len(self.classes_) if task.output == "softmax" else task.Y.shape[1]

    def _is_stratified(self, task):
        return task.output == "logistic" and task.Y.shape[1] == 1

    def _score_of(self, engine, validation, outputs, output):
        """Accuracy; of several labels all must be right."""
        if output == "softmax":
            hit = outputs.argmax(axis=1) == validation.Y[:, 0]
        else:
            hit = ((outputs > 0.5) == (validation.Y > 0.5)).all(axis=1)
        weight = None if validation.sample_weight is None else engine.to_numpy(validation.sample_weight)
        return float(np.average(engine.to_numpy(hit), weights=weight))

    def _labels(self, Y):
        """The labels that `_numbers` took."""
        is_multilabel = self._label_binarizer.y_type_.startswith("multilabel")
        return Y.astype(int) if is_multilabel else self.classes_[Y[:, 0].astype(int)]
