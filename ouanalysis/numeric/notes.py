"""What is degenerate at a point, in sentences for the reprs: each names the thing and what follows from it."""

import numpy as np

from ..settings import ReluNetwork
from .kinks import active, kink_clearance, kink_distance

__all__ = ["duplicate_data", "notes_on_noise", "notes_on_point"]

SLOW = 1e6  # steps


def notes_on_point(setting, theta, rank):
    """Duplicate data, rank J < n, dead neurons, a kink on a datum."""
    notes = []
    pairs = duplicate_data(setting)
    if pairs:
        shown = ", ".join(f"x_{i} = x_{j}" for i, j in pairs[:3]) + (", ..." if len(pairs) > 3 else "")
        notes.append(f"{len(pairs)} of the data are duplicates ({shown})")
    if rank < setting.n:
        notes.append(f"J is rank deficient: {rank} of {setting.n}, the law is that of its row space")
    if isinstance(setting, ReluNetwork):
        dead = np.count_nonzero(~active(setting, theta).any(axis=0))
        if dead:
            notes.append(f"{dead} dead ReLU neuron{'s are' if dead > 1 else ' is'} active on no datum")
    if kink_distance(setting, theta) == 0:
        notes.append("a ReLU kink is on a datum: h has no derivative here")
    return notes


def notes_on_noise(setting, theta, noise_std, relaxation_steps):
    """Kinks that the noise of θ (standard deviation noise_std a direction) carries across data, and slow directions."""
    notes = []
    clearance = kink_clearance(setting, theta)
    if 0 < clearance < 4 * noise_std:
        notes.append(
            f"noise of {noise_std:.2g} in theta carries a ReLU kink across a datum (clearance {clearance:.2g}):"
            " the linearisation does not hold"
        )
    if relaxation_steps > SLOW:
        notes.append(f"K is nearly singular: its slowest direction relaxes in {relaxation_steps:.2g} steps")
    return notes


def duplicate_data(setting):
    """The pairs of indices (first, again) of data with the same x."""
    flat = setting.x.reshape(setting.n, -1)
    _, first, group = np.unique(flat, axis=0, return_index=True, return_inverse=True)
    first = first[group.ravel()]
    return [(int(first[j]), j) for j in range(setting.n) if first[j] != j]
