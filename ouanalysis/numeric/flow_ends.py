"""What ends a flow before its time: functions of (time, θ) that fall through 0, as SciPy's integrators take events."""

import numpy as np

from .row_space import row_space
from .stationary_distance import moving_size, stationary_distance

__all__ = ["STEPS", "kink_event", "stall_event", "stationary_event"]

STEPS = 1000  # of the integrator, after which it has stalled


def kink_event(setting, theta):
    """Falls through 0 where the input of a branch changes its sign on a datum."""
    signs = np.sign(setting.preactivations(theta))

    def least_input(_, at):
        return np.min(np.where(signs == 0, np.inf, signs * setting.preactivations(at)), initial=1.0)

    return least_input


def stationary_event(setting, drift, tolerance, rtol):
    """Falls through 0 where the gradient does below its tolerance, or the distance to rest below 10 rtol of θ."""

    def left(_, at):
        if tolerance == 0:
            return 1.0
        space = row_space(setting, at)
        if tolerance is None:
            return stationary_distance(setting, at, space) - 10 * rtol * moving_size(at, drift(at, space))
        return np.linalg.norm(drift(at, space)) - tolerance

    return left


def stall_event():
    """Falls through 0 after so many steps of the integrator, at a time between the last two."""
    steps, before, deadline = 0, 0.0, np.inf

    def left(time, _):
        nonlocal steps, before, deadline
        steps += 1
        if steps > STEPS and deadline == np.inf:
            deadline = (before + time) / 2
        before = time
        return min(1.0, deadline - time)

    return left
