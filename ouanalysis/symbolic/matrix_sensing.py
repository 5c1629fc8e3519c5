"""Matrix sensing: closed forms for all sizes, as theory.md section 4.1 and the paper (section 4.1) state them.

With S_i = A_i + A_iᵀ the gradient is g_i = S_i U, so reg(U) = tr(Uᵀ M U) with M = (1/n) Σ S_i².
"""

from typing import TYPE_CHECKING

import numpy as np
import sympy

from .closed_form import ClosedForm

if TYPE_CHECKING:
    from ..settings import MatrixSensing

__all__ = ["expected_regularizer", "regularizer", "regularizer_gradient"]


def regularizer(setting: "MatrixSensing") -> ClosedForm:
    """reg(U) = tr(Uᵀ M U), M = (1/n) Σ_i (A_i + A_iᵀ)², as a `ClosedForm`."""
    a, b, k, d, r = sympy.symbols("a b k d r", integer=True)
    factor, curvature = sympy.IndexedBase("U"), sympy.IndexedBase("M")
    formula = sympy.Sum(curvature[a, b] * factor[a, k] * factor[b, k], (a, 0, d - 1), (b, 0, d - 1), (k, 0, r - 1))
    symmetric = setting.x + np.swapaxes(setting.x, -1, -2)
    with np.errstate(all="ignore"):
        mean_square = np.mean(symmetric @ symmetric, axis=0)
    values = {d: setting.d, r: setting.rank, curvature: mean_square}
    definition = r", \quad M = \frac{1}{n} \sum_{i=1}^{n} \left(A_i + A_i^\top\right)^2"
    return ClosedForm(formula, setting.parts, values, definition)


def regularizer_gradient(d: int | sympy.Expr, r: int | sympy.Expr) -> sympy.MatrixExpr:
    """∇reg(U) = 2 M U in the matrix symbols M (d, d) and U (d, r), for sizes that are integers or symbols."""
    return 2 * sympy.MatrixSymbol("M", d, d) * sympy.MatrixSymbol("U", d, r)


def expected_regularizer(d: int | sympy.Expr, r: int | sympy.Expr) -> sympy.Expr:
    """E reg(U) = 2(d + 1) ‖U‖_F² over sensors with independent N(0, 1) entries: the nuclear norm of U Uᵀ.

    In the matrix symbol U (d, r), for sizes that are integers or symbols. Derived in `derivations/matrix_sensing.py`.
    """
    factor = sympy.MatrixSymbol("U", d, r)
    return 2 * (d + 1) * sympy.Trace(factor.T * factor)
