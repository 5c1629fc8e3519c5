"""What chance decides: the random streams of a chain, and the batches and noises of a segment of its steps.

Noise is data: a chain's path is a pure function of its start and of what it draws, and what it draws does not depend on
how the steps are cut into segments.

Source: theory.md, sections 1 and 6, "Other noises".
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arguments import Array
from ..numeric.fluctuations.label_noise_law import LabelNoiseLaw, draw_label_noise
from ..numeric.fluctuations.sampling import Sampling
from ..settings import Setting
from .normals import fill_standard_normal

__all__ = ["Draws", "Law", "Streams", "draw", "draw_noise", "draw_subsets", "draws_per_step", "rows_of"]
__all__ += ["spawn_streams"]

Law = LabelNoiseLaw[tuple[int, int]]


class Streams:
    """The three random streams of one chain, each made when it is asked for: few runs draw from all of them."""

    def __init__(self, kind: type[np.random.BitGenerator], seed: np.random.SeedSequence) -> None:
        self._kind, self._seed = kind, seed

    @cached_property
    def indices(self) -> np.random.Generator:
        """Of the data of each batch."""
        return self._child(0)

    @cached_property
    def noise(self) -> np.random.Generator:
        """Of the noise on their labels."""
        return self._child(1)

    @cached_property
    def gradient_noise(self) -> np.random.Generator:
        """Of the noise on the gradient."""
        return self._child(2)

    def __iter__(self) -> Iterator[np.random.Generator]:
        return iter((self.indices, self.noise, self.gradient_noise))

    def copy(self) -> "Streams":
        """Streams that give what these will give, while these stay; both spawn from one seed."""
        other = Streams(self._kind, self._seed)
        for name, value in list(vars(self).items()):
            if isinstance(value, np.random.Generator):
                setattr(other, name, _copied(value))
        return other

    def _child(self, place):
        """`seed.spawn(3)[place]` without the others, of a seed that has spawned none."""
        seed = self._seed
        child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, place), pool_size=seed.pool_size)
        return np.random.Generator(self._kind(child))


class Draws(NamedTuple):
    """The randomness of a segment of steps of each chain.

    Attributes
    ----------
    indices : (chains, steps, B) int64 array
        The data of each batch; B = 0 where a batch is all data.
    noise : (chains, steps, B̃) array
        ε_b, in units of y; of k outputs (chains, steps, B̃k), those of a datum side by side.
    gradient_noise : (chains, steps, p) array
        s ξ; (chains, steps, 0) where s = 0.
    """

    indices: NDArray[np.int64]
    noise: Array
    gradient_noise: Array


def spawn_streams(rng: np.random.Generator, chains: int) -> list[Streams]:
    """Streams for each chain; spawning again from the same Generator gives new ones."""
    sequence = rng.bit_generator.seed_seq
    assert isinstance(sequence, np.random.SeedSequence)  # as `Seed.of` demands
    return [Streams(type(rng.bit_generator), seed) for seed in sequence.spawn(chains)]


def draws_per_step(setting: Setting, sampling: Sampling) -> int:
    """How many noises a step of one chain takes."""
    return sampling.batch_size * sampling.outputs + (setting.dim if sampling.gradient_noise_std else 0)


def draw(setting: Setting, sampling: Sampling, law: Law, streams: list[Streams], noise_std: Array, steps: int) -> Draws:
    """The next `steps` steps of the chains that have these streams, with noise_std as `Rates` has it.

    All else is as `sampling` says.
    """
    indices = _draw_batches(setting.n, sampling, streams, steps)
    noise = np.empty((len(streams), steps, sampling.batch_size * sampling.outputs))
    for chain, out in zip(streams, noise, strict=True):
        if isinstance(law, str) and law == "gaussian":
            fill_standard_normal(chain.noise, out)
        else:
            out[:] = draw_noise(law, chain.noise, out.shape)
    gradient_noise = np.empty((len(streams), steps, setting.dim if sampling.gradient_noise_std else 0))
    if gradient_noise.size:
        for chain, out in zip(streams, gradient_noise, strict=True):
            fill_standard_normal(chain.gradient_noise, out)
    if noise_std.shape[1] > 1 and indices.shape[-1]:
        rows = np.arange(steps)[:, None] if len(noise_std) > 1 else 0
        noise *= noise_std[rows, rows_of(indices, sampling.outputs)]
    else:
        noise *= noise_std
    gradient_noise *= sampling.gradient_noise_std
    return Draws(indices, noise, gradient_noise)


def rows_of(indices: NDArray[np.int64], outputs: int) -> NDArray[np.int64]:
    """The rows of J of data (..., B): (..., B·outputs)."""
    if outputs == 1:
        return indices
    rows = indices[..., None] * outputs + np.arange(outputs)
    return rows.reshape(*indices.shape[:-1], -1)


def draw_noise(law: Law, rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """That of `draw_label_noise`, normal numbers by compiled loops."""
    return draw_label_noise(law, rng, size, fill=fill_standard_normal)


def draw_subsets(n: int, rngs: Sequence[np.random.Generator], size: tuple[int, int]) -> NDArray[np.int64]:
    """Batches (chains, steps, B) of distinct indices below n, each set as likely as any other; a chain has its own rng.

    Floyd's algorithm (Bentley & Floyd 1987, doi:10.1145/30401.315746), all steps at once: B integers a step, and one
    that repeats an earlier one gives way to the largest that its place allows.
    """
    largest = np.arange(n - size[1], n)
    indices = np.array([rng.integers(0, largest, size=size, dtype=np.int64, endpoint=True) for rng in rngs])
    for b in range(1, size[1]):
        repeated = np.any(indices[..., :b] == indices[..., b : b + 1], axis=-1)
        indices[repeated, b] = largest[b]
    return indices


def _copied(rng):
    bits = rng.bit_generator
    other = type(bits)(bits.seed_seq)
    other.state = bits.state
    return np.random.Generator(other)


def _draw_batches(n, sampling, streams, steps):
    """Indices (chains, steps, B); (chains, steps, 0) where a batch is all data."""
    if sampling.batch_size == n and not sampling.replacement:
        return np.empty((len(streams), steps, 0), dtype=np.int64)
    size, rngs = (steps, sampling.batch_size), [chain.indices for chain in streams]
    if sampling.replacement:
        drawn = [rng.integers(0, n, size=size, dtype=np.int64) for rng in rngs]
        return drawn[0][None] if len(drawn) == 1 else np.array(drawn)  # a copy takes as long as half the draw
    return draw_subsets(n, rngs, size)
