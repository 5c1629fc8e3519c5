"""How far a point of the zero-error set is from one where N∇reg = 0, whatever the scales of data and parameters."""

import numpy as np

from .derivatives import lagrangian_hessian_products, regularizer, regularizer_gradient

__all__ = ["stationary_distance"]


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
