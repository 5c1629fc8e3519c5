"""The law of label-noise SGD on the model linearised about a zero-error point, exact at every stable step size.

Source: theory.md, section 2, "Exact discrete time", section 3, and section 6, "Momentum" and "Other noises".
"""

from dataclasses import dataclass

import numpy as np

from ...arguments import Reals, whole_numbers
from ...settings import Setting
from .law import Law
from .sampling import BatchSize, sampling_of
from .second_moments import finite_product

__all__ = ["LinearizedSGD", "linearized_sgd"]


@dataclass(frozen=True, eq=False, repr=False)
class LinearizedSGD(Law):
    """The discrete process: v ← βv − ∇, θ ← θ + ηv, with h replaced by h(θ*) + Jδ.

    Its covariance is V Z Vᵀ = Jᵀ K⁺ S K⁺ J with S = KS + SK at rest balanced by 2η[Q(S) + (σ²/B̃)K²], exact at every
    stable η; its drift is exact at O(σ²), with a relative error of O(ησ²) + O(η²σ²T), the latter because θ* moves.
    """

    @property
    def stability_radius(self) -> float:
        """What a step multiplies the slowest second moment by: below 1 just where lr < max_stable_lr."""
        return self._of_unit_noise.radius()

    @property
    def equation_residual(self) -> float:
        """‖u⁺ − u‖ over that of a step's noise (Frobenius), of the stationary covariances put through a step."""
        return self._of_unit_noise.residual() if self.rank and self.sampling.noise_scale else 0.0

    def _times(self, name, value):
        return whole_numbers(name, value)

    def _moments(self, steps, lag):
        lags = self._times("lag", lag)
        self._shapes(steps, lags)
        law = self._of_unit_noise
        if steps is None:
            return self._at_lags(None, lags)
        times, lags = np.broadcast_arrays(self._times("steps", steps), lags)
        moments = np.zeros((*times.shape, *law.shape))
        for count in np.unique(times):
            moments[times == count] = self._at_lags(int(count), lags[times == count])
        return moments

    def _at_lags(self, steps, lags):
        law, different = self._of_unit_noise, np.unique(lags)
        if not different.any():
            only = law.stationary() if steps is None else law.after(steps)
            return np.broadcast_to(only, (*lags.shape, *law.shape))
        return law.lagged(steps, different)[np.searchsorted(different, lags)]

    def _summed(self, steps):
        law = self._of_unit_noise
        if steps is None:
            return finite_product(law.stationary(), 1 / (1 - self.sampling.momentum))
        return law.summed(int(steps))

    def _diffused(self, steps, lag):
        beta = self.sampling.momentum
        steps, lag = np.broadcast_arrays(self._times("steps", steps), self._times("lag", lag))
        # Σ_{k=1}^T (1 − β^k)(1 − β^{k+lag})/(1 − β)²
        once = beta * _powers_summed(beta, steps) * (1 + beta**lag)
        both = beta ** (2 + lag) * _powers_summed(beta**2, steps)
        size = self.sampling.lr * self.sampling.of_unit_noise().gradient_noise_std / (1 - beta)
        return size * (size * (steps - once + both))


def _powers_summed(ratio, count):
    """1 + ratio + ... , so many terms."""
    return (1 - ratio**count) / (1 - ratio)


def linearized_sgd(
    setting: Setting,
    theta: Reals,
    *,
    lr: float,
    noise_std: Reals,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    gradient_noise_std: float = 0.0,
) -> LinearizedSGD:
    """The law of label-noise SGD linearised about a zero-error point, exact at every stable step size.

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
        Whether a batch is drawn with replacement.
    momentum : float
        β in [0, 1).
    gradient_noise_std : float
        s ≥ 0, isotropic noise on the gradient, in units of y²/θ.

    Returns
    -------
    LinearizedSGD

    Raises
    ------
    ValueError
        If theta is off the zero-error set, or lr is at or past max_stable_lr, where SGD has no stationary law.
    ArithmeticError
        When asked for a number of steps above 10⁶ at which underdamped momentum has not died down.

    Examples
    --------
    One datum with h = u² at u = 2, k = 16: the variance is ησ²/(1 − ηk), where the diffusion has ησ².

    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> law = ou.linearized_sgd(setting, [2.0], lr=0.01, noise_std=1.0)
    >>> round(float(law.covariance()[0, 0]), 9), round(float(law.expected_loss()), 6)
    (0.011904762, 0.190476)
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
    return LinearizedSGD.at(setting, theta, sampling)
