"""Derivatives of SymPy expressions, each shared subexpression once.

SymPy's own `diff` walks an expression as a tree, in which a network's inner neurons stand once for every path to the
output.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import sympy

from ..progress import progress_bar
from .functions import WherePositive

__all__ = ["LIMIT", "check_cost", "check_seconds", "derivatives", "length", "operations", "subexpressions"]

LIMIT = 20.0  # seconds
NODE = 1e-3  # seconds to trace a subexpression, square its derivatives and compile them: 0.8 to 1.4 ms on networks
DERIVATIVE = 8e-5  # seconds to differentiate it by one symbol


def subexpressions(expressions: Iterable[sympy.Basic]) -> list[sympy.Basic]:
    """The different subexpressions, each after its arguments."""
    found: dict[sympy.Basic, None] = {}
    stack = list(expressions)[::-1]
    while stack:
        node = stack[-1]
        missing = [] if node in found else [argument for argument in node.args if argument not in found]
        if not missing:
            found.setdefault(stack.pop())
        stack += missing
    return list(found)


def length(expression: sympy.Basic) -> int:
    """How many subexpressions it has when it is written out, each as often as it stands there."""
    lengths: dict[sympy.Basic, int] = {}
    for node in subexpressions([expression]):
        lengths[node] = 1 + sum(lengths[argument] for argument in node.args)
    return lengths[expression]


def derivatives(
    expressions: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol], *, progress: bool = False
) -> list[list[sympy.Expr]]:
    """The rows ∂e/∂s over the symbols, of each expression e; `progress` shows a bar."""
    nodes, depends = _dependence(expressions, symbols)
    columns = []
    with progress_bar(len(symbols), unit="derivative", shown=progress) as bar:
        for place, symbol in enumerate(symbols):
            known = {symbol: sympy.Integer(1)}
            for node in nodes:
                if depends[node] >> place & 1 and node not in known and isinstance(node, sympy.Expr):
                    known[node] = _derivative(node, known, symbol)
            columns.append([known.get(expression, sympy.Integer(0)) for expression in expressions])
            bar.update(1)
    return [list(row) for row in zip(*columns, strict=True)]


def operations(expressions: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]) -> int:
    """How many derivatives of subexpressions `derivatives` takes."""
    return sum(mask.bit_count() for mask in _dependence(expressions, symbols)[1].values())


def check_cost(
    expressions: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol], what: str, *, times: int = 1
) -> None:
    """`check_seconds` of the expressions' derivatives, squared and compiled, so many times."""
    nodes = len(subexpressions(expressions))
    check_seconds(times * (NODE * nodes + DERIVATIVE * operations(expressions, symbols)), what)


def check_seconds(seconds: float, what: str) -> None:
    """A ValueError that says how long it will take, if that is longer than `LIMIT`."""
    if seconds > LIMIT:
        raise ValueError(
            f"trace: expected at most {LIMIT:g} s of work, got some {seconds:.2g} s for {what}: pass progress=True to "
            "go on with a progress bar, or use ouanalysis.regularizer and its like, which need no formula"
        )


def _dependence(expressions, symbols):
    """The subexpressions, and for each a mask of the symbols that it has."""
    nodes = subexpressions(expressions)
    depends: dict[sympy.Basic, int] = {}
    place = {symbol: 1 << k for k, symbol in enumerate(symbols)}
    for node in nodes:
        mask = place.get(node, 0)
        for argument in node.args:
            mask |= depends[argument]
        depends[node] = mask
    return nodes, depends


def _derivative(node, known, symbol):
    """∂node/∂symbol from those of its arguments, where they are not 0."""
    if isinstance(node, sympy.Add):
        return sympy.Add(*(known[part] for part in node.args if part in known))
    if isinstance(node, sympy.Mul):
        factors = node.args
        return sympy.Add(
            *(
                sympy.Mul(*factors[:place], known[factor], *factors[place + 1 :])
                for place, factor in enumerate(factors)
                if factor in known
            )
        )
    if isinstance(node, WherePositive):  # not its slope times the inner one: the side not taken may be inf
        z, then, otherwise = node.args
        return WherePositive(z, known.get(then, 0), known.get(otherwise, 0))
    if isinstance(node, sympy.Pow):  # SymPy's own slope, e b^e/b, is 0/0 at b = 0
        base, exponent = node.args
        slope = exponent * base ** (exponent - 1) * known.get(base, 0)
        return slope + sympy.log(base) * node * known[exponent] if exponent in known else slope
    if not all(isinstance(argument, sympy.Expr) for argument in node.args):
        return node.diff(symbol)
    slopes, value, arguments = _slopes(node.func, len(node.args))
    here = {value: node, **dict(zip(arguments, node.args, strict=True))}
    return sympy.Add(
        *(
            slope.xreplace(here) * known[argument]
            for slope, argument in zip(slopes, node.args, strict=True)
            if argument in known
        )
    )


@cache
def _slopes(function, count):
    """The partial derivatives of a function in dummies: of its value, and of its arguments, all real."""
    arguments = [sympy.Dummy(real=True) for _ in range(count)]
    value, held = sympy.Dummy(real=True), function(*arguments)
    return [held.diff(argument).xreplace({held: value}) for argument in arguments], value, arguments
