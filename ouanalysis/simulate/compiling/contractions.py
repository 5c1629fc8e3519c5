"""Products that are summed over shared axes, each as what its axes are called: ("ij", "jk") to "ik"."""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.numpy import numpy_vjps, numpy_wrapper

__all__ = ["CONTRACTIONS"]


def _einsum(*arguments, **keywords):
    if set(keywords) - {"optimize"}:
        raise NotImplementedError(f"with {', '.join(keywords)}")
    shapes = [np.empty(argument.shape) if hasattr(argument, "shape") else argument for argument in arguments]
    names, out, _ = numpy_wrapper.parse_einsum_input(*shapes)
    operands = [argument for argument in arguments if hasattr(argument, "shape")]
    return operands, names.split(","), out


def _tensordot(a, b, axes=2):
    return [a, b], *_axes_of_tensordot(_ndim(a), _ndim(b), axes)


def _dot(a, b):
    return [a, b], *_axes_of_dot(_ndim(a), _ndim(b))


def _inner(a, b):
    return [a, b], *_axes_of_tensordot(_ndim(a), _ndim(b), ([-1], [-1]) if _ndim(a) and _ndim(b) else 0)


def _matmul(a, b):
    rows, columns = range(_ndim(a) - 1), range(_ndim(b) - 1)
    batch = max(_ndim(a), _ndim(b), 2) - 2
    names = [f"b{k}" for k in range(batch)]
    of_a = [*names[batch - max(_ndim(a) - 2, 0) :], "row", "sum"] if _ndim(a) > 1 else ["sum"]
    of_b = [*names[batch - max(_ndim(b) - 2, 0) :], "sum", "column"] if _ndim(b) > 1 else ["sum"]
    return [a, b], [of_a, of_b], names + ["row"] * bool(rows) + ["column"] * bool(columns)


def _dot_adjoint_0(b, g, a_meta, b_meta):
    (of_a, of_b), out = _axes_of_dot(a_meta[1], b_meta[1])
    return [b, g], [of_b, out], of_a


def _dot_adjoint_1(a, g, a_meta, b_meta):
    (of_a, of_b), out = _axes_of_dot(a_meta[1], b_meta[1])
    return [a, g], [of_a, out], of_b


def _tensordot_adjoint_0(b, g, axes, a_ndim, b_ndim):
    (of_a, of_b), out = _axes_of_tensordot(a_ndim, b_ndim, axes)
    return [b, g], [of_b, out], of_a


def _tensordot_adjoint_1(a, g, axes, a_ndim, b_ndim):
    (of_a, of_b), out = _axes_of_tensordot(a_ndim, b_ndim, axes)
    return [a, g], [of_a, out], of_b


def _axes_of_dot(a, b):
    return _axes_of_tensordot(a, b, 0 if a == 0 or b == 0 else ([a - 1], [max(b - 2, 0)]))


def _axes_of_tensordot(a, b, axes):
    """The names of a's, b's and the product's axes."""
    if isinstance(axes, int):
        axes = list(range(a - axes, a)), list(range(axes))
    of_a, of_b = [f"a{k}" for k in range(a)], [f"b{k}" for k in range(b)]
    for i, j in zip(np.atleast_1d(axes[0]) % max(a, 1), np.atleast_1d(axes[1]) % max(b, 1), strict=True):
        of_b[j] = of_a[i]
    shared = set(of_a) & set(of_b)
    return (of_a, of_b), [name for name in of_a + of_b if name not in shared]


def _ndim(array):
    return len(array.shape)


CONTRACTIONS: dict[object, Callable[..., Any]] = {
    **{anp.einsum: _einsum, anp.dot: _dot, anp.matmul: _matmul, anp.tensordot: _tensordot, anp.inner: _inner},
    **{numpy_vjps.dot_adjoint_0: _dot_adjoint_0, numpy_vjps.dot_adjoint_1: _dot_adjoint_1},
    **{numpy_vjps.tensordot_adjoint_0: _tensordot_adjoint_0, numpy_vjps.tensordot_adjoint_1: _tensordot_adjoint_1},
}
