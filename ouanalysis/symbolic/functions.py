"""The SymPy functions that a trace needs beside SymPy's own: branches, and exponentials that no argument overflows.

SymPy's `Piecewise` rewrites conditions that hold branches until nothing can print or call them, and 1/(1 + e^{-z})
differentiates to inf/inf where it is saturated. These keep the form that they are given, to every order.
"""

from functools import reduce

import numpy as np
import sympy
from sympy.core.logic import fuzzy_and

__all__ = ["NUMERIC", "LargestShare", "LogSumExp", "Maximum", "OneOverSumExp", "WherePositive"]


class _Real(sympy.Function):
    """A function that is real where its arguments are."""

    def _eval_is_extended_real(self):
        return fuzzy_and(argument.is_extended_real for argument in self.args)

    def _eval_evalf(self, precision):
        return self.doit(deep=False)._eval_evalf(precision)

    def _latex(self, printer, exp=None):
        text = self._as_latex(printer)
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class WherePositive(_Real):
    """`then` where z > 0, else `otherwise`, as written; only a number decides.

    >>> z = sympy.Symbol("z")
    >>> WherePositive(z, z**2, 0).diff(z), WherePositive(3, z, 0)
    (WherePositive(z, 2*z, 0), z)
    """

    nargs = 3

    @classmethod
    def eval(cls, z: sympy.Expr, then: sympy.Expr, otherwise: sympy.Expr) -> sympy.Expr | None:
        if then == otherwise or (z.is_number and z.is_extended_positive):
            return then
        if z.is_number and z.is_extended_nonpositive:
            return otherwise
        first = then.args[1] if isinstance(then, cls) and then.args[0] == z else then
        second = otherwise.args[2] if isinstance(otherwise, cls) and otherwise.args[0] == z else otherwise
        return None if (first, second) == (then, otherwise) else cls(z, first, second)

    def _eval_derivative(self, symbol):
        z, then, otherwise = self.args
        return WherePositive(z, then.diff(symbol), otherwise.diff(symbol))

    def _eval_rewrite_as_Piecewise(self, z, then, otherwise, **_):
        return sympy.Piecewise((then, z > 0), (otherwise, True))

    def _eval_evalf(self, precision):
        return WherePositive(*(argument.evalf(n=sympy.core.evalf.prec_to_dps(precision)) for argument in self.args))

    def _as_latex(self, printer):
        z, then, otherwise = map(printer._print, self.args)
        if self.args[2] == 0:
            if self.args[1] == self.args[0]:
                return rf"\left({z}\right)_{{+}}"
            on = rf"\mathbf{{1}}\left[{z} > 0\right]"
            return on if self.args[1] == 1 else rf"{on} \left({then}\right)"
        return rf"\begin{{cases}} {then} & \text{{for}}\: {z} > 0 \\ {otherwise} & \text{{otherwise}} \end{{cases}}"


class LogSumExp(_Real):
    """log Σ e^{z_k}; of (0, z) the softplus. ∂_k is `OneOverSumExp` of all z_j − z_k: the softmax."""

    @classmethod
    def eval(cls, *z: sympy.Expr) -> sympy.Expr | None:
        if len(z) == 1:
            return z[0]
        if any(isinstance(entry, cls) for entry in z):
            return cls(*(part for entry in z for part in (entry.args if isinstance(entry, cls) else (entry,))))
        return None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return OneOverSumExp(*(z - self.args[argindex - 1] for z in self.args))

    def doit(self, **_: object) -> sympy.Expr:
        return sympy.log(sympy.Add(*map(sympy.exp, self.args)))

    def _eval_rewrite_as_exp(self, *_, **__):
        return self.doit()

    def _as_latex(self, printer):
        return rf"\log{{\left({_sum_of_exponentials(printer, self.args)}\right)}}"


class OneOverSumExp(_Real):
    """1/Σ e^{z_k}; of (0, −z) the logistic, which is e^{−softplus(−z)}.

    >>> z = sympy.Symbol("z")
    >>> OneOverSumExp(0, -z).diff(z).rewrite(sympy.exp).subs(z, 0)
    1/4
    """

    @classmethod
    def eval(cls, *z: sympy.Expr) -> sympy.Expr | None:
        return sympy.exp(-z[0]) if len(z) == 1 else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return -self * OneOverSumExp(*(z - self.args[argindex - 1] for z in self.args))

    def doit(self, **_: object) -> sympy.Expr:
        return 1 / sympy.Add(*map(sympy.exp, self.args))

    def _eval_rewrite_as_exp(self, *_, **__):
        return self.doit()

    def _as_latex(self, printer):
        return rf"\frac{{1}}{{{_sum_of_exponentials(printer, self.args)}}}"


class Maximum(_Real):
    """The largest of its arguments, any number of them; equal ones share the derivative, as in autograd."""

    @classmethod
    def eval(cls, *z: sympy.Expr) -> sympy.Expr | None:
        if len(z) == 1 or all(entry.is_number for entry in z):
            return sympy.Max(*z)
        if any(isinstance(entry, cls) for entry in z):
            return cls(*(part for entry in z for part in (entry.args if isinstance(entry, cls) else (entry,))))
        return None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        others = self.args[: argindex - 1] + self.args[argindex:]
        return LargestShare(self.args[argindex - 1], *others)

    def doit(self, **_: object) -> sympy.Expr:
        return sympy.Max(*self.args)

    def _as_latex(self, printer):
        return rf"\max\left({', '.join(map(printer._print, self.args))}\right)"


class LargestShare(_Real):
    """1/k if the first argument is, with k − 1 others, the largest; else 0. Its derivative counts as 0."""

    @classmethod
    def eval(cls, first: sympy.Expr, *others: sympy.Expr) -> sympy.Expr | None:
        if first.is_number and all(other.is_number for other in others):
            largest = sympy.Max(first, *others)
            return sympy.Rational(1, (first, *others).count(largest)) if first == largest else sympy.Integer(0)
        return None

    def _eval_derivative(self, _):
        return sympy.Integer(0)

    def _as_latex(self, printer):
        first, *others = map(printer._print, self.args)
        return rf"\mathbf{{1}}\left[{first} \geq {', '.join(others)}\right]"


def _sum_of_exponentials(printer, exponents):
    return printer._print(sympy.Add(*map(sympy.exp, exponents)))


def _largest_share(first, *others):
    ties = 1 + sum(np.equal(first, other) for other in others)
    return np.where(np.all([first >= other for other in others], axis=0), 1 / ties, 0.0)


# How each is evaluated in floats; what `lambdify` takes as a module. A jump's derivative counts as 0.
NUMERIC = {
    "WherePositive": lambda z, then, otherwise: np.where(np.greater(z, 0), then, otherwise),
    "LogSumExp": lambda *z: reduce(np.logaddexp, z),
    "OneOverSumExp": lambda *z: np.exp(-reduce(np.logaddexp, z)),
    "Maximum": lambda *z: np.maximum.reduce(np.broadcast_arrays(*z)),
    "LargestShare": _largest_share,
    "DiracDelta": lambda *_: 0.0,
}
