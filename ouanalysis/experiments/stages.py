"""One run whose step size and noise change in stages: what an experiment's rows are to `label_noise_sgd`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import Integers

__all__ = ["spaced_records", "staged"]


def staged(stages: Sequence[tuple[float, float, int]], shrink: int = 1) -> tuple[dict[str, Any], Integers]:
    """`lr`, `noise_std` and `steps` of rows (lr, noise_std, steps), and the steps at which the stages end.

    >>> how, ends = staged([(0.02, 0.1, 600), (0.02, 0.03, 200)])
    >>> how["noise_std"].tolist(), how["steps"], ends.tolist()
    ([[0.0, 0.1], [600.0, 0.03]], 800, [600, 800])
    """
    lr, noise_std, counts = zip(*stages, strict=True)
    ends = np.cumsum([count // shrink for count in counts])
    first = np.append(0, ends[:-1])
    rows = {name: np.column_stack([first, values]) for name, values in (("lr", lr), ("noise_std", noise_std))}
    return {**rows, "steps": int(ends[-1])}, ends


def spaced_records(ends: Integers, many: int) -> Integers:
    """Step 0, and of each stage about so many steps, evenly on a logarithmic scale from its beginning."""
    first = np.append(0, ends[:-1])
    counts = ends - first
    spaced = [np.geomspace(count / many if at else 10, count, many) for at, count in zip(first, counts, strict=True)]
    return np.unique(np.concatenate([[0], *(at + steps.astype(int) for at, steps in zip(first, spaced, strict=True))]))
