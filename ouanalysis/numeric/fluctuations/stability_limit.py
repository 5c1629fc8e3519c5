"""The largest step size at which label-noise SGD is stable in the mean square.

Source: theory.md, section 2, "Stability".
"""

import numpy as np

from ...arguments import nonnegative_number
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.row_space import row_space
from .sampling import sampled_batch
from .second_moments import SecondMoments, sampling_weights

__all__ = ["check_stable", "limit_of", "max_stable_lr", "refuse_past", "stability_limit"]


def max_stable_lr(setting, theta, *, batch_size=1, replacement=True, momentum=0.0):
    """η_max, the step size below which linearised label-noise SGD is stable in the mean square, and above which not.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        On the zero-error set.
    batch_size, replacement, momentum
        As in `tangent_drift`.

    Returns
    -------
    float
        In units of time a step; infinite where J = 0.

    Raises
    ------
    ValueError
        If theta is off the zero-error set.

    Examples
    --------
    One datum, η_max = (1 + β)/k at every batch size:

    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> round(16 * ou.max_stable_lr(setting, [2.0], batch_size=3), 9)
    1.0
    """
    batch, replacement = sampled_batch(setting, batch_size, replacement)
    momentum = nonnegative_number("momentum", momentum, below=1)
    space = row_space(setting, on_zero_error_set(setting, theta))
    return stability_limit(space.squares, space.modes, batch_size=batch, replacement=replacement, momentum=momentum)


def check_stable(law):
    """A ValueError that names the stability limit if the law's step is at or past it."""
    if not law.stable():
        refuse_past(limit_of(law), law.lr, momentum=law.momentum)


def limit_of(law):
    """The stability limit of a law, whatever its own step."""
    return stability_limit(
        law.squares, law.modes, batch_size=law.batch_size, replacement=law.replacement, momentum=law.momentum
    )


def refuse_past(limit, lr, *, momentum=0.0):
    """The ValueError for a step size at or past the limit."""
    where = "this theta, batch and momentum" if momentum else "this theta and batch"
    raise ValueError(f"lr: expected less than the stability limit {limit:.4g} at {where}, got {lr:g}")


def stability_limit(squares, modes, *, batch_size, replacement=True, momentum=0.0):
    """η_max of the K with these eigenvalues (r,) > 0 and eigenvectors (n, r): where ρ(F) = 1, to rounding.

    F is that of `discrete_law`. It grows with η, up to n(1 + β)/κ_max, where the mean itself no longer is stable.
    """
    from scipy.optimize import brentq  # here, as its import would slow every other call down

    if not len(squares):
        return np.inf
    n, largest = len(modes), float(np.max(squares))

    def excess(rate):  # of G = 2ηκ_max/n
        law = SecondMoments(squares / largest, modes, rate * n / 2, 1.0, batch_size, replacement, momentum)
        return law.load() - 1

    rate = 2 * (1 + momentum)
    if sampling_weights(n, batch_size, replacement=replacement)[0] and excess(rate) > 0:
        rate = brentq(excess, 0.0, rate, xtol=1e-300, rtol=4 * np.finfo(float).eps)
    return n * rate / 2 / largest
