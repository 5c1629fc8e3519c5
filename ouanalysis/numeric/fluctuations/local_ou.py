"""The Ornstein-Uhlenbeck process of label-noise SGD about a zero-error point: its diffusion, the leading order in η.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, sections 2 and 6.
"""

from dataclasses import dataclass

import numpy as np

from ...arguments import Reals, nonnegative_numbers
from ...settings import Setting
from .law import Law
from .sampling import BatchSize, sampling_of
from .transient import share_past_transient

__all__ = ["LocalOU", "local_ou"]


@dataclass(frozen=True, eq=False, repr=False)
class LocalOU(Law):
    """The process dδ = −H δ dt + √(η/B̃) (2/√n) Jᵀ diag(σ_i) dW + √η s dW′ about θ*, in time t = η × steps.

    Label noise of equal σ makes its covariance (ησ²/B̃) V (I − e^{−2Λt}) Vᵀ, isotropic whatever the spectrum. Of SGD it
    is the leading order: the relative error is O(ηλ), and `LinearizedSGD` has none. With momentum η stands for
    η/(1 − β), which leaves out the velocity's own transient of 1/(1 − β) steps.
    """

    def _times(self, name, value):
        return nonnegative_numbers(name, value)

    @property
    def _rates(self):
        """ηλ_k/(1 − β), (r,)."""
        return self.sampling.lr / (1 - self.sampling.momentum) * self.eigenvalues

    @property
    def _rates_of_pairs(self):
        return self._rates[:, None] + self._rates

    def _moments(self, steps, lag):
        lag = self._times("lag", lag)
        self._shapes(steps, lag)
        moments = self._of_unit_noise.leading()
        with np.errstate(over="ignore"):  # long at rest, and all forgotten
            if steps is not None:
                moments = moments * -np.expm1(-self._times("steps", steps)[..., None, None] * self._rates_of_pairs)
            decay = np.exp(-self._rates * lag[..., None])
        return decay[..., :, None] * moments

    def _summed(self, steps):
        moments = self._of_unit_noise.leading() / (1 - self.sampling.momentum)
        return moments if steps is None else moments * steps * share_past_transient(self._rates_of_pairs * steps)

    def _diffused(self, steps, lag):
        steps, _ = np.broadcast_arrays(self._times("steps", steps), lag)
        kick = self.sampling.lr / (1 - self.sampling.momentum) * self.sampling.of_unit_noise().gradient_noise_std
        return kick * (kick * steps)


def local_ou(
    setting: Setting,
    theta: Reals,
    *,
    lr: float,
    noise_std: Reals,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    gradient_noise_std: float = 0.0,
) -> LocalOU:
    """The local Ornstein-Uhlenbeck process of label-noise SGD at a zero-error point: its leading order in η.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        θ*, on the zero-error set; see `interpolate`.
    lr : float
        Step size η > 0.
    noise_std : float or (n,) array_like
        Standard deviation σ ≥ 0 of the label noise in units of y, for all data or for each; of k outputs (n·k,), by the
        rows of J.
    batch_size : int or "full"
        B; "full" takes every datum once, each label noised.
    replacement : bool
        Whether a batch is drawn with replacement; only the stability limit depends on it.
    momentum : float
        β in [0, 1).
    gradient_noise_std : float
        s ≥ 0, isotropic noise on the gradient, in units of y²/θ.

    Returns
    -------
    LocalOU

    Raises
    ------
    ValueError
        If theta is off the zero-error set, or lr is at or past max_stable_lr, where SGD has no stationary law.

    Examples
    --------
    One datum with h = u² at u = 2, where H = 2·4² = 32:

    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> local = ou.local_ou(setting, [2.0], lr=0.01, noise_std=1.0)
    >>> local.eigenvalues, local.covariance()
    (array([32.]), array([[0.01]]))
    >>> float(local.expected_loss())
    0.16
    """
    sampling = sampling_of(
        setting,
        lr=lr,
        noise_std=noise_std,
        batch_size=batch_size,
        replacement=replacement,
        momentum=momentum,
        gradient_noise_std=gradient_noise_std,
    )
    return LocalOU.at(setting, theta, sampling)
