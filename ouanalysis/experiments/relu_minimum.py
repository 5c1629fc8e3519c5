"""One ReLU network before and after label noise beside the simplest function through its data: theory.md, section 4.2.

The six points of `relu_interpolants`: three on one line and three on another. The least regularizer is that of a
second-order cone program; w± is what a bend costs where it is.
"""

from dataclasses import dataclass, field

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..minima import certify, kink_cost, minimum
from ..minima.kink_costs import Side
from ..settings import ReluNetwork
from ..simulate import Averaging, label_noise_sgd
from . import Size
from .relu_interpolants import WIDTH, X, Y, random_interpolant
from .stages import staged

__all__ = ["ReluMinimum", "run"]

STAGES = (  # lr, noise_std, steps
    (0.01, 0.3, 1_000_000),
    (0.03, 0.3, 1_000_000),
    (0.03, 0.1, 1_000_000),
    (0.01, 0.03, 1_000_000),
)


@dataclass(frozen=True, eq=False)
class ReluMinimum:
    """The functions on a grid, and the cost of a unit bend on it."""

    x: Array  # (n,)
    y: Array  # (n,)
    grid: Array  # (points,), with no point on a datum
    before: Array  # h of a random network through the data (points,)
    after: Array  # h after label noise, averaged over the second half of the last stage (points,)
    optimal: Array  # the simplest function (points,)
    optimal_kinks: Array  # (kinks,)
    reg: Array  # before, after, least
    relative_gap: Array  # before, after
    solver_gap: float = field(metadata={"resolution": 1e-7})  # relative to the least
    cost_right: Array  # w₊ on the grid (points,)
    cost_left: Array
    cost_at_data: Array  # w₊ and w₋ at the data (2, n)
    cost_limit: Array  # their other one-sided limits there (2, n)


def run(rng: RandomSource, size: Size = "full") -> ReluMinimum:
    """Run one chain through the stages."""
    rng = generator(rng)
    shrink = one_of("size", size, {"full": 1, "quick": 50})
    setting = ReluNetwork(X, Y, WIDTH)
    start = random_interpolant(setting, rng)
    how, ends = staged(STAGES, shrink)
    late = Averaging(start=(ends[-2] + ends[-1]) // 2)
    averages = label_noise_sgd(setting, start, **how, rng=rng, average=late).averages
    assert averages is not None
    average = averages.theta[0]
    least = minimum(setting)
    grid = np.linspace(X[0], X[-1], 1002)[1:-1] + 1e-7
    gaps = certify(setting, np.stack([start, average]))
    sides: tuple[tuple[Side, Side], ...] = (("right", "left"), ("left", "right"))
    return ReluMinimum(
        x=setting.x,
        y=setting.y,
        grid=grid,
        before=setting.h(start[None, :], grid),
        after=setting.h(average[None, :], grid),
        optimal=least.function(grid),
        optimal_kinks=least.function.kinks,
        reg=np.append(gaps.reg, least.value),
        relative_gap=gaps.relative_gap,
        solver_gap=float(least.gap / least.value),
        cost_right=kink_cost(X, grid, facing="right"),
        cost_left=kink_cost(X, grid, facing="left"),
        cost_at_data=np.stack([kink_cost(X, X, facing=side) for side, _ in sides]),
        cost_limit=np.stack([kink_cost(X, X, facing=side, limit=other) for side, other in sides]),
    )
