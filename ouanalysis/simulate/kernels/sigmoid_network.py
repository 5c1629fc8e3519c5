"""h(x) = Σ_j c_j φ(w_jᵀ x), with θ = (c, W): φ is tanh, the logistic function or compiled from a SymPy expression.

An expression enters as a compiled function, which Numba cannot keep on disk: it is compiled once in every process.
"""

from functools import cache
from typing import Any, NamedTuple

import numba
from numba.extending import overload

from ...arguments import Array
from ...settings import SigmoidNetwork
from .dot import dot
from .exponential import logistic
from .scalars import tanh
from .sizes import Size, known, size

__all__ = ["model", "of_known_sizes", "value_and_gradient"]


class Tanh(NamedTuple):
    x: Array
    y: Array
    width: int
    d: Size


class Logistic(NamedTuple):
    x: Array
    y: Array
    width: int
    d: Size


class Smooth(NamedTuple):
    x: Array
    y: Array
    width: int
    d: Size
    phi: Any  # compiled functions of one float
    slope: Any


def model(setting: SigmoidNetwork) -> Tanh | Logistic | Smooth | None:
    """The arrays of a `SigmoidNetwork`; copies, as Numba compiles anew for a read-only array."""
    d = known(1) if setting.d == 1 else setting.d  # of one input loops over neurons alone are left
    arguments = setting.x.copy(), setting.y.copy(), setting.width, d
    if setting.activation.expression is None:
        named: dict[str, type[Tanh | Logistic]] = {"tanh": Tanh, "logistic": Logistic}
        return named[setting.activation.name](*arguments)
    compiled = _compile_expression(setting.activation.expression)
    return compiled and Smooth(*arguments, *compiled)


def of_known_sizes(model: Tanh | Logistic | Smooth) -> Tanh | Logistic | Smooth:
    """The same, with the dimension of x for Numba to know unless it is large."""
    return model._replace(d=known(model.d))


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
    """Compiled: the activations of all neurons in one loop, which fills vector units."""
    x, m = model.x[i], model.width
    c, W, phi, to_W = theta[:m], theta[m:], gradient[:m], gradient[m:]
    for j in range(m):
        z = 0.0
        for k in range(size(model.d)):
            z += W[j * size(model.d) + k] * x[k]
        phi[j] = z
    for j in range(m):
        phi[j], to_W[j] = activate(model, phi[j])
    for j in range(m - 1, -1, -1):  # downwards, as the slopes are still in its first entries
        slope = to_W[j] * c[j]
        for k in range(size(model.d)):
            to_W[j * size(model.d) + k] = slope * x[k]
    return dot(c, phi)


def activate(model, z) -> tuple[float, float]:
    """(φ(z), φ'(z)); only compiled code can call it."""
    raise NotImplementedError


@overload(activate)
def _activate(model, z):
    return {Tanh: _tanh, Logistic: _logistic, Smooth: _smooth}[model.instance_class]


def _tanh(model, z):
    phi = tanh(z)
    return phi, 1.0 - phi * phi


def _logistic(model, z):
    return logistic(z)


def _smooth(model, z):
    return model.phi(z), model.slope(z)
