"""The row space of J, normal to the zero-error set, by a thin SVD: never a p×p matrix."""

import contextlib
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from .derivatives import jacobian

__all__ = ["RowSpace", "row_space"]


@dataclass(frozen=True, eq=False)
class RowSpace:
    """J = modes √squares basisᵀ of rank r; where r < n, K⁻¹ stands for K⁺.

    Attributes
    ----------
    jacobian : (n, p) array
    squares, modes : (r,) and (n, r) arrays
        The positive eigenvalues κ of K = JJᵀ, descending, and their eigenvectors U.
    basis : (p, r) array
        V, orthonormal.
    """

    jacobian: np.ndarray
    squares: np.ndarray
    modes: np.ndarray
    basis: np.ndarray

    @property
    def rank(self):
        """r, at a relative tolerance of max(n, p) eps on the singular values."""
        return len(self.squares)

    def tangent(self, vector):
        """N u: what of a vector (p,) lies along the zero-error set."""
        once = vector - self.basis @ (self.basis.T @ vector)
        return once - self.basis @ (self.basis.T @ once)  # twice, to be tangent to rounding

    def least_move(self, residual):
        """J⁺ r, the shortest move of θ (p,) that changes the linearised predictions by r (n,)."""
        return self.basis @ (self.modes.T @ residual / np.sqrt(self.squares))

    def multipliers(self, vector):
        """The least-squares μ (n,) of u = Jᵀμ."""
        return self.modes @ (self.basis.T @ vector / np.sqrt(self.squares))


def row_space(setting, theta):
    """The RowSpace of J at theta (p,)."""
    gradients = jacobian(setting, theta)
    modes, singular, rows = _thin_svd(gradients)
    rank = int(np.sum(singular > max(gradients.shape) * np.finfo(float).eps * singular[0]))
    basis = rows[:rank].T * gradients.any(axis=0)[:, None]  # LAPACK leaves rounding at parameters that no datum sees
    return RowSpace(gradients, singular[:rank] ** 2, modes[:, :rank], basis)


def _thin_svd(matrix):
    """U, s, Vᵀ of (n, p); for p ≫ n and cond J ≪ 1/√eps by Cholesky QR, done twice, several times faster than LAPACK's.

    Source: Yamamoto et al. 2015 (ETNA 44), on CholeskyQR2.
    """
    n, p = matrix.shape
    if p > 8 * n:
        with contextlib.suppress(np.linalg.LinAlgError):
            first = np.linalg.cholesky(matrix @ matrix.T)
            rows = solve_triangular(first, matrix, lower=True)
            left = rows @ rows.T
            if np.linalg.norm(left - np.eye(n)) < 0.1:
                second = np.linalg.cholesky(left)
                rows = solve_triangular(second, rows, lower=True)
                modes, singular, turn = np.linalg.svd(first @ second)
                return modes, singular, turn @ rows
    return np.linalg.svd(matrix, full_matrices=False)
