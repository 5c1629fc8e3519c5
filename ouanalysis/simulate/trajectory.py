"""What a run leaves behind."""

import os
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..arguments import Array
from ..settings import Setting
from .archive import PathLike
from .averages import Averages
from .plan import Plan
from .provenance import Seed, with_functions
from .recorded import losses, regularizers
from .segments import observed_at
from .snapshot import Snapshot
from .state import State
from .storage import Stored, as_written, read, write

if TYPE_CHECKING:
    from xarray import Dataset

__all__ = ["Trajectory", "observe", "trajectory_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """The recorded states of an ensemble of chains, and what made them.

    Attributes
    ----------
    theta : (chains, records, p) array
        NaN where a chain had diverged.
    steps : (records,) int array
        After how many steps each record was taken; the last is the end of the run.
    status : (chains,) array of str
        "finished", or "diverged" if θ overflowed; a diverged chain is recorded no further. "interrupted" if Ctrl-C
        ended the run before: the last record is where all chains then stood, and `ou.resume` goes on from there.
    setting : Setting
    arguments : dict
        The arguments of the call as they were parsed, and as "simulator" the name of what was called.
    seed : Seed
        What `rng` stood for; ``seed.generator()`` stands for the same.
    versions : dict
        Of ouanalysis, numpy, and numba or autograd, whichever took the steps, and the processor: what the last bit
        depends on.
    observed : dict of (chains, records, ...) arrays
        What the functions of `observe` gave at each record.
    averages : Averages or None
        What was asked for by `average`.
    state : State or None
        What `ou.resume` goes on from, of a network on one datum in the coordinates of `Setting.reduction`; None of a
        process that is not run step by step.
    witness : (k,) array or None
        Of a run from a file what its first step and functions gave, by which `ou.resume` tells that they are the same.

    Examples
    --------
    A run can be kept and repeated:

    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> run = ou.label_noise_sgd(setting, [1.0], lr=0.1, noise_std=0.5, steps=9, rng=0)
    >>> bool(run.repeat().theta == run.theta)
    True
    """

    theta: Array
    steps: NDArray[np.int64]
    status: NDArray[np.str_]
    setting: Setting
    arguments: dict[str, object]
    seed: Seed
    versions: dict[str, str]
    observed: dict[str, Array] = field(default_factory=dict)
    averages: Averages | None = None
    state: State | None = None
    witness: Array | None = None

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """(chains,) bool array."""
        return self.status == "diverged"

    @cached_property
    def loss(self) -> Array:
        """L(θ), clean labels, (chains, records): NaN where a chain had diverged, infinite where it overflows."""
        return losses(self.setting, self.theta)

    @cached_property
    def reg(self) -> Array:
        """reg(θ), (chains, records): NaN where a chain had diverged, infinite where it overflows."""
        return regularizers(self.setting, self.theta)

    def repeat(self, **functions: object) -> "Trajectory":
        """The run again, from its seed and arguments: the same to the last bit where `versions` are the same.

        Parameters
        ----------
        **functions
            The `noise`, `observe` and functions of the step that made the run, by the names of its arguments: needed
            after `load`, since a file holds their names alone.
        """
        from . import SIMULATORS

        arguments = with_functions(self.arguments, functions)
        simulator = SIMULATORS[str(arguments.pop("simulator"))]
        return simulator(self.setting, rng=self.seed.generator(), **arguments)

    def save(self, path: PathLike) -> None:
        """Write the run to an .npz file, at once or not at all.

        A Setting of your own is not in it but for its data, nor are functions of your own but for their names.
        """
        from .launch import with_witness

        write(path, with_witness(self.stored()))

    def stored(self) -> Stored:
        """The run as a file has it."""
        return Stored(
            **{field.name: getattr(self, field.name) for field in fields(Stored) if field.name != "checkpoint"}
        )

    @staticmethod
    def load(path: PathLike, setting: Setting | None = None) -> "Trajectory":
        """The run that `save` wrote; nothing that the file holds is executed.

        Parameters
        ----------
        path : str or path-like
        setting : Setting, optional
            What made the run: needed for one of your own, and for a SigmoidNetwork of a SymPy expression.

        Raises
        ------
        ValueError
            If the file is not one that `save` wrote, or is damaged; if `setting` is not the one that made it: other
            data, another number of parameters, or other predictions.
        TypeError
            If a setting is needed and none is given.
        """
        run = read(path, setting)
        if run.checkpoint and not run.ended:
            raise ValueError(
                f"path: expected a run that has come to an end, got a checkpoint of one, {os.fspath(path)!r}:"
                " ouanalysis.resume goes on with it"
            )
        return observe(run)

    def to_xarray(self) -> "Dataset":
        """An xarray.Dataset: theta (chain, record, parameter), loss and reg (chain, record), status (chain).

        What was observed has its own name, or "observed loss" beside a loss of ours; averages are "average theta" and
        so on, their number an attribute. The coordinate `step` is that of each record; attrs say what made the run.
        Needs the extra `xarray`.
        """
        try:
            from xarray import Dataset
        except ImportError as error:
            raise ImportError("to_xarray: expected xarray, which pip install 'ouanalysis[xarray]' installs") from error
        labelled: dict[str, tuple[tuple[str, ...], Array | NDArray[np.str_]]] = {
            "theta": (("chain", "record", "parameter"), self.theta),
            "loss": (("chain", "record"), self.loss),
            "reg": (("chain", "record"), self.reg),
            "status": (("chain",), self.status),
        }
        averages = self.averages.labelled() if self.averages else {}
        axes = {axis for names, _ in (*labelled.values(), *averages.values()) for axis in names}
        for name, values in self.observed.items():
            own, others = name, {*self.observed} - {name}
            while own in {*labelled, *averages, *axes, *others, "step"}:
                own = f"observed {own}"
            labelled[own] = ("chain", "record", *(f"{own} {axis}" for axis in range(values.ndim - 2))), values
        attributes = as_written(self)
        labelled |= averages
        if self.averages:
            attributes["average count"] = self.averages.count
        return Dataset(labelled, coords={"step": ("record", self.steps)}, attrs=attributes)

    def __repr__(self) -> str:
        chains, records, dim = self.theta.shape
        lost = np.count_nonzero(self.diverged)
        ended = "interrupted" if "interrupted" in self.status else "all finished"
        fate = f"{lost} of {chains} chains diverged" if lost else ended
        return f"Trajectory(chains={chains}, records={records}, dim={dim}, steps={self.steps[-1]}, {fate})"


def trajectory_of(plan: Plan, snapshot: Snapshot, run: Stored) -> Trajectory:
    """What a run came to whose chains all stand at one step, at the end of the plan or before it."""
    state, records = snapshot.state, plan.records
    at = int(state.taken[0]) // plan.inner
    reached = slice(np.searchsorted(records, at, side="right"))  # views: what is recorded may be large
    records, theta = records[reached], snapshot.theta[:, reached]
    observed = {name: values[:, reached] for name, values in snapshot.observed.items()}
    if not len(records) or records[-1] < at:
        here = plan.back(state.theta[:, None], state.start)
        records = np.append(records, at)
        theta = np.concatenate([theta, here], axis=1)
        last = observed_at(plan.observe, plan.setting, here)
        for name, values in observed.items():
            unknown = np.full((len(values), 1, *values.shape[2:]), np.nan)
            observed[name] = np.concatenate([values, last.get(name, unknown)], axis=1)
    return observe(replace(run, state=state, theta=theta, steps=records, observed=observed))


def observe(run: Stored) -> Trajectory:
    """The Trajectory of a run whose chains all stand at one step; overflow becomes NaN and a status."""
    finite = np.isfinite(run.theta)
    if finite.all():  # as most are: told in a third of the time
        theta, alive = run.theta, np.ones(len(run.theta), dtype=bool)
    else:
        recorded = np.logical_and.accumulate(finite.all(axis=-1), axis=1)
        theta, alive = np.where(recorded[..., None], run.theta, np.nan), recorded[:, -1]
    at = int(run.steps[-1])
    ended = "finished" if at == run.arguments["steps"] else "interrupted"
    average = run.arguments.get("average")
    return Trajectory(
        theta=theta,
        steps=run.steps,
        status=np.where(alive, ended, "diverged"),
        setting=run.setting,
        arguments=run.arguments,
        seed=run.seed,
        versions=run.versions,
        observed=run.observed,
        averages=Averages.of(average, run.state.sums, at) if average is not None and run.state else None,
        state=run.state,
        witness=run.witness,
    )
