"""Which figures there are, and how any of them is drawn and saved."""

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal

from matplotlib.figure import Figure

from ..written import rounded
from ._style import styled

__all__ = ["LONG", "NAMES", "FileFormat", "drawn", "save", "summary"]

FileFormat = Literal["png", "pdf", "svg"]

NAMES = tuple(
    sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name[0] != "_")
)

LONG = ("recovery",)  # minutes each: drawn when named, or with --long


def drawn(name: str, result: Any) -> Figure:
    """The figure of the result of its experiment, to the digits that are written."""
    return import_module(f"ouanalysis.figures.{name}").draw(rounded(result))


@styled
def save(figure: Figure, file: Path | IO[bytes], file_format: FileFormat) -> None:
    """Write it without the date, so that the same numbers are the same file."""
    undated = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[file_format]
    figure.savefig(file, format=file_format, metadata=undated)


def summary(name: str) -> str:
    """What it shows, in one line."""
    return (import_module(f"ouanalysis.figures.{name}").__doc__ or "").partition("\n")[0]
