"""What the checks of both libraries share: some of the data, predictions that are not alike, and an error as words."""

import numpy as np

from ..arguments import Array, shortened

__all__ = ["alike", "error_in_one_line", "evenly"]


def alike(got: Array, wanted: Array, *, rtol: float) -> bool:
    """Whether predictions are the same to so many digits of each, or to 1e-9 of the largest that is finite."""
    scale = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
    return bool(np.allclose(got, wanted, rtol=rtol, atol=1e-9 * scale, equal_nan=True))


def error_in_one_line(error: Exception) -> str:
    """Its type and what it says."""
    return f"{type(error).__name__}: {shortened(str(error), 240)}"


def evenly(x: Array, most: int) -> Array:
    """So many of the data, or all, from the first to the last."""
    return x[np.linspace(0, len(x) - 1, min(len(x), most)).astype(int)]
