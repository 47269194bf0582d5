"""Batches of a data set, made ahead in a thread where that is asked for."""

import queue
import threading

import numpy as np
from sklearn.utils import check_random_state

from .samplers import RandomSampler, SequentialSampler


class DataLoader:
    """Iterates over the batches of one epoch: tuples of arrays.

    Parameters
    ----------
    dataset : Dataset, or anything with a length that is indexed by arrays of positions
    batch_size : int or None, default=128
        None makes one batch of everything.
    shuffle : bool, default=False
        Draw a new order for each epoch.
    sampler : iterable of positions with a length, default=None
        The samples of an epoch and their order, instead of `shuffle`.
    drop_last : bool, default=False
        Leave out the last batch where it is smaller than the others.
    prefetch : int, default=0
        Batches made ahead by a thread of their own; they are the same batches.
    augment : callable, default=None
        ``augment(batch, rng)`` takes each batch, a tuple, and returns what is to be trained on, such as ``Mixup()``;
        `rng` is the RandomState of this loader.
    random_state : int, RandomState or None, default=None
        For `shuffle` and `augment`.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import DataLoader, Dataset
    >>> loader = DataLoader(Dataset(np.arange(5)), batch_size=2)
    >>> [X.tolist() for X, in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset,
        batch_size=128,
        *,
        shuffle=False,
        sampler=None,
        drop_last=False,
        prefetch=0,
        augment=None,
        random_state=None,
    ):
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, or None for all samples at once. Got {batch_size!r}.")
        if prefetch < 0:
            raise ValueError(f"prefetch must be a number of batches >= 0. Got {prefetch!r}.")
        if sampler is not None and shuffle:
            raise ValueError("A sampler decides about the order already. Leave out shuffle=True or the sampler.")
        self._rng = check_random_state(random_state)
        if sampler is None:
            sampler = RandomSampler(len(dataset), self._rng) if shuffle else SequentialSampler(len(dataset))
        self.dataset, self.sampler, self.drop_last, self.prefetch = dataset, sampler, drop_last, prefetch
        self.batch_size, self.augment = batch_size, augment
        if len(sampler) and not len(self):
            raise ValueError(f"drop_last leaves nothing of {len(sampler)} samples. Lower batch_size={batch_size}.")

    def __len__(self):
        size = self._size()
        return len(self.sampler) // size if self.drop_last else -(-len(self.sampler) // size)

    def __iter__(self):
        batches = self._batches(self._order())
        return batches if self.prefetch == 0 else _ahead(batches, self.prefetch)

    def _order(self):
        if type(self.sampler) in (RandomSampler, SequentialSampler):  # a subclass may have an order of its own
            return self.sampler._draw()
        return np.fromiter(self.sampler, dtype=np.int64, count=len(self.sampler))

    def _size(self):
        return max(1, len(self.sampler)) if self.batch_size is None else self.batch_size

    def _batches(self, order):
        size = self._size()
        for i in range(len(self)):
            batch = self.dataset[order[i * size : (i + 1) * size]]
            yield batch if self.augment is None else self._augmented(batch)

    def _augmented(self, batch):
        changed = self.augment(batch, self._rng)
        if not isinstance(changed, tuple) or len(changed) != len(batch):
            raise TypeError(f"augment must return a batch, a tuple of {len(batch)}. Got {changed!r} instead.")
        return changed


def _ahead(batches, n_ahead):
    """The same batches, up to `n_ahead` of them made by another thread before they are asked for."""
    made, left = queue.Queue(n_ahead), threading.Event()
    thread = threading.Thread(target=_make, args=(batches, made, left), daemon=True)
    thread.start()
    try:
        while True:
            batch, error = made.get()
            if error is not None:
                raise error
            if batch is None:
                return
            yield batch
    finally:
        left.set()
        while thread.is_alive():  # it may wait for a place in the queue
            _empty(made)
            thread.join(0.01)


def _make(batches, made, left):
    try:
        for batch in batches:
            made.put((batch, None))
            if left.is_set():
                return
        made.put((None, None))
    except BaseException as error:  # whatever it is, it belongs to the thread that asked for the batch
        made.put((None, error))


def _empty(made):
    try:
        while True:
            made.get_nowait()
    except queue.Empty:
        pass
