"""Conic programs by Clarabel's own interface: min qᵀx subject to b − A x in a product of cones.

Source: Goulart & Chen 2024 (arXiv:2405.12762).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import clarabel
    from scipy.sparse import sparray

__all__ = ["Cone", "ConicSolution", "prepare_conic"]

TOLERANCE = 1e-11  # asked of gap and feasibility; what stops short of it is returned too: callers repair and judge it

Cone = tuple[Literal["zero", "nonnegative", "second-order", "semidefinite"], int]


_CONES = {
    "zero": "ZeroConeT",
    "nonnegative": "NonnegativeConeT",
    "second-order": "SecondOrderConeT",
    "semidefinite": "PSDTriangleConeT",
}
_DATA = {"linear": "q", "right": "b"}


class ConicSolution(NamedTuple):
    """x, and the multipliers of the rows."""

    x: NDArray[np.float64]
    multipliers: NDArray[np.float64]


def prepare_conic(
    *,
    linear: NDArray[np.float64],
    matrix: "NDArray[np.float64] | sparray",
    right: NDArray[np.float64],
    cones: Sequence[Cone],
    infeasible: str,
) -> Callable[..., ConicSolution]:
    """solve(linear=..., right=...), for x (v,) with b − A x in the cones, row after row, and either replaced.

    The solver is set up once: scaled, its system ordered and analysed. What it finds does not depend on what it solved
    before.

    Parameters
    ----------
    linear : (v,) array
    matrix : (rows, v) array or sparse array
    right : (rows,) array
    cones : list of (kind, size)
        "zero" and "nonnegative" of so many rows; "second-order" (t, v) with t ≥ ‖v‖; "semidefinite" of side `size`, its
        rows the upper triangle column by column with off-diagonal entries times √2.
    infeasible : str
        What to say where the solver finds that there is no solution.

    Raises
    ------
    ValueError
        With that message, by `solve`.
    ArithmeticError
        If the solver ends with no numbers, by `solve`.
    """
    import clarabel  # here, as most calls of this package need none of it
    from scipy.sparse import csc_matrix

    solver = clarabel.DefaultSolver(
        csc_matrix((len(linear), len(linear))),
        np.asarray(linear, dtype=float),
        csc_matrix(matrix),
        np.asarray(right, dtype=float),
        [getattr(clarabel, _CONES[kind])(size) for kind, size in cones],
        _settings(),
    )

    def solve(**replaced: NDArray[np.float64]) -> ConicSolution:
        solver.update(**{_DATA[name]: np.asarray(value, dtype=float) for name, value in replaced.items()})
        return _checked(solver.solve(), infeasible)

    return solve


def _settings() -> "clarabel.DefaultSettings":
    """Clarabel's, quiet and strict, and without what would forbid other data later."""
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    settings.presolve_enable = settings.chordal_decomposition_enable = False
    return settings


def _checked(solution: "clarabel.DefaultSolution", infeasible: str) -> ConicSolution:
    """The solution in arrays, if there is one."""
    status = str(solution.status)
    if "Infeasible" in status:
        raise ValueError(infeasible)
    found = ConicSolution(np.array(solution.x), np.array(solution.z))
    if not (np.isfinite(found.x).all() and np.isfinite(found.multipliers).all()):
        raise ArithmeticError(f"Clarabel: expected a solution, got none and the status {status}")
    return found
