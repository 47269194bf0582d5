"""Epochs of a plain perceptron, each one loop of the engine."""

import math

import numpy as np

from ghostflow_learn._engine._mlp import Adam, Sgd


class FusedTrainer:
    """What :func:`run_epochs` drives; parameters and the optimizer's state change in place.

    Parameters
    ----------
    engine : module
    training : Training
    optimizer : Optimizer
    """

    def __init__(self, engine, training, optimizer):
        self.engine, self.optimizer, self.params = engine, optimizer, training.params
        self.prepared, self.batch_size = engine.nn_mlp.prepare(training), training.batch_size
        self.n_samples = training.data.X.shape[0]

    @property
    def rate(self):
        return float(self.optimizer.theirs.learning_rate)

    def train(self, order):
        loss = self.engine.nn_mlp.train(self.prepared, order, self.optimizer.rule())
        self.optimizer.count(-(-self.n_samples // self.batch_size))
        return loss

    def has_diverged(self, loss):
        return not math.isfinite(loss) and not bool(self.engine.xp.isfinite(self.params).all())

    def snapshot(self):
        return self.params.copy()

    def end_epoch(self, progress):
        self.optimizer.theirs.iteration_ends(progress.t)
        return False

    def stops(self, message, verbose):
        return self.optimizer.theirs.trigger_stopping(message, verbose)


class Optimizer:
    """The state of a solver on flat arrays of an engine, kept between fits in an optimizer of scikit-learn's.

    Parameters
    ----------
    theirs : AdamOptimizer or SGDOptimizer
    engine : module
    """

    def __init__(self, theirs, engine):
        self.theirs = theirs
        self.is_adam = hasattr(theirs, "ms")
        lists = [theirs.ms, theirs.vs] if self.is_adam else [theirs.velocities]
        self.state = tuple(engine.asarray(np.concatenate([np.ravel(a) for a in arrays])) for arrays in lists)

    def rule(self):
        """What the ops of an engine call their rule."""
        o = self.theirs
        if self.is_adam:
            return Adam(*map(float, (o.learning_rate_init, o.beta_1, o.beta_2, o.epsilon)), o.t)
        return Sgd(float(o.learning_rate), float(o.momentum), bool(o.nesterov))

    def count(self, n_steps):
        if self.is_adam:
            self.theirs.t += n_steps

    def put_back(self, engine, cut):
        """The state goes back to scikit-learn's optimizer, `cut` into the shapes of its lists."""
        arrays = [cut(engine.to_numpy(array)) for array in self.state]
        if self.is_adam:
            self.theirs.ms, self.theirs.vs = arrays
        else:
            (self.theirs.velocities,) = arrays
