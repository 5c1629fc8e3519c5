"""Where chains are: all that their further path depends on."""

from dataclasses import dataclass

import numpy as np

from ..arguments import Array, Integers
from .averages import Averaging, Sums
from .draws import Streams, spawn_streams

__all__ = ["State", "could_be", "initial_state"]


@dataclass(frozen=True, eq=False)
class State:
    """Some chains after some steps.

    Attributes
    ----------
    taken : (chains,) int64 array
        The steps taken; Euler steps of a diffusion.
    theta, velocity : (chains, p) array
        Or (chains, k), the coordinates of `Setting.reduction` that are walked in the place of θ.
    streams : list of Streams
        The random streams of each chain, as far as they are drawn.
    sums : Sums
    start : (chains, p) array, optional
        Where the chains began in θ, if not θ is walked.
    """

    taken: Integers
    theta: Array
    velocity: Array
    streams: list[Streams]
    sums: Sums
    start: Array | None

    def copy(self) -> "State":
        """One that can go on while this stays."""
        streams = [chain.copy() for chain in self.streams]
        return State(self.taken.copy(), self.theta.copy(), self.velocity.copy(), streams, self.sums.copy(), self.start)

    def rows(self, chosen: slice) -> "State":
        """That of some chains, not copied."""
        return State(
            self.taken[chosen],
            self.theta[chosen],
            self.velocity[chosen],
            self.streams[chosen],
            self.sums.rows(chosen),
            None if self.start is None else self.start[chosen],
        )

    def put(self, chosen: slice, other: "State") -> None:
        """Put other chains in the place of some."""
        for name in ("taken", "theta", "velocity", "streams"):
            getattr(self, name)[chosen] = getattr(other, name)
        for name in ("shift", "recent", "total"):
            getattr(self.sums, name)[chosen] = getattr(other.sums, name)


def initial_state(
    theta: Array, averaging: Averaging | None, rng: np.random.Generator, *, start: Array | None = None
) -> State:
    """Chains at rest at theta, or at what is walked in its place, with streams spawned from rng."""
    taken, streams = np.zeros(len(theta), dtype=np.int64), spawn_streams(rng, len(theta))
    return State(taken, theta.copy(), np.zeros_like(theta), streams, Sums.zero(averaging, theta), start)


def could_be(state: State, chains: int, dim: int, averaging: Averaging | None, steps: int) -> bool:
    """Whether it is one of so many chains within so many steps taken: one from a file may be anything."""
    if state.start is not None:
        dim = min(dim, state.theta.shape[-1])
    terms, sums = averaging.terms(dim) if averaging else 0, state.sums
    shapes = [(array, (chains, dim)) for array in (state.theta, state.velocity, sums.shift)]
    shapes += [(array, (chains, terms)) for array in (sums.recent, sums.total)]
    return (
        all((array.shape, array.dtype) == (shape, np.float64) for array, shape in shapes)
        and (state.taken.shape, state.taken.dtype, len(state.streams)) == ((chains,), np.int64, chains)
        and state.taken.min() >= 0
        and state.taken.max() <= steps
    )
