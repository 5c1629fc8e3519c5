"""How many measurements each method needs to find a planted matrix of rank 1: theory.md, section 4.1.

From one start: SGD without label noise, SGD with it (noise lowered at the end), and the least regularizer over all
matrices of these measurements, the semidefinite program.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..minima import minimum
from ..settings import planted_matrix_sensing
from ..simulate import label_noise_sgd
from . import Size
from .matrix_sensing_recovery import RANK, START, D, product
from .stages import staged

__all__ = ["Recovery", "run"]

MEASUREMENTS = (8, 11, 14, 17, 20, 23, 26, 30, 35, 40)
LR = 0.02
STAGES = ((LR, 0.1, 600_000), (LR, 0.03, 200_000), (LR, 0.01, 100_000))  # lr, noise_std, steps
QUIET_STEPS = 200_000
RECOVERED = 0.05  # of ‖X*‖_F


@dataclass(frozen=True, eq=False)
class Recovery:
    """Relative distances ‖X − X*‖_F/‖X*‖_F."""

    measurements: Array  # (sizes,)
    quiet: Array  # SGD without label noise (sizes, draws)
    noisy: Array  # with it (sizes, draws)
    # The semidefinite program (sizes, draws): a gap of 1e-8 leaves the matrix itself known to the root of that.
    least: Array = field(metadata={"resolution": 1e-4})
    noisy_from_least: Array = field(metadata={"resolution": 1e-4})  # ‖X_noisy − X_least‖_F/‖X*‖_F (sizes, draws)


def run(rng: RandomSource, size: Size = "full") -> Recovery:
    """Run the three on new sensors and a new matrix in each draw."""
    rng = generator(rng)
    draws, shrink, sizes = one_of("size", size, {"full": (24, 1, MEASUREMENTS), "quick": (2, 20, (14, 30))})
    problems = np.repeat(sizes, draws)
    with ThreadPoolExecutor() as pool:  # one chain each; the results do not depend on who runs it
        distances = list(pool.map(_draw, rng.spawn(len(problems)), problems, [shrink] * len(problems)))
    return Recovery(np.array(sizes), *np.moveaxis(np.reshape(distances, (len(sizes), draws, 4)), -1, 0))


def _draw(rng, n, shrink):
    """The four distances of one problem."""
    setting, truth = planted_matrix_sensing(D, RANK, n, rng=rng)
    planted = product(setting, truth)
    found = []
    for noisy in (False, True):
        how, _ = staged(STAGES if noisy else [(LR, 0.0, QUIET_STEPS)], shrink)
        end = label_noise_sgd(setting, START * np.eye(D).ravel(), **how, rng=rng).theta[0, -1]
        found.append(product(setting, end))
    found.append(minimum(setting).matrix)
    distances = [found[0] - planted, found[1] - planted, found[2] - planted, found[1] - found[2]]
    return np.linalg.norm(distances, axis=(-2, -1)) / np.linalg.norm(planted)
