"""How much of a relaxation is past."""

from math import factorial

import numpy as np

from ...arguments import Array

__all__ = ["share_past_transient"]


def share_past_transient(x: Array) -> Array:
    """1 − (1 − e^{−x})/x: by its series x/2 − x²/6 + ... where that cancels."""
    small = np.minimum(x, 0.5)
    series = sum((-1) ** k * small ** (k - 1) / factorial(k) for k in range(2, 16))
    return np.where(x < 0.5, series, 1 + np.expm1(-x) / np.maximum(x, 0.5))
