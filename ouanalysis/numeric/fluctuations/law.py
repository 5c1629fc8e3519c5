"""What both laws of label-noise SGD about a zero-error point answer, by the same names.

In the basis V of the row space of J each law has the second moments Z of z = Vᵀ(θ − θ*); the rest follows from them.

Source: theory.md, sections 2, 3 and 6.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from ...arguments import Array, Reals, as_array
from ...settings import Setting
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.kinks import kink_distance, refuse_kink
from ..zero_error_set.notes import notes_on_noise, notes_on_point, warn_of_rank
from ..zero_error_set.row_space import RowSpace, row_space
from .mean_displacement import mean_displacement, mean_residual, walked_residual
from .sampling import Sampling
from .second_moments import SecondMoments, finite_product, relaxation_steps
from .stability_limit import check_below_limit, stability_limit

__all__ = ["Law"]


@dataclass(frozen=True, eq=False, repr=False)
class Law:
    """The second moments of δ = θ − θ*, from δ = 0, under H = (2/n) JᵀJ.

    Attributes
    ----------
    setting : Setting
    theta : (p,) array
        θ*, on the zero-error set.
    sampling : Sampling
        lr, noise_std, batch_size (n for a full batch), replacement, momentum, gradient_noise_std.
    row_space : RowSpace
        J, its singular values √κ and modes U (n, r). Its rank r is at a relative tolerance of max(n, p) eps; where
        r < n K⁺ stands for K⁻¹, and `notes` says whether the zero-error set is smooth there.
    kink_distance : float
        As `kink_distance`; at 0 the model has no derivative here, and this is the law of one side.

    `steps` counts from δ = 0, and None is the stationary law; ``lag=k`` gives E[δ_{t+k} δ_tᵀ], the autocovariance.
    """

    setting: Setting
    theta: Array
    sampling: Sampling
    row_space: RowSpace
    kink_distance: float

    @classmethod
    def at(cls, setting: Setting, theta: Reals, sampling: Sampling) -> Self:
        """The law at theta; a ValueError off the zero-error set, and at or past the stability limit."""
        sampling.check_data(setting.n)
        if not np.isfinite(sampling.lr * sampling.noise_scale * sampling.noise_scale):
            name = "noise_std" if sampling.noise_scale > sampling.gradient_noise_std else "gradient_noise_std"
            raise ValueError(
                f"{name}: expected lr {name}² within the range of floats, got {sampling.noise_scale:g} at lr"
                f" {sampling.lr:g}"
            )
        point = on_zero_error_set(setting, theta)
        space = row_space(setting, point)
        check_below_limit(space.squares, space.modes, sampling)
        law = cls(setting, point, sampling, space, kink_distance(setting, point))
        law._of_unit_noise.leading()  # is of floats
        return law

    @cached_property
    def max_stable_lr(self) -> float:
        """η_max of the linearised SGD that samples so."""
        return stability_limit(self.row_space.squares, self.row_space.modes, self.sampling)

    @property
    def rank(self) -> int:
        """r, the number of directions across the zero-error set."""
        return self.row_space.rank

    @property
    def basis(self) -> Array:
        """V (p, r), the orthonormal eigenvectors of H on the row space of J."""
        return self.row_space.basis

    @property
    def eigenvalues(self) -> Array:
        """Of H on the row space of J, (r,), descending, in units of 1/time where time = lr × steps."""
        return 2 * self.row_space.squares / self.setting.n

    @property
    def jacobian(self) -> Array:
        """J (n, p)."""
        return self.row_space.jacobian

    @property
    def gram(self) -> Array:
        """K = J Jᵀ, (n, n); of k outputs (n·k, n·k)."""
        return self.row_space.gram

    @property
    def stationary_variance(self) -> float:
        """The mean of `variances()` over the directions, in units of θ²; 0 where there is none."""
        return float(np.mean(self.variances())) if self.rank else 0.0

    @property
    def relaxation_steps(self) -> float:
        """(1 − β)/(ηλ_min), the steps in which the slowest direction across the zero-error set relaxes."""
        return (1 - self.sampling.momentum) * relaxation_steps(self.sampling.lr, self.eigenvalues)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is degenerate here, in sentences: rank, duplicate data, dead neurons, kinks, slow directions."""
        return (
            *notes_on_point(self.setting, self.theta, self.rank),
            *notes_on_noise(
                self.setting,
                self.theta,
                self.row_space,
                np.sqrt(self.stationary_variance),
                self.relaxation_steps,
            ),
        )

    def variances(self, steps: Reals | None = None) -> Array:
        """The variance along each column of basis, in units of θ²: steps (...) gives (..., r)."""
        return self._noisy(np.diagonal(self._moments(steps, 0), axis1=-2, axis2=-1))

    def covariance(self, steps: Reals | None = None, *, lag: Reals = 0) -> Array:
        """E[δ_{t+lag} δ_tᵀ], in units of θ²: steps and lag (...) give (..., p, p). For large p see mode_covariance.

        V Z Vᵀ, and isotropic noise on the gradient diffuses along the zero-error set beside it, without end: then there
        is no stationary covariance, and a ValueError says so.
        """
        across = self._noisy(self.basis @ self._moments(steps, lag) @ self.basis.T)
        if not self.sampling.gradient_noise_std or self.rank == self.setting.dim:
            return across
        if steps is None:
            raise ValueError(
                "steps: expected a number of steps, as isotropic noise diffuses along the zero-error set without end, "
                "got None; mode_covariance has what comes to rest across it"
            )
        tangent = np.eye(self.setting.dim) - self.basis @ self.basis.T
        with np.errstate(over="ignore"):  # an infinite variance is one
            diffused = self._diffused(steps, lag)
        return across + self._noisy(diffused)[..., None, None] * tangent

    def function_covariance(self, steps: Reals | None = None, *, lag: Reals = 0) -> Array:
        """S, the same of the linearised predictions Jδ, in units of y²: steps and lag (...) give (..., n, n)."""
        across = self.row_space.modes * self.row_space.singular
        return self._noisy(across @ self._moments(steps, lag) @ across.T)

    def mode_covariance(self, steps: Reals | None = None, *, lag: Reals = 0) -> Array:
        """Z = Vᵀ Cov V, the same along the columns of basis, in units of θ²: steps and lag (...) give (..., r, r)."""
        return self._noisy(self._moments(steps, lag))

    def expected_loss(self, steps: Reals | None = None) -> Array:
        """E L = tr(S)/n, the clean loss in units of y²: steps (...) gives (...).

        To leading order its plateau is (ησ²/B̃) reg(θ*): the noise floor measures the regularizer.
        """
        return self._noisy(np.diagonal(self._moments(steps, 0), axis1=-2, axis2=-1) @ self.eigenvalues / 2)

    def mean_residual(self) -> Array:
        """E[h − y] = −K⁺ J Σ_i ∇²h_i Σ g_i at rest, (n,) in units of y, at O(σ²): the noise shifts the predictions.

        Of k outputs it is (n·k,), by the rows of J.

        At a stationary point, where ∇reg = Jᵀμ, it is −(nησ²/2B̃) μ to leading order: the noise measures the
        multipliers. Where J has rank r < n, (I − KK⁺)(½ tr ∇²h_i Σ)_i is added: what no first-order move of θ changes
        has the curvature's own share. Isotropic noise s adds (nηs²/(4(1 − β))) K⁺ (tr N∇²h_i)_i, as its walk leaves
        the tangents.
        """
        # of moments in units of η/B̃, which are numbers of order 1
        unit = self.sampling.lr / self.sampling.batch_size
        found = mean_residual(self.setting, self.theta, self.row_space, self._moments(None, 0) / unit)
        walk = self.sampling.of_unit_noise().gradient_noise_std ** 2 / (1 - self.sampling.momentum)
        if not walk:
            return self._noisy(found * unit)
        walked = walked_residual(self.setting, self.theta, self.row_space)
        return self._noisy(found * unit + self.sampling.lr * walk * walked)

    def tangent_drift(self, steps: Reals | None = None) -> Array:
        """E[N(θ_T − θ*)] after T steps, the mean displacement along the zero-error set; None: that of a step at rest.

        −(2η/n) N Σ_i ∇²h_i Σ_T g_i, with Σ_T the sum of the covariances of the first T steps: steps (...) give
        (..., p) in units of θ. No matrix is p×p.

        Raises
        ------
        ValueError
            If a kink is on a datum.

        Warns
        -----
        UserWarning
            If J has a lower rank at theta than about it, and if K is nearly singular (condition above 1e6) and its
            slowest direction takes longer to relax than the steps asked for.
        """
        refuse_kink(self.setting, self.theta)
        warn_of_rank(self.setting, self.theta, self.rank)
        if steps is None:
            return self._displaced(self._summed(None))
        times = self._times("steps", steps)
        self._warn_of_transient(np.max(times, initial=0))
        displacements = np.zeros((*times.shape, self.setting.dim))
        for count in np.unique(times):
            displacements[times == count] = self._displaced(self._summed(count))
        return displacements

    def _displaced(self, summed):
        scale = self.sampling.noise_scale
        return finite_product(
            mean_displacement(self.setting, self.theta, self.row_space, summed), self.sampling.lr, scale, scale
        )

    def _warn_of_transient(self, steps):
        slowest = self.relaxation_steps
        if self.row_space.nearly_singular and steps < slowest:
            warnings.warn(
                f"K is nearly singular: its slowest direction relaxes in {slowest:.2g} steps, longer than the"
                f" {steps} asked for, so this is all transient there",
                stacklevel=3,
            )

    @cached_property
    def _of_unit_noise(self):
        return SecondMoments(self.row_space.squares, self.row_space.modes, self.sampling.of_unit_noise())

    def _noisy(self, of_unit_noise):
        """The law is linear in the noise's square, which comes last: what it is of may be no float at all."""
        return finite_product(of_unit_noise, self.sampling.noise_scale, self.sampling.noise_scale)

    def _shapes(self, steps, lag):
        shapes = as_array("steps", steps).shape, as_array("lag", lag).shape
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise ValueError(f"lag: expected a shape that broadcasts with steps, got {shapes[1]}") from None

    def _times(self, name, value):
        """What counts as steps, or as a lag."""
        raise NotImplementedError

    def _moments(self, steps, lag):
        """E[z_{t+lag} z_tᵀ] of unit noise: steps and lag (...) give (..., r, r)."""
        raise NotImplementedError

    def _summed(self, steps):
        """Σ_{t<T} Z_t of unit noise, with momentum each over 1 − β less what has not come through: (r, r)."""
        raise NotImplementedError

    def _diffused(self, steps, lag):
        """The variance of unit noise along each direction of the zero-error set: steps and lag (...) give (...)."""
        raise NotImplementedError

    def __repr__(self):
        n, p = self.setting.n, self.setting.dim
        squares = self.eigenvalues
        spectrum = f"eigenvalues {squares[-1]:.4g} to {squares[0]:.4g}" if self.rank else "J = 0"
        notes = "".join(f"; {note}" for note in self.notes)
        return (
            f"{type(self).__name__}(n={n}, dim={p}, {spectrum},"
            f" lr={self.sampling.lr:g} (stable below {self.max_stable_lr:.4g}), {self.sampling.described(n)},"
            f" stationary variance {self.stationary_variance:.4g} in {self.rank} directions,"
            f" expected loss {self.expected_loss():.4g}{notes})"
        )
