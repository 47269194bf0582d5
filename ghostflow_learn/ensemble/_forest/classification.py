"""What forests for classification share: they predict the class of the highest mean probability."""

import warnings

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from ..._validation import StrOptions, encode_labels, take_labels
from ...tree import DecisionTreeClassifier
from .base import BaseForest

MOST_CLASSES = 16  # of more, family tree is faster


class ForestClassifier(ClassifierMixin, BaseForest):
    """Trees whose values are parts of classes."""

    _parameter_constraints: dict = {
        **BaseForest._parameter_constraints,
        **DecisionTreeClassifier._parameter_constraints,
        "class_weight": [StrOptions({"balanced_subsample", "balanced"}), dict, list, None],
    }
    _parameter_constraints.pop("splitter")

    def predict(self, X):
        """The class of the highest mean probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_outputs)
        """
        engine, means = self._means(X)
        codes = means.argmax(axis=2)
        if self.n_outputs_ == 1:
            return take_labels(engine, self.classes_, codes[:, 0], like=X)
        codes = engine.to_numpy(codes)
        labels = np.empty(codes.shape, dtype=self.classes_[0].dtype)
        for k, classes in enumerate(self.classes_):
            labels[:, k] = classes[codes[:, k]]
        return engine.hand_back(labels, like=X)

    def predict_proba(self, X):
        """The mean over the trees of the part of each class, by weight, in the leaf of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        proba : array of shape (n_samples, n_classes), or list of them, one for each output
        """
        engine, means = self._means(X)
        if self.n_outputs_ == 1:
            return engine.hand_back(means[:, 0], like=X)
        return [engine.hand_back(means[:, k, :n], like=X) for k, n in enumerate(self.n_classes_)]

    def predict_log_proba(self, X):
        """The logarithm of `predict_proba`, -inf for classes that no tree finds in the sample's leaf.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_proba : array of shape (n_samples, n_classes), or list of them, one for each output
        """
        engine, means = self._means(X)
        with np.errstate(divide="ignore"):
            means = engine.xp.log(means)
        if self.n_outputs_ == 1:
            return engine.hand_back(means[:, 0], like=X)
        return [engine.hand_back(means[:, k, :n], like=X) for k, n in enumerate(self.n_classes_)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _fit(self, X, y, sample_weight):
        super()._fit(X, y, sample_weight)
        if self.n_outputs_ == 1:
            self.n_classes_, self.classes_ = self.n_classes_[0], self.classes_[0]
        return self

    def _encode(self, y, sample_weight):
        """Codes of the classes, and the weights that `class_weight` gives the samples, or None."""
        check_classification_targets(y)
        self.classes_, codes = map(list, zip(*(encode_labels(output) for output in y.T), strict=True))
        self.n_classes_ = [len(classes) for classes in self.classes_]
        return np.stack(codes, axis=1), self._class_weights(y, sample_weight)

    def _class_weights(self, y, sample_weight):
        if self.class_weight is None:
            return None
        if not isinstance(self.class_weight, str):
            return compute_sample_weight(self.class_weight, y)
        if self.warm_start:
            warnings.warn(
                'class_weight presets "balanced" or "balanced_subsample" are not recommended for warm_start if the '
                'fitted data differs from the full dataset. In order to use "balanced" weights, use '
                'compute_class_weight ("balanced", classes, y). In place of y you can use a large enough sample of the '
                "full training set target to properly estimate the class frequency distributions. Pass the resulting "
                "weights as the class_weight parameter.",
                stacklevel=8,
            )
        if self.class_weight == "balanced_subsample" and self.bootstrap:
            return None  # of each tree's samples: see _balanced
        balanced = [
            dict(zip(classes, compute_class_weight("balanced", classes=classes, y=output, sample_weight=sample_weight)))
            for classes, output in zip(self.classes_, y.T)
        ]
        return compute_sample_weight(balanced[0] if self.n_outputs_ == 1 else balanced, y)

    def _grower(self, engine, X, y, sample_weight, seeds):
        """Trees of family gini_tree, which is faster, where they are wanted."""
        X_is_simple = not issparse(X) and self.n_outputs_ == 1 and self.n_classes_[0] <= MOST_CLASSES
        is_simple = self.criterion == "gini" and self.max_leaf_nodes is None and self.monotonic_cst is None
        if not (X_is_simple and is_simple and self._is_faster(engine, X, sample_weight)):
            return super()._grower(engine, X, y, sample_weight, seeds)
        X = engine.asarray(X)
        columns = engine.gini_tree.prepare(X, self._bins(engine, X, seeds[0]))
        codes = engine.asarray(y[:, 0].astype(np.int64))
        return lambda *choices: engine.gini_tree.grow_many(columns, codes, self.n_classes_[0], *choices)

    def _balanced(self, y):
        return y if self.class_weight == "balanced_subsample" and self.bootstrap else None

    def _counts(self):
        return np.array(self.n_classes_, dtype=np.int64)

    def _tell_classes(self, tree):
        tree.classes_ = [np.arange(n, dtype=np.float64) for n in self.n_classes_]
        tree.n_classes_ = self._counts()
        if self.n_outputs_ == 1:
            tree.n_classes_, tree.classes_ = tree.n_classes_[0], tree.classes_[0]

    def _score_out_of_bag(self, X, y):
        means = self._predict_out_of_bag(X, (self.n_outputs_, max(self.n_classes_)))
        decision = np.moveaxis(means, 1, 2)
        self.oob_decision_function_ = decision[:, :, 0] if self.n_outputs_ == 1 else decision
        score = self.oob_score if callable(self.oob_score) else accuracy_score
        self.oob_score_ = score(y, self.oob_decision_function_.argmax(axis=1))
