"""Go on with a run: one that was killed, interrupted, or that has ended too soon."""

import glob
import os
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np

from ..arguments import count
from ..numeric.fluctuations.schedule import Scheduled
from ..settings import Setting
from .archive import PathLike, refuse_folder
from .checkpoint import refuse_existing
from .draws import Law
from .launch import carry_on, first_chain, plan_of
from .plan import Observer, Plan
from .provenance import engine_of, versions, with_functions
from .storage import Stored, read
from .trajectory import Trajectory
from .witness import witness

__all__ = ["check_same_run", "resume"]


def resume(
    run: PathLike | Trajectory,
    *,
    steps: int | None = None,
    setting: Setting | None = None,
    noise: Law | None = None,
    lr: Scheduled | None = None,
    noise_std: Scheduled | None = None,
    momentum: Scheduled | None = None,
    observe: Mapping[str, Observer] | None = None,
    executor: Executor | None = None,
    checkpoint: PathLike | None = None,
    progress: bool = False,
    exact: bool = True,
) -> Trajectory:
    """Go on with a run of `label_noise_sgd` or `label_noise_sde` as if it had never stopped.

    What comes out equals, to the last bit, the run that was never stopped, or that was longer from the beginning.

    Parameters
    ----------
    run : path or Trajectory
        A checkpoint, a file that `Trajectory.save` wrote, or a run.
    steps : int, optional
        Of the whole run, counted from its very beginning, to make it longer; else those that it was to take.
    setting : Setting, optional
        What makes the run: needed for one of your own that comes from a file, which holds no code.
    noise, lr, noise_std, momentum, observe : optional
        The functions that the run was given, again, if it comes from a file. A first step is replayed with them.
    executor, progress
        As in `label_noise_sgd`.
    checkpoint : path, optional
        Where to write from now on: a new file. A run that comes from a checkpoint goes on writing there by itself.
    exact : bool
        Refuse to go on where the versions or the processor are others, so that the last bits would be. With False the
        code that is given again is told from other code to 1e-6.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If the file is another or damaged, in which case it stays as it is; if the setting or a function is not the one
        that made the run; if other versions would round otherwise; if `steps` are fewer than those taken.
    TypeError
        If something is missing that the file does not hold, or if the run is not one that goes step by step.
    FileExistsError
        If `checkpoint` is there already.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> how = {"lr": 0.1, "noise_std": 0.5, "rng": 0}
    >>> run = ou.label_noise_sgd(setting, [1.0], steps=40, **how)
    >>> longer = ou.resume(run, steps=90)
    >>> bool(longer.theta == ou.label_noise_sgd(setting, [1.0], steps=90, **how).theta)
    True
    """
    if not isinstance(run, Trajectory | str | os.PathLike):  # an integer would be an open file
        raise TypeError(f"run: expected a path or a Trajectory, got {run!r}")
    stored = run.stored() if isinstance(run, Trajectory) else read(run, setting)
    if isinstance(run, Trajectory) and setting is not None and setting != run.setting:
        raise ValueError(f"setting: expected {run.setting}, which made the run, got {setting}")
    if stored.state is None:
        raise TypeError(f"run: expected one that goes step by step, got one of {stored.arguments['simulator']}")
    given = {"noise": noise, "lr": lr, "noise_std": noise_std, "momentum": momentum, "observe": observe}
    arguments = with_functions(stored.arguments, given)
    inner = arguments.get("substeps", 1)
    taken = -(-int(stored.state.taken.max()) // inner)
    arguments["steps"] = arguments["steps"] if steps is None else count("steps", steps, least=taken)
    plan, parsed = plan_of(stored.setting, arguments)
    check_same_run(plan, stored, exact=exact)
    path = checkpoint
    if checkpoint is not None:
        refuse_existing(checkpoint)
    elif not isinstance(run, Trajectory) and stored.checkpoint:
        path = run
        _clear_leftovers(run)
    here = versions(engine_of(stored.setting))
    resumed = replace(stored, arguments=parsed, versions=here, state=stored.state.copy())
    return carry_on(plan, resumed, executor=executor, checkpoint=path, progress=progress)


def check_same_run(plan: Plan, stored: Stored, *, exact: bool) -> None:
    """A ValueError if a run would not go on with the plan as it began: other versions, or other code."""
    assert stored.state is not None
    reduced = stored.state.start is not None
    if reduced != (plan.reduction is not None):
        wanted = "a network on one datum of this package, which was" if reduced else "a setting that is"
        raise ValueError(
            f"setting: expected {wanted} walked {'in' if reduced else 'without'} a reduction, got {plan.setting}"
        )
    if exact:
        _check_versions(stored.versions, versions(engine_of(plan.setting)))
    _check_witness(plan, stored, exact)


def _check_versions(there: Mapping[str, str], here: Mapping[str, str]) -> None:
    for name in sorted({*there, *here}):
        if there.get(name) != here.get(name):
            raise ValueError(
                f"exact: expected {name} {there.get(name, 'not at all')} as in the run, got"
                f" {here.get(name, 'none')}, which may round otherwise: pass exact=False to go on all the same"
            )


def _check_witness(plan: Plan, stored: Stored, exact: bool) -> None:
    """A ValueError if the first step and the functions of the run do not give what they gave."""
    if stored.witness is None:  # the run has its own code with it
        return
    begun = first_chain(plan, stored)
    gives = witness(plan, begun)
    gave = stored.witness
    known = min(len(gives), len(gave))  # rates come last: more of them of a longer run
    near = np.array_equal if exact else partial(np.allclose, rtol=1e-6, atol=1e-6 * np.max(np.abs(begun.theta)))
    if not near(gives[:known], gave[:known], equal_nan=True):
        raise ValueError(
            "setting: expected the model, noise and functions that made the run, got others: a step that is replayed"
            " with them ends elsewhere"
        )


def _clear_leftovers(path: PathLike) -> None:
    """Remove what a process left that died while it wrote."""
    target = refuse_folder(path)
    for partial_file in target.parent.glob(f".{glob.escape(target.name)}.*.partial"):
        partial_file.unlink(missing_ok=True)
