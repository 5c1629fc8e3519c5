"""The mean residual: where second moments hold the mean of the predictions, at any rank of J and with a walk along M.

Run it as `python -m ouanalysis.derivations.mean_residual`. Source: theory.md, section 2, "Mean residual", and section
6, "Other noises".

h is any smooth model, to second order in the fluctuation. Products of matrices are products of symbols that do not
commute, so they hold for all sizes; the models on which the result is checked take one or two data.
"""

import sympy
from sympy import Derivative, Limit, MatMul, Subs

from ouanalysis import symbolic
from ouanalysis.settings import Setting

from .derivation import Derivation, main
from .local_ou import averaged, carried_out, entrywise, named

__all__ = ["derive"]

n, B = sympy.symbols("n B", integer=True, positive=True)
eta, sigma, s, beta, c, k = sympy.symbols("eta sigma s beta c k", positive=True)
eps, t = sympy.symbols("epsilon t", real=True)
E = sympy.Function("E")
strength = eta * sigma**2 / B

# Matrices and vectors of any size: d is E δ, e is E[h − y], q has the tr(∇²h_i Σ), w is the sum of the ∇²h_j Σ g_j.
JT, Jac, K, pseudo, d, e, q, w = sympy.symbols("J^T J K K^+ d e q w", commutative=False)
P, GRAM, PSEUDO = JT * pseudo * Jac, {Jac * JT: K}, {K * pseudo * Jac: Jac, K * pseudo * K: K, K**2 * pseudo: K}

# What is derived below, with K⁺ for K⁻¹, and what it adds where the rank is below n, and where isotropic noise walks.
held = -pseudo * Jac * w
free = (1 - K * pseudo) * q / 2
walked = n * eta * s**2 / (4 * (1 - beta))


def derive() -> Derivation:
    """From the mean of a step to the mean of the predictions."""
    steps = Derivation(
        "The mean residual: what second moments do to the mean of the predictions", "theory.md, sections 2 and 6"
    )
    balance(steps)
    low_rank(steps)
    at_a_stationary_point(steps)
    walk(steps)
    one_parameter(steps)
    bent_line(steps)
    equality(steps)
    return steps


def balance(steps: Derivation) -> None:
    """At rest the mean step across M is 0, which fixes the mean residual where J has rank n."""
    u, v, form, m, J_c, R_c = sympy.symbols("u v kappa m J_c R_c")
    residual = t * u + t**2 * (v + form / 2)
    steps.identity(
        "At θ* + tδ_1 + t²d, where δ_1 has mean 0 and d is a shift of second order, h_i − y_i is at the order t² as on "
        "the right, with v = g_iᵀd and κ = δ_1ᵀ∇²h_i δ_1. Its mean is e_i = E[h_i − y_i], so e = J d + q/2, where q_i "
        "= tr(∇²h_i Σ) and Σ = E δ_1δ_1ᵀ",
        Subs(Derivative(residual, (t, 2)), t, 0) / 2,
        v + form / 2,
        reduce=carried_out,
    )
    taylor = (residual - eps) * (J_c + t * m + t**2 * R_c / 2)
    steps.identity(
        "The entry c of ∇h_i is J_c + t m + …, with m = (∇²h_i δ_1)_c, and u = g_iᵀδ_1. Half the gradient of one "
        "datum, (h_i − y_i − ε)∇h_i, in the mean over the label's noise ε and at the order t². Over δ_1 the mean of u "
        "m is (∇²h_i Σ g_i)_c: so the mean gradient is (2/n)(Jᵀe + w), with w = Σ_j ∇²h_j Σ g_j",
        Subs(Derivative(E(taylor), (t, 2)), t, 0) / 2,
        u * m + (v + form / 2) * J_c,
        reduce=lambda difference: carried_out(difference.subs(E(taylor), averaged(E(taylor), {eps: 1}))),
        argument="ε has mean 0 and is independent of δ. However the batch is drawn, it is without bias.",
    )
    steps.identity(
        "P = JᵀK⁺J projects onto the row space of J, where the mean gradient is 0 at rest. Seen from function space, "
        "J P (Jᵀe + w) is K e + J w, with K = J Jᵀ and K⁺ its pseudo-inverse",
        Jac * P * (JT * e + w),
        K * e + Jac * w,
        reduce=lambda difference: named(named(difference, GRAM), PSEUDO),
        argument="Across M the loss is curved and holds the mean of θ, which stays where it is; with momentum the mean "
        "velocity v ← βv − ∇ is then 0, and so is ∇. Along M θ* drifts, on which no h_i changes; that Σ and J "
        "change on the way is of higher order.",
    )
    steps.identity(
        "So K e = −J w. Where J has rank n, it is solved by e = −K⁻¹ J w, that is E[h − y] = −K⁻¹ J Σ_j ∇²h_j Σ g_j: "
        "with this e",
        K * e,
        -Jac * w,
        reduce=lambda difference: sympy.expand(difference.subs(e, held).subs(pseudo, K**-1)),
    )


def low_rank(steps: Derivation) -> None:
    """Where J has rank r < n, the kernel of Jᵀ has the second order's mean alone."""
    steps.identity(
        "Where J has rank r < n, K e = −J w leaves the part (I − KK⁺) e open, in the kernel of Jᵀ: what no first-order "
        "move of θ changes. There e = J d + q/2 has the curvature's own share alone, since (I − KK⁺) J = 0",
        (1 - K * pseudo) * (Jac * d + q / 2),
        free,
        reduce=lambda difference: named(difference, PSEUDO),
    )
    steps.identity(
        "So e = −K⁺ J w + (I − KK⁺) q/2: in the range of K it solves K e = −J w",
        K * e,
        -Jac * w,
        reduce=lambda difference: named(difference.subs(e, held + free), PSEUDO),
        argument="K and K⁺ commute, so K²K⁺ = K K⁺ K = K. On its range K is invertible: it is the only solution.",
    )
    steps.identity(
        "In the kernel of Jᵀ it has the curvature's share, as above",
        (1 - K * pseudo) * e,
        free,
        reduce=lambda difference: named(
            difference.subs(e, held + free), PSEUDO | {K * pseudo * K * pseudo: K * pseudo, K * pseudo**2: pseudo}
        ),
    )


def at_a_stationary_point(steps: Derivation) -> None:
    """At a stationary point of reg on M the noise measures the multipliers."""
    g, G, projector, mu = sympy.symbols("g G P mu", commutative=False)
    steps.identity(
        "With the stationary Σ = (ησ²/B) P of the Ornstein-Uhlenbeck process (see local_ou) and P g_j = g_j one datum "
        "adds to w this, with G = ∇²h_j. As ∇reg = (2/n) Σ_j ∇²h_j g_j, w is (nησ²/(2B)) ∇reg",
        G * (strength * projector) * g,
        n * strength / 2 * (2 / n * G * g),
        reduce=lambda difference: named(difference, {projector * g: g}),
    )
    steps.identity(
        "Where N∇reg = 0, that is ∇reg = Jᵀμ, and J has rank n, E[h − y] = −(nησ²/(2B)) μ",
        held,
        -n * strength / 2 * mu,
        reduce=lambda difference: sympy.expand(
            named(sympy.expand(difference).subs(w, n * strength / 2 * JT * mu), GRAM).subs(pseudo, K**-1)
        ),
    )


def walk(steps: Derivation) -> None:
    """Isotropic noise walks along the tangents of M, which a bent M leaves: descent holds what that adds."""
    first, second = sympy.symbols("z_1 z_2")
    Q_11, Q_12, Q_22 = sympy.symbols("Q_11 Q_12 Q_22")
    decay = 1 / (1 + sympy.Symbol("x", positive=True))
    steps.identity(
        "Isotropic noise sω on the gradient walks along M: its k-th kick adds η²s²((1 − β^k)/(1 − β))² to the variance "
        "in each direction (see other_noises), which for large k is as on the right; β is written as 1/(1 + x), x > 0",
        Limit(eta**2 * s**2 * ((1 - decay**k) / (1 - decay)) ** 2, k, sympy.oo),
        eta**2 * s**2 / (1 - decay) ** 2,
        reduce=carried_out,
    )
    g, G, projector = sympy.symbols("g G P", commutative=False)
    steps.identity(
        "The covariance c N of the walk adds nothing to w, as N g_j = 0",
        G * (c * (1 - projector)) * g,
        sympy.S.Zero,
        reduce=lambda difference: named(difference, {projector * g: g}),
    )
    steps.identity(
        "To E h_i it adds (c/2) tr(N∇²h_i): in two coordinates z along the tangents, of variance c each",
        E((Q_11 * first**2 + 2 * Q_12 * first * second + Q_22 * second**2) / 2),
        c / 2 * (Q_11 + Q_22),
        reduce=lambda difference: averaged(difference, {first: c, second: c}),
    )
    bent = sympy.Symbol("tau", commutative=False)
    in_range = sympy.Symbol("x", commutative=False)
    still = 1 - beta
    steps.identity(
        "With τ_i = tr(N∇²h_i) the walk thus raises E h by η²s²τ/(2(1 − β)²) a step. At rest a mean velocity across M, "
        "−1/(1 − β) times the mean gradient (2/n)(Jᵀe + w), lowers it by as much: so E[h − y] has (nηs²/(4(1 − β))) "
        "K⁺τ beside −K⁺ J w. What the step changes, with both",
        eta * (-2 / (n * still)) * (K * e + Jac * w),
        -(eta**2) * s**2 / (2 * still**2) * bent,
        reduce=lambda difference: sympy.simplify(
            named(difference.subs(e, held + walked * pseudo * bent).subs(bent, K * in_range), PSEUDO)
        ),
        argument="τ is in the range of K, so that it is K times some vector: along a curve in M h is constant, so its "
        "second derivative, γ′ᵀ∇²h_i γ′ + g_iᵀγ′′, is 0, and the first of the two is −(Jγ′′)_i.",
    )


def one_parameter(steps: Derivation) -> None:
    """Two data and one parameter, from the loss itself: both parts of the formula."""
    place, shift, first, second = sympy.symbols("u d a b")
    slopes = sympy.Matrix(sympy.symbols("p r", real=True))
    models = slopes * place + sympy.Matrix([first, second]) * place**2
    gradient = sum(model * model.diff(place) for model in models)
    at = sympy.Symbol("delta")
    order = sympy.expand(gradient.subs(place, t * at + t**2 * shift)).coeff(t, 2)
    mean = slopes.dot(slopes) * shift + 3 * c * (slopes[0] * first + slopes[1] * second)
    steps.identity(
        "A model to check it on: h_1 = p u + a u² and h_2 = r u + b u² with the labels 0, at u = 0, where J = (p, r) "
        "has the rank 1 < n = 2. With u = tδ + t²d and E δ² = c, half the mean gradient of Σ_i h_i² at the order t² is",
        E(order),
        mean,
        reduce=lambda difference: averaged(difference, {at: c}),
    )
    one, curved = sympy.MatrixSymbol("J", 2, 1), sympy.MatrixSymbol("A", 2, 1)
    gram, inverse = sympy.MatrixSymbol("K", 2, 2), sympy.MatrixSymbol("K^+", 2, 2)
    values = {shift: sympy.solve(mean, shift)[0], one: slopes, curved: sympy.Matrix([first, second])}
    values |= {gram: slopes * slopes.T, inverse: slopes * slopes.T / slopes.dot(slopes) ** 2}
    pushed = 2 * c * (slopes[0] * first + slopes[1] * second)
    steps.identity(
        "At rest it is 0, which gives d. On the left E h = d J + c A with this d, where A = (a, b); on the right the "
        "formula, −K⁺ J w + (I − KK⁺) q/2, with w = 2c (a p + b r), q = 2c A, K = J Jᵀ and K⁺ = J Jᵀ/(p² + r²)²",
        shift * one + c * curved,
        -pushed * inverse * one + c * (sympy.Identity(2) - gram * inverse) * curved,
        reduce=lambda difference: entrywise(difference.subs(values)),
    )


def bent_line(steps: Derivation) -> None:
    """h = u + v²/2 with isotropic noise alone: M is a parabola, on which a step is taken."""
    r, v, one, other = sympy.symbols("r v omega_1 omega_2")
    moved = -eta * (2 * r + s * one), v - eta * (2 * r * v + s * other)
    steps.identity(
        "A walk to check it on: h = u + v²/2 with the label 0 and isotropic noise alone. In the mean a step changes "
        "the residual r = u + v²/2 by",
        E(moved[0] + moved[1] ** 2 / 2 - v**2 / 2),
        eta**2 * s**2 / 2 - 2 * eta * r * (1 + v**2) + 2 * eta**2 * r**2 * v**2,
        reduce=lambda difference: averaged(difference, {one: 1, other: 1}),
    )
    steps.identity(
        "Near v = 0, to leading order in v² and r, that is η²s²/2 − 2ηr: at rest E r = ηs²/4. The formula there, with "
        "K = 1 and tr(N∇²h) = 1, at n = 1 and β = 0",
        Subs(walked, (n, beta), (1, 0)),
        eta * s**2 / 4,
        reduce=carried_out,
    )


def equality(steps: Derivation) -> None:
    """On a model that `ouanalysis.symbolic` traces, at a stationary point of its regularizer."""
    traced = symbolic.trace(
        Setting(lambda theta, x: theta[..., 0] * x + theta[..., 1] * theta[..., 2] * x**2, [1.0, 2.0], [0.0, 0.0], 3)
    )
    at = {traced.theta[2]: traced.theta[1]}
    jacobian = traced.jacobian.subs(at)
    gram = jacobian * jacobian.T
    mu = (gram.inv() * jacobian * traced.regularizer_gradient.subs(at)).applyfunc(sympy.cancel)
    steps.identity(
        "A model of two data that ouanalysis.symbolic traces: h = θ_0 x + θ_1 θ_2 x² at x = 1, 2. Where θ_1 = θ_2 its "
        "regularizer_gradient is Jᵀμ, with this μ",
        MatMul(jacobian.T, mu, evaluate=False),
        traced.regularizer_gradient.subs(at),
        reduce=sympy.cancel,
    )
    covariance = symbolic.ou.stationary_covariance(jacobian, lr=eta, noise_std=sigma, batch_size=B)
    hessians = [sympy.hessian(model, traced.theta) for model in traced.h]
    pushed = sum((form * covariance * jacobian.row(row).T for row, form in enumerate(hessians)), sympy.zeros(3, 1))
    steps.identity(
        "Equality with ouanalysis.symbolic: there −K⁻¹ J Σ_j ∇²h_j Σ g_j, with its stationary_covariance, is −(nησ²/"
        "(2B)) μ, with n = 2",
        MatMul(-gram.inv().applyfunc(sympy.cancel), jacobian, pushed.applyfunc(sympy.cancel), evaluate=False),
        MatMul(-strength, mu, evaluate=False),
        reduce=sympy.cancel,
    )


if __name__ == "__main__":
    main(derive)
