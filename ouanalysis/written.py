"""What is written: rounded results, as JSON, and files that appear together or not at all."""

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

__all__ = ["json_text", "plain", "resolutions", "rounded", "together"]


def rounded(value: Any, resolution: float | None = None) -> Any:
    """A result with its floats to six significant digits, and none finer than the resolution that its field states."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: field.metadata.get("resolution") for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **{name: rounded(getattr(value, name), fields[name]) for name in fields})
    if isinstance(value, np.ndarray):
        return np.array(rounded(value.tolist(), resolution), dtype=value.dtype).reshape(value.shape)
    if isinstance(value, list | tuple):
        return type(value)(rounded(entry, resolution) for entry in value)
    if not isinstance(value, float) or not np.isfinite(value):
        return value
    value = float(f"{value:.6g}")
    return (round(value, round(-np.log10(resolution))) if resolution else value) + 0.0  # + 0.0: a zero has no sign


def resolutions(value: object) -> dict[str, float]:
    """{field: resolution} of those that state one, at any depth."""
    stated: dict[str, float] = {}
    if isinstance(value, list | tuple):
        for entry in value:
            stated |= resolutions(entry)
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            resolution = field.metadata.get("resolution")
            stated |= {field.name: resolution} if resolution else resolutions(getattr(value, field.name))
    return stated


def plain(value: object) -> object:
    """A result as JSON holds it: floats to six significant digits, NaN as null."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return rounded(float(value)) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def json_text(shown: Mapping[str, object]) -> str:
    """JSON with every innermost list on one line."""
    text = json.dumps(shown, indent=1)
    return re.sub(r"\[[^\[\]{}]*\]", lambda row: " ".join(row.group().split()), text) + "\n"


@contextmanager
def together(folder: Path) -> Iterator[Path]:
    """A new folder: the files written there move to `folder` at the end, all of them, or nothing changes."""
    with TemporaryDirectory(dir=folder, prefix=".unfinished-") as beside:
        new, old = Path(beside, "new"), Path(beside, "old")
        new.mkdir()
        old.mkdir()
        yield new
        names = os.listdir(new)
        for name in names:
            if os.path.lexists(folder / name):
                shutil.copy2(folder / name, old / name)
        try:
            for name in names:
                os.replace(new / name, folder / name)
        except BaseException:  # a Ctrl-C between two files, too
            for name in names:
                if (old / name).exists():
                    os.replace(old / name, folder / name)
                else:
                    (folder / name).unlink(missing_ok=True)
            raise
