"""The least tr(M X) over X ⪰ 0 of given measurements: prepared once for the sensors, solved for any measurements.

With S_i = A_i + A_iᵀ and M = (1/n) Σ S_i²

    min tr(M X)  s.t.  ⟨A_i, X⟩ = y_i, X ⪰ 0;      max yᵀμ  s.t.  Z = M − Σ μ_i S_i/2 ⪰ 0.

It is solved in coordinates in which M is the identity and the constraints are orthonormal: neither the sizes of the
sensors nor how much they depend on each other then matter. There it is min tr(X̃) s.t. ⟨Q_k, X̃⟩ = b_k, with the dual
max bᵀν s.t. Σ ν_k Q_k ⪯ 1.

Source: theory.md, section 4.1.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from .conic import ConicSolution, prepare_conic

__all__ = [
    "LeastTrace",
    "SemidefiniteProgram",
    "least_trace",
    "prepare_program",
    "refuse_contradiction",
    "symmetric",
    "triangle",
]

Array = NDArray[np.float64]

EPS = np.finfo(float).eps
NONE_HAS = "y: expected measurements of a positive semidefinite matrix, got some that none has"


class SemidefiniteProgram(NamedTuple):
    """Coordinates X = W X̃ Wᵀ with Wᵀ M W = 1, an orthonormal basis Q_k of the sensors in them, and a solver."""

    from_whitened: Array  # W, (d, r)
    whitened: Array  # Wᵀ S_i W/2, (n, r, r)
    identity: Array  # Wᵀ M W, up to rounding, (r, r)
    rounding: tuple[float, Array]  # of its norm, and of theirs, (n,)
    basis: Array  # Q_k, (k, r, r)
    sizes: Array  # of the sensors in these coordinates, (n,)
    measure: Array  # ⟨Q_k, X̃⟩ = (measure @ (y/sizes))_k, (k, n)
    left_over: Array  # (n − k, n): of y/sizes this must be 0, where sensors depend on each other
    solve_dual: Callable[..., ConicSolution]  # in ν: the slack is 1 − Σ ν_k Q_k, and its multiplier is X̃


class LeastTrace(NamedTuple):
    """X̃ as a factor (r, rank), tr(X̃), how far off its measurements are, and μ (n,), dual feasible."""

    factor: Array
    value: float
    off: float
    multipliers: Array


def prepare_program(halves: Array) -> SemidefiniteProgram:
    """The program of the sensors, given as S_i/2 (n, d, d).

    Raises
    ------
    ValueError
        If some sensors are too small beside others to be seen in floats.
    """
    stacked = (2 / np.sqrt(len(halves))) * halves.reshape(-1, halves.shape[-1])  # M = TᵀT of this T
    whitening = _whitening(stacked, halves)
    whitened = whitening.T @ halves @ whitening
    sizes, basis, measure, left_over = _orthonormal_sensors(whitened)
    side = whitening.shape[1]
    return SemidefiniteProgram(
        from_whitened=whitening,
        whitened=whitened,
        identity=(stacked @ whitening).T @ (stacked @ whitening),
        rounding=_rounding(stacked, halves, whitening),
        basis=basis,
        sizes=sizes,
        measure=measure,
        left_over=left_over,
        solve_dual=prepare_conic(
            linear=np.zeros(len(basis)),
            matrix=triangle(basis).T,
            right=triangle(np.eye(side)),
            cones=[("semidefinite", side)],
            infeasible=NONE_HAS,
        ),
    )


def _whitening(stacked, halves):
    """W (d, r), with Wᵀ M W = 1 on what the sensors see: M's roots are singular values of T, to full precision."""
    _, roots, directions = np.linalg.svd(stacked, full_matrices=True)
    roots = np.append(roots, np.zeros(len(directions) - len(roots)))
    seen = roots > 8 * len(directions) * EPS * roots[0]
    sizes = np.linalg.norm(halves, axis=(1, 2))
    unseen = np.linalg.norm(halves @ directions[~seen].T, axis=(1, 2))
    if np.any(unseen > 1e-6 * sizes):
        raise ValueError(
            f"sensors: expected sizes within a factor 1e14 of each other, got {sizes.min():.0e} to {sizes.max():.0e}"
        )
    return directions[seen].T / roots[seen]


def _orthonormal_sensors(whitened):
    """Sizes (n,), a basis Q_k (k, r, r), what gives ⟨Q_k, X̃⟩ of y/sizes, and what must be 0 of it."""
    sizes, side = np.linalg.norm(whitened, axis=(1, 2)), whitened.shape[-1]
    sizes = np.where(sizes > 0, sizes, 1.0)
    left, values, right = np.linalg.svd(triangle(whitened / sizes[:, None, None]), full_matrices=True)
    rank = int(np.sum(values > 1e-11 * np.max(values, initial=0.0)))
    return sizes, symmetric(right[:rank], side), left.T[:rank] / values[:rank, None], left.T[rank:]


def _rounding(stacked, halves, whitening):
    """What rounding can change in the norms of Wᵀ M W, and of each Wᵀ S_i W/2."""
    size, rounding = np.abs(whitening), 4 * len(whitening) * EPS
    of_identity = rounding * np.linalg.norm(np.abs(stacked) @ size) * np.linalg.norm(stacked @ whitening)
    return of_identity, rounding * np.linalg.norm(size.T @ np.abs(halves) @ size, axis=(1, 2))


def refuse_contradiction(program: SemidefiniteProgram, y: Array) -> None:
    """A ValueError where sensors depend on each other and y (n,) does not."""
    sized = y / program.sizes
    allowed = np.sqrt(EPS) * np.linalg.norm(program.left_over * sized, axis=1) + 1e-12 * np.linalg.norm(sized)
    if np.any(np.abs(program.left_over @ sized) > allowed):
        raise ValueError(f"{NONE_HAS}: its sensors depend on each other, and y does not in the same way")


def least_trace(program: SemidefiniteProgram, y: Array) -> LeastTrace:
    """The solution for measurements y (n,), scaled to 1 for the solver.

    Raises
    ------
    ValueError
        If the solver finds that no positive semidefinite matrix has them.
    ArithmeticError
        If the solver fails.
    """
    measured, side = program.measure @ (y / program.sizes), program.from_whitened.shape[1]
    scale = np.max(np.abs(measured), initial=0.0)
    if scale == 0:
        return LeastTrace(np.zeros((side, 0)), 0.0, 0.0, np.zeros_like(y))
    measured = measured / scale
    dual = program.solve_dual(linear=-measured)
    levels, vectors = _between_cone_and_measurements(program.basis, measured, symmetric(dual.multipliers, side))
    factor, off = _low_rank_factor(program.basis, measured, levels, vectors)
    off *= max(1.0, 0.01 * np.sum(factor**2))  # a matrix that outgrows its measurements nears what has no solution
    multipliers = _dual_feasible(program, program.measure.T @ dual.x / program.sizes)
    return LeastTrace(factor * np.sqrt(scale), float(scale * np.sum(factor**2)), float(off), multipliers)


def _between_cone_and_measurements(basis, measured, matrix):
    """Eigenvalues and -vectors of X̃, projected onto both in turn: the solver misses either by its tolerance."""
    for _ in range(50):
        levels, vectors = np.linalg.eigh(matrix)
        inside = (vectors * np.maximum(levels, 0)) @ vectors.T
        missed = measured - np.sum(basis * inside, axis=(-2, -1))
        if np.linalg.norm(missed) <= 1e-13:
            break
        matrix = inside + np.tensordot(missed, basis, 1)
    return levels, vectors


def _low_rank_factor(basis, measured, levels, vectors):
    """A factor of X̃ without its small eigenvalues, as far as the measurements allow, and how far off these are."""
    for cut in (np.sqrt(EPS), EPS**0.75, 0.0):
        kept = levels > cut * levels[-1]
        factor = vectors[:, kept] * np.sqrt(levels[kept])
        off = np.linalg.norm(np.sum(basis * (factor @ factor.T), axis=(-2, -1)) - measured)
        if off <= 1e-10:
            break
    return factor, off


def _dual_feasible(program, multipliers):
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


def triangle(matrices: Array) -> Array:
    """Upper triangles column by column, off-diagonal entries times √2: (..., d, d) gives (..., d (d + 1)/2)."""
    column, row = np.tril_indices(matrices.shape[-1])
    return matrices[..., row, column] * np.where(row == column, 1.0, np.sqrt(2))


def symmetric(entries: Array, side: int) -> Array:
    """The matrices of these triangles."""
    column, row = np.tril_indices(side)
    matrices = np.zeros((*entries.shape[:-1], side, side))
    matrices[..., row, column] = matrices[..., column, row] = entries / np.where(row == column, 1.0, np.sqrt(2))
    return matrices
