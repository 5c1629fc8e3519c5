"""The local Ornstein-Uhlenbeck process: from h to Σ(t) = (ησ²/B) V (I − e^{−2Λt}) Vᵀ, its end and its noise floor.

Run it as `python -m ouanalysis.derivations.local_ou`. Source: Blanc et al. 2020 (arXiv:1904.09080), section 2;
theory.md, section 2.

h is any smooth model. A sum over the data is differentiated under the sum sign, with h a function of the datum's number
and of the parameters that the step needs. Products of matrices are products of symbols that do not commute, so those
steps hold for all sizes; the steps that end in `ouanalysis.symbolic.ou` take n = 2 data and p = 3 parameters.
"""

from collections.abc import Mapping
from itertools import combinations_with_replacement

import sympy
from sympy import Derivative, KroneckerDelta, Limit, MatMul, MatrixSymbol, Rational, Subs, Sum, exp, oo
from sympy.concrete.delta import deltasummation

from ouanalysis.symbolic import ou

from .derivation import Derivation, main

__all__ = ["derive", "expectation"]

n, B, a, b, c, i = sympy.symbols("n B a b c i", integer=True, positive=True)
eta, sigma, t, s, tau, k, lam = sympy.symbols("eta sigma t s tau k lambda", positive=True)
theta_a, theta_b, eps = sympy.symbols("theta_a theta_b epsilon", real=True)
y, J, Q = (sympy.IndexedBase(name) for name in "yJQ")
h_i = sympy.Function("h")(i, theta_a, theta_b)
L = Sum((h_i - y[i]) ** 2, (i, 1, n)) / n
E = sympy.Function("E")

# Matrices of any size, as symbols that do not commute: what a product may be replaced by is said at each step.
H, C, Sigma, JT, Jac, K = sympy.symbols("H C Sigma J^T J K", commutative=False)
P = JT * K**-1 * Jac
strength = eta * sigma**2 / B


def derive() -> Derivation:
    """From the loss of any h to the law of the fluctuation near a zero-error point."""
    steps = Derivation(
        "The local Ornstein-Uhlenbeck process: any model h, near a point of zero error",
        "Blanc et al. 2020 (arXiv:1904.09080), section 2; theory.md, section 2",
    )
    curvature(steps)
    noise_of_a_step(steps)
    without_noise(steps)
    other_losses(steps)
    euler_step(steps)
    moment_equation(steps)
    stationary_solution(steps)
    solution_in_time(steps)
    noise_floor(steps)
    one_datum_exactly(steps)
    equalities(steps)
    return steps


def curvature(steps: Derivation) -> None:
    """The Hessian of the loss on M is (2/n) JᵀJ, and half its trace is reg."""
    steps.identity(
        "The loss is L = (1/n) Σ_i (h_i − y_i)². Write J_ia for ∂h_i/∂θ_a, so that the row i of J is the gradient g_i "
        "of h_i. The gradient of L, by the chain rule (h is shown with two of its parameters, the others stay)",
        Derivative(L, theta_a),
        2 * Sum((h_i - y[i]) * J[i, a], (i, 1, n)) / n,
        reduce=differentiated,
    )
    steps.identity(
        "Its Hessian, with Q_iab for ∂²h_i/∂θ_a∂θ_b",
        Derivative(L, theta_a, theta_b),
        2 * Sum(J[i, a] * J[i, b] + (h_i - y[i]) * Q[i, a, b], (i, 1, n)) / n,
        reduce=differentiated,
    )
    labels = sympy.symbols("y_1 y_2")
    parameters = sympy.symbols("theta_1:4")
    models = [sympy.Function(f"h_{number}")(*parameters) for number in (1, 2)]
    loss = sum((model - label) ** 2 for model, label in zip(models, labels, strict=True)) / 2
    jacobian = general_jacobian()
    # Second derivatives get names too: h is set to y in the residuals alone, not inside what is differentiated.
    names = {
        model.diff(theta): entry
        for model, row in zip(models, jacobian.tolist(), strict=True)
        for theta, entry in zip(parameters, row, strict=True)
    }
    names |= {
        model.diff(*pair): sympy.Dummy("Q") for model in models for pair in combinations_with_replacement(parameters, 2)
    }
    on_m = sympy.hessian(loss, parameters).xreplace(names).subs(dict(zip(models, labels, strict=True)))
    steps.identity(
        "On the zero-error set M every h_i = y_i, and the term with Q is gone: ∇²L = (2/n) JᵀJ = H. Differentiated "
        "for n = 2 data and p = 3 parameters, on the left; here 2/n = 1",
        on_m,
        MatMul(jacobian.T, jacobian, evaluate=False),
    )
    steps.identity(
        "Half of a diagonal entry of ∇²L on M. Summed over a it is (1/n) Σ_i ‖g_i‖²: on M, reg = ½ tr ∇²L",
        Rational(1, 2) * Derivative(L, (theta_a, 2)),
        Sum(J[i, a] ** 2, (i, 1, n)) / n,
        reduce=lambda difference: differentiated(difference, on_m=True),
    )


def noise_of_a_step(steps: Derivation) -> None:
    """The noise of the gradient has the covariance C = 2σ²H over one datum, and C/B over a batch."""
    steps.identity(
        "A step of label-noise SGD on the datum i: the label is y_i + ε, with E ε = 0 and E ε² = σ²",
        -eta * Derivative((h_i - y[i] - eps) ** 2, theta_a),
        -2 * eta * (h_i - y[i] - eps) * J[i, a],
        reduce=differentiated,
    )
    steps.identity(
        "On M the gradient is then pure noise, −2ε g_i, with mean 0. Its covariance C, over the datum i and over ε: C "
        "= (4σ²/n) JᵀJ = 2σ² H, noise in proportion to curvature",
        Sum(E((-2 * eps * J[i, a]) * (-2 * eps * J[i, b])), (i, 1, n)) / n,
        4 * sigma**2 * Sum(J[i, a] * J[i, b], (i, 1, n)) / n,
        reduce=lambda difference: averaged(summand(difference), {eps: sigma**2}),
    )
    steps.identity(
        "A batch takes the mean over B independent draws b; the draws b and c have the covariance C if b = c, else 0",
        Sum(KroneckerDelta(b, c) * C / B**2, (b, 1, B), (c, 1, B)),
        C / B,
        reduce=lambda difference: sympy.expand(difference.replace(Sum, without_delta)),
    )
    noises = sympy.symbols("epsilon_1 epsilon_2")
    mean_a, mean_b = (sum(-2 * noises[row - 1] * J[row, col] for row in (1, 2)) / 2 for col in (a, b))
    steps.identity(
        "A full batch takes every datum once, each with a noise of its own: C/n, so there B stands for n. At n = 2",
        E(sympy.Mul(mean_a, mean_b, evaluate=False)),
        Rational(1, 2) * 4 * sigma**2 * (J[1, a] * J[1, b] + J[2, a] * J[2, b]) / 2,
        reduce=lambda difference: averaged(difference, dict.fromkeys(noises, sigma**2)),
    )


def without_noise(steps: Derivation) -> None:
    """Without label noise a step stays where it is on M, and beside M moves nothing along it to leading order."""
    steps.identity(
        "Without noise on the labels, ε = 0, a step on a batch of the data 1, …, B (any B data, so numbered) comes to "
        "the left side. On M, where h_i = y_i for all data, it stays where it is, whatever reg is there",
        theta_a - 2 * eta / B * Sum((h_i - y[i]) * J[i, a], (i, 1, B)),
        theta_a,
        reduce=lambda difference: carried_out(difference.subs(h_i, y[i])),
    )
    delta, D = sympy.symbols("delta D", commutative=False)
    along = 1 - P
    steps.identity(
        "At θ* + δ, beside M, h_i − y_i is g_iᵀδ to leading order and the step −2ηJᵀ D J δ, with D diagonal: how often "
        "each datum is drawn, over B. With N = I − P, P = JᵀK⁻¹J, what δ has along M stays too, whatever the batch",
        along * (delta - 2 * eta * JT * D * Jac * delta),
        along * delta,
        reduce=lambda difference: named(difference, {Jac * JT: K}),
        argument="What is left is of second order in δ, and δ goes to 0 as (1 − ηλ)^t: descent ends at a point of M, "
        "and it is the first that it comes to.",
    )


def other_losses(steps: Derivation) -> None:
    """A constant factor in the loss is one in the step size."""
    factor, other_eta = sympy.symbols("f eta_f", positive=True)
    steps.identity(
        "A loss with a factor f in front, f (h_i − y_i − ε)², and a step size η_f of its own takes the step above "
        "with η = f η_f: a loss with ½ in front has η = η_f/2, one with ¼ has η = η_f/4",
        -other_eta * Derivative(factor * (h_i - y[i] - eps) ** 2, theta_a),
        -2 * (factor * other_eta) * (h_i - y[i] - eps) * J[i, a],
        reduce=differentiated,
    )


def euler_step(steps: Derivation) -> None:
    """An Euler-Maruyama step of the diffusion is a full-batch step with another noise on the labels."""
    omega = sympy.IndexedBase("omega")
    pull, kick = 2 * J[i, a] * (h_i - y[i]) / n, 2 * sigma / sympy.sqrt(n) * J[i, a] * omega[i]
    steps.identity(
        "The diffusion dθ = −∇L dt + √(η/B) C^{1/2} dW with a dW_i for each datum, C^{1/2} dW = (2σ/√n) Σ_i g_i dW_i. "
        "A step of Euler and Maruyama over a time τ, with dW_i = √τ ω_i, is a full-batch step of size τ whose labels "
        "have the noise σ√(nη/(Bτ)) ω_i: for τ = η, of SGD's own size, σ√(n/B) ω_i",
        Sum(-tau * pull + sympy.sqrt(eta / B) * sympy.sqrt(tau) * kick, (i, 1, n)),
        Sum(-2 * tau / n * (h_i - y[i] - sigma * sympy.sqrt(n * eta / (B * tau)) * omega[i]) * J[i, a], (i, 1, n)),
        reduce=lambda difference: sympy.simplify(summand(difference)),
        argument="The ω_i are independent of variance 1, so that (2σ/√n) Σ_i g_i ω_i has the covariance (4σ²/n) Σ_i "
        "g_i g_iᵀ = C.",
    )


def moment_equation(steps: Derivation) -> None:
    """dΣ/dt = −HΣ − ΣH + (η/B) C for the second moment Σ of δ."""
    delta, deltaT, w, wT = sympy.symbols("delta delta^T w w^T", commutative=False)
    moved, movedT = delta - tau * H * delta + w, deltaT - tau * deltaT * H + wT
    after = Sigma - tau * (H * Sigma + Sigma * H) + tau * eta / B * C + tau**2 * H * Sigma * H
    moments = {delta * deltaT: Sigma, w * wT: tau * eta / B * C}
    steps.identity(
        "Near θ* in M write δ = θ − θ*. To leading order in δ a step of SGD moves δ by −ηHδ and a noise of covariance "
        "η²C/B. It takes the time η, so this is dδ = −Hδ dt + √(η/B) C^{1/2} dW, which in a short time τ moves δ by "
        "−τHδ + w: w has mean 0 and covariance τ(η/B)C and is independent of δ. The second moment Σ = E δδᵀ becomes",
        E(sympy.Mul(moved, movedT, evaluate=False)),
        after,
        reduce=lambda difference: sympy.expand(
            # w has mean 0 and is independent of δ: after the moments are named, what still holds w is zero.
            difference.replace(E, lambda product: sympy.expand(product).subs(moments).subs({w: 0, wT: 0}))
        ),
    )
    steps.identity(
        "Its rate of change is the moment equation, dΣ/dt = −HΣ − ΣH + (η/B) C",
        Subs(Derivative(after, tau), tau, 0),
        -H * Sigma - Sigma * H + eta / B * C,
        reduce=lambda difference: sympy.expand(difference.doit()),
        argument="The rate is the limit of the change divided by τ as τ goes to 0, which is the derivative at τ = 0 "
        "of this polynomial in τ. The term in τ² is what a finite step adds (τ = η; with sampled batches the "
        "residuals of the sample add more of that order). The steps on one datum below keep it.",
    )


def stationary_solution(steps: Derivation) -> None:
    """Σ = (ησ²/B) P solves the equation with dΣ/dt = 0."""
    gram = {Jac * JT: K}
    steps.identity(
        "With K = J Jᵀ invertible, P = Jᵀ K⁻¹ J is a projector (J Jᵀ is replaced by K, nothing else)",
        sympy.Mul(P, P, evaluate=False),
        P,
        reduce=lambda difference: named(difference, gram),
    )
    steps.identity(
        "It leaves every gradient g_i as it is, being the projector on their span: P Jᵀ = Jᵀ; hence N Jᵀ = 0 for N = "
        "I − P",
        sympy.Mul(P, JT, evaluate=False),
        JT,
        reduce=lambda difference: named(difference, gram),
    )
    curved = 2 * JT * Jac / n
    stationary = strength * P
    steps.identity(
        "So Σ = (ησ²/B) P, with the same variance in every direction of the row space, makes HΣ + ΣH = (η/B) C, where "
        "H = (2/n) JᵀJ and C = (4σ²/n) JᵀJ: the stationary covariance",
        curved * stationary + stationary * curved,
        eta / B * (4 * sigma**2 * JT * Jac / n),
        reduce=lambda difference: named(difference, gram),
        argument="It is the only solution whose range is in the row space of J, and from δ = 0 the noise never leaves "
        "that space. Between eigenvectors v_k, v_l of H with eigenvalues above 0, the difference X of two solutions "
        "has (λ_k + λ_l) v_kᵀ X v_l = 0, so it is zero.",
    )


def solution_in_time(steps: Derivation) -> None:
    """Mode by mode: the variance, its limit, and the covariance between two times."""
    vT, v = sympy.symbols("v_k^T v_l", commutative=False)
    lam_k, lam_l, s_kl = sympy.symbols("lambda_k lambda_l s_kl")
    same = KroneckerDelta(*sympy.symbols("k l", integer=True))
    steps.identity(
        "Between eigenvectors, H v_k = λ_k v_k with v_kᵀ v_l = δ_kl, the moment equation for s_kl = v_kᵀ Σ v_l is",
        vT * (-H * Sigma - Sigma * H + eta / B * (2 * sigma**2 * H)) * v,
        -(lam_k + lam_l) * s_kl + 2 * strength * lam_k * same,
        reduce=lambda difference: sympy.simplify(
            sympy.expand(difference)
            .subs({vT * H * Sigma * v: lam_k * s_kl, vT * Sigma * H * v: lam_l * s_kl})
            .subs(vT * H * v, lam_k * same)
        ),
    )
    variance = strength * (1 - exp(-2 * lam * t))
    steps.identity(
        "For k = l this is solved, from s = 0 at t = 0, by s = (ησ²/B)(1 − e^{−2λt}): Σ(t) = (ησ²/B) V (I − e^{−2Λt}) "
        "Vᵀ",
        Derivative(variance, t),
        -2 * lam * variance + 2 * strength * lam,
        reduce=carried_out,
        argument="For k ≠ l the equation is linear without a source, so s_kl = 0 at the start stays 0. A linear "
        "equation has one solution from a given start.",
    )
    steps.identity("It starts at 0", Subs(variance, t, 0), sympy.S.Zero, reduce=carried_out)
    steps.identity(
        "It ends in the stationary covariance: as t grows, every mode of the row space has the variance ησ²/B",
        Limit(variance, t, oo),
        strength,
        reduce=carried_out,
    )
    across = exp(-lam * (t - s)) * variance.subs(t, s)
    steps.identity(
        "Between two times s ≤ t: Cov(δ(s), δ(t)) = e^{−λ(t − s)} times the variance at s, in each mode",
        Derivative(across, t),
        -lam * across,
        reduce=carried_out,
        argument="The noise after s is independent of δ(s), so E δ(t)δ(s) changes with t by the drift alone, −λ E "
        "δ(t)δ(s). At t = s it is the variance at s, where the formula starts.",
    )
    steps.identity("Its value at t = s", Subs(across, t, s), strength * (1 - exp(-2 * lam * s)), reduce=carried_out)


def noise_floor(steps: Derivation) -> None:
    """E L = (ησ²/B) reg at the stationary law."""
    steps.identity(
        "The noise floor. To second order L = (1/n) Σ_i (g_iᵀδ)², so E L = (1/n) tr(J Σ Jᵀ), where for the stationary "
        "Σ",
        Jac * (strength * P) * JT,
        strength * K,
        reduce=lambda difference: named(difference, {Jac * JT: K}),
        argument="E (g_iᵀδ)² = g_iᵀ Σ g_i is the diagonal entry i of J Σ Jᵀ, and tr(K)/n = reg. So E L = (ησ²/B) reg: "
        "the plateau of the clean loss measures the regularizer.",
    )


def one_datum_exactly(steps: Derivation) -> None:
    """n = 1: the variance of the prediction for a finite step, with no continuous time."""
    u, S = sympy.symbols("u S")
    after = (1 - 2 * eta * k) ** 2 * S + 4 * eta**2 * k**2 * sigma**2 / B
    steps.identity(
        "Finite steps, n = 1, h linear: δ moves by −2η(u − ε)g, where u = gᵀδ is the residual and ε the mean of the "
        "batch's noises, of variance σ²/B. With k = ‖g‖² and S = E u², after one step",
        E((u - 2 * eta * k * (u - eps)) ** 2),
        after,
        reduce=lambda difference: averaged(difference, {u: S, eps: sigma**2 / B}),
    )
    stationary = eta * sigma**2 * k / (B * (1 - eta * k))
    steps.identity("The stationary variance, exact at every stable η", after.subs(S, stationary), stationary)
    steps.identity(
        "It is reached if and only if ηk < 1",
        1 - (1 - 2 * eta * k) ** 2,
        4 * eta * k * (1 - eta * k),
        argument="S minus its stationary value is multiplied by (1 − 2ηk)² in each step. That shrinks it exactly if "
        "the left side is above 0, and the right side is above 0 exactly if ηk < 1.",
    )
    steps.identity(
        "Small steps: S/η tends to gᵀ P g σ²/B = σ²k/B, as the Ornstein-Uhlenbeck process has it",
        Limit(stationary / eta, eta, 0),
        sigma**2 * k / B,
        reduce=carried_out,
    )


def equalities(steps: Derivation) -> None:
    """Each result against the function of `ouanalysis.symbolic.ou`, at n = 2 and p = 3."""
    jacobian, noise = general_jacobian(), {"lr": eta, "noise_std": sigma, "batch_size": B}
    J_matrix, orthogonal = MatrixSymbol("J", 2, 3), MatrixSymbol("u", 3, 1)
    H_matrix, C_matrix, stationary = (MatrixSymbol(name, 3, 3) for name in ("H", "C", "Sigma"))
    values = {
        J_matrix: jacobian,
        orthogonal: jacobian.row(0).cross(jacobian.row(1)).T,
        H_matrix: ou.drift_matrix(jacobian),
        C_matrix: ou.diffusion_matrix(jacobian, noise_std=sigma),
        stationary: ou.stationary_covariance(jacobian, **noise),
    }
    for statement, left, right in (
        ("the Hessian on M is its drift_matrix(J)", J_matrix.T * J_matrix, H_matrix),
        ("the noise's covariance is its diffusion_matrix(J)", 2 * sigma**2 * J_matrix.T * J_matrix, C_matrix),
        (
            "its stationary_covariance(J) is (ησ²/B) times the identity on the span of the gradients",
            stationary * J_matrix.T,
            strength * J_matrix.T,
        ),
        (
            "and it is zero on u = g_1 × g_2, which is orthogonal to them, so it is the Σ found above",
            stationary * orthogonal,
            sympy.ZeroMatrix(3, 1),
        ),
    ):
        steps.identity(
            f"Equality with ouanalysis.symbolic.ou, for a J of 2 × 3 symbols: {statement}",
            left,
            right,
            reduce=lambda difference: entrywise(difference.subs(values)),
        )

    r, q = sympy.symbols("r q", positive=True)
    jacobian = sympy.Matrix([[r, q, q], [r, -q, -q]])
    modes = sympy.Matrix([[1, 0], [0, 1 / sympy.sqrt(2)], [0, 1 / sympy.sqrt(2)]])
    steps.identity(
        "In time, for two gradients g_1 = (r, q, q) and g_2 = (r, −q, −q) of one length: H V = V Λ, with",
        MatMul(jacobian.T, jacobian, modes, evaluate=False),
        MatMul(modes, sympy.diag(2 * r**2, 4 * q**2), evaluate=False),
    )
    closed_form = ou.covariance(jacobian, t, modes=sympy.Matrix([[1, 1], [1, -1]]) / sympy.sqrt(2), **noise)
    steps.identity(
        "Equality with ouanalysis.symbolic.ou: its covariance(J, t), on the right, is (ησ²/B) V (I − e^{−2Λt}) Vᵀ; "
        "both are divided by ησ²/B",
        MatMul(modes, sympy.diag(1 - exp(-4 * r**2 * t), 1 - exp(-8 * q**2 * t)), modes.T, evaluate=False),
        (closed_form / strength).applyfunc(sympy.expand),
    )


def general_jacobian() -> sympy.Matrix:
    """J of two data and three parameters, all symbols."""
    return sympy.Matrix(2, 3, lambda row, col: sympy.Symbol(f"J_{row + 1}{col + 1}", real=True))


def expectation(polynomial: sympy.Expr, variances: Mapping[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    """E of a polynomial in independent variables of mean 0, of which only the variances are known.

    >>> u, v = sympy.symbols("u v")
    >>> expectation((1 + u + 2 * v) ** 2, {u: 3, v: 5})
    24
    >>> expectation(u**4, {u: 3})
    Traceback (most recent call last):
    ValueError: polynomial: expected powers up to 2, got u**4
    """
    total = sympy.S.Zero
    for powers, coefficient in sympy.Poly(sympy.expand(polynomial), *variances).terms():
        for symbol, power in zip(variances, powers, strict=True):
            if power > 2:
                raise ValueError(f"polynomial: expected powers up to 2, got {symbol**power}")
            coefficient *= {0: 1, 1: 0, 2: variances[symbol]}[power]
        total += coefficient
    return total


def differentiated(difference: sympy.Expr, *, on_m: bool = False) -> sympy.Expr:
    """Carry out the derivatives, call those of h by the names J and Q, and on M put y for h."""
    names = {h_i.diff(theta_a): J[i, a], h_i.diff(theta_b): J[i, b]}
    names |= {h_i.diff(theta_a, theta_b): Q[i, a, b], h_i.diff(theta_a, theta_a): Q[i, a, a]}
    with_names = summand(difference).doit().xreplace(names)
    return sympy.expand(with_names.xreplace({h_i: y[i]} if on_m else {}))


def summand(difference: sympy.Expr) -> sympy.Expr:
    """The summand of a combination of sums over the same indices: where it is zero they are equal term by term."""
    return difference.replace(Sum, lambda function, *_: function)


def averaged(difference: sympy.Expr, variances: Mapping[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    """Carry out every E( )."""
    return sympy.simplify(difference.replace(E, lambda polynomial: expectation(polynomial, variances)))


def named(difference: sympy.Expr, products: Mapping[sympy.Expr, sympy.Expr]) -> sympy.Expr:
    """Multiply out, replace products of symbols that do not commute, and see what is left."""
    return sympy.expand(sympy.expand(difference).subs(products))


def without_delta(summand: sympy.Expr, *limits: tuple[sympy.Symbol, sympy.Expr, sympy.Expr]) -> sympy.Expr:
    """A sum over 1, ..., B of a delta of two of its indices, which are always within those bounds."""
    for limit in limits:
        summand = deltasummation(summand, limit, no_piecewise=True)
    return summand


def carried_out(difference: sympy.Expr) -> sympy.Expr:
    """Take the derivative or the limit that was written down."""
    return sympy.simplify(difference.doit())


def entrywise(difference: sympy.MatrixExpr) -> int | sympy.Matrix:
    """0 if every entry of the matrix cancels to it; else the matrix, or its value at primes if that tells."""
    entries = sympy.Matrix(difference.doit())
    primes = {symbol: sympy.prime(1 + place) for place, symbol in enumerate(sorted(entries.free_symbols, key=str))}
    at_primes = entries.xreplace(primes)
    if any(value.is_Rational and value != 0 for value in at_primes):
        return at_primes
    left_over = entries.applyfunc(sympy.cancel)
    return 0 if left_over.is_zero_matrix else left_over


if __name__ == "__main__":
    main(derive)
