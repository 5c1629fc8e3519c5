"""The unit of work: a block of chains, advanced from one step to another.

It is pure, so that anybody may do it anywhere: a chain's path is a function of its start and of its draws, and depends
neither on who walks it nor on how it is cut into pieces and segments.
"""

from collections.abc import Mapping
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple, NoReturn

import numpy as np

from ..arguments import Array, as_array
from ..settings import Setting
from .autograd_steps import autograd_steps
from .compiled_steps import compiled_loop, compiled_steps
from .draws import draw, draws_per_step
from .plan import Observer, Plan
from .state import State

__all__ = ["Piece", "advance", "observed_at", "refuse_shapes", "segment_length"]

SEGMENT = 1 << 14  # noises in one chain's segment: 128 kB, as much again for indices
BLOCK = 1 << 22  # noises in a segment of all chains that advance together: 32 MB, as much again for indices


class Piece(NamedTuple):
    """What came of it.

    Attributes
    ----------
    state : State
    theta : (chains, records, p) array
        The states at the records on the way; NaN where a chain was not followed as it had diverged.
    observed : dict of (chains, records, …) arrays
        Empty where no state is finite.
    seconds : float
    """

    state: State
    theta: Array
    observed: dict[str, Array]
    seconds: float


def advance(plan: Plan, state: State, until: int) -> Piece:
    """Take chains that stand at the same step on to the step `until`, both in steps taken."""
    began = perf_counter()
    state = state.copy()
    compiled = compiled_loop(plan)
    take_steps = compiled_steps(plan, compiled) if compiled else autograd_steps(plan)
    first = int(state.taken[0])
    records = plan.records * plan.inner
    records = records[(records > first) & (records <= until)]
    theta = np.full((len(state.theta), len(records), plan.walked.dim), np.nan)
    rates = lru_cache(maxsize=1)(plan.rates)  # those of one short segment serve all chains
    # A kernel takes chain after chain: those whose draws make one segment together, of a long run one.
    together = max(1, segment_length(plan, 1) // max(1, until - first)) if compiled else max(1, len(theta))
    with np.errstate(all="ignore"):  # a chain that overflows has diverged
        for chains in (slice(k, k + together) for k in range(0, len(theta), together)):
            _walk(plan, state.rows(chains), until, take_steps, rates, records, theta[chains])
    state.taken[:] = until
    theta = plan.back(theta, state.start)
    return Piece(state, theta, observed_at(plan.observe, plan.setting, theta), perf_counter() - began)


def segment_length(plan: Plan, chains: int) -> int:
    """The steps of a segment of chains that advance together, so that its arrays are of bounded size."""
    width = draws_per_step(plan.setting, plan.sampling)
    return max(1, min(SEGMENT // width, BLOCK // (width * chains)))


def observed_at(observe: Mapping[str, Observer], setting: Setting, theta: Array) -> dict[str, Array]:
    """What the functions give at records theta (chains, records, p), asked for the finite states at one record.

    NaN where a state is not finite; of no finite state at all nothing, not even a shape, is known.
    """
    alive = np.isfinite(theta).all(axis=-1)
    if not alive.any():
        return {}
    return {name: _observed(name, function, setting, theta, alive) for name, function in observe.items()}


def _observed(name, function, setting, theta, alive):
    values = None
    for record in np.flatnonzero(alive.any(axis=0)):
        chains = alive[:, record]
        row = _observed_row(name, function, setting, theta[chains, record])
        if values is None:
            values = np.full((*alive.shape, *row.shape[1:]), np.nan)
        if row.shape[1:] != values.shape[2:]:
            refuse_shapes(name, values.shape[2:], row.shape[1:])
        values[chains, record] = row
    return values


def _observed_row(name, function, setting, theta):
    shape = theta.shape
    with np.errstate(all="ignore"):  # of a loss that overflows
        row = as_array(f"observe[{name!r}]", function(setting, theta))
    if row.dtype.kind not in "biuf" or row.shape[:1] != shape[:1]:
        raise ValueError(
            f"observe[{name!r}]: expected real numbers of shape ({shape[0]}, ...) for theta {shape}, got"
            f" {row.dtype} of shape {row.shape}"
        )
    return row


def refuse_shapes(name: str, one: tuple[int, ...], other: tuple[int, ...]) -> NoReturn:
    """The error of an observation whose values are not of one shape."""
    raise ValueError(f"observe[{name!r}]: expected values of one shape, got {one} and {other}")


def _walk(plan, state, until, take_steps, rates_of, records, out):
    """Take chains through segments, in place."""
    at, length, sampling = int(state.taken[0]), segment_length(plan, len(state.theta)), plan.sampling
    begin = plan.averaging.start * plan.inner if plan.averaging else at
    while at < until:
        if at == begin:
            state.sums.shift[:] = state.theta
        last = min(at + length, until, begin if at < begin else until)
        rates = rates_of(at, last - at)
        draws = draw(plan.setting, sampling, plan.noise, state.streams, rates.noise_std, last - at)
        take_steps(state, draws, rates, at, records, out)
        alive = np.isfinite(state.theta).all(axis=-1)
        state.sums.total[~alive] = np.nan
        if not alive.any():
            return
        at = last
