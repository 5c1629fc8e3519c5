"""What the commands share: how a seed is read, where they may write, and a terminal that is not UTF-8."""

import argparse
import io
import os
import sys
from pathlib import Path

__all__ = ["REFUSED", "escape_what_stdout_lacks", "is_writable_folder", "refuse", "seed"]

REFUSED = 2  # the exit status of arguments that cannot be used, as argparse has it


def seed(text: str) -> int:
    """An argument's type for argparse.

    >>> seed("12")
    12
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected an integer at least 0, got {text!r}")
    return int(text)


def is_writable_folder(folder: Path) -> bool:
    """Whether --out can be written to, once it is made; else stderr says why not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError("not writable")
    except OSError as error:
        refuse("--out", "a folder", folder, error)
        return False
    return True


def refuse(option: str, kind: str, path: Path, error: OSError) -> None:
    """Say on stderr why a path cannot be written."""
    reason = error.strerror or error
    print(f"{option}: expected {kind} that can be written, got {path}: {reason}", file=sys.stderr)


def escape_what_stdout_lacks() -> None:
    """Print a sign that is not of stdout's encoding as its escape, where it would else be an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
