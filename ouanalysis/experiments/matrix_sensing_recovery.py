"""Matrix sensing from one start, with label noise and without: theory.md, section 4.1.

d = 10, a planted matrix of rank 1 and unit trace, n = 22 measurements, U₀ = 0.4 I. Both runs draw the same data in
the same order; without label noise SGD stops at zero error, with it reg falls and the planted matrix is found.
"""

from dataclasses import dataclass, field

import numpy as np

from ..arguments import Array, Integers, RandomSource, Reals, generator, one_of
from ..numeric import regularizer
from ..settings import MatrixSensing, planted_matrix_sensing
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["MatrixSensingRecovery", "product", "run"]

D, RANK, N = 10, 1, 22
LR, NOISE_STD, START = 0.01, 0.1, 0.4


@dataclass(frozen=True, eq=False)
class MatrixSensingRecovery:
    """Arrays by run: index 0 is without label noise, index 1 with."""

    steps: Integers  # (records,)
    loss: Array = field(metadata={"resolution": 1e-20})  # residuals of h, to its rounding; (2, chains, records)
    reg: Array  # (2, chains, records)
    planted_reg: float  # reg at the planted matrix
    error: Array  # ‖UUᵀ − X*‖_F / ‖X*‖_F (2, chains, records)
    eigenvalues: Array = field(metadata={"resolution": 1e-12})  # of UUᵀ, descending (2, records, d)


def run(rng: RandomSource, size: Size = "full") -> MatrixSensingRecovery:
    """Run both ensembles from the same start on the same random numbers."""
    rng = generator(rng)
    chains, steps = one_of("size", size, {"full": (8, 3_000_000), "quick": (2, 100_000)})
    setting, truth = planted_matrix_sensing(D, RANK, N, rng=rng)
    planted = product(setting, truth)
    record = np.unique(np.append(0, np.geomspace(10, steps, 100).astype(int)))
    seed = int(rng.integers(2**32))
    start = START * np.eye(D).ravel()
    trajectories = [
        label_noise_sgd(setting, start, lr=LR, noise_std=noise_std, steps=steps, rng=seed, chains=chains, record=record)
        for noise_std in (0.0, NOISE_STD)
    ]
    products = product(setting, np.stack([trajectory.theta for trajectory in trajectories]))
    return MatrixSensingRecovery(
        steps=trajectories[0].steps,
        loss=np.stack([trajectory.loss for trajectory in trajectories]),
        reg=np.stack([trajectory.reg for trajectory in trajectories]),
        planted_reg=float(regularizer(setting, truth)),
        error=np.linalg.norm(products - planted, axis=(-2, -1)) / np.linalg.norm(planted),
        eigenvalues=np.linalg.eigvalsh(products[:, 0])[..., ::-1].astype(float),
    )


def product(setting: MatrixSensing, theta: Reals) -> Array:
    """U Uᵀ of theta (..., p), (..., d, d)."""
    factor = setting.unpack(theta)["U"]
    return factor @ np.swapaxes(factor, -1, -2)
