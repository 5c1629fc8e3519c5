"""A time that adds up over the steps of a schedule, and the steps at which it has come to a given one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...arguments import Array, Integers
from ..fluctuations.schedule import Rates, Schedule, Stages

__all__ = ["FOLLOWED", "Clock"]

CHUNK = 1 << 16  # rates that are evaluated at once
FOLLOWED = 10**9  # how many steps a function is followed for to find when a time comes


class Pieces(NamedTuple):
    """Neighbouring pieces of constant rates (pieces,): from step `first` to `last`, from time `began` to `ended`."""

    first: Integers
    last: Array
    began: Array
    ended: Array
    rate: Array


@dataclass(frozen=True, eq=False)
class Clock:
    """Time t(k) = Σ_{j<k} rate(j), linear between whole steps.

    Attributes
    ----------
    schedule : Schedule
    n : int
        How many data.
    rate : callable
        What a step adds, (steps,) of `Rates` of steps.
    """

    schedule: Schedule
    n: int
    rate: Callable[[Rates], Array]

    def times(self, steps: Integers | Array) -> Array:
        """t at steps (...)."""
        times = np.zeros(steps.shape)
        last = int(np.ceil(steps.max(initial=0)))
        for pieces in self._pieces(last):
            inside = (steps > pieces.first[0]) & (steps <= pieces.last[-1])
            at = np.searchsorted(pieces.first, steps[inside]) - 1
            with np.errstate(over="ignore"):  # a time that is no float is infinite
                times[inside] = pieces.began[at] + pieces.rate[at] * (steps[inside] - pieces.first[at])
            if last <= pieces.last[-1]:
                break
        return times

    def steps(self, times: Array) -> Array:
        """The least k with t(k) = times (...), infinite where it does not come in the FOLLOWED steps of a function."""
        steps = np.where(times > 0, np.inf, 0.0)
        for pieces in self._pieces(FOLLOWED):
            inside = np.isinf(steps) & (times <= pieces.ended[-1])
            at = np.searchsorted(pieces.ended, times[inside])
            passed = pieces.first[at] + (times[inside] - pieces.began[at]) / pieces.rate[at]
            steps[inside] = np.minimum(passed, pieces.last[at])
            if not np.isinf(steps).any():
                break
        return steps

    def _pieces(self, last: int) -> Iterator[Pieces]:
        """Those of stages, the last of which never ends; or each step of a function up to the step `last`."""
        courses = self.schedule.changing.values()
        begins = [course.first for course in courses if isinstance(course, Stages)]
        changes = np.append(np.unique(np.concatenate([[0], *begins])), np.inf)
        functions = len(begins) < len(courses)
        end, size, began = last if functions else len(changes) - 1, max(1, CHUNK // self.n), 0.0
        for at in range(0, end, size):
            edges = np.arange(at, min(at + size, end) + 1.0) if functions else changes[at : at + size + 1]
            first = edges[:-1].astype(np.int64)
            with np.errstate(all="ignore"):  # what is no float is infinite
                rate = np.broadcast_to(self.rate(self.schedule.at(first, self.n)), len(first))
                ended = began + np.cumsum(rate * np.where(rate > 0, np.diff(edges), 0.0))
            yield Pieces(first, edges[1:], np.append(began, ended[:-1]), ended, rate)
            began = ended[-1]
