"""How far a run has come: where its chains are, and what they have left behind at the records they passed."""

from dataclasses import dataclass

import numpy as np

from ..arguments import Array
from .plan import Plan
from .segments import Piece, observed_at, refuse_shapes
from .state import State
from .storage import Stored

__all__ = ["Snapshot", "restored"]


@dataclass(eq=False)
class Snapshot:
    """What a run has come to; the one thing here that changes, in the hands of the engine alone.

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
            self.observed_rows(name, values.shape[2:])[block, passed] = values
        self.state.put(block, piece.state)

    def observed_rows(self, name: str, shape: tuple[int, ...]) -> Array:
        """The array of one observation, of a shape that its first value tells."""
        whole = (*self.theta.shape[:2], *shape)
        kept = self.observed.setdefault(name, np.full(whole, np.nan))
        if kept.shape != whole:
            refuse_shapes(name, kept.shape[2:], shape)
        return kept


def restored(plan: Plan, run: Stored) -> Snapshot:
    """A run as far as it has come, to go on, from its own state, by a plan with the same records as far as that."""
    state = run.state
    assert state is not None
    snapshot = Snapshot(state, np.full((len(state.theta), len(plan.records), plan.setting.dim), np.nan), {})
    begun, start = state.taken.max() == 0, np.asarray(run.arguments["theta"])
    if begun and plan.records[0] == 0:
        snapshot.theta[:, 0] = start
    known, places = np.isin(plan.records, run.steps), np.searchsorted(run.steps, plan.records)
    snapshot.theta[:, known] = run.theta[:, places[known]]
    for name, values in run.observed.items():
        snapshot.observed_rows(name, values.shape[2:])[:, known] = values[:, places[known]]
    if begun:  # tried before the run, recorded or not
        for name, values in observed_at(plan.observe, plan.setting, start[:, None]).items():
            rows = snapshot.observed_rows(name, values.shape[2:])
            if plan.records[0] == 0:
                rows[:, 0] = values[:, 0]
    return snapshot
