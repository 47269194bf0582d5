"""The progress that `verbose` prints: scikit-learn's lines."""

import time


class Report:
    """Prints a header, and then a line for some of the stages; fewer and fewer where ``verbose=1``."""

    def __init__(self, verbose, n_stages, begin, out_of_bag):
        self.verbose = verbose
        self.n_stages = n_stages
        self.begin = begin
        self.out_of_bag = out_of_bag
        self.every = 1
        self.start = time.time()
        titles = ["Train Loss", *(["OOB Improve"] if out_of_bag else []), "Remaining Time"]
        print(" ".join([f"{'Iter':>10}", *(f"{title:>16}" for title in titles)]) + " ")

    def stage(self, i, train_score, oob_improvement):
        """Called after stage `i`, which counts from 0."""
        done = i + 1 - self.begin
        if done % self.every:
            return
        remaining = (self.n_stages - (i + 1)) * (time.time() - self.start) / done
        duration = f"{remaining / 60:.2f}m" if remaining > 60 else f"{remaining:.2f}s"
        scores = [train_score, *([oob_improvement] if self.out_of_bag else [])]
        print(" ".join([f"{i + 1:>10d}", *(f"{score:>16.4f}" for score in scores), f"{duration:>16}"]))
        if self.verbose == 1 and done // (self.every * 10) > 0:
            self.every *= 10
