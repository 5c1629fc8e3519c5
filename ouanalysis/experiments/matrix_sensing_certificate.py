"""How far matrix sensing is from the simplest matrix of its own measurements, with label noise and without.

The problem of `matrix_sensing_recovery`: d = 10, a planted matrix of rank 1, n = 22, U₀ = 0.4 I. The gap of a state is
its reg less the least reg of the semidefinite program with its own measurements: theory.md, section 4.4.
"""

from dataclasses import dataclass

import numpy as np

from ..arguments import generator, one_of
from ..minima import certify, minimum
from ..settings import planted_matrix_sensing
from ..simulate import label_noise_sgd

__all__ = ["MatrixSensingCertificate", "run"]

D, RANK, N, START = 10, 1, 22, 0.4
STAGES = ((0.02, 0.1, 1_000_000), (0.02, 0.03, 500_000), (0.02, 0.01, 500_000))  # lr, noise_std, steps
RECORDS = 24  # a stage


@dataclass(frozen=True, eq=False)
class MatrixSensingCertificate:
    """Index 0 is without label noise, which every chain does alike but for its draws of data, index 1 with."""

    steps: np.ndarray  # (records,)
    stage_ends: np.ndarray  # (stages,)
    relative_gap: np.ndarray  # (2, chains, records)
    solver_gap: float  # the largest of all records, relative to the least reg
    loss: np.ndarray  # (2, chains, records)
    error: np.ndarray  # ‖UUᵀ − X*‖_F/‖X*‖_F (2, chains, records)
    planted_is_least: float  # ‖X_SDP − X*‖_F/‖X*‖_F


def run(rng, size="full"):
    """Run both ensembles through the same stages, the one without noise."""
    rng = generator(rng)
    chains, shrink = one_of("size", size, {"full": (6, 1), "quick": (2, 20)})
    setting, truth = planted_matrix_sensing(D, RANK, N, rng=rng)
    planted = _product(setting, truth)
    least = minimum(setting)
    seed, ends = int(rng.integers(2**32)), np.cumsum([count // shrink for *_, count in STAGES])
    runs = [_stages(setting, seed, chains, shrink, noisy) for noisy in (False, True)]
    steps = runs[0][0]
    theta = np.stack([states for _, states, _ in runs])
    found = certify(setting, theta)
    size_of = np.linalg.norm(planted)
    return MatrixSensingCertificate(
        steps=steps,
        stage_ends=ends,
        relative_gap=found.relative_gap,
        solver_gap=float(np.max(found.solver_gap / found.least)),
        loss=np.stack([losses for *_, losses in runs]),
        error=np.linalg.norm(_product(setting, theta) - planted, axis=(-2, -1)) / size_of,
        planted_is_least=float(np.linalg.norm(least.matrix - planted) / size_of),
    )


def _stages(setting, seed, chains, shrink, noisy):
    """The steps, states (chains, records, p) and losses of one ensemble, its first state the start."""
    rng = np.random.default_rng(seed)
    theta = np.broadcast_to(START * np.eye(D).ravel(), (chains, 1, setting.dim))
    losses = np.mean((setting.predictions(theta) - setting.y) ** 2, axis=-1)
    steps, last = np.array([0]), 0
    for lr, noise_std, count in STAGES:
        count //= shrink
        record = np.unique(np.geomspace(count / RECORDS if last else 10, count, RECORDS).astype(int))
        noise = {"lr": lr, "noise_std": noise_std if noisy else 0.0}
        found = label_noise_sgd(setting, theta[:, -1], **noise, steps=count, rng=rng, chains=chains, record=record)
        theta, losses = np.concatenate([theta, found.theta], axis=1), np.concatenate([losses, found.loss], axis=1)
        steps, last = np.append(steps, last + found.steps), last + count
    return steps, theta, losses


def _product(setting, theta):
    factor = setting.unpack(theta)["U"]
    return factor @ np.swapaxes(factor, -1, -2)
