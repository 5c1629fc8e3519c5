"""What ends a flow before its time, as functions of θ."""

from collections.abc import Callable

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..zero_error_set.norm import norm
from ..zero_error_set.row_space import row_space
from .drift_rate import DriftRate
from .stationary_distance import moving_size, stationary_distance

__all__ = ["input_left", "rests", "speed_left"]


def input_left(setting: Setting, theta: Array) -> Callable[[Array], float]:
    """Falls through 0 where the input of a branch changes its sign on a datum."""
    signs = np.sign(setting.preactivations(theta))

    def left(at):
        return np.min(np.where(signs == 0, np.inf, signs * setting.preactivations(at)), initial=1.0)

    return left


def speed_left(setting: Setting, drift: DriftRate, tolerance: float) -> Callable[[Array], float]:
    """Falls through 0 where the drift does below the tolerance."""

    def left(at):
        return norm(drift(at, row_space(setting, at))) - tolerance

    return left


def rests(setting: Setting, drift: DriftRate, rtol: float) -> Callable[[Array], bool]:
    """Whether a stationary point is within 10 rtol of what moves.

    It is looked for only where the speed has fallen by a tenth since it last was.
    """
    looked = np.inf

    def at_rest(at):
        nonlocal looked
        space = row_space(setting, at)
        velocity = drift(at, space)
        speed = norm(velocity)
        if speed > 0.9 * looked:
            return False
        looked, near = speed, 10 * rtol * moving_size(at, velocity)
        return stationary_distance(setting, at, space, within=near) <= near

    return at_rest
