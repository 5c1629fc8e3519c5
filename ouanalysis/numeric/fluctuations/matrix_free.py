"""The largest eigenvalue of a symmetric map, and solutions of I less it, by its products alone."""

from collections.abc import Callable

import numpy as np

from ...arguments import Array

__all__ = ["largest_eigenvalue", "solution_less"]

Map = Callable[[Array], Array]
SMALL = 8  # rows up to which a matrix is made: ARPACK takes no less than three, and gains nothing


def largest_eigenvalue(apply: Map, size: int) -> float:
    """Of a symmetric map of R^size, to rounding, by Lanczos."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh  # slow to import

    if size <= SMALL:
        return float(np.linalg.eigvalsh(np.stack([apply(unit) for unit in np.eye(size)]))[-1])
    start = np.random.default_rng(0).standard_normal(size)
    unit = float(np.max(np.abs(apply(start))))  # so that no square underflows, at which ARPACK gives up
    if not unit:  # which it cannot start from
        return 0.0
    operator = LinearOperator((size, size), matvec=lambda vector: apply(vector) / unit, dtype=float)
    try:
        return unit * float(eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False)[0])
    except ArpackNoConvergence as error:
        raise ArithmeticError(f"expected Lanczos to find the largest eigenvalue of {size}, got {error}") from None


def solution_less(apply: Map, right: Array) -> Array:
    """x of x − F x = b for a symmetric F with eigenvalues below 1, by conjugate gradients, refined to rounding.

    An ArithmeticError where it is not reached to half the digits.
    """
    from scipy.sparse.linalg import LinearOperator, cg  # slow to import

    operator = LinearOperator((right.size,) * 2, matvec=lambda vector: vector - apply(vector), dtype=float)
    unit = float(np.max(np.abs(right), initial=0.0)) or 1.0  # so that no square underflows
    solution, left = np.zeros(right.size), right / unit
    for _ in range(3):
        if not left.any():
            break
        move, _ = cg(operator, left, rtol=1e-9, maxiter=100 * right.size)
        solution = solution + move
        left = right / unit - (solution - apply(solution))
    residual = np.linalg.norm(left)
    if not residual <= 1e-8 * (1.0 + np.linalg.norm(solution)):
        raise ArithmeticError(
            f"expected conjugate gradients to solve {right.size} equations, got a residual of {residual:.1g}"
        )
    return unit * solution
