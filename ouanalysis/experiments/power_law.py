"""The exponent of a power law through points with errors: what the experiments on scaling share."""

import numpy as np

from ..arguments import Array

__all__ = ["fitted_exponent"]


def fitted_exponent(x: Array, y: Array, error: Array) -> tuple[float, float]:
    """The slope of log y in log x by least squares weighted with (y/error)², and its standard error.

    The standard error is that of the given errors, of independent points, not of the scatter about the line.

    >>> x, y = np.array([1.0, 2.0, 4.0]), np.array([3.0, 12.0, 48.0])
    >>> slope, error = fitted_exponent(x, y, y / 10)
    >>> round(slope, 9), round(error, 3)
    (2.0, 0.102)
    """
    weights = (y / error) ** 2
    apart = np.log(x) - np.average(np.log(x), weights=weights)
    spread = np.sum(weights * apart**2)
    return float(np.sum(weights * apart * np.log(y)) / spread), float(1 / np.sqrt(spread))
