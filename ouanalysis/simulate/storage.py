"""What a file holds of a run, finished or not: `save`, `load` and checkpoints.

A setting that `ouanalysis.settings` exports is made anew from its arrays and the name of its class, looked up among
those exports. Any other is given again, and compared; so is each function that took part.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from .. import settings
from ..activations import Activation
from ..arguments import Array, Integers
from ..settings import Setting
from ..settings.setting import check_setting
from .archive import PathLike, read_archive, write_archive
from .averages import Averaging, Sums
from .draws import spawn_streams
from .provenance import Seed, bit_generator_state, named
from .state import State, could_be

__all__ = ["Stored", "as_written", "read", "write"]

PROBES = 4
FORMAT = "ouanalysis run 4"
OF_ANY = {field.name for field in fields(Setting)}
OF_STATE = ("taken", "theta", "velocity")
OF_SUMS = ("shift", "recent", "total")
KINDS: dict[str, type[Setting]] = {
    name: kind
    for name, kind in vars(settings).items()
    if name in settings.__all__ and isinstance(kind, type) and kind is not Setting
}


@dataclass(frozen=True, eq=False)
class Stored:
    """A run as a file has it.

    Attributes
    ----------
    setting : Setting
    arguments : dict
        As a Trajectory has them; functions as their names, once they come from a file.
    seed : Seed
    versions : dict
    theta : (chains, records, p) array
        The states at the records that some chain has passed, NaN for one that has not.
    steps : (records,) int64 array
    observed : dict of (chains, records, …) arrays
    state : State, optional
    witness : (k,) array, optional
        What a first step and the functions gave: see `witness`.
    checkpoint : bool
        Whether the run itself wrote it.
    """

    setting: Setting
    arguments: dict[str, Any]
    seed: Seed
    versions: dict[str, str]
    theta: Array
    steps: Integers
    observed: dict[str, Array]
    state: State | None
    witness: Array | None
    checkpoint: bool = False

    @property
    def ended(self) -> bool:
        """Whether all chains have taken all steps."""
        inner = self.arguments.get("substeps", 1)
        return self.state is None or bool(np.all(self.state.taken == self.arguments["steps"] * inner))


def write(path: PathLike, run: Stored) -> None:
    """Write a run, in the place of a file that may be there already, whole or not at all."""
    arrays = {
        "theta": run.theta,
        "steps": run.steps,
        "x": run.setting.x,
        "y": run.setting.y,
        "predictions": _probed(run.setting, run.arguments["theta"]),
        "witness": np.empty(0) if run.witness is None else run.witness,
        **{f"observed {name}": values for name, values in run.observed.items()},
    }
    plain = {}
    for name, value in run.arguments.items():
        if isinstance(value, np.ndarray):
            arrays[f"argument {name}"] = value
        elif isinstance(value, Averaging):
            plain[name] = {field.name: getattr(value, field.name) for field in fields(value) if field.name != "basis"}
            if value.basis is not None:
                arrays["basis"] = value.basis
        else:
            plain[name] = _without_functions(value)
    streams = None
    if run.state is not None:
        arrays |= {f"state {name}": getattr(run.state, name) for name in OF_STATE}
        arrays |= {f"sums {name}": getattr(run.state.sums, name) for name in OF_SUMS}
        streams = [[bit_generator_state(stream) for stream in chain] for chain in run.state.streams]
    facts = {
        "dim": run.setting.dim,
        "setting": _constructor(run.setting),
        "arguments": plain,
        "seed": asdict(run.seed),
        "versions": run.versions,
        "streams": streams,
        "reduced": run.state is not None and run.state.start is not None,
        "checkpoint": run.checkpoint,
    }
    write_archive(path, FORMAT, facts, arrays)


def read(path: PathLike, setting: Setting | None) -> Stored:
    """The run that `write` wrote."""
    run, arrays = read_archive(path, FORMAT, "Trajectory.save or a run with checkpoint=", _decoded)
    if setting is None and run.setting is None:
        raise TypeError("setting: expected the Setting that made the run, whose h is not in the file, got None")
    made_by = run.setting if setting is None else setting
    _check_same(made_by, arrays)
    return replace(run, setting=made_by)


def as_written(run: Any) -> dict[str, Any]:
    """What made a run, as attributes that any format of files can hold: numbers, text and arrays of one axis."""
    plain: dict[str, Any] = {}
    for name, value in run.arguments.items():
        if name in ("theta", "record", "observe", "average") or value is None:
            continue
        if np.ndim(value) == 2:  # stages
            plain[name] = str(np.asarray(value).tolist())
        else:
            plain[name] = _without_functions(int(value) if isinstance(value, bool) else value)
    texts = {"seed": asdict(run.seed), "versions": run.versions}
    return plain | {"setting": repr(run.setting)} | {name: json.dumps(value) for name, value in texts.items()}


def _without_functions(value):
    """A value with names in the place of functions."""
    if isinstance(value, Mapping):
        return {name: _without_functions(inner) for name, inner in value.items()}
    return named(value) if callable(value) else value


def _decoded(facts, arrays):
    """The run of a file, its setting None where that is one's own, and the arrays."""
    run = Stored(
        setting=_rebuilt(facts, arrays),
        arguments=_arguments(facts, arrays),
        seed=Seed.from_facts(facts["seed"]),
        versions=dict(facts["versions"]),
        theta=arrays["theta"],
        steps=arrays["steps"],
        observed=_of_kind("observed", arrays),
        state=_state(facts, arrays),
        witness=arrays["witness"],
        checkpoint=bool(facts["checkpoint"]),
    )
    chains, records, dim = run.theta.shape
    wanted: list[tuple[Any, tuple[int, ...]]] = [(run.theta, (chains, records, facts["dim"])), (run.steps, (records,))]
    wanted += [(arrays["argument theta"], (*arrays["argument theta"].shape[:-1], dim))]
    wanted += [(values, (chains, records)) for values in run.observed.values()]
    fits = all(array.shape[: len(shape)] == shape for array, shape in wanted)
    steps = run.arguments["steps"] * run.arguments.get("substeps", 1)
    possible = run.state is None or could_be(run.state, chains, dim, run.arguments.get("average"), steps)
    if not fits or not possible or (run.theta.dtype, run.steps.dtype) != (np.float64, np.int64):
        raise ValueError("its arrays do not fit each other")
    return run, arrays


def _of_kind(kind, arrays):
    """The arrays whose names begin with a word, by the rest of their names."""
    return {name.removeprefix(f"{kind} "): arrays[name] for name in arrays if name.startswith(f"{kind} ")}


def _arguments(facts, arrays):
    arguments = facts["arguments"] | _of_kind("argument", arrays)
    if arguments.get("average") is not None:
        arguments["average"] = Averaging(basis=arrays.get("basis"), **arguments["average"])
    return arguments


def _state(facts, arrays):
    if facts["streams"] is None:
        return None
    streams = spawn_streams(Seed.from_facts(facts["seed"]).generator(), len(facts["streams"]))
    for chain, states in zip(streams, facts["streams"], strict=True):
        for stream, state in zip(chain, states, strict=True):
            stream.bit_generator.state = state
    sums = Sums(**_of_kind("sums", arrays))
    start = arrays["argument theta"] if facts["reduced"] else None
    return State(**_of_kind("state", arrays), streams=streams, sums=sums, start=start)


def _constructor(setting):
    """[name of the class, arguments beyond x and y] of a setting of this package, or None."""
    if KINDS.get(type(setting).__name__) is not type(setting):
        return None
    own = {field.name: getattr(setting, field.name) for field in fields(setting) if field.name not in OF_ANY}
    for name, value in own.items():
        if isinstance(value, Activation) and value.expression is None:
            own[name] = value.name
    if not all(isinstance(value, int | float | str) for value in own.values()):
        return None
    return [type(setting).__name__, own]


def _rebuilt(facts, arrays):
    if facts["setting"] is None:
        return None
    name, own = facts["setting"]
    return KINDS[name](arrays["x"], arrays["y"], **own)


def _probed(setting, start):
    """h on all data at fixed parameters, (k, n): any about the origin of the size of the start, and some about it."""
    center = np.reshape(start, (-1, setting.dim))[0]
    size = np.max(np.abs(center)) or 1.0
    about = np.random.default_rng(0).standard_normal((2, PROBES, setting.dim))
    with np.errstate(over="ignore"):
        points = np.concatenate([size * about[0], center * (1 + about[1] / 8)])
    return setting.predictions(np.nan_to_num(points))


def _check_same(setting, arrays):
    """A ValueError if the setting is not the one that made the run."""
    check_setting(setting)
    wanted = "setting: expected the Setting that made the run"
    dim = arrays["argument theta"].shape[-1]
    if setting.dim != dim:
        raise ValueError(f"{wanted}, with dim={dim}, got dim={setting.dim}")
    for name in ("x", "y"):
        if not np.array_equal(getattr(setting, name), arrays[name]):
            raise ValueError(f"{wanted}, got one with another {name}")
    here, there = _probed(setting, arrays["argument theta"]), arrays["predictions"]
    # The same h rounds otherwise elsewhere; any other is far from it.
    size = np.max(np.abs(there), axis=1, keepdims=True, where=np.isfinite(there), initial=0)
    near = (here == there) | (np.isnan(here) & np.isnan(there))
    with np.errstate(invalid="ignore"):
        near |= np.abs(here - there) <= np.sqrt(np.finfo(float).eps) * size
    if not near.all():
        raise ValueError(f"{wanted}, got one with another h")
