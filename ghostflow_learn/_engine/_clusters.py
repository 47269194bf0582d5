"""What one assignment of samples to clusters yields, the same on every engine."""

from collections import namedtuple

Clusters = namedtuple("Clusters", "labels sums weight n_changed state")
