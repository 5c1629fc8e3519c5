"""Warnings of which one in a process is enough."""

import sys
import warnings
from functools import cache
from pathlib import Path

__all__ = ["warn_once"]

PACKAGE = str(Path(__file__).parents[1])


@cache
def warn_once(message: str) -> None:
    """Warn whoever called the package, the first time that there is this to say."""
    outermost = depth = 1
    frame = sys._getframe(0).f_back
    while frame:
        depth += 1
        if frame.f_code.co_filename.startswith(PACKAGE):  # a library's frames may stand between ours
            outermost = depth
        frame = frame.f_back
    warnings.warn(message, stacklevel=outermost + 1)
