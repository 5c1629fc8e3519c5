"""Sizes that Numba knows: a tuple of so many Nones, whose length is part of its type.

A loop is then compiled for these sizes alone, and takes the same steps to the last bit, several times faster.
"""

from typing import Any

from numba import types
from numba.extending import overload

__all__ = ["LARGEST", "Size", "is_known", "known", "size"]

LARGEST = 32  # loops of known length are unrolled, and take the longer to compile

Size = int | tuple[None, ...]


def known(n: Size) -> Size:
    """A size of a model that Numba is to know, unless it is large."""
    return (None,) * n if isinstance(n, int) and n <= LARGEST else n


def is_known(kind: Any) -> bool:
    """Whether a Numba type is that of such a size."""
    return isinstance(kind, types.BaseTuple)


def size(of: Size) -> int:
    """The number that it stands for; only compiled code can call it."""
    raise NotImplementedError


@overload(size, inline="always")
def _size(of):
    return (lambda of: len(of)) if is_known(of) else (lambda of: of)
