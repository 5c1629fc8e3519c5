"""Step sizes, noises and momenta that change along a run: schedules are data, arrays by step.

Source: theory.md, sections 1 and 6, for a step; what changes from step to step is read off an array.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Array, Integers, Reals, as_array, in_one_line, real_array
from ...settings import Setting
from .sampling import BY_ROW, BatchSize, Sampling, sampling_of

__all__ = ["SCHEDULED", "Rates", "Schedule", "Scheduled", "Stages", "schedule_of"]

Scheduled = Reals | Callable[[Integers], Reals]
SCHEDULED = ("lr", "noise_std", "momentum")
IN_RANGE: dict[str, Callable[[Array], Any]] = {  # as `Sampling` has them
    "lr": lambda values: np.isfinite(values) & (values > 0),
    "noise_std": lambda values: np.isfinite(values) & (values >= 0),
    "momentum": lambda values: (values >= 0) & (values < 1),
}
PROBED = 1000  # steps at which a function is tried before the run, so that it does not fail in the middle of it


class Rates(NamedTuple):
    """What each of some steps takes: lr and momentum (steps,), noise_std (steps, 1) or, of each label, (steps, rows).

    One that does not change has a single row for all steps.
    """

    lr: Array
    noise_std: Array
    momentum: Array


@dataclass(frozen=True, eq=False)
class Stages:
    """A value from each of some steps on: `first` (stages,), from 0 up, and `values` (stages,) or (stages, n)."""

    first: Integers
    values: Array

    @property
    def rows(self) -> Array:
        """(step, value), or (step, σ_1, …, σ_n)."""
        return np.column_stack([self.first, self.values])

    def __call__(self, steps: Integers) -> Array:
        """The values at steps (k,)."""
        return self.values[np.searchsorted(self.first, steps, side="right") - 1]


@dataclass(frozen=True, eq=False)
class Schedule:
    """How SGD samples at every step.

    Attributes
    ----------
    sampling : Sampling
        That of the first step, which holds at all steps for what is not in `changing`.
    changing : dict
        Of "lr", "noise_std" and "momentum" those that change, as `Stages` or as functions of steps (k,) int64.
    """

    sampling: Sampling
    changing: dict[str, Callable[[Integers], Array]]

    @property
    def noisy(self) -> bool:
        """Whether some label may be noised at some step: a function may, though it gives 0 throughout."""
        course = self.changing.get("noise_std")
        if course is None:
            return bool(np.any(self.sampling.noise_std))
        return not isinstance(course, Stages) or bool(np.any(course.values))

    def at(self, steps: Integers, n: int) -> Rates:
        """The rates of steps (k,) of a run on n data; a ValueError if a function gives what is out of its range."""
        lr, noise_std, momentum = (self._values(name, steps, n) for name in SCHEDULED)
        return Rates(lr, noise_std if noise_std.ndim == 2 else noise_std[:, None], momentum)

    def check(self, steps: int, n: int) -> None:
        """A ValueError if a function gives a wrong value in so many steps, as far as it is tried."""
        if self.changing:
            last = max(steps - 1, 0)
            tried = np.append(np.geomspace(1, last + 1, PROBED) - 1, np.linspace(0, last, PROBED))
            self.at(np.unique(tried.astype(np.int64)), n)

    def _values(self, name, steps, n):
        if name not in self.changing:
            return np.asarray(getattr(self.sampling, name))[None]
        course = self.changing[name]
        return course(steps) if isinstance(course, Stages) else _of_function(self.sampling, name, course, steps, n)


def schedule_of(
    setting: Setting,
    *,
    lr: Scheduled,
    noise_std: Scheduled,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: Scheduled = 0.0,
    gradient_noise_std: float = 0.0,
) -> Schedule:
    """The `Schedule` of a caller's arguments: each of SCHEDULED as in `sampling_of`, as stages, or as a function.

    Stages are an array of rows (step, value), for noise_std also (step, σ_1, …, σ_n), increasing from step 0.
    """
    given = {"lr": lr, "noise_std": noise_std, "momentum": momentum}
    courses = {name: _course(name, value, setting) for name, value in given.items()}
    changing = {name: course for name, course in courses.items() if course is not None}
    usual: dict[str, Any] = {"lr": 1.0, "noise_std": 0.0, "momentum": 0.0}
    kept: dict[str, Any] = {name: usual[name] if name in changing else value for name, value in given.items()}
    sampling = sampling_of(
        setting, batch_size=batch_size, replacement=replacement, gradient_noise_std=gradient_noise_std, **kept
    )
    for name, course in changing.items():
        if isinstance(course, Stages):
            for value in course.values:
                replace(sampling, **{name: value}).check_data(setting.n)
    first = np.zeros(1, dtype=np.int64)
    of_first = Schedule(sampling, changing).at(first, setting.n)
    begins = {name: _plain(getattr(of_first, name)[0]) for name in changing}
    return Schedule(replace(sampling, **begins), changing)


def _plain(value):
    """A number, or the array of each datum's."""
    return float(np.ravel(value)[0]) if np.size(value) == 1 else value


def _course(name, value, setting):
    """Stages or a function, or None for what does not change."""
    if callable(value):
        return value
    ndim = as_array(name, value).ndim
    if ndim > 2:
        raise ValueError(f"{name}: expected numbers, stages (step, value) or a function, got {ndim} axes")
    if ndim < 2:
        return None
    rows = real_array(name, value, shape=("stages", "values"))
    first = rows[:, 0]
    wanted = f"{name}: expected stages (step, value) at increasing integer steps from 0 on"
    if rows.shape[1] < 2:
        raise ValueError(f"{wanted}, got rows of one number")
    if first[0] != 0 or np.any(np.diff(first) <= 0) or np.any(first != np.round(first)):
        labels = f" of an array {rows.shape}{BY_ROW}" if name == "noise_std" and rows.shape == setting.y.shape else ""
        raise ValueError(f"{wanted}, got {in_one_line(first)}{labels}")
    if first[-1] > 2**53:
        raise ValueError(f"{wanted}, got {first[-1]:g}")
    if rows.shape[1] > 2 and name != "noise_std":
        raise ValueError(f"{name}: expected stages of shape (stages, 2), got {rows.shape}")
    return Stages(first.astype(np.int64), rows[:, 1] if rows.shape[1] == 2 else rows[:, 1:])


def _of_function(sampling, name, function, steps, n):
    """What a function of the step gives at steps (k,), checked."""
    shapes = [(len(steps),), (len(steps), n * sampling.outputs)] if name == "noise_std" else [(len(steps),)]
    values = as_array(name, function(steps))
    if values.shape == ():
        values = np.broadcast_to(values, shapes[0])
    if values.dtype.kind not in "biuf" or values.shape not in shapes:
        shape = " or ".join(map(str, shapes))
        raise ValueError(
            f"{name}: expected a function of steps {shapes[0]} that gives real numbers of shape {shape}, got"
            f" {values.dtype} of shape {values.shape}"
        )
    values = values.astype(np.float64)
    wrong = ~IN_RANGE[name](values).reshape(len(steps), -1).all(axis=1)
    if wrong.any():
        first = np.argmax(wrong)
        try:
            for value in np.ravel(values[first]):
                replace(sampling, **{name: value})
        except ValueError as error:
            raise ValueError(f"{error} at step {steps[first]}") from None
    return values
