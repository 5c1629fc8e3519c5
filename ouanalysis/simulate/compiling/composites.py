"""Functions that are written down as what they do: each as simpler ones of `autograd.numpy`."""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.numpy import linalg, numpy_wrapper
from autograd.scipy import special

from ... import activations

__all__ = ["COMPOSITES"]


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


def outer(a, b):
    return anp.reshape(a, (-1, 1)) * anp.reshape(b, (1, -1))


def _count(z, axis):
    shape = np.array(anp.shape(z))
    return float(np.prod(shape if axis is None else shape[np.array(axis)]))


COMPOSITES: dict[object, Callable[..., Any]] = {
    numpy_wrapper._primitive_mean: mean,
    numpy_wrapper._primitive_var: var,
    numpy_wrapper._primitive_std: std,
    anp.outer: outer,
    linalg._primitive_norm: norm,
    special.logsumexp: logsumexp_of_scipy,
    activations.softmax: softmax,
    activations.logsumexp: logsumexp,
}
