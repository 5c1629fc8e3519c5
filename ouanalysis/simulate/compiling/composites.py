"""Functions that are written down as what they do: each as simpler ones of `autograd.numpy`."""

import sys
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import trace_primitives_map

from ... import activations

__all__ = ["composite", "is_of_scipy"]


def composite(function):
    """What a function does, by simpler ones; None of one that is simple."""
    if is_of_scipy(function) and function.__name__ == "logsumexp":
        return logsumexp_of_scipy
    return _COMPOSITES.get(function)


def is_of_scipy(function):
    """Whether it is one of `autograd.scipy.special`, which is loaded only by a model that uses it."""
    special = sys.modules.get("autograd.scipy.special")
    return special is not None and getattr(special, function.__name__, None) is function


def mean(z, axis=None, keepdims=False):
    return anp.sum(z, axis=axis, keepdims=keepdims) / _count(z, axis)


def var(z, axis=None, ddof=0, keepdims=False):
    apart = z - mean(z, axis, keepdims=True)
    return anp.sum(apart * apart, axis=axis, keepdims=keepdims) / (_count(z, axis) - ddof)


def std(z, axis=None, ddof=0, keepdims=False):
    return anp.sqrt(var(z, axis, ddof, keepdims))


def norm(z, ord=None, axis=None):
    if ord not in (None, 2, "fro") or (ord == 2 and axis is None and anp.ndim(z) > 1):
        raise NotImplementedError("norm of another order than 2")
    return anp.sqrt(anp.sum(z * z, axis=axis))


def softmax(z, axis=-1):
    shares = anp.exp(z - anp.max(z, axis=axis, keepdims=True))
    return shares / anp.sum(shares, axis=axis, keepdims=True)


def logsumexp(z, axis=-1, keepdims=False):
    largest = anp.max(z, axis=axis, keepdims=True)
    total = largest + anp.log(anp.sum(anp.exp(z - largest), axis=axis, keepdims=True))
    return total if keepdims else anp.squeeze(total, axis=axis)


def logsumexp_of_scipy(z, axis=None, keepdims=False):
    axis = tuple(range(anp.ndim(z))) if axis is None else axis
    return logsumexp(z, axis, keepdims)


def sinc(z):
    turned = anp.pi * anp.where(z == 0.0, 1e-20, z)
    return anp.sin(turned) / turned


def outer(a, b):
    return anp.reshape(a, (-1, 1)) * anp.reshape(b, (1, -1))


def _count(z, axis):
    shape = np.array(anp.shape(z))
    return float(np.prod(shape if axis is None else shape[np.array(axis)]))


_COMPOSITES: dict[object, Callable[..., Any]] = {
    trace_primitives_map[np.mean]: mean,
    trace_primitives_map[np.var]: var,
    trace_primitives_map[np.std]: std,
    trace_primitives_map[np.sinc]: sinc,
    trace_primitives_map[np.outer]: outer,
    trace_primitives_map[np.linalg.norm]: norm,
    activations.softmax: softmax,
    activations.logsumexp: logsumexp,
}
