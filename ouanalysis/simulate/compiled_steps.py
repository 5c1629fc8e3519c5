"""Steps of SGD by a compiled kernel, one chain after the other."""

from collections.abc import Callable

import numpy as np

from ..arguments import Array, Integers
from ..numeric.fluctuations.schedule import Rates
from .draws import Draws, rows_of
from .plan import Plan
from .state import State

__all__ = ["TakeSteps", "compiled_loop", "compiled_steps"]

TakeSteps = Callable[[State, Draws, Rates, int, Integers, Array], None]


def compiled_loop(plan: Plan) -> Callable[..., None] | None:
    """The kernel that does what a plan asks for and no more; None for a setting that has none."""
    from .kernels import kernel

    return kernel(plan.walked, averaging=plan.averaging is not None, known_sizes=plan.is_long)


def compiled_steps(plan: Plan, compiled: Callable[..., None]) -> TakeSteps:
    """A function that takes chains through their draws from step `first`, in place, and records (chains, k, p)."""
    averaged, outputs = plan.averaged, plan.walked.outputs

    def take_steps(state, draws, rates, first, records, out):
        lr, momentum = (np.full(draws.noise.shape[1], rate) for rate in (rates.lr, rates.momentum))
        sums = state.sums.shift, state.sums.recent, state.sums.total
        draws = draws._replace(indices=rows_of(draws.indices, outputs))
        for theta, velocity, *drawn, recorded, shift, recent, total in zip(
            state.theta, state.velocity, *draws, out, *sums, strict=True
        ):
            how = (*drawn, lr, momentum, plan.weight_decay, first, records, recorded)
            try:
                compiled(theta, velocity, *how, *averaged, shift, recent, total, outputs)
            except ZeroDivisionError:  # a pole of the activation
                theta[:] = np.nan

    return take_steps
