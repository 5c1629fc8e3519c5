"""From the arguments of a simulator to its Trajectory: what is to be done, where it begins, the run."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import numpy as np

from ..arguments import Array, RandomSource, Reals, count, generator, nonnegative_number
from ..numeric.fluctuations.label_noise_law import check_label_noise_law
from ..numeric.fluctuations.schedule import SCHEDULED, Schedule, Stages, schedule_of
from ..settings import Setting
from ..settings.setting import parameters
from .archive import PathLike
from .averages import Averaging
from .checkpoint import checkpoints, refuse_existing
from .draws import Law
from .engine import Job, advance_all
from .executors import check_executor
from .plan import Plan
from .provenance import OF_DIFFUSION, OF_SGD, Seed, engine_of, sampling_arguments, versions
from .records import record_steps, refuse_memory
from .snapshot import restored
from .state import State, initial_state
from .storage import Stored
from .trajectory import Trajectory, trajectory_of
from .witness import witness

__all__ = ["begun", "carry_on", "first_chain", "job_of", "launch", "plan_of", "starting_points", "with_witness"]


def launch(
    simulator: str,
    setting: Setting,
    theta: Reals,
    arguments: Mapping[str, Any],
    *,
    rng: RandomSource,
    executor: Executor | None,
    checkpoint: PathLike | None,
    progress: bool,
) -> Trajectory:
    """Run a simulator with its arguments as the caller gave them, `chains` among them."""
    if checkpoint is not None:
        refuse_existing(checkpoint)
    plan, run = begun(simulator, setting, theta, arguments, rng=rng)
    return carry_on(plan, run, executor=executor, checkpoint=checkpoint, progress=progress)


def begun(
    simulator: str, setting: Setting, theta: Reals, arguments: Mapping[str, Any], *, rng: RandomSource
) -> tuple[Plan, Stored]:
    """What is to be done, and the run before its first step."""
    plan, parsed = plan_of(setting, arguments)
    refuse_memory(plan, arguments["chains"])
    start = starting_points(setting, theta, arguments["chains"])
    source = generator(rng)
    seed = Seed.of(source)
    return plan, Stored(
        setting=setting,
        arguments={"simulator": simulator, "theta": start} | parsed | {"chains": len(start)},
        seed=seed,
        versions=versions(engine_of(setting)),
        theta=np.empty((len(start), 0, setting.dim)),
        steps=np.empty(0, dtype=np.int64),
        observed={},
        state=_initial(plan, start, source),
        witness=None,
    )


def carry_on(
    plan: Plan, run: Stored, *, executor: Executor | None, checkpoint: PathLike | None, progress: bool
) -> Trajectory:
    """Take a run on from where it is to the end of the plan."""
    check_executor(executor, plan)
    job = job_of(plan, run, checkpoint)
    advance_all([job], executor=executor, progress=progress)
    return trajectory_of(plan, job.snapshot, run)


def job_of(plan: Plan, run: Stored, checkpoint: PathLike | None) -> Job:
    """A run as the engine takes it on, its checkpoint written from now on."""
    snapshot = restored(plan, run)
    if checkpoint is None:
        return Job(plan, snapshot)
    keep = checkpoints(checkpoint, plan, with_witness(run))
    keep(snapshot, True)  # a file that is there from the first step on
    return Job(plan, snapshot, keep)


def with_witness(run: Stored) -> Stored:
    """A run with what tells later whether code that is given again is its own."""
    if run.witness is not None or run.state is None:
        return run
    plan, _ = plan_of(run.setting, run.arguments)
    return replace(run, witness=witness(plan, first_chain(plan, run)))


def first_chain(plan: Plan, run: Stored) -> State:
    """The first chain of a run at its beginning."""
    return _initial(plan, np.asarray(run.arguments["theta"])[:1], run.seed.generator())


def _initial(plan, start, rng):
    if plan.reduction is None:
        return initial_state(start, plan.averaging, rng)
    return initial_state(plan.reduction.of(start), plan.averaging, rng, start=start)


def plan_of(setting: Setting, arguments: Mapping[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """The plan, and the arguments as they were parsed; those of the diffusion have `substeps`."""
    substeps = count("substeps", arguments["substeps"], least=1) if "substeps" in arguments else 0
    sampled = OF_DIFFUSION if substeps else OF_SGD
    schedule = schedule_of(setting, **{name: arguments[name] for name in sampled})
    steps = count("steps", arguments["steps"], least=0)
    noise: Law = check_label_noise_law(arguments.get("noise", "gaussian"))
    chains = count("chains", arguments["chains"], least=1)
    record, records = record_steps(arguments["record"], steps, chains * setting.dim)
    plan = Plan(
        setting=setting,
        chains=chains,
        schedule=schedule,
        noise=noise,
        records=records,
        substeps=substeps,
        weight_decay=nonnegative_number("weight_decay", arguments.get("weight_decay", 0.0)),
        observe=_observers(arguments["observe"]),
        averaging=_averaging(setting, arguments["average"]),
    )
    schedule.check(steps, setting.n)
    parsed = dict(arguments) | {"steps": steps, "record": record, "observe": dict(plan.observe)}
    parsed |= {"substeps": substeps} if substeps else {"weight_decay": plan.weight_decay}
    return plan, parsed | sampling_arguments(setting, schedule.sampling, sampled) | _courses(schedule)


def starting_points(setting: Setting, theta: Reals, chains: int) -> Array:
    """theta (p,) or (chains, p) as a (chains, p) array."""
    chains = count("chains", chains, least=1)
    start = parameters(setting, theta)
    if start.ndim > 1 and start.shape != (chains, setting.dim):
        raise ValueError(
            f"theta: expected shape ({setting.dim},) or (chains, {setting.dim}) = ({chains}, {setting.dim}),"
            f" got {start.shape}"
        )
    return np.array(np.broadcast_to(start, (chains, setting.dim)), order="C")


def _observers(observe):
    if observe is None:
        return {}
    wanted = "observe: expected a dict of names and functions (setting, theta), got"
    if not isinstance(observe, Mapping):
        raise TypeError(f"{wanted} {observe!r}")
    for name, function in observe.items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(f"{wanted} {name!r}: {function!r}")
        if not name.isprintable():  # a file would not give it back
            raise ValueError(f"observe: expected names that can be printed, got {name!r}")
    return dict(observe)


def _averaging(setting, average):
    if average is None:
        return None
    if not isinstance(average, Averaging):
        raise TypeError(f"average: expected an Averaging, got {average!r}")
    average.check(setting)
    return average


def _courses(schedule: Schedule) -> dict[str, Any]:
    """The arguments that change, stages as rows."""
    courses = {name: schedule.changing[name] for name in SCHEDULED if name in schedule.changing}
    return {name: course.rows if isinstance(course, Stages) else course for name, course in courses.items()}
