"""The exact second moments of linearised label-noise SGD, at every stable step size.

In the basis V of the row space of J let Z = E[zzᵀ], C = E[zwᵀ], W = E[wwᵀ], with z = Vᵀ(θ − θ*) and w = ηVᵀv of the
velocity v. With K = U diag(κ) Uᵀ, g = 2ηκ/n and the covariance S = U √κ Z √κ Uᵀ of the predictions, a step is

    W⁺ = β²W − β(gC + Cᵀg) + Γ,   X = βC − Zg,   C⁺ = X + W⁺,   Z⁺ = Z + X + Xᵀ + W⁺,
    Γ  = (4η²/n) [ a √κ Uᵀ diag(S) U √κ + b κ Z κ + √κ Uᵀ diag(σ_i²/B̃) U √κ ] + η²s²,

with weights a, b that the sampling of the batch sets. Everything but diag(S) acts entry by entry: for z = 1 + δ the
resolvent (z − 𝓜)⁻¹ answers Γ − (b-term) with Z_ij = Γ_ij/D_ij,

    D_ij = δ(z−β)(z−β²)/(z(z+β)) + (1+β)(z−β)/(z+β) (g_i + g_j) + βz/(z²−β²) (g_i − g_j)² + (2β/(z+β) − nb) g_i g_j,

and what is left is an n×n system I − F for the variances diag(S), F_mk = na Σ_ij U_mi U_mj (g_i g_j/D_ij) U_ki U_kj.
At z = 1, and where the mean is stable (g < 2(1 + β)), D > 0 and g_i g_j/D_ij is a positive semidefinite kernel that
grows with η; so F is symmetric and nonnegative, and grows: SGD is stable in the mean square just where ρ(F) < 1.

All is in units in which nothing over- or underflows: Z in ησ²/B̃ + ηs²n/(4κ_max), with the largest σ_i its value to
leading order, κ in κ_max, g in G = 2ηκ_max/n, and the velocities' moments in a unit v of their own.

Source: theory.md, section 2, "Exact discrete time", and section 6, "Momentum" and "Other noises".
"""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from .krylov import arnoldi, powers_and_sums
from .sampling import Sampling

__all__ = ["SecondMoments", "finite_product", "relaxation_steps"]

HORIZON = 1e10  # steps past which all that is in motion is steady, before anything has relaxed
MOST_WALKED = 10**6
WALKED = 50  # steps up to which taking them is cheaper, and free of cancellation


def relaxation_steps(lr, eigenvalues):
    """1/(ηλ_min), the steps in which the slowest mode of H = (2/n)JᵀJ relaxes; 0 if it has none."""
    with np.errstate(over="ignore", divide="ignore"):  # as good as never
        return float(1 / (lr * np.min(eigenvalues))) if len(eigenvalues) else 0.0


def finite_product(array, *factors):
    """array · factors, one after the other; a ValueError where that is too large for a float."""
    with np.errstate(over="ignore", invalid="ignore"):
        for factor in factors:
            array = array * factor
    if not np.isfinite(array).all():
        raise ValueError("noise_std: expected a law within the range of floats, got one that is past it; lower it")
    return array


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """The step u⁺ = 𝓜u + (noise) of the moments u = (Z,), or (Z, C, Cᵀ, W) with momentum, as a (k, r, r) array.

    Attributes
    ----------
    squares, modes : (r,) and (n, r) arrays
        The positive eigenvalues κ of K, and their eigenvectors U.
    sampling : Sampling
    """

    squares: np.ndarray
    modes: np.ndarray
    sampling: Sampling

    @property
    def shape(self):
        """(r, r)."""
        return self._relative.shape

    def leading(self):
        """The stationary Z (r, r) of the diffusion, that of steps ≪ n(1 − β)/κ, in units of θ²."""
        return self._in_theta(self._source / ((1 - self.momentum) * (self._shares[:, None] + self._shares)))

    def stationary(self):
        """The Z (r, r) that a step leaves as it is, in units of θ².

        Examples
        --------
        One datum, Z = ησ²/(1 − ηk):

        >>> SecondMoments(np.array([2.0]), np.eye(1), Sampling(lr=0.1, noise_std=1.0)).stationary()
        array([[0.125]])
        """
        return self._in_theta(self._stationary)

    def after(self, steps):
        """Z (r, r) after so many steps from rest at θ*."""
        return self._in_theta(self._after(steps)[0][0])

    def lagged(self, steps, lags):
        """E[z_{t+lag} z_tᵀ] for t = steps (None: at rest) and int lags (k,): (k, r, r)."""
        moments = self._all_stationary if steps is None else self._after(steps)[0]
        position, velocity = moments[0], moments[2] if len(moments) > 1 else np.zeros_like(moments[0])
        found = [
            power[:, 0, 0, None] * position + power[:, 0, 1, None] * velocity
            for power in _mean_powers(self._rate * self._shares, self.momentum, lags)
        ]
        return self._in_theta(np.reshape(found, (len(lags), *position.shape)))

    def summed(self, steps):
        """Σ_{t<T} Z_t (1 − β^{T−t})/(1 − β), (r, r): what carries θ along the zero-error set in T steps."""
        return self._in_theta(self._after(steps)[1])

    def stable(self):
        """Whether 𝓜 is, by the radius of F: a few products of n×n matrices."""
        return not len(self.squares) or self._is_above_radius(0.0)

    def load(self):
        """ρ(F), which is below 1 just where the step is stable; where the mean is."""
        return float(np.linalg.eigvalsh(self._coupling(self._response(0.0)))[-1])

    def radius(self):
        """ρ(𝓜), the spectral radius: SGD is stable in the mean square just where it is below 1.

        𝓜 is positive, so ρ is an eigenvalue, and (z − 𝓜)⁻¹ maps positive moments to positive ones just where z > ρ.
        """
        if not len(self.squares):
            return 0.0
        if self._rate < 1e-100:  # 1 to rounding
            return 1.0
        shift, largest = 0.0, 0.0
        while not self._is_above_radius(shift):
            shift = 2 * shift or 1e-3
        independent = np.zeros((4 if self.momentum else 1, *self._relative.shape))
        independent[:: max(len(independent) - 1, 1)] = np.eye(len(self.squares))
        for _, inverse in arnoldi(self.resolvent(shift, self._rate), independent):
            before, largest = largest, np.max(np.linalg.eigvals(inverse).real)
            if abs(largest - before) <= 1e-13 * largest:
                break
        return float(1 + shift - 1 / largest)

    def residual(self):
        """‖u⁺ − u‖/‖noise‖ of the stationary moments, put through a step as the predictions' covariance S."""
        # Not the entrywise form that solved it: n×n products of K, without momentum.
        gram = (self.modes * self._shares) @ self.modes.T
        root = self.modes * np.sqrt(self._shares)
        covariance = root @ self._stationary @ root.T
        a, b = self._weights
        noise = root @ self._source @ root.T
        fed = self._rate * gram @ (a * np.diag(np.diag(covariance)) + b * covariance) @ gram + noise
        return np.linalg.norm(gram @ covariance + covariance @ gram - fed) / np.linalg.norm(noise)

    def resolvent(self, shift, unit):
        """The function u → (shift + I − 𝓜)⁻¹ u on (k, r, r) arrays; O(n³)."""
        gap = self._gap(unit)
        inverse = np.linalg.inv(np.moveaxis(gap, (0, 1), (-2, -1)) + shift * np.eye(len(gap)))
        response, coupled = self._responses(shift, unit), bool(self._weights[0])
        if coupled:
            system = lu_factor(np.eye(len(self.modes)) - self._coupling(response[0]))

        def apply(moments):
            direct = np.einsum("ijkl,lij->kij", inverse, moments)
            if not coupled:
                return direct
            return direct + response * self._gathered(lu_solve(system, self._variances(direct[0])))

        return apply

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

    def _is_above_radius(self, shift):
        """Whether 1 + shift > ρ(𝓜), for a shift ≥ 0."""
        root = np.sqrt(1 + shift)
        if not self._rate < 1 + self.momentum + root + self.momentum / root:  # where the mean grows no faster
            return False
        response = self._response(shift)
        if not np.all(response > 0):
            return False
        return not self._weights[0] or np.linalg.eigvalsh(self._coupling(response))[-1] < 1

    @property
    def lr(self):
        return self.sampling.lr

    @property
    def momentum(self):
        return self.sampling.momentum

    def _in_theta(self, moments):
        """Of what is in units of Z, in units of θ²."""
        return finite_product(moments, sum(self._units), *[self.sampling.noise_scale] * 2)

    @cached_property
    def _units(self):
        """ησ²/B̃ and ηs²n/(4κ_max), over the square of the noise's scale."""
        unit = self.sampling.of_unit_noise()
        label = unit.lr * float(np.max(unit.noise_std)) ** 2 / unit.batch_size
        gradient = unit.lr * unit.gradient_noise_std**2 * len(self.modes) / 4
        return label, gradient / (float(np.max(self.squares, initial=0.0)) or 1.0)

    @cached_property
    def _source(self):
        """The noise of a step in Z/G, (r, r)."""
        label, gradient = np.array(self._units) / (sum(self._units) or 1.0)
        largest = np.max(self.sampling.noise_std)
        each = np.diag(self._shares)  # the same for all data
        if np.ndim(self.sampling.noise_std) and largest:
            each = self._relative * ((self.modes.T * (self.sampling.noise_std / largest) ** 2) @ self.modes)
        return 2 * (label * each + gradient * np.eye(len(self.squares)))

    @cached_property
    def _rate(self):
        """G."""
        return 2 * float(self.lr) * float(np.max(self.squares, initial=0.0)) / len(self.modes)

    @cached_property
    def _shares(self):
        """κ/κ_max (r,)."""
        return self.squares / np.max(self.squares, initial=0.0)

    @cached_property
    def _relative(self):
        """√κ_i √κ_j/κ_max, (r, r)."""
        roots = np.sqrt(self._shares)
        return roots[:, None] * roots

    @cached_property
    def _weights(self):
        """(na, nb)."""
        n = len(self.modes)
        a, b = self.sampling.weights(n)
        return n * a, n * b

    @cached_property
    def _stationary(self):
        noise = self._source
        response = self._response(0.0)
        if self._weights[0]:
            system = np.eye(len(self.modes)) - self._coupling(response)
            noise = noise + self._gathered(np.linalg.solve(system, self._variances(response * noise)))
        return response * noise

    def _at_rest(self, unit):
        """(Z, C, Cᵀ, W) of the stationary law."""
        return self._responses(0.0, unit) / self._response(0.0) * self._stationary

    @property
    def _all_stationary(self):
        unit = self._rate or 1.0
        return _with_velocities(self._at_rest(unit), unit)

    def _response(self, shift):
        """G/D (r, r): the Z that a Γ/G of 1 leaves."""
        beta, z, shares = self.momentum, 1 + shift, self._shares
        both = shares[:, None] * shares
        apart = beta * z / (z * z - beta**2) * (shares[:, None] - shares) ** 2
        inverse = (1 + beta) * (z - beta) / (z + beta) * (shares[:, None] + shares)
        inverse = inverse + self._rate * (apart + (2 * beta / (z + beta) - self._weights[1]) * both)
        if shift:
            shift *= (z - beta) * (z - beta**2) / (z * (z + beta))
            inverse = inverse + (shift / self._rate if self._rate else np.inf)
        with np.errstate(divide="ignore"):  # a full batch at its limit
            return 1 / inverse

    def _responses(self, shift, unit):
        """The same of all of (Z, C, Cᵀ, W)."""
        beta, z, shares, response = self.momentum, 1 + shift, self._shares, self._response(shift)
        if not beta:
            return response[None]
        ratio = self._rate / unit
        velocity = (shift * (z - beta) / unit + z * ratio * (shares[:, None] + shares)) / (z * (z + beta))
        cross = (z * velocity - ratio * shares) / (z - beta)
        return response * np.stack([np.ones_like(response), cross, cross.T, velocity])

    def _coupling(self, response):
        """F (n, n) of G/D: a sum of squares in each entry, over the few eigenvectors that a smooth kernel has."""
        n = len(self.modes)
        weights, vectors = np.linalg.eigh(self._relative**2 * response)
        coupling = np.zeros((n, n))
        for weight, vector in zip(weights, vectors.T, strict=True):
            if abs(weight) > np.finfo(float).eps / n * weights[-1]:
                coupling += weight * ((self.modes * vector) @ self.modes.T) ** 2
        return self._weights[0] * self._rate * coupling

    def _gap(self, unit):
        """I − 𝓜 without the coupling, as (k, k, r, r): row by row of (Z, C, Cᵀ, W)."""
        beta, ratio, shares = self.momentum, self._rate / unit, self._shares
        left, right = np.broadcast_arrays(shares[:, None], shares)
        one, none = np.ones_like(left), np.zeros_like(left)
        both = self._weights[1] * self._rate * left * right
        if not beta:
            return self._rate * (left + right - both)[None, None]
        velocity = np.array([-ratio * both, beta * self._rate * left, beta * self._rate * right, -(beta**2) * one])
        gap = velocity + np.array(
            [
                [ratio * (left + right), -beta * one, -beta * one, none],
                [ratio * right, (1 - beta) * one, none, none],
                [ratio * left, none, (1 - beta) * one, none],
                [none, none, none, one],
            ]
        )
        gap[0] *= unit
        return gap

    def _variances(self, moments):
        """diag(S)/κ_max, (n,)."""
        return np.sum((self.modes @ (self._relative * moments)) * self.modes, axis=1)

    def _gathered(self, variances):
        """What these variances of the predictions add to Γ/G."""
        return self._weights[0] * self._rate * self._relative * ((self.modes.T * variances) @ self.modes)


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
