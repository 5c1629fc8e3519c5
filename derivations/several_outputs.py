"""Models of several outputs: a batch draws data, so that diag(S) becomes the blocks of S of each datum.

Run it as `python -m ouanalysis.derivations.several_outputs`. Source: theory.md, section 6, "Several outputs".

h_i has k outputs h_ij, each with a label and a noise of its own, and each is a row of J. Products of matrices are
those of second_moments, of symbols that do not commute: they hold for all sizes. How often two rows meet in a batch is
counted for all n, k and B, and again by going through every batch of two data of two outputs.
"""

from functools import partial

import sympy
from sympy import Derivative, MatMul, Rational, Subs, Sum

from . import regularizer_drift
from . import second_moments as rows
from .derivation import Derivation, main
from .local_ou import carried_out, entrywise, named, summand

__all__ = ["derive"]

n, k, B, i, j, p, a = sympy.symbols("n k B i j p a", integer=True, positive=True)
eta, sigma, rate, kappa, nu = sympy.symbols("eta sigma eta_T kappa nu", positive=True)
theta_a, theta_b, theta_c = sympy.symbols("theta_a theta_b theta_c", real=True)
y, J, Q, third, S = (sympy.IndexedBase(name) for name in "yJQRS")
h_ij = sympy.Function("h")(i, j, theta_a, theta_b, theta_c)
L = Sum((h_ij - y[i, j]) ** 2, (j, 1, k), (i, 1, n)) / n

# D ⊗ I, which counts how often a step draws the datum of each row.
D, u, uT = sympy.symbols("D_k u u^T", commutative=False)
SIZE, OUTPUTS = 2, 2  # of what is gone through


def derive() -> Derivation:
    """From the loss of k outputs to the law at rest, its limit for one datum, and the drift."""
    steps = Derivation(
        "Several outputs: each is a row of J, and a batch draws all rows of a datum", "theory.md, section 6, for any h"
    )
    regularizer(steps)
    one_batch(steps)
    pairs(steps)
    enumerated(steps)
    recursion(steps)
    at_rest(steps)
    one_datum(steps)
    drift(steps)
    return steps


def regularizer(steps: Derivation) -> None:
    """The loss, its Hessian on M and reg; what another mean over the outputs does to the step."""
    steps.identity(
        "The model gives k outputs h_ij for a datum, with labels y_ij, and the loss is the mean over the data of "
        "‖h_i − y_i‖². Write J_ija for ∂h_ij/∂θ_a: the row r of J is the output j of the datum i. The gradient of L (h "
        "is shown with three of its parameters, the others stay)",
        Derivative(L, theta_a),
        2 * Sum((h_ij - y[i, j]) * J[i, j, a], (j, 1, k), (i, 1, n)) / n,
        reduce=differentiated,
    )
    steps.identity(
        "Half of a diagonal entry of ∇²L on M, where h_ij = y_ij. Summed over a it is (1/n) Σ_i ‖J_i‖_F² = tr(K)/n: on "
        "M, reg = ½ tr ∇²L, and 1/n stays 1/n however many outputs there are",
        Rational(1, 2) * Derivative(L, (theta_a, 2)),
        Sum(J[i, j, a] ** 2, (j, 1, k), (i, 1, n)) / n,
        reduce=lambda difference: differentiated(difference, on_m=True),
    )
    jacobian, entries = sympy.MatrixSymbol("J", SIZE * OUTPUTS, 2), jacobian_of_rows(2)
    steps.identity(
        "For two data of two outputs and p = 2 parameters, (1/n) Σ_i ‖J_i‖_F², where the rows 1, 2 are of the first "
        "datum and 3, 4 of the second. It is tr(K)/n with K = J Jᵀ",
        sum(one**2 for one in entries) / SIZE,
        sympy.Trace(jacobian * jacobian.T) / SIZE,
        reduce=lambda difference: sympy.expand(difference.subs(jacobian, entries).doit()),
    )
    steps.identity(
        "A mean over the outputs too, as that of PyTorch, has the loss L/k. A step η_T on it is one of η = η_T/k here",
        rate * Derivative(L / k, theta_a),
        rate / k * 2 * Sum((h_ij - y[i, j]) * J[i, j, a], (j, 1, k), (i, 1, n)) / n,
        reduce=differentiated,
    )


def one_batch(steps: Derivation) -> None:
    """How a step moves the predictions, and their second moment given the data that it draws."""
    m, counts = rows, sympy.symbols("D_1 D_2")
    f, jacobian = sympy.Matrix(sympy.symbols("f_1:5")), jacobian_of_rows(1)
    drawn = [counts[row // OUTPUTS] * f[row] * jacobian[row] for row in range(SIZE * OUTPUTS)]
    steps.identity(
        "SGD on the linear model h = y + Jδ. A drawn datum takes all its outputs, so a step takes (2η/B) Σ_b Σ_j "
        "(f_{bj} − ε_{bj}) g_{bj} from δ, with f = Jδ. With D_1, D_2 for how often the data are drawn, that is (2η/B) "
        "Jᵀ((D ⊗ I) f − u): an entry of D counts for the k rows of its datum, and u has the sums of the ε of each row. "
        "Two data of two outputs, the first parameter, no ε",
        sympy.Matrix([sum(drawn)]),
        MatMul(jacobian.T, m.counted(counts, OUTPUTS), f, evaluate=False),
    )
    v, vT = sympy.symbols("f f^T", commutative=False)
    moved, movedT = v - 2 * eta / B * m.K * (D * v - u), vT - 2 * eta / B * (vT * D - uT) * m.K
    moments = {v * vT: m.S, u * uT: D * m.noise}
    steps.identity(
        "So f moves as for one output, with D_k = D ⊗ I for D. Every output has a noise of its own, so that E u uᵀ = "
        "D_k N, with N = diag(σ_r²) over the rows. After the step S = E f fᵀ is, given the draws",
        moved * movedT,
        m.S
        - 2 * eta / B * (m.K * D * m.S + m.S * D * m.K)
        + 4 * eta**2 / B**2 * m.K * (D * m.S * D + D * m.noise) * m.K,
        reduce=lambda difference: sympy.expand(sympy.expand(difference).subs(moments).subs({u: 0, uT: 0})),
    )


def pairs(steps: Derivation) -> None:
    """E (D ⊗ I) S (D ⊗ I) for all n, k and B."""
    left, right = sympy.symbols("l m", integer=True, positive=True)
    moment = S[rows.i, left, rows.j, right]
    for replacement in (True, False):
        first, second = rows.weights(n, B, replacement=replacement)
        steps.identity(
            f"{rows.HOW[replacement]}, the row l of the datum i and the row m of the datum j: their entry of S has the "
            "same factor whatever l and m are, as the draws are of data. It is that of second_moments, (B²/n)(a δ_ij + "
            "b), and δ_ij S_iljm are the blocks of k × k of S: E D_k S D_k = (B²/n)(a blockdiag(S) + b S), with the "
            "weights a and b of one output",
            Sum(rows.both_drawn(replacement=replacement) * moment, (rows.b, 1, B), (rows.c, 1, B)),
            B**2 / n * (first * rows.same * moment + second * moment),
            reduce=lambda difference: sympy.simplify(sympy.expand(difference.replace(Sum, rows.over_pairs))),
        )


def enumerated(steps: Derivation) -> None:
    """The whole step of two data of two outputs averaged over every batch, entry by entry."""
    for batch, replacement in ((1, True), (2, True), (1, False), (2, False)):
        left, right, values = rows.averaged_step(SIZE, batch, replacement=replacement, outputs=OUTPUTS)
        steps.identity(
            f"{rows.HOW[replacement]}, n = 2 data of k = 2 outputs and B = {batch}: the mean of that step over every "
            "batch, where the indices of D are how often each datum is drawn, and stand twice on the diagonal. All "
            "entries of K, S and N are symbols, and Δ is blockdiag(S)",
            left,
            right,
            reduce=partial(rows.expanded, values=values),
        )


def recursion(steps: Derivation) -> None:
    """S after a step, for every n, k and B."""
    m = rows
    mean = {D * m.S * D: B**2 / n * (m.first * m.Delta + m.second * m.S)}
    given = m.S - 2 * eta / B * (m.K * D * m.S + m.S * D * m.K)
    given += 4 * eta**2 / B**2 * m.K * (D * m.S * D + D * m.noise) * m.K
    steps.identity(
        "So averaged over the draws, where E D_k = (B/n) I, S after a step is the one of one output, with Q(S) = a K "
        "blockdiag(S) K + b K S K and Δ for blockdiag(S); n is the number of data, not of rows",
        given,
        m.after,
        reduce=lambda difference: sympy.expand(sympy.expand(difference).subs(mean).subs(D, B / n)),
    )


def at_rest(steps: Derivation) -> None:
    """The equation of the stationary law, and its leading order."""
    m = rows
    steps.identity(
        "At rest, K S + S K = 2η [Q(S) + (σ²/B) K²] with one σ: the change of a step, times n/(2η)",
        n / (2 * eta) * (m.after.subs(m.noise, sigma**2) - m.S),
        -(m.K * m.S + m.S * m.K) + 2 * eta * (m.Q + sigma**2 / B * m.K**2),
        reduce=sympy.expand,
    )
    steps.identity(
        "To leading order in η, without Q(S), S = (ησ²/B) K solves it, so that the noise floor E L = tr(S)/n is "
        "(ησ²/B) reg",
        m.K * m.S + m.S * m.K,
        2 * eta * sigma**2 / B * m.K**2,
        reduce=lambda difference: sympy.expand(difference.subs(m.S, eta * sigma**2 / B * m.K)),
    )


def one_datum(steps: Derivation) -> None:
    """n = 1: the law at rest and its limit, at every B."""
    m = rows
    steps.identity(
        "One datum, n = 1, is every batch, and blockdiag(S) is S. The weights add up to 1, so that Q(S) = K S K at "
        "every B",
        Subs(sum(m.weights(n, B, replacement=True)), n, 1),
        sympy.S.One,
        reduce=carried_out,
    )
    alone = {m.Delta: m.S, m.second: 1 - m.first, m.n: 1, m.noise: sigma**2}
    steps.identity(
        "A step is then",
        m.after.subs(alone),
        (1 - 2 * eta * m.K) * m.S * (1 - 2 * eta * m.K) + 4 * eta**2 * sigma**2 / B * m.K**2,
        reduce=sympy.expand,
    )
    stationary = eta * sigma**2 * kappa / (B * (1 - eta * kappa))
    steps.identity(
        "In an eigenvector of K with the eigenvalue κ it leaves S = ησ²κ/(B(1 − ηκ)) as it is",
        (1 - 2 * eta * kappa) ** 2 * stationary + 4 * eta**2 * sigma**2 / B * kappa**2,
        stationary,
        argument="S starts at 0, so it stays a function of K, which has the eigenvectors of K.",
    )
    gram, inverse, unit = (sympy.MatrixSymbol(name, OUTPUTS, OUTPUTS) for name in "KRI")
    entries = m.symmetric_matrix("K", OUTPUTS)
    contraction = sympy.eye(OUTPUTS) - eta * entries
    values = {gram: entries, inverse: contraction.adjugate() / contraction.det(), unit: sympy.eye(OUTPUTS)}
    moments = eta * sigma**2 / B * gram * inverse
    steps.identity(
        "So S = (ησ²/B) K (I − ηK)⁻¹. Put into K S + S K = 2η [K S K + (σ²/B) K²], for two outputs, K of symbols, "
        "with R = (I − ηK)⁻¹",
        gram * moments + moments * gram,
        2 * eta * (gram * moments * gram + sigma**2 / B * gram**2),
        reduce=lambda difference: entrywise(difference.subs(values)),
    )
    steps.identity(
        "Between eigenvectors of the eigenvalues κ and ν a step multiplies what S has beside its value at rest by (1 − "
        "2ηκ)(1 − 2ην). That is below 1 in size for all pairs exactly if ηκ < 1 for the largest κ: η_max = 1/λ_max(K) "
        "at every B",
        1 - (1 - 2 * eta * kappa) ** 2,
        4 * eta * kappa * (1 - eta * kappa),
        argument="The product of two numbers between −1 and 1 is one, and for κ = ν it is the square on the left, "
        "which is below 1 exactly if the right side is above 0.",
    )


def drift(steps: Derivation) -> None:
    """The drift along M, summed over the rows."""
    m = regularizer_drift
    steps.identity(
        "The drift is −(η/2) N∇³L[Σ], as for one output. With Q_ijab and R_ijabc for the second and third derivatives "
        "of h_ij, ∇³L is",
        Derivative(L, theta_a, theta_b, theta_c),
        2 * Sum(third_order(), (j, 1, k), (i, 1, n)) / n,
        reduce=differentiated,
    )
    steps.identity(
        "On M, against a covariance Σ, the row r with its gradient g and G = ∇²h_r adds (2/n)(2 G Σ g + q g), with q = "
        "tr(GΣ), as in regularizer_drift. N leaves the first: the drift is −(2η/n) N Σ_r ∇²h_r Σ g_r over all nk rows",
        -eta / 2 * m.N * (2 / n * (2 * m.G * m.covariance * m.g + sympy.Symbol("q") * m.g)),
        -2 * eta / n * m.N * m.G * m.covariance * m.g,
        reduce=lambda difference: named(difference, m.KEPT),
        argument="Every g_r is normal to M, also that of another output of the datum: P g = g.",
    )
    steps.identity(
        "The gradient of reg, from the terms of one index a; with the sum over a ∇reg = (2/n) Σ_r ∇²h_r g_r",
        Derivative(Sum(h_ij.diff(theta_a) ** 2, (j, 1, k), (i, 1, n)) / n, theta_c),
        2 * Sum(Q[i, j, a, sympy.Symbol("c", integer=True)] * J[i, j, a], (j, 1, k), (i, 1, n)) / n,
        reduce=differentiated,
    )
    steps.identity(
        "To leading order S = (ησ²/B) K, so Σ = (ησ²/B) P: the drift of a step is −(η²σ²/B) N∇reg. For one row",
        -2 * eta / n * m.N * m.G * (eta * sigma**2 / B * m.P) * m.g,
        -(eta**2) * sigma**2 / B * m.N * (2 / n * m.G * m.g),
        reduce=lambda difference: named(difference, m.KEPT),
    )


def jacobian_of_rows(parameters: int) -> sympy.Matrix:
    """J of two data of two outputs, all symbols: row 2i + j is the gradient of the output j of the datum i."""
    return sympy.Matrix(SIZE * OUTPUTS, parameters, lambda row, col: sympy.Symbol(f"J_{row + 1}{col + 1}", real=True))


def third_order() -> sympy.Expr:
    """What a row adds to ∇³L, over 2/n."""
    b, c = sympy.symbols("b c", integer=True)
    bent = Q[i, j, a, b] * J[i, j, c] + Q[i, j, a, c] * J[i, j, b] + Q[i, j, b, c] * J[i, j, a]
    return bent + (h_ij - y[i, j]) * third[i, j, a, b, c]


def differentiated(difference: sympy.Expr, *, on_m: bool = False) -> sympy.Expr:
    """Carry out the derivatives, call those of h by the names J, Q and R, and on M put y for h."""
    b, c = sympy.symbols("b c", integer=True)
    places = {theta_a: a, theta_b: b, theta_c: c}
    names = {h_ij.diff(theta_a, theta_b, theta_c): third[i, j, a, b, c]}
    for first, one in places.items():
        names[h_ij.diff(first)] = J[i, j, one]
        for second, other in places.items():
            names[h_ij.diff(first, second)] = Q[i, j, one, other] if str(one) <= str(other) else Q[i, j, other, one]
    with_names = summand(difference).doit().xreplace(names)
    return sympy.expand(with_names.xreplace({h_ij: y[i, j]} if on_m else {}))


if __name__ == "__main__":
    main(derive)
