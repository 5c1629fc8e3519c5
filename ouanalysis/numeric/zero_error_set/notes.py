"""What is degenerate at a point, in sentences for the reprs: each names the thing and what follows from it."""

import warnings

import numpy as np

from ...arguments import Array
from ...settings import Setting
from .derivatives import jacobian
from .generic_rank import rank_is_constant, scaled_rank
from .interpolate import duplicate_data
from .row_space import RowSpace, holds_jacobian

__all__ = ["notes_on_noise", "notes_on_point", "warn_of_rank"]

SLOW = 1e6  # steps


def notes_on_point(setting: Setting, theta: Array, rank: int) -> list[str]:
    """Duplicate data, rank J < n, dead neurons, a kink on a datum, kinks that are not known."""
    notes = []
    pairs = duplicate_data(setting)
    if pairs:
        shown = ", ".join(f"x_{i} = x_{j}" for i, j in pairs[:3]) + (", ..." if len(pairs) > 3 else "")
        notes.append(f"{len(pairs)} of the data {'are duplicates' if len(pairs) > 1 else 'is a duplicate'} ({shown})")
    if rank < setting.rows:
        if not holds_jacobian(setting):
            follows = "by K alone: this holds in the largest directions, whatever lies below √(n eps) of them"
        elif scaled_rank(jacobian(setting, theta)) > rank:
            follows = "as its rows are too different in size to resolve more: this holds in the largest directions"
        elif rank_is_constant(setting, theta):
            follows = "constant about here, so the zero-error set is smooth, of that codimension"
        else:
            follows = "and more beside: the zero-error set need not be smooth, and this holds in its row space alone"
        rows = f"{setting.n} data" + (f" of {setting.outputs} outputs" if setting.outputs > 1 else "")
        notes.append(f"J has rank {rank} for {rows}, {follows}")
    notes += _notes_on_kinks(setting, theta)
    return notes


def _notes_on_kinks(setting, theta):
    notes = []
    if setting.branches.count:
        kinks = setting.kinks(theta)
        dead = np.count_nonzero(kinks.dead)
        if dead:
            notes.append(f"{dead} dead neuron{'s are' if dead > 1 else ' is'} active on no datum")
        if len(kinks.on_data):
            datum, neuron = kinks.on_data[0]
            notes.append(f"a kink is on a datum (neuron {neuron}, x_{datum}): h has no derivative here")
    if setting.branches.unknown:
        remedy = "" if setting.products() else ": see ouanalysis.activations"
        notes.append(f"kinks are not known and not watched for, as {setting.branches.unknown}{remedy}")
    return notes


def notes_on_noise(
    setting: Setting, theta: Array, space: RowSpace, noise_std: float, relaxation_steps: float
) -> list[str]:
    """Kinks that the noise of θ (standard deviation noise_std a direction) carries across data, and slow directions."""
    notes = []
    if setting.branches.count:
        kinks = setting.kinks(theta)
        clearance = np.min(kinks.clearance[:, ~kinks.dead], initial=np.inf)  # noise does not move dead neurons
        if clearance < 4 * noise_std and not len(kinks.on_data):
            notes.append(
                f"noise of {noise_std:.2g} in theta carries a kink across a datum (clearance {clearance:.2g}):"
                " the linearisation does not hold"
            )
    if relaxation_steps > SLOW:
        slow = "K is nearly singular: its" if space.nearly_singular else "lr is small against the curvatures: the"
        notes.append(f"{slow} slowest direction relaxes in {relaxation_steps:.2g} steps")
    return notes


def warn_of_rank(setting: Setting, theta: Array, rank: int) -> None:
    """A UserWarning where the rank of J is lower at theta than about it."""
    if rank < setting.rows and holds_jacobian(setting) and not rank_is_constant(setting, theta):
        warnings.warn(
            f"J has rank {rank} here and a higher one about it: the zero-error set need not be smooth here, and this is"
            " the answer of the row space alone",
            stacklevel=3,
        )
