"""Quadratic parametrisation: closed forms for all sizes, as theory.md section 6 states them.

The label-noise regularizer is that of HaoChen, Wei, Lee & Ma 2021 (arXiv:2006.08680); that it is a weighted ℓ₁ norm of
β = u∘u − v∘v where each |β_j| is made the cheapest way, of Pillaud-Vivien et al. 2022 (arXiv:2206.09841).
"""

from typing import TYPE_CHECKING

import sympy

from .closed_form import ClosedForm

if TYPE_CHECKING:
    from ..settings import QuadraticParametrisation

__all__ = ["least_over_fibre", "regularizer"]


def regularizer(setting: "QuadraticParametrisation") -> ClosedForm:
    """reg(u, v) = (4/n) Σ_i Σ_j x_ij² (u_j² + v_j²), as a `ClosedForm`."""
    i, j, n, d = sympy.symbols("i j n d", integer=True)
    u, v, x = (sympy.IndexedBase(name, real=True) for name in "uvx")
    formula = 4 * sympy.Sum(x[i, j] ** 2 * (u[j] ** 2 + v[j] ** 2), (j, 0, d - 1), (i, 0, n - 1)) / n
    return ClosedForm(formula, setting.parts, {n: setting.n, d: setting.d, x: setting.x})


def least_over_fibre(weight: sympy.Expr, coefficient: sympy.Expr) -> sympy.Expr:
    """4 w |β|, the least of 4 w (u² + v²) over u² − v² = β: what one coefficient of the predictor costs.

    Parameters
    ----------
    weight, coefficient : number or symbol
        w_j = (1/n) Σ_i x_ij², and β_j.

    Examples
    --------
    >>> least_over_fibre(sympy.Integer(2), sympy.Integer(-3))
    24
    """
    return 4 * weight * sympy.Abs(coefficient)
