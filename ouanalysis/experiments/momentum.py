"""Heavy-ball momentum: the same flow at flow time kη²σ²/(B(1 − β)²), and its finite step: theory.md, section 6."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..numeric import flow_time, gram, local_ou, regularized_flow, tangent_drift
from ..numeric.fluctuations.sampling import BatchSize
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["Momentum", "run"]

MOMENTA = (0.0, 0.5, 0.9)
ENSEMBLES: tuple[tuple[float, float, float, BatchSize], ...] = (
    (0.0, 0.01, 0.2, 1),
    (0.5, 0.01, 0.2, 2),
    (0.9, 0.001, 0.4, 1),
    (0.9, 0.002, 0.1, "full"),
)  # β, η, σ, B
FLOW_TIME = 2.5
FRACTIONS = (0.1, 0.25, 0.4, 0.55, 0.7)  # of the stability limit ηk = 1 + β of one datum, moved a little for each β
APART = 0.05
SMALL_NOISE = 1e-4  # so small that θ* stays where it is


@dataclass(frozen=True, eq=False)
class Momentum:
    """Ensembles on three data against the flow, and the drift at finite step for one datum."""

    ensembles: tuple[tuple[float, float, float, BatchSize], ...]  # (β, η, σ, B)
    times: Array  # flow times (records,)
    steps: Integers  # (ensembles, records)
    reg: Array  # mean over chains (ensembles, records)
    reg_error: Array = field(metadata={"resolution": 1e-12})
    fine_times: Array
    flow_reg: Array
    momenta: tuple[float, ...]
    fractions: Array  # ηk/(1 + β) (momenta, fractions)
    ratio: Array  # measured drift a step over its leading order (momenta, fractions)
    ratio_error: Array
    predicted_ratio: Array  # by `tangent_drift`
    drift_chains: int


def run(rng: RandomSource, size: Size = "full") -> Momentum:
    """Simulate the ensembles and the drifts."""
    rng = generator(rng)
    chains, last, many = one_of("size", size, {"full": (32, FLOW_TIME, 2000), "quick": (4, FLOW_TIME / 10, 200)})
    setting, theta = planted_sigmoid_network(2, 2, 3, rng=2)
    fine = np.linspace(0, last, 201)
    times = np.linspace(0, last, 26)
    rows = []
    for beta, lr, noise_std, batch_size in ENSEMBLES:
        sgd: dict[str, Any] = {"lr": lr, "noise_std": noise_std, "batch_size": batch_size, "momentum": beta}
        steps = np.round(times / flow_time(setting, **sgd)).astype(int)
        run = label_noise_sgd(setting, theta, **sgd, steps=steps[-1], rng=rng, chains=chains, record=steps)
        rows.append((steps, run.reg.mean(axis=0), run.reg.std(axis=0, ddof=1) / np.sqrt(chains)))
    steps, reg, reg_error = (np.array(column) for column in zip(*rows, strict=True))
    fractions = np.array(FRACTIONS) + APART * np.arange(len(MOMENTA))[:, None]
    pairs = zip(MOMENTA, fractions, strict=True)
    ratios = np.array([[_drift_ratio(beta, fraction, many, rng) for fraction in row] for beta, row in pairs])
    return Momentum(
        ensembles=ENSEMBLES,
        times=times,
        steps=steps,
        reg=reg,
        reg_error=reg_error,
        fine_times=fine,
        flow_reg=regularized_flow(setting, theta, times=fine).reg,
        momenta=MOMENTA,
        fractions=fractions,
        ratio=ratios[..., 0],
        ratio_error=ratios[..., 1],
        predicted_ratio=ratios[..., 2],
        drift_chains=many,
    )


def _drift_ratio(beta, fraction, chains, rng):
    """The drift a step between two late times over its leading order: measured, its error, and predicted."""
    setting, theta = planted_sigmoid_network(1, 3, 3, rng=4)
    lr = fraction * (1 + beta) / gram(setting, theta).item()
    sgd: dict[str, Any] = {"lr": lr, "noise_std": SMALL_NOISE, "momentum": beta}
    leading = local_ou(setting, theta, **sgd).tangent_drift()
    steps = np.array([200, 1200])
    run = label_noise_sgd(setting, theta, **sgd, steps=steps[-1], rng=rng, chains=chains, record=steps)
    along = (run.theta[:, 1] - run.theta[:, 0]) @ leading / (leading @ leading) / np.diff(steps)
    predicted = tangent_drift(setting, theta, **sgd) @ leading / (leading @ leading)
    return along.mean(), along.std(ddof=1) / np.sqrt(chains), predicted
