"""How far a point of the zero-error set is from one where N∇reg = 0, whatever the scales of data and parameters."""

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..zero_error_set.derivatives import lagrangian_hessian_products, regularizer, regularizer_gradient
from ..zero_error_set.norm import norm
from ..zero_error_set.row_space import DENSE, RowSpace

__all__ = ["moving_size", "stationary_distance"]


def stationary_distance(setting: Setting, theta: Array, space: RowSpace, *, within: float = np.inf) -> float:
    """The length of the Newton step to N∇reg = 0, in units of θ: 0 within rounding, infinite where reg is straight.

    ‖N∇reg‖ itself says little: against ‖∇reg‖ it is small wherever some other datum is large. Nor does a step along the
    gradient alone suffice, as that stays short while any steep direction is not quite at rest; but it is never the
    longer one where curvatures are positive, and what is given where it is above `within`.
    """
    with np.errstate(all="ignore"):  # NaN where derivatives are no floats, which the curvatures say
        return _newton_length(setting, theta, space, within)


def _newton_length(setting, theta, space, within):
    gradient = regularizer_gradient(setting, theta)
    slope, size = space.tangent(gradient), norm(theta)
    steepness = norm(slope)
    noise = 32 * np.finfo(float).eps * max(norm(gradient), regularizer(setting, theta) / size if size else 0.0)
    if not steepness > noise:
        return 0.0

    def bent(directions):
        return lagrangian_hessian_products(setting, theta, space.multipliers(gradient), directions)

    along = slope / steepness
    curvature = abs(bent(along[None])[0] @ along)
    shortest = float(steepness / curvature) if curvature else np.inf
    if not shortest <= within or space.rank == setting.dim - 1:
        return shortest
    newton = _dense_step if setting.dim <= DENSE else _iterated_step
    return max(shortest, float(newton(space, bent, slope, noise)))


def moving_size(theta: Array, velocity: Array) -> float:
    """The size of the parameters that move: θ weighted by the unit velocity, and at least 1e-6 of ‖θ‖.

    What a distance is held against: a large parameter that stays where it is says nothing of those that move.
    """
    speed = norm(velocity)
    moving = norm(theta * (velocity / speed)) if speed else norm(theta)
    return float(np.hypot(moving, 1e-6 * norm(theta)))


def _dense_step(space, bent, slope, noise):
    """‖A⁻¹g‖ on the tangent space, but for the directions in which g is rounding: there A may be 0."""
    tangent = np.linalg.qr(space.basis, mode="complete")[0][:, space.rank :]
    hessian = bent(tangent.T) @ tangent
    if not np.isfinite(hessian).all():
        return np.inf
    curvatures, modes = np.linalg.eigh((hessian + hessian.T) / 2)
    steep = np.abs(modes.T @ (tangent.T @ slope))
    counted = steep > noise
    with np.errstate(divide="ignore"):
        return norm(steep[counted] / np.abs(curvatures[counted]))


def _iterated_step(space, bent, slope, noise):
    """The same by MINRES, without a matrix, down to a gradient that is rounding."""
    from scipy.sparse.linalg import LinearOperator, minres  # slow to import

    scale = norm(slope)
    operator = LinearOperator(
        (len(slope),) * 2, matvec=lambda vector: space.tangent(bent(vector.ravel()[None])[0]), dtype=float
    )
    step, _ = minres(operator, slope / scale, rtol=max(noise / scale, 1e-6))
    return scale * norm(step)
