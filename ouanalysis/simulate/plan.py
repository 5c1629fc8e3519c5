"""What a run is to do: everything but where its chains are and what they have drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..arguments import Array, Integers, Reals
from ..numeric.fluctuations.sampling import Sampling
from ..numeric.fluctuations.schedule import Rates, Schedule
from ..settings import Setting
from ..settings.one_datum import OneDatum
from .averages import Averaging
from .draws import Law

__all__ = ["Averaged", "Observer", "Plan", "euler_step"]

Observer = Callable[[Setting, Array], Reals]

MOST = 2**62  # steps taken, so that they are counted in 64 bits
LONG = 1 << 27  # parameters moved in the steps of all chains


class Averaged(NamedTuple):
    """The state after step s is averaged if s − start is a positive multiple of `every`; never if that is None.

    `measured` says whether with L and reg, `directions` (k, p) along what its products are summed.
    """

    start: int
    every: int | None
    measured: bool
    directions: Array


@dataclass(frozen=True, eq=False)
class Plan:
    """A run of SGD, or of its diffusion by Euler steps that are run as steps of SGD.

    Attributes
    ----------
    setting : Setting
    chains : int
    schedule : Schedule
    noise : "gaussian", "rademacher" or callable
    records : (records,) int64 array
        The steps of SGD to record, increasing; the last is the end of the run.
    substeps : int
        0 for SGD; else how many Euler steps an SGD step is cut into.
    weight_decay : float
        λ of v ← βv − (∇ + λθ).
    observe : dict
        Functions (setting, theta (k, p)) -> (k, ...), by name, evaluated at the records.
    averaging : Averaging, optional
    """

    setting: Setting
    chains: int
    schedule: Schedule
    noise: Law
    records: Integers
    substeps: int
    weight_decay: float
    observe: Mapping[str, Observer]
    averaging: Averaging | None

    @cached_property
    def reduction(self) -> OneDatum | None:
        """Coordinates of which only the first are walked, where nothing else moves or is asked for on the way.

        A kernel of the user's own takes theta as it is.
        """
        everywhere = self.weight_decay or self.schedule.sampling.gradient_noise_std or self.averaging
        return None if everywhere or self.setting.kernel else self.setting.reduction()

    @property
    def walked(self) -> Setting:
        """The setting that takes the steps."""
        return self.reduction.setting if self.reduction else self.setting

    def back(self, walked: Array, start: Array | None) -> Array:
        """The states (chains, k, p) of what is walked (chains, k, ...) from a start, both as `State` has them."""
        return walked if start is None or self.reduction is None else self.reduction.back(walked, start)

    @property
    def inner(self) -> int:
        """How many steps are taken for one that is counted."""
        return max(self.substeps, 1)

    @property
    def steps(self) -> int:
        """How many are counted in all."""
        return int(self.records[-1])

    @property
    def is_long(self) -> bool:
        """Whether it pays to compile the kernel for the sizes of this setting, which takes some seconds once."""
        return self.chains * self.steps * self.inner * self.walked.dim >= LONG

    @property
    def sampling(self) -> Sampling:
        """How the batch of each step taken is drawn; its rates are those of the first."""
        how = self.schedule.sampling
        return euler_step(how, self.setting.n, self.substeps) if self.substeps else how

    @property
    def averaged(self) -> "Averaged":
        """What is summed, in steps taken."""
        asked = self.averaging
        if asked is None:
            return Averaged(0, None, False, np.empty((0, self.setting.dim)))
        start, every = (min(steps * self.inner, MOST) for steps in (asked.start, asked.every))
        return Averaged(start, every, asked.loss or asked.reg, asked.directions(self.setting.dim))

    def rates(self, first: int, count: int) -> Rates:
        """Of so many steps taken, from step `first` on."""
        steps = np.arange(first, first + count) // self.inner if self.schedule.changing else np.zeros(1, dtype=np.int64)
        rates = self.schedule.at(steps, self.setting.n)
        if not self.substeps:
            return rates
        with np.errstate(all="ignore"):  # a chain that overflows has diverged
            noise_std = rates.noise_std * _euler_noise(self.schedule.sampling, self.setting.n, self.substeps)
        return Rates(rates.lr / self.substeps, noise_std, rates.momentum)


def euler_step(sampling: Sampling, n: int, substeps: int) -> Sampling:
    """The full-batch step of size η/substeps that is an Euler step of the diffusion."""
    with np.errstate(all="ignore"):  # a chain that overflows has diverged
        return replace(
            sampling,
            lr=sampling.lr / substeps,
            noise_std=sampling.noise_std * _euler_noise(sampling, n, substeps),
            batch_size=n,
            replacement=False,
            gradient_noise_std=sampling.gradient_noise_std * np.sqrt(substeps),
        )


def _euler_noise(sampling, n, substeps):
    """How many times the label noise of a step is that of its Euler step, which takes all data."""
    return np.sqrt(n * substeps / sampling.batch_size)
