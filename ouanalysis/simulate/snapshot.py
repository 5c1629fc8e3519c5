"""How far a run has come: where its chains are, and what they have left behind at the records they passed."""

from dataclasses import dataclass

import numpy as np

from ..arguments import Array
from .plan import Plan
from .segments import Piece, observed_at
from .state import State

__all__ = ["Snapshot", "beginning"]


@dataclass(eq=False)
class Snapshot:
    """What a run has come to; the one thing here that changes, in the hands of `engine.run` alone.

    Attributes
    ----------
    state : State
    theta : (chains, records, p) array
        NaN at records that are not reached.
    observed : dict of (chains, records, …) arrays
    """

    state: State
    theta: Array
    observed: dict[str, Array]

    def take(self, plan: Plan, block: slice, piece: Piece) -> None:
        """Put in what came of a piece of a block of chains."""
        records = plan.records * plan.inner
        first = np.searchsorted(records, self.state.taken[block][0], side="right")
        passed = slice(first, first + piece.theta.shape[1])
        self.theta[block, passed] = piece.theta
        for name, values in piece.observed.items():
            if passed.start < passed.stop:
                self.observed_rows(name, values.shape[2:])[block, passed] = values
        self.state.put(block, piece.state)

    def observed_rows(self, name: str, shape: tuple[int, ...]) -> Array:
        """The array of one observation, of a shape that its first value tells."""
        whole = (*self.theta.shape[:2], *shape)
        kept = self.observed.setdefault(name, np.full(whole, np.nan))
        if kept.shape != whole:
            raise ValueError(f"observe[{name!r}]: expected values of one shape, got {kept.shape[2:]} and {shape}")
        return kept


def beginning(plan: Plan, state: State) -> Snapshot:
    """Before the first step."""
    chains, dim = state.theta.shape
    snapshot = Snapshot(state, np.full((chains, len(plan.records), dim), np.nan), {})
    if plan.records[0] == 0:
        snapshot.theta[:, 0] = state.theta
    first = observed_at(plan.observe, plan.setting, state.theta[:, None])  # tried before the run, recorded or not
    for name, values in first.items():
        rows = snapshot.observed_rows(name, values.shape[2:])
        if plan.records[0] == 0:
            rows[:, 0] = values[:, 0]
    return snapshot
