"""From the arguments of a simulator to its Trajectory: what is to be done, where it begins, the run."""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import Array, RandomSource, count, generator, nonnegative_number
from ..numeric.fluctuations.schedule import SCHEDULED, Schedule, Stages, schedule_of
from ..settings import Setting
from ..settings.setting import parameters
from .averages import Averaging
from .engine import run
from .plan import Plan
from .provenance import OF_DIFFUSION, OF_SGD, Seed, sampling_arguments
from .records import record_steps, refuse_memory
from .snapshot import beginning
from .state import initial_state
from .trajectory import Trajectory, trajectory_of

__all__ = ["launch", "plan_of", "starting_points"]


def launch(
    simulator: str,
    setting: Setting,
    theta: ArrayLike,
    arguments: Mapping[str, Any],
    *,
    rng: RandomSource,
    executor: Executor | None = None,
    progress: bool = False,
) -> Trajectory:
    """Run a simulator with its arguments as the caller gave them, `chains` among them."""
    plan, parsed = plan_of(setting, arguments)
    start = starting_points(setting, theta, arguments["chains"])
    refuse_memory(plan, len(start))
    source = generator(rng)
    seed = Seed.of(source)
    snapshot = beginning(plan, initial_state(start, plan.averaging, source))
    run(plan, snapshot, executor=executor, progress=progress)
    made = {"simulator": simulator, "theta": start} | parsed | {"chains": len(start)}
    return trajectory_of(plan, snapshot, arguments=made, seed=seed)


def plan_of(setting: Setting, arguments: Mapping[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """The plan, and the arguments as they were parsed; those of the diffusion have `substeps`."""
    substeps = count("substeps", arguments["substeps"], least=1) if "substeps" in arguments else 0
    sampled = OF_DIFFUSION if substeps else OF_SGD
    schedule = schedule_of(setting, **{name: arguments[name] for name in sampled})
    steps = count("steps", arguments["steps"], least=0)
    noise = arguments.get("noise", "gaussian")
    if not callable(noise) and not (isinstance(noise, str) and noise in ("gaussian", "rademacher")):
        raise ValueError(f'noise: expected "gaussian", "rademacher" or a function (rng, size), got {noise!r}')
    record, records = record_steps(arguments["record"], steps)
    plan = Plan(
        setting=setting,
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
    return plan, parsed | sampling_arguments(setting, schedule.sampling, sampled) | _courses(schedule)


def starting_points(setting: Setting, theta: ArrayLike, chains: int) -> Array:
    """theta (p,) or (chains, p) as a (chains, p) array."""
    chains = count("chains", chains, least=1)
    start = parameters(setting, theta)
    if start.ndim > 1 and start.shape != (chains, setting.dim):
        raise ValueError(
            f"theta: expected shape ({setting.dim},) or (chains, {setting.dim}) = ({chains}, {setting.dim}),"
            f" got {start.shape}"
        )
    return np.array(np.broadcast_to(start, (chains, setting.dim)))


def _observers(observe):
    if observe is None:
        return {}
    wanted = "observe: expected a dict of names and functions (setting, theta), got"
    if not isinstance(observe, Mapping):
        raise TypeError(f"{wanted} {observe!r}")
    for name, function in observe.items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(f"{wanted} {name!r}: {function!r}")
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
