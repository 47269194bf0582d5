"""One workflow, run twice: with ghostflow_learn's estimators and with scikit-learn's.

    python examples/demo.py                                 on data that ships with scikit-learn
    python examples/demo.py --csv FILE --target COLUMN      on your own table

A pandas table of numbers and categories goes through ColumnTransformer, Pipeline and GridSearchCV. The two runs differ
in one word, the name of the library that the estimators are imported from.
"""

import argparse
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import ConfusionMatrixDisplay, PredictionErrorDisplay
from sklearn.model_selection import GridSearchCV, GroupKFold, train_test_split
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

LIBRARIES = "ghostflow_learn", "sklearn"
N_ROWS = 20_000
FOLDS = 3
ROUNDS = 3
LONGEST = 15  # seconds: no further round of a task begins after that
MOST_CLASSES = 50


class Task(NamedTuple):
    name: str
    kind: str  # "regression" or "classification"
    X_train: pd.DataFrame
    X_test: pd.DataFrame
    y_train: pd.Series
    y_test: pd.Series
    cv: object = FOLDS


class Run(NamedTuple):
    search: GridSearchCV
    score: float
    fit_seconds: list
    predict_seconds: list


class BadTable(Exception):
    """The user's file or column cannot be used; the message is one line."""


def main():
    args = parse_arguments()
    try:
        tasks = [read_task(args.csv, args.target)] if args.csv else [diabetes(), wine()]
    except BadTable as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore", ConvergenceWarning)
    args.out.mkdir(parents=True, exist_ok=True)
    runs, pictures = {}, [args.out / f"{task.name}.png" for task in tasks] + [args.out / "times.png"]
    for task, picture in zip(tasks, pictures, strict=False):
        print(f"\n{task.name}: {task.kind}, {len(task.X_train):,} rows to fit, {len(task.X_test):,} to predict,")
        print(f"{describe(task.X_train)}.", flush=True)
        runs[task.name] = compare(task, args.rounds)
        save_predictions(task, runs[task.name], picture)
    print_table(tasks, runs, args.rounds)
    save_times(runs, pictures[-1])
    print(f"\nPictures: {', '.join(map(str, pictures))}")
    return 0


# ---------------------------------------------------------------- the workflow


def grid_search(library, task):
    """The whole search; `library` is the only difference between the two runs."""
    numeric = [name for name in task.X_train if is_numeric_dtype(task.X_train[name])]
    categorical = [name for name in task.X_train if name not in numeric]
    scaler = import_module(f"{library}.preprocessing").StandardScaler()
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=20, sparse_output=False)
    columns = ColumnTransformer(
        [
            ("numeric", make_pipeline(SimpleImputer(strategy="median"), scaler), numeric),
            ("categorical", one_hot, categorical),
        ]
    )
    if task.kind == "regression":
        kmeans = import_module(f"{library}.cluster").KMeans(n_init=1, random_state=0)
        features = FeatureUnion([("columns", "passthrough"), ("clusters", kmeans)])
        model = import_module(f"{library}.linear_model").Ridge()
        grid = {"features__clusters__n_clusters": [10, 40], "model__alpha": [0.1, 1.0, 10.0]}
    else:
        features = import_module(f"{library}.decomposition").PCA(random_state=0)
        model = import_module(f"{library}.linear_model").LogisticRegression(max_iter=300)
        grid = {"features__n_components": [0.9, 0.999], "model__C": [0.01, 0.1, 1.0]}
    pipeline = Pipeline([("columns", columns), ("features", features), ("model", model)])
    return GridSearchCV(pipeline, grid, cv=task.cv)


def compare(task, n_rounds):
    """Fit and predict with both libraries in turns, so that a slow moment of the machine falls on both."""
    fits, predictions = {name: [] for name in LIBRARIES}, {name: [] for name in LIBRARIES}
    searches = {}
    warm_up(task)
    begin = time.perf_counter()
    for i in range(n_rounds):
        if i and time.perf_counter() - begin > LONGEST:
            break
        for name in LIBRARIES:
            start = time.perf_counter()
            searches[name] = grid_search(name, task).fit(task.X_train, task.y_train)
            fitted = time.perf_counter()
            searches[name].predict(task.X_test)
            fits[name].append(fitted - start)
            predictions[name].append(time.perf_counter() - fitted)
    return {
        name: Run(search, search.score(task.X_test, task.y_test), fits[name], predictions[name])
        for name, search in searches.items()
    }


def warm_up(task):
    """One small fit each, outside the clock: ours compiles its kernels, once per machine; both load libraries."""
    few = task.X_train.groupby(task.y_train if task.kind == "classification" else lambda row: 0).head(300).index
    for name in LIBRARIES:
        start = time.perf_counter()
        grid_search(name, task._replace(cv=FOLDS)).fit(task.X_train.loc[few], task.y_train.loc[few])
        print(f"  first small fit with {name}: {time.perf_counter() - start:.1f} s", flush=True)


# ---------------------------------------------------------------- what comes out


def print_table(tasks, runs, n_rounds):
    score_names = {task.name: "R2" if task.kind == "regression" else "accuracy" for task in tasks}
    print(f"\n{'task':<16}{'library':<17}{'score':<17}{'search':>9}{'predict':>11}   best parameters")
    for name, pair in runs.items():
        for library, run in pair.items():
            best = ", ".join(f"{key.split('__')[-1]}={value}" for key, value in run.search.best_params_.items())
            score = f"{score_names[name]} {run.score:.4f}"
            fit, predict = median(run.fit_seconds), 1000 * median(run.predict_seconds)
            print(f"{name:<16}{library:<17}{score:<17}{fit:>7.2f} s{predict:>8.1f} ms   {best}")
        fit, predict = (ratio(pair, field) for field in ("fit_seconds", "predict_seconds"))
        print(f"{'':<16}{'ours is faster by':<34}{fit:>7.2f} x{predict:>8.2f} x")
    print(f"\nMedians of up to {n_rounds} turns. A search is {FOLDS} folds of 6 candidates, and the best once more.")


def ratio(pair, field):
    ours, theirs = (median(getattr(pair[name], field)) for name in LIBRARIES)
    return theirs / ours


def save_times(runs, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1 + 1.1 * len(runs)), layout="constrained")
    axes = figure.subplots()
    for k, library in enumerate(LIBRARIES):
        seconds = [median(pair[library].fit_seconds) for pair in runs.values()]
        bars = axes.barh([i + 0.4 * k for i in range(len(runs))], seconds, 0.36, label=library)
        axes.bar_label(bars, fmt="%.2f s", padding=3)
    axes.set_yticks([i + 0.2 for i in range(len(runs))], list(runs))
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("seconds for the whole search")
    axes.legend()
    figure.savefig(path, dpi=120)


def save_predictions(task, pair, path):
    """What each library predicts on rows it has not seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for axes, library in zip(figure.subplots(1, 2), LIBRARIES, strict=True):
        predicted = pair[library].search.predict(task.X_test)
        if task.kind == "regression":
            PredictionErrorDisplay.from_predictions(
                task.y_test, predicted, kind="actual_vs_predicted", subsample=1000, random_state=0, ax=axes
            )
        else:
            ConfusionMatrixDisplay.from_predictions(
                task.y_test, predicted, normalize="true", values_format=".2f", colorbar=False, ax=axes
            )
        axes.set_title(f"{library}: {pair[library].score:.4f}")
    figure.suptitle(task.name)
    figure.savefig(path, dpi=120)


# ---------------------------------------------------------------- what goes in


def diabetes():
    """442 patients; the target is how far the disease went in a year."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X["sex"] = X["sex"].map({1.0: "first", 2.0: "second"})
    X["weight"] = bands(X["bmi"], [18.5, 25, 30], ["under", "normal", "over", "obese"])
    X["decade"] = (X["age"] // 10 * 10).astype(int).astype(str) + "s"
    return enlarged_task("diabetes", "regression", X, y)


def wine():
    """178 wines of three growers."""
    data = load_wine(as_frame=True)
    X, y = data.data, data.target.map(dict(enumerate(data.target_names)))
    X["strength"] = bands(X["alcohol"], [12.5, 13.5], ["light", "medium", "strong"])
    X["colour"] = bands(X["color_intensity"], [3, 5, 7], ["pale", "ruby", "deep", "dark"])
    return enlarged_task("wine", "classification", X, y)


def bands(values, edges, names):
    return pd.cut(values, [-np.inf, *edges, np.inf], labels=names).astype(str)


def enlarged_task(name, kind, X, y):
    """A data set too small for times to mean anything, made larger by a smoothed bootstrap.

    Rows are drawn with replacement and their numbers moved by 0.4 of the column's standard deviation. The parts for
    fitting and predicting are split before that, and the copies of a row stay in one fold: nothing is predicted
    from its own copy.
    """
    print(f"{name}: {len(X)} rows, enlarged to {N_ROWS:,} by a smoothed bootstrap")
    spread = 0.4 * X.std(numeric_only=True)
    parts = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y if kind == "classification" else None)
    rng = np.random.default_rng(0)
    X_train, y_train, rows = smoothed_bootstrap(parts[0], parts[2], spread, int(0.8 * N_ROWS), rng)
    X_test, y_test, _ = smoothed_bootstrap(parts[1], parts[3], spread, int(0.2 * N_ROWS), rng)
    folds = list(GroupKFold(FOLDS).split(X_train, groups=rows))
    return Task(name, kind, X_train, X_test, y_train, y_test, folds)


def smoothed_bootstrap(X, y, spread, n_rows, rng):
    drawn = rng.integers(len(X), size=n_rows)
    X, y = X.iloc[drawn].reset_index(drop=True), y.iloc[drawn].reset_index(drop=True)
    X[spread.index] += spread.to_numpy() * rng.standard_normal((n_rows, len(spread)))
    return X, y, drawn


def read_task(path, target):
    """The user's file as a task; numbers with many values are predicted as numbers, everything else as classes."""
    table = read_table(path)
    if target not in table:
        raise BadTable(f"{path} has no column {target!r}. Its columns: {', '.join(map(str, table.columns))}")
    table = table.dropna(subset=[target])
    y, X = table[target], useful_columns(table.drop(columns=target))
    regression = is_numeric_dtype(y) and not is_bool_dtype(y) and y.nunique() > 20
    if not regression:
        y = y.astype(str)
        common = y.isin(y.value_counts().loc[lambda count: count >= 5 * FOLDS].index)
        X, y = X[common], y[common]
    check_target(path, target, X, y, regression)
    parts = train_test_split(X, y, test_size=0.25, random_state=0, stratify=None if regression else y)
    return Task(Path(path).stem, "regression" if regression else "classification", *parts)


def read_table(path):
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BadTable(f"cannot read {path}: {reason}") from None
    return table.rename(columns=lambda name: str(name).strip())


def useful_columns(X):
    """Without columns that are empty, and without text in which most values are seen once (names, tickets)."""
    text = X.select_dtypes(exclude="number").columns
    X = X.astype(dict.fromkeys(text, "str")).where(X.notna()) if len(text) else X
    empty = [name for name in X if X[name].notna().sum() == 0]
    unique = [name for name in text if name not in empty and X[name].nunique() > 0.5 * X[name].notna().sum()]
    for names, why in (empty, "empty"), (unique, "most values are seen once"):
        if names:
            print(f"left out: {', '.join(names)} ({why})")
    return X.drop(columns=empty + unique)


def check_target(path, target, X, y, regression):
    if X.shape[1] == 0:
        raise BadTable(f"{path} has no column to predict {target!r} from")
    if len(X) < 100:
        raise BadTable(f"{path} has {len(X)} rows with a usable {target!r}; the demo needs 100 or more")
    if not regression and not 2 <= y.nunique() <= MOST_CLASSES:
        raise BadTable(
            f"column {target!r} of {path} has {y.nunique()} classes of {5 * FOLDS} rows or more; "
            f"the demo needs 2 to {MOST_CLASSES}"
        )


def describe(X):
    n_numeric = sum(is_numeric_dtype(X[name]) for name in X)
    return f"{n_numeric} columns of numbers, {X.shape[1] - n_numeric} of categories"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", metavar="FILE", help="your own table")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict, with --csv")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder of the pictures")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each search is timed (default: 3)")
    parser.error = lambda message: parser.exit(2, f"demo: {message}\n")
    args = parser.parse_args()
    if bool(args.csv) != bool(args.target):
        parser.error("--csv FILE and --target COLUMN go together")
    return args


if __name__ == "__main__":
    sys.exit(main())
