"""The rank that J has almost everywhere: where it is lower, the zero-error set need not be smooth.

Source: theory.md, section 2, "Rank".
"""

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ...settings.unseen_directions import jacobian_rows
from .derivatives import jacobian
from .norm import norm

__all__ = ["generic_rank", "rank_is_constant", "scaled_rank"]

DRAWS = 3  # a random θ misses the largest rank with probability 0


def rank_is_constant(setting: Setting, theta: Array) -> bool:
    """Whether J has its rank at theta (p,) at every θ nearby too, so that the zero-error set is smooth there."""
    return scaled_rank(jacobian(setting, theta)) >= generic_rank(setting, theta)


def generic_rank(setting: Setting, theta: Array) -> int:
    """The largest rank of J over random θ near theta (p,) and far from it, on its smooth piece."""
    piece = setting.smooth_piece(theta)
    rng = np.random.default_rng(0)
    size = norm(theta) / np.sqrt(setting.dim)
    far, near = rng.standard_normal((2, DRAWS, setting.dim))
    return max(scaled_rank(jacobian_rows(piece, place[None])) for place in [*(theta + size * near), *far])


def scaled_rank(jacobian: Array, tol: float = 0.0) -> int:
    """The rank of (m, p) with its rows scaled to unit length: squared singular values above tol times the largest.

    At least above rounding: max(m, p) eps on the singular values.
    """
    largest = np.max(np.abs(jacobian), axis=1, initial=0.0)
    rows = jacobian[largest > 0] / largest[largest > 0, None]  # so that no square over- or underflows
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if not len(rows):
        return 0
    singular = np.linalg.svd(rows, compute_uv=False)
    least = max(np.sqrt(tol), max(rows.shape) * np.finfo(float).eps)
    return int(np.sum(singular > least * singular[0]))
