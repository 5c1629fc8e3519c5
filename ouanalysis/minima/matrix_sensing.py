"""The least regularizer of matrix sensing: a semidefinite program and its dual.

reg = tr(M X) is linear in X = U Uᵀ, with M = (1/n) Σ (A_i + A_iᵀ)².

Source: theory.md, section 4.1; Pataki 1998 (doi:10.1287/moor.23.2.339) for solutions of low rank.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space

from ..numeric import InterpolationError, interpolate, regularizer
from ..settings import MatrixSensing
from .minimum_result import LeastRegularizer, Minimum, Solve
from .semidefinite_program import least_trace, prepare_program, refuse_contradiction, symmetric, triangle

__all__ = ["MatrixSensingMinimum", "minimum", "prepare"]

DOMAIN = "any rank"
EPS = np.finfo(float).eps
FITS = 1e-6  # what a matrix may miss its measurements by: 1e-8 is common where X ⪰ 0 leaves no interior


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

    matrix: NDArray[np.float64]
    rank: int
    multipliers: NDArray[np.float64]
    slack: NDArray[np.float64]

    def _content(self) -> tuple[str, ...]:
        return *super()._content(), f"rank {self.rank}"


def minimum(setting: MatrixSensing) -> MatrixSensingMinimum:
    """The least reg over U Uᵀ of any rank, with a U of the setting's own rank if one attains it.

    Raises
    ------
    ValueError
        If no positive semidefinite matrix has these measurements.
    ArithmeticError
        If the solver comes near none: the least is not attained, or at a matrix far larger than its measurements.
    """
    halves = _halves(setting)
    program = prepare_program(halves)
    refuse_contradiction(program, setting.y)
    least = least_trace(program, setting.y)
    factor = program.from_whitened @ least.factor
    _refuse_unattained(max(least.off, 1e-3 * _residual(setting, factor) / np.max(np.abs(setting.y), initial=EPS)))
    theta = _attaining(setting, program, least)
    if theta is not None:
        factor = setting.unpack(theta)["U"]
    return MatrixSensingMinimum(
        setting=setting,
        value=least.value if theta is None else float(regularizer(setting, theta)),
        theta=theta,
        lower_bound=float(setting.y @ least.multipliers),
        domain=DOMAIN,
        residual=_residual(setting, factor),
        matrix=factor @ factor.T,
        rank=int(np.sum(np.any(factor != 0, axis=0))),
        multipliers=least.multipliers,
        slack=4 * np.mean(halves @ halves, axis=0) - np.tensordot(least.multipliers, halves, 1),
    )


def prepare(setting: MatrixSensing) -> Solve:
    """v(f) over matrices of any rank: infinite, with no bound, where the solver comes near none of measurements f."""
    program = prepare_program(_halves(setting))

    def solve(predictions):
        try:
            least = least_trace(program, predictions)
        except ValueError:  # that no matrix has the measurements of U Uᵀ is rounding: nothing is known
            return LeastRegularizer(np.inf, 0.0, DOMAIN)
        value = least.value if least.off <= FITS else np.inf
        return LeastRegularizer(value, float(predictions @ least.multipliers), DOMAIN)

    return solve


def _halves(setting):
    """S_i/2, (n, d, d)."""
    halves = (setting.x + np.swapaxes(setting.x, -1, -2)) / 2
    largest = np.max(np.abs(halves))
    if largest and not 1e-153 <= largest <= 1e153:  # whose squares are floats
        raise ValueError(f"sensors: expected a largest entry from 1e-153 to 1e153, got {largest:.2g}")
    return halves


def _refuse_unattained(off):
    if not off <= FITS:
        raise ArithmeticError(
            f"minimum: expected a matrix with these measurements, got one that misses them by {off:.0e} of their size:"
            " the least is not attained, or at a matrix far larger than its measurements"
        )


def _attaining(setting, program, least):
    """theta of this least, or of one as good of a rank that the setting has; None where none is found."""
    if least.factor.shape[1] <= setting.rank:
        return _padded(setting, program.from_whitened @ least.factor)
    factor = program.from_whitened @ _of_lower_rank(program.basis, least.factor, setting.rank)
    return _onto_measurements(setting, factor) if factor.shape[1] <= setting.rank else None


def _padded(setting, factor):
    """U (d, rank) as theta of a setting of that rank or more."""
    return np.pad(factor, ((0, 0), (0, setting.rank - factor.shape[1]))).ravel()


def _onto_measurements(setting, factor):
    """theta of a factor, moved onto the zero-error set; None if nothing near it fits."""
    theta = _padded(setting, factor)
    try:
        moved = interpolate(setting, theta)
    except InterpolationError:
        return None
    near = abs(regularizer(setting, moved) - regularizer(setting, theta)) <= 1e-6 * regularizer(setting, theta)
    return moved if near else None


def _residual(setting, factor):
    return float(np.max(np.abs(np.sum(setting.x * (factor @ factor.T), axis=(-2, -1)) - setting.y)))


def _of_lower_rank(basis, factor, most):
    """Another solution: along a symmetric D with ⟨Q_k, U D Uᵀ⟩ = 0 for all k, up to the boundary of the cone.

    tr(U D Uᵀ) is then 0 too, by Z̃ U = 0. There is such a D while rank (rank + 1)/2 > n.
    """
    while (rank := factor.shape[1]) > most:
        hidden = null_space(triangle(factor.T @ basis @ factor), rcond=1e-6)
        if not hidden.size:
            break
        levels, vectors = np.linalg.eigh(symmetric(hidden[:, -1], rank))
        shrunk = 1 - levels / levels[np.argmax(np.abs(levels))]
        kept = shrunk > np.sqrt(EPS)
        factor = (factor @ vectors)[:, kept] * np.sqrt(shrunk[kept])
    return factor
