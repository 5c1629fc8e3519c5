"""The stationary variance of label-noise SGD at every stable step size: theory.md, section 2.

A tanh network on eight data. The leading order says B E L = ησ² reg whatever the batch; the exact law of the linearised
SGD bends away from it and diverges at the stability limit, which depends on the batch.
"""

from dataclasses import dataclass

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..numeric import linearized_sgd, max_stable_lr, regularizer
from ..numeric.fluctuations.sampling import BatchSize
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["FiniteStep", "run"]

BATCHES: tuple[BatchSize, ...] = (1, 4, "full")
NOISE_STD = 1e-4  # so small that the model is linear over the noise
# Of the limit. At B = 4 fourth moments, summed over all batches, have the radius 0.95 at 0.85 of it and 1.13 at 0.88.
SIMULATED = (0.05, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
CURVE = np.concatenate([np.linspace(0.03, 0.9, 60), 1 - np.geomspace(0.09, 0.004, 40)])


@dataclass(frozen=True, eq=False)
class FiniteStep:
    """One row a batch size; losses are E L B̃/σ², so that the leading order is η reg for all."""

    batches: tuple[BatchSize, ...]
    reg: float
    limit: Array  # η_max (batches,)
    fractions: Array  # η/η_max of the curves (curve,)
    exact: Array  # (batches, curve)
    simulated_fractions: Array  # (points,)
    predicted: Array  # exact at these (batches, points)
    measured: Array  # (batches, points)
    error: Array  # its standard error over chains
    chains: int


def run(rng: RandomSource, size: Size = "full") -> FiniteStep:
    """Predict and simulate the stationary loss."""
    rng = generator(rng)
    chains = one_of("size", size, {"full": 400, "quick": 40})
    setting, theta = planted_sigmoid_network(8, 8, 4, rng=2)
    limits, exact, predicted, measured, error = [], [], [], [], []
    for batch in BATCHES:
        limit = max_stable_lr(setting, theta, batch_size=batch)

        def at(fraction, batch=batch, limit=limit):
            return linearized_sgd(setting, theta, lr=fraction * limit, noise_std=NOISE_STD, batch_size=batch)

        unit = at(0.1).sampling.batch_size / NOISE_STD**2
        limits.append(limit)
        exact.append([unit * at(fraction).expected_loss() for fraction in CURVE])
        predicted.append([unit * at(fraction).expected_loss() for fraction in SIMULATED])
        plateaus = [_plateau(setting, theta, at(fraction), batch, chains, rng) for fraction in SIMULATED]
        means, errors = np.transpose(plateaus)
        measured.append(unit * means)
        error.append(unit * errors)
    return FiniteStep(
        batches=BATCHES,
        reg=float(regularizer(setting, theta)),
        limit=np.array(limits),
        fractions=CURVE,
        exact=np.array(exact),
        simulated_fractions=np.array(SIMULATED),
        predicted=np.array(predicted),
        measured=np.array(measured),
        error=np.array(error),
        chains=chains,
    )


def _plateau(setting, theta, law, batch, chains, rng):
    """The mean loss at rest and its standard error over the chains."""
    settled = int(12 / (1 - law.stability_radius)) + 1
    trajectory = label_noise_sgd(
        setting,
        theta,
        lr=law.sampling.lr,
        noise_std=law.sampling.noise_std,
        batch_size=batch,
        steps=3 * settled,
        rng=rng,
        chains=chains,
        record=np.unique(np.linspace(settled, 3 * settled, 20).astype(int)),
    )
    by_chain = trajectory.loss.mean(axis=1)
    return by_chain.mean(), by_chain.std(ddof=1) / np.sqrt(chains)
