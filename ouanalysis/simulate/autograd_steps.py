"""Steps of SGD by autograd, for any model, all chains of a block at once."""

from collections.abc import Callable

import autograd.numpy as anp
import numpy as np
from autograd import grad

from ..numeric import loss, regularizer
from .averages import FLUSH
from .compiled_steps import TakeSteps
from .plan import Plan
from .state import State

__all__ = ["autograd_steps"]


def autograd_steps(plan: Plan) -> TakeSteps:
    """A function that takes chains through their draws from step `first`, in place, and records (chains, k, p)."""
    setting = plan.setting

    def batch_loss(theta, x, labels):
        return anp.sum(anp.mean((setting.h(theta[:, None, :], x) - labels) ** 2, axis=-1))

    gradient, add_to_sums = grad(batch_loss), _accumulation(plan)

    def take_steps(state, draws, rates, first, records, out):
        x, y, theta, velocity = setting.x, setting.y, state.theta, state.velocity
        with np.errstate(all="ignore"):
            for step in range(draws.noise.shape[1]):
                if draws.indices.shape[-1]:
                    x, y = setting.x[draws.indices[:, step]], setting.y[draws.indices[:, step]]
                velocity *= rates.momentum[step]
                velocity -= gradient(theta, x, y + draws.noise[:, step])
                if draws.gradient_noise.shape[-1]:
                    velocity -= draws.gradient_noise[:, step]
                if plan.weight_decay:
                    velocity -= plan.weight_decay * theta
                theta += rates.lr[step] * velocity
                out[:, records == first + step + 1] = theta[:, None]
                add_to_sums(state, first + step + 1)

    return take_steps


def _accumulation(plan: Plan) -> Callable[[State, int], None]:
    """A function that adds the states after step `taken` to their sums."""
    start, every, measured, directions = plan.averaged
    dim = plan.setting.dim

    def add_to_sums(state, taken):
        if not every or taken <= start or (taken - start) % every:
            return
        sums = state.sums
        moved = state.theta - sums.shift
        along = moved @ directions.T
        sums.recent[:, :dim] += moved
        sums.recent[:, dim:-2] += (along[:, :, None] * along[:, None]).reshape(len(along), -1)
        if measured:
            alive = np.isfinite(state.theta).all(axis=1)
            sums.recent[alive, -2] += loss(plan.setting, state.theta[alive])
            sums.recent[alive, -1] += regularizer(plan.setting, state.theta[alive])
        if (taken - start) // every % FLUSH == 0:
            sums.total[:] += sums.recent
            sums.recent[:] = 0.0

    return add_to_sums
