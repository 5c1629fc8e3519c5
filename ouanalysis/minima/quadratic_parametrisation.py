"""The least regularizer of a quadratic parametrisation: weighted basis pursuit, a linear program, and its dual.

The least of u_j² + v_j² over u_j² − v_j² = β_j is |β_j|, so that with w_j = (1/n) Σ_i x_ij²

    min 4 Σ_j w_j |β_j|  s.t.  x β = y;      max yᵀμ  s.t.  |xᵀμ|_j ≤ 4 w_j for all j.

It is solved in coordinates α_j = √(n w_j) β_j, in which features are of one size, and with orthonormal constraints:
neither the units of the data nor how much they depend on each other then matter.

Source: theory.md, section 6; Chen, Donoho & Saunders 1998 (doi:10.1137/S1064827596304010) for basis pursuit; HiGHS by
Huangfu & Hall 2018 (doi:10.1007/s12532-017-0130-5). Derived in `derivations/quadratic_parametrisation.py`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from ..numeric import regularizer
from ..settings import QuadraticParametrisation
from .minimum_result import LeastRegularizer, Minimum, Solve

__all__ = ["QuadraticMinimum", "minimum", "prepare"]

DOMAIN = "all parameters"
EPS = np.finfo(float).eps
TOLERANCE = 1e-10  # the least that HiGHS takes
FITS = 1e-6  # of the labels' size


@dataclass(frozen=True, eq=False, repr=False)
class QuadraticMinimum(Minimum):
    """A `Minimum` over all u and v: a vertex of the solutions of weighted basis pursuit.

    Attributes
    ----------
    predictor : (d,) array
        β; at most n of its entries are not 0. u_j² = max(β_j, 0) and v_j² = max(−β_j, 0) attain the value.
    multipliers : (n,) array
        μ, dual feasible: `lower_bound` is yᵀμ.
    slack : (d,) array
        4 w_j − |xᵀμ|_j ≥ 0; 0 where β_j ≠ 0 at the least.
    """

    predictor: NDArray[np.float64]
    multipliers: NDArray[np.float64]
    slack: NDArray[np.float64]

    def _content(self) -> tuple[str, ...]:
        return *super()._content(), (f"{np.count_nonzero(self.predictor)} of {len(self.predictor)} features")


@np.errstate(all="ignore")
def minimum(setting: QuadraticParametrisation) -> QuadraticMinimum:
    """The least reg over all u and v of zero error.

    Raises
    ------
    ValueError
        If no predictor has these labels.
    ArithmeticError
        If the solver comes near none, or the labels are too far apart for floats.
    """
    program = _program(setting)
    sized = setting.y / program.sizes
    contradiction = np.max(np.abs(program.left_over @ sized), initial=0.0)
    if contradiction > np.sqrt(EPS) * np.max(np.abs(sized)):
        raise ValueError("y: expected labels that a linear function of x attains, got some that none does")
    predictor, multipliers = _solve(program, setting.y)
    theta = np.sqrt(np.concatenate([np.maximum(predictor, 0.0), np.maximum(-predictor, 0.0)]))
    residual = float(np.max(np.abs(setting.predictions(theta) - setting.y)))
    value = float(regularizer(setting, theta))
    if not (residual <= FITS * np.max(np.abs(setting.y)) and np.isfinite(value)):
        raise ArithmeticError(f"minimum: expected a predictor with these labels, got one that misses by {residual:.0e}")
    return QuadraticMinimum(
        setting=setting,
        value=value,
        theta=theta,
        lower_bound=float(setting.y @ multipliers),
        domain=DOMAIN,
        residual=residual,
        predictor=predictor,
        multipliers=multipliers,
        slack=4 * np.mean(setting.x**2, axis=0) - np.abs(setting.x.T @ multipliers),
    )


def prepare(setting: QuadraticParametrisation) -> Solve:
    """v(f) over all u and v: infinite, with no bound, where the solver finds none of predictions f."""
    program, costs = _program(setting), 4 * np.mean(setting.x**2, axis=0)

    def solve(predictions):
        try:
            predictor, multipliers = _solve(program, predictions)
        except ArithmeticError:  # u and v have the predictions, so that this is rounding
            return LeastRegularizer(np.inf, 0.0, DOMAIN)
        return LeastRegularizer(float(costs @ np.abs(predictor)), float(predictions @ multipliers), DOMAIN)

    return solve


class _Program(NamedTuple):
    """Coordinates α_j = √(n w_j) β_j of the features that are seen, and an orthonormal basis of the constraints."""

    x: NDArray[np.float64]  # of the features that are seen
    seen: NDArray[np.bool_]  # (d,)
    lengths: NDArray[np.float64]  # √(n w_j) of these
    basis: NDArray[np.float64]  # Q (r, seen), of the rows of x/lengths
    sizes: NDArray[np.float64]  # of these rows, (n,)
    measure: NDArray[np.float64]  # Q α = measure @ (y/sizes), (r, n)
    left_over: NDArray[np.float64]  # (n − r, n): of y/sizes this must be 0, where data depend on each other


def _program(setting):
    largest = np.max(np.abs(setting.x), axis=0)
    seen = largest > 0
    if not np.all((largest[seen] >= 1e-150) & (largest[seen] <= 1e150)):  # whose squares are floats
        raise ValueError(
            "x: expected features with a largest entry from 1e-150 to 1e150, or 0, got"
            f" {np.min(largest[seen]):.2g} to {np.max(largest[seen]):.2g}"
        )
    x = setting.x[:, seen]
    lengths = np.linalg.norm(x, axis=0)
    rows = x / lengths
    sizes = np.max(np.abs(rows), axis=1, initial=0.0)
    sizes = np.where(sizes > 0, sizes, 1.0)
    left, values, right = np.linalg.svd(rows / sizes[:, None], full_matrices=True)
    r = int(np.sum(values > 1e-11 * np.max(values, initial=0.0)))
    return _Program(
        x=x,
        seen=seen,
        lengths=lengths,
        basis=right[:r],
        sizes=sizes,
        measure=left.T[:r] / values[:r, None],
        left_over=left.T[r:],
    )


def _solve(program, y):
    """β (d,) and μ (n,), dual feasible: min ⟨c, |α|⟩ s.t. Q α = b; max bᵀν s.t. |Qᵀν| ≤ c. c and b are scaled."""
    measured = program.measure @ (y / program.sizes)
    scale, predictor = np.max(np.abs(measured), initial=0.0), np.zeros(len(program.seen))
    if scale == 0:
        return predictor, np.zeros_like(y)
    if not np.isfinite(scale):
        raise ArithmeticError("minimum: expected labels and features whose ratios are floats, got an overflow")
    cheapest = np.min(program.lengths)
    solution = linprog(
        np.tile(program.lengths / cheapest, 2),
        A_eq=np.concatenate([program.basis, -program.basis], axis=1),
        b_eq=measured / scale,
        method="highs-ds",  # ends at a vertex
        options={"primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE},
    )
    if solution.x is None:
        raise ArithmeticError(f"HiGHS: expected a solution, got none: {' '.join(solution.message.split())}")
    positive, negative = np.reshape(solution.x, (2, -1))
    active = positive != negative
    # A vertex is what its active features determine: to rounding, where HiGHS has its tolerance.
    found = np.linalg.lstsq(program.basis[:, active], measured / scale, rcond=None)[0]
    predictor[np.flatnonzero(program.seen)[active]] = scale * found / program.lengths[active]
    multipliers = (4 / len(y)) * cheapest * (solution.eqlin.marginals @ program.measure) / program.sizes
    return predictor, _feasible(program, multipliers)


def _feasible(program, multipliers):
    """μ scaled by the largest t ≤ 1 with |xᵀμ|_j ≤ 4 w_j for all j, were every sum off by its rounding."""
    size, off = np.abs(program.x), 2 * (len(program.x) + 2) * EPS
    reached = np.abs(program.x.T @ multipliers) + off * (size.T @ np.abs(multipliers))
    needed = np.max(reached / (4 / len(size) * program.lengths) / program.lengths, initial=0.0) * (1 + off)
    return multipliers / max(needed, 1.0) if np.isfinite(needed) else np.zeros_like(multipliers)
