"""Descent of reg on the zero-error set from one start: Newton's method on the set, with a trust region.

Each step minimises the second-order model of reg in the tangent space, exactly, over a ball, and is brought back onto
the set by Gauss-Newton steps normal to it; the ball shrinks where reg does not fall as the model says.

Source: Absil, Baker & Gallivan 2007 (doi:10.1007/s10208-005-0179-9); Moré & Sorensen 1983 (doi:10.1137/0904038).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..numeric.long_time.stationary_distance import moving_size, stationary_distance
from ..numeric.zero_error_set.derivatives import lagrangian_hessian_products, regularizer_gradient
from ..numeric.zero_error_set.interpolate import zero_error_tolerance
from ..numeric.zero_error_set.kinks import kink_on_datum
from ..numeric.zero_error_set.norm import norm
from ..numeric.zero_error_set.repeatedly import repeatedly
from ..numeric.zero_error_set.row_space import RowSpace, row_space
from ..settings import Setting

__all__ = ["descend"]

EPS = np.finfo(float).eps
STEPS = 300
REST = 1e-6  # relative to what moves: the step that counts as none, as in `stability`


class _Point(NamedTuple):
    theta: NDArray[np.float64]
    space: RowSpace
    reg: float


class _Model(NamedTuple):
    """reg about a point to second order in coordinates z of the tangent space: slope·z + Σ curvatures z²/2."""

    tangent: NDArray[np.float64]
    slope: NDArray[np.float64]
    curvatures: NDArray[np.float64]
    velocity: NDArray[np.float64]

    def fall(self, step: NDArray[np.float64]) -> float:
        return -float(self.slope @ step + step @ (self.curvatures * step) / 2)


@repeatedly()
def descend(setting: Setting, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """(θ, status) of the descent from theta (p,) on the zero-error set.

    The status is "stationary"; "kink" (a kink on a datum stops it); "stalled" (reg does not fall as its
    derivatives say); "not attained" (reg falls without end, or no further in floats, and no stationary point is near);
    or "unfinished" (after 300 steps).
    """
    with np.errstate(all="ignore"):
        point = _point(setting, theta)
        if point is None or not np.isfinite(point.reg):
            return theta, "stalled"
        size, first = norm(theta) or 1.0, point.reg
        radius = size
        for _ in range(STEPS):
            model = _model(setting, point)
            if model is None:
                return point.theta, "stalled"
            before = point
            point, radius, status = _advance(setting, point, model, radius, size)
            status = status or _vanished(point, before, first, size)
            if status:
                return point.theta, status
    return point.theta, "unfinished"


def _vanished(point, before, first, size):
    """The status where reg goes to 0, at a point or on the way to infinity; None where it does not."""
    length = norm(point.theta - before.theta)
    if (point.reg <= EPS**2 * first and length <= REST * size) or point.reg == 0:
        return "stationary"
    return "not attained" if point.reg <= EPS * first and length > 1e-2 * size else None


def _advance(setting, point, model, radius, size):
    """The next point and radius, and a status if this is where the descent ends; `size` is that of θ at the start."""
    rest = max(REST * moving_size(point.theta, model.velocity), 1e-7 * norm(point.theta), REST * size)
    while True:
        step = _step(model, radius)
        length, fall = norm(step), model.fall(step)
        if not fall > 4 * EPS * point.reg:
            return point, radius, "stationary" if _at_rest(setting, point, model) else "not attained"
        moved = _brought_back(setting, point.theta + model.tangent @ step)
        gain = (point.reg - moved.reg) / fall if moved else -np.inf
        if gain > 1e-3:
            radius = max(radius, 3 * length) if gain > 0.5 else length / 2
            return moved, radius, None
        if length < rest and fall < 1e3 * EPS * point.reg:  # which rounding hides
            return point, radius, "stationary"
        radius = length / 4
        if radius < 1e-10 * (norm(point.theta) or 1.0):
            return point, radius, "kink" if kink_on_datum(setting, point.theta) else "stalled"


def _at_rest(setting, point, model):
    """As `stability` judges; the step does not tell, as rounding makes it long in directions of symmetry."""
    distance = stationary_distance(setting, point.theta, point.space)
    return distance <= REST * moving_size(point.theta, model.velocity)


def _point(setting, theta):
    """None where h has no derivatives."""
    try:
        space = row_space(setting, theta)
    except (np.linalg.LinAlgError, ValueError):
        return None
    return _Point(theta, space, norm(space.jacobian) ** 2 / setting.n)


def _brought_back(setting, theta):
    """The point of the zero-error set normal to it, as near as rounding allows; None where that fails."""
    least = np.inf
    for _ in range(20):
        residual = setting.residuals(theta)
        worst = float(np.max(np.abs(residual)))
        point = _point(setting, theta) if np.isfinite(worst) else None
        if point is None or worst > 0.5 * least or worst == 0:
            break
        theta, least = theta - point.space.least_move(residual), worst
    return point if point and worst <= zero_error_tolerance(setting, theta) else None


def _model(setting, point):
    """Without the slopes that are rounding, as curvatures there may be 0 too; None where derivatives are not finite."""
    gradient = regularizer_gradient(setting, point.theta)
    multipliers = point.space.multipliers(gradient)
    tangent = np.linalg.qr(point.space.basis, mode="complete")[0][:, point.space.rank :]
    hessian = lagrangian_hessian_products(setting, point.theta, multipliers, tangent.T) @ tangent
    if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
        return None
    curvatures, modes = np.linalg.eigh((hessian + hessian.T) / 2)
    slope = modes.T @ (tangent.T @ gradient)
    slope[np.abs(slope) <= 1e2 * EPS * norm(gradient)] = 0.0
    curvatures[np.abs(curvatures) <= 1e2 * EPS * np.max(np.abs(curvatures), initial=0.0)] = 0.0
    return _Model(tangent @ modes, slope, curvatures, point.space.tangent(gradient))


def _step(model, radius):
    """The least of the model in the ball."""
    slope, curvatures = model.slope, model.curvatures
    lowest = np.min(curvatures, initial=0.0)

    def shifted(shift):
        return np.where(slope == 0, 0.0, -slope / (curvatures + shift))

    step = shifted(-lowest)
    if norm(step) <= radius:
        if lowest < 0:  # a saddle in this direction: as far as the ball reaches
            step[np.argmin(curvatures)] = np.sqrt(radius**2 - norm(step) ** 2)
        return step
    low, high = -lowest, -lowest + norm(slope) / radius
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if norm(shifted(middle)) > radius else (low, middle)
    return shifted(high)
