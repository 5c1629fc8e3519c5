"""The drift along the zero-error set through its transient, and how much of it the prediction leaves: theory.md 3.

From a zero-error point of a tanh network the fluctuation first builds up, then carries the parameters along. The
prediction is exact at O(σ²), so what it leaves is O(σ²) of it.
"""

from dataclasses import dataclass, field

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..numeric import gram, local_ou, tangent_drift
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["TangentDrift", "run"]

CURVATURES = (0.05, 0.3, 0.6)  # η λ_max(H)
NOISE_STD = 1e-3
TIMES = np.geomspace(0.3, 300, 13)  # in units of 1/λ_max
SIGMAS = (0.025, 0.04, 0.063, 0.1)
REMAINDER = (0.3, 2000)  # η λ_max and steps at which the remainder is measured


@dataclass(frozen=True, eq=False)
class TangentDrift:
    """Displacements along their final predicted direction, over (η²σ²/B) ‖N∇reg‖ t, the drift without transient."""

    curvatures: Array  # η λ_max(H) (step sizes,)
    times: list[Array]  # λ_max η t of the records, one array a step size
    measured: list[Array] = field(metadata={"resolution": 1e-8})
    error: list[Array] = field(metadata={"resolution": 1e-8})  # standard errors over chains
    exact: list[Array]
    leading: list[Array]
    sigmas: Array
    remainder: Array  # |measured − predicted| over predicted (sigmas,)
    remainder_error: Array
    chains: int  # of each step size


def run(rng: RandomSource, size: Size = "full") -> TangentDrift:
    """Simulate through the transient at several step sizes, and then at several sizes of the noise."""
    rng = generator(rng)
    chains, many = one_of("size", size, {"full": (4000, 12_000), "quick": (200, 400)})
    setting, theta = planted_sigmoid_network(3, 4, 5, rng=1)
    rows = [_transient(setting, theta, curvature, chains, rng) for curvature in CURVATURES]
    times, measured, error, exact, leading = (list(column) for column in zip(*rows, strict=True))
    remainder, remainder_error = _remainder(setting, theta, many, rng)
    return TangentDrift(
        curvatures=np.array(CURVATURES),
        times=times,
        measured=measured,
        error=error,
        exact=exact,
        leading=leading,
        sigmas=np.array(SIGMAS),
        remainder=remainder,
        remainder_error=remainder_error,
        chains=chains,
    )


def _transient(setting, theta, curvature, chains, rng):
    lr = curvature / _largest_curvature(setting, theta)
    steps = np.unique(np.ceil(TIMES / curvature).astype(int))
    noise = {"lr": lr, "noise_std": NOISE_STD}
    run = label_noise_sgd(setting, theta, **noise, steps=steps[-1], rng=rng, chains=chains, record=steps)
    local = local_ou(setting, theta, **noise)
    exact, leading = tangent_drift(setting, theta, **noise, steps=steps), local.tangent_drift(steps)
    direction = exact[-1] / np.linalg.norm(exact[-1])
    unit = steps * np.linalg.norm(local.tangent_drift())
    along = (run.theta - theta) @ direction / unit
    error = along.std(axis=0, ddof=1) / np.sqrt(chains)
    return (
        curvature * steps,
        along.mean(axis=0),
        error,
        exact @ direction / unit,
        leading @ direction / unit,
    )


def _remainder(setting, theta, chains, rng):
    """|measured − predicted| along the prediction, over its length, and its standard error; one noise for every σ."""
    curvature, steps = REMAINDER
    lr = curvature / _largest_curvature(setting, theta)
    predicted = tangent_drift(setting, theta, lr=lr, noise_std=1.0, steps=steps)
    seed = rng.integers(2**32)
    rows = []
    for sigma in SIGMAS:
        run = label_noise_sgd(setting, theta, lr=lr, noise_std=sigma, steps=steps, rng=seed, chains=chains)
        along = (run.theta[:, 0] - theta) @ predicted / (sigma**2 * (predicted @ predicted))
        rows.append((abs(along.mean() - 1), along.std(ddof=1) / np.sqrt(chains)))
    return np.transpose(rows)


def _largest_curvature(setting, theta):
    """λ_max(H)."""
    return 2 / setting.n * np.linalg.eigvalsh(gram(setting, theta))[-1]
