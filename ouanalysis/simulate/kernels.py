"""Compiled label-noise SGD: one segment loop, and for each setting one function that gives h_i and its gradient.

A model is a NamedTuple of arrays, and `value_and_gradient` is overloaded on its type, which lets Numba keep the
compiled loop on disk. An activation given as a SymPy expression enters as a function, which Numba cannot keep: it is
compiled once in every process. All overloads stay in this file: the cache is renewed when it changes.
"""

from functools import cache, partial, singledispatch
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.extending import overload

from ..settings import MatrixSensing, ReluNetwork, SigmoidNetwork

__all__ = ["kernel"]

# Not nnan or ninf: with them isfinite says True of NaN. Not contract: a fused a x + b is not 0 at a kink on a datum.
_FLAGS = {"fastmath": {"reassoc", "nsz", "arcp"}}


def kernel(setting):
    """`_advance` for this setting, without its first argument; None for a setting that has no kernel."""
    model = _model(setting)
    if model is None:
        return None
    return partial(_compiled_advance(keep=not isinstance(model, _Smooth)), model)


class _Sensing(NamedTuple):
    symmetric: np.ndarray  # S_i = A_i + A_iᵀ (n, d, d)
    y: np.ndarray
    rank: int


class _Relu(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    width: int


class _Tanh(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    width: int


class _Logistic(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    width: int


class _Smooth(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    width: int
    phi: Any  # compiled functions of one float
    slope: Any


@singledispatch
def _model(_setting):
    return None


@_model.register
def _(setting: MatrixSensing):
    return _Sensing(setting.x + np.swapaxes(setting.x, -1, -2), _writeable(setting.y), setting.rank)


@_model.register
def _(setting: ReluNetwork):
    return _Relu(_writeable(setting.x), _writeable(setting.y), setting.width)


@_model.register
def _(setting: SigmoidNetwork):
    arguments = _writeable(setting.x), _writeable(setting.y), setting.width
    if setting.activation.expression is None:
        return {"tanh": _Tanh, "logistic": _Logistic}[setting.activation.name](*arguments)
    compiled = _compile_expression(setting.activation.expression)
    return compiled and _Smooth(*arguments, *compiled)


def _writeable(array):
    return array.copy()  # Numba compiles anew for a read-only array


@cache
def _compile_expression(expression):
    """φ and φ' as compiled functions; None if the expression has a function that Numba does not know."""
    from sympy import lambdify

    (symbol,) = expression.free_symbols
    forms = (expression, expression.diff(symbol))
    try:
        functions = tuple(numba.njit(lambdify(symbol, form, "math"), **_FLAGS) for form in forms)
        for function in functions:
            function.compile("float64(float64)")
    except (numba.core.errors.NumbaError, NotImplementedError):  # the latter is SymPy's, of what it cannot print
        return None
    return functions


def value_and_gradient(model, theta, i, gradient):
    """h(θ, x_i), with ∇_θ h_i written to `gradient`; only compiled code can call it."""


@overload(value_and_gradient, jit_options=_FLAGS)
def _value_and_gradient(model, theta, i, gradient):
    return _KERNELS[model.instance_class]


def activate(model, z):
    """(φ(z), φ'(z)); only compiled code can call it."""


@overload(activate, jit_options=_FLAGS)
def _activate(model, z):
    return _ACTIVATIONS[model.instance_class]


def _sensing(model, theta, i, gradient):
    symmetric, rank = model.symmetric[i], model.rank
    d = len(symmetric)
    value = 0.0
    for row in range(d):
        out = gradient[row * rank : (row + 1) * rank]
        out[:] = 0.0
        for column in range(d):
            weight = symmetric[row, column]
            for k in range(rank):
                out[k] += weight * theta[column * rank + k]
        for k in range(rank):
            value += out[k] * theta[row * rank + k]
    return value / 2


def _relu(model, theta, i, gradient):
    x, m = model.x[i], model.width
    value = theta[3 * m] * x + theta[3 * m + 1]
    gradient[3 * m] = x
    gradient[3 * m + 1] = 1.0
    for j in range(m):
        c = theta[2 * m + j]
        z = theta[j] * x + theta[m + j]
        active = 1.0 if z > 0 else 0.0
        hidden = z if z > 0 else 0.0
        value += c * hidden
        gradient[j] = active * c * x
        gradient[m + j] = active * c
        gradient[2 * m + j] = hidden
    return value


def _sigmoid(model, theta, i, gradient):
    x, m = model.x[i], model.width
    d = len(x)
    value = 0.0
    for j in range(m):
        start = m + j * d
        z = 0.0
        for k in range(d):
            z += theta[start + k] * x[k]
        phi, slope = activate(model, z)
        value += theta[j] * phi
        gradient[j] = phi
        for k in range(d):
            gradient[start + k] = theta[j] * slope * x[k]
    return value


def _tanh(model, z):
    phi = np.tanh(z)
    return phi, 1.0 - phi * phi


def _logistic(model, z):
    small = np.exp(-abs(z))
    return (1.0 if z > 0 else small) / (1.0 + small), small / (1.0 + small) ** 2


def _smooth(model, z):
    return model.phi(z), model.slope(z)


_KERNELS = {_Sensing: _sensing, _Relu: _relu, _Tanh: _sigmoid, _Logistic: _sigmoid, _Smooth: _sigmoid}
_ACTIVATIONS = {_Tanh: _tanh, _Logistic: _logistic, _Smooth: _smooth}


def _advance(model, theta, velocity, indices, noise, lr, momentum, first, records, out):
    """Take len(noise) steps in place: v ← βv − ∇, θ ← θ + ηv, from step `first`.

    indices : (steps, B) int64; with B = 0 every datum is taken once, and noise is (steps, n)
    noise : (steps, B) float64, in units of y
    records : (k,) int64, increasing steps; the state after step s goes to the row of `out` where records is s
    """
    full = indices.shape[1] == 0
    batch = noise.shape[1]
    gradient = np.empty_like(theta)
    scale = 2.0 / batch
    record = np.searchsorted(records, first, side="right")
    for step in range(len(noise)):
        velocity *= momentum
        for b in range(batch):
            i = b if full else indices[step, b]
            residual = value_and_gradient(model, theta, i, gradient) - model.y[i] - noise[step, b]
            velocity -= scale * residual * gradient
        theta += lr * velocity
        if record < len(records) and records[record] == first + step + 1:
            out[record] = theta
            record += 1


@cache
def _compiled_advance(*, keep):
    """Kept on disk, except for a model that holds functions: every process would write it anew."""
    try:
        return numba.njit(cache=keep, nogil=True, **_FLAGS)(_advance)
    except RuntimeError:  # Numba found no folder that it may write
        return numba.njit(nogil=True, **_FLAGS)(_advance)
