"""The row space of J, normal to the zero-error set, by a thin SVD: never a p×p matrix."""

from dataclasses import dataclass

import numpy as np

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
    modes, singular, rows = np.linalg.svd(gradients, full_matrices=False)
    rank = int(np.sum(singular > max(gradients.shape) * np.finfo(float).eps * singular[0]))
    return RowSpace(gradients, singular[:rank] ** 2, modes[:, :rank], rows[:rank].T)
