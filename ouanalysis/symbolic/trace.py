"""Follow a setting's own h with symbols in place of numbers.

h runs on object arrays of `Traced` scalars, whose operators and methods (tanh, exp, ...) are what NumPy's object
loops call. Everything else is differentiated from what comes out.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy

from ..settings.setting import check_setting
from .symbols import data_symbols, exact_array, exact_number, parameter_symbols

__all__ = ["Trace", "Traced", "trace"]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """A setting's model as SymPy expressions; derivatives are taken when first asked for.

    Attributes
    ----------
    theta : tuple of p symbols
    x, y : object arrays (n, *feature) and (n,)
        The data, as numbers or symbols.
    h : (n, 1) Matrix
        The predictions.
    """

    theta: tuple
    x: np.ndarray
    y: np.ndarray
    h: sympy.Matrix

    @cached_property
    def jacobian(self):
        """J, (n, p)."""
        return self.h.jacobian(self.theta)

    @cached_property
    def regularizer(self):
        """(1/n) Σ_i ‖∇_θ h_i‖²."""
        return sympy.Add(*(entry**2 for entry in self.jacobian)) / len(self.h)

    @cached_property
    def regularizer_gradient(self):
        """∇reg, (p, 1)."""
        return sympy.Matrix([self.regularizer.diff(symbol) for symbol in self.theta])

    @cached_property
    def loss(self):
        """(1/n) Σ_i (h_i − y_i)²."""
        return sympy.Add(*((h - y) ** 2 for h, y in zip(self.h, self.y, strict=True))) / len(self.h)

    @cached_property
    def loss_hessian(self):
        """∇²L where the error is zero, (2/n) JᵀJ, (p, p)."""
        return 2 * self.jacobian.T * self.jacobian / len(self.h)

    def __repr__(self):
        return f"Trace(n={len(self.h)}, dim={len(self.theta)})"


def trace(setting, *, symbolic_data=False):
    """The SymPy expressions of a setting's h, Jacobian, regularizer, its gradient, and loss Hessian.

    Parameters
    ----------
    setting : Setting
    symbolic_data : bool
        Put symbols x_i, y_i in place of the data too.

    Returns
    -------
    Trace

    Raises
    ------
    TypeError
        If h does something that SymPy cannot follow; the message names it.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.SigmoidNetwork([[2.0]], [0.5], width=1)
    >>> traced = trace(setting)
    >>> traced.h[0]
    c_0*tanh(2*W_0_0)
    >>> trace(setting, symbolic_data=True).jacobian[0, 0]
    tanh(W_0_0*x_0_0)
    """
    check_setting(setting)
    theta = parameter_symbols(setting.parts)
    x, y = data_symbols(setting) if symbolic_data else (exact_array(setting.x), exact_array(setting.y))
    rows = _traced(np.broadcast_to(np.array(theta, dtype=object), (setting.n, setting.dim)))
    try:
        predictions = np.asarray(setting.h(rows, _traced(x)), dtype=object)
    except (TypeError, ValueError, AttributeError) as error:
        raise TypeError(f"h: expected operations that can be traced, got {error}") from error
    if predictions.shape != (setting.n,):
        raise TypeError(f"h: expected a traced output of shape ({setting.n},), got {predictions.shape}")
    return Trace(theta, x, y, sympy.Matrix([_expression(value) for value in predictions]))


def _binary(operation):
    def forward(self, other):
        return Traced(operation(self.expression, _expression(other)))

    def reflected(self, other):
        return Traced(operation(_expression(other), self.expression))

    return forward, reflected


def _unary(function):
    return lambda self: Traced(function(self.expression))


class Traced:
    """A scalar that keeps the SymPy expression of what was done to it."""

    __slots__ = ("expression",)

    def __init__(self, expression):
        self.expression = expression

    def compose(self, function_of_one_symbol):
        """φ(self) for a SymPy expression φ of one symbol."""
        (symbol,) = function_of_one_symbol.free_symbols
        return Traced(function_of_one_symbol.subs(symbol, self.expression))

    def where_positive(self, then, otherwise):
        """Piecewise: `then` where self > 0."""
        then, otherwise = _expression(then), _expression(otherwise)
        return Traced(sympy.Piecewise((then, self.expression > 0), (otherwise, True)))

    __add__, __radd__ = _binary(lambda a, b: a + b)
    __sub__, __rsub__ = _binary(lambda a, b: a - b)
    __mul__, __rmul__ = _binary(lambda a, b: a * b)
    __truediv__, __rtruediv__ = _binary(lambda a, b: a / b)
    __pow__, __rpow__ = _binary(lambda a, b: a**b)

    def __neg__(self):
        return Traced(-self.expression)

    def __pos__(self):
        return self

    def __abs__(self):
        return Traced(sympy.Abs(self.expression))

    def __repr__(self):
        return f"Traced({self.expression})"

    def _no_branch(self, *_):
        raise TypeError("a comparison or a branch (where, maximum, sign: use those of ouanalysis.activations)")

    def _no_number(self):
        raise TypeError("a conversion to a plain number (float, int or a function of the math module)")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = _no_branch
    __float__ = __int__ = __index__ = _no_number
    __hash__ = None  # type: ignore[assignment]


# NumPy's names on the left, SymPy's on the right.
for _name, _function in {
    **{name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{"arc" + name: getattr(sympy, "a" + name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "log1p": lambda z: sympy.log(1 + z),
    "expm1": lambda z: sympy.exp(z) - 1,
    "square": lambda z: z**2,
    "conjugate": lambda z: z,
}.items():
    setattr(Traced, _name, _unary(_function))


def _traced(array):
    traced = np.empty(array.shape, dtype=object)
    for place in np.ndindex(*array.shape):
        traced[place] = Traced(array[place])
    return traced


def _expression(value):
    if isinstance(value, Traced):
        return value.expression
    if isinstance(value, np.ndarray) and value.shape == ():
        return _expression(value.item())
    if isinstance(value, bool | int | float | np.number):
        return exact_number(float(value))
    if isinstance(value, sympy.Basic):
        return value
    raise TypeError(f"an operand of type {type(value).__name__}")
