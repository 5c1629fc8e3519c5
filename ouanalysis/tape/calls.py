"""Operations as autograd records them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from autograd.core import VSpace, sparse_add
from autograd.numpy import numpy_vjps
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import trace_primitives_map
from autograd.util import func

__all__ = ["ADDITIONS", "INDEXED", "primitive", "reduced_axes", "scatter"]

ADDITIONS = {func(VSpace.add), func(VSpace.mut_add), sparse_add}
INDEXED = func(ArrayBox.__getitem__)
scatter = numpy_vjps.untake


def primitive(name: str) -> Any:
    """What autograd records for a function of NumPy."""
    return trace_primitives_map[getattr(np, name)]


def reduced_axes(
    shape: tuple[int, ...], arguments: Sequence[Any], keywords: dict[str, Any]
) -> tuple[tuple[int, ...], bool]:
    """(axes, keepdims) of a reduction of an array of this shape."""
    given = dict(zip(("axis", "dtype", "out", "keepdims"), arguments, strict=False)) | keywords
    axis, keepdims = given.pop("axis", None), bool(given.pop("keepdims", False))
    if any(value is not None for value in given.values()):
        raise NotImplementedError(f"with {', '.join(given)}")
    axes = tuple(range(len(shape))) if axis is None else np.atleast_1d(axis)
    return tuple(int(one) % len(shape) for one in axes), keepdims
