"""How far a point of the zero-error set is from one where N∇reg = 0, whatever the scales of data and parameters."""

import numpy as np

from .derivatives import lagrangian_hessian_products, regularizer, regularizer_gradient

__all__ = ["moving_size", "stationary_distance"]


def stationary_distance(setting, theta, space):
    """‖N∇reg‖ over the curvature of reg along it, in units of θ: 0 within rounding, infinite where reg is straight.

    A Newton step along the gradient alone, so a lower estimate. ‖N∇reg‖ itself says little: against ‖∇reg‖ it is small
    wherever some other datum is large.
    """
    gradient = regularizer_gradient(setting, theta)
    slope = space.tangent(gradient)
    norm = np.linalg.norm(slope)
    size = np.linalg.norm(theta)
    steep = max(np.linalg.norm(gradient), regularizer(setting, theta) / size if size else 0.0)
    if norm <= 1e3 * np.finfo(float).eps * steep:
        return 0.0
    direction = slope / norm
    bent = lagrangian_hessian_products(setting, theta, space.multipliers(gradient), direction[None])[0]
    curvature = abs(bent @ direction)
    return float(norm / curvature) if curvature else np.inf


def moving_size(theta, velocity):
    """The size of the parameters that move: θ weighted by the unit velocity, and at least 1e-6 of ‖θ‖.

    What a distance is held against: a large parameter that stays where it is says nothing of those that move.
    """
    speed = np.linalg.norm(velocity)
    moving = np.linalg.norm(theta * velocity) / speed if speed else np.linalg.norm(theta)
    return float(np.hypot(moving, 1e-6 * np.linalg.norm(theta)))
