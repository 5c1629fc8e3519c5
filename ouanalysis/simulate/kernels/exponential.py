"""e^x by additions and multiplications alone: loops over it fill vector units, and every machine rounds it alike.

With k = round(x/ln 2) and r = x − k ln 2, e^x = 2^k + 2^k (e^r − 1), where e^r − 1 is its Taylor polynomial. ln 2 is in
two parts, the first with zeros at its end, so that k times it is exact (Cody and Waite). So is `scalars.tanh`.
"""

import numba
import numpy as np

__all__ = ["exponential", "logistic"]

INVERSE = 1.4426950408889634  # 1 / ln 2
HIGH, LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
ROUNDS = 1.5 * 2.0**52  # added to a number below 2^51 it leaves the nearest integer in the last bits
LEAST = -708.0  # of x: below it 2^k is no normal number


@numba.njit(inline="always")
def exponential(x) -> float:
    """e^x for x ≤ 0."""
    x = LEAST if x < LEAST else x  # NaN stays
    shifted = x * INVERSE + ROUNDS
    k = shifted - ROUNDS
    r = (x - k * HIGH) - k * LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    power = np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)
    return power + power * (r + r * r * p)


@numba.njit(inline="always")
def logistic(z) -> tuple[float, float]:
    """(1 / (1 + e^−z), its slope)."""
    small = exponential(-abs(z))
    inverse = np.divide(1.0, 1.0 + small)
    return (inverse if z > 0 else small * inverse), small * inverse * inverse
