"""A run on disk: arrays, and one text of plain facts, in an .npz file from which nothing is executed.

A setting that `ouanalysis.settings` exports is made anew from its arrays and the name of its class, looked up among
those exports. Any other is given again, and compared.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from .. import settings
from ..activations import Activation
from ..settings import Setting
from ..settings.setting import check_setting
from .provenance import Seed, named

if TYPE_CHECKING:
    from .trajectory import Trajectory

__all__ = ["as_written", "read", "write"]

PROBES = 4
FORMAT = "ouanalysis trajectory 2"
OF_ANY = {field.name for field in fields(Setting)}
KINDS: dict[str, type[Setting]] = {
    name: kind
    for name, kind in vars(settings).items()
    if name in settings.__all__ and isinstance(kind, type) and kind is not Setting
}


def write(path: str | os.PathLike[str], run: "Trajectory") -> None:
    """Write a Trajectory, in the place of a file that may be there already, whole or not at all."""
    arrays = {
        "theta": run.theta,
        "steps": run.steps,
        "loss": run.loss,
        "diverged": run.diverged,
        "x": run.setting.x,
        "y": run.setting.y,
        "predictions": _probed(run.setting, run.arguments["theta"]),
    }
    plain = {}
    for name, value in run.arguments.items():
        if isinstance(value, np.ndarray):
            arrays[f"argument {name}"] = value
        else:
            plain[name] = named(value) if callable(value) else value
    facts = {
        "format": FORMAT,
        "dim": run.setting.dim,
        "setting": _constructor(run.setting),
        "arguments": plain,
        "seed": asdict(run.seed),
        "versions": run.versions,
        "arrays": list(arrays),
    }
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path: expected a file in a folder that exists, got {os.fspath(path)!r}")
    partial = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with open(partial, "xb") as file:
            np.savez(file, allow_pickle=False, facts=np.array(json.dumps(facts)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def read(path: str | os.PathLike[str], setting: Setting | None) -> dict[str, Any]:
    """The fields of the Trajectory that `write` wrote."""
    with open(path, "rb") as file:
        try:
            arrays, facts = _contents(file)
            kept = _fields(arrays, facts)
            rebuilt = _rebuilt(arrays, facts)
        except Exception as error:  # a damaged file raises anything
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            if "pickle" in reason:  # NumPy advises to execute it
                reason = "it holds Python objects, which are not loaded"
            message = f"path: expected a file that Trajectory.save wrote, got {os.fspath(path)!r} ({reason})"
            raise ValueError(message) from error
    if setting is None and rebuilt is None:
        raise TypeError("setting: expected the Setting that made the run, whose h is not in the file, got None")
    made_by = rebuilt if setting is None else setting
    _check_same(made_by, arrays, facts["dim"])
    return kept | {"setting": made_by}


def as_written(run: "Trajectory") -> dict[str, Any]:
    """What made a run, as attributes that any format of files can hold: numbers, text and (n,) arrays."""
    plain = {}
    for name, value in run.arguments.items():
        if callable(value):
            plain[name] = named(value)
        elif name not in ("theta", "record"):
            plain[name] = int(value) if isinstance(value, bool) else value
    texts = {"seed": asdict(run.seed), "versions": run.versions}
    return plain | {"setting": repr(run.setting)} | {name: json.dumps(value) for name, value in texts.items()}


def _contents(file):
    """The arrays of a file, and its facts."""
    stored = np.load(file, allow_pickle=False)
    if not isinstance(stored, Mapping) or "facts" not in stored:
        raise ValueError("no facts of a run in it")
    arrays = {name: stored[name] for name in stored}
    facts = json.loads(str(arrays.pop("facts")))
    if facts["format"] != FORMAT:
        raise ValueError(f"expected the format {FORMAT!r}, got {facts['format']!r}")
    if set(arrays) != set(facts["arrays"]):  # a damaged directory of a zip file may lack some
        raise ValueError(f"expected the arrays {', '.join(facts['arrays'])}, got {', '.join(arrays)}")
    return arrays, facts


def _fields(arrays, facts):
    """The fields of a Trajectory but for its setting, of the right shapes and kinds."""
    theta, steps, loss, diverged = (arrays[name] for name in ("theta", "steps", "loss", "diverged"))
    shapes = theta.shape, steps.shape, loss.shape, diverged.shape
    kinds = [array.dtype for array in (theta, steps, loss, diverged)]
    chains, records = loss.shape
    if shapes != ((chains, records, facts["dim"]), (records,), (chains, records), (chains,)) or kinds != [
        *(np.float64, np.int64, np.float64, np.bool_)
    ]:
        raise ValueError(f"arrays of shapes {shapes} do not fit each other")
    given = {name.removeprefix("argument "): arrays[name] for name in arrays if name.startswith("argument ")}
    return {
        "theta": theta,
        "steps": steps,
        "loss": loss,
        "status": np.where(diverged, "diverged", "finished"),
        "arguments": facts["arguments"] | given,
        "seed": Seed.from_facts(facts["seed"]),
        "versions": facts["versions"],
    }


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


def _rebuilt(arrays, facts):
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


def _check_same(setting, arrays, dim):
    """A ValueError if the setting is not the one that made the run."""
    check_setting(setting)
    wanted = "setting: expected the Setting that made the run"
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
