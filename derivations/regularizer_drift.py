"""The drift along the zero-error set: from the third derivative of the loss to −(η²σ²/B) N∇reg in each step.

Run it as `python -m ouanalysis.derivations.regularizer_drift`. Source: Blanc et al. 2020 (arXiv:1904.09080), section 3
and Theorem 1; for the finite step Damian, Ma, Lee 2021 (arXiv:2106.06530); theory.md, sections 3 and 6.

h is any smooth model. What is linear in the sum over the data is shown for one datum. Products of matrices are products
of symbols that do not commute, so they hold for all sizes.
"""

from itertools import combinations_with_replacement

import numpy as np
import sympy
from sympy import Derivative, MatMul, Subs, Sum

from ouanalysis import symbolic
from ouanalysis.settings import Setting, SigmoidNetwork

from .derivation import Derivation, main
from .local_ou import averaged, carried_out, entrywise, named, summand

__all__ = ["derive"]

n, B, p, a, b, c, i, T = sympy.symbols("n B p a b c i T", integer=True, positive=True)
eta, sigma, k, lam, rho = sympy.symbols("eta sigma k lambda rho", positive=True)
theta_a, theta_b, theta_c, eps, u, s = sympy.symbols("theta_a theta_b theta_c epsilon u s", real=True)
y, J, Q, third = (sympy.IndexedBase(name) for name in "yJQR")
Sigma = sympy.IndexedBase("Sigma")
h_i = sympy.Function("h")(i, theta_a, theta_b, theta_c)
E = sympy.Function("E")
strength = eta * sigma**2 / B

# For one datum: its gradient g and Hessian G, the projector P with P g = g, and N = 1 − P.
g, gT, G, P, covariance = sympy.symbols("g g^T G P Sigma", commutative=False)
N = 1 - P
KEPT = {P * g: g}


def derive() -> Derivation:
    """From the loss of any h to the drift along the zero-error set."""
    steps = Derivation(
        "The drift along the zero-error set: noise descends the regularizer",
        "Blanc et al. 2020 (arXiv:1904.09080), section 3; Damian, Ma, Lee 2021 (arXiv:2106.06530); theory.md, "
        "sections 3, 6",
    )
    third_derivative(steps)
    average_step(steps)
    tangent_part(steps)
    finite_step(steps)
    transient(steps)
    smallest_model(steps)
    curvature_along_m(steps)
    equalities(steps)
    return steps


def third_derivative(steps: Derivation) -> None:
    """∇³L on the zero-error set, and its contraction with a covariance."""
    steps.identity(
        "With J_ia = ∂h_i/∂θ_a, Q_iab and R_iabc for the second and third derivatives of h_i, the third derivative of "
        "the loss L = (1/n) Σ_i (h_i − y_i)² is (h is shown with three of its parameters, the others stay)",
        Derivative(Sum((h_i - y[i]) ** 2, (i, 1, n)) / n, theta_a, theta_b, theta_c),
        2
        * Sum(
            Q[i, a, b] * J[i, c] + Q[i, a, c] * J[i, b] + Q[i, b, c] * J[i, a] + (h_i - y[i]) * third[i, a, b, c],
            (i, 1, n),
        )
        / n,
        reduce=differentiated,
    )
    contracted = Sigma[a, b] * (Q[a, b] * J[c] + Q[a, c] * J[b] + Q[b, c] * J[a])
    steps.identity(
        "On the zero-error set M the last term is zero. Summed against a covariance Σ_ab of the parameters, one datum "
        "adds (2/n) times this to the entry c of ∇³L[Σ]: ∇³L[Σ] = (2/n) Σ_i (2 ∇²h_i Σ g_i + tr(Σ ∇²h_i) g_i)",
        Sum(contracted, (a, 1, p), (b, 1, p)),
        Sum(2 * Q[c, a] * Sigma[a, b] * J[b] + Sigma[a, b] * Q[a, b] * J[c], (a, 1, p), (b, 1, p)),
        reduce=symmetric,
        argument="Σ and ∇²h_i are symmetric, and a sum over all pairs a, b stays the same if the two names are "
        "exchanged.",
    )


def average_step(steps: Derivation) -> None:
    """The mean of a step at θ* + δ, to second order in δ."""
    q, m, R_c, J_c = sympy.symbols("q m R_c J_c")
    taylor = (s * u + s**2 * q / 2 - eps) * (J_c + s * m + s**2 * R_c / 2)
    steps.identity(
        "At θ* + sδ a step on the datum i is −2η (h_i − y_i − ε) ∇h_i. Along δ, h_i − y_i = s u + s² q/2 + … and the "
        "entry c of ∇h_i is J_c + s m + …, with u = g_iᵀδ, q = δᵀ∇²h_i δ, m = (∇²h_i δ)_c. The mean over the label's "
        "noise ε of the product, at the order s²",
        Subs(Derivative(E(taylor), (s, 2)), s, 0) / 2,
        u * m + q * J_c / 2,
        reduce=lambda difference: carried_out(difference.subs(E(taylor), averaged(E(taylor), {eps: sigma**2}))),
        argument="ε has mean 0 and is independent of δ, the past of the run: it enters Σ = E δδᵀ only.",
    )


def tangent_part(steps: Derivation) -> None:
    """N removes what is along the gradients; what stays is the gradient of reg."""
    q = sympy.Symbol("q")
    delta, deltaT, r, rT = sympy.symbols("delta delta^T r r^T", commutative=False)
    steps.identity(
        "So with G = ∇²h_i the mean step over δ is, for one datum, −2η/n times g gᵀ E δ (at the order s), G E(δδᵀ) g "
        "and q g/2, with E δδᵀ = Σ and q = tr(GΣ). With P the projector on the gradients, P g = g and N = I − P, its "
        "part along M is −(η/2) N∇³L[Σ]",
        -2 * eta / n * N * (g * gT * E(delta) + G * E(delta * deltaT) * g + q * g / 2),
        -2 * eta / n * N * G * covariance * g,
        reduce=lambda difference: named(difference.subs(E(delta * deltaT), covariance), KEPT),
    )
    steps.identity(
        "The regularizer is reg = (1/n) Σ_i Σ_a J_ia². The terms of one index a, differentiated; with the sum over a, "
        "∇reg = (2/n) Σ_i ∇²h_i g_i",
        Derivative(Sum(h_i.diff(theta_a) ** 2, (i, 1, n)) / n, theta_c),
        2 * Sum(Q[i, a, c] * J[i, a], (i, 1, n)) / n,
        reduce=differentiated,
    )
    steps.identity(
        "With the stationary covariance Σ = (ησ²/B) P of the Ornstein-Uhlenbeck process (see local_ou) the drift is, "
        "for one datum, as on the right; summed over the data, −(η²σ²/B) N∇reg in each step. Noise descends reg along "
        "M",
        -2 * eta / n * N * G * (strength * P) * g,
        -(eta**2) * sigma**2 / B * N * (2 / n * G * g),
        reduce=lambda difference: named(difference, KEPT),
        argument="What is left out is small beside it: higher moments of δ by a factor of order ησ², and the motion "
        "of θ* itself, of order η²σ²T over T steps.",
    )
    steps.identity(
        "With r = ∇reg, on the left its change in a step, −(η²σ²/B) rᵀ N r. On the right −(η²σ²/B)‖N∇reg‖²: reg falls "
        "in every step unless N∇reg = 0, so from any other point of M noise carries the parameters away",
        -(eta**2) * sigma**2 / B * rT * N * r,
        -(eta**2) * sigma**2 / B * rT * N * N * r,
        reduce=lambda difference: named(difference, {P**2: P}),
    )


def finite_step(steps: Derivation) -> None:
    """Full batch and one datum: the drift at every stable step size, mode by mode."""
    x, w, variance = sympy.symbols("x w c")
    t, v_a, v_b = sympy.symbols("t v_a v_b")
    noise = 2 * eta**2 * sigma**2 * lam / n
    stationary = eta * sigma**2 / n / (1 - eta * lam / 2)
    steps.identity(
        "Finite steps, full batch. In a mode v of H = ∇²L with the eigenvalue λ, x = vᵀδ moves by −ηλx + ηw, where w "
        "has the variance 2σ²λ/n that C/n = 2σ²H/n gives it. The variance c = E x² becomes",
        E((x - eta * lam * x + eta * w) ** 2),
        (1 - eta * lam) ** 2 * variance + noise,
        reduce=lambda difference: averaged(difference, {x: variance, w: 2 * sigma**2 * lam / n}),
    )
    steps.identity(
        "Its stationary value is (ησ²/n)/(1 − ηλ/2): put in for c, it comes out again",
        (1 - eta * lam) ** 2 * stationary + noise,
        stationary,
    )
    at, power = sympy.Function("c"), sympy.Symbol("rho_t")  # ρ^t as a symbol: the base is a square, which SymPy splits
    values = {at(t): stationary * (1 - power), at(t + 1): stationary * (1 - (1 - eta * lam) ** 2 * power)}
    steps.identity(
        "From c = 0 at t = 0 it is (1 − ρ^t) times that after t steps, with ρ = (1 − ηλ)²: put into what it becomes, "
        "this gives the same with t + 1",
        at(t + 1),
        (1 - eta * lam) ** 2 * at(t) + noise,
        reduce=lambda difference: sympy.simplify(difference.subs(values)),
        argument="By induction over t: at t = 0 it is 0, and this is the step from t to t + 1.",
    )
    along = v_a * h_i.diff(theta_a) + v_b * h_i.diff(theta_b)
    steps.identity(
        "Let D = N∇(2/n)‖J(θ) v‖² with v held fixed. One datum gives it, where v is along two of the parameters, the "
        "entry c; that is (4/n) (g_iᵀv) (∇²h_i v)_c, for any v",
        Derivative(2 * along**2 / n, theta_c),
        4 / n * (J[i, a] * v_a + J[i, b] * v_b) * (Q[i, a, c] * v_a + Q[i, b, c] * v_b),
        reduce=differentiated,
    )
    v, vT, D = sympy.symbols("v v^T D", commutative=False)
    steps.identity(
        "So the mode's share c v vᵀ of Σ makes the drift −(2η/n) N ∇²h_i (c v vᵀ) g_i = −(η/2) c D. With the "
        "stationary c, at every stable η (N is left out on both sides)",
        -2 * eta / n * G * (stationary * v * vT) * g,
        -(eta**2) * sigma**2 / (2 * n) * D / (1 - eta * lam / 2),
        reduce=lambda difference: sympy.simplify(sympy.expand(difference.subs(D, 4 / n * G * v * vT * g))),
    )
    steps.identity(
        "The sum of v vᵀ over all modes is P, so the sum of all D, (4/n) N Σ_i ∇²h_i P g_i, is 2N∇reg. For η → 0 this "
        "is then the drift above, with n for B. For one datum",
        4 / n * N * G * P * g,
        2 * N * (2 / n * G * g),
        reduce=lambda difference: named(difference, KEPT),
    )
    steps.identity(
        "One datum, n = 1, λ = 2k with k = ‖g‖² and ∇k = 2 G g; B takes the place of n. There Σ = c g gᵀ/k, and the "
        "drift is −(η²σ²/B) N∇k/(1 − ηk)",
        -2 * eta * N * G * (stationary.subs({lam: 2 * k, n: B}) / k * g * gT) * g,
        -(eta**2) * sigma**2 / (B * (1 - eta * k)) * N * (2 * G * g),
        reduce=lambda difference: sympy.expand(sympy.simplify(named(difference, {gT * g: k}))),
    )
    gram = sympy.Function("k")(theta_c)
    steps.identity(
        "That is (ησ²/B) N∇log(1 − ηk): with an entry of ∇",
        Derivative(eta * sigma**2 / B * sympy.log(1 - eta * gram), theta_c),
        -(eta**2) * sigma**2 / (B * (1 - eta * gram)) * gram.diff(theta_c),
        reduce=carried_out,
    )


def transient(steps: Derivation) -> None:
    """The first steps drift less, as the covariance is still growing: what T steps add up to."""
    total = sympy.Function("F")
    closed = T - (1 - rho**T) / (1 - rho)
    values = {total(T): closed, total(T + 1): closed.subs(T, T + 1)}
    steps.identity(
        "The transient. Over T steps from δ = 0 the factors 1 − ρ^t add up to F(T) = T − (1 − ρ^T)/(1 − ρ), t = 0, …, "
        "T − 1",
        total(T + 1) - total(T),
        1 - rho**T,
        reduce=lambda difference: sympy.simplify(difference.subs(values)),
        argument="By induction over T: F(0) = 0, and this is the step from T to T + 1.",
    )
    steps.identity("That induction starts at F(0) = 0", Subs(closed, T, 0), sympy.S.Zero, reduce=carried_out)
    z = sympy.Symbol("z", positive=True)
    short = 1 / (1 - rho) - (T - closed)
    steps.claim(
        "It falls short of T by a bounded number of steps, so long runs drift at the stationary rate",
        T - closed,
        "≤",
        1 / (1 - rho),
        holds=sympy.simplify(short - rho**T / (1 - rho)) == 0
        and (rho**T / (1 - rho)).subs(rho, 1 / (1 + z)).simplify().is_positive,
        argument="The right side less the left is ρ^T/(1 − ρ), which is above 0 for 0 < ρ < 1 (asserted with ρ = 1/(1 "
        "+ z), z > 0).",
    )


def smallest_model(steps: Derivation) -> None:
    """h = a·b, n = 1: the exact balance, and the drift that it agrees with."""
    one, two, label, r = sympy.symbols("a b y r", real=True)
    residual = one * two - label - eps
    steps.identity(
        "The smallest model, h = a·b with one datum y. A step, whose noisy residual r = a·b − y − ε is on the right "
        "(for a batch, the mean over it)",
        sympy.Matrix([place - eta * Derivative(residual**2, place) for place in (one, two)]),
        sympy.Matrix([one - 2 * eta * residual * two, two - 2 * eta * residual * one]),
        reduce=carried_out,
    )
    steps.identity(
        "Each step multiplies a² − b² by 1 − 4η²r², exactly, at every point and for every noise",
        (one - 2 * eta * r * two) ** 2 - (two - 2 * eta * r * one) ** 2,
        (one**2 - two**2) * (1 - 4 * eta**2 * r**2),
    )
    mean_square = sigma**2 / (B * (1 - eta * k))
    steps.identity(
        "Near M, r = u − ε with E u² = S = ησ²k/(B(1 − ηk)) (see local_ou), and the batch's mean ε has the variance "
        "σ²/B",
        E((u - eps) ** 2),
        mean_square,
        reduce=lambda difference: averaged(
            difference, {u: eta * sigma**2 * k / (B * (1 - eta * k)), eps: sigma**2 / B}
        ),
    )
    traced = symbolic.trace(product_model())
    names = dict(zip(traced.theta, (one, two), strict=True))
    gradient, jacobian = (matrix.xreplace(names) for matrix in (traced.regularizer_gradient, traced.jacobian))
    tangent = sympy.eye(2) - jacobian.T * jacobian / (one**2 + two**2)
    steps.identity(
        "Its regularizer is k = a² + b². N∇reg, with ∇reg the regularizer_gradient that ouanalysis.symbolic traces "
        "from h",
        MatMul(tangent, gradient, evaluate=False),
        MatMul(2 * (one**2 - two**2) / (one**2 + two**2), sympy.Matrix([one, -two]), evaluate=False),
    )
    fall = -(eta**2) * sigma**2 / (B * (1 - eta * k)) * 2 * (one**2 - two**2) / k
    steps.identity(
        "So the drift −(η²σ²/B) N∇k/(1 − ηk) changes a² − b² in a step as on the left: by the mean of −4η²r² times "
        "it. The exact balance and the drift agree",
        2 * one * (fall * one) - 2 * two * (fall * -two),
        -4 * eta**2 * mean_square * (one**2 - two**2),
        reduce=lambda difference: sympy.simplify(difference.subs(k, one**2 + two**2)),
        argument="The fluctuation δ has its own share in the mean of a² − b², which is constant after the transient.",
    )


def curvature_along_m(steps: Derivation) -> None:
    """The second derivative of reg along M, whose sign decides at a stationary point."""
    a, aT, b, bT, gT, form = sympy.symbols("a a^T b b^T g^T Q", commutative=False)
    moved, movedT = s * a + s**2 / 2 * b, s * aT + s**2 / 2 * bT
    steps.identity(
        "The second derivative of a function along a curve θ* + s a + s² b/2 + …, where the function has the gradient "
        "g and the Hessian Q at θ*, is aᵀQa + gᵀb",
        Subs(Derivative(gT * moved + movedT * form * moved / 2, (s, 2)), s, 0),
        aT * form * a + gT * b,
        reduce=lambda difference: sympy.expand(difference.doit()),
    )
    mu, bend, curved, whole = sympy.symbols("mu h_b h_aa r_aa")
    steps.identity(
        "In M every h_i is constant, so g_iᵀb = −aᵀ∇²h_i a, and a is along M. At a stationary point ∇reg = Jᵀμ, so "
        "that ∇regᵀb = Σ_i μ_i g_iᵀb: the second derivative of reg is aᵀ(∇²reg − Σ_i μ_i ∇²h_i)a, the form N(∇²reg − "
        "Σ_i μ_i ∇²h_i)N. For one datum r_aa is aᵀ∇²reg a, h_aa is aᵀ∇²h a and h_b is gᵀb",
        whole + mu * bend,
        whole - mu * curved,
        reduce=lambda difference: sympy.expand(difference.subs(bend, -curved)),
        argument="Where J has rank n each direction along M is that of a curve in M. So reg has a strict local minimum "
        "on M where the form is positive along it, and falls along a direction in which it is negative.",
    )
    traced, (one, two) = symbolic.trace(product_model()), sympy.symbols("a b", real=True)
    names = dict(zip(traced.theta, (one, two), strict=True))
    hessians = [sympy.hessian(of, traced.theta).xreplace(names) for of in (traced.regularizer, traced.h[0])]
    size = sympy.Symbol("q", positive=True)
    tangent = size * sympy.Matrix([1, -1])
    along = traced.regularizer.xreplace(names).subs({one: size * sympy.exp(s), two: size * sympy.exp(-s)})
    steps.identity(
        "Equality with ouanalysis.symbolic: on h = a·b at a = b = q, where ∇reg = 2 (a, b) = 2 ∇h. On the left its "
        "regularizer along the curve (q e^s, q e^{−s}) in M, on the right the form, with its Hessians, at (q, −q)",
        Subs(Derivative(along, (s, 2)), s, 0),
        (tangent.T * (hessians[0] - 2 * hessians[1]).subs({one: size, two: size}) * tangent)[0],
        reduce=carried_out,
    )


def product_model() -> Setting:
    """h = a·b on one datum."""
    return Setting(lambda theta, x: theta[..., 0] * theta[..., 1] + 0 * x, np.zeros(1), np.ones(1), 2)


def equalities(steps: Derivation) -> None:
    """The same on models of two data, against the formulas of `ouanalysis.symbolic`."""
    network = SigmoidNetwork([[1.0], [2.0]], [0.5, 0.25], width=1)
    traced = symbolic.trace(network)
    hessians = [sympy.MatrixSymbol(f"G_{number}", 2, 2) for number in (1, 2)]
    gradients = [sympy.MatrixSymbol(f"g_{number}", 2, 1) for number in (1, 2)]
    reg_gradient = sympy.MatrixSymbol("D_reg", 2, 1)
    closed_form = symbolic.regularizer(network).expr
    values = {reg_gradient: sympy.Matrix([closed_form.diff(symbol) for symbol in traced.theta])}
    for number in (0, 1):
        values[hessians[number]] = sympy.hessian(traced.h[number], traced.theta)
        values[gradients[number]] = traced.jacobian.row(number).T
    steps.identity(
        "Equality with ouanalysis.symbolic: ∇reg = (2/n) Σ_i ∇²h_i g_i for h = c tanh(w x) on the data x = 1, 2; G_i "
        "is ∇²h_i, and D_reg the gradient of its regularizer, in the closed form of the paper",
        hessians[0] * gradients[0] + hessians[1] * gradients[1],
        reg_gradient,
        reduce=lambda difference: entrywise(difference.subs(values)),
    )

    data = np.array([1.0, 2.0])
    product = Setting(lambda theta, x: theta[..., 0] * x + theta[..., 1] * theta[..., 2] * x**2, data, data, 3)
    traced = symbolic.trace(product)
    at, jacobian = traced.theta, traced.jacobian
    fluctuation = symbolic.ou.stationary_covariance(jacobian, lr=eta, noise_std=sigma, batch_size=B)
    labels = sympy.symbols("y_1 y_2")
    loss = sum((value - label) ** 2 for value, label in zip(traced.h, labels, strict=True)) / 2
    on_m = dict(zip(labels, traced.h, strict=True))
    hessian = sympy.hessian(loss, at)
    contracted = sympy.Matrix(
        [
            sum(
                fluctuation[row, col] * hessian[row, col].diff(place).subs(on_m) for row in range(3) for col in range(3)
            )
            for place in at
        ]
    ).applyfunc(sympy.factor)
    tangent = (sympy.eye(3) - fluctuation / strength).applyfunc(sympy.factor)
    steps.identity(
        "Equality with ouanalysis.symbolic, the whole argument on two data: h = θ_0 x + θ_1 θ_2 x² at x = 1, 2 and "
        "any θ on M. On the left −(η/2) N∇³L[Σ], with ∇³L differentiated from L and Σ the stationary_covariance; on "
        "the right −(η²σ²/B) N∇reg, with the regularizer_gradient",
        MatMul(-eta / 2, tangent, contracted, evaluate=False),
        MatMul(-(eta**2) * sigma**2 / B, tangent, traced.regularizer_gradient, evaluate=False),
    )


def symmetric(difference: sympy.Expr) -> sympy.Expr:
    """A difference of sums over all a and b, once its summand is put together with the same one after a ↔ b."""
    inside = summand(difference)
    both = sympy.expand(inside + inside.xreplace({a: b, b: a}))
    return both.replace(
        lambda part: isinstance(part, sympy.Indexed) and part.base in (Sigma, Q),
        lambda part: part.base[tuple(sorted(part.indices, key=str))],
    )


def differentiated(difference: sympy.Expr) -> sympy.Expr:
    """Carry out the derivatives, and call those of h by the names J, Q and R."""
    letters = {theta_a: a, theta_b: b, theta_c: c}
    names = {h_i.diff(one): J[i, letters[one]] for one in letters}
    names |= {
        h_i.diff(one, two): Q[i, letters[one], letters[two]] for one, two in combinations_with_replacement(letters, 2)
    }
    names[h_i.diff(*letters)] = third[i, a, b, c]
    return sympy.expand(summand(difference).doit().xreplace(names))


if __name__ == "__main__":
    main(derive)
