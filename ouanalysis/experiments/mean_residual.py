"""The mean of h − y at rest, which label noise holds off 0: theory.md, section 2, "Mean residual".

At a stationary point of reg, ∇reg = Jᵀμ, it is −(nησ²/2B) μ to leading order: the noise measures the multipliers, and
−(2B/(nησ²)) Jᵀ E[h − y] is ∇reg. At any zero-error point the law gives it for every stable step; where reg is not
stationary no Jᵀμ is ∇reg, and that is its part across the zero-error set alone. The residual is of second order in the
noise; pairs of chains with opposite noise have no first order.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..numeric import gram, interpolate, jacobian, linearized_sgd, max_stable_lr, regularized_flow, regularizer_gradient
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["MeanResidual", "run"]

NOISE_STD = 1e-3  # so small that θ* stays where it is
FRACTIONS = (0.02, 0.1, 0.5)  # of the stability limit
SETTLED, RECORDS, APART = 12, 8, 2  # when the records begin, how many, how far apart: in relaxation times


@dataclass(frozen=True, eq=False)
class MeanResidual:
    """(points, step sizes, data) in units of σ²: first the stationary point of reg, then one that is not."""

    fractions: Array  # η/η_max (step sizes,)
    curvature: Array  # η λ_max(H) (points, step sizes): the leading order is wrong by about n/2 of it
    pairs: int  # of chains with opposite noise
    measured: Array = field(metadata={"resolution": 1e-9})
    error: Array = field(metadata={"resolution": 1e-9})  # standard errors over pairs
    exact: Array = field(metadata={"resolution": 1e-9})  # of `linearized_sgd`
    multipliers: Array = field(metadata={"resolution": 1e-9})  # −(nη/2) μ at the stationary point (step sizes, data)
    # At the smallest step, what the residuals add up to of ‖∇reg‖²: −(2/(nη)) ∇regᵀJᵀ E[h − y]/‖∇reg‖² (points,)
    measured_gradient: Array
    gradient_error: Array
    weights: Array  # of each residual in that sum (points, data)


def run(rng: RandomSource, size: Size = "full") -> MeanResidual:
    """Simulate at the two points."""
    rng = generator(rng)
    pairs = one_of("size", size, {"full": 3000, "quick": 300})
    setting, theta = planted_sigmoid_network(2, 2, 2, rng=1)
    rest = interpolate(setting, regularized_flow(setting, theta, times=[0.0, 1e4]).theta[-1])
    rows, sums = [], []
    for at in (rest, theta):
        samples, exact = zip(*(_at(setting, at, fraction, pairs, rng) for fraction in FRACTIONS), strict=True)
        rows.append((*_mean(np.array(samples), axis=1), exact))
        gradient = regularizer_gradient(setting, at)
        shares = jacobian(setting, at) @ gradient / (gradient @ gradient)
        weights = -2 / (setting.n * FRACTIONS[0] * max_stable_lr(setting, at)) * shares
        sums.append((*_mean(samples[0] @ weights, axis=0), weights))
    measured, error, exact = np.moveaxis(np.array(rows), 1, 0)
    measured_gradient, gradient_error, weights = (np.array(column) for column in zip(*sums, strict=True))
    gradients = jacobian(setting, rest)
    mu = np.linalg.lstsq(gradients.T, regularizer_gradient(setting, rest), rcond=None)[0]
    largest = [2 / setting.n * np.linalg.eigvalsh(gram(setting, at))[-1] for at in (rest, theta)]
    limits = [max_stable_lr(setting, at) for at in (rest, theta)]
    return MeanResidual(
        fractions=np.array(FRACTIONS),
        curvature=np.outer(np.multiply(largest, limits), FRACTIONS),
        pairs=pairs,
        measured=measured,
        error=error,
        exact=exact,
        multipliers=-setting.n / 2 * np.outer(np.multiply(limits[0], FRACTIONS), mu),
        measured_gradient=measured_gradient,
        gradient_error=gradient_error,
        weights=weights,
    )


def _at(setting, theta, fraction, pairs, rng):
    """Mean residuals over σ² of every pair (pairs, data), and of the law."""
    law = linearized_sgd(setting, theta, lr=fraction * max_stable_lr(setting, theta), noise_std=NOISE_STD)
    seed = int(rng.integers(2**32))  # of both, so that a pair draws the same batches
    sgd: dict[str, Any] = {"lr": law.sampling.lr, "noise_std": NOISE_STD, "rng": seed, "chains": pairs}
    steps = np.ceil(law.relaxation_steps * (SETTLED + APART * np.arange(RECORDS))).astype(int)
    sgd |= {"steps": steps[-1], "record": steps}
    states = np.array([label_noise_sgd(setting, theta, **sgd, noise=noise).theta for noise in (_drawn, _opposite)])
    residual = (setting.predictions(states) - setting.y).mean(axis=(0, 2)) / NOISE_STD**2
    return residual, law.mean_residual() / NOISE_STD**2


def _mean(samples, axis):
    """And its standard error."""
    return samples.mean(axis=axis), samples.std(axis=axis, ddof=1) / np.sqrt(samples.shape[axis])


def _drawn(rng, size):
    return rng.standard_normal(size)


def _opposite(rng, size):
    return -rng.standard_normal(size)
