"""Heavy-ball momentum: the second moments of predictions and velocities, and one datum and a full batch in closed form.

Run it as `python -m ouanalysis.derivations.momentum`. Source: theory.md, section 6, "Momentum"; Damian, Ma, Lee 2021
(arXiv:2106.06530). Products of matrices are products of symbols that do not commute, so they hold for all sizes.
"""

import sympy
from sympy import Derivative, MatMul, Subs

from .derivation import Derivation, main
from .local_ou import averaged, carried_out, named

__all__ = ["derive"]

n, B = sympy.symbols("n B", integer=True, positive=True)
eta, sigma, k, lam, beta = sympy.symbols("eta sigma k lambda beta", positive=True)
eps = sympy.Symbol("epsilon", real=True)
E = sympy.Function("E")
N, G = sympy.symbols("N G", commutative=False)


def derive() -> Derivation:
    """From a step with momentum to the recursion for all n, and to law, limit and drift of one datum and full batch."""
    steps = Derivation(
        "Momentum: the recursion of the second moments, and one datum and a full batch in closed form",
        "theory.md, section 6; Damian, Ma, Lee 2021 (arXiv:2106.06530)",
    )
    recursion(steps)
    one_datum(steps)
    full_batch(steps)
    without_momentum(steps)
    return steps


def recursion(steps: Derivation) -> None:
    """The moments of the predictions and their velocities after a step, for all n."""
    f, fT, w, wT, r, rT, S, C, CT, W, R = sympy.symbols("f f^T w w^T r r^T S C C^T W R", commutative=False)
    moments = {f * fT: S, f * wT: C, w * fT: CT, w * wT: W, r * rT: R}
    moments |= {f * rT: S * G, r * fT: G * S, r * wT: G * C, w * rT: CT * G}

    def second_moments(difference):
        return sympy.expand(difference.replace(E, lambda product: sympy.expand(product).subs(moments)))

    moved, movedT = beta * w - r, beta * wT - rT
    new_w, cross = beta**2 * W - beta * (G * C + CT * G) + R, beta * C - S * G
    steps.identity(
        "With f = Jδ and w = ηJv a step is w ← βw − r and f ← f + w, with the new w. Given f and w, r = ηJ∇ "
        "has the mean G f, with G = 2ηK/n. With S = E f fᵀ, C = E f wᵀ, W = E w wᵀ and R = E r rᵀ, after the step W is",
        E(sympy.Mul(moved, movedT, evaluate=False)),
        new_w,
        reduce=second_moments,
        argument="E r wᵀ = G C, E w rᵀ = Cᵀ G, E f rᵀ = S G and E r fᵀ = G S: the draw of a step is independent of "
        "what came before it. R is (4η²/n)(Q(S) + (σ²/B) K²), as without momentum.",
    )
    steps.identity(
        "After the step C is X + W, with X = βC − S G and the new W",
        E(sympy.Mul(f + moved, movedT, evaluate=False)),
        cross + new_w,
        reduce=second_moments,
    )
    steps.identity(
        "After the step S is S + X + Xᵀ + W, with the new W",
        E(sympy.Mul(f + moved, fT + movedT, evaluate=False)),
        S + cross + (beta * CT - G * S) + new_w,
        reduce=second_moments,
    )
    average = sympy.Symbol("q")
    steps.identity(
        "Along M the mean of v goes by v ← βv − q, with q that of the gradient. At rest it is −q/(1 − β): put in for "
        "v, it comes out again. So the drift of a step is −(2η/(n(1 − β))) N Σ_i ∇²h_i Σ g_i",
        beta * (-average / (1 - beta)) - average,
        -average / (1 - beta),
    )
    averages = sympy.symbols("q_0:3")
    velocity = place = sympy.S.Zero
    for average in averages:
        velocity = beta * velocity - average
        place += eta * velocity
    steps.identity(
        "From v = 0, q_t has moved θ after T steps by −η times (1 − β^{T − t})/(1 − β), the sum of the powers of β "
        "that it went through (see other_noises). Step by step for T = 3",
        place,
        -eta * sum(average * (1 - beta ** (3 - at)) / (1 - beta) for at, average in enumerate(averages)),
    )


def one_datum(steps: Derivation) -> None:
    """n = 1: the stationary law, the drift, and where it is stable, in closed form."""
    S, C, W, f = sympy.symbols("S C W f")
    steps.identity(
        "One datum, n = 1: r = 2ηk(f − ε), with k = ‖g‖² and ε the mean of the batch's noises, of variance σ²/B. R is",
        E((2 * eta * k * (f - eps)) ** 2),
        4 * eta**2 * k**2 * (S + sigma**2 / B),
        reduce=lambda difference: averaged(difference, {f: S, eps: sigma**2 / B}),
    )
    pull = 2 * eta * k
    new = moments_after(S, C, W, pull, 4 * eta**2 * k**2 * sigma**2 / B)
    factor = 1 - eta * k / (1 + beta)
    rest = eta * sigma**2 * k / (B * (1 - beta) * factor)
    values = {S: rest, C: pull * rest / (1 + beta), W: 2 * pull * rest / (1 + beta)}
    steps.identity(
        "The stationary law, exact at every stable η: S = ησ²k/(B(1 − β)(1 − ηk/(1 + β))), C = 2ηk S/(1 + β), W = 2C. "
        "With these values the S, C, W after the step, on the left, are those before it",
        new,
        sympy.Matrix([S, C, W]),
        reduce=lambda difference: sympy.simplify(difference.subs(values)),
    )
    steps.identity(
        "It is the only one: S, C, W less their values at rest go by a matrix A, and det(I − A) is not 0 unless ηk is "
        "0 or 1 + β",
        (sympy.eye(3) - new.jacobian([S, C, W])).det(method="berkowitz"),
        4 * eta * k * (1 - beta) * (1 + beta - eta * k),
        reduce=sympy.expand,
    )
    x = sympy.Symbol("x")
    mean = sympy.Matrix([[1 - pull, beta], [-pull, beta]])
    characteristic = x**2 - (1 + beta - pull) * x + beta
    steps.identity(
        "Its stability. Without noise (f, w) goes by a 2 × 2 matrix in each step, and second moments by products of "
        "its eigenvalues. Its characteristic polynomial",
        (x * sympy.eye(2) - mean).det(),
        characteristic,
        reduce=sympy.expand,
    )
    steps.identity(
        "At x = 1 and x = −1 that is 2ηk and 2(1 + β − ηk)",
        sympy.Matrix([Subs(characteristic, x, 1), Subs(characteristic, x, -1)]),
        sympy.Matrix([pull, 2 * (1 + beta - eta * k)]),
        reduce=carried_out,
        argument="Both roots of x² − tx + β are inside the unit circle if and only if the polynomial is above 0 at 1 "
        "and at −1, and β < 1 (Jury). So the law is reached if and only if ηk < 1 + β.",
    )
    g, gT, projector = sympy.symbols("g g^T P", commutative=False)
    steps.identity(
        "From rest at θ* the noise never leaves the direction g: Σ = S g gᵀ/k². With P = g gᵀ/k it is (ησ²/(B(1 − β))) "
        "P/(1 − ηk/(1 + β))",
        rest / k**2 * g * gT,
        eta * sigma**2 / (B * (1 - beta)) * projector / factor,
        reduce=lambda difference: sympy.simplify(named(difference, {projector: g * gT / k})),
    )
    steps.identity(
        "So with ∇k = 2 G g, G = ∇²h, the drift of a step is −η²σ²/(B(1 − β)²(1 − ηk/(1 + β))) N∇k",
        -2 * eta / (1 - beta) * N * G * (rest / k**2 * g * gT) * g,
        -(eta**2) * sigma**2 / (B * (1 - beta) ** 2 * factor) * N * (2 * G * g),
        reduce=lambda difference: sympy.simplify(named(difference, {gT * g: k})),
    )
    level = sympy.Function("k")(sympy.Symbol("theta_c"))
    at = level.args[0]
    steps.identity(
        "That is a gradient: an entry of (ησ²(1 + β)/(B(1 − β)²)) N∇ log(1 − ηk/(1 + β)). At β = 0 it is the drift "
        "without momentum",
        Derivative(eta * sigma**2 * (1 + beta) / (B * (1 - beta) ** 2) * sympy.log(factor.subs(k, level)), at),
        -(eta**2) * sigma**2 / (B * (1 - beta) ** 2 * factor.subs(k, level)) * level.diff(at),
        reduce=carried_out,
    )


def full_batch(steps: Derivation) -> None:
    """A full batch: the stationary law mode by mode, and the function that its drift descends."""
    S, C, W, x, w = sympy.symbols("S C W x omega")
    pull, noise = eta * lam, 2 * eta**2 * sigma**2 * lam / n
    steps.identity(
        "Full batch. In a mode v of H = ∇²L with the eigenvalue λ, x = vᵀδ has vᵀ∇ = λx − ω, where ω has the variance "
        "2σ²λ/n (see regularizer_drift). With S = E x², and r = η vᵀ∇ in the recursion, R is",
        E((pull * x - eta * w) ** 2),
        pull**2 * S + noise,
        reduce=lambda difference: averaged(difference, {x: S, w: 2 * sigma**2 * lam / n}),
    )
    new, factor = moments_after(S, C, W, pull, noise), 1 - eta * lam / (2 * (1 + beta))
    rest = eta * sigma**2 / (n * (1 - beta) * factor)
    values = {S: rest, C: pull * rest / (1 + beta), W: 2 * pull * rest / (1 + beta)}
    steps.identity(
        "The variance of a mode at rest, exact at every stable η: S = ησ²/(n(1 − β)(1 − ηλ/(2(1 + β)))), C = ηλ S/(1 + "
        "β), W = 2C. With these values the S, C, W after the step, on the left, are those before it",
        new,
        sympy.Matrix([S, C, W]),
        reduce=lambda difference: sympy.simplify(difference.subs(values)),
    )
    steps.identity(
        "No other S, C, W stay as they are: with A the matrix by which the step moves them, det(I − A) is not 0 unless "
        "ηλ is 0 or 2(1 + β)",
        (sympy.eye(3) - new.jacobian([S, C, W])).det(method="berkowitz"),
        2 * eta * lam * (1 - beta) * (1 + beta - eta * lam / 2),
        reduce=sympy.expand,
    )
    g, v, vT, D = sympy.symbols("g v v^T D", commutative=False)
    steps.identity(
        "Let D = N∇(2/n)‖J(θ) v‖² with v held fixed, to which one datum adds (4/n) N ∇²h_i v vᵀg_i (see "
        "regularizer_drift). The mode's share S v vᵀ of Σ makes the drift −(η/(2(1 − β))) S D of a step. For one "
        "datum, G = ∇²h_i (N is left out on both sides)",
        -2 * eta / (n * (1 - beta)) * G * (rest * v * vT) * g,
        -eta / (2 * (1 - beta)) * rest * D,
        reduce=lambda difference: sympy.simplify(sympy.expand(difference.subs(D, 4 / n * G * v * vT * g))),
    )
    rate, at = sympy.symbols("x theta_c")
    h_11, h_12, h_22 = (sympy.Function(f"H_{pair}")(at) for pair in (11, 12, 22))
    hessian = sympy.Matrix([[h_11, h_12], [h_12, h_22]])
    determinant = (1 - rate * h_11) * (1 - rate * h_22) - rate**2 * h_12**2
    adjugate = (sympy.eye(2) - rate * hessian).adjugate()
    steps.identity(
        "tr log = log det. Jacobi's formula, ∂ log det(I − xH) = tr((I − xH)⁻¹ ∂(I − xH)), for an H of two modes and a "
        "number x; on the right the first of the two matrices, over the determinant, is the inverse",
        Derivative(sympy.log(determinant), at),
        -rate / determinant * sympy.Trace(MatMul(adjugate, hessian.diff(at), evaluate=False)),
        reduce=carried_out,
        argument="It holds for any number of modes (see other_noises). In the modes of H at θ* the inverse is "
        "diagonal, and vᵀ(∂H)v is the derivative of (2/n)‖Jv‖² with v held fixed: N∇ tr log(I − xH) is −x Σ_k D_k/(1 "
        "− xλ_k), for equal eigenvalues too.",
    )
    steep = eta / (2 * (1 + beta))
    steps.identity(
        "So the drift is −(η/(1 − β)) N∇R with R = −(σ²(1 + β)/(n(1 − β))) tr log(I − ηH/(2(1 + β))), by x = η/(2(1 + "
        "β)). One mode, with D for its part in each. At β = 0 this R is that of Damian, Ma and Lee, −(σ²/n) tr log(I "
        "− ηH/2)",
        -eta / (2 * (1 - beta)) * rest * D,
        -eta / (1 - beta) * -(sigma**2 * (1 + beta) / (n * (1 - beta))) * -steep / (1 - steep * lam) * D,
    )
    steps.identity(
        "For small η it is (ησ²/(n(1 − β))) reg, where reg = ½ tr H on M: the derivative by η of an eigenvalue's share",
        Subs(Derivative(-(sigma**2 * (1 + beta) / (n * (1 - beta))) * sympy.log(1 - steep * lam), eta), eta, 0),
        sigma**2 / (n * (1 - beta)) * lam / 2,
        reduce=carried_out,
    )


def moments_after(
    S: sympy.Symbol, C: sympy.Symbol, W: sympy.Symbol, pull: sympy.Expr, noise: sympy.Expr
) -> sympy.Matrix:
    """(S, C, W) after a step of one direction, where r is pull times f and a noise of this variance."""
    new_w = beta**2 * W - 2 * beta * pull * C + pull**2 * S + noise
    return sympy.Matrix([S + 2 * (beta * C - pull * S) + new_w, beta * C - pull * S + new_w, new_w])


def without_momentum(steps: Derivation) -> None:
    """At β = 0 the law is that of the derivation of the finite step."""
    rest = eta * sigma**2 * k / (B * (1 - beta) * (1 - eta * k / (1 + beta)))
    steps.identity(
        "At β = 0 the stationary S is ησ²k/(B(1 − ηk)), as without momentum (see regularizer_drift)",
        Subs(rest, beta, 0),
        eta * sigma**2 * k / (B * (1 - eta * k)),
        reduce=carried_out,
    )


if __name__ == "__main__":
    main(derive)
