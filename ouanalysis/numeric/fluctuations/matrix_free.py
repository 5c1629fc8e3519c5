"""Extreme eigenvalues of a symmetric map, and solutions of I less it, by its products alone."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from ...arguments import Array

__all__ = ["extreme_eigenpair", "largest_eigenvalue", "solution_less"]

Map = Callable[[Array], Array]
SMALL = 8  # rows up to which a matrix is made: ARPACK takes no less than three, and gains nothing


def largest_eigenvalue(apply: Map, size: int) -> float:
    """Of a symmetric map of R^size, to rounding, by Lanczos."""
    if size <= SMALL:
        return float(np.linalg.eigvalsh(np.stack([apply(unit) for unit in np.eye(size)]))[-1])
    start = np.random.default_rng(0).standard_normal(size)
    return extreme_eigenpair(apply, start, called=f"expected Lanczos to find the largest eigenvalue of {size}")[0]


def extreme_eigenpair(
    apply: Map, start: Array, *, called: str, which: Literal["LA", "LM"] = "LA", tol: float = 0.0
) -> tuple[float, Array]:
    """The eigenvalue of a symmetric map that is the largest, or so in size ("LM"), and its unit eigenvector (size,).

    By Lanczos from a start (size,), to a relative tolerance, 0 for rounding. Where that is not reached, an
    ArithmeticError begins with `called`. A map that takes the start to 0 is held to be 0.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh  # slow to import

    unit = float(np.max(np.abs(apply(start))))  # so that no square underflows, at which ARPACK gives up
    if not unit:
        return 0.0, start / np.linalg.norm(start)
    operator = LinearOperator((start.size,) * 2, matvec=lambda vector: apply(vector.ravel()) / unit, dtype=float)
    try:
        values, vectors = eigsh(operator, k=1, which=which, v0=start, tol=tol)
    except ArpackNoConvergence as error:
        raise ArithmeticError(f"{called}, got {error}") from None
    return unit * float(values[0]), vectors[:, 0]


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
