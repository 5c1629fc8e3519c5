"""h(x) = Σ_j c_j φ(w_jᵀ x), with θ = (c, W): φ is tanh, the logistic function or compiled from a SymPy expression.

An expression enters as a compiled function, which Numba cannot keep on disk: it is compiled once in every process.
"""

from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.extending import overload

from ...arguments import Array
from ...settings import SigmoidNetwork

__all__ = ["model", "value_and_gradient"]


class Tanh(NamedTuple):
    x: Array
    y: Array
    width: int


class Logistic(NamedTuple):
    x: Array
    y: Array
    width: int


class Smooth(NamedTuple):
    x: Array
    y: Array
    width: int
    phi: Any  # compiled functions of one float
    slope: Any


def model(setting: SigmoidNetwork) -> Tanh | Logistic | Smooth | None:
    """The arrays of a `SigmoidNetwork`; copies, as Numba compiles anew for a read-only array."""
    arguments = setting.x.copy(), setting.y.copy(), setting.width
    if setting.activation.expression is None:
        named: dict[str, type[Tanh | Logistic]] = {"tanh": Tanh, "logistic": Logistic}
        return named[setting.activation.name](*arguments)
    compiled = _compile_expression(setting.activation.expression)
    return compiled and Smooth(*arguments, *compiled)


@cache
def _compile_expression(expression):
    """φ and φ' as compiled functions; None if the expression has a function that Numba does not know."""
    from sympy import lambdify

    (symbol,) = expression.free_symbols
    forms = (expression, expression.diff(symbol))
    try:
        functions = tuple(numba.njit(lambdify(symbol, form, "math")) for form in forms)
        for function in functions:
            function.compile("float64(float64)")
    except (numba.core.errors.NumbaError, NotImplementedError):  # the latter is SymPy's, of what it cannot print
        return None
    return functions


def value_and_gradient(model, theta, i, gradient) -> float:
    """Compiled: neuron by neuron."""
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


def activate(model, z) -> tuple[float, float]:
    """(φ(z), φ'(z)); only compiled code can call it."""
    raise NotImplementedError


@overload(activate)
def _activate(model, z):
    return {Tanh: _tanh, Logistic: _logistic, Smooth: _smooth}[model.instance_class]


def _tanh(model, z):
    phi = np.tanh(z)
    return phi, 1.0 - phi * phi


def _logistic(model, z):
    small = np.exp(-abs(z))
    return (1.0 if z > 0 else small) / (1.0 + small), small / (1.0 + small) ** 2


def _smooth(model, z):
    return model.phi(z), model.slope(z)
