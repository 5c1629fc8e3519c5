"""What SGD descends at finite step: Damian, Ma & Lee's regularizer at full batch, and not beyond: theory.md, section 6.

R = −(σ²/n) tr log(I − ηH/2), of h and autograd alone: at full batch the drift of a step along the zero-error set is
−η N∇R at every stable step. At B = 1 the prefactor n/B makes it right for small steps, and it falls short of the drift
without bound towards the stability limit.

Source: Damian, Ma & Lee 2021 (arXiv:2106.06530).
"""

from dataclasses import dataclass
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..numeric import linearized_sgd, max_stable_lr, tangent_drift
from ..numeric.fluctuations.sampling import BatchSize
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["EffectiveRegularizer", "run"]

BATCHES: tuple[BatchSize, ...] = ("full", 1)
FRACTIONS = (0.1, 0.3, 0.5, 0.65, 0.8)  # of the stability limit, simulated; from 0.95 fourth moments diverge at B = 1
CURVE = np.linspace(0.02, 0.97, 60)
NOISE_STD = 1e-3  # so small that θ* stays where it is
SETTLED, WINDOW = 10, 60  # in relaxation times at rest


@dataclass(frozen=True, eq=False)
class EffectiveRegularizer:
    """Drifts of a step along −N∇reg, over (η²σ²/B) ‖N∇reg‖, that of small steps; rows are batch sizes."""

    batches: tuple[BatchSize, ...]
    limit: Array  # η_max (batches,)
    chains: int
    fractions: Array  # η/η_max (points,)
    measured: Array  # (batches, points)
    error: Array  # its standard error over chains
    exact: Array  # by `tangent_drift`
    effective: Array  # −η (n/B) N∇R; n/B = 1 at full batch
    direction: Array  # cos of the angle between −N∇R and the exact drift (batches, points)
    curve: Array  # η/η_max (curve,)
    exact_curve: Array  # (batches, curve)
    effective_curve: Array


def run(rng: RandomSource, size: Size = "full") -> EffectiveRegularizer:
    """Measure the drift at full batch and at B = 1."""
    rng = generator(rng)
    chains = one_of("size", size, {"full": 4000, "quick": 200})
    setting, theta = planted_sigmoid_network(3, 4, 5, rng=2)
    limits = np.array([max_stable_lr(setting, theta, batch_size=batch) for batch in BATCHES])
    rows, curves = [], []
    for batch, limit in zip(BATCHES, limits, strict=True):
        rows.append([_point(setting, theta, fraction * limit, batch, chains, rng) for fraction in FRACTIONS])
        curves.append([_predicted(setting, theta, fraction * limit, batch) for fraction in CURVE])
    measured, error, exact, effective, direction = np.moveaxis(np.array(rows), 2, 0)
    exact_curve, effective_curve, _ = np.moveaxis(np.array(curves), 2, 0)
    return EffectiveRegularizer(
        batches=BATCHES,
        limit=limits,
        chains=chains,
        fractions=np.array(FRACTIONS),
        measured=measured,
        error=error,
        exact=exact,
        effective=effective,
        direction=direction,
        curve=CURVE,
        exact_curve=exact_curve,
        effective_curve=effective_curve,
    )


def _point(setting, theta, lr, batch, chains, rng):
    """The drift of a step between two late times, its error, and what is predicted."""
    sgd: dict[str, Any] = {"lr": lr, "noise_std": NOISE_STD, "batch_size": batch}
    relaxation = linearized_sgd(setting, theta, **sgd).relaxation_steps
    steps = np.ceil(np.array([SETTLED, SETTLED + WINDOW]) * relaxation).astype(int)
    run = label_noise_sgd(setting, theta, **sgd, steps=steps[-1], rng=rng, chains=chains, record=steps)
    along, unit = _along(setting, theta, lr, batch)
    drift = (run.theta[:, 1] - run.theta[:, 0]) @ along / (np.diff(steps) * unit * NOISE_STD**2)
    return drift.mean(), drift.std(ddof=1) / np.sqrt(chains), *_predicted(setting, theta, lr, batch)


def _predicted(setting, theta, lr, batch):
    """The exact drift and −η (n/B) N∇R along −N∇reg in its units, and the cosine between the two."""
    along, unit = _along(setting, theta, lr, batch)
    exact = tangent_drift(setting, theta, lr=lr, noise_std=1.0, batch_size=batch)
    times = 1 if batch == "full" else setting.n / batch
    gradient = autograd.grad(lambda at: _effective_regularizer(setting, at, lr))(theta)
    effective = -lr * times * _tangent(setting, theta, gradient)
    cosine = exact @ effective / (np.linalg.norm(exact) * np.linalg.norm(effective))
    return exact @ along / unit, effective @ along / unit, cosine


def _along(setting, theta, lr, batch):
    """The unit vector of −N∇reg, and η²/B̃ ‖N∇reg‖."""
    downhill = -_tangent(setting, theta, autograd.grad(lambda at: anp.sum(_rows(setting, at) ** 2) / setting.n)(theta))
    length = np.linalg.norm(downhill)
    return downhill / length, lr**2 * length / (setting.n if batch == "full" else batch)


def _effective_regularizer(setting, theta, lr):
    """R for σ = 1; tr log(I − ηH/2) is log det(I − ηK/n), as H and 2K/n have the same eigenvalues but for zeros."""
    rows = _rows(setting, theta)
    return -anp.linalg.slogdet(anp.eye(setting.n) - lr / setting.n * anp.dot(rows, rows.T))[1] / setting.n


def _rows(setting, theta):
    """J by autograd of h."""
    return autograd.jacobian(lambda at: setting.h(at[None, :], setting.x))(theta)


def _tangent(setting, theta, vector):
    basis = np.linalg.qr(_rows(setting, theta).T)[0]
    return vector - basis @ (basis.T @ vector)
