"""The same networks and operations in PyTorch, eager, on as many threads as there are cores."""

import os
from itertools import pairwise

import numpy as np
import torch
from torch import nn

torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())


class MLP:
    """A perceptron with ReLU and cross-entropy, trained by Adam in one kernel a step; penalty and batches as ours."""

    def __init__(self, hidden, batch_size, max_epochs, lr=1e-3, alpha=1e-4, seed=0):
        self.hidden, self.batch_size, self.max_epochs = hidden, batch_size, max_epochs
        self.lr, self.alpha, self.seed = lr, alpha, seed

    def fit(self, X, y):
        torch.manual_seed(self.seed)
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        sizes = (X.shape[1], *self.hidden)
        layers = [layer for n, m in pairwise(sizes) for layer in (nn.Linear(n, m, dtype=X.dtype), nn.ReLU())]
        self.module = nn.Sequential(*layers, nn.Linear(sizes[-1], int(y.max()) + 1, dtype=X.dtype))
        size = min(self.batch_size, len(X))
        optimizer = torch.optim.Adam(self.module.parameters(), self.lr, weight_decay=self.alpha / size, fused=True)
        for _ in range(self.max_epochs):
            order = torch.randperm(len(X))
            for rows in order.split(size):
                optimizer.zero_grad()
                nn.functional.cross_entropy(self.module(X[rows]), y[rows]).backward()
                optimizer.step()
        return self

    def predict_proba(self, X):
        with torch.no_grad():
            return torch.softmax(self.module(torch.from_numpy(X)), 1).numpy()

    def score(self, X, y):
        return np.mean(self.predict_proba(X).argmax(axis=1) == y)


class AdamStep:
    def prepare(self, X):
        self.params = torch.zeros(X.shape, requires_grad=True)
        self.params.grad = torch.from_numpy(X)
        self.optimizer = torch.optim.Adam([self.params], fused=True)

    def run(self):
        self.optimizer.step()

    def answer(self):
        return self.params.detach().numpy()


class LayerNorm:
    def __init__(self, backward=True):
        self.backward = backward

    def prepare(self, X):
        self.x, self.gradient = torch.from_numpy(X).requires_grad_(self.backward), torch.from_numpy(X[::-1].copy())
        self.module = nn.LayerNorm(X.shape[1])

    def run(self):
        if not self.backward:
            with torch.no_grad():
                self.y = self.module(self.x)
            return
        self.x.grad = None
        self.module.zero_grad()
        self.module(self.x).backward(self.gradient)

    def answer(self):
        return self.x.grad.numpy() if self.backward else self.y.numpy()


class CrossEntropy:
    def prepare(self, X):
        self.x, self.y = torch.from_numpy(X).requires_grad_(), torch.arange(len(X)) % X.shape[1]

    def run(self):
        self.x.grad = None
        nn.functional.cross_entropy(self.x, self.y).backward()

    def answer(self):
        return self.x.grad.numpy()


class OneElement:
    def __init__(self, times):
        self.times = times

    def prepare(self, X):
        self.x = torch.from_numpy(X[0]).requires_grad_()

    def run(self):
        for _ in range(self.times):
            self.x.grad = None
            (self.x + self.x).backward()

    def answer(self):
        return self.x.grad.numpy()
