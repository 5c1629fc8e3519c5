"""A step of the second moments of linearised label-noise SGD, without its noise: the map 𝓜, its resolvent and radius.

In the basis V of the row space of J let Z = E[zzᵀ], C = E[zwᵀ], W = E[wwᵀ], with z = Vᵀ(θ − θ*) and w = ηVᵀv of the
velocity v. With K = U diag(κ) Uᵀ, g = 2ηκ/n and the covariance S = U √κ Z √κ Uᵀ of the predictions, a step is

    W⁺ = β²W − β(gC + Cᵀg) + Γ,   X = βC − Zg,   C⁺ = X + W⁺,   Z⁺ = Z + X + Xᵀ + W⁺,
    Γ  = (4η²/n) [ a √κ Uᵀ diag(S) U √κ + b κ Z κ + √κ Uᵀ diag(σ_i²/B̃) U √κ ] + η²s²,

with weights a, b that the sampling of the batch sets. Everything but diag(S) acts entry by entry: for z = 1 + δ the
resolvent (z − 𝓜)⁻¹ answers Γ − (b-term) with Z_ij = Γ_ij/D_ij,

    D_ij = δ(z−β)(z−β²)/(z(z+β)) + (1+β)(z−β)/(z+β) (g_i + g_j) + βz/(z²−β²) (g_i − g_j)² + (2β/(z+β) − nb) g_i g_j,

and what is left is an n×n system I − F for the variances diag(S), F_mk = na Σ_ij U_mi U_mj (g_i g_j/D_ij) U_ki U_kj.
Of k outputs n is the number of data still, and diag(S) keeps the k×k block of each datum, so that F maps blocks to
blocks: m stands for a datum and two of its outputs a ≤ b, and F_mk for Σ_ij U_ma,i U_mb,j (...) U_kc,i U_kd,j. It has
n k(k+1)/2 rows, is symmetric where off the diagonal a block counts √2 times, and takes positive blocks to positive.
At z = 1, and where the mean is stable (g < 2(1 + β)), D > 0 and g_i g_j/D_ij is a positive semidefinite kernel that
grows with η; so F is symmetric and nonnegative, and grows: SGD is stable in the mean square just where ρ(F) < 1.

All is in units in which nothing over- or underflows: κ in κ_max, g in G = 2ηκ_max/n, and the velocities' moments in a
unit v of their own.

Source: theory.md, section 2, "Exact discrete time" and "Stability", and section 6, "Momentum" and "Other noises".
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from ...arguments import Array
from .krylov import arnoldi
from .matrix_free import largest_eigenvalue, solution_less
from .sampling import Sampling

__all__ = ["MomentMap"]

DENSE = 128  # data of one output up to which F is made for one use


@dataclass(frozen=True, eq=False)
class MomentMap:
    """The step u⁺ = 𝓜u of the moments u = (Z,), or (Z, C, Cᵀ, W) with momentum, as a (k, r, r) array.

    Attributes
    ----------
    squares, modes : (r,) and (n·k, r) arrays
        The positive eigenvalues κ of K, and their eigenvectors U.
    sampling : Sampling
    """

    squares: Array
    modes: Array
    sampling: Sampling

    @property
    def shape(self) -> tuple[int, int]:
        """(r, r)."""
        return self._relative.shape

    @property
    def momentum(self) -> float:
        """β."""
        return self.sampling.momentum

    def stable(self) -> bool:
        """Whether 𝓜 is, by the radius of F: a few products of n×n matrices."""
        return not len(self.squares) or self._is_above_radius(0.0)

    def load(self) -> float:
        """ρ(F), which is below 1 just where the step is stable; where the mean is."""
        return self._coupled_radius(self._response(0.0))

    def radius(self) -> float:
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

    def resolvent(self, shift: float, unit: float) -> Callable[[Array], Array]:
        """The function u → (shift + I − 𝓜)⁻¹ u on (k, r, r) arrays; O(n³)."""
        gap = self._gap(unit)
        inverse = np.linalg.inv(np.moveaxis(gap, (0, 1), (-2, -1)) + shift * np.eye(len(gap)))
        response, coupled = self._responses(shift, unit), bool(self._weights[0])
        if coupled:
            uncouple = self._uncoupling(response[0], often=True)

        def apply(moments):
            direct = np.einsum("ijkl,lij->kij", inverse, moments)
            if not coupled:
                return direct
            return direct + response * self._gathered(uncouple(self._variances(direct[0])))

        return apply

    def _is_above_radius(self, shift):
        """Whether 1 + shift > ρ(𝓜), for a shift ≥ 0."""
        root = np.sqrt(1 + shift)
        if not self._rate < 1 + self.momentum + root + self.momentum / root:  # where the mean grows no faster
            return False
        response = self._response(shift)
        if not np.all(response > 0):
            return False
        return not self._weights[0] or self._coupled_radius(response) < 1

    @property
    def _data(self):
        """n."""
        return len(self.modes) // self.sampling.outputs

    @cached_property
    def _pairs(self):
        """The pairs a ≤ b of outputs, and what they count: two arrays of ints and one of 1 or √2."""
        first, second = np.triu_indices(self.sampling.outputs)
        return first, second, np.where(first == second, 1.0, np.sqrt(2.0))

    @cached_property
    def _rate(self):
        """G."""
        return 2 * float(self.sampling.lr) * float(np.max(self.squares, initial=0.0)) / self._data

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
        n = self._data
        a, b = self.sampling.weights(n)
        return n * a, n * b

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

    def _made(self, *, often=False):
        """Whether F is made, which costs O(n⁴) where K has no small eigenvalues, or taken by its products."""
        return self.sampling.outputs == 1 and (often or len(self.modes) <= DENSE)

    def _coupled_radius(self, response):
        """ρ(F) of G/D, where F is positive."""
        if self._made():
            return float(np.linalg.eigvalsh(self._coupling(response))[-1])
        return largest_eigenvalue(self._coupled(response), self._data * len(self._pairs[0]))

    def _uncoupling(self, response, *, often=False):
        """The function v → (I − F)⁻¹ v, which is to be called once or often."""
        if self._made(often=often):
            return partial(lu_solve, lu_factor(np.eye(self._data) - self._coupling(response)))
        return partial(solution_less, self._coupled(response))

    def _coupled(self, response):
        """The function v → F v: what the variances v of the predictions add to themselves."""
        return lambda variances: self._variances(response * self._gathered(variances))

    def _coupling(self, response):
        """F (n, n) of one output: sums of squares, over the few eigenvectors that a smooth kernel has."""
        n = len(self.modes)
        weights, vectors = np.linalg.eigh(self._relative**2 * response)
        coupling = np.zeros((n, n))
        for weight, vector in zip(weights, vectors.T, strict=True):
            if abs(weight) > np.finfo(float).eps / n * weights[-1]:
                coupling += weight * ((self.modes * vector) @ self.modes.T) ** 2
        return self._weights[0] * self._rate * coupling

    def _gap(self, unit):
        """I − 𝓜 without the coupling, as (k, k, r, r): row by row of (Z, C, Cᵀ, W)."""
        if not self.momentum:
            left, right = self._shares_of_pairs
            return self._rate * (left + right - self._weights[1] * self._rate * left * right)[None, None]
        gap = self._kept_positions(unit) - self._new_velocity(unit)  # each of the four takes up the new velocity's W
        gap[0] *= unit
        return gap

    @property
    def _shares_of_pairs(self):
        """κ_i/κ_max and κ_j/κ_max, (r, r) each."""
        return np.broadcast_arrays(self._shares[:, None], self._shares)

    def _new_velocity(self, unit):
        """W⁺ = β²W − β(gC + Cᵀg) + (b-term) by its parts of (Z, C, Cᵀ, W), (4, r, r)."""
        beta, (left, right) = self.momentum, self._shares_of_pairs
        kept = self._rate / unit * self._weights[1] * self._rate * left * right
        return np.array([kept, -beta * self._rate * left, -beta * self._rate * right, beta**2 * np.ones_like(left)])

    def _kept_positions(self, unit):
        """I less what (Z, C, Cᵀ, W) become without the new velocity, X = βC − Zg and its like, (4, 4, r, r)."""
        beta, ratio, (left, right) = self.momentum, self._rate / unit, self._shares_of_pairs
        one, none = np.ones_like(left), np.zeros_like(left)
        return np.array(
            [
                [ratio * (left + right), -beta * one, -beta * one, none],
                [ratio * right, (1 - beta) * one, none, none],
                [ratio * left, none, (1 - beta) * one, none],
                [none, none, none, one],
            ]
        )

    def _variances(self, moments):
        """diag(S)/κ_max, (n,); of k outputs the blocks, (n k(k+1)/2,)."""
        left = self.modes @ (self._relative * moments)
        if self.sampling.outputs == 1:
            return np.sum(left * self.modes, axis=1)
        first, second, counts = self._pairs
        shape = self._data, self.sampling.outputs, -1
        blocks = np.einsum("mar,mbr->mab", left.reshape(shape), self.modes.reshape(shape))
        return ((blocks[:, first, second] + blocks[:, second, first]) * (counts / 2)).ravel()

    def _gathered(self, variances):
        """What these variances of the predictions add to Γ/G."""
        if self.sampling.outputs == 1:
            spread = (self.modes.T * variances) @ self.modes
        else:
            first, second, counts = self._pairs
            k = self.sampling.outputs
            blocks = np.zeros((self._data, k, k))
            blocks[:, first, second] = blocks[:, second, first] = variances.reshape(self._data, -1) / counts
            modes = self.modes.reshape(self._data, k, -1)
            spread = self.modes.T @ (blocks @ modes).reshape(self.modes.shape)
        return self._weights[0] * self._rate * self._relative * spread
