"""What tells whether code that is given again is the code that made a run: what it gave then, to the last bit."""

import numpy as np

from ..arguments import Array
from .draws import draw_noise
from .plan import Plan
from .segments import advance, observed_at
from .state import State

__all__ = ["witness"]

NOISES = 4


def witness(plan: Plan, begun: State) -> Array:
    """Of the first chain: θ after one step, some noises, what is observed at the start, and rates; (k,).

    Rates are those of the steps 0, 1, 3, 7, … of the run: of a longer run come the same ones first.
    """
    first = begun.rows(slice(0, 1)).copy()
    noise = draw_noise(
        plan.noise, first.streams[0].copy().noise, (NOISES, plan.sampling.batch_size * plan.sampling.outputs)
    )
    parts = [noise, *observed_at(plan.observe, plan.setting, plan.back(first.theta[:, None], first.start)).values()]
    if plan.steps:
        parts.append(advance(plan, first, 1).state.theta)
        doubled = 2 ** np.arange(int(plan.steps).bit_length()) - 1
        rates = [plan.schedule.at(np.array([step]), plan.setting.n) for step in doubled if step < plan.steps]
        parts += [np.concatenate([np.ravel(values) for values in at]) for at in rates]
    return np.concatenate([np.ravel(part).astype(np.float64) for part in parts])
