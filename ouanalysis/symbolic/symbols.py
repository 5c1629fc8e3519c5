"""What parameters and data are called in SymPy: U_0_1 is the entry [0, 1] of U, x_2 the third datum."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import sympy
from numpy.typing import NDArray

from ..arguments import Reals
from ..settings import Setting

__all__ = ["Objects", "data_symbols", "exact_array", "exact_number", "parameter_symbols", "symbol_array"]

Objects = NDArray[np.object_]


def parameter_symbols(parts: Mapping[str, Sequence[int]]) -> tuple[sympy.Symbol, ...]:
    """The p symbols of theta, in its order, for parts as `Setting.parts`."""
    return tuple(entry for name, shape in parts.items() for entry in symbol_array(name, shape).ravel())


def data_symbols(setting: Setting) -> tuple[Objects, Objects]:
    """Object arrays of symbols shaped as setting.x and setting.y."""
    return symbol_array("x", setting.x.shape), symbol_array("y", setting.y.shape)


def symbol_array(name: str, shape: Sequence[int]) -> Objects:
    """An object array of real symbols, name_i_j at [i, j]; a bare symbol's array for shape ()."""
    array = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        array[place] = sympy.Symbol("_".join([name, *map(str, place)]), real=True)
    return array


def exact_array(array: Reals | Objects) -> Objects:
    """The object array of `exact_number`s; symbols stay as they are."""
    return np.asarray(np.frompyfunc(exact_number, 1, 1)(np.asarray(array, dtype=object)), dtype=object)


def exact_number(value: float | sympy.Basic) -> sympy.Expr:
    """The fraction with denominator up to 1000 that is this float when rounded, if there is one; else the float.

    From a million on it is the float too: exact powers of huge integers outgrow every float.

    >>> exact_number(0.1), exact_number(0.0625), exact_number(2 / 3)
    (1/10, 1/16, 2/3)
    """
    if isinstance(value, sympy.Basic):
        return value
    fraction = Fraction(value).limit_denominator(1000)
    if float(fraction) == value and abs(value) < 1e6:
        return sympy.Rational(fraction.numerator, fraction.denominator)
    return sympy.Float(value)
