"""The largest stable step size against every batch enumerated: theory.md, section 2.

For a linear model the second moments of (δ, v) follow E[A ⊗ A], A the step of one batch, a matrix of (2p)² rows that is
built here from the data alone. Its spectral radius crosses 1 at η_max, which is below the 2/λ_max(H) up to which the
mean is stable.
"""

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..numeric import max_stable_lr
from ..numeric.fluctuations.sampling import BatchSize
from ..settings import Setting
from . import Size

__all__ = ["StabilityLimit", "run"]

N, DIM = 3, 3
MOMENTA = (0.0, 0.5)
BATCHES: tuple[tuple[BatchSize, bool], ...] = ((1, True), (2, True), (2, False), ("full", True))  # B, with replacement
NEAR = 1e-3  # below and above η_max, relative
MEAN_FRACTION = 0.99  # of 2/λ_max(H)


@dataclass(frozen=True, eq=False)
class StabilityLimit:
    """Spectral radii of the second moments of (δ, v) over all batches: 1 is predicted at η_max."""

    samplings: tuple[tuple[BatchSize, bool, float], ...]  # B, with replacement, β
    limit: Array  # η_max (models, samplings)
    radius: Array  # at η_max (models, samplings)
    below: Array  # at (1 − NEAR) η_max
    above: Array  # at (1 + NEAR) η_max
    # At MEAN_FRACTION of 2/λ_max(H), B = 1, no momentum (models,): where the mean shrinks, the second moments grow.
    mean_radius: Array
    single_radius: Array
    limit_over_mean: Array  # η_max of B = 1 over 2/λ_max(H)


def run(rng: RandomSource, size: Size = "full") -> StabilityLimit:
    """Enumerate the batches of random linear models."""
    rng = generator(rng)
    models = one_of("size", size, {"full": 40, "quick": 4})
    rows = [_model(rng.standard_normal((N, DIM))) for _ in range(models)]
    limit, radii, mean = (np.array(column) for column in zip(*rows, strict=True))
    return StabilityLimit(
        samplings=_samplings(),
        limit=limit,
        radius=radii[..., 0],
        below=radii[..., 1],
        above=radii[..., 2],
        mean_radius=mean[:, 0],
        single_radius=mean[:, 1],
        limit_over_mean=mean[:, 2],
    )


def _model(x):
    setting, theta = Setting(_linear, x, np.zeros(N), DIM), np.zeros(DIM)
    limits, radii = [], []
    for batch, replacement, momentum in _samplings():
        how: dict[str, Any] = {"batch_size": batch, "replacement": replacement, "momentum": momentum}
        limits.append(max_stable_lr(setting, theta, **how))
        radii.append([_radius(x, limits[-1] * near, **how) for near in (1, 1 - NEAR, 1 + NEAR)])
    curvatures = np.linalg.eigvalsh(2 / N * x.T @ x)
    mean_limit = 2 / curvatures[-1]
    lr = MEAN_FRACTION * mean_limit
    single = _radius(x, lr, batch_size=1, replacement=True, momentum=0.0)
    return limits, radii, (np.max(np.abs(1 - lr * curvatures)), single, limits[0] / mean_limit)


def _samplings():
    return tuple((batch, replacement, momentum) for momentum in MOMENTA for batch, replacement in BATCHES)


def _linear(theta, x):
    return (theta * x).sum(axis=-1)


def _radius(x, lr, *, batch_size, replacement, momentum):
    """Of E[A ⊗ A], where (δ, v) ← A (δ, v) is the step v ← βv − H_b δ, δ ← δ + ηv of a batch b."""
    identity, mean = np.eye(DIM), np.zeros((4 * DIM**2, 4 * DIM**2))
    batches = _batches(batch_size, replacement)
    for batch in batches:
        curvature = 2 / len(batch) * x[list(batch)].T @ x[list(batch)]
        step = np.block([[identity - lr * curvature, lr * momentum * identity], [-curvature, momentum * identity]])
        mean += np.kron(step, step) / len(batches)
    return np.max(np.abs(np.linalg.eigvals(mean)))


def _batches(size, replacement):
    """All of equal probability, as tuples of data."""
    if size == "full":
        return [tuple(range(N))]
    return list(product(range(N), repeat=size) if replacement else combinations(range(N), size))
