"""From a SymPy expression to a NumPy function."""

import numpy as np
import sympy

from ..arguments import real_array

__all__ = ["compile"]


def compile(expression, symbols):
    """A function of one array (..., len(symbols)) that evaluates the expression, common subexpressions once.

    The derivative of a jump counts as 0: it is a delta at one point only.

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
    entries = [entry.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0)) for entry in entries]
    unknown = set().union(*(entry.free_symbols for entry in entries)) - set(symbols)
    if unknown:
        raise ValueError(
            f"symbols: expected all that the expression has, got none for {', '.join(sorted(map(str, unknown)))}"
        )
    function = sympy.lambdify(symbols, entries, modules=["scipy", "numpy"], cse=True)

    def evaluate(values):
        values = real_array("values", values, shape=(..., len(symbols)))
        leading = values.shape[:-1]
        results = function(*np.moveaxis(values, -1, 0))
        if any(np.iscomplexobj(result) for result in results):
            raise ValueError(f"expression: expected real values, got complex ones of {expression}")
        stacked = np.stack([np.broadcast_to(np.asarray(result, dtype=float), leading) for result in results], axis=-1)
        return stacked.reshape(leading + shape)

    return evaluate
