"""The inner product of two arrays, in eight partial sums, none of which waits for another: alike on any machine."""

import numba

from .vectors import LANES, dot_of_whole

__all__ = ["dot"]


@numba.njit(inline="always")
def dot(a, b) -> float:
    """Σ_j a_j b_j of arrays of equal length; only compiled code calls it."""
    n = len(a)
    whole = n - n % LANES
    total = dot_of_whole(a, b, whole)
    for j in range(whole, n):
        total += a[j] * b[j]
    return total
