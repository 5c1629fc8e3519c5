"""The zero-error set M = {θ : h_i(θ) = y_i for all i}: reaching it, and whether a θ lies on it.

Source: theory.md, section 1.
"""

import numpy as np

from ...arguments import Array, Reals
from ...settings import Setting
from ...settings.setting import parameters
from .derivatives import jacobian, products_of
from .kinks import kink_on_datum
from .repeatedly import repeatedly
from .row_space import finite_jacobian, holds_jacobian, largest_gradient

__all__ = ["InterpolationError", "duplicate_data", "interpolate", "on_zero_error_set"]


class InterpolationError(ValueError):
    """No zero-error parameters were reached; the message gives the largest residual that was left."""


def interpolate(setting: Setting, theta: Reals) -> Array:
    """A point of the zero-error set near theta, by damped Gauss-Newton.

    Each step solves (K + μI) u = h − y and moves by −Jᵀu; Levenberg's μ is raised until ‖h − y‖ falls, and lowered
    after. Near M the steps are normal to it, so the end point is close to the nearest one. A kink that meets a datum
    can stop the descent short, or be left there; the parameters alone in which h is linear (a network's output weights)
    are then moved from theta instead, by the least that fits, which may be far.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        Where to start.

    Returns
    -------
    (p,) array
        θ with max |h_i − y_i| at most √eps of the labels' scale, and where Gauss-Newton converged at rounding level.

    Raises
    ------
    InterpolationError
        If the residual does not come down to √eps of the labels' scale.
    ValueError
        If h has no finite derivative where it starts or stops.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> ou.interpolate(setting, [1.5])
    array([2.])
    """
    theta = parameters(setting, theta, leading=False)
    _check_derivatives(setting, theta)
    nearest = _gauss_newton(setting, theta)
    if not _fits(setting, nearest):
        farther = _move_linear_part(setting, theta, setting.linear_part())
        nearest = farther if _error(setting, farther) < _error(setting, nearest) else nearest
    elif kink_on_datum(setting, nearest) and not kink_on_datum(setting, theta):
        farther = _move_linear_part(setting, theta, setting.linear_part())
        nearest = farther if _fits(setting, farther) else nearest
    worst, tolerance = _error(setting, nearest), zero_error_tolerance(setting, nearest)
    if not worst <= tolerance:
        _check_derivatives(setting, nearest)  # which says where there is none
        contradictory = [f"x_{i} = x_{j}" for i, j in duplicate_data(setting) if np.any(setting.y[i] != setting.y[j])]
        remedy = "start elsewhere, or use a model that can fit these labels"
        if contradictory:
            remedy = f"no model can fit different labels of the same datum ({contradictory[0]})"
        raise InterpolationError(
            f"interpolate: expected to reach a largest residual of {tolerance:.1e}, stopped at {worst:.3g}; {remedy}"
        )
    return nearest


def on_zero_error_set(setting: Setting, theta: Reals) -> Array:
    """theta (p,), validated; a ValueError if it is not on the zero-error set."""
    theta = parameters(setting, theta, leading=False)
    worst, tolerance = _error(setting, theta), zero_error_tolerance(setting, theta)
    if not worst <= tolerance:
        raise ValueError(
            f"theta: expected a point of the zero-error set (largest residual at most {tolerance:.1e}),"
            f" got residual {worst:.3g}; call interpolate(setting, theta) first"
        )
    return theta


def zero_error_tolerance(setting: Setting, theta: Array) -> float:
    """The largest |h_i − y_i| that counts as zero: √eps of the labels' size, or h's rounding at θ."""
    eps = np.finfo(float).eps
    with np.errstate(all="ignore"):
        rounding = 100 * eps * largest_gradient(setting, theta) * np.linalg.norm(theta)
    return max(np.sqrt(eps) * _size_of_labels(setting), rounding if np.isfinite(rounding) else 0.0)


def _size_of_labels(setting):
    """The largest |y_i|; where all are 0, a usual |h_i| at parameters of size 1, in the units of y too."""
    largest = float(np.max(np.abs(setting.y)))
    if largest:
        return largest
    with np.errstate(all="ignore"):
        values = np.abs(setting.predictions(np.random.default_rng(0).standard_normal((16, setting.dim))))
    usual = values[np.isfinite(values) & (values > 0)]
    return float(np.median(usual)) if usual.size else 1.0


def duplicate_data(setting: Setting) -> list[tuple[int, int]]:
    """The pairs of indices (first, again) of data with the same x."""
    _, first, group = np.unique(setting.x.reshape(setting.n, -1), axis=0, return_index=True, return_inverse=True)
    first = first[group.ravel()]
    return [(int(first[j]), j) for j in range(setting.n) if first[j] != j]


@repeatedly()
def _gauss_newton(setting, theta, *, max_iterations=200):
    residual, damping = _residual(setting, theta), 1.0
    for _ in range(max_iterations):
        gram, unit, pull_back = _normal_equations(setting, theta)
        if gram is None or not np.isfinite(residual).all():
            break
        with np.errstate(all="ignore"):
            scaled = residual / unit
        if not np.isfinite(scaled).all():
            break
        scale, size = np.trace(gram) / setting.rows, _size(residual)
        while damping < 1e12:
            shifted = gram + damping * scale * np.eye(setting.rows)
            move = pull_back(np.linalg.lstsq(shifted, scaled, rcond=None)[0])
            attempt = _residual(setting, theta - move)
            if _size(attempt) < size:
                break
            damping *= 4
        else:
            break
        theta, residual, damping = theta - move, attempt, damping / 10
    return theta


def _normal_equations(setting, theta):
    """K/u², u and the function Jᵀ·/u, of a u by which no square over- or underflows; K is None where J is 0 or none."""
    with np.errstate(all="ignore"):
        if not holds_jacobian(setting):
            products = products_of(setting)
            gram = products.gram(theta[None])[0]
            unit = np.sqrt(np.max(np.diag(gram)))
            return gram / unit**2 if 0 < unit < np.inf else None, unit, lambda u: products.backward(theta, u) / unit
        gradients = jacobian(setting, theta)
        unit = np.max(np.abs(gradients))
        if not 0 < unit < np.inf:
            return None, unit, None
        gradients = gradients / unit
        return gradients @ gradients.T, unit, lambda u: gradients.T @ u


def _check_derivatives(setting, theta):
    """The ValueError that names the first derivative that is not finite."""
    if holds_jacobian(setting):
        finite_jacobian(setting, theta)
    elif not np.isfinite(largest_gradient(setting, theta)):
        raise ValueError("theta: expected finite derivatives of h, got some that are not; take another theta")


def _size(residual):
    """‖r‖, where its squares are no floats too."""
    unit = np.max(np.abs(residual))
    return unit * np.linalg.norm(residual / unit) if 0 < unit < np.inf else unit


def _fits(setting, theta):
    return _error(setting, theta) <= zero_error_tolerance(setting, theta)


def _move_linear_part(setting, theta, part):
    if not len(part) or not holds_jacobian(setting):
        return theta
    with np.errstate(all="ignore"):
        columns, residual = jacobian(setting, theta)[:, part], _residual(setting, theta)
    moved = np.array(theta)
    if np.isfinite(columns).all() and np.isfinite(residual).all():
        moved[part] -= np.linalg.lstsq(columns, residual, rcond=None)[0]
    return moved


def _residual(setting, theta):
    return setting.residuals(theta)


def _error(setting, theta):
    """max |h_i − y_i|; NaN where h has no value."""
    return float(np.max(np.abs(_residual(setting, theta))))
