"""The least regularizer of matrix sensing: a semidefinite program and its dual.

reg is linear in X = U Uᵀ, so that with S_i = A_i + A_iᵀ and M = (1/n) Σ S_i²

    min tr(M X)  s.t.  ⟨A_i, X⟩ = y_i, X ⪰ 0;      max yᵀμ  s.t.  Z = M − Σ μ_i S_i/2 ⪰ 0.

Source: theory.md, section 4.1; Pataki 1998 (doi:10.1287/moor.23.2.339) for solutions of low rank.
"""

from dataclasses import dataclass

import numpy as np

from ..numeric import regularizer
from .conic import solve_conic
from .minimum_result import Minimum

__all__ = ["MatrixSensingMinimum", "least_regularizer", "minimum"]

DOMAIN = "any rank"


@dataclass(frozen=True, eq=False, repr=False)
class MatrixSensingMinimum(Minimum):
    """A `Minimum` over matrices of any rank.

    Attributes
    ----------
    matrix : (d, d) array
        X, positive semidefinite.
    rank : int
        Of X: its eigenvalues above √eps times the largest.
    multipliers : (n,) array
        μ, dual feasible: `lower_bound` is yᵀμ.
    slack : (d, d) array
        Z = M − Σ μ_i S_i/2, positive semidefinite; Z U = 0 at the least.
    """

    matrix: np.ndarray
    rank: int
    multipliers: np.ndarray
    slack: np.ndarray

    def _content(self):
        return (f"rank {self.rank}",)


def minimum(setting):
    """The least reg over U Uᵀ of any rank, with a U of the setting's own rank if one attains it.

    Raises
    ------
    ValueError
        If no positive semidefinite matrix has these measurements.
    """
    matrix, multipliers = _solve(setting, setting.y)
    factor = _factor(matrix)
    rank = factor.shape[1]
    if rank > setting.rank:
        factor = _of_lower_rank(setting, factor)
        rank = factor.shape[1]
    matrix = factor @ factor.T
    theta = None
    if rank <= setting.rank:
        theta = np.pad(factor, ((0, 0), (0, setting.rank - rank))).ravel()
    mean_square, halves = _program(setting)
    value = float(regularizer(setting, theta)) if theta is not None else float(np.sum(mean_square * matrix))
    return MatrixSensingMinimum(
        setting=setting,
        value=value,
        theta=theta,
        lower_bound=float(setting.y @ multipliers),
        domain=DOMAIN,
        residual=float(np.max(np.abs(np.sum(setting.x * matrix, axis=(-2, -1)) - setting.y))),
        matrix=matrix,
        rank=rank,
        multipliers=multipliers,
        slack=mean_square - np.tensordot(multipliers, halves, 1),
    )


def least_regularizer(setting, theta):
    """(value, lower bound, domain) of the program with the measurements of theta (p,) for y."""
    predictions = setting.predictions(theta)
    matrix, multipliers = _solve(setting, predictions)
    return float(np.sum(_program(setting)[0] * matrix)), float(predictions @ multipliers), DOMAIN


def _program(setting):
    """M and the S_i/2."""
    halves = (setting.x + np.swapaxes(setting.x, -1, -2)) / 2
    return 4 * np.mean(halves @ halves, axis=0), halves


def _solve(setting, y):
    """X ⪰ 0 and a dual feasible μ, of the program in units in which max |y_i| and the mean of M are 1."""
    mean_square, halves = _program(setting)
    scale, weight = np.max(np.abs(y)), np.trace(mean_square) / setting.d
    if scale == 0 or weight == 0:
        if scale > 0:
            raise ValueError(f"y: expected 0 of sensors with A + Aᵀ = 0, got {y[np.argmax(np.abs(y))]:g}")
        return np.zeros_like(mean_square), np.zeros_like(y)
    # The program in μ: its slack is Z, and the multiplier of the slack is X.
    solution = solve_conic(
        linear=-y / scale,
        matrix=_stacked(halves).T,
        right=_stacked(mean_square / weight),
        cones=[("semidefinite", setting.d)],
    )
    if "Infeasible" in solution.status:
        raise ValueError("y: expected measurements of a positive semidefinite matrix, got some that none has")
    matrix = _positive_part(_unstacked(solution.multipliers, setting.d)) * scale
    return matrix, _feasible(solution.x, mean_square / weight, halves) * weight


def _feasible(multipliers, mean_square, halves):
    """μ scaled by the largest t ≤ 1 with M − t Σ μ_i S_i/2 ⪰ 0, on the range of M, outside of which all S_i vanish."""
    levels, vectors = np.linalg.eigh(mean_square)
    seen = levels > len(levels) * np.finfo(float).eps * levels[-1]
    whitened = vectors[:, seen] / np.sqrt(levels[seen])
    largest = np.linalg.eigvalsh(whitened.T @ np.tensordot(multipliers, halves, 1) @ whitened)[-1]
    return multipliers / max(largest * (1 + len(levels) * np.finfo(float).eps), 1.0)


def _factor(matrix):
    """U (d, rank) with U Uᵀ = X, up to eigenvalues below √eps of the largest."""
    levels, vectors = np.linalg.eigh(matrix)
    kept = levels > np.sqrt(np.finfo(float).eps) * max(levels[-1], np.finfo(float).tiny)
    return vectors[:, kept] * np.sqrt(levels[kept])


def _of_lower_rank(setting, factor):
    """Another solution: along a symmetric D with ⟨A_i, U D Uᵀ⟩ = 0 for all i, up to the boundary of the cone.

    tr(M U D Uᵀ) is then 0 too, by Z U = 0. There is such a D while rank (rank + 1)/2 > n.
    """
    while (rank := factor.shape[1]) > setting.rank:
        seen = factor.T @ ((setting.x + np.swapaxes(setting.x, -1, -2)) / 2) @ factor
        _, values, directions = np.linalg.svd(_stacked(seen), full_matrices=True)
        if len(values) == rank * (rank + 1) // 2 and values[-1] > 1e-6 * values[0]:
            break
        direction = _unstacked(directions[-1], rank)
        levels, vectors = np.linalg.eigh(direction)
        extreme = levels[np.argmax(np.abs(levels))]
        shrunk = 1 - levels / extreme
        kept = shrunk > np.sqrt(np.finfo(float).eps)
        factor = (factor @ vectors)[:, kept] * np.sqrt(shrunk[kept])
    return factor


def _stacked(matrices):
    """Upper triangles column by column, off-diagonal entries times √2: (..., d, d) gives (..., d (d + 1)/2)."""
    column, row = np.tril_indices(matrices.shape[-1])
    return matrices[..., row, column] * np.where(row == column, 1.0, np.sqrt(2))


def _unstacked(entries, d):
    column, row = np.tril_indices(d)
    matrix = np.zeros((d, d))
    matrix[row, column] = matrix[column, row] = entries / np.where(row == column, 1.0, np.sqrt(2))
    return matrix


def _positive_part(matrix):
    levels, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(levels, 0)) @ vectors.T
