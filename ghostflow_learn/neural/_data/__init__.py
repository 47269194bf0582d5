"""Data for training loops: sets of samples, the order they come in, batches of them, and files they are read from."""

from .augmentation import Mixup, Noise
from .datasets import Dataset
from .loader import DataLoader
from .readers import read_csv, read_idx, read_parquet
from .samplers import RandomSampler, SequentialSampler, WeightedSampler
from .transforms import Cast, Compose, Normalize, OneHot

__all__ = [
    "Cast",
    "Compose",
    "DataLoader",
    "Dataset",
    "Mixup",
    "Noise",
    "Normalize",
    "OneHot",
    "RandomSampler",
    "SequentialSampler",
    "WeightedSampler",
    "read_csv",
    "read_idx",
    "read_parquet",
]
