"""Functions that are written down as what they do: each as simpler ones of `autograd.numpy`."""

import sys
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import trace_primitives_map

from .. import activations

__all__ = ["composite", "is_of_scipy"]


def composite(function: Any) -> Callable[..., Any] | None:
    """What a function does, by simpler ones; None of one that is simple."""
    if is_of_scipy(function) and function.__name__ == "logsumexp":
        return _logsumexp_of_scipy
    return _COMPOSITES.get(function)


def is_of_scipy(function: Any) -> bool:
    """Whether it is one of `autograd.scipy.special`, which is loaded only by a model that uses it."""
    special = sys.modules.get("autograd.scipy.special")
    return special is not None and getattr(special, function.__name__, None) is function


def _mean(z, axis=None, keepdims=False):
    return anp.sum(z, axis=axis, keepdims=keepdims) / _count(z, axis)


def _var(z, axis=None, ddof=0, keepdims=False):
    apart = z - _mean(z, axis, keepdims=True)
    return anp.sum(apart * apart, axis=axis, keepdims=keepdims) / (_count(z, axis) - ddof)


def _std(z, axis=None, ddof=0, keepdims=False):
    return anp.sqrt(_var(z, axis, ddof, keepdims))


def _norm(z, ord=None, axis=None):
    if ord not in (None, 2, "fro") or (ord == 2 and axis is None and anp.ndim(z) > 1):
        raise NotImplementedError("norm of another order than 2")
    return anp.sqrt(anp.sum(z * z, axis=axis))


def _softmax(z, axis=-1):
    shares = anp.exp(z - anp.max(z, axis=axis, keepdims=True))
    return shares / anp.sum(shares, axis=axis, keepdims=True)


def _logsumexp(z, axis=-1, keepdims=False):
    largest = anp.max(z, axis=axis, keepdims=True)
    total = largest + anp.log(anp.sum(anp.exp(z - largest), axis=axis, keepdims=True))
    return total if keepdims else anp.squeeze(total, axis=axis)


def _logsumexp_of_scipy(z, axis=None, keepdims=False):
    axis = tuple(range(anp.ndim(z))) if axis is None else axis
    return _logsumexp(z, axis, keepdims)


def _sinc(z):
    turned = anp.pi * anp.where(z == 0.0, 1e-20, z)
    return anp.sin(turned) / turned


def _outer(a, b):
    return anp.reshape(a, (-1, 1)) * anp.reshape(b, (1, -1))


def _count(z, axis):
    shape = np.array(anp.shape(z))
    return float(np.prod(shape if axis is None else shape[np.array(axis)]))


_COMPOSITES: dict[object, Callable[..., Any]] = {
    trace_primitives_map[np.mean]: _mean,
    trace_primitives_map[np.var]: _var,
    trace_primitives_map[np.std]: _std,
    trace_primitives_map[np.sinc]: _sinc,
    trace_primitives_map[np.outer]: _outer,
    trace_primitives_map[np.linalg.norm]: _norm,
    activations.softmax: _softmax,
    activations.logsumexp: _logsumexp,
}
