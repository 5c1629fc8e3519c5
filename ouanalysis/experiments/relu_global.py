"""ReLU networks from many random starts under lowered noise: how often the end is not the best: theory.md, section 4.2.

Networks of widths 20 to 200 through six points, and networks of one width through random points. A certificate says how
far each is from the simplest function of its own predictions.

Where the simplest function has its kinks on data, a kink is carried to and fro over its datum at any level of noise,
and reg jumps each time: a single state is above the least by such a jump a good part of the time. What is certified is
the mean of the states over a window, which is a network too; the share of the single states of the last half stage that
are above 1 % is given beside it. The step sizes are shares of the largest stable one of the simplest network, a number
that a run without its answer would have to guess. The six points are run without label noise too, from the same
networks with the same steps.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..minima import certify, minimum
from ..numeric import loss, max_stable_lr
from ..settings import ReluNetwork, planted_relu_network
from ..simulate import label_noise_sgd
from . import Size
from .relu_interpolants import X, Y, random_interpolant
from .stages import staged

__all__ = ["NetworkPaths", "ReluGlobal", "follow", "run"]

WIDTHS = (20, 200)
# lr as a share of the largest stable one, taken between that of the start, 0, and that of the simplest network, 1, on
# a logarithmic scale; noise_std; steps. Chosen after a look: a first schedule, without the second and third stages,
# jumped past the limit, and 1 network in 20 lost the neurons that it needs and ended far from its best.
STAGES = (
    (0.15, 0.0, 0.3, 200_000),
    (0.10, 1 / 3, 0.3, 200_000),
    (0.10, 2 / 3, 0.3, 200_000),
    (0.05, 1.0, 0.3, 600_000),
    (0.15, 1.0, 0.3, 1_000_000),
    (0.15, 1.0, 0.1, 1_000_000),
    (0.05, 1.0, 0.03, 1_000_000),
)
POINTS, CHANGES, RANDOM_WIDTH = 7, (1, 2, 1, 2), 40  # of the random data sets
RECORDS, WINDOWS = 60, 5  # a stage


@dataclass(frozen=True, eq=False)
class ReluGlobal:
    """Gaps are relative to the least reg of the network's own predictions."""

    widths: Integers  # (networks,)
    steps: Integers  # ends of the windows, of the networks on the six points (windows,)
    stage_ends: Integers  # (stages,)
    start: Array  # gap at the start (networks,)
    gap: Array  # of the mean over each window (networks, windows)
    ends: Array  # of the mean over the second half of the last stage (networks,)
    above: Array  # share of the states of that half with a gap above 1 % (networks,)
    random_ends: Array  # the same two on the random data sets (sets, starts)
    random_above: Array
    single: Array  # the largest gap of one state of that half (networks,)
    quiet: Array  # the gap where the same steps end without label noise (networks,)
    quiet_loss: float  # the largest there
    solver_gap: float = field(metadata={"resolution": 1e-7})  # the largest, relative
    loss: float  # the largest of the means at the end


class NetworkPaths(NamedTuple):
    """What `follow` gives for the chains of one setting."""

    theta: Array  # where they start
    steps: Integers
    start: Array
    gap: Array
    end: Array
    above: Array
    single: Array
    solver_gap: float
    loss: float


def run(rng: RandomSource, size: Size = "full") -> ReluGlobal:
    """Run every network through the stages."""
    rng = generator(rng)
    many_widths, sets, starts, shrink = one_of("size", size, {"full": (20, 4, 12, 1), "quick": (2, 1, 2, 50)})
    widths = np.unique(np.geomspace(*WIDTHS, many_widths).round().astype(int))
    with ThreadPoolExecutor() as pool:  # one chain each; the results do not depend on who runs it
        networks = [ReluNetwork(X, Y, width) for width in widths]
        sources = rng.spawn(len(networks))
        six = list(pool.map(partial(follow, chains=1, shrink=shrink), networks, sources))
        quiet = list(pool.map(partial(_quiet, shrink=shrink), networks, [found.theta for found in six], sources))
    settings = [planted_relu_network(POINTS, CHANGES[k], width=RANDOM_WIDTH, rng=rng)[0] for k in range(sets)]
    many = [follow(setting, rng, chains=starts, shrink=shrink) for setting in settings]
    return ReluGlobal(
        widths=widths,
        steps=six[0].steps,
        stage_ends=np.cumsum([count // shrink for *_, count in STAGES]),
        start=np.concatenate([found.start for found in six]),
        gap=np.concatenate([found.gap for found in six]),
        ends=np.concatenate([found.end for found in six]),
        above=np.concatenate([found.above for found in six]),
        random_ends=np.stack([found.end for found in many]),
        random_above=np.stack([found.above for found in many]),
        single=np.concatenate([found.single for found in six]),
        quiet=np.array([gap for gap, _ in quiet]),
        quiet_loss=max(left for _, left in quiet),
        solver_gap=max(found.solver_gap for found in six + many),
        loss=max(found.loss for found in six + many),
    )


def follow(setting: ReluNetwork, rng: np.random.Generator, *, chains: int, shrink: int = 1) -> NetworkPaths:
    """Run chains from random starts through the stages."""
    start = np.stack([random_interpolant(setting, rng) for _ in range(chains)])
    how, ends = _staged(setting, start, shrink)
    record = np.concatenate([np.linspace(*pair, RECORDS + 1).astype(int)[1:] for pair in pairwise([0, *ends])])
    found = label_noise_sgd(setting, start, **how, rng=rng, chains=chains, record=record)
    if found.diverged.any():
        raise ArithmeticError(f"relu_global: expected finite states of {setting}, got {found}")
    windows = len(STAGES) * WINDOWS
    means = found.theta.reshape(chains, windows, -1, setting.dim).mean(axis=2)
    late = found.theta[:, -RECORDS // 2 :]
    along, end = certify(setting, means), certify(setting, late.mean(axis=1))
    single = certify(setting, late).relative_gap
    return NetworkPaths(
        theta=start,
        steps=record.reshape(windows, -1)[:, -1],
        start=certify(setting, start).relative_gap,
        gap=along.relative_gap,
        end=end.relative_gap,
        above=np.mean(single > 0.01, axis=1),
        single=np.max(single, axis=1),
        solver_gap=float(max(np.max(one.relative_solver_gap) for one in (along, end))),
        loss=float(np.max(loss(setting, late.mean(axis=1)))),
    )


def _quiet(setting, start, rng, *, shrink):
    """The gap, and the loss, where the same steps end without label noise, of one chain."""
    how, _ = _staged(setting, start, shrink)
    end = label_noise_sgd(setting, start, **how | {"noise_std": 0.0}, rng=rng).theta[0, -1]
    return float(certify(setting, end).relative_gap), float(loss(setting, end))


def _staged(setting, start, shrink):
    """What the stages are for a setting and its starts, and where they end."""
    least = minimum(setting).theta
    assert least is not None
    limits = [min(max_stable_lr(setting, at) for at in start), max_stable_lr(setting, least)]
    stages = [
        (share * limits[0] ** (1 - between) * limits[1] ** between, noise_std, count)
        for share, between, noise_std, count in STAGES
    ]
    return staged(stages, shrink)
