"""The exact second moments of linearised label-noise SGD, at every stable step size: at rest, in time, and summed.

They are built up by the noise of each step, whose covariance of w (and so of z) is Γ₀ = (4η²/n) √κ Uᵀ diag(σ_i²/B̃) U √κ
+ η²s², in the notation of `moment_map`. Z is in units of ησ²/B̃ + ηs²n/(4κ_max), with the largest σ_i its value to
leading order.

Source: theory.md, section 2, "Exact discrete time", and section 6, "Momentum" and "Other noises".
"""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from ...arguments import Array, Integers
from .krylov import powers_and_sums
from .moment_map import MomentMap

__all__ = ["SecondMoments", "finite_product", "relaxation_steps"]

HORIZON = 1e10  # steps past which all that is in motion is steady, before anything has relaxed
MOST_WALKED = 10**6
WALKED = 50  # steps up to which taking them is cheaper, and free of cancellation


def relaxation_steps(lr: float, eigenvalues: Array) -> float:
    """1/(ηλ_min), the steps in which the slowest mode of H = (2/n)JᵀJ relaxes; 0 if it has none."""
    with np.errstate(over="ignore", divide="ignore"):  # as good as never
        return float(1 / (lr * np.min(eigenvalues))) if len(eigenvalues) else 0.0


def finite_product(array: Array, *factors: float) -> Array:
    """array · factors, one after the other; a ValueError where that is too large for a float."""
    with np.errstate(over="ignore", invalid="ignore"):
        for factor in factors:
            array = array * factor
    if not np.isfinite(array).all():
        raise ValueError("noise_std: expected a law within the range of floats, got one that is past it; lower it")
    return array


@dataclass(frozen=True, eq=False)
class SecondMoments(MomentMap):
    """The step u⁺ = 𝓜u + (noise), from rest at θ*: see `MomentMap`."""

    def leading(self) -> Array:
        """The stationary Z (r, r) of the diffusion, that of steps ≪ n(1 − β)/κ, in units of θ²."""
        return self._in_theta(self._source / ((1 - self.momentum) * (self._shares[:, None] + self._shares)))

    def stationary(self) -> Array:
        """The Z (r, r) that a step leaves as it is, in units of θ².

        Examples
        --------
        One datum, Z = ησ²/(1 − ηk):

        >>> from ouanalysis import Sampling
        >>> SecondMoments(np.array([2.0]), np.eye(1), Sampling(lr=0.1, noise_std=1.0)).stationary()
        array([[0.125]])
        """
        return self._in_theta(self._stationary)

    def after(self, steps: int) -> Array:
        """Z (r, r) after so many steps from rest at θ*."""
        return self._in_theta(self._after(steps)[0][0])

    def lagged(self, steps: int | None, lags: Integers) -> Array:
        """E[z_{t+lag} z_tᵀ] for t = steps (None: at rest) and int lags (k,): (k, r, r)."""
        moments = self._all_stationary if steps is None else self._after(steps)[0]
        position, velocity = moments[0], moments[2] if len(moments) > 1 else np.zeros_like(moments[0])
        found = [
            power[:, 0, 0, None] * position + power[:, 0, 1, None] * velocity
            for power in _mean_powers(self._rate * self._shares, self.momentum, lags)
        ]
        return self._in_theta(np.reshape(found, (len(lags), *position.shape)))

    def summed(self, steps: int) -> Array:
        """Σ_{t<T} Z_t (1 − β^{T−t})/(1 − β), (r, r): what carries θ along the zero-error set in T steps."""
        return self._in_theta(self._after(steps)[1])

    def residual(self) -> float:
        """‖u⁺ − u‖/‖noise‖ of the stationary moments, put through a step as those of the predictions, S, C and W."""
        # Not the entrywise form that solved it: n×n products of K.
        gram, root = (self.modes * self._shares) @ self.modes.T, self.modes * np.sqrt(self._shares)
        unit, beta, (a, b) = self._rate or 1.0, self.momentum, self._weights
        moments = root @ self._at_rest(unit) @ root.T
        covariance, noise = moments[0], root @ self._source @ root.T
        fed = self._rate * gram @ (a * self._of_data(covariance) + b * covariance) @ gram + noise
        kept = -covariance @ gram
        if beta:
            cross, velocity = moments[1], moments[3]
            kept = kept + beta * cross
            fed = beta**2 * velocity - beta * self._rate * (gram @ cross + cross.T @ gram) + fed
        changes = [kept + kept.T + fed] + ([kept + fed - cross, fed - velocity] if beta else [])
        return float(max(np.linalg.norm(change) for change in changes) / np.linalg.norm(noise))

    def _of_data(self, covariance):
        """diag(S), or its blocks."""
        data = np.arange(len(covariance)) // self.sampling.outputs
        return np.where(data[:, None] == data, covariance, 0.0)

    def _after(self, steps):
        """(Z, C, Cᵀ, W)_T, and the weighted sum of the Z_t before it."""
        if not self.sampling.noise_scale or not len(self.squares):
            return np.zeros((4, *self._relative.shape)), np.zeros_like(self._relative)
        found = None
        if steps > WALKED:
            found = self._built_up(steps) if steps * self._rate < 1 - self.momentum else self._relaxed(steps)
        if found is None and steps > MOST_WALKED:
            raise ArithmeticError(
                f"steps: expected a law that settles in {MOST_WALKED:g} steps or sooner, got {steps:g}"
            )
        return found or self._walk(steps)  # which is long only where underdamped momentum has not died down

    def _relaxed(self, steps):
        """From the stationary law, less what is still missing from it."""
        unit, beta = self._rate, self.momentum
        rest = self._at_rest(unit)
        missing = powers_and_sums(partial(self.resolvent, unit=unit), rest, steps, decay=beta)
        if missing is None:
            return None
        weights = (steps - beta * (1 - beta**steps) / (1 - beta)) / (1 - beta)
        return _with_velocities(rest - missing[0], unit), weights * self._stationary - missing[1][0]

    def _built_up(self, steps):
        """From the noise, before anything has relaxed: as the power of u → 𝓜u + c (noise) beside a constant c."""
        still, horizon = 1 - self.momentum, min(steps, HORIZON)
        unit = 1 / horizon if self.momentum else self._rate or 1.0
        size = 2 * horizon * self._rate / still**2  # about that of Z at the horizon, where it is 1 of this noise
        noise = self._source / 2 * still**2 / horizon
        noise = np.stack([noise, *[noise / unit] * 3]) if self.momentum else noise[None]

        def resolvent(shift):
            inverse = self.resolvent(shift, unit)

            def apply(vector):
                moments = vector[:-1].reshape(noise.shape) + vector[-1] / shift * noise
                return np.append(inverse(moments).ravel(), vector[-1] / shift)

            return apply

        start = np.append(np.zeros(noise.size), 1.0)
        found = powers_and_sums(resolvent, start, steps, decay=self.momentum, horizon=horizon)
        if found is None:
            return None
        moments, total = (size * vector[:-1].reshape(noise.shape) for vector in found)
        return _with_velocities(moments, unit), total[0]

    def _walk(self, steps):
        unit, noise = self._rate or 1.0, self._source
        gap, enters = self._gap(unit), np.full(4 if self.momentum else 1, self._rate / unit)[:, None, None]
        enters[0] = self._rate
        moments = np.zeros((len(gap), *noise.shape))
        velocity, total = np.zeros((2, *noise.shape))
        for _ in range(steps):
            velocity = self.momentum * velocity + moments[0]
            total = total + velocity
            source = noise + self._gathered(self._variances(moments[0])) if self._weights[0] else noise
            moments = moments - np.einsum("klij,lij->kij", gap, moments) + enters * source
            transposed = moments if len(moments) == 1 else moments[[0, 2, 1, 3]]
            moments = (moments + np.swapaxes(transposed, -1, -2)) / 2  # else rounding grows in the antisymmetric part
        return _with_velocities(moments, unit), total

    def _in_theta(self, moments):
        """Of what is in units of Z, in units of θ²."""
        return finite_product(moments, np.sum(self._units), *[self.sampling.noise_scale] * 2)

    @cached_property
    def _units(self):
        """ησ²/B̃ and ηs²n/(4κ_max), over the square of the noise's scale."""
        unit = self.sampling.of_unit_noise()
        label = unit.lr * float(np.max(unit.noise_std)) ** 2 / unit.batch_size
        gradient = unit.lr * unit.gradient_noise_std**2 * self._data / 4
        return finite_product(np.array([label, gradient / (float(np.max(self.squares, initial=0.0)) or 1.0)]))

    @cached_property
    def _source(self):
        """The noise of a step in Z/G, (r, r)."""
        label, gradient = self._units / (np.sum(self._units) or 1.0)
        largest = np.max(self.sampling.noise_std)
        each = np.diag(self._shares)  # the same for all data
        if np.ndim(self.sampling.noise_std) and largest:
            each = self._relative * ((self.modes.T * (self.sampling.noise_std / largest) ** 2) @ self.modes)
        return 2 * (label * each + gradient * np.eye(len(self.squares)))

    @cached_property
    def _stationary(self):
        noise = self._source
        response = self._response(0.0)
        if self._weights[0]:
            variances = self._uncoupling(response)(self._variances(response * noise))
            noise = noise + self._gathered(variances)
        return response * noise

    def _at_rest(self, unit):
        """(Z, C, Cᵀ, W) of the stationary law."""
        return self._responses(0.0, unit) / self._response(0.0) * self._stationary

    @property
    def _all_stationary(self):
        unit = self._rate or 1.0
        return _with_velocities(self._at_rest(unit), unit)


def _with_velocities(moments, unit):
    """(Z, C, Cᵀ, W), the velocities' in units of their own before, in those of θ after."""
    moments[1:] *= unit
    return moments


def _mean_powers(rates, momentum, lags):
    """A^lag (r, 2, 2) for each lag, of the mean's step A = ((1 − g, β), (−g, β)) of (z, w).

    By doubling, A less I while that is small, so that a rate below rounding of 1 keeps its digits.
    """
    one = np.ones_like(rates)
    change = np.array([[-rates, momentum * one], [-rates, (momentum - 1) * one]]).transpose(2, 0, 1)

    def product(first, then):
        change = first[0] + then[0] + first[0] @ then[0]
        small = np.max(np.abs(change), axis=(1, 2), keepdims=True) < 0.5
        return change, np.where(small, np.eye(2) + change, first[1] @ then[1])

    for lag in lags:
        found, power, left = (np.zeros_like(change), np.eye(2)), (change, np.eye(2) + change), int(lag)
        with np.errstate(under="ignore"):
            while left:
                found = product(found, power) if left % 2 else found
                left //= 2
                power = product(power, power) if left else power
        yield np.broadcast_to(found[1], change.shape)
