"""The Ornstein-Uhlenbeck process of label-noise SGD about a zero-error point, and the exact law at finite step.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, section 2.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...arguments import nonnegative_number, positive_number, real_array, whole_numbers
from ...settings import Setting
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.kinks import kink_distance
from ..zero_error_set.notes import notes_on_noise, notes_on_point
from ..zero_error_set.row_space import finite_hessian_products, row_space
from .sampling import sampled_batch
from .second_moments import SecondMoments, finite_product, leading_variance, relaxation_steps
from .stability_limit import refuse_past, stability_limit

__all__ = ["LocalOU", "local_ou"]


@dataclass(frozen=True, eq=False, repr=False)
class LocalOU:
    """The process dδ = −H δ dt + √(η/B̃) C^{1/2} dW about θ*, with H = (2/n) JᵀJ and C = 2σ²H.

    Attributes
    ----------
    setting : Setting
    theta : (p,) array
        θ*, on the zero-error set.
    eigenvalues : (r,) array
        Of H on the row space of J, descending, in units of 1/time where time = lr × steps.
    basis : (p, r) array
        V, their orthonormal eigenvectors: the directions across the zero-error set.
    jacobian : (n, p) array
        J. Its rank r is len(eigenvalues), at a relative tolerance of max(n, p) eps on the singular values; where r < n
        K⁺ stands for K⁻¹, and `notes` says whether the zero-error set is smooth there.
    kink_distance : float
        As `kink_distance`; at 0 the model has no derivative here, and this is the process of one side.
    max_stable_lr : float
        η_max of the linearised SGD at this batch size.
    lr, noise_std : float
        η, and σ in units of y.
    batch_size : int
        B̃, the batch (n for a full batch).
    replacement : bool
        How the batch is drawn; a full batch is all data without replacement.

    The covariances are those of the diffusion, with a relative error of O(ηλ); with ``exact=True`` they are those of
    the linearised SGD itself, exact at every stable step size. `steps` counts from δ = 0, and None is the stationary
    law; ``lag=k`` gives the autocovariance E[δ_{t+k} δ_tᵀ] instead of the covariance at t.
    """

    setting: Setting
    theta: np.ndarray
    eigenvalues: np.ndarray
    basis: np.ndarray
    jacobian: np.ndarray
    kink_distance: float
    max_stable_lr: float
    lr: float
    noise_std: float
    batch_size: int
    replacement: bool

    @property
    def rank(self):
        """r, the number of directions across the zero-error set."""
        return len(self.eigenvalues)

    @property
    def gram(self):
        """K = J Jᵀ, (n, n)."""
        return self.jacobian @ self.jacobian.T

    @property
    def stationary_variance(self):
        """ησ²/B̃, the variance along every direction across the zero-error set, in units of θ²."""
        return leading_variance(self.lr, self.noise_std, self.batch_size)

    def variances(self, steps=None):
        """Variance along each column of basis: steps (...) gives (..., r); None is the stationary (r,)."""
        return self._noisy(self._variances(steps))

    def covariance(self, steps=None, *, lag=0, exact=False):
        """E[δ_{t+lag} δ_tᵀ], in units of θ²: steps and lag (...) give (..., p, p). For large p see mode_covariance.

        (ησ²/B̃) V e^{−Λη lag} (I − e^{−2Ληt}) Vᵀ, and (ησ²/B̃) P at rest; with exact=True, Jᵀ K⁻¹ S K⁻¹ J.
        """
        return self._noisy(self.basis @ self._covariance(steps, lag, exact) @ self.basis.T)

    def function_covariance(self, steps=None, *, lag=0, exact=False):
        """S, the same of the linearised predictions Jδ, in units of y²: steps and lag (...) give (..., n, n)."""
        across = self.modes * self._singular
        return self._noisy(across @ self._covariance(steps, lag, exact) @ across.T)

    def mode_covariance(self, steps=None, *, lag=0, exact=False):
        """Vᵀ Cov V, the same along the columns of basis, in units of θ²: steps and lag (...) give (..., r, r)."""
        return self._noisy(self._covariance(steps, lag, exact))

    def expected_loss(self, steps=None, *, exact=False):
        """E L = tr(S)/n, the clean loss in units of y²: steps (...) gives (...).

        To leading order its plateau is (ησ²/B̃) reg(θ*): the noise floor measures the regularizer.
        """
        variances = self._variances(steps)
        if exact:
            variances = np.diagonal(self._exact_moments(steps), axis1=-2, axis2=-1)
        return self._noisy(variances @ self.eigenvalues / 2)

    def mean_residual(self, *, exact=False):
        """E[h − y] = −K⁺ J Σ_i ∇²h_i Σ g_i at rest, (n,) in units of y: the noise shifts the predictions.

        At a stationary point, where ∇reg = Jᵀμ, it is −(nησ²/2B̃) μ to leading order: the noise measures the
        multipliers. Exact at O(σ²) with exact=True.
        """
        relative = self._singular / np.max(self._singular, initial=0.0) if self.rank else self._singular
        moments = self._covariance(None, 0, exact) * (self.batch_size / self.lr)
        pushed = finite_hessian_products(self.setting, self.theta, self.modes * relative @ moments @ self.basis.T)
        return self._noisy(-(self.modes / relative) @ (self.basis.T @ pushed) * (self.lr / self.batch_size))

    @cached_property
    def modes(self):
        """The orthonormal eigenvectors (n, r) of K that belong to basis."""
        return self.jacobian @ self.basis / self._singular

    @property
    def relaxation_steps(self):
        """1/(ηλ_min), the steps in which the slowest direction across the zero-error set relaxes."""
        return relaxation_steps(self.lr, self.eigenvalues)

    @property
    def stability_radius(self):
        """ρ(𝒯), what a step multiplies the slowest second moment by: below 1 just where lr < max_stable_lr."""
        return self._law.radius()

    @property
    def equation_residual(self):
        """‖KS + SK − 2η[Q(S) + (σ²/B̃)K²]‖ / ‖2η(σ²/B̃)K²‖ (Frobenius) of the exact stationary covariance."""
        return self._law.residual() if self.rank and self.noise_std else 0.0

    @property
    def notes(self):
        """What is degenerate here, a tuple of sentences: rank, duplicate data, dead neurons, kinks, slow directions."""
        return (
            *notes_on_point(self.setting, self.theta, self.rank),
            *notes_on_noise(self.setting, self.theta, np.sqrt(self.stationary_variance), self.relaxation_steps),
        )

    @property
    def _singular(self):
        return np.sqrt(self.eigenvalues * len(self.jacobian) / 2)

    @cached_property
    def _law(self):
        return SecondMoments(self._singular**2, self.modes, self.lr, 1.0, self.batch_size, self.replacement)

    def _noisy(self, of_unit_noise):
        """The law is linear in σ², which comes last: what it is of may be no float at all."""
        return finite_product(of_unit_noise, self.noise_std, self.noise_std)

    def _variances(self, steps):
        """As `variances`, of σ = 1."""
        if steps is None:
            return np.full(self.rank, self.lr / self.batch_size)
        with np.errstate(over="ignore"):  # long at rest
            passed = _times("steps", steps)[..., None] * (2 * self.lr * self.eigenvalues)
        return self.lr / self.batch_size * -np.expm1(-passed)

    def _covariance(self, steps, lag, exact):
        """As `mode_covariance`, of σ = 1."""
        lag = whole_numbers("lag", lag) if exact else _times("lag", lag)
        try:
            np.broadcast_shapes(np.shape(steps), lag.shape)
        except ValueError:
            raise ValueError(f"lag: expected a shape that broadcasts with steps, got {lag.shape}") from None
        rates = self.lr * self.eigenvalues
        if exact:
            moments, decay = self._exact_moments(steps), _power(rates, lag[..., None])
        else:
            moments = self._variances(steps)[..., None, :] * np.eye(self.rank)
            with np.errstate(over="ignore"):  # all forgotten
                decay = np.exp(-rates * lag[..., None])
        return decay[..., :, None] * moments

    def _exact_moments(self, steps):
        if steps is None:
            return self._law.stationary()
        steps, law = whole_numbers("steps", steps), self._law
        moments = np.zeros((*steps.shape, self.rank, self.rank))
        for count in np.unique(steps):
            moments[steps == count] = law.after(int(count))
        return moments

    def __repr__(self):
        n, p = self.jacobian.shape
        spectrum = f"eigenvalues {self.eigenvalues[-1]:.4g} to {self.eigenvalues[0]:.4g}" if self.rank else "J = 0"
        notes = "".join(f"; {note}" for note in self.notes)
        loss = f"{self.expected_loss():.4g} to leading order, {self.expected_loss(exact=True):.4g} exact"
        return (
            f"LocalOU(n={n}, dim={p}, {spectrum},"
            f" lr={self.lr:g} (stable below {self.max_stable_lr:.4g}), noise_std={self.noise_std:g},"
            f" batch_size={self.batch_size}, stationary variance {self.stationary_variance:.4g}"
            f" in {self.rank} directions, expected loss {loss}{notes})"
        )


def local_ou(setting, theta, *, lr, noise_std, batch_size=1, replacement=True):
    """The local Ornstein-Uhlenbeck process of label-noise SGD at a zero-error point.

    To leading order in the step size, and exactly where asked: see `LocalOU`.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        θ*, on the zero-error set; see `interpolate`.
    lr, noise_std : float
        Step size η > 0, and standard deviation σ ≥ 0 of the label noise in units of y.
    batch_size : int or "full"
        B; "full" takes every datum once, each label noised.
    replacement : bool
        Whether a batch is drawn with replacement, as `label_noise_sgd` does.

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
    >>> float(local.expected_loss()), float(local.expected_loss(exact=True).round(6))
    (0.16, 0.190476)
    """
    lr = positive_number("lr", lr)
    noise_std = nonnegative_number("noise_std", noise_std)
    batch, replacement = sampled_batch(setting, batch_size, replacement)
    theta = on_zero_error_set(setting, theta)
    space = row_space(setting, theta)
    leading_variance(lr, noise_std, batch)  # is a float
    limit = stability_limit(space.squares, space.modes, batch_size=batch, replacement=replacement)
    if lr >= limit:
        refuse_past(limit, lr)
    return LocalOU(
        setting=setting,
        theta=theta,
        eigenvalues=2 * space.squares / setting.n,
        basis=space.basis,
        jacobian=space.jacobian,
        kink_distance=kink_distance(setting, theta),
        max_stable_lr=limit,
        lr=lr,
        noise_std=noise_std,
        batch_size=batch,
        replacement=replacement,
    )


def _times(name, value):
    value = real_array(name, value)
    if np.any(value < 0):
        raise ValueError(f"{name}: expected numbers at least 0, got {value.min():g}")
    return value


def _power(rates, exponents):
    """(1 − rate)^exponent, without rounding 1 − rate where it is next to 1."""
    slow = np.exp(exponents * np.log1p(-np.minimum(rates, 0.5)))
    return np.where(rates < 0.5, slow, (1 - rates) ** exponents)
