"""How far matrix sensing is from the simplest matrix of its own measurements, with label noise and without.

The problem of `matrix_sensing_recovery`: d = 10, a planted matrix of rank 1, n = 22, U₀ = 0.4 I. The gap of a state is
its reg less the least reg of the semidefinite program with its own measurements: theory.md, section 4.4. With fewer
measurements the least reg is at another matrix than the planted one, and label noise does not find that.
"""

from dataclasses import dataclass, field

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..minima import certify, minimum
from ..numeric import loss
from ..settings import planted_matrix_sensing
from ..simulate import label_noise_sgd
from . import Size
from .matrix_sensing_recovery import RANK, START, D, N, product
from .stages import spaced_records, staged

__all__ = ["MatrixSensingCertificate", "run"]

STAGES = ((0.02, 0.1, 1_000_000), (0.02, 0.03, 500_000), (0.02, 0.01, 500_000))  # lr, noise_std, steps
RECORDS = 24  # a stage
FEW = 8  # measurements, of the other problem


@dataclass(frozen=True, eq=False)
class MatrixSensingCertificate:
    """Index 0 is without label noise, which every chain does alike but for its draws of data, index 1 with."""

    steps: Integers  # (records,)
    stage_ends: Integers  # (stages,)
    relative_gap: Array = field(metadata={"resolution": 1e-7})  # the solver's gap; (2, chains, records)
    solver_gap: float = field(metadata={"resolution": 1e-7})  # the largest of all records, relative to the least reg
    loss: Array = field(metadata={"resolution": 1e-20})  # residuals of h, to its rounding; (2, chains, records)
    error: Array  # ‖UUᵀ − X*‖_F/‖X*‖_F (2, chains, records)
    few_error: Array  # that distance at the end, with label noise and few measurements (chains,)
    few_least: float = field(metadata={"resolution": 1e-4})  # and of the program's matrix
    planted_is_least: float = field(metadata={"resolution": 1e-4})  # to the root of the gap, ‖X_SDP − X*‖_F/‖X*‖_F


def run(rng: RandomSource, size: Size = "full") -> MatrixSensingCertificate:
    """Run both ensembles through the same stages, the one without noise."""
    rng = generator(rng)
    chains, shrink = one_of("size", size, {"full": (6, 1), "quick": (2, 20)})
    setting, truth = planted_matrix_sensing(D, RANK, N, rng=rng)
    planted = product(setting, truth)
    least = minimum(setting)
    how, stage_ends = staged(STAGES, shrink)
    how |= {"chains": chains, "record": spaced_records(stage_ends, RECORDS), "rng": int(rng.integers(2**32))}
    start = START * np.eye(D).ravel()
    runs = [label_noise_sgd(setting, start, **noise) for noise in (how | {"noise_std": 0.0}, how)]
    theta = np.stack([found.theta for found in runs])
    found = certify(setting, theta)
    size_of = np.linalg.norm(planted)
    few, few_truth = planted_matrix_sensing(D, RANK, FEW, rng=rng)
    ends = label_noise_sgd(few, start, **how | {"record": None}).theta[:, -1]
    hidden = product(few, few_truth)
    return MatrixSensingCertificate(
        steps=runs[0].steps,
        stage_ends=stage_ends,
        relative_gap=found.relative_gap,
        solver_gap=float(np.max(found.relative_solver_gap)),
        loss=loss(setting, theta),
        error=np.linalg.norm(product(setting, theta) - planted, axis=(-2, -1)) / size_of,
        few_error=np.linalg.norm(product(few, ends) - hidden, axis=(-2, -1)) / np.linalg.norm(hidden),
        few_least=float(np.linalg.norm(minimum(few).matrix - hidden) / np.linalg.norm(hidden)),
        planted_is_least=float(np.linalg.norm(least.matrix - planted) / size_of),
    )
