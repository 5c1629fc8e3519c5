"""The largest eigenvalue of a symmetric map, and solutions of I less it, by its products alone."""

from collections.abc import Callable

import numpy as np

from ...arguments import Array

__all__ = ["largest_eigenvalue", "solution_less"]

Map = Callable[[Array], Array]
SMALL = 8  # rows up to which a matrix is made: ARPACK takes no less than three, and gains nothing


def largest_eigenvalue(apply: Map, size: int) -> float:
    """Of a symmetric map of R^size, to rounding, by Lanczos."""
    from scipy.sparse.linalg import LinearOperator, eigsh  # slow to import

    if size <= SMALL:
        return float(np.linalg.eigvalsh(np.stack([apply(unit) for unit in np.eye(size)]))[-1])
    start = np.random.default_rng(0).standard_normal(size)
    operator = LinearOperator((size, size), matvec=apply, dtype=float)
    return float(eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False, maxiter=100 * size)[0])


def solution_less(apply: Map, right: Array) -> Array:
    """x of x − F x = b for a symmetric F with eigenvalues below 1, by conjugate gradients, refined to rounding."""
    from scipy.sparse.linalg import LinearOperator, cg  # slow to import

    operator = LinearOperator((right.size,) * 2, matvec=lambda vector: vector - apply(vector), dtype=float)
    solution, left = np.zeros(right.size), right
    for _ in range(3):
        if not left.any():
            break
        move, _ = cg(operator, left, rtol=1e-9, maxiter=100 * right.size)
        solution = solution + move
        left = right - (solution - apply(solution))
    return solution
