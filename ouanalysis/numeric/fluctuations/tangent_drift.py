"""The drift of label-noise SGD along the zero-error set, exact at O(σ²) for every stable step size, in one call.

Source: Blanc et al. 2020 (arXiv:1904.09080), theorem 1; theory.md, sections 3 and 6.
"""

from ...arguments import Array, Reals
from ...settings import Setting
from .linearized_sgd import linearized_sgd
from .sampling import BatchSize

__all__ = ["tangent_drift"]


def tangent_drift(
    setting: Setting,
    theta: Reals,
    *,
    lr: float,
    noise_std: Reals,
    steps: Reals | None = None,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    gradient_noise_std: float = 0.0,
) -> Array:
    """E[N(θ_T − θ*)], the mean displacement along the zero-error set: that of `linearized_sgd`.

    The leading order in η is `local_ou(...).tangent_drift(steps)`: −(η²σ²/B̃) N∇reg a step past the transient for label
    noise of equal σ, and −(η²s²/4) N∇ log det K for isotropic noise of standard deviation s on the gradient.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        θ*, on the zero-error set, with no kink on a datum.
    lr, noise_std, batch_size, replacement, momentum, gradient_noise_std
        As in `linearized_sgd`.
    steps : int or int array (...), optional
        T, with the transient in which the fluctuation builds up. None is the displacement of one step at rest.

    Returns
    -------
    (..., p) array
        In units of θ. The relative error is O(ησ²) + O(η²σ²T), the latter because θ* moves.

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
    law = linearized_sgd(
        setting,
        theta,
        lr=lr,
        noise_std=noise_std,
        batch_size=batch_size,
        replacement=replacement,
        momentum=momentum,
        gradient_noise_std=gradient_noise_std,
    )
    return law.tangent_drift(steps)
