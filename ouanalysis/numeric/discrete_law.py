"""The exact second moments of linearised label-noise SGD, at every stable step size.

In the basis V of the row space of J let Z = E[zzᵀ], C = E[zwᵀ], W = E[wwᵀ], with z = Vᵀ(θ − θ*) and w = ηVᵀv of the
velocity v. With K = U diag(κ) Uᵀ, g = 2ηκ/n and the covariance S = U √κ Z √κ Uᵀ of the predictions, a step is

    W⁺ = β²W − β(gC + Cᵀg) + Γ,   X = βC − Zg,   C⁺ = X + W⁺,   Z⁺ = Z + X + Xᵀ + W⁺,
    Γ  = (4η²/n) [ a √κ Uᵀ diag(S) U √κ + b κ Z κ + (σ²/B̃) κ ],

with weights a, b that the sampling of the batch sets. Everything but diag(S) acts entry by entry, so the resolvent of
the step is an n×n linear system for the n variances diag(S). Without momentum (β = 0) Z closes on itself.

Source: theory.md, section 2, "Exact discrete time", and section 6, "Momentum".
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from .krylov import arnoldi, powers_and_sums

__all__ = ["SecondMoments", "sampling_weights"]

WALKED = 50  # steps up to which taking them is cheaper, and free of cancellation


def sampling_weights(n, batch_size, *, replacement):
    """(a, b) of Q(S) = a K diag(S) K + b K S K. All n data at once are n drawn without replacement: (0, 1/n)."""
    if replacement or n == 1:
        return 1 / batch_size, (1 - 1 / batch_size) / n
    pairs = (batch_size - 1) / (batch_size * (n - 1))
    return 1 / batch_size - pairs, pairs


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """The step u⁺ = 𝓜u + (noise) of the moments u = (Z,), or (Z, C, Cᵀ, W) with momentum, as a (k, r, r) array.

    Attributes
    ----------
    squares, modes : (r,) and (n, r) arrays
        The positive eigenvalues κ of K, and their eigenvectors U.
    lr, noise_std : float
        η, and σ in units of y.
    batch_size, replacement
        B̃, and how the batch is drawn.
    momentum : float
        β.
    """

    squares: np.ndarray
    modes: np.ndarray
    lr: float
    noise_std: float
    batch_size: int
    replacement: bool = True
    momentum: float = 0.0

    def stationary(self):
        """The Z (r, r) that a step leaves as it is, in units of θ².

        Examples
        --------
        One datum, Z = ησ²/(1 − ηk):

        >>> SecondMoments(np.array([2.0]), np.eye(1), lr=0.1, noise_std=1.0, batch_size=1).stationary()
        array([[0.125]])
        """
        return self._stationary[0]

    def after(self, steps):
        """Z (r, r) after so many steps from rest at θ*."""
        return self._after(steps)[0]

    def summed(self, steps):
        """Σ_{t<T} Z_t (1 − β^{T−t})/(1 − β), (r, r): what carries θ along the zero-error set in T steps."""
        return self._after(steps)[1]

    def radius(self):
        """ρ(𝓜), the spectral radius: SGD is stable in the mean square just where it is below 1.

        𝓜 is positive, so ρ is an eigenvalue, and (z − 𝓜)⁻¹ maps positive moments to positive ones just where z > ρ.
        """
        if not len(self.squares):
            return 0.0
        shift, largest = 0.0, 0.0
        while not self._is_above_radius(1 + shift):
            shift = 2 * shift or 1e-3
        for _, inverse in arnoldi(self.resolvent(shift), self._independent):
            before, largest = largest, np.max(np.linalg.eigvals(inverse).real)
            if abs(largest - before) <= 1e-13 * largest:
                break
        return float(1 + shift - 1 / largest)

    def stable(self):
        """Whether the radius is below 1; much cheaper than the radius itself."""
        return not len(self.squares) or self._is_above_radius(1.0)

    def step(self, moments):
        """u⁺ of u (k, r, r)."""
        coupled = self._gathered(self._variances(moments[0])) if self._coupling else 0.0
        moments = moments - np.einsum("klij,lij->kij", self._gap, moments) + coupled + self._noise
        transposed = moments if len(moments) == 1 else moments[[0, 2, 1, 3]]
        return (moments + np.swapaxes(transposed, -1, -2)) / 2  # else rounding grows in the antisymmetric part

    def residual(self, moments):
        """‖u⁺ − u‖/‖noise‖ of stationary moments Z, put through a step as the predictions' covariance S."""
        # Not the entrywise form that solved it: n×n products of K, without momentum.
        gram = (self.modes * self.squares) @ self.modes.T
        root = self.modes * np.sqrt(self.squares)
        covariance = root @ moments @ root.T
        a, b = sampling_weights(len(gram), self.batch_size, replacement=self.replacement)
        noise = 2 * self.lr * self.noise_std**2 / self.batch_size * gram @ gram
        fed = 2 * self.lr * gram @ (a * np.diag(np.diag(covariance)) + b * covariance) @ gram + noise
        return np.linalg.norm(gram @ covariance + covariance @ gram - fed) / np.linalg.norm(noise)

    def resolvent(self, shift):
        """The function u → (shift + I − 𝓜)⁻¹ u on (k, r, r) arrays; O(n⁴) once, then O(n³) a call."""
        inverse = np.linalg.inv(np.moveaxis(self._gap, (0, 1), (-2, -1)) + shift * np.eye(len(self._gap)))
        response = np.moveaxis(inverse.sum(axis=-1), -1, 0)  # to Γ, which enters all of Z, C, Cᵀ, W
        if self._coupling:
            weights = self._coupling * self._scale**2 * response[0]
            rows = [np.sum((row * self.modes @ weights) * (row * self.modes), axis=1) for row in self.modes]
            system = lu_factor(np.eye(len(self.modes)) - np.stack(rows))

        def apply(moments):
            direct = np.einsum("ijkl,lij->kij", inverse, moments)
            if not self._coupling:
                return direct
            return direct + response * self._gathered(lu_solve(system, self._variances(direct[0])))

        return apply

    def _after(self, steps):
        """Z_T, and the weighted sum of the Z_t before it: from the stationary law, or by taking the steps if few."""
        missing = None
        if steps > WALKED and self._noise.any():
            missing = powers_and_sums(self.resolvent, self._stationary, steps, decay=self.momentum)
        if missing is None:  # or where underdamped momentum has not died down
            return self._walk(steps)
        beta = self.momentum
        weights = (steps - beta * (1 - beta**steps) / (1 - beta)) / (1 - beta)
        return self._stationary[0] - missing[0][0], weights * self._stationary[0] - missing[1][0]

    def _walk(self, steps):
        moments = np.zeros_like(self._noise)
        velocity, total = np.zeros((2, *moments[0].shape))
        for _ in range(steps if self._noise.any() else 0):
            velocity = self.momentum * velocity + moments[0]
            total = total + velocity
            moments = self.step(moments)
        return moments[0], total

    def _is_above_radius(self, number):
        with np.errstate(all="ignore"):  # at an eigenvalue the resolvent has a pole
            moments = self.resolvent(number - 1)(self._independent)
        blocks = np.block([[moments[0], moments[1]], [moments[2], moments[3]]]) if len(moments) > 1 else moments[0]
        return bool(np.isfinite(blocks).all() and np.linalg.eigvalsh((blocks + blocks.T) / 2)[0] > 0)

    @property
    def _independent(self):
        """Moments of unit variance, all uncorrelated."""
        moments = np.zeros(self._noise.shape)
        moments[:: max(len(moments) - 1, 1)] = np.eye(len(self.squares))
        return moments

    @cached_property
    def _stationary(self):
        return self.resolvent(0.0)(self._noise)

    @cached_property
    def _gap(self):
        """I − 𝓜 without the coupling, as (k, k, r, r): row by row of (Z, C, Cᵀ, W)."""
        n, beta = len(self.modes), self.momentum
        rates = 2 * self.lr * self.squares / n
        left, right = np.broadcast_arrays(rates[:, None], rates)
        both = n * sampling_weights(n, self.batch_size, replacement=self.replacement)[1] * left * right
        one, none = np.ones_like(left), np.zeros_like(left)
        velocity = np.array([-both, beta * left, beta * right, -(beta**2) * one])  # minus the row of W⁺
        gap = velocity + np.array(
            [
                [left + right, -beta * one, -beta * one, none],
                [right, (1 - beta) * one, none, none],
                [left, none, (1 - beta) * one, none],
                [none, none, none, one],
            ]
        )
        return gap if beta else gap[:1, :1]

    @cached_property
    def _noise(self):
        strength = 4 * self.lr**2 * self.noise_std**2 / (len(self.modes) * self.batch_size)
        return np.repeat(strength * np.diag(self.squares)[None], len(self._gap), axis=0)

    @cached_property
    def _scale(self):
        roots = np.sqrt(self.squares)
        return roots[:, None] * roots

    @property
    def _coupling(self):
        n = len(self.modes)
        return 4 * self.lr**2 / n * sampling_weights(n, self.batch_size, replacement=self.replacement)[0]

    def _variances(self, moments):
        """diag(S), (n,)."""
        return np.sum((self.modes @ (self._scale * moments)) * self.modes, axis=1)

    def _gathered(self, variances):
        """What these variances of the predictions add to Γ."""
        return self._coupling * self._scale * ((self.modes.T * variances) @ self.modes)
