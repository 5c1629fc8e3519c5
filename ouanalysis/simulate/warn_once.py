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
    depth, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(PACKAGE):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, stacklevel=depth)
