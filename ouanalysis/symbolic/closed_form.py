"""A formula for all sizes, with the values that one setting gives it."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypeAlias

import numpy as np
from sympy import Add, Expr, Indexed, IndexedBase, Integer, MatrixBase, Sum, Symbol, lambdify, latex

from ..arguments import Array, Reals, real_array
from ..settings.setting import split
from .compiling import compile
from .derivative import length
from .symbols import exact_array, parameter_symbols, symbol_array

__all__ = ["ClosedForm", "Number"]

Number: TypeAlias = float | Expr

_READABLE = 20_000  # terms that a notebook or a prompt prints unasked, within a second or two
_PRINTABLE = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class ClosedForm:
    """A closed form: callable on theta, printable as LaTeX, and expandable at its setting's size.

    Attributes
    ----------
    formula : sympy.Expr
        For all sizes, in arrays (sympy.IndexedBase) and sizes (sympy.Symbol).
    parts : dict
        Names and shapes of the parameter arrays, in theta's order.
    values : dict
        Each size and each data array of the formula, and its value: an int, or an array of floats.
    definition : str
        What `latex` adds for an array of the formula that is not the data themselves.
    jacobian : sympy.Matrix, optional
        J (n, p), where the formula is its mean square: called in its place, as the squares of its factors leave the
        floats before it does.
    outputs : int
        The rows of J that a datum has.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> form = ou.symbolic.regularizer(ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1))
    >>> form
    ClosedForm(Sum(M[a, b]*U[a, k]*U[b, k], (a, 0, d - 1), (b, 0, d - 1), (k, 0, r - 1)))
    >>> form.expr
    4*U_0_0**2 + 16*U_1_0**2
    >>> float(form([1.0, 1.0]))
    20.0
    """

    formula: Expr
    parts: dict[str, tuple[int, ...]]
    values: dict[Symbol | IndexedBase, int | Array]
    definition: str = ""
    jacobian: MatrixBase | None = None
    outputs: int = 1

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The p symbols of theta that `expr` is written in."""
        return parameter_symbols(self.parts)

    @cached_property
    def expr(self) -> Expr:
        """The formula written out at this size, in the scalar symbols that `trace` uses too."""
        entries = {name: symbol_array(name, shape) for name, shape in self.parts.items()}
        entries |= {str(key): exact_array(value) for key, value in self.values.items()}
        sizes = {key: Integer(value) for key, value in self.values.items() if np.ndim(value) == 0}
        before, written_out = None, self.formula.xreplace(sizes)
        while written_out != before:  # a sum whose ends are indices of another comes after it
            before, written_out = written_out, written_out.replace(Sum, _terms)
        return written_out.xreplace(
            {item: entries[str(item.base)][item.indices] for item in written_out.atoms(Indexed)}
        )

    @cached_property
    def _function(self):
        """Of theta (..., p): the formula as loops over its indices, for arrays whose leading axes are moved behind."""
        if self.jacobian is not None:
            entries, n = compile(list(self.jacobian), self.symbols), self.jacobian.rows // self.outputs
            return lambda theta: _mean_square(entries(theta), n)
        if not self.formula.has(Sum):
            return compile(self.expr, self.symbols)
        arguments = [*(IndexedBase(name) for name in self.parts), *self.values]
        loops = lambdify(arguments, self.formula, modules=["scipy", "numpy"])

        def evaluate(theta):
            leading = range(theta.ndim - 1)
            arrays = [
                np.moveaxis(array, leading, range(array.ndim - len(leading), array.ndim))
                for array in split(theta, self.parts).values()
            ]
            with np.errstate(all="ignore"):  # as in `compile`
                return np.asarray(loops(*arrays, *self.values.values()), dtype=float)

        return evaluate

    def __call__(self, theta: Reals) -> Array:
        """The value at theta: (..., p) gives (...)."""
        return self._function(real_array("theta", theta, shape=(..., len(self.symbols))))

    def latex(self) -> str:
        """The formula for all sizes, as LaTeX; a ValueError where that would take longer than a minute."""
        if self._length > _PRINTABLE:
            raise ValueError(
                f"latex: expected a formula of at most {_PRINTABLE:,} terms when written out, got {self._length:,}"
            )
        return latex(self.formula) + self.definition

    def __getstate__(self):
        return {field.name: getattr(self, field.name) for field in fields(self)}  # not what was compiled

    @cached_property
    def _length(self):
        return length(self.formula)

    def _repr_latex_(self):
        return f"$\\displaystyle {self.latex()}$" if self._length <= _READABLE else None

    def __repr__(self):
        return f"ClosedForm({self.formula if self._length <= _READABLE else f'{self._length:,} terms'})"


def _terms(summand, *limits):
    """A sum written out, 0 where it ends before it begins; SymPy's `doit` looks for a closed form first."""
    if not limits:
        return summand
    *inner, (index, first, last) = limits  # SymPy's last index is the outermost
    if not (first.is_Integer and last.is_Integer):
        return Sum(summand, *limits)  # inside another, on whose index it depends
    values = [{index: Integer(k)} for k in range(first, last + 1)]
    return Add(*(_terms(summand.xreplace(value), *(limit.xreplace(value) for limit in inner)) for value in values))


def _mean_square(entries, n):
    with np.errstate(over="ignore"):
        return np.sum(entries**2, axis=-1) / n
