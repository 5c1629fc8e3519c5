"""The curvatures of reg on the zero-error set at a stationary point, and what they say: `stability` at second order.

Source: theory.md, section 3; Blanc et al. 2020 (arXiv:1904.09080), definitions of repellent and stationary points.
"""

from typing import Any

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..zero_error_set.derivatives import jacobian, regularizer_gradient
from ..zero_error_set.row_space import DENSE, RowSpace
from .curvatures import curvature_residual, dense_curvatures, least_curvature, resolutions
from .symmetric_dimensions import symmetric_dimensions

__all__ = ["second_order", "without_spectrum"]


def without_spectrum(setting: Setting, theta: Array) -> dict[str, Any]:
    """What `Stability` holds where no curvature is needed."""
    unseen = len(setting.unseen_directions(theta)) if setting.dim <= DENSE else None
    return {
        "unseen": unseen,
        "symmetries": None,
        "eigenvalues": np.zeros(0),
        "direction": np.zeros(setting.dim),
        "residual": 0.0,
        "resolution": np.zeros(0),
    }


def second_order(setting: Setting, piece: Setting, point: dict[str, Any], space: RowSpace) -> dict[str, Any]:
    """The verdict by the curvatures on the tangent directions that neither symmetry nor blindness accounts for."""
    theta, tol, accounted = point["theta"], point["tol"], space.basis
    counts: dict[str, int | None] = {"unseen": None, "symmetries": None}
    if setting.dim <= DENSE:
        for name, directions in (
            ("unseen", setting.unseen_directions(theta)),
            ("symmetries", _known_symmetries(setting, piece, theta)),
        ):
            counts[name], accounted = _add(directions, accounted, tol)
    values, vectors, residual, largest = np.zeros(0), np.zeros((setting.dim, 0)), 0.0, 0.0
    if accounted.shape[1] < setting.dim:
        curvatures = dense_curvatures if setting.dim <= DENSE else least_curvature
        values, vectors, residual, largest = curvatures(piece, theta, point["multipliers"], accounted)
    resolution = resolutions(piece, theta, point["multipliers"], vectors, tol)
    resolution += residual + 1e3 * np.finfo(float).eps * largest
    if np.any(np.abs(values) <= resolution) and setting.dim <= DENSE:
        found = symmetric_dimensions(piece, theta, space, values, vectors, resolution)
        counts["symmetries"] = (counts["symmetries"] or 0) + found
        kept = np.sort(np.argsort(np.abs(values))[found:])
        values, vectors, resolution = values[kept], vectors[:, kept], resolution[kept]
        residual = curvature_residual(piece, theta, point["multipliers"], space, values, vectors)
    direction = vectors[:, 0] if len(values) else np.zeros(setting.dim)
    verdict = _by_curvatures(values, resolution, sum(filter(None, counts.values())), setting.dim)
    return {"verdict": verdict, "eigenvalues": values, "direction": direction, "residual": residual} | {
        "resolution": resolution,
        **counts,
    }


def _known_symmetries(setting, piece, theta):
    """The directions that the setting names, once it is seen that neither h nor reg changes along them."""
    directions = setting.symmetry_directions(theta)
    if directions is None or not len(directions):
        return np.zeros((0, setting.dim))
    size = np.linalg.norm(theta) / np.sqrt(setting.dim)
    beside = theta + size * np.random.default_rng(0).standard_normal(setting.dim)
    for place in (theta, beside) if setting.symmetries else (theta,):  # at rest reg changes along nothing
        _check_symmetries(setting, piece, place)
    return directions


def _check_symmetries(setting, piece, theta):
    directions = setting.symmetry_directions(theta)
    slopes = np.vstack([jacobian(piece, theta), regularizer_gradient(piece, theta)])
    size = np.linalg.norm(slopes, axis=1, keepdims=True) * np.linalg.norm(directions, axis=1)
    wrong = np.argwhere(np.abs(slopes @ directions.T) > np.sqrt(np.finfo(float).eps) * size)
    if len(wrong):
        what = "reg" if wrong[0][0] == setting.rows else f"h_{wrong[0][0]}"
        raise ValueError(
            f"symmetries: expected directions along which neither h nor reg changes, got one, number {wrong[0][1]},"
            f" along which {what} does"
        )


def _by_curvatures(values, zero, flat, dim):
    if np.any(values < -zero):
        return "saddle"
    if np.any(values <= zero) or dim > DENSE:
        return "no negative curvature above tol"
    return "minimum up to symmetry" if flat else "strict minimum"


def _add(directions, known, tol):
    """How many dimensions directions (m, p) add to the span of known's orthonormal columns, and the columns of both."""
    if not directions.any():
        return 0, known
    columns = directions.T / np.max(np.linalg.norm(directions, axis=1))
    for _ in range(2):
        columns = columns - known @ (known.T @ columns)
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    new = left[:, singular > tol]
    return new.shape[1], np.hstack([known, new])
