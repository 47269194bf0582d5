"""What a verbose fit prints: scikit-learn's lines."""

import time
from contextlib import contextmanager


class Report:
    """Lines about a fit, from its beginning on.

    Parameters
    ----------
    verbose : int
        1 for a summary, 2 for a line for each iteration.
    """

    def __init__(self, verbose):
        self.verbose = verbose
        self.started = self.last = time.perf_counter()

    @contextmanager
    def binning(self, description, n_bytes):
        start = time.perf_counter()
        if self.verbose:
            print(f"Binning {n_bytes / 1e9:.3f} GB of {description} data: ", end="", flush=True)
        yield
        if self.verbose:
            print(f"{time.perf_counter() - start:.3f} s")

    def begin(self):
        if self.verbose:
            print("Fitting gradient boosted rounds:")
        self.last = time.perf_counter()

    def iteration(self, model):
        if self.verbose < 2:
            return
        trees = model._predictors[-1]
        n_leaves = sum(tree.get_n_leaf_nodes() for tree in trees)
        n_trees = f"{len(trees)} trees, " if len(trees) > 1 else "1 tree, "
        average = f" ({int(n_leaves / len(trees))} on avg)" if len(trees) > 1 else ""
        depth = max(tree.get_max_depth() for tree in trees)
        now = time.perf_counter()
        print(
            f"[{len(model._predictors)}/{model.max_iter}] {n_trees}{n_leaves} leaves{average}, max depth = {depth}, "
            f"{self._scores(model)}in {now - self.last:0.3f}s"
        )
        self.last = now

    @staticmethod
    def _scores(model):
        factor, name = (-1, "loss") if model.scoring == "loss" else (1, "score")
        parts = (("train", model.train_score_), ("val", model.validation_score_))
        return "".join(f"{part} {name}: {factor * scores[-1]:.5f}, " for part, scores in parts if scores)

    def summary(self, predictors):
        if self.verbose:
            trees = [tree for iteration in predictors for tree in iteration]
            n_leaves = sum(tree.get_n_leaf_nodes() for tree in trees)
            seconds = time.perf_counter() - self.started
            print(f"Fit {len(trees)} trees in {seconds:.3f} s, ({n_leaves} total leaves)")
