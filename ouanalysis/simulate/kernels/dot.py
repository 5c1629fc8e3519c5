"""The inner product of two arrays, in eight partial sums, none of which waits for another: alike on any machine."""

import numba

__all__ = ["dot"]


@numba.njit(inline="always")
def dot(a, b) -> float:
    """Σ_j a_j b_j of arrays of equal length; only compiled code calls it."""
    n = len(a)
    whole = n - n % 8
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for j in range(0, whole, 8):
        s0 += a[j] * b[j]
        s1 += a[j + 1] * b[j + 1]
        s2 += a[j + 2] * b[j + 2]
        s3 += a[j + 3] * b[j + 3]
        s4 += a[j + 4] * b[j + 4]
        s5 += a[j + 5] * b[j + 5]
        s6 += a[j + 6] * b[j + 6]
        s7 += a[j + 7] * b[j + 7]
    total = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
    for j in range(whole, n):
        total += a[j] * b[j]
    return total
