"""What a run leaves behind."""

from dataclasses import dataclass

import numpy as np

from ..arguments import count, in_one_line, real_array
from ..numeric import loss, regularizer

__all__ = ["Trajectory", "observe", "record_steps"]


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """The recorded states of an ensemble of chains.

    Attributes
    ----------
    theta : (chains, records, p) array
        NaN where a chain had diverged.
    steps : (records,) int array
        After how many steps each record was taken; the last is the end of the run.
    loss, reg : (chains, records) array
        L(θ) against the clean labels, and reg(θ).
    status : (chains,) array of str
        "finished", or "diverged" if θ or L overflowed; a diverged chain is recorded no further.
    """

    theta: np.ndarray
    steps: np.ndarray
    loss: np.ndarray
    reg: np.ndarray
    status: np.ndarray

    @property
    def diverged(self):
        """(chains,) bool array."""
        return self.status == "diverged"

    def __repr__(self):
        chains, records, dim = self.theta.shape
        lost = np.count_nonzero(self.diverged)
        fate = f"{lost} of {chains} chains diverged" if lost else "all finished"
        return f"Trajectory(chains={chains}, records={records}, dim={dim}, steps={self.steps[-1]}, {fate})"


def observe(setting, theta, steps):
    """The Trajectory of recorded states (chains, records, p); overflow becomes NaN and a status."""
    with np.errstate(all="ignore"):
        alive = np.isfinite(theta).all(axis=-1)
        losses, regs = np.full((2, *alive.shape), np.nan)
        losses[alive] = loss(setting, theta[alive])
        regs[alive] = regularizer(setting, theta[alive])
    alive = np.logical_and.accumulate(np.isfinite(losses) & np.isfinite(regs), axis=1)
    theta[~alive] = losses[~alive] = regs[~alive] = np.nan
    status = np.where(alive[:, -1], "finished", "diverged")
    return Trajectory(theta, steps, losses, regs, status)


def record_steps(record, steps):
    """The increasing int64 steps at which to record: None, a stride or the steps themselves; the last is always in."""
    if record is None:
        return np.array([steps])
    if np.ndim(record) == 0:
        return np.unique(np.append(np.arange(0, steps, count("record", record, least=1)), steps))
    given = real_array("record", record, shape=("records",))
    wanted = f"increasing integers from 0 to {steps}"
    if not np.array_equal(given, np.round(given)):
        raise ValueError(f"record: expected {wanted}, got {given[given != np.round(given)][0]:g}")
    if np.any(np.diff(given) <= 0) or given[0] < 0 or given[-1] > steps:
        raise ValueError(f"record: expected {wanted}, got {in_one_line(given)}")
    return np.unique(np.append(given.astype(np.int64), steps))
