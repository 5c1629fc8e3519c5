"""All real roots of a smooth function in an interval, each in an enclosure that is proved: interval Newton on balls.

An interval is dropped where the function's enclosure excludes 0, holds exactly one root where its derivative's does and
the signs at its ends differ, and is cut in two otherwise. Source: Moore, Kearfott & Cloud 2009, *Introduction to
Interval Analysis* (doi:10.1137/1.9780898717716), chapter 8; Johansson 2017 (arXiv:1611.02831) for the arithmetic.
"""

import contextlib
from collections import deque
from dataclasses import dataclass
from math import prod

import numpy as np
import sympy
from numpy.typing import NDArray

from ..arguments import Reals, real_array

__all__ = ["Roots", "real_roots"]

BITS = 128
NARROWEST = 2.0**-40  # of the interval: what cannot be decided in a piece of this width stays open
PIECES = 20_000
GRID = 4097  # of the search for changes of sign where there is no ball arithmetic

# SymPy's functions that arb has; the rest of an expression is sums, products and powers.
_FUNCTIONS = (
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "cot", "coth", "csc", "csch"),
    *("erf", "erfc", "erfi", "exp", "log", "sec", "sech", "sin", "sinh", "tan", "tanh"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Roots:
    """The roots found in an interval.

    Attributes
    ----------
    interval : (float, float)
    enclosures : (k, 2) array
        Lower and upper ends, ascending; with ball arithmetic each holds exactly one root, proved.
    undecided : (j, 2) array
        Pieces in which a root can be, but was not proved or excluded: a double root, or a pole.
    ball_arithmetic : bool
        False where the expression has a function that `arb` lacks: roots are then changes of sign on a grid.
    """

    interval: tuple[float, float]
    enclosures: NDArray[np.float64]
    undecided: NDArray[np.float64]
    ball_arithmetic: bool

    @property
    def certified(self) -> bool:
        """Whether these are proved to be all the roots in the interval."""
        return self.ball_arithmetic and not len(self.undecided)

    @property
    def values(self) -> NDArray[np.float64]:
        """(k,) array: the middles of the enclosures."""
        return np.asarray(np.mean(self.enclosures, axis=1))

    def __repr__(self) -> str:
        left, right = self.interval
        found = f"{len(self.enclosures)} in [{left:g}, {right:g}]"
        if not self.ball_arithmetic:
            return f"Roots({found}, uncertified: changes of sign on a grid)"
        return f"Roots({found}, {f'{len(self.undecided)} pieces undecided' if len(self.undecided) else 'certified'})"


def real_roots(expression: sympy.Expr, symbol: sympy.Symbol, interval: Reals) -> Roots:
    """The roots of a SymPy expression of one real symbol in a closed interval.

    Parameters
    ----------
    expression : sympy.Expr
        Continuously differentiable on the interval; its numbers exact, as floats are.
    symbol : sympy.Symbol
    interval : (float, float)

    Returns
    -------
    Roots
        Of an expression with a function that ball arithmetic lacks, changes of sign on a grid: uncertified.

    Raises
    ------
    ValueError
        For an empty interval, and an expression that is complex, 0, of other symbols, or not to be evaluated.
    TypeError
        If it is not a SymPy expression.

    Examples
    --------
    >>> t = sympy.Symbol("t")
    >>> found = real_roots(t**3 - 2 * t, t, (-2, 3))
    >>> found, found.values
    (Roots(3 in [-2, 3], certified), array([-1.41421356,  0.        ,  1.41421356]))
    """
    left, right = map(float, real_array("interval", interval, shape=(2,)))
    if not left < right:
        raise ValueError(f"interval: expected a lower and a greater upper end, got {left:g} and {right:g}")
    if not isinstance(expression, sympy.Expr):
        raise TypeError(f"expression: expected a SymPy expression, got {expression!r}")
    if expression.free_symbols - {symbol} or expression.has(sympy.I):
        raise ValueError(f"expression: expected a real one with no symbol but {symbol}, got {expression}")
    if expression.is_zero:
        raise ValueError("expression: expected one that is not 0 everywhere, got 0")
    expression = expression.replace(lambda part: part.is_Float, sympy.Rational)  # as SymPy rounds sums and products
    if expression.is_polynomial(symbol):
        expression = sympy.factor(expression)  # its terms, expanded, nearly cancel near neighbouring roots
    try:
        value, derivative = _on_balls(expression, symbol), _on_balls(expression.diff(symbol), symbol)
    except NotImplementedError:
        found, undecided, ball_arithmetic = _sign_changes(expression, symbol, left, right), [], False
    else:
        found, undecided = _isolate(value, derivative, left, right)
        ball_arithmetic = True
    return Roots((left, right), _pairs(found), _pairs(undecided), ball_arithmetic)


def _isolate(value, derivative, left, right):
    """Enclosures that hold one root each, and the pieces left open; floats."""
    import flint

    found, undecided = set(), []
    pieces, narrowest, looked_at = deque([(left, right)]), NARROWEST * (right - left), 0
    with flint.ctx.workprec(BITS):
        while pieces:
            low, high = pieces.popleft()  # the widest first
            looked_at += 1
            roots = _proved(value, derivative, low, high)
            if roots is not None:
                found.update(roots)  # a root at a cut is found from both sides
            elif high - low < narrowest or looked_at > PIECES:
                undecided.append((low, high))
            else:
                cut = low + 0.4871 * (high - low)  # not the middle, where symmetric functions have their roots
                pieces += [(low, cut), (cut, high)]
    return found, _merged(undecided)


def _proved(value, derivative, low, high):
    """The roots in a piece, none where 0 is excluded and at most one where the slope's 0 is; None where neither is."""
    import flint

    ball, middle = flint.arb(low).union(flint.arb(high)), flint.arb(0.5 * (low + high))
    slope, at = derivative(ball), value(ball)
    if slope.is_finite():
        at = _common(at, value(middle) + slope * (ball - middle))
    if at.is_finite() and not at.contains(0):
        return []
    if not slope.is_finite() or slope.contains(0):
        return None
    ends = [value(flint.arb(end)) for end in (low, high)]
    if not all(end.is_finite() and (not end.contains(0) or end.is_zero()) for end in ends):
        return None
    if ends[0].is_zero() or ends[1].is_zero():
        root = low if ends[0].is_zero() else high
        return [(root, root)]
    return [_newton(value, derivative, ball)] if (ends[0] > 0) != (ends[1] > 0) else []


def _newton(value, derivative, ball):
    """The ends of an enclosure of the one root in a ball, rounded outward to floats."""
    for _ in range(60):
        middle = ball.mid()
        closer = _common(ball, middle - value(middle) / derivative(ball))
        if not closer.rad() < 0.9 * ball.rad():
            break
        ball = closer
    low, high = float(ball.lower()), float(ball.upper())
    return float(np.nextafter(low, -np.inf)), float(np.nextafter(high, np.inf))


def _common(first, second):
    """The intersection of two enclosures of one number."""
    return first.intersection(second) if first.is_finite() and second.is_finite() else first


def _merged(pieces):
    """Neighbouring open pieces as one."""
    merged: list[tuple[float, float]] = []
    for low, high in sorted(pieces):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return merged


def _on_balls(expression, symbol):
    """A function of an arb that encloses the expression's values; NotImplementedError for what arb lacks."""
    import flint

    if expression == symbol:
        return lambda ball: ball
    if expression.is_Integer:
        return _constant(lambda: flint.arb(int(expression)))
    if expression.is_Rational:
        return _constant(lambda: flint.arb(flint.fmpq(int(expression.p), int(expression.q))))
    if expression in (sympy.pi, sympy.E):
        return _constant(flint.arb.pi if expression == sympy.pi else lambda: flint.arb(1).exp())
    parts = [_on_balls(part, symbol) for part in expression.args]
    if expression.is_Add:
        return lambda ball: sum((part(ball) for part in parts), flint.arb(0))
    if expression.is_Mul:
        return lambda ball: prod((part(ball) for part in parts), start=flint.arb(1))
    if expression.is_Pow:
        exponent = expression.exp
        if exponent.is_Integer:
            return lambda ball: parts[0](ball) ** int(exponent)
        return lambda ball: parts[0](ball) ** parts[1](ball)
    name = expression.func.__name__
    if name in _FUNCTIONS and len(parts) == 1:
        return lambda ball: getattr(parts[0](ball), name)()
    raise NotImplementedError(f"no ball arithmetic for {expression.func}")


def _constant(number):
    return lambda _ball: number()


def _sign_changes(expression, symbol, left, right):
    """Places where floats change their sign, by a grid and Brent's method; not where they do so through a pole."""
    from scipy.optimize import brentq

    grid, roots = np.linspace(left, right, GRID), []
    try:
        function = sympy.lambdify(symbol, expression, modules=["scipy", "numpy"])
        with np.errstate(all="ignore"):
            values = np.broadcast_to(np.asarray(function(grid), dtype=float), grid.shape)
            roots += list(grid[values == 0])
            for i in np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0):
                with contextlib.suppress(ValueError):  # no value at a pole
                    root = brentq(function, grid[i], grid[i + 1], xtol=1e-15)
                    if abs(function(root)) < max(abs(values[i]), abs(values[i + 1])):
                        roots.append(root)
    except (NameError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        why = " ".join(str(error).split())
        raise ValueError(f"expression: expected one that SciPy can evaluate, got {expression}: {why}") from error
    return [(root, root) for root in sorted(roots)]


def _pairs(pairs):
    return np.array(sorted(pairs), dtype=float).reshape(-1, 2)
