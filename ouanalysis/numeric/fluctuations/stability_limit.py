"""The largest step size at which label-noise SGD is stable in the mean square.

Source: theory.md, section 2, "Stability".
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from ...arguments import Array, Reals
from ...settings import Setting
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.row_space import row_space
from .moment_map import MomentMap
from .sampling import Sampling, sampling_of

__all__ = ["check_below_limit", "check_stable", "max_stable_lr", "refuse_past", "stability_limit"]


def max_stable_lr(
    setting: Setting,
    theta: Reals,
    *,
    batch_size: int | Literal["full"] = 1,
    replacement: bool = True,
    momentum: float = 0.0,
) -> float:
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
    sampling = sampling_of(setting, batch_size=batch_size, replacement=replacement, momentum=momentum)
    space = row_space(setting, on_zero_error_set(setting, theta))
    return stability_limit(space.squares, space.modes, sampling)


def check_stable(law: MomentMap) -> None:
    """A ValueError that names the stability limit if the law's step is at or past it."""
    if not law.stable():
        refuse_past(stability_limit(law.squares, law.modes, law.sampling), law.sampling)


def check_below_limit(squares: Array, modes: Array, sampling: Sampling) -> None:
    """A ValueError for a step at or past `stability_limit`, which is found only for a step near it or past it.

    Without momentum any step with η(a max_i ‖g_i‖² + b κ_max) < 1 is below it: 𝓛⁻¹ 2ηQ is a positive map that takes K
    to no more than so much of K, as 𝓛 K = 2K² and Q(K) ≤ (a max_i ‖g_i‖² + b κ_max) K². Of several outputs ‖g_i‖² is
    the sum over them, which is no less than the largest eigenvalue of the datum's block of K.
    """
    further = sampling.lr * (1 + 1e-9)
    if further < _surely_stable(squares, modes, sampling):
        return
    if np.isfinite(further) and MomentMap(squares, modes, replace(sampling, lr=further)).stable():
        return
    limit = stability_limit(squares, modes, sampling)
    if sampling.lr >= limit:
        refuse_past(limit, sampling)


def refuse_past(limit: float, sampling: Sampling) -> None:
    """The ValueError for a step size at or past the limit."""
    where = "this theta, batch and momentum" if sampling.momentum else "this theta and batch"
    raise ValueError(f"lr: expected less than the stability limit {limit:.4g} at {where}, got {sampling.lr:g}")


def stability_limit(squares: Array, modes: Array, sampling: Sampling, *, rtol: float = 0.0) -> float:
    """η_max of the K with these eigenvalues (r,) > 0 and eigenvectors (n, r), whatever the step: where ρ(F) = 1.

    F is that of `moment_map`. It grows with η, up to n(1 + β)/κ_max, where the mean itself no longer is stable.
    """
    from scipy.optimize import brentq  # here, as its import would slow every other call down

    if not len(squares):
        return np.inf
    n, largest = len(modes) // sampling.outputs, float(np.max(squares))

    def excess(rate):  # of G = 2ηκ_max/n
        return MomentMap(squares / largest, modes, replace(sampling, lr=rate * n / 2)).load() - 1

    rate = 2 * (1 + sampling.momentum)
    if sampling.weights(n)[0] and excess(rate) > 0:
        least = _surely_stable(squares, modes, sampling) * 2 * largest / n if rtol else 0.0  # saves most evaluations
        below = least if least > 0 and excess(least) < 0 else 1e-300
        rate = brentq(excess, below, rate, xtol=1e-300, rtol=max(rtol, 4 * np.finfo(float).eps))
    return n * rate / 2 / largest


def _surely_stable(squares, modes, sampling):
    """An η below η_max without momentum, 0 with it, by the bound of `check_below_limit`."""
    if sampling.momentum:
        return 0.0
    n = len(modes) // sampling.outputs
    a, b = sampling.weights(n)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what overflows is not below
        norms = np.sum((modes**2 @ squares).reshape(n, -1), axis=1)
        load = a * np.max(norms, initial=0.0) + b * np.max(squares, initial=0.0)
        return 1 / load if load == load else 0.0
