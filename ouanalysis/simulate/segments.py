"""The loop behind every run of SGD and of its diffusion: chains, their streams, and segments of drawn noise.

Noise is data: each chain spawns two streams, `indices` and `noise`, and a chain's path is a pure function of its
start and their draws. It depends neither on threads nor on the length of a segment.
"""

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from threading import Event
from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import grad

from ..arguments import real_array
from ..progress import progress_bar

__all__ = ["Streams", "draw_noise", "run", "spawn_streams"]

SEGMENT = 4096  # noises in one chain's segment: 64 kB of indices and noise
BLOCK = 1 << 20  # noises in a segment of all chains that advance together: 16 MB


class Streams(NamedTuple):
    """The two random streams of one chain."""

    indices: np.random.Generator
    noise: np.random.Generator


def spawn_streams(rng, chains):
    """Two streams for each chain; spawning again from the same Generator gives new ones."""
    return [Streams(*chain.spawn(2)) for chain in rng.spawn(chains)]


def draw_noise(law, rng, size):
    """Symmetric noise of unit variance: "gaussian", "rademacher" (±1), or law(rng, size)."""
    if callable(law):
        return real_array("noise", law(rng, size), shape=size)
    if law == "gaussian":
        return rng.standard_normal(size)
    return 2.0 * rng.integers(0, 2, size=size, dtype=np.int64) - 1.0


def run(setting, theta, *, lr, momentum, noise_std, noise, batch_size, steps, records, rng, progress):
    """Run len(theta) chains; theta (chains, p) gives the recorded states (chains, records, p)."""
    from .kernels import kernel

    compiled = kernel(setting)
    take_steps = partial(_advance_each, compiled) if compiled else partial(_advance_all, setting)
    chains = len(theta)
    blocks = [slice(chain, chain + 1) for chain in range(chains)] if compiled else [slice(0, chains)]
    streams = spawn_streams(rng, chains)
    out = np.full((chains, len(records), setting.dim), np.nan)
    if records[0] == 0:
        out[:, 0] = theta
    batch = setting.n if batch_size == "full" else batch_size
    stop = Event()

    def run_block(block):
        state, velocity, mine = theta[block].copy(), np.zeros_like(theta[block]), streams[block]
        length = max(1, min(SEGMENT // batch, BLOCK // (batch * len(state))))
        for first in range(0, steps, length):
            size = min(length, steps - first)
            indices, noises = zip(*(_draw(setting, chain, noise, batch_size, size) for chain in mine), strict=True)
            with np.errstate(all="ignore"):  # a chain that overflows has diverged
                scaled = noise_std * np.stack(noises)
            take_steps(state, velocity, np.stack(indices), scaled, lr, momentum, first, records, out[block])
            bar.update(size * len(state))
            if stop.is_set() or not np.isfinite(state).all(axis=-1).any():
                break

    with progress_bar(chains * steps, unit="step", shown=progress) as bar:
        _run_all(run_block, blocks, stop)
    return out


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


def _draw(setting, streams, law, batch_size, size):
    """One chain's (indices (size, B), noise (size, B)) for the next `size` steps; no indices for a full batch."""
    if batch_size == "full":
        return np.empty((size, 0), dtype=np.int64), draw_noise(law, streams.noise, (size, setting.n))
    indices = streams.indices.integers(0, setting.n, size=(size, batch_size), dtype=np.int64)
    return indices, draw_noise(law, streams.noise, (size, batch_size))


def _advance_each(compiled, theta, velocity, indices, noise, lr, momentum, first, records, out):
    """The compiled steps, chain by chain, in place."""
    for chain in range(len(theta)):
        try:
            compiled(
                theta[chain], velocity[chain], indices[chain], noise[chain], lr, momentum, first, records, out[chain]
            )
        except ZeroDivisionError:  # a pole of the activation
            theta[chain] = np.nan


def _advance_all(setting, theta, velocity, indices, noise, lr, momentum, first, records, out):
    """The same steps by autograd, for any model, over all chains at once, in place."""

    def batch_loss(theta, x, labels):
        return anp.sum(anp.mean((setting.h(theta[:, None, :], x) - labels) ** 2, axis=-1))

    gradient = grad(batch_loss)
    x, y = setting.x, setting.y
    with np.errstate(all="ignore"):
        for step in range(noise.shape[1]):
            if indices.shape[-1]:
                x, y = setting.x[indices[:, step]], setting.y[indices[:, step]]
            velocity *= momentum
            velocity -= gradient(theta, x, y + noise[:, step])
            theta += lr * velocity
            out[:, records == first + step + 1] = theta[:, None]
