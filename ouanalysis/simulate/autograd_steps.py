"""Steps of SGD by autograd, for any model, all chains of a block at once."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np

from ..numeric import loss, regularizer
from .averages import FLUSH
from .compiled_steps import TakeSteps
from .loss_gradient import Gradient, loss_gradient
from .plan import Plan
from .state import State

__all__ = ["autograd_steps"]

_GRADIENTS: WeakKeyDictionary[Plan, Gradient] = WeakKeyDictionary()


def autograd_steps(plan: Plan) -> TakeSteps:
    """A function that takes chains through their draws from step `first`, in place, and records (chains, k, p)."""
    setting, add_to_sums = plan.walked, _accumulation(plan)
    gradient = _GRADIENTS.setdefault(plan, loss_gradient(setting))  # traced once a run

    def take_steps(state, draws, rates, first, records, out):
        x, y, theta, velocity = setting.x, setting.y, state.theta, state.velocity
        record = np.searchsorted(records, first, side="right")
        shape = len(theta), -1, *setting.y.shape[1:]
        lr, momentum = (np.broadcast_to(rate, draws.noise.shape[1]) for rate in (rates.lr, rates.momentum))
        with np.errstate(all="ignore"):
            for step in range(draws.noise.shape[1]):
                if draws.indices.shape[-1]:
                    x, y = setting.x[draws.indices[:, step]], setting.y[draws.indices[:, step]]
                velocity *= momentum[step]
                velocity -= gradient(theta, x, y + draws.noise[:, step].reshape(shape))
                if draws.gradient_noise.shape[-1]:
                    velocity -= draws.gradient_noise[:, step]
                if plan.weight_decay:
                    velocity -= plan.weight_decay * theta
                theta += lr[step] * velocity
                if record < len(records) and records[record] == first + step + 1:
                    out[:, record] = theta
                    record += 1
                add_to_sums(state, first + step + 1)

    return take_steps


def _accumulation(plan: Plan) -> Callable[[State, int], None]:
    """A function that adds the states after step `taken` to their sums."""
    start, every, measured, directions = plan.averaged
    dim = plan.setting.dim

    def add_to_sums(state, taken):
        if every is None or taken <= start or (taken - start) % every:
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
