"""Cross-validation of logistic regression: paths of solutions on each fold, and their scores."""

import inspect
from collections import namedtuple

import numpy as np
from sklearn.metrics import get_scorer, make_scorer

from ghostflow_learn._validation import check_weight, select_rows

from ._logistic_fit import prepare, split
from ._logistic_solvers import solve_path

# Axes: fold, l1_ratio, C; of paths also class and feature, the intercept last.
Search = namedtuple("Search", "paths scores n_iter")
# What all folds share; score_params go to the scorer, settings is a function of the L1 ratio.
Problem = namedtuple(
    "Problem", "engine X y codes classes sample_weight class_weight n_dof model scorer score_params settings"
)


def search(problem, folds, Cs, l1_ratios):
    """The :class:`Search` over every fold (train, test), L1 ratio and C."""
    results = [[_fit_fold(problem, train, test, Cs, ratio) for ratio in l1_ratios] for train, test in folds]
    paths, scores, n_iter = (np.array([[result[i] for result in fold] for fold in results]) for i in range(3))
    return Search(paths, scores, n_iter.astype(np.int32))


def refit(problem, C, l1_ratio, start):
    """The weights, (n_dof, n_outputs), for one C on all samples."""
    solutions, _ = _solve(problem, slice(None), [C], l1_ratio, start)
    return solutions[0]


def _fit_fold(problem, train, test, Cs, l1_ratio):
    start = np.zeros((problem.n_dof, 1 if len(problem.classes) == 2 else len(problem.classes)))
    solutions, n_iter = _solve(problem, train, Cs, l1_ratio, start)
    score = _scoring(problem, test)
    scores = [score(*split(weights, problem.X.shape[1])) for weights in solutions]
    return np.swapaxes(solutions, 1, 2), scores, n_iter


def _solve(problem, rows, Cs, l1_ratio, start):
    weight = problem.sample_weight
    if weight is not None:
        weight = check_weight(weight, problem.X)[rows]
    X, codes = problem.X[rows], problem.codes[rows]
    solver = problem.model.solver
    data = prepare(problem.engine, X, codes, problem.classes, weight, problem.class_weight, solver)
    return solve_path(data, Cs, start, problem.settings(l1_ratio))


def _scoring(problem, test):
    """A function of (coef, intercept): the score on samples `test`."""
    model, classes = problem.model, problem.classes
    X, y = problem.engine.to_numpy(problem.X[test]) if _is_dense(problem.X) else problem.X[test], problem.y[test]
    if problem.scorer is None:
        weight = problem.sample_weight
        params = {"sample_weight": None if weight is None else check_weight(weight, problem.X)[test]}
        scorer = type(model).score
    else:
        params = select_rows(problem.X, problem.score_params, test)
        scorer = _with_labels(get_scorer(problem.scorer), classes)

    def score(coef, intercept):
        model.coef_, model.intercept_ = coef, intercept
        return scorer(model, X, y, **params)

    return score


def _is_dense(X):
    return not hasattr(X, "toarray")


def _with_labels(scorer, classes):
    """The scorer with all classes as its labels, where it takes them: a fold may lack some."""
    function = getattr(scorer, "_score_func", None)
    accepted = inspect.signature(function).parameters if function is not None else ()
    if "labels" not in accepted:
        return scorer
    positive = {"pos_label": classes[-1]} if len(classes) <= 2 and "pos_label" in accepted else {}
    return make_scorer(
        function,
        greater_is_better=scorer._sign == 1,
        response_method=scorer._response_method,
        labels=classes,
        **positive,
        **scorer._kwargs,
    )
