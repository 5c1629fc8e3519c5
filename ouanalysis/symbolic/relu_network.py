"""Two-layer ReLU network on one-dimensional data: closed forms for all sizes, theory.md section 4.2.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 4.2.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import sympy

from .closed_form import ClosedForm, Number

if TYPE_CHECKING:
    from ..settings import ReluNetwork

__all__ = ["kink_cost", "regularizer"]


def regularizer(setting: "ReluNetwork") -> ClosedForm:
    """(1/n) Σ_i Σ_j 1[z_ij > 0] (z_ij² + c_j² (1 + x_i²)) + (1/n) Σ_i (1 + x_i²), z_ij = a_j x_i + b_j."""
    i, j, n, m = sympy.symbols("i j n m", integer=True)
    a, b, c, x = (sympy.IndexedBase(name, real=True) for name in "abcx")
    z = a[j] * x[i] + b[j]
    neuron = sympy.Piecewise((z**2 + c[j] ** 2 * (1 + x[i] ** 2), z > 0), (0, True))
    hidden = sympy.Sum(neuron, (j, 0, m - 1), (i, 0, n - 1)) / n
    linear = sympy.Sum(1 + x[i] ** 2, (i, 0, n - 1)) / n
    return ClosedForm(hidden + linear, setting.parts, {n: setting.n, m: setting.width, x: setting.x})


def kink_cost(x: Sequence[Number], kink: Number, *, facing: Literal["right", "left"]) -> sympy.Expr:
    """w±(k), the regularizer that a unit change of slope at the kink k costs once its neuron is balanced.

    w₊(k) = (2/n) √(Σ (x_i − k)² · Σ (1 + x_i²)) over the data x_i > k; w₋ over x_i < k.

    Parameters
    ----------
    x : sequence of numbers
        The data.
    kink : number
    facing : "right" or "left"
        w₊ (a > 0, active on x > k) or w₋ (a < 0).

    Examples
    --------
    >>> kink_cost([-1, 0, 2], sympy.Rational(1, 2), facing="right")
    sqrt(5)
    """
    if facing not in ("right", "left"):
        raise ValueError(f'facing: expected "right" or "left", got {facing!r}')
    if not len(x) or sympy.nan in (*map(sympy.sympify, x), sympy.sympify(kink)):
        raise ValueError(f"x, kink: expected numbers, and at least one datum, got {list(x)} and {kink}")
    active = [point for point in x if (point > kink if facing == "right" else point < kink)]
    return (
        sympy.Rational(2, len(x))
        * sympy.sqrt(sympy.Add(*((point - kink) ** 2 for point in active)))
        * sympy.sqrt(sympy.Add(*(1 + point**2 for point in active)))
    )
