"""The loop behind every run of SGD and of its diffusion: chains, and segments of drawn noise.

A chain's path is a pure function of its start and of its draws. It depends neither on threads nor on the length of a
segment.
"""

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from threading import Event

import numpy as np
from numpy.typing import NDArray

from ..arguments import Array
from ..numeric.fluctuations.sampling import Sampling
from ..progress import progress_bar
from ..settings import Setting
from .draws import Law, draw, draws_per_step, spawn_streams
from .loss_gradient import loss_gradient
from .provenance import Engine

__all__ = ["run"]

SEGMENT = 1 << 14  # noises in one chain's segment: 128 kB, as much again for indices
BLOCK = 1 << 22  # noises in a segment of all chains that advance together: 32 MB, as much again for indices


def run(
    setting: Setting,
    theta: Array,
    sampling: Sampling,
    *,
    noise: Law,
    steps: int,
    records: NDArray[np.int64],
    rng: np.random.Generator,
    progress: bool,
) -> tuple[Array, Engine]:
    """Run chains from theta (chains, p): the recorded states (chains, records, p), and what took the steps."""
    from .kernels import kernel

    compiled = kernel(setting)
    by_autograd = partial(_steps_by_autograd, setting, loss_gradient(setting, steps))
    take_steps = partial(_steps_compiled, compiled) if compiled else by_autograd
    chains = len(theta)
    blocks = [slice(chain, chain + 1) for chain in range(chains)] if compiled else [slice(0, chains)]
    streams = spawn_streams(rng, chains)
    recorded = np.full((chains, len(records), setting.dim), np.nan)
    if records[0] == 0:
        recorded[:, 0] = theta
    stop = Event()

    def run_block(block):
        take = partial(take_steps, sampling=sampling, records=records, out=recorded[block])
        next_draws = partial(draw, setting, sampling, noise, streams[block])
        length = _segment_length(draws_per_step(setting, sampling), len(theta[block]))
        for taken in _walk(theta[block].copy(), take, next_draws, steps, length):
            bar.update(taken)
            if stop.is_set():
                break

    with progress_bar(chains * steps, unit="step", shown=progress) as bar:
        _run_all(run_block, blocks, stop)
    return recorded, "numba" if compiled else "autograd"


def _segment_length(width, chains):
    """The steps of a segment of chains that take `width` noises a step, so that its arrays are of bounded size."""
    return max(1, min(SEGMENT // width, BLOCK // (width * chains)))


def _walk(state, take_steps, next_draws, steps, length):
    """Take the chains of a block from `state` (chains, p) through the steps; yield how many each segment took."""
    velocity = np.zeros_like(state)
    for first in range(0, steps, length):
        size = min(length, steps - first)
        take_steps(state, velocity, next_draws(size), first=first)
        yield size * len(state)
        if not np.isfinite(state).all(axis=-1).any():
            return


def _run_all(run_block, blocks, stop):
    """One block here, several in threads; the first error or a Ctrl-C stops them all at their next segment."""
    if len(blocks) == 1:
        run_block(blocks[0])
        return
    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:
        try:
            for done in as_completed([pool.submit(run_block, block) for block in blocks]):
                done.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _steps_compiled(compiled, theta, velocity, draws, *, sampling, first, records, out):
    """The compiled steps, chain by chain, in place."""
    for chain, mine in enumerate(zip(*draws, strict=True)):
        try:
            compiled(theta[chain], velocity[chain], *mine, sampling.lr, sampling.momentum, first, records, out[chain])
        except ZeroDivisionError:  # a pole of the activation
            theta[chain] = np.nan


def _steps_by_autograd(setting, gradient, theta, velocity, draws, *, sampling, first, records, out):
    """The same steps by autograd, for any model, over all chains at once, in place."""
    x, y = setting.x, setting.y
    record = np.searchsorted(records, first, side="right")
    with np.errstate(all="ignore"):
        for step in range(draws.noise.shape[1]):
            if draws.indices.shape[-1]:
                x, y = setting.x[draws.indices[:, step]], setting.y[draws.indices[:, step]]
            velocity *= sampling.momentum
            velocity -= gradient(theta, x, y + draws.noise[:, step])
            if draws.gradient_noise.shape[-1]:
                velocity -= draws.gradient_noise[:, step]
            theta += sampling.lr * velocity
            if record < len(records) and records[record] == first + step + 1:
                out[:, record] = theta
                record += 1
