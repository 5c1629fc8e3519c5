"""Scalars that keep the SymPy expression of what was done to them, and the arrays that NumPy runs h on.

NumPy's loops over objects call the operators and methods (tanh, exp, ...) of `Traced`; functions that have no such
loop (logaddexp, erf, ...) come through the array protocol of `TracedArray`.
"""

from typing import Self

import numpy as np
import sympy

from .functions import LogSumExp, Maximum, OneOverSumExp, WherePositive
from .symbols import Objects, exact_number

__all__ = ["Traced", "TracedArray", "expression_of", "traced"]


def traced(array: Objects) -> "TracedArray":
    """The `TracedArray` of the numbers and SymPy expressions of an array."""
    scalars = np.empty(array.shape, dtype=object)
    for place in np.ndindex(*array.shape):
        scalars[place] = Traced(array[place])
    return np.ndarray.view(scalars, TracedArray)


def expression_of(value: object) -> sympy.Expr:
    """The SymPy expression that a traced scalar or a number stands for."""
    if isinstance(value, Traced):
        return value.expression
    if isinstance(value, np.ndarray) and value.shape == ():
        return expression_of(value.item())
    if isinstance(value, bool | int | float | np.number):
        return exact_number(float(value))
    if isinstance(value, sympy.Basic):
        return value
    raise TypeError(f"an operand of type {type(value).__name__}")


def _binary(operation):
    def forward(self, other):
        return Traced(operation(self.expression, expression_of(other)))

    def reflected(self, other):
        return Traced(operation(expression_of(other), self.expression))

    return forward, reflected


def _unary(function):
    return lambda self: Traced(function(self.expression))


def _comparison(relation):
    def compare(self, other):
        return bool(relation(sympy.sign(self._number() - Traced(expression_of(other))._number()), 0))

    return compare


class Traced:
    """A scalar that keeps the SymPy expression of what was done to it."""

    __slots__ = ("expression",)

    def __init__(self, expression: sympy.Expr) -> None:
        self.expression = expression

    def compose(self, function_of_one_symbol: sympy.Expr) -> "Traced":
        """φ(self) for a SymPy expression φ of one symbol."""
        (symbol,) = function_of_one_symbol.free_symbols
        return Traced(function_of_one_symbol.xreplace({symbol: self.expression}))

    def where_positive(self, then: object, otherwise: object) -> "Traced":
        """`then` where self > 0."""
        return Traced(WherePositive(self.expression, expression_of(then), expression_of(otherwise)))

    __add__, __radd__ = _binary(lambda a, b: a + b)
    __sub__, __rsub__ = _binary(lambda a, b: a - b)
    __mul__, __rmul__ = _binary(lambda a, b: a * b)
    __truediv__, __rtruediv__ = _binary(lambda a, b: a / b)
    __pow__, __rpow__ = _binary(lambda a, b: a**b)
    logaddexp, _ = _binary(LogSumExp)
    arctan2, _ = _binary(sympy.atan2)
    hypot, _ = _binary(lambda a, b: sympy.sqrt(a**2 + b**2))
    maximum, _ = _binary(Maximum)
    minimum, _ = _binary(lambda a, b: -Maximum(-a, -b))

    def __neg__(self):
        return Traced(-self.expression)

    def __pos__(self):
        return self

    def __abs__(self):
        return Traced(sympy.Abs(self.expression))

    def __repr__(self):
        return f"Traced({self.expression})"

    def _number(self):
        if not self.expression.is_number:
            raise TypeError("a comparison or a branch (where, maximum, sign: use those of ouanalysis.activations)")
        return self.expression

    def __bool__(self):
        return bool(self._number() != 0)

    def __float__(self):
        if not self.expression.is_number:
            raise TypeError("a conversion to a plain number (float, int or a function of the math module)")
        return float(self.expression)

    def __int__(self):
        return int(float(self))

    __lt__, __le__ = _comparison(lambda a, b: a < b), _comparison(lambda a, b: a <= b)
    __gt__, __ge__ = _comparison(lambda a, b: a > b), _comparison(lambda a, b: a >= b)
    __eq__, __ne__ = _comparison(lambda a, b: a == b), _comparison(lambda a, b: a != b)
    __hash__ = None  # type: ignore[assignment]


def _exp(z):
    return OneOverSumExp(*(-z).args) if isinstance(-z, LogSumExp) else sympy.exp(z)


# NumPy's and SciPy's names on the left, SymPy's on the right.
for _name, _function in {
    **{name: getattr(sympy, name) for name in ("log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{"arc" + name: getattr(sympy, "a" + name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "exp": _exp,
    "log1p": lambda z: sympy.log(1 + z),
    "expm1": lambda z: sympy.exp(z) - 1,
    "log2": lambda z: sympy.log(z) / sympy.log(2),
    "log10": lambda z: sympy.log(z) / sympy.log(10),
    "exp2": lambda z: 2**z,
    "square": lambda z: z**2,
    "conjugate": lambda z: z,
    "erf": sympy.erf,
    "erfc": sympy.erfc,
    "expit": lambda z: OneOverSumExp(0, -z),
    "softplus": lambda z: LogSumExp(0, z),
    "ndtr": lambda z: (1 + sympy.erf(z / sympy.sqrt(2))) / 2,
}.items():
    setattr(Traced, _name, _unary(_function))


def _loop(name, inputs):
    return np.frompyfunc(lambda z, *others: getattr(Traced(expression_of(z)), name)(*others), inputs, 1)


# The functions without a loop over objects, and the reductions whose loop compares.
_LOOPS = {
    **{(name, "__call__"): _loop(name, 1) for name in ("erf", "erfc", "expit", "ndtr")},
    **{("logaddexp", method): _loop("logaddexp", 2) for method in ("__call__", "reduce")},
    **{(name, "reduce"): _loop(name, 2) for name in ("maximum", "minimum")},
}


def _sums(array, **keywords):
    """np.add.reduce, all terms of a sum at once: added one by one, SymPy sorts them anew each time."""
    terms = np.add.reduce(np.frompyfunc(lambda z: [expression_of(z)], 1, 1)(array), **keywords)
    if isinstance(terms, list):
        return Traced(sympy.Add(*terms))
    return np.frompyfunc(lambda some: Traced(sympy.Add(*(some or ()))), 1, 1)(terms)  # 0 is a sum of nothing


class TracedArray(np.ndarray):
    """An object array of `Traced` scalars."""

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        loop = _LOOPS.get((ufunc.__name__, method), ufunc)
        if (ufunc, method) == (np.add, "reduce") and not keywords.keys() & {"out", "initial"}:
            return _watched(_sums(*map(_plain, inputs), **keywords))
        if "out" in keywords:
            keywords["out"] = tuple(map(_plain, keywords["out"]))
        result = getattr(loop, method)(*map(_plain, inputs), **keywords)
        return _watched(result)

    def __array_function__(self, function, types, inputs, keywords):
        return _watched(super().__array_function__(function, types, inputs, keywords))

    def view(self, *_args: object, **_keywords: object) -> Self:  # type: ignore[override]
        """Itself: autograd's `concatenate` would view it as a plain array, which has no protocol."""
        return self


def _plain(array):
    return np.ndarray.view(array, np.ndarray) if isinstance(array, TracedArray) else array


def _watched(result):
    objects = isinstance(result, np.ndarray) and result.dtype.kind == "O"
    return np.ndarray.view(result, TracedArray) if objects else result
