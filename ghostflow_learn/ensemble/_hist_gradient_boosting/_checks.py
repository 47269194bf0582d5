"""What a fit checks before it computes."""

from collections import namedtuple

import numpy as np
from sklearn.utils import check_consistent_length

from ghostflow_learn._engine._boosting import Growth
from ghostflow_learn._validation import check_fit, check_predict, check_weight
from ghostflow_learn._validation._boosting import check_categorical_features, check_monotonic_cst, check_y

from . import _columns

Data = namedtuple("Data", "X y sample_weight")
MIN_HESSIAN = 1e-3  # of a leaf


class Checking:
    """Mixin: data, categories and constraints of a histogram gradient boosting estimator."""

    def _check_train(self, X, y, sample_weight):
        """The :class:`Data` of a fit, and the categories of its columns."""
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        X, categories = self._preprocess_X(X, reset=True)
        y = self._encode_y(check_y(self, y, like=X))
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, dtype=np.float64)
            self._fitted_with_sw = True
        self._n_features = X.shape[1]
        return Data(X, y, self._finalize_sample_weight(sample_weight, y)), categories

    def _check_val(self, X, y, sample_weight):
        """The :class:`Data` that a user validates on, or None."""
        if X is None and y is None:
            return None
        if y is None:
            raise ValueError("X_val is provided, but y_val was not provided.")
        if X is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        X = self._preprocess_X(X, reset=False)
        y = self._encode_y_val(check_y(self, y, like=X))
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, dtype=np.float64)
        if self.early_stopping is False:
            raise ValueError(
                "X_val and y_val are passed to fit while at the same time early_stopping is False. When passing X_val "
                "and y_val to fit,early_stopping should be set to either 'auto' or True."
            )
        return Data(X, y, sample_weight)

    def _preprocess_X(self, X, *, reset):
        """Validated X with categories as codes in its first columns; in `fit` also their codes, a list or None."""
        if not reset:
            if self._preprocessor is None:
                return check_predict(self, X, ensure_all_finite=False)
            if _columns.is_table(X):
                return self._preprocessor.transform(X)
            return _columns.encode(check_predict(self, X, ensure_all_finite=False), self._preprocessor)
        self.is_categorical_ = check_categorical_features(X, self.categorical_features)
        self._preprocessor = self._is_categorical_remapped = None
        if self.is_categorical_ is None:
            return check_fit(self, X, ensure_all_finite=False), None
        if _columns.is_table(X):
            self._preprocessor = _columns.categories_first(self.is_categorical_)
            X = self._preprocessor.fit_transform(X)
            self._adopt_names(self._preprocessor)
        else:
            X = check_fit(self, X, ensure_all_finite=False)
            self._preprocessor = _columns.fitted_on_array(X, self.is_categorical_)
            X = _columns.encode(X, self._preprocessor)
        self._is_categorical_remapped = np.sort(self.is_categorical_)[::-1]
        return X, _columns.known_categories(self._preprocessor, self.is_categorical_, self.max_bins)

    def _adopt_names(self, preprocessor):
        self.n_features_in_ = preprocessor.n_features_in_
        if hasattr(preprocessor, "feature_names_in_"):
            self.feature_names_in_ = preprocessor.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_interaction_cst(self, n_features):
        return _columns.interaction_groups(self.interaction_cst, n_features)

    def _growth(self):
        """The limits of a tree; constraints by the columns of the preprocessed X."""
        order = self._feature_order()
        monotonic_cst = check_monotonic_cst(self, self.monotonic_cst)[order]
        if self.is_categorical_ is not None and monotonic_cst[self._is_categorical_remapped].any():
            raise ValueError("Categorical features cannot have monotonic constraints.")
        groups = self._check_interaction_cst(self._n_features) or []
        return Growth(
            max_leaf_nodes=self.max_leaf_nodes or -1,
            max_depth=self.max_depth or -1,
            min_samples_leaf=self.min_samples_leaf,
            min_hessian_to_split=MIN_HESSIAN,
            min_gain_to_split=0.0,
            l2_regularization=float(self.l2_regularization),
            learning_rate=float(self.learning_rate),
            max_features=float(self.max_features),
            depth_wise=self.growth == "depth_wise",
            monotonic_cst=monotonic_cst.astype(np.int8),
            groups=np.array([[j in group for j in order] for group in groups], bool).reshape(-1, len(order)),
        )
