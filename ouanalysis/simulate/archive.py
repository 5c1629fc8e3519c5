"""A file of arrays and one text of plain facts, an .npz from which nothing is executed: written whole or not at all.

Format: NumPy's .npz; the entry `facts` is a JSON text with "format" (its name and version) and "arrays" (the names of
all other entries), the entry `digest` the SHA-256 of the facts and of all arrays in that order.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["PathLike", "read_archive", "refuse_folder", "write_archive"]

PathLike = str | os.PathLike[str]
Arrays = dict[str, NDArray[Any]]
Read = TypeVar("Read")


def write_archive(path: PathLike, format_: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write beside, flush to the disk, rename: a file that was there stays whole until the new one is."""
    target = refuse_folder(path)
    text = json.dumps({"format": format_, "arrays": list(arrays), **facts})
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            sealed = {"facts": np.array(text), "digest": np.array(_digest(text, arrays))}
            np.savez(file, allow_pickle=False, **sealed, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
        _sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def read_archive(path: PathLike, format_: str, made_by: str, decode: Callable[[dict[str, Any], Arrays], Read]) -> Read:
    """What `decode` makes of the facts and arrays of a file; a ValueError in one line if it is not one, or damaged."""
    with open(path, "rb") as file:
        try:
            return decode(*_contents(file, format_))
        except Exception as error:  # a damaged file raises anything
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            if "pickle" in reason:  # NumPy advises to execute it
                reason = "it holds Python objects, which are not loaded"
            message = f"path: expected a file that {made_by} wrote, got {os.fspath(path)!r} ({reason})"
            raise ValueError(message) from error


def refuse_folder(path: PathLike, name: str = "path") -> Path:
    """The file that a path leads to; an error if its folder is not there."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name}: expected a path, got {path!r}")
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{name}: expected a file in a folder that exists, got {os.fspath(path)!r}")
    return target


def _contents(file, format_):
    stored = np.load(file, allow_pickle=False)
    if not isinstance(stored, Mapping) or "facts" not in stored:
        raise ValueError("no facts of a run in it")
    arrays = {name: stored[name] for name in stored}
    text, digest = str(arrays.pop("facts")), str(arrays.pop("digest", ""))
    facts = json.loads(text)
    if facts["format"] != format_:
        raise ValueError(f"expected the format {format_!r}, got {facts['format']!r}")
    if set(arrays) != set(facts["arrays"]):  # a damaged directory of a zip file may lack some
        raise ValueError(f"expected the arrays {', '.join(facts['arrays'])}, got {', '.join(arrays)}")
    if digest != _digest(text, {name: arrays[name] for name in facts["arrays"]}):
        raise ValueError("its contents do not have the digest that it gives")
    return facts, arrays


def _digest(text, arrays):
    """Of the facts and of the arrays with their names, kinds and shapes."""
    digest = hashlib.sha256(text.encode())
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()


def _sync_folder(folder):
    """So that the new name outlives a loss of power, where folders can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
