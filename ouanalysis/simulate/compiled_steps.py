"""Steps of SGD by a compiled kernel, one chain at a time."""

from collections.abc import Callable

import numpy as np

from ..arguments import Array, Integers
from ..numeric.fluctuations.schedule import Rates
from .draws import Draws
from .plan import Plan
from .state import State

__all__ = ["TakeSteps", "compiled_loop", "compiled_steps"]

TakeSteps = Callable[[State, Draws, Rates, int, Integers, Array], None]


def compiled_loop(plan: Plan) -> Callable[..., None] | None:
    """The kernel that does what a plan asks for and no more; None for a setting that has none."""
    from .kernels import kernel

    return kernel(plan.setting, averaging=plan.averaging is not None, known_sizes=plan.is_long)


def compiled_steps(plan: Plan, compiled: Callable[..., None]) -> TakeSteps:
    """A function that takes one chain through its draws from step `first`, in place, and records (1, records, p)."""
    averaged = plan.averaged

    def take_steps(state, draws, rates, first, records, out):
        steps = len(draws.noise[0])
        lr, momentum = (np.full(steps, rate) for rate in (rates.lr, rates.momentum))
        (drawn,) = zip(*draws, strict=True)
        (sums,) = zip(state.sums.shift, state.sums.recent, state.sums.total, strict=True)
        how = (*drawn, lr, momentum, plan.weight_decay, first, records, out[0])
        try:
            compiled(state.theta[0], state.velocity[0], *how, *averaged, *sums)
        except ZeroDivisionError:  # a pole of the activation
            state.theta[:] = np.nan

    return take_steps
