"""Loops that Numba compiles and keeps on disk for the next process, and what to say where it cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.errors import NumbaError

__all__ = ["compiled_and_kept"]


def compiled_and_kept(
    function: Callable[..., Any], types: tuple[Any, ...], *, keep: bool = True
) -> tuple[Callable[..., Any], str | None]:
    """The function for arguments of these Numba types alone, and what kept it from being kept, if anything did."""
    if numba.config.DISABLE_JIT:
        return function, "NUMBA_DISABLE_JIT is set, so loops run in Python, some hundred times slower: unset it"
    problem = where = None
    if keep:
        try:
            loop = numba.njit(cache=True, nogil=True)(function)
            where = loop.stats.cache_path
            loop.compile(types)
        except NumbaError:
            raise
        except Exception as error:  # a damaged file raises anything
            problem = _no_cache(error, where)
        else:
            loop.disable_compile()  # other arguments are a mistake, not another loop
            return loop, _elsewhere(where)
    loop = numba.njit(nogil=True)(function)
    loop.compile(types)
    loop.disable_compile()
    return loop, problem


def _no_cache(error, where):
    """One line for a loop that is compiled for this process alone; `where` is None if no folder could be written."""
    if where is None:
        reason, remedy = "found no folder to write to", "set NUMBA_CACHE_DIR to one"
    else:
        reason = f"{type(error).__name__} in {where}: {getattr(error, 'strerror', None) or error}"
        remedy = "delete its damaged files, make room there or set NUMBA_CACHE_DIR to another folder"
    return f"compiled kernels are not kept on disk ({reason}), which costs every process some seconds: {remedy}"


def _elsewhere(where):
    """One line if the folder that the user named is not the one in use, else None."""
    wanted = numba.config.CACHE_DIR
    if not wanted or Path(wanted) in Path(where).parents:
        return None
    return (
        f"NUMBA_CACHE_DIR: expected a folder that can be written, got {wanted!r}: compiled kernels are kept in {where}"
    )
