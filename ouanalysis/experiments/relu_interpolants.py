"""Wiggly ReLU interpolants under label noise, step and noise lowered in stages: theory.md, section 4.2.

Six points that need one change of convexity, three on one line and three on another. Random networks that pass
through all of them bend much more often; label noise straightens them without leaving the data. Without it the same
networks and steps end at functions that bend as often: where the step is too large for the start to be stable, descent
leaves it for a flatter one, and there it stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..minima import network_function
from ..numeric import InterpolationError, interpolate
from ..settings import ReluNetwork
from ..simulate import label_noise_sgd
from . import Size
from .stages import spaced_records, staged

__all__ = ["ReluInterpolants", "convexity_changes", "random_interpolant", "run", "slopes"]

X = (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)
Y = (0.4, 0.0, -0.4, -0.2, -0.5, -0.8)
WIDTH = 40
# Label noise shakes the predictions by about 0.01: bends within MARGIN of the first or last datum, where a kink on
# that datum is carried to and fro, and turns of slope below TOLERANCE are noise. The data's slopes turn by over 1.2.
# Both were chosen after a first look. At seed 0 every tolerance from 0.1 to 0.8 ends at one change in all six chains;
# at 0.05 they end at 1, 3, 2, 2, 1, 3, and at 0.02 at 1, 3, 2, 2, 2, 3. FINE is below what noise leaves.
MARGIN, TOLERANCE, FINE = 0.05, 0.2, 0.02
STAGES = ((0.02, 0.1, 8_000_000), (0.01, 0.05, 6_000_000), (0.002, 0.05, 6_000_000))  # lr, noise_std, steps


@dataclass(frozen=True, eq=False)
class ReluInterpolants:
    """One chain a random start; index 0 along records is the start itself."""

    x: Array  # (n,)
    y: Array  # (n,)
    grid: Array  # (points,)
    before: Array = field(metadata={"resolution": 1e-12})  # h on the grid (chains, points)
    after: Array = field(metadata={"resolution": 1e-12})
    steps: Integers  # (records,)
    stage_ends: Integers  # (stages,)
    reg: Array  # (chains, records)
    convexity_changes: Integers  # (chains, records)
    fine_changes: Integers  # at the end, turns of slope down to FINE counted (chains,)
    quiet: Array = field(
        metadata={"resolution": 1e-12}
    )  # h on the grid at the end without label noise (chains, points)
    quiet_changes: Integers  # of convexity (chains,)
    quiet_loss: Array = field(metadata={"resolution": 1e-20})  # (chains,)
    tolerance: float
    margin: float


def run(rng: RandomSource, size: Size = "full") -> ReluInterpolants:
    """Run the stages from random interpolating networks."""
    rng = generator(rng)
    chains, shrink, records = one_of("size", size, {"full": (6, 1, 40), "quick": (2, 50, 10)})
    setting = ReluNetwork(X, Y, WIDTH)
    start = np.stack([random_interpolant(setting, rng) for _ in range(chains)])
    how, ends = staged(STAGES, shrink)
    found = label_noise_sgd(setting, start, **how, rng=rng, chains=chains, record=spaced_records(ends, records))
    theta = found.theta
    grid = np.linspace(X[0], X[-1], 401)
    quiet = label_noise_sgd(setting, start, **how | {"noise_std": 0.0}, rng=rng, chains=chains)
    states = (theta[:, 0], theta[:, -1], quiet.theta[:, -1])
    before, after, without = (setting.h(state[:, None, :], grid) for state in states)

    def changes(states, tolerance=TOLERANCE):
        return np.array([convexity_changes(slopes(setting, state), tolerance=tolerance) for state in states])

    return ReluInterpolants(
        x=setting.x,
        y=setting.y,
        grid=grid,
        before=before,
        after=after,
        steps=found.steps,
        stage_ends=ends,
        reg=found.reg,
        convexity_changes=np.array([changes(chain) for chain in theta]),
        fine_changes=changes(theta[:, -1], FINE),
        quiet=without,
        quiet_changes=changes(quiet.theta[:, -1]),
        quiet_loss=quiet.loss[:, -1],
        tolerance=TOLERANCE,
        margin=MARGIN,
    )


def slopes(setting: ReluNetwork, theta: Array) -> Array:
    """The network's slopes from left to right on [min x + MARGIN, max x − MARGIN]: one more than it has kinks there."""
    function = network_function(setting, theta)
    first = np.searchsorted(function.kinks, setting.x.min() + MARGIN, "right")
    last = np.searchsorted(function.kinks, setting.x.max() - MARGIN)
    return function.slopes[first : last + 1]


def convexity_changes(slopes: Sequence[float] | Array, *, tolerance: float) -> int:
    """How often a sequence of slopes turns from rising to falling or back by more than the tolerance.

    Smaller turns, which noise makes all the time, count for nothing.

    >>> convexity_changes([0.0, 1.0, 1.01, 1.0, 2.0, -1.0], tolerance=0.1)
    1
    """
    turns, rising = 0, None
    low = high = slopes[0]
    for slope in slopes:
        low, high = min(low, slope), max(high, slope)
        if rising is not False and high - slope > tolerance:  # fell from the highest
            turns += rising is True
            rising, low = False, slope
        elif rising is not True and slope - low > tolerance:
            turns += rising is False
            rising, high = True, slope
    return turns


def random_interpolant(setting: ReluNetwork, rng: np.random.Generator) -> Array:
    """A network with random kinks around the data, brought onto them; redrawn where its dead neurons cannot fit."""
    for _ in range(1000):
        a, c = rng.standard_normal((2, setting.width))
        kinks = rng.uniform(-1.2, 1.2, size=setting.width)
        try:
            return interpolate(setting, setting.pack(a=a, b=-a * kinks, c=c, alpha=0.0, beta=0.0))
        except InterpolationError:
            continue
    raise RuntimeError("relu_interpolants: expected a network that can fit the data within 1000 draws, got none")
