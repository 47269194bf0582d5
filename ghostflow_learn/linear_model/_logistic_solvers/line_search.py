"""The line search of More and Thuente (1994), doi:10.1145/192115.192132, with the parameters of L-BFGS-B."""

from collections import namedtuple

import numpy as np

DECREASE, CURVATURE, NARROW = 1e-3, 0.9, 0.1
LONGEST = 1e10
MAX_EVALUATIONS = 50

Point = namedtuple("Point", "step f slope")


def line_search(evaluate, x, f, g, direction, step):
    """A step along `direction` that lowers f enough and flattens its slope.

    Parameters
    ----------
    evaluate : callable
        ``x -> (f, gradient)``.
    x, f, g
        The current point, its value and its gradient.
    direction : array like x
    step : float
        The first to try.

    Returns
    -------
    found : (x, f, g) or None
        None if no step will do.
    n_evaluations : int
    """
    slope = g @ direction
    if not slope < 0:
        return None, 0
    start = Point(0.0, f, slope)
    interval = _Interval(start, step)
    for n_evaluations in range(1, MAX_EVALUATIONS + 1):
        x_new = x + step * direction
        f_new, g_new = evaluate(x_new)
        point = Point(step, f_new, g_new @ direction)
        if interval.ends_at(point):
            return (x_new, f_new, g_new), n_evaluations
        step = interval.next_step(point)
        if not np.isfinite(step):
            break
    return None, n_evaluations


class _Interval:
    """Where a good step is known to be: from `best`, the best one so far, to `other`."""

    def __init__(self, start, step):
        self.start = self.best = self.other = start
        self.bracketed = False
        self.first_stage = True  # until a point is low enough and leads up
        self.least, self.most = 0.0, 5 * step
        self.width, self.width_before = LONGEST, 2 * LONGEST

    def ends_at(self, point):
        """Whether the search is over, because `point` will do or because rounding prevents a better one."""
        low_enough = self._is_low_enough(point)
        self.first_stage = self.first_stage and not (low_enough and point.slope >= 0)
        if low_enough and abs(point.slope) <= CURVATURE * -self.start.slope:
            return True
        if point.step == LONGEST and low_enough:
            return point.slope <= DECREASE * self.start.slope
        return self.bracketed and (self._at_an_end(point.step) or self._is_narrow())

    def next_step(self, point):
        """The step to try after `point`."""
        # While no point was low enough, a tilted function is used, whose minimum is.
        use_tilt = self.first_stage and point.f <= self.best.f and not self._is_low_enough(point)
        tilt = DECREASE * self.start.slope if use_tilt else 0.0
        ends = (_tilted(p, -tilt) for p in (self.best, self.other, point))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            best, other, step, self.bracketed = _interpolate(*ends, self.bracketed, self.least, self.most)
        self.best, self.other = _tilted(best, tilt), _tilted(other, tilt)
        return self._within_bounds(step)

    def _is_low_enough(self, point):
        return point.f <= self.start.f + point.step * DECREASE * self.start.slope

    def _within_bounds(self, step):
        a, b = self.best.step, self.other.step
        if self.bracketed:
            if abs(b - a) >= 0.66 * self.width_before:
                step = a + 0.5 * (b - a)
            self.width, self.width_before = abs(b - a), self.width
            self.least, self.most = min(a, b), max(a, b)
        else:
            self.least, self.most = step + 1.1 * (step - a), step + 4 * (step - a)
        step = min(max(step, 0.0), LONGEST)
        return a if self.bracketed and (self._at_an_end(step) or self._is_narrow()) else step

    def _at_an_end(self, step):
        return step <= self.least or step >= self.most

    def _is_narrow(self):
        return self.most - self.least <= NARROW * self.most


def _tilted(point, slope):
    return Point(point.step, point.f + slope * point.step, point.slope + slope)


def _interpolate(best, other, point, bracketed, least, most):
    """(best, other, next step, bracketed): the cubic and quadratic steps of the paper's section 4, safeguarded."""
    opposite = point.slope * best.slope < 0
    if point.f > best.f:  # too far up: between the two, nearer to the best
        cubic = best.step + _cubic(best, point) * (point.step - best.step)
        chord = (best.f - point.f) / (point.step - best.step)
        quadratic = best.step + best.slope / (chord + best.slope) / 2 * (point.step - best.step)
        nearer = abs(cubic - best.step) <= abs(quadratic - best.step)
        step = cubic if nearer else cubic + (quadratic - cubic) / 2
        return best, point, step, True
    cubic = point.step + _cubic(point, best) * (best.step - point.step)
    quadratic = point.step + point.slope / (point.slope - best.slope) * (best.step - point.step)
    cubic_is_farther = abs(cubic - point.step) > abs(quadratic - point.step)
    if opposite:  # lower, and past the minimum
        return point, best, cubic if cubic_is_farther else quadratic, True
    if abs(point.slope) < abs(best.slope):  # lower, and flatter
        if not (cubic - point.step) * (point.step - best.step) > 0:  # the cubic has its minimum behind us
            cubic = most if point.step > best.step else least
            cubic_is_farther = abs(cubic - point.step) > abs(quadratic - point.step)
        if bracketed:
            step, limit = quadratic if cubic_is_farther else cubic, point.step + 0.66 * (other.step - point.step)
            step = min(limit, step) if point.step > best.step else max(limit, step)
        else:
            step = min(max(cubic if cubic_is_farther else quadratic, least), most)
    elif bracketed:  # lower, and steeper
        step = point.step + _cubic(point, other) * (other.step - point.step)
    else:
        step = most if point.step > best.step else least
    return point, other, step, bracketed


def _cubic(a, b):
    """Where, between a (0) and b (1), the cubic through both with their slopes has its minimum."""
    theta = 3 * (a.f - b.f) / (b.step - a.step) + a.slope + b.slope
    scale = max(abs(theta), abs(a.slope), abs(b.slope))
    root = scale * np.sqrt(max(0.0, (theta / scale) ** 2 - (a.slope / scale) * (b.slope / scale)))
    if b.step < a.step:
        root = -root
    return (root - a.slope + theta) / (2 * root - a.slope + b.slope)
