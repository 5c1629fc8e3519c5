"""dθ/ds, the drift of label-noise SGD along the zero-error set in flow time: as η → 0, and at a step size.

Source: theory.md, section 3, "Long times", and section 6.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..fluctuations.mean_displacement import mean_displacement
from ..fluctuations.sampling import Sampling
from ..fluctuations.second_moments import SecondMoments
from ..zero_error_set.row_space import RowSpace, finite_regularizer_gradient

__all__ = ["DriftRate", "law_of_unit_rms", "limit_rate", "step_rate"]

DriftRate = Callable[[Array, RowSpace], Array]
"""Of θ and its RowSpace; a ValueError where derivatives are not finite."""


def limit_rate(setting: Setting, sampling: Sampling) -> DriftRate:
    """As η → 0: −N∇reg for label noise of equal σ; else of σ_i over the root of their mean square."""

    def downhill(theta, space):
        return -space.tangent(finite_regularizer_gradient(setting, theta))

    def drift(theta, space):
        law = law_of_unit_rms(space, replace(sampling, lr=1.0, batch_size=1, momentum=0.0))
        return mean_displacement(setting, theta, space, law.leading())

    return drift if np.ptp(sampling.noise_std) else downhill


def step_rate(setting: Setting, sampling: Sampling) -> DriftRate:
    """Of SGD that samples so, at its own step size; NaN where that is not stable, for an integrator to step back."""

    def drift(theta, space):
        law = law_of_unit_rms(space, sampling)
        if not law.stable():
            return np.full_like(theta, np.nan)
        moments = law.stationary() / sampling.lr
        return mean_displacement(setting, theta, space, moments) * (1 - sampling.momentum) * sampling.batch_size

    return drift


def law_of_unit_rms(space: RowSpace, sampling: Sampling) -> SecondMoments:
    """Of the noise σ_i over the root of their mean square: flow time has that of σ²."""
    noise = sampling.noise_std / (sampling.label_noise_rms or 1.0) if np.ndim(sampling.noise_std) else 1.0
    return SecondMoments(space.squares, space.modes, replace(sampling, noise_std=noise))
