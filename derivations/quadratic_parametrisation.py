"""Quadratic parametrisation: from h = ⟨u∘u − v∘v, x⟩ to reg, the weighted ℓ₁ norm, and basis pursuit with its dual.

Run it as `python -m ouanalysis.derivations.quadratic_parametrisation`. Source: HaoChen, Wei, Lee & Ma 2021
(arXiv:2006.08680); Pillaud-Vivien, Reygner & Flammarion 2022 (arXiv:2206.09841); theory.md, section 6.

All steps but the equality at a small size hold for every n and d: reg is a sum over data and features, of one term.
"""

import sympy
from sympy import Derivative

from ouanalysis import symbolic
from ouanalysis.settings import QuadraticParametrisation

from .derivation import Derivation, main

__all__ = ["derive"]

u, v, x, mu = sympy.symbols("u v x mu", real=True)
beta, rest = sympy.symbols("beta rest", real=True)
w = sympy.Symbol("w", positive=True)
t = sympy.Symbol("t", nonnegative=True)


def derive() -> Derivation:
    """From h of one datum to the regularizer, its least over a fibre, and the linear program."""
    steps = Derivation(
        "Quadratic parametrisation: the regularizer is a weighted l1 norm, and its least value basis pursuit",
        "HaoChen et al. 2021 (arXiv:2006.08680); Pillaud-Vivien et al. 2022 (arXiv:2206.09841); theory.md, section 6",
    )
    regularizer(steps)
    equality(steps)
    fibre(steps)
    basis_pursuit(steps)
    return steps


def regularizer(steps: Derivation) -> None:
    """The gradient of one feature's term, and its square."""
    h = (u**2 - v**2) * x + rest
    gradient = sympy.Matrix([2 * x * u, -2 * x * v])
    steps.identity(
        "The model is h = Σ_j x_j (u_j² − v_j²). Of one feature, with the others in `rest`, the gradient by (u_j, v_j) "
        "is (2 x u, −2 x v)",
        sympy.Matrix([Derivative(h, u), Derivative(h, v)]),
        gradient,
        reduce=lambda difference: sympy.expand(difference.doit()),
    )
    steps.identity(
        "So a datum and a feature add 4 x² (u² + v²) to ‖∇h‖². The mean over the data of the sum over the features is "
        "reg = (4/n) Σ_i Σ_j x_ij² (u_j² + v_j²) = 4 Σ_j w_j (u_j² + v_j²), with w_j = (1/n) Σ_i x_ij²",
        gradient.dot(gradient),
        4 * x**2 * (u**2 + v**2),
    )


def equality(steps: Derivation) -> None:
    """The closed form of `ouanalysis.symbolic` at a small size."""
    data = [[1, -2], [3, 0]]
    form = symbolic.regularizer(QuadraticParametrisation(data, y=[0.0, 0.0]))
    squares = [symbol**2 for symbol in form.symbols]
    predictions = [sum(row[j] * (squares[j] - squares[2 + j]) for j in range(2)) for row in data]
    jacobian = sympy.Matrix(predictions).jacobian(form.symbols)
    steps.identity(
        "Equality with ouanalysis.symbolic.regularizer at n = d = 2, x_1 = (1, −2), x_2 = (3, 0): the squared "
        "gradients, tr(J Jᵀ)/n with J differentiated from h by (u_0, u_1, v_0, v_1), and its expr",
        sympy.Trace(sympy.MatMul(jacobian, jacobian.T, evaluate=False)) / 2,
        form.expr,
        reduce=lambda difference: sympy.expand(difference.doit()),
    )


def fibre(steps: Derivation) -> None:
    """The least of u² + v² over u² − v² = β is |β|."""
    positive, negative = sympy.Max(beta, 0), sympy.Max(-beta, 0)
    steps.identity(
        "The parameters with one predictor β = u² − v² are those with u² = max(β, 0) + t and v² = max(−β, 0) + t, "
        "t ≥ 0, for every feature",
        (positive + t) - (negative + t),
        beta,
        reduce=by_sign,
        argument="t is the smaller of u² and v², and the difference of the two says what the larger is.",
    )
    steps.identity(
        "On that fibre u² + v² = |β| + 2t",
        (positive + t) + (negative + t),
        sympy.Abs(beta) + 2 * t,
        reduce=by_sign,
    )
    steps.claim(
        "So with a weight w a feature costs at least 4 w |β|, where t = 0, that is u v = 0; on the right the "
        "least_over_fibre(w, β) of ouanalysis.symbolic.quadratic_parametrisation",
        4 * w * (sympy.Abs(beta) + 2 * t),
        "≥",
        symbolic.quadratic_parametrisation.least_over_fibre(w, beta),
        holds=sympy.expand(
            4 * w * (sympy.Abs(beta) + 2 * t) - symbolic.quadratic_parametrisation.least_over_fibre(w, beta) - 8 * w * t
        )
        == 0,
        argument="The difference is 8 w t, which is 0 at t = 0 and not negative.",
    )
    turned = u * sympy.cosh(t) + v * sympy.sinh(t), u * sympy.sinh(t) + v * sympy.cosh(t)
    steps.identity(
        "A hyperbolic rotation of (u, v) moves along the fibre",
        turned[0] ** 2 - turned[1] ** 2,
        u**2 - v**2,
        reduce=lambda difference: sympy.expand(difference.rewrite(sympy.exp)),
    )
    steps.identity(
        "It preserves h but not reg, and so is no symmetry: u² + v² begins to change at the rate",
        Derivative(turned[0] ** 2 + turned[1] ** 2, t),
        4 * u * v,
        reduce=lambda difference: sympy.expand(difference.doit().subs(t, 0)),
    )


def basis_pursuit(steps: Derivation) -> None:
    """The linear program and its dual; what stationary means on the zero-error set."""
    s = sympy.Symbol("s", real=True)
    first, second = (4 * w - s) * u**2, (4 * w + s) * v**2
    steps.identity(
        "The zero-error set is linear in β: x β = y. So the least reg is that of basis pursuit with weights, min "
        "4 Σ_j w_j |β_j| over x β = y. With multipliers μ and s_j = (xᵀμ)_j, reg − yᵀμ is there a sum over features of",
        4 * w * (u**2 + v**2) - s * (u**2 - v**2),
        first + second,
        reduce=sympy.expand,
        argument="yᵀμ = μᵀx β = Σ_j s_j β_j on the zero-error set.",
    )
    excess = sympy.Symbol("e", nonnegative=True)  # 4 w ∓ s
    steps.claim(
        "Weak duality: every μ with |s_j| ≤ 4 w_j for all j bounds the regularizer from below, reg(u, v) ≥ yᵀμ for all "
        "u, v in the zero-error set, since",
        first + second,
        "≥",
        0,
        holds=all(term.is_nonnegative for term in (first.subs(s, 4 * w - excess), second.subs(s, excess - 4 * w))),
        argument="4 w − s and 4 w + s are not negative, so each term is such a number times a square.",
    )
    h = x * (u**2 - v**2)
    reg = 4 * w * (u**2 + v**2)
    steps.identity(
        "Stationary on the zero-error set means ∇reg = Σ_i μ_i ∇h_i. Of one feature and one datum the two sides differ "
        "by 2 u (4 w − x μ) and 2 v (4 w + x μ)",
        sympy.Matrix([Derivative(reg - mu * h, u), Derivative(reg - mu * h, v)]),
        sympy.Matrix([2 * u * (4 * w - x * mu), 2 * v * (4 * w + x * mu)]),
        reduce=lambda difference: sympy.expand(difference.doit()),
        argument="Linear in the x_i μ_i, so the identity for one datum gives that for their sum, with s for x μ.",
    )
    steps.identity(
        "So (4 w − s) u = 0 and (4 w + s) v = 0 there, and the sum above is 0: a stationary point with |s_j| ≤ 4 w_j "
        "is where reg is least, and u v = 0 for every feature that is seen",
        first + second,
        0,
        reduce=lambda difference: sympy.Add(
            *(abs(difference.subs(case)) for case in ({u: 0, v: 0}, {s: 4 * w, v: 0}, {s: -4 * w, u: 0}))
        ),
        argument="4 w − s and 4 w + s are not both 0 as w > 0: one of u and v is 0, and the other too or its factor.",
    )


def by_sign(expression: sympy.Expr) -> sympy.Expr:
    """0 if it is 0 for β above, below and at 0."""
    above = sympy.Symbol("beta", positive=True)
    cases = [expression.subs(beta, value).doit() for value in (above, -above, sympy.S.Zero)]
    return sympy.Add(*(sympy.Abs(sympy.expand(case)) for case in cases))


if __name__ == "__main__":
    main(derive)
