"""Many runs in one call, and beside each what the exact law of the linearised process predicts."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import Array, Integers, RandomSource, Reals, generator
from ..numeric import flow_time, linearized_sgd
from ..numeric.fluctuations.sampling import BatchSize
from ..numeric.fluctuations.stability_limit import max_stable_lr
from ..numeric.zero_error_set.interpolate import on_zero_error_set
from ..settings import Setting
from .archive import PathLike
from .draws import Law
from .engine import advance_all
from .executors import check_executor
from .launch import begun, job_of
from .plan import Plan
from .provenance import named
from .resumption import check_same_run
from .storage import Stored, read
from .trajectory import Trajectory, trajectory_of

if TYPE_CHECKING:
    from xarray import Dataset

__all__ = ["Sweep", "sweep"]

SWEPT = ("lr", "noise_std", "batch_size", "momentum")
COLUMNS = (
    *(*SWEPT, "steps", "diverged", "loss", "loss_error", "loss_predicted"),
    *("drift", "drift_error", "drift_predicted", "flow_time", "max_stable_lr"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Runs at every combination of some arguments, in rows.

    Attributes
    ----------
    columns : dict of (rows,) arrays
        lr, noise_std, batch_size, momentum : what the row ran with; a full batch is n.
        steps : how many were taken.
        diverged : the share of chains of which θ or L overflowed, which are left out of what follows.
        loss, loss_error, loss_predicted : the mean of L at the end over the chains, in units of y², its standard error,
        and `LinearizedSGD.expected_loss` after so many steps.
        drift, drift_error, drift_predicted : the mean displacement at the end along the predicted one, its standard
        error, and the length of `LinearizedSGD.tangent_drift`, in units of θ.
        flow_time : `ouanalysis.flow_time` of the steps.
        max_stable_lr : the stability limit; predictions past it are NaN.
    runs : tuple of Trajectory
    """

    columns: dict[str, Array | Integers]
    runs: tuple[Trajectory, ...]

    def to_xarray(self) -> "Dataset":
        """The measured and predicted columns over the axes lr, noise_std, batch_size and momentum; needs xarray.

        ``to_xarray().to_dataframe()`` is a tidy table of pandas.
        """
        try:
            from xarray import Dataset
        except ImportError as error:
            raise ImportError("to_xarray: expected xarray, which pip install 'ouanalysis[xarray]' installs") from error
        axes = {name: list(dict.fromkeys(self.columns[name].tolist())) for name in SWEPT}
        shape = [len(values) for values in axes.values()]
        kept = {name: values.reshape(shape) for name, values in self.columns.items() if name not in SWEPT}
        return Dataset({name: (SWEPT, values) for name, values in kept.items()}, coords=axes)

    def __repr__(self) -> str:
        names = list(self.columns)
        cells = [names] + [[f"{self.columns[name][row]:.4g}" for name in names] for row in range(len(self.runs))]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(map(str.rjust, line, widths)) for line in cells)


def sweep(
    setting: Setting,
    theta: Reals,
    *,
    lr: Reals,
    noise_std: Reals,
    batch_size: BatchSize | Sequence[BatchSize] = 1,
    momentum: Reals = 0.0,
    steps: int,
    rng: RandomSource,
    chains: int = 16,
    replacement: bool = True,
    noise: Law = "gaussian",
    executor: Executor | None = None,
    checkpoint: PathLike | None = None,
    progress: bool = False,
) -> Sweep:
    """Run `label_noise_sgd` at every combination of lr, noise_std, batch_size and momentum, from a zero-error point.

    All runs share one pool of workers and one bar. Each has streams of its own, so that a row does not depend on who
    ran it.

    Parameters
    ----------
    theta : (p,) array_like
        On the zero-error set.
    lr, noise_std, batch_size, momentum
        A value or several; the last varies fastest.
    checkpoint : path, optional
        A folder, made if it is missing, in which each run keeps its own checkpoint: the same call again goes on from
        there.
    setting, steps, rng, chains, replacement, noise, executor, progress
        As in `label_noise_sgd`.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError, TypeError
        As `label_noise_sgd` and `linearized_sgd`; if the folder holds another sweep.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting, theta = ou.planted_matrix_sensing(3, 3, 4, rng=0)
    >>> found = ou.sweep(setting, theta, lr=[0.01, 0.02], noise_std=0.1, steps=500, rng=0, chains=100)
    >>> bool(np.all(np.abs(found.columns["loss"] / found.columns["loss_predicted"] - 1) < 0.5))
    True
    """
    theta = on_zero_error_set(setting, theta)
    given = {"lr": lr, "noise_std": noise_std, "batch_size": batch_size, "momentum": momentum}
    options = [_several(name, value) for name, value in given.items()]
    fixed = {"steps": steps, "chains": chains, "replacement": replacement, "noise": noise}
    usual = {"gradient_noise_std": 0.0, "weight_decay": 0.0, "record": None, "observe": None, "average": None}
    rows = [dict(zip(given, values, strict=True)) | fixed | usual for values in product(*options)]
    sources = generator(rng).spawn(len(rows))
    planned = [
        begun("label_noise_sgd", setting, theta, row, rng=source) for row, source in zip(rows, sources, strict=True)
    ]
    check_executor(executor, planned[0][0])
    with _each_warning_once():
        predictor = _Predictor(setting, theta)
        predicted = [predictor(run.arguments, plan.steps) for plan, run in planned]
    paths = _paths(checkpoint, len(rows))
    runs = [_gone_on(plan, run, path) for (plan, run), path in zip(planned, paths, strict=True)]
    jobs = [job_of(plan, run, path) for (plan, _), run, path in zip(planned, runs, paths, strict=True)]
    advance_all(jobs, executor=executor, progress=progress)
    found = tuple(trajectory_of(job.plan, job.snapshot, run) for job, run in zip(jobs, runs, strict=True))
    columns = [_columns(run, *of) for run, of in zip(found, predicted, strict=True)]
    return Sweep({name: np.array([row[name] for row in columns]) for name in columns[0]}, found)


def _several(name, value):
    """The values of an argument."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value]
    values = list(value)
    if not values or any(not isinstance(entry, str) and np.ndim(entry) for entry in values):
        raise ValueError(f"{name}: expected a value or several, got {value!r}")
    return values


def _paths(folder, count):
    if folder is None:
        return [None] * count
    Path(folder).mkdir(exist_ok=True)
    return [Path(folder) / f"run-{row:0{len(str(count - 1))}d}.npz" for row in range(count)]


@contextmanager
def _each_warning_once() -> Iterator[None]:
    """Of many rows that warn alike the first does; theirs are shown when all is known."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for message, category in dict.fromkeys((str(warning.message), warning.category) for warning in caught):
        warnings.warn(message, category, stacklevel=4)


def _gone_on(plan: Plan, run: Stored, path: Path | None) -> Stored:
    """A run, as far as its checkpoint has it if there is one."""
    if path is None or not path.exists():
        return run
    kept = read(path, run.setting)
    if kept.seed != run.seed or not _same(kept.arguments, run.arguments):
        raise ValueError(f"checkpoint: expected a folder of this sweep, got another run in {str(path)!r}")
    check_same_run(plan, kept, exact=True)
    return replace(kept, arguments=run.arguments)


def _same(kept, arguments):
    """Whether a run has the same arguments, but for how long it is to be."""
    noise = arguments["noise"]
    wanted = {**arguments, "noise": named(noise) if callable(noise) else noise, "steps": kept["steps"]}
    return all(np.array_equal(kept[name], wanted[name]) for name in wanted)


class _Predictor:
    """What is predicted at a point; laws are linear in σ², so one of unit noise serves every σ."""

    def __init__(self, setting: Setting, theta: Array) -> None:
        self.setting, self.theta = setting, theta
        self.limit, self.of_unit_noise = cache(self._limit), cache(self._of_unit_noise)

    def __call__(self, arguments: Mapping[str, Any], steps: int) -> tuple[dict[str, Any], Array]:
        """What a row ran with and what is predicted, and the displacement that is (p,)."""
        how = {name: arguments[name] for name in (*SWEPT, "replacement")}
        drawn = tuple(how[name] for name in ("batch_size", "replacement", "momentum"))
        loss, drift = self.of_unit_noise(how["lr"], *drawn, steps)
        sigma, n = how["noise_std"], self.setting.n
        drift = sigma * (sigma * drift)
        return {
            **{name: how[name] for name in SWEPT},
            "batch_size": n if how["batch_size"] == "full" else how["batch_size"],
            "steps": steps,
            "loss_predicted": sigma * (sigma * loss),
            "drift_predicted": float(np.linalg.norm(drift)),
            "flow_time": float(flow_time(self.setting, steps, **how)),
            "max_stable_lr": self.limit(*drawn),
        }, drift

    def _limit(self, batch_size, replacement, momentum):
        drawn = {"batch_size": batch_size, "replacement": replacement, "momentum": momentum}
        return float(max_stable_lr(self.setting, self.theta, **drawn))

    def _of_unit_noise(self, lr, batch_size, replacement, momentum, steps):
        """The expected loss, and the displacement (p,); NaN past the stability limit."""
        if lr >= self.limit(batch_size, replacement, momentum):
            return np.nan, np.full(self.setting.dim, np.nan)
        drawn = {"batch_size": batch_size, "replacement": replacement, "momentum": momentum}
        law = linearized_sgd(self.setting, self.theta, lr=lr, noise_std=1.0, **drawn)
        return float(law.expected_loss(steps)), law.tangent_drift(steps)


def _columns(run: Trajectory, predicted: dict[str, Any], drift: Array) -> dict[str, Any]:
    """A row."""
    steps, theta = int(run.steps[-1]), np.asarray(run.arguments["theta"])[0]
    if steps < predicted["steps"]:  # interrupted
        predicted, drift = _Predictor(run.setting, theta)(run.arguments, steps)
    whole, size = np.isfinite(run.loss[:, -1]), predicted["drift_predicted"]
    along = (run.theta[whole, -1] - theta) @ (drift / size if size else drift)
    measured = _mean("loss", run.loss[whole, -1]) | _mean("drift", along)
    row = predicted | measured | {"diverged": float(np.mean(~whole))}
    return {name: row[name] for name in COLUMNS}


def _mean(name, values):
    """A mean over chains and its standard error; NaN of no chain, and of one."""
    count = len(values)
    mean = float(values.mean()) if count else np.nan
    error = float(values.std(ddof=1) / np.sqrt(count)) if count > 1 else np.nan
    return {name: mean, f"{name}_error": error}
