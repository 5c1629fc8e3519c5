"""The drift of label-noise SGD along the zero-error set, exact at O(σ²) for every stable step size.

Source: Blanc et al. 2020 (arXiv:1904.09080), theorem 1; theory.md, sections 3 and 6.
"""

import warnings
from math import factorial

import numpy as np

from ...arguments import nonnegative_number, positive_number, whole_numbers
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.kinks import refuse_kink
from ..zero_error_set.notes import warn_of_rank
from ..zero_error_set.row_space import finite_hessian_products, row_space
from .sampling import sampled_batch
from .second_moments import SecondMoments, finite_product, leading_variance, relaxation_steps
from .stability_limit import check_stable

__all__ = ["mean_displacement", "tangent_drift"]


def tangent_drift(
    setting,
    theta,
    *,
    lr,
    noise_std,
    steps=None,
    batch_size=1,
    replacement=True,
    momentum=0.0,
    exact=True,
):
    """E[N(θ_T − θ*)], the mean displacement along the zero-error set after T steps from θ*, or that of a step at rest.

    −(2η/n) N Σ_i ∇²h_i Σ_T g_i, with Σ_T the sum of the covariances of the first T steps. The relative error is
    O(ησ²) + O(η²σ²T), the latter because θ* moves. No matrix is p×p.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        θ*, on the zero-error set, with no kink on a datum.
    lr, noise_std, batch_size, replacement
        As in `local_ou`.
    steps : int or int array (...), optional
        T, with the transient in which the fluctuation builds up. None is the displacement of one step at rest.
    momentum : float
        β in [0, 1), as in `label_noise_sgd`, which starts with no velocity.
    exact : bool
        False gives the leading order in η: −(η²σ²/(B̃(1 − β)²)) N∇reg a step past the transient; with momentum only for
        steps ≫ 1/(1 − β), as it has no transient of the velocity.

    Returns
    -------
    (..., p) array
        In units of θ.

    Raises
    ------
    ValueError
        If theta is off the zero-error set, if a kink is on a datum, or if lr is past the stability limit.

    Warns
    -----
    UserWarning
        If J has a lower rank at theta than about it, and if K is nearly singular (condition above 1e6) and its
        slowest direction takes longer to relax than the steps asked for.

    Examples
    --------
    h = ab, noise balances the factors; past the transient −η²σ²/(1 − ηk) (2.4, −1.2) a step, k = a² + b² = 5:

    >>> import ouanalysis as ou
    >>> setting = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, x=[1.0], y=[2.0], dim=2)
    >>> ou.tangent_drift(setting, [2.0, 1.0], lr=0.01, noise_std=0.1, steps=1000).round(5)
    array([-0.00251,  0.00126])
    """
    lr, noise_std = positive_number("lr", lr), nonnegative_number("noise_std", noise_std)
    momentum = nonnegative_number("momentum", momentum, below=1)
    times = None if steps is None else whole_numbers("steps", steps)
    batch, replacement = sampled_batch(setting, batch_size, replacement)
    theta = on_zero_error_set(setting, theta)
    refuse_kink(setting, theta)
    space = row_space(setting, theta)
    law = SecondMoments(space.squares, space.modes, lr, noise_std, batch, replacement, momentum)
    check_stable(law)
    warn_of_rank(setting, theta, space.rank)
    sums = _exact_sum if exact else _leading_sum
    if times is None:
        return mean_displacement(setting, theta, space, law, sums(law, None))
    relaxation = (1 - momentum) * relaxation_steps(lr, 2 / setting.n * space.squares)
    if space.rank and space.singular[0] > 1e3 * space.singular[-1] and np.max(times, initial=0) < relaxation:
        warnings.warn(
            f"K is nearly singular: its slowest direction relaxes in {relaxation:.2g} steps, longer than the"
            f" {np.max(times)} asked for, so this is all transient there",
            stacklevel=2,
        )
    displacements = np.zeros((*times.shape, setting.dim))
    for count in np.unique(times):
        displacements[times == count] = mean_displacement(setting, theta, space, law, sums(law, int(count)))
    return displacements


def mean_displacement(setting, theta, space, law, moments):
    """−(2η/n) N Σ_i ∇²h_i V Z Vᵀ g_i for Z (r, r), a sum of covariances along the RowSpace's basis V."""
    size, largest = np.max(np.abs(moments), initial=0.0) or 1.0, np.max(space.singular, initial=0.0)
    across = space.modes * (space.singular / (largest or 1.0))
    pushed = finite_hessian_products(setting, theta, across @ (moments / size) @ space.basis.T)
    return finite_product(space.tangent(pushed), -2 / setting.n, largest, size, law.lr)


def _exact_sum(law, steps):
    return finite_product(law.stationary(), 1 / (1 - law.momentum)) if steps is None else law.summed(steps)


def _leading_sum(law, steps):
    """(ησ²/B̃)(T − (1 − e^{−2μT})/2μ), of the rates μ = ηλ/(1 − β); with momentum, T ≫ 1/(1 − β), over (1 − β)²."""
    still, times = 1 - law.momentum, np.ones(len(law.squares))
    if steps is not None:
        times = steps * _share_past_transient(4 / len(law.modes) / still * (law.lr * law.squares) * steps)
    return finite_product(np.diag(times), leading_variance(law.lr, law.noise_std, law.batch_size), 1 / still**2)


def _share_past_transient(x):
    """1 − (1 − e^{−x})/x: by its series x/2 − x²/6 + ... where that cancels."""
    small = np.minimum(x, 0.5)
    series = sum((-1) ** k * small ** (k - 1) / factorial(k) for k in range(2, 16))
    return np.where(x < 0.5, series, 1 + np.expm1(-x) / np.maximum(x, 0.5))
