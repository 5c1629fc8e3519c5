"""What is degenerate at a point, in sentences for the reprs: each names the thing and what follows from it."""

import warnings

import numpy as np

from .kinks import kink_clearances, kink_on_datum, preactivations
from .manifold import duplicate_data

__all__ = ["notes_on_noise", "notes_on_point", "warn_of_rank"]

SLOW = 1e6  # steps


def notes_on_point(setting, theta, rank):
    """Duplicate data, rank J < n, dead neurons, a kink on a datum."""
    notes = []
    pairs = duplicate_data(setting)
    if pairs:
        shown = ", ".join(f"x_{i} = x_{j}" for i, j in pairs[:3]) + (", ..." if len(pairs) > 3 else "")
        notes.append(f"{len(pairs)} of the data {'are duplicates' if len(pairs) > 1 else 'is a duplicate'} ({shown})")
    if rank < setting.n:
        notes.append(f"J is rank deficient: {rank} of {setting.n}, and this holds in its row space alone")
    dead = np.count_nonzero(np.all(preactivations(setting, theta) <= 0, axis=0))
    if dead:
        notes.append(f"{dead} dead ReLU neuron{'s are' if dead > 1 else ' is'} active on no datum")
    found = kink_on_datum(setting, theta)
    if found:
        notes.append(f"a ReLU kink is on a datum (neuron {found[1]}, x_{found[0]}): h has no derivative here")
    return notes


def notes_on_noise(setting, theta, noise_std, relaxation_steps):
    """Kinks that the noise of θ (standard deviation noise_std a direction) carries across data, and slow directions."""
    notes = []
    clearances = kink_clearances(setting, theta)
    live = np.any(preactivations(setting, theta) > 0, axis=0)  # noise does not move dead neurons
    clearance = np.min(clearances[:, live], initial=np.inf)
    if clearance < 4 * noise_std and not kink_on_datum(setting, theta):
        notes.append(
            f"noise of {noise_std:.2g} in theta carries a ReLU kink across a datum (clearance {clearance:.2g}):"
            " the linearisation does not hold"
        )
    if relaxation_steps > SLOW:
        notes.append(f"K is nearly singular: its slowest direction relaxes in {relaxation_steps:.2g} steps")
    return notes


def warn_of_rank(setting, rank):
    """A UserWarning where J has a lower rank than there are different data."""
    different = setting.n - len(duplicate_data(setting))
    if rank < different:
        warnings.warn(
            f"J has rank {rank} for {different} different data: the zero-error set need not be smooth here, and this is"
            " the answer of the row space alone",
            stacklevel=3,
        )
