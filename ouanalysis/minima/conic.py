"""Conic programs by Clarabel's own interface: min qᵀx subject to b − A x in a product of cones.

Source: Goulart & Chen 2024 (arXiv:2405.12762).
"""

from typing import NamedTuple

import numpy as np

__all__ = ["ConicSolution", "solve_conic"]

TOLERANCE = 1e-11  # asked of gap and feasibility; what stops short of it is returned too: callers repair and judge it


class ConicSolution(NamedTuple):
    """x, and the multipliers of the rows."""

    x: np.ndarray
    multipliers: np.ndarray


def solve_conic(*, linear, matrix, right, cones, infeasible):
    """Solve for x (v,) with b − A x in the cones, row after row.

    Parameters
    ----------
    linear : (v,) array
    matrix : (rows, v) array or sparse matrix
    right : (rows,) array
    cones : list of (kind, size)
        "zero" and "nonnegative" of so many rows; "second-order" (t, v) with t ≥ ‖v‖; "semidefinite" of side `size`, its
        rows the upper triangle column by column with off-diagonal entries times √2.

    infeasible : str
        What to say where the solver finds that there is no solution.

    Raises
    ------
    ValueError
        With that message.
    ArithmeticError
        If the solver ends with no numbers.
    """
    import clarabel  # here, as most calls of this package need none of it
    from scipy.sparse import csc_matrix

    kinds = {
        "zero": clarabel.ZeroConeT,
        "nonnegative": clarabel.NonnegativeConeT,
        "second-order": clarabel.SecondOrderConeT,
        "semidefinite": clarabel.PSDTriangleConeT,
    }
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    solver = clarabel.DefaultSolver(
        csc_matrix((len(linear), len(linear))),
        np.asarray(linear, dtype=float),
        csc_matrix(matrix),
        np.asarray(right, dtype=float),
        [kinds[kind](size) for kind, size in cones],
        settings,
    )
    solution = solver.solve()
    status = str(solution.status)
    if "Infeasible" in status:
        raise ValueError(infeasible)
    found = ConicSolution(np.array(solution.x), np.array(solution.z))
    if not (np.isfinite(found.x).all() and np.isfinite(found.multipliers).all()):
        raise ArithmeticError(f"Clarabel: expected a solution, got none and the status {status}")
    return found
