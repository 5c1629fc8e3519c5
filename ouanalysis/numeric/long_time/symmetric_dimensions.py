"""How many flat directions of a stationary point are symmetries: flat not only at second order but all the way.

Along a flat direction v the other tangent directions and the normal ones are solved for, by Newton's method with the
curvatures at θ itself, so that what is left of ∇reg is that of the reduced function φ(v) of the flat coordinates alone
(Lyapunov and Schmidt). A symmetry group leaves φ constant along its orbits; a flatness that is none does not.
"""

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..zero_error_set.derivatives import regularizer_gradient
from ..zero_error_set.row_space import RowSpace, row_space

__all__ = ["symmetric_dimensions"]

FAR = 0.1  # of ‖θ‖: how far along a direction one looks
ITERATIONS = 60


def symmetric_dimensions(
    setting: Setting, theta: Array, space: RowSpace, values: Array, vectors: Array, resolution: Array
) -> int:
    """The dimensions among the flat directions along which neither h nor reg changes, a tenth of ‖θ‖ away too.

    Parameters
    ----------
    setting : Setting
        Smooth about theta.
    theta : (p,) array
        Where N∇reg = 0.
    space : RowSpace
        Of J at theta.
    values, vectors : (k,) and (p, k) arrays
        The curvatures there, and their directions; those up to resolution in size are the flat ones.
    resolution : (k,) array
        Of the curvatures; that of the flat ones is at a distance that of what is left of ∇reg, over the distance.
    """
    flat = np.abs(values) <= resolution
    along, count, least = vectors[:, flat], int(np.count_nonzero(flat)), float(np.max(resolution[flat]))
    rng = np.random.default_rng(0)
    slopes: list[Array] = []
    while len(slopes) < count + 2:
        draw = rng.standard_normal(count)
        slopes.append(
            _reduced_slope(setting, theta, space, along @ (draw / np.linalg.norm(draw)), values, vectors, flat)
        )
        if len(slopes) == 2 and max(map(np.linalg.norm, slopes)) <= least:
            return count  # φ is constant
    if not np.isfinite(slopes).all():
        return 0  # none is shown
    singular = np.linalg.svd(np.array(slopes), compute_uv=False)
    # What slopes the orbit's own bend adds is of a higher order in FAR than that of the direction that is no symmetry.
    return count - int(np.sum(singular > max(least, FAR * singular[0])))


def _reduced_slope(setting, theta, space, direction, values, vectors, flat):
    """∇φ over the distance at which it is taken, along the flat directions; infinite where Newton's method fails."""
    stiff, bent = vectors[:, ~flat], values[~flat]
    for distance in FAR * np.linalg.norm(theta) * np.array([1.0, 0.1, 0.01]):
        at, before = theta + distance * direction, float("inf")
        for _ in range(ITERATIONS):
            with np.errstate(all="ignore"):
                at = at - space.least_move(setting.residuals(at))
                if not np.isfinite(at).all():
                    break
                slope = row_space(setting, at).tangent(regularizer_gradient(setting, at))
                move = stiff @ (stiff.T @ slope / bent)
            if not np.linalg.norm(move) < before:
                if before < 1e-6 * distance:
                    return vectors[:, flat].T @ slope / distance
                break  # the curvatures at θ itself lead nowhere so far away
            before = float(np.linalg.norm(move))
            at = at - move
    return np.full(np.count_nonzero(flat), np.inf)
