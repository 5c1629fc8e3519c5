"""Checkpoints: a run writes what it has come to every few seconds, so that a process that dies loses no more."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np

from .archive import PathLike, refuse_folder
from .plan import Plan
from .snapshot import Snapshot
from .storage import Stored, write

__all__ = ["checkpoints", "refuse_existing"]

INTERVAL = 5.0  # seconds between two
SHARE = 20  # the most that writing may take, one part of so many of the time


def refuse_existing(path: PathLike) -> None:
    """An error if there is something at the path that a run would overwrite, or if no file can be there."""
    if refuse_folder(path, "checkpoint").exists():
        raise FileExistsError(
            f"checkpoint: expected a new file, got {str(path)!r}, which exists: ouanalysis.resume goes on with it,"
            " if a run wrote it"
        )


def checkpoints(path: PathLike, plan: Plan, made: Stored) -> Callable[[Snapshot, bool], None]:
    """A function that writes what a run has come to, if it is time or if it must; `made` says the rest."""
    due, begun = -np.inf, False
    target = Path(path).absolute()  # the folder in which a process works may change

    def keep(snapshot, must):
        nonlocal due, begun
        began = monotonic()
        if must or began >= due:
            try:
                write(target, replace(made, **_passed(plan, snapshot), checkpoint=True))
            except OSError as error:
                if not begun:
                    raise
                warnings.warn(f"checkpoint: not written, the last is as it was ({error})", stacklevel=2)
            begun = True
            spent = monotonic() - began
            due = began + spent + max(INTERVAL, SHARE * spent)

    return keep


def _passed(plan, snapshot):
    """The state, and what is at the records that some chain has passed."""
    passed = plan.records * plan.inner <= snapshot.state.taken.max()
    observed = {name: values[:, passed] for name, values in snapshot.observed.items()}
    return {
        "state": snapshot.state,
        "steps": plan.records[passed],
        "theta": snapshot.theta[:, passed],
        "observed": observed,
    }
