"""Two-layer network with sigmoid activations: closed forms, theory.md section 4.3.

The regularizer holds for all n; stationarity and the least regularizer are those of one datum (x, y), with
w = ‖x‖ |v| for a neuron that contributes c φ(z) = v.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 4.3.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

import sympy

from .closed_form import ClosedForm, Number

if TYPE_CHECKING:
    from ..activations import Activation
    from ..settings import SigmoidNetwork

__all__ = ["StationaryNeuron", "hessian_block", "regularizer", "stationarity", "stationary_neuron", "with_slope"]


def regularizer(setting: "SigmoidNetwork") -> ClosedForm:
    """(1/n) Σ_i Σ_j φ(z_ij)² + c_j² φ'(z_ij)² ‖x_i‖², z_ij = w_jᵀ x_i, as a `ClosedForm`."""
    i, j, k, n, m, d = sympy.symbols("i j k n m d", integer=True)
    c, W, x = (sympy.IndexedBase(name, real=True) for name in "cWx")
    z = sympy.Symbol("z", real=True)
    phi, slope = with_slope(setting.activation, z)
    argument = sympy.Sum(W[j, k] * x[i, k], (k, 0, d - 1))
    norm = sympy.Sum(x[i, k] ** 2, (k, 0, d - 1))
    neuron = phi.subs(z, argument) ** 2 + c[j] ** 2 * slope.subs(z, argument) ** 2 * norm
    formula = sympy.Sum(neuron, (j, 0, m - 1), (i, 0, n - 1)) / n
    return ClosedForm(formula, setting.parts, {n: setting.n, m: setting.width, d: setting.d, x: setting.x})


def stationarity(phi: sympy.Expr, symbol: sympy.Symbol, *, norm: Number, multiplier: Number) -> sympy.Expr:
    """4‖x‖² φ'⁴/λ² − (φ'² − φ φ''), which is zero at a neuron with φ ≠ 0 of a stationary network on one datum.

    Parameters
    ----------
    phi : sympy.Expr of `symbol`
    norm, multiplier : number or symbol
        ‖x‖ and λ in ∇reg = λ ∇h.
    """
    slope = phi.diff(symbol)
    return 4 * norm**2 * slope**4 / multiplier**2 - (slope**2 - phi * slope.diff(symbol))


def hessian_block(
    phi: sympy.Expr, symbol: sympy.Symbol, *, c: Number, norm: Number, multiplier: Number
) -> sympy.Matrix:
    """The (2, 2) block of ∇²reg − λ∇²h of one neuron on one datum, in the coordinates (c, wᵀx/‖x‖), at z = `symbol`.

    Along other directions of w nothing changes. At a stationary neuron c = λφ/(2φ'²‖x‖²).
    """
    first, second, third = (phi.diff(symbol, order) for order in (1, 2, 3))
    mixed = norm * (4 * c * first * second * norm**2 - multiplier * first)
    inner = 2 * first**2 + 2 * phi * second - multiplier * c * second
    inner += 2 * c**2 * norm**2 * (second**2 + first * third)
    return sympy.Matrix([[2 * first**2 * norm**2, mixed], [mixed, norm**2 * inner]])


class StationaryNeuron(NamedTuple):
    """The least regularizer of one neuron that contributes v = c φ(z), and where it is attained."""

    phi: sympy.Expr
    c: sympy.Expr
    cost: sympy.Expr


def stationary_neuron(activation: Literal["tanh", "logistic"], share: Number, *, norm: Number) -> StationaryNeuron:
    """The balanced neuron: of all (c, z) with c φ(z) = v, the one of least regularizer on one datum.

    tanh: φ² = w/√(1 + w²), cost 2w(√(1 + w²) − w). logistic: φ = w²/(1 + w²), which is the cost too.
    k equal neurons that make up y have v = y/k each.

    Parameters
    ----------
    activation : "tanh" or "logistic"
    share, norm : number or symbol
        v, not 0, and ‖x‖; with w = ‖x‖ |v|.

    Examples
    --------
    >>> stationary_neuron("tanh", sympy.Rational(3, 4), norm=1)
    StationaryNeuron(phi=sqrt(15)/5, c=sqrt(15)/4, cost=3/4)
    """
    if sympy.sympify(share).is_zero or sympy.sympify(norm).is_nonpositive:
        raise ValueError(f"share, norm: expected a share other than 0 and a norm above 0, got {share} and {norm}")
    w = norm * sympy.Abs(share)
    if activation == "tanh":
        phi = sympy.sqrt(w / sympy.sqrt(1 + w**2))
        return StationaryNeuron(phi, share / phi, 2 * w * (sympy.sqrt(1 + w**2) - w))
    if activation == "logistic":
        phi = w**2 / (1 + w**2)
        return StationaryNeuron(phi, share / phi, phi)
    raise ValueError(f'activation: expected "tanh" or "logistic", got {activation!r}')


def with_slope(activation: "Activation", z: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """φ(z) and φ'(z); of the logistic φ(z)φ(−z), which no z makes inf/inf."""
    if activation.expression is not None:
        (symbol,) = activation.expression.free_symbols
        phi = activation.expression.subs(symbol, z)
        return phi, phi.diff(z)
    if activation.name == "tanh":
        return sympy.tanh(z), 1 - sympy.tanh(z) ** 2
    phi = 1 / (1 + sympy.exp(-z))
    return phi, phi * phi.subs(z, -z)
