"""L and reg at the recorded states of a run."""

from collections.abc import Callable

import numpy as np

from ..arguments import Array
from ..numeric import loss, regularizer
from ..settings import Setting

__all__ = ["losses", "regularizers"]

CHUNK = 1 << 24  # entries of the gradients of states that are taken at once, after which Ctrl-C is heard


def losses(setting: Setting, theta: Array) -> Array:
    """L at states theta (chains, records, p); NaN of those that are not finite."""
    return _at_finite(setting, theta, lambda rows: loss(setting, rows))


def regularizers(setting: Setting, theta: Array) -> Array:
    """reg at states theta (chains, records, p), compiled if there is a kernel; NaN of those that are not finite."""
    from . import kernels

    compiled = kernels.regularizers(setting)

    def at_rows(rows):
        values = np.empty(len(rows))
        return values if _compiled_into(values, compiled, rows, setting.outputs) else regularizer(setting, rows)

    return _at_finite(setting, theta, at_rows)


def _at_finite(setting: Setting, theta: Array, of_rows: Callable[[Array], Array]) -> Array:
    """What a function of rows (k, p) gives, as many at once as have gradients that fit in memory."""
    rows = theta.reshape(-1, setting.dim)
    values = np.full(len(rows), np.nan)
    size = max(1, CHUNK // (setting.rows * setting.dim))
    for first in range(0, len(rows), size):
        some = rows[first : first + size]
        finite = np.isfinite(some).all(axis=1)
        if finite.any():
            with np.errstate(all="ignore"):  # an overflow is an infinite value
                values[first : first + size][finite] = of_rows(some[finite])
    return values.reshape(theta.shape[:-1])


def _compiled_into(out, compiled, theta, outputs):
    """Whether the kernel could: there may be none, or a pole of the activation's slope."""
    if compiled is None:
        return False
    try:
        compiled(theta, out, outputs)
    except ZeroDivisionError:
        return False
    return True
