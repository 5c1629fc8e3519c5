"""The Ornstein-Uhlenbeck process of label-noise SGD about a zero-error point, and the exact law at finite step.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, section 2.
"""

from dataclasses import dataclass

import numpy as np

from ..arguments import count, nonnegative_number, positive_number, real_array
from .derivatives import jacobian
from .discrete_law import covariance_after, max_stable_lr, stationary_covariance
from .kinks import kink_distance
from .manifold import on_zero_error_set

__all__ = ["LocalOU", "effective_batch_size", "local_ou"]


@dataclass(frozen=True, eq=False, repr=False)
class LocalOU:
    """The process dδ = −H δ dt + √(η/B̃) C^{1/2} dW about θ*, with H = (2/n) JᵀJ and C = 2σ²H.

    Attributes
    ----------
    theta : (p,) array
        θ*, on the zero-error set.
    eigenvalues : (r,) array
        Of H on the row space of J, descending, in units of 1/time where time = lr × steps.
    basis : (p, r) array
        V, their orthonormal eigenvectors: the directions across the zero-error set.
    jacobian : (n, p) array
        J. Its rank r is len(eigenvalues), at a relative tolerance of max(n, p) eps on the singular values; where r < n
        the zero-error set need not be smooth, and the law is that of the row space only.
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
    the linearised SGD itself, exact at every stable step size.
    """

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
        return self.lr * self.noise_std**2 / self.batch_size

    def variances(self, steps=None):
        """Variance along each column of basis: steps (...) gives (..., r); None is the stationary (r,)."""
        if steps is None:
            return np.full(self.rank, self.stationary_variance)
        steps = real_array("steps", steps, shape=(...,))
        if np.any(steps < 0):
            raise ValueError(f"steps: expected numbers at least 0, got {steps.min():g}")
        return -self.stationary_variance * np.expm1(-2 * self.lr * steps[..., None] * self.eigenvalues)

    def covariance(self, steps=None, *, exact=False):
        """Cov δ after `steps` steps from δ = 0: steps (...) gives (..., p, p); None is the stationary (p, p) matrix.

        (ησ²/B̃) V (I − e^{−2Λt}) Vᵀ, and (ησ²/B̃) P at rest; with exact=True, Jᵀ K⁻¹ S K⁻¹ J.
        """
        if exact:
            lift = self.basis / self._singular
            return lift @ self._exact_moments(steps) @ lift.T
        return (self.basis * self.variances(steps)[..., None, :]) @ self.basis.T

    def function_covariance(self, steps=None, *, exact=False):
        """S, the covariance of the predictions, in units of y²: steps (...) gives (..., n, n)."""
        if exact:
            return self._modes @ self._exact_moments(steps) @ self._modes.T
        across = self.jacobian @ self.basis
        return (across * self.variances(steps)[..., None, :]) @ across.T

    def expected_loss(self, steps=None, *, exact=False):
        """E L = tr(S)/n, the clean loss in units of y²: steps (...) gives (...).

        To leading order its plateau is (ησ²/B̃) reg(θ*): the noise floor measures the regularizer.
        """
        if exact:
            return np.trace(self._exact_moments(steps), axis1=-2, axis2=-1) / len(self.jacobian)
        return self.variances(steps) @ self.eigenvalues / 2

    @property
    def _singular(self):
        return np.sqrt(self.eigenvalues * len(self.jacobian) / 2)

    @property
    def _modes(self):
        """The eigenvectors (n, r) of K that belong to basis."""
        return self.jacobian @ self.basis / self._singular

    def _exact_moments(self, steps):
        """S in the eigenbasis of K: steps (...) gives (..., r, r)."""
        law = {
            "lr": self.lr,
            "noise_std": self.noise_std,
            "batch_size": self.batch_size,
            "replacement": self.replacement,
        }
        squares, modes = self._singular**2, self._modes
        if steps is None:
            return stationary_covariance(squares, modes, **law)
        steps = np.asarray(steps)
        if steps.dtype.kind not in "iu" or steps.min(initial=0) < 0:
            raise ValueError(f"steps: expected integers at least 0 where exact=True, got {steps}")
        distinct, place = np.unique(steps, return_inverse=True)
        return covariance_after(distinct, squares, modes, **law)[place.reshape(steps.shape)]

    def __repr__(self):
        n, p = self.jacobian.shape
        notes = "" if self.rank == n else f", J is rank deficient: {self.rank} of {n}"
        if self.kink_distance == 0:
            notes += ", a ReLU kink is on a datum: h has no derivative here"
        spectrum = f"eigenvalues {self.eigenvalues[-1]:.4g} to {self.eigenvalues[0]:.4g}" if self.rank else "J = 0"
        return (
            f"LocalOU(n={n}, dim={p}, {spectrum}{notes},"
            f" lr={self.lr:g} (stable below {self.max_stable_lr:.4g}), noise_std={self.noise_std:g},"
            f" batch_size={self.batch_size}, stationary variance {self.stationary_variance:.4g}"
            f" in {self.rank} directions, expected loss {self.expected_loss():.4g})"
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
    effective = effective_batch_size(setting, batch_size)
    theta = on_zero_error_set(setting, theta)
    gradients = jacobian(setting, theta)
    modes, singular, rows = np.linalg.svd(gradients, full_matrices=False)
    rank = int(np.sum(singular > max(gradients.shape) * np.finfo(float).eps * singular[0]))
    replacement = replacement and batch_size != "full"
    if not replacement and effective > setting.n:
        raise ValueError(f"batch_size: expected at most n = {setting.n} without replacement, got {effective}")
    limit = max_stable_lr(singular[:rank] ** 2, modes[:, :rank], batch_size=effective, replacement=replacement)
    if lr >= limit:
        raise ValueError(f"lr: expected less than the stability limit {limit:.4g} at this theta and batch, got {lr:g}")
    return LocalOU(
        theta=theta,
        eigenvalues=2 * singular[:rank] ** 2 / setting.n,
        basis=rows[:rank].T,
        jacobian=gradients,
        kink_distance=kink_distance(setting, theta),
        max_stable_lr=limit,
        lr=lr,
        noise_std=noise_std,
        batch_size=effective,
        replacement=replacement,
    )


def effective_batch_size(setting, batch_size):
    """B̃ as an int: B, or n for "full" (every datum once)."""
    if isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'batch_size: expected an integer at least 1 or "full", got {batch_size!r}')
        return setting.n
    return count("batch_size", batch_size, least=1)
