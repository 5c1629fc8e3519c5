"""From a SymPy expression to a NumPy function."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

import numpy as np
import sympy
from sympy.printing.numpy import SciPyPrinter
from sympy.simplify.cse_main import tree_cse

from ..arguments import Array, Reals, real_array
from .derivative import subexpressions
from .functions import NUMERIC

__all__ = ["compile"]


def compile(
    expression: sympy.Expr | sympy.MatrixBase | list[sympy.Expr] | tuple[sympy.Expr, ...],
    symbols: Sequence[sympy.Symbol],
) -> Callable[[Reals], Array]:
    """A function of one array (..., len(symbols)) that evaluates the expression, common subexpressions once.

    The derivative of a jump counts as 0: it is a delta at one point only. What overflows is inf, and what has no real
    value is NaN, without a warning. Compiling takes some 0.1 ms for each different subexpression.

    Parameters
    ----------
    expression : sympy.Expr, sympy.Matrix or a list, which counts as a column
    symbols : sequence of sympy.Symbol
        In the order in which the last axis of the argument holds them.

    Returns
    -------
    callable
        (..., k) to (...) for an expression, (..., rows, columns) for a matrix, (..., rows) for a column.

    Raises
    ------
    ValueError
        If the expression has other free symbols.

    Examples
    --------
    >>> a, b = sympy.symbols("a b")
    >>> compile(sympy.Matrix([a * b, 1]), [a, b])(np.array([[2.0, 3.0], [4.0, 5.0]]))
    array([[ 6.,  1.],
           [20.,  1.]])
    """
    symbols = list(symbols)
    expression = sympy.Matrix(expression) if isinstance(expression, list | tuple) else expression
    matrix = isinstance(expression, sympy.MatrixBase)
    shape = () if not matrix else expression.shape if expression.shape[1] > 1 else expression.shape[:1]
    entries = list(expression) if matrix else [sympy.sympify(expression)]
    unknown = {node for node in subexpressions(entries) if node.is_Symbol} - set(symbols)
    if unknown:
        raise ValueError(
            f"symbols: expected all that the expression has, got none for {', '.join(sorted(map(str, unknown)))}"
        )
    function = _function(entries, symbols)

    def evaluate(values):
        values = real_array("values", values, shape=(..., len(symbols)))
        leading = values.shape[:-1]
        with np.errstate(all="ignore"):  # of the side of a branch that is not taken, or of an overflow to inf
            results = function(*np.moveaxis(values, -1, 0))
        for entry, result in zip(entries, results, strict=True):
            if np.iscomplexobj(result):
                raise ValueError(f"expression: expected real values, got complex ones of {entry}")
        stacked = np.stack([np.broadcast_to(np.asarray(result, dtype=float), leading) for result in results], axis=-1)
        return stacked.reshape(leading + shape)

    return evaluate


def _function(entries, symbols):
    """lambdify, with the names in the code chosen here: a parameter may be called `pi`, `exp` or `lambda`."""
    safe = {symbol: sympy.Symbol(f"value_{k}") for k, symbol in enumerate(symbols)}
    shared, entries = tree_cse(entries, sympy.numbered_symbols("shared_"), order="none")
    shared = [(symbol, part.xreplace(safe)) for symbol, part in shared]
    entries = [entry.xreplace(safe) for entry in entries]
    numeric = {**NUMERIC, "add_up": lambda *terms: reduce(add, terms)}
    printer = _Printer({"fully_qualified_modules": False, "user_functions": {name: name for name in numeric}})
    return sympy.lambdify(
        list(safe.values()),
        entries,
        modules=[numeric, "scipy", "numpy"],
        printer=printer,
        use_imps=False,
        cse=lambda _: (shared, entries),
        docstring_limit=0,
    )


class _Printer(SciPyPrinter):
    """Numbers to the last bit: a kink on a datum depends on it. Long sums as a call: Python parses no long chain."""

    def _print_Add(self, expr, order=None):
        if len(expr.args) <= 50:
            return super()._print_Add(expr, order=order)
        return f"add_up({', '.join(map(self._print, expr.args))})"

    def _print_Mul(self, expr):
        number, others = expr.as_coeff_Mul()
        if not number.is_Float or 0 < abs(float(number)) < np.inf:
            return super()._print_Mul(expr)
        root = self._print(sympy.sqrt(abs(number)))  # a float, unlike the number, and met last: it may multiply a 0
        return f"{'-' if number < 0 else ''}({self._print(others)})*{root}*{root}"

    def _print_Float(self, number):
        return repr(float(sympy.Float(number)))

    _print_Rational = _print_Float

    def _print_Integer(self, number):
        return super()._print_Integer(number) if abs(number) < 2**53 else self._print_Float(number)
