"""The curvatures of reg on the zero-error set at a stationary point: N(∇²reg − Σ_i μ_i ∇²h_i)N on tangent directions.

Source: theory.md, section 3.
"""

from functools import partial

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..fluctuations.matrix_free import extreme_eigenpair
from ..zero_error_set.derivatives import data_hessian_products, lagrangian_hessian_products
from ..zero_error_set.row_space import RowSpace

__all__ = ["curvature_residual", "dense_curvatures", "least_curvature", "resolutions"]


def dense_curvatures(
    setting: Setting, theta: Array, multipliers: Array, accounted: Array
) -> tuple[Array, Array, float, float]:
    """All curvatures off the accounted columns, ascending, their directions (p, k), the residual of the least one, and
    the largest in size.
    """
    basis = np.linalg.qr(accounted, mode="complete")[0][:, accounted.shape[1] :]
    hessian = basis.T @ lagrangian_hessian_products(setting, theta, multipliers, basis.T).T
    _check_finite(hessian)
    hessian = (hessian + hessian.T) / 2
    values, vectors = np.linalg.eigh(hessian)
    residual = np.linalg.norm(hessian @ vectors[:, 0] - values[0] * vectors[:, 0])
    return values, basis @ vectors, float(residual), float(np.max(np.abs(values)))


def least_curvature(
    setting: Setting, theta: Array, multipliers: Array, accounted: Array
) -> tuple[Array, Array, float, float]:
    """The same of the least curvature alone, without a matrix, by Lanczos on (largest) − (Hessian)."""

    def free(vector):
        return vector - accounted @ (accounted.T @ vector)

    def hessian(vector):
        product = free(lagrangian_hessian_products(setting, theta, multipliers, free(vector)[None])[0])
        _check_finite(product)
        return product

    start = free(np.random.default_rng(0).standard_normal(setting.dim))
    find = partial(extreme_eigenpair, start=start, called="stability: expected Lanczos to find the least curvature")
    scale = abs(find(hessian, which="LM", tol=1e-3)[0])
    # Of scale − A, where A's null directions that are accounted for lie at 0, out of the way.
    shifted, direction = find(lambda vector: scale * free(vector) - hessian(vector), tol=1e-9)
    least = scale - shifted
    residual = np.linalg.norm(hessian(direction) - least * direction)
    return np.array([least]), direction[:, None], float(residual), scale


def resolutions(setting: Setting, theta: Array, multipliers: Array, vectors: Array, tol: float) -> Array:
    """The size down to which each curvature counts, along the directions (p, k): (k,).

    tol times what the curvature is a difference of, (2/n) Σ_i ‖∇²h_i v‖² + Σ_i |μ_i vᵀ∇²h_i v|: terms of those data
    alone that bend along v, so that another, larger datum hides nothing.
    """
    found = np.zeros(vectors.shape[1])
    for k, direction in enumerate(vectors.T):
        bent = data_hessian_products(setting, theta, direction)
        found[k] = tol * (2 * np.sum(bent**2) / setting.n + np.sum(np.abs(multipliers * (bent @ direction))))
    return found


def curvature_residual(
    setting: Setting, theta: Array, multipliers: Array, space: RowSpace, values: Array, vectors: Array
) -> float:
    """‖Av − λv‖ of the first of the curvatures λ (k,) and directions v (p, k), along the zero-error set; 0 of none."""
    if not len(values):
        return 0.0
    product = lagrangian_hessian_products(setting, theta, multipliers, vectors.T[:1])[0]
    return float(np.linalg.norm(space.tangent(product) - values[0] * vectors[:, 0]))


def _check_finite(products):
    if not np.isfinite(products).all():
        raise ArithmeticError("stability: expected finite curvatures, got NaN or infinity from the derivatives of h")
