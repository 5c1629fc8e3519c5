"""What a run leaves behind."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ..arguments import Array, Reals, as_array, count, in_one_line, real_array
from ..numeric import loss, regularizer
from ..settings import Setting
from .draws import Law
from .provenance import Engine, Seed, versions
from .storage import OF_ONES_OWN, as_written, read, write

if TYPE_CHECKING:
    from xarray import Dataset

__all__ = ["Trajectory", "observe", "record_steps"]

CHUNK = 1 << 24  # entries of gradients in a call of the compiled regularizer, after which Ctrl-C is heard


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """The recorded states of an ensemble of chains, and what made them.

    Attributes
    ----------
    theta : (chains, records, p) array
        NaN where a chain had diverged.
    steps : (records,) int array
        After how many steps each record was taken; the last is the end of the run.
    loss : (chains, records) array
        L(θ) against the clean labels.
    status : (chains,) array of str
        "finished", or "diverged" if θ or L overflowed; a diverged chain is recorded no further.
    setting : Setting
    arguments : dict
        The arguments of the call as they were parsed, and as "simulator" the name of what was called.
    seed : Seed
        What `rng` stood for; ``seed.generator()`` stands for the same.
    versions : dict
        Of ouanalysis, numpy, and numba or autograd, whichever took the steps.

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
    loss: Array
    status: NDArray[np.str_]
    setting: Setting
    arguments: dict[str, object]
    seed: Seed
    versions: dict[str, str]

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """(chains,) bool array."""
        return self.status == "diverged"

    @cached_property
    def reg(self) -> Array:
        """reg(θ), (chains, records): NaN where a chain had diverged, infinite where it alone overflows."""
        from .kernels import regularizers

        compiled = regularizers(self.setting)
        recorded = ~np.isnan(self.loss)
        values = np.full(recorded.shape, np.nan)
        values[recorded] = _regularizers(self.setting, compiled, self.theta[recorded])
        return values

    def repeat(self, *, noise: Law | None = None) -> "Trajectory":
        """The run again, from its seed and arguments: the same to the last bit where `versions` are the same.

        Parameters
        ----------
        noise : callable, optional
            The noise of your own that made the run: needed after `load`, since a file holds its name alone.
        """
        from . import SIMULATORS

        arguments = dict(self.arguments)
        simulator = SIMULATORS[str(arguments.pop("simulator"))]
        kept = arguments.get("noise")
        if isinstance(kept, str) and kept.startswith(OF_ONES_OWN):
            if noise is None:
                raise TypeError(f"noise: expected the {kept} that made the run, which is not in the file, got None")
            arguments["noise"] = noise
        elif noise is not None:
            raise TypeError("noise: expected None, since the run has its own, got another")
        return simulator(self.setting, rng=self.seed.generator(), **arguments)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to an .npz file, at once or not at all.

        A Setting of your own is not in it but for its data, nor is a noise of your own but for its name.
        """
        write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str], setting: Setting | None = None) -> Self:
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
        return cls(**read(path, setting))

    def to_xarray(self) -> "Dataset":
        """An xarray.Dataset: theta (chain, record, parameter), loss and reg (chain, record), status (chain).

        The coordinate `step` is that of each record; attrs say what made the run. Needs the extra `xarray`.
        """
        try:
            from xarray import Dataset
        except ImportError as error:
            raise ImportError("to_xarray: expected xarray, which pip install 'ouanalysis[xarray]' installs") from error
        observed = {"loss": self.loss, "reg": self.reg}
        return Dataset(
            {"theta": (("chain", "record", "parameter"), self.theta)}
            | {name: (("chain", "record"), values) for name, values in observed.items()}
            | {"status": ("chain", self.status)},
            coords={"step": ("record", self.steps)},
            attrs=as_written(self),
        )

    def __repr__(self) -> str:
        chains, records, dim = self.theta.shape
        lost = np.count_nonzero(self.diverged)
        fate = f"{lost} of {chains} chains diverged" if lost else "all finished"
        return f"Trajectory(chains={chains}, records={records}, dim={dim}, steps={self.steps[-1]}, {fate})"


def observe(
    setting: Setting,
    theta: Array,
    steps: NDArray[np.int64],
    *,
    arguments: dict[str, object],
    seed: Seed,
    engine: Engine,
) -> Trajectory:
    """The Trajectory of recorded states (chains, records, p); overflow becomes NaN and a status."""
    alive = np.isfinite(theta).all(axis=-1)
    losses = np.full(alive.shape, np.nan)
    with np.errstate(all="ignore"):
        losses[alive] = loss(setting, theta[alive])
    alive = np.logical_and.accumulate(np.isfinite(losses), axis=1)
    theta[~alive] = losses[~alive] = np.nan
    status = np.where(alive[:, -1], "finished", "diverged")
    return Trajectory(theta, steps, losses, status, setting, arguments, seed, versions(engine))


def record_steps(record: Reals | None, steps: int) -> NDArray[np.int64]:
    """The increasing int64 steps at which to record: None, a stride or the steps themselves; the last is always in."""
    if record is None:
        return np.array([steps], dtype=np.int64)
    if as_array("record", record).ndim == 0:
        return np.unique(np.append(np.arange(0, steps, count("record", record, least=1)), steps))
    given = real_array("record", record, shape=("records",))
    wanted = f"increasing integers from 0 to {steps}"
    if not np.array_equal(given, np.round(given)):
        raise ValueError(f"record: expected {wanted}, got {given[given != np.round(given)][0]:g}")
    if np.any(np.diff(given) <= 0) or given[0] < 0 or given[-1] > steps:
        raise ValueError(f"record: expected {wanted}, got {in_one_line(np.asarray(record))}")
    return np.unique(np.append(given.astype(np.int64), steps))


def _regularizers(setting, compiled, theta):
    """reg of rows theta (k, p), compiled or, where there is no kernel, by autograd."""
    values = np.empty(len(theta))
    size = max(1, CHUNK // (setting.n * setting.dim))
    for chunk in (slice(first, first + size) for first in range(0, len(theta), size)):
        if not _compiled_into(values[chunk], compiled, theta[chunk]):
            with np.errstate(all="ignore"):
                values[chunk] = regularizer(setting, theta[chunk])
    return values


def _compiled_into(out, compiled, theta):
    """Whether the kernel could: there may be none, or a pole of the activation's slope."""
    if compiled is None:
        return False
    try:
        compiled(theta, out)
    except ZeroDivisionError:
        return False
    return True
