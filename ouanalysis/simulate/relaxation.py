"""The modes of the Ornstein-Uhlenbeck process from record to record, compiled: NumPy takes a record at a time."""

from collections.abc import Callable
from functools import cache

import numba

from .kept_loops import compiled_and_kept
from .warn_once import warn_once

__all__ = ["relaxation"]

TYPES = numba.float64[:, :, ::1], numba.intp[::1], numba.float64[:, ::1], numba.float64[:, ::1]


@cache
def relaxation() -> Callable[..., None]:
    """`_relax`, compiled."""
    loop, problem = compiled_and_kept(_relax, TYPES)
    if problem:
        warn_once(problem)
    return loop


def _relax(modes, order, decays, spreads):
    """m_k ← spread m_k + decay m_{k−1}, m_{−1} = 0, of standard normal modes (chains, records, r), in place.

    Decays and spreads (gaps, r) are those of the gaps between records; gap order[k] is before record k.
    """
    for chain in range(modes.shape[0]):
        for k in range(modes.shape[1]):
            gap = order[k]
            for mode in range(modes.shape[2]):
                modes[chain, k, mode] *= spreads[gap, mode]
            if k > 0:
                for mode in range(modes.shape[2]):
                    modes[chain, k, mode] += decays[gap, mode] * modes[chain, k - 1, mode]
