"""The least regularizer of matrix sensing: a semidefinite program and its dual.

reg is linear in X = U Uᵀ, so that with S_i = A_i + A_iᵀ and M = (1/n) Σ S_i²

    min tr(M X)  s.t.  ⟨A_i, X⟩ = y_i, X ⪰ 0;      max yᵀμ  s.t.  Z = M − Σ μ_i S_i/2 ⪰ 0.

It is solved in coordinates in which M is the identity and the constraints are orthonormal: neither the sizes of the
sensors nor how much they depend on each other then matter.

Source: theory.md, section 4.1; Pataki 1998 (doi:10.1287/moor.23.2.339) for solutions of low rank.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh

from ..numeric import InterpolationError, interpolate, regularizer
from .conic import solve_conic
from .minimum_result import Minimum

__all__ = ["MatrixSensingMinimum", "least_regularizer", "minimum"]

DOMAIN = "any rank"
EPS = np.finfo(float).eps
FITS = 1e-6  # of `off` below: 1e-8 is common where X ⪰ 0 leaves no interior
NONE_HAS = "y: expected measurements of a positive semidefinite matrix, got some that none has"


@dataclass(frozen=True, eq=False, repr=False)
class MatrixSensingMinimum(Minimum):
    """A `Minimum` over matrices of any rank.

    Attributes
    ----------
    matrix : (d, d) array
        X, positive semidefinite.
    rank : int
        Of X, in the coordinates in which M is the identity: eigenvalues above √eps times the largest.
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
    ArithmeticError
        If the solver comes near none: the least is not attained, or at a matrix far larger than its measurements.
    """
    program = _program(setting)
    _refuse_contradiction(program, setting.y)
    solution = _solve(program, setting.y)
    factor = program.from_whitened @ solution.factor
    off = max(solution.off, 1e-3 * _residual(setting, factor) / np.max(np.abs(setting.y), initial=EPS))
    if not off <= FITS:
        raise ArithmeticError(
            f"minimum: expected a matrix with these measurements, got one that misses them by {off:.0e} of their size:"
            " the least is not attained, or at a matrix far larger than its measurements"
        )
    theta = None
    if factor.shape[1] > setting.rank:
        theta = _attaining(setting, program.from_whitened @ _of_lower_rank(program, solution.factor, setting.rank))
    else:
        theta = _padded(setting, factor)
    if theta is not None:
        factor = setting.unpack(theta)["U"]
    halves = _halves(setting)
    return MatrixSensingMinimum(
        setting=setting,
        value=float(solution.value if theta is None else regularizer(setting, theta)),
        theta=theta,
        lower_bound=float(setting.y @ solution.multipliers),
        domain=DOMAIN,
        residual=_residual(setting, factor),
        matrix=factor @ factor.T,
        rank=int(np.sum(np.any(factor != 0, axis=0))),
        multipliers=solution.multipliers,
        slack=4 * np.mean(halves @ halves, axis=0) - np.tensordot(solution.multipliers, halves, 1),
    )


def least_regularizer(setting, theta):
    """(value, lower bound, domain) of the program with the measurements of theta (p,) for y; (∞, 0) where it fails."""
    predictions = setting.predictions(theta)
    try:
        solution = _solve(_program(setting), predictions)
    except ValueError:  # that no matrix has the measurements of U Uᵀ is rounding: nothing is known
        return np.inf, 0.0, DOMAIN
    value = solution.value if solution.off <= FITS else np.inf
    return float(value), float(predictions @ solution.multipliers), DOMAIN


class _Program(NamedTuple):
    """Coordinates X = W X̃ Wᵀ with Wᵀ M W = 1, and an orthonormal basis Q_k (k, r, r) of the sensors in them."""

    from_whitened: np.ndarray  # W, (d, r)
    whitened: np.ndarray  # Wᵀ S_i W/2, (n, r, r)
    identity: np.ndarray  # Wᵀ M W, up to rounding, (r, r)
    rounding: tuple  # of its norm, (), and of theirs, (n,)
    basis: np.ndarray  # (k, r, r)
    sizes: np.ndarray  # of the sensors in these coordinates, (n,)
    measure: np.ndarray  # ⟨Q_k, X̃⟩ = (measure @ (y/sizes))_k, (k, n)
    left_over: np.ndarray  # (n − k, n): of y/sizes this must be 0, where sensors depend on each other


class _Solution(NamedTuple):
    """X̃ as a factor (r, rank), tr(X̃), how far off its measurements are, and μ (n,), dual feasible."""

    factor: np.ndarray
    value: float
    off: float
    multipliers: np.ndarray


def _halves(setting):
    """S_i/2, (n, d, d)."""
    halves = (setting.x + np.swapaxes(setting.x, -1, -2)) / 2
    largest = np.max(np.abs(halves))
    if largest and not 1e-153 <= largest <= 1e153:  # whose squares are floats
        raise ValueError(f"sensors: expected a largest entry from 1e-153 to 1e153, got {largest:.2g}")
    return halves


def _program(setting):
    halves, d = _halves(setting), setting.d
    # M = TᵀT with T the S_i/√n above each other: its roots are singular values of T, to full precision.
    _, roots, directions = np.linalg.svd((2 / np.sqrt(setting.n)) * halves.reshape(-1, d), full_matrices=True)
    roots = np.append(roots, np.zeros(d - len(roots)))
    seen = roots > 8 * d * EPS * roots[0]
    sizes = np.linalg.norm(halves, axis=(1, 2))
    unseen = np.linalg.norm(halves @ directions[~seen].T, axis=(1, 2))
    if np.any(unseen > 1e-6 * sizes):
        raise ValueError(
            f"sensors: expected sizes within a factor 1e14 of each other, got {sizes.min():.0e} to {sizes.max():.0e}"
        )
    whitening = directions[seen].T / roots[seen]
    whitened = whitening.T @ halves @ whitening
    sizes = np.linalg.norm(whitened, axis=(1, 2))
    sizes, r = np.where(sizes > 0, sizes, 1.0), whitening.shape[1]
    left, values, right = np.linalg.svd(_stacked(whitened / sizes[:, None, None]), full_matrices=True)
    rank = int(np.sum(values > 1e-11 * np.max(values, initial=0.0)))
    stacked = (2 / np.sqrt(setting.n)) * halves.reshape(-1, d)
    size, halves_size = np.abs(whitening), np.abs(halves)
    lost = 4 * d * EPS * np.linalg.norm(np.abs(stacked) @ size) * np.linalg.norm(stacked @ whitening)
    lost_each = 4 * d * EPS * np.linalg.norm(size.T @ halves_size @ size, axis=(1, 2))
    return _Program(
        from_whitened=whitening,
        whitened=whitened,
        identity=(stacked @ whitening).T @ (stacked @ whitening),
        rounding=(lost, lost_each),
        basis=np.array([_unstacked(row, r) for row in right[:rank]]).reshape(rank, r, r),
        sizes=sizes,
        measure=left.T[:rank] / values[:rank, None],
        left_over=left.T[rank:],
    )


def _solve(program, y):
    """The program in X̃: min tr(X̃) s.t. ⟨Q_k, X̃⟩ = b_k; max bᵀν s.t. Σ ν_k Q_k ⪯ 1. Its measurements are scaled to 1."""
    measured = program.measure @ (y / program.sizes)
    scale, r = np.max(np.abs(measured), initial=0.0), program.from_whitened.shape[1]
    if scale == 0:
        return _Solution(np.zeros((r, 0)), 0.0, 0.0, np.zeros_like(y))
    # Solved in ν: the slack is Z̃ = 1 − Σ ν_k Q_k, and the multiplier of the slack is X̃.
    solution = solve_conic(
        linear=-measured / scale,
        matrix=_stacked(program.basis).T,
        right=_stacked(np.eye(r)),
        cones=[("semidefinite", r)],
        infeasible=NONE_HAS,
    )
    matrix = _unstacked(solution.multipliers, r)
    for _ in range(50):  # between the cone and the measurements, of which the solver misses either by its tolerance
        levels, vectors = np.linalg.eigh(matrix)
        inside = (vectors * np.maximum(levels, 0)) @ vectors.T
        missed = measured / scale - np.sum(program.basis * inside, axis=(-2, -1))
        if np.linalg.norm(missed) <= 1e-13:
            break
        matrix = inside + np.tensordot(missed, program.basis, 1)
    for cut in (np.sqrt(EPS), EPS**0.75, 0.0):
        kept = levels > cut * levels[-1]
        factor = vectors[:, kept] * np.sqrt(levels[kept])
        off = np.linalg.norm(np.sum(program.basis * (factor @ factor.T), axis=(-2, -1)) - measured / scale)
        if off <= 1e-10:
            break
    off *= max(1.0, 0.01 * np.sum(factor**2))  # a matrix that outgrows its measurements nears what has no solution
    multipliers = _feasible(program, program.measure.T @ solution.x / program.sizes)
    return _Solution(factor * np.sqrt(scale), scale * np.sum(factor**2), float(off), multipliers)


def _feasible(program, multipliers):
    """μ scaled by the largest t ≤ 1 with Z ⪰ 0, were every matrix off by its rounding in the worst direction.

    Wᵀ Z W = Wᵀ M W − t Σ μ_i Wᵀ S_i W/2 has the sign of Z whatever the error in W is.
    """
    lost, lost_each = program.rounding
    least = np.linalg.eigvalsh(program.identity)[0] - lost
    if not least > 0.1:  # W is no whitening any more
        return np.zeros_like(multipliers)
    slack = np.tensordot(multipliers, program.whitened, 1)
    largest = eigh((slack + slack.T) / 2, program.identity, eigvals_only=True)[-1]
    needed = (largest + np.abs(multipliers) @ lost_each / least) / (1 - lost / least)
    return multipliers / max(needed, 1.0) if np.isfinite(needed) else np.zeros_like(multipliers)


def _refuse_contradiction(program, y):
    """A ValueError where sensors depend on each other and y does not."""
    sized = y / program.sizes
    allowed = np.sqrt(EPS) * np.linalg.norm(program.left_over * sized, axis=1) + 1e-12 * np.linalg.norm(sized)
    if np.any(np.abs(program.left_over @ sized) > allowed):
        raise ValueError(f"{NONE_HAS}: its sensors depend on each other, and y does not in the same way")


def _padded(setting, factor):
    """U (d, rank) as theta of a setting of that rank or more."""
    return np.pad(factor, ((0, 0), (0, setting.rank - factor.shape[1]))).ravel()


def _attaining(setting, factor):
    """theta of a factor, moved onto the zero-error set; None if its rank is too large or nothing near it fits."""
    if factor.shape[1] > setting.rank:
        return None
    theta = _padded(setting, factor)
    try:
        moved = interpolate(setting, theta)
    except InterpolationError:
        return None
    near = abs(regularizer(setting, moved) - regularizer(setting, theta)) <= 1e-6 * regularizer(setting, theta)
    return moved if near else None


def _residual(setting, factor):
    return float(np.max(np.abs(np.sum(setting.x * (factor @ factor.T), axis=(-2, -1)) - setting.y)))


def _of_lower_rank(program, factor, most):
    """Another solution: along a symmetric D with ⟨Q_k, U D Uᵀ⟩ = 0 for all k, up to the boundary of the cone.

    tr(U D Uᵀ) is then 0 too, by Z̃ U = 0. There is such a D while rank (rank + 1)/2 > n.
    """
    while (rank := factor.shape[1]) > most:
        _, values, directions = np.linalg.svd(_stacked(factor.T @ program.basis @ factor), full_matrices=True)
        if len(values) == rank * (rank + 1) // 2 and values[-1] > 1e-6 * values[0]:
            break
        levels, vectors = np.linalg.eigh(_unstacked(directions[-1], rank))
        shrunk = 1 - levels / levels[np.argmax(np.abs(levels))]
        kept = shrunk > np.sqrt(EPS)
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
