"""Label-noise SGD over long times against the gradient flow of reg on the zero-error set: theory.md, section 3.

Ensembles of different step sizes, noises and batches take different numbers of steps; in flow time s = η²σ²k/B̃ they are
one curve, that of the flow.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..numeric import flow_time, regularized_flow
from ..numeric.fluctuations.sampling import BatchSize
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["RiemannianFlow", "run"]

ENSEMBLES: tuple[tuple[float, float, BatchSize], ...] = (
    (5e-4, 1.0, 1),
    (2e-3, 1.0, 4),
    (5e-3, 0.4, "full"),
    (1e-2, 0.2, 1),
)  # η, σ, B
FLOW_TIME = 2.5  # 10 million steps of the first


@dataclass(frozen=True, eq=False)
class RiemannianFlow:
    """One row an ensemble; the flow on the same times and on a finer grid."""

    ensembles: tuple[tuple[float, float, BatchSize], ...]  # (η, σ, B)
    times: Array  # flow times s of the records (records,)
    steps: Integers  # (ensembles, records)
    reg: Array  # mean over chains (ensembles, records)
    reg_error: Array = field(metadata={"resolution": 1e-12})
    # ‖mean θ − flow‖ over the flow's path length (ensembles, records), and the standard error of mean θ over the same
    # length: what chance alone leaves.
    distance: Array = field(metadata={"resolution": 1e-12})
    noise: Array = field(metadata={"resolution": 1e-12})
    fine_times: Array
    flow_reg: Array
    flow_residual: float = field(metadata={"resolution": 1e-8})  # the tolerance of the integrator
    path_length: float
    chains: int


def run(rng: RandomSource, size: Size = "full") -> RiemannianFlow:
    """Simulate the ensembles and integrate the flow."""
    rng = generator(rng)
    chains, last = one_of("size", size, {"full": (16, FLOW_TIME), "quick": (4, FLOW_TIME / 20)})
    setting, theta = planted_sigmoid_network(2, 2, 3, rng=2)  # a draw where reg falls to a third
    fine = np.linspace(0, last, 201)
    flow = regularized_flow(setting, theta, times=fine)
    length = np.sum(np.linalg.norm(np.diff(flow.theta, axis=0), axis=1))
    times = np.linspace(0, last, 26)
    on_flow = flow(times)
    rows = []
    for lr, noise_std, batch_size in ENSEMBLES:
        sgd: dict[str, Any] = {"lr": lr, "noise_std": noise_std, "batch_size": batch_size}
        steps = np.round(times / flow_time(setting, **sgd)).astype(int)
        run = label_noise_sgd(setting, theta, **sgd, steps=steps[-1], rng=rng, chains=chains, record=steps)
        spread = np.linalg.norm(run.theta.std(axis=0, ddof=1), axis=-1) / np.sqrt(chains)
        distance = np.linalg.norm(run.theta.mean(axis=0) - on_flow, axis=-1)
        reg_error = run.reg.std(axis=0, ddof=1) / np.sqrt(chains)
        rows.append((steps, run.reg.mean(axis=0), reg_error, distance / length, spread / length))
    steps, reg, reg_error, distance, noise = (np.array(column) for column in zip(*rows, strict=True))
    return RiemannianFlow(
        ensembles=ENSEMBLES,
        times=times,
        steps=steps,
        reg=reg,
        reg_error=reg_error,
        distance=distance,
        noise=noise,
        fine_times=fine,
        flow_reg=flow.reg,
        flow_residual=flow.residual,
        path_length=float(length),
        chains=chains,
    )
