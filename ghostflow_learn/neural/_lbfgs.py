"""L-BFGS on the flat arrays of a module: few, expensive steps on all the data, for small problems."""

from ._optimizer import Optimizer

ENOUGH = 1e-4  # part of the predicted decrease that a step has to bring (Armijo)
CURVED = 1e-10  # curvature below which a pair of step and change of gradient says nothing
HALVINGS = 25


class LBFGS(Optimizer):
    """Quasi-Newton steps from the last few changes of the gradient; :meth:`step` evaluates the loss several times.

    The loss must be the same function each time: use all samples in one batch, and no dropout.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=1.0
        Length of the first trial of each step.
    max_iter : int, default=20
        Steps taken in one call of :meth:`step`.
    history_size : int, default=10
        Changes of the gradient that are kept.
    line_search : bool, default=True
        Halve a step until it brings a decrease. Without it every step is taken.
    tol_grad : float, default=1e-7
        Stop where no gradient is larger.
    tol_change : float, default=1e-9
        Stop where neither parameters nor loss change by more.
    weight_decay : float, default=0.0
        L2 penalty: half of it times the squared norm of the parameters is added to the loss.

    References
    ----------
    Liu, Nocedal: On the limited memory BFGS method for large scale optimization. Mathematical Programming 45 (1989),
    doi:10.1007/BF01589116
    """

    needs_closure = True

    def __init__(
        self,
        module,
        lr=1.0,
        *,
        max_iter=20,
        history_size=10,
        line_search=True,
        tol_grad=1e-7,
        tol_change=1e-9,
        weight_decay=0.0,
    ):
        super().__init__(module, lr, weight_decay=weight_decay)
        self.max_iter, self.history_size, self.line_search = max_iter, history_size, line_search
        self.tol_grad, self.tol_change = tol_grad, tol_change
        self._pairs, self._last = [], None  # (step, change of gradient), newest last; (gradient, step) of the last one

    def step(self, closure):
        """Take up to `max_iter` steps.

        Parameters
        ----------
        closure : callable
            Forgets the gradients, computes the loss, calls its backward() and returns it.

        Returns
        -------
        loss : float
            Before the steps.
        """
        if self.module.flat is None:  # it has been copied, or was in a pickle
            self.module.pack()
        self._take_rows(self._rows())  # to where the module is
        xp, flat = self._xp(), self.module.flat
        first, grad = self._evaluate(closure)
        loss = first
        for _ in range(self.max_iter):
            if float(xp.max(xp.abs(grad))) <= self.tol_grad:
                break
            direction = self._direction(xp, grad)
            slope = float(xp.dot(grad, direction))
            if slope > -self.tol_change:
                break
            size = self.lr * (min(1.0, 1.0 / float(xp.sum(xp.abs(grad)))) if self.t == 0 else 1.0)
            before, old_loss, old_grad = flat.copy(), loss, grad
            size, loss, grad = self._advance(closure, before, direction, size, old_loss, slope)
            step = size * direction
            self._last, self.t = (old_grad, step), self.t + 1
            if float(xp.max(xp.abs(step))) <= self.tol_change or abs(loss - old_loss) < self.tol_change:
                break
        return first

    def _advance(self, closure, before, direction, size, loss, slope):
        """Move by `size` times the direction, or by less where the line search says so."""
        flat = self.module.flat
        for _ in range(HALVINGS if self.line_search else 1):
            flat[...] = before + size * direction
            new_loss, grad = self._evaluate(closure)
            if not self.line_search or new_loss <= loss + ENOUGH * size * slope:
                return size, new_loss, grad
            size /= 2
        flat[...] = before
        return 0.0, *self._evaluate(closure)

    def _evaluate(self, closure):
        loss = float(closure())
        grad, flat = self.module.settle_grad().copy(), self.module.flat
        if self.weight_decay:
            loss += self.weight_decay / 2 * float(self._xp().dot(flat, flat))
            grad += self.weight_decay * flat
        return loss, grad

    def _direction(self, xp, grad):
        """Minus the inverse Hessian, as the pairs know it, times the gradient."""
        if self._last is not None:
            old_grad, step = self._last
            change = grad - old_grad
            if float(xp.dot(change, step)) > CURVED:
                self._pairs = [*self._pairs, (step, change)][-self.history_size :]
        direction, alphas = -grad, []
        for s, y in reversed(self._pairs):
            alphas.append(float(xp.dot(s, direction)) / float(xp.dot(y, s)))
            direction -= alphas[-1] * y
        if self._pairs:
            s, y = self._pairs[-1]
            direction *= float(xp.dot(y, s)) / float(xp.dot(y, y))
        for (s, y), alpha in zip(self._pairs, reversed(alphas)):
            direction += (alpha - float(xp.dot(y, direction)) / float(xp.dot(y, s))) * s
        return direction

    def _xp(self):
        return self.module.engine.xp

    def state_dict(self):
        """All that is needed to go on: NumPy arrays and numbers, no parameters."""
        to_numpy = self.module.engine.to_numpy
        return {"t": self.t, "lr": self.lr, "rows": [to_numpy(array).copy() for array in self._rows()]}

    def load_state_dict(self, state):
        """Go on from what `state_dict` returned."""
        self.t, self.lr = state["t"], state["lr"]
        self._take_rows([array.copy() for array in state["rows"]])

    def __getstate__(self):
        state = {**vars(self), "_engine": None}
        state["_pairs"], state["_last"] = _paired(self.state_dict()["rows"])
        return state

    def _rows(self):
        return [array for pair in self._pairs for array in pair] + list(self._last or ())

    def _take_rows(self, rows):
        asarray = self.module.engine.asarray
        self._pairs, self._last = _paired([asarray(array) for array in rows])


def _paired(rows):
    pairs = list(zip(rows[::2], rows[1::2]))
    return pairs[:-1], pairs[-1] if pairs else None
