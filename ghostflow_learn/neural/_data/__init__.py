"""Data for training loops: sets of samples, the order they come in, batches of them, and files they are read from."""

from .datasets import Compose, Dataset, Normalize
from .loader import DataLoader
from .readers import read_csv, read_idx, read_parquet
from .samplers import RandomSampler, SequentialSampler, WeightedSampler

__all__ = [
    "Compose",
    "DataLoader",
    "Dataset",
    "Normalize",
    "RandomSampler",
    "SequentialSampler",
    "WeightedSampler",
    "read_csv",
    "read_idx",
    "read_parquet",
]
