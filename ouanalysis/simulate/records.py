"""Which steps of a run are recorded, and what that takes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arguments import Integers, Reals, as_array, count, in_one_line, real_array

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["record_steps", "refuse_memory"]

A_DECADE = 20  # records of record="log"
RECORD = 24.0  # bytes of a recorded number: as it is written down, in the run that is given back, and on the way
CHAIN = 40.0  # of a parameter of a chain: its start, state, velocity and their copies
STREAMS = 3400.0  # of the random streams of a chain


def record_steps(record: Reals | Literal["log"] | None, steps: int, size: int) -> tuple[Any, Integers]:
    """The argument as it is kept, and the increasing steps that it stands for; the last of the run is always in.

    None, "log" (0 and about 20 a decade), a stride or the steps themselves. A record holds `size` numbers: a stride of
    more of them than memory holds is refused before they are listed.
    """
    if record is None:
        return None, np.array([steps], dtype=np.int64)
    if isinstance(record, str):
        if record != "log":
            raise ValueError(f'record: expected None, "log", a stride or increasing steps, got {record!r}')
        decades = np.arange(0, A_DECADE * np.log10(max(steps, 1)) + 1)
        every = np.round(10 ** (decades / A_DECADE)).astype(np.int64)
        return record, np.unique(np.concatenate([[0], every[every <= steps], [steps]]))
    if as_array("record", record).ndim == 0:
        stride = count("record", record, least=1)
        records = steps // stride + 1
        _refuse_bytes(RECORD * records * size, "record", f"{records:.3g} records of {size} numbers")
        return stride, np.unique(np.append(np.arange(0, steps, stride), steps))
    given = real_array("record", record, shape=("records",))
    wanted = f"increasing integers from 0 to {steps}"
    if not np.array_equal(given, np.round(given)):
        raise ValueError(f"record: expected {wanted}, got {given[given != np.round(given)][0]:g}")
    if np.any(np.diff(given) <= 0) or given[0] < 0 or given[-1] > steps:
        raise ValueError(f"record: expected {wanted}, got {in_one_line(np.asarray(record))}")
    kept = given.astype(np.int64)
    return kept, np.unique(np.append(kept, steps))


def refuse_memory(plan: "Plan", chains: int) -> None:
    """A ValueError if what the run is to keep is more than the memory of this machine."""
    dim, records = plan.setting.dim, len(plan.records)
    _refuse_bytes(chains * (CHAIN * dim + STREAMS), "chains", f"{chains} chains of {dim} parameters")
    asked = f"{chains} chains at {records} records of {dim} parameters"
    _refuse_bytes(RECORD * chains * records * dim, "record", asked)
    if plan.averaging is not None:
        terms = plan.averaging.terms(dim)
        _refuse_bytes(16.0 * chains * terms, "average", f"{chains} chains of {terms} sums")


def _refuse_bytes(wanted, name, asked):
    least = _memory()
    if wanted > least:
        remedy = {
            "record": 'a larger stride or record="log", and average= for what is wanted of every step',
            "chains": "fewer",
            "average": "a basis of fewer columns, or fewer chains",
        }
        raise ValueError(
            f"{name}: expected what fits in {least / 2**30:.3g} GiB of memory, got {asked}, which take"
            f" {wanted / 2**30:.3g} GiB: pass {remedy[name]}"
        )


def _memory() -> float:
    """Bytes of memory that this process could have; infinite where nothing tells."""
    try:
        physical = float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return np.inf
    try:
        group = float(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # none, or "max"
        return physical
    return min(physical, group)
