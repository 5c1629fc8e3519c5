"""The exact law of linearised SGD: one step of the second moments, by how the batch is drawn, and what follows from it.

Run it as `python -m ouanalysis.derivations.second_moments`. Source: theory.md, section 2, "Exact discrete time",
"Stability" and "Rank".

Products of matrices are products of symbols that do not commute, so they hold for all sizes. How often two data meet in
a batch is counted for all n and B, and again by going through every batch of a few small ones.
"""

from collections import Counter
from functools import partial
from itertools import permutations, product

import sympy
from sympy import KroneckerDelta, Subs, Sum

from ouanalysis import symbolic

from .derivation import Derivation, main
from .local_ou import carried_out, entrywise, general_jacobian, named, without_delta

__all__ = ["batches", "derive", "weights"]

n, B, b, c, T = sympy.symbols("n B b c T", integer=True, positive=True)
i, j = sympy.symbols("i j", integer=True, positive=True)
eta, sigma, k = sympy.symbols("eta sigma k", positive=True)
same = KroneckerDelta(i, j)

# Matrices of any size. D counts how often a step draws each datum; Delta is diag(S), N is diag(σ_i²).
JT, Jac, K, S, D, Delta, noise = sympy.symbols("J^T J K S D Delta N", commutative=False)
first, second = sympy.symbols("a b", real=True)  # the weights of Q
Q = first * K * Delta * K + second * K * S * K
after = S - 2 * eta / n * (K * S + S * K) + 4 * eta**2 / n * (Q + K * noise * K / B)

HOW = {True: "With replacement", False: "Without replacement"}


def derive() -> Derivation:
    """From a step on one batch to the recursion over all of them, its law at rest, its sums and its limit."""
    steps = Derivation(
        "The exact law of linearised SGD: second moments, step by step", "theory.md, section 2, for any J"
    )
    one_batch(steps)
    pairs(steps)
    enumerated(steps)
    recursion(steps)
    at_rest(steps)
    in_time(steps)
    stability(steps)
    low_rank(steps)
    equality(steps)
    return steps


def weights(
    size: sympy.Expr | int, batch: sympy.Expr | int, *, replacement: bool
) -> tuple[sympy.Expr | int, sympy.Expr | int]:
    """(a, b) of Q(S) = a K diag(S) K + b K S K, as theory.md, section 2, has them."""
    one = sympy.S.One
    if replacement:
        return one / batch, (1 - one / batch) / size
    met = (batch - one) / (batch * (size - 1))
    return one / batch - met, met


def one_batch(steps: Derivation) -> None:
    """How a step moves the predictions, and their second moment given what it draws."""
    delta, drawn, f, fT, u, uT = sympy.symbols("delta u_D f f^T u u^T", commutative=False)
    steps.identity(
        "SGD on the linear model h = y + Jδ. A step takes (2η/B) Σ_b (f_b − ε_b) g_b from δ, over the draws b, where "
        "f_b is the entry of f = Jδ and g_b the gradient of the drawn datum. With D the diagonal matrix that counts "
        "how often each datum is drawn, and u the vector of the sums of the ε of each, that is (2η/B) Jᵀ (D f − u). So "
        "the predictions move by K = J Jᵀ alone",
        Jac * (delta - 2 * eta / B * JT * (D * Jac * delta - drawn)),
        f - 2 * eta / B * K * (D * f - u),
        reduce=lambda difference: named(difference.subs({f: Jac * delta, u: drawn}), {Jac * JT: K}),
    )
    moved, movedT = f - 2 * eta / B * K * (D * f - u), fT - 2 * eta / B * (fT * D - uT) * K
    moments = {f * fT: S, u * uT: D * noise}
    steps.identity(
        "Let S = E f fᵀ. Given the draws, f is independent of u, and E u uᵀ = D N with N = diag(σ_i²), of entries σ² "
        "for label noise of one σ. After the step S is, given the draws",
        moved * movedT,
        S - 2 * eta / B * (K * D * S + S * D * K) + 4 * eta**2 / B**2 * K * (D * S * D + D * noise) * K,
        # u has mean 0: after the moments are named, what still holds it is zero.
        reduce=lambda difference: sympy.expand(sympy.expand(difference).subs(moments).subs({u: 0, uT: 0})),
    )


def pairs(steps: Derivation) -> None:
    """E D and E D S D for all n and B."""
    steps.identity(
        "Every draw is any datum with the probability 1/n, with replacement or without. So E D = (B/n) I: an entry of "
        "its diagonal, over the draws b",
        Sum(1 / n, (b, 1, B)),
        B / n,
        reduce=lambda difference: difference.doit(),
    )
    for replacement in (True, False):
        a, rest = weights(n, B, replacement=replacement)
        statement = (
            "two different draws b, c are the data i, j with the probability 1/n²"
            if replacement
            else "they are i, j with the probability 1/(n(n − 1)) if i ≠ j, and never the same datum"
        )
        steps.identity(
            f"{HOW[replacement]} {statement}; b = c is i = j with 1/n. So S_ij has in E D S D the factor on the left, "
            "which is (B²/n)(a δ_ij + b) with the weights a and b on the right: E D S D = (B²/n)(a diag(S) + b S)",
            Sum(both_drawn(replacement=replacement), (b, 1, B), (c, 1, B)),
            B**2 / n * (a * same + rest),
            reduce=lambda difference: sympy.simplify(sympy.expand(difference.replace(Sum, over_pairs))),
        )
    steps.identity(
        "A full batch is all n data without replacement, B = n: there a = 0 and b = 1/n",
        sympy.Matrix([Subs(weight, B, n) for weight in weights(n, B, replacement=False)]),
        sympy.Matrix([0, 1 / n]),
        reduce=carried_out,
    )


def both_drawn(*, replacement: bool) -> sympy.Expr:
    """The probability that the draw b is the datum i and the draw c the datum j."""
    meet = 1 / n**2 if replacement else (1 - same) / (n * (n - 1))
    return KroneckerDelta(b, c) * same / n + (1 - KroneckerDelta(b, c)) * meet


def enumerated(steps: Derivation) -> None:
    """The whole step averaged over every batch, entry by entry."""
    for size, batch, replacement in ((2, 1, True), (2, 2, True), (3, 2, True), (3, 2, False), (3, 3, False)):
        left, right, values = averaged_step(size, batch, replacement=replacement)
        steps.identity(
            f"{HOW[replacement]}, n = {size} and B = {batch}: the mean of that step over every batch, where the "
            "indices of D are the counts on its diagonal. All entries of K, S and N are symbols, and Δ is diag(S)",
            left,
            right,
            reduce=partial(expanded, values=values),
        )


def averaged_step(
    size: int, batch: int, *, replacement: bool, outputs: int = 1
) -> tuple[sympy.MatrixExpr, sympy.MatrixExpr, dict[sympy.MatrixExpr, sympy.Matrix]]:
    """The mean of the step over all batches, the closed form, and the entries of the matrices in them."""
    rows = size * outputs
    gram, moments, noises = (sympy.MatrixSymbol(name, rows, rows) for name in "KSN")
    diagonal, unit = (sympy.MatrixSymbol(name, rows, rows) for name in ("Delta", "I"))
    values = {matrix: symmetric_matrix(matrix.name, rows) for matrix in (gram, moments)}
    values[noises] = sympy.diag(*sympy.symbols(f"N_0:{rows}"))
    values |= {diagonal: of_each_datum(values[moments], outputs), unit: sympy.eye(rows)}
    drawn, terms = batches(size, batch, replacement=replacement), []
    for counts, times in Counter(tuple(one.count(row) for row in range(size)) for one in drawn).items():
        share, met = sympy.Rational(times, len(drawn)), sympy.MatrixSymbol(f"D_{''.join(map(str, counts))}", rows, rows)
        values[met] = counted(counts, outputs)
        kept, keptT = (unit - 2 * eta / batch * factor for factor in (gram * met, met * gram))
        noise_kept = 4 * eta**2 / sympy.Integer(batch) ** 2 * gram * met * noises * gram
        terms.append(sympy.MatMul(share, kept * moments * keptT + noise_kept, evaluate=False))
    a, rest = weights(size, batch, replacement=replacement)
    shared = a * diagonal + rest * moments + noises / batch
    closed = moments - 2 * eta / size * (gram * moments + moments * gram) + 4 * eta**2 / size * gram * shared * gram
    return sympy.Add(*terms), closed, values


def counted(counts: tuple[int, ...], outputs: int = 1) -> sympy.Matrix:
    """How often each row is drawn, on a diagonal: as often as its datum."""
    return sympy.diag(*(one for one in counts for _ in range(outputs)))


def of_each_datum(moments: sympy.Matrix, outputs: int = 1) -> sympy.Matrix:
    """Its blocks of outputs × outputs on the diagonal, of one output the diagonal; 0 elsewhere."""
    return sympy.Matrix(
        *moments.shape, lambda row, col: moments[row, col] if row // outputs == col // outputs else sympy.S.Zero
    )


def symmetric_matrix(name: str, size: int) -> sympy.Matrix:
    """Of symbols."""
    return sympy.Matrix(size, size, lambda row, col: sympy.Symbol(f"{name}_{min(row, col)}{max(row, col)}"))


def expanded(difference: sympy.MatrixExpr, *, values: dict[sympy.MatrixExpr, sympy.Matrix]) -> int | sympy.Matrix:
    """0 if every entry of the matrix, with these values, multiplies out to it; else the matrix."""
    left_over = sympy.Matrix(difference.subs(values).doit()).applyfunc(sympy.expand)
    return 0 if left_over.is_zero_matrix else left_over


def batches(size: int, batch: int, *, replacement: bool) -> list[tuple[int, ...]]:
    """Every batch, in the order in which it is drawn; all are equally likely."""
    return list(product(range(size), repeat=batch) if replacement else permutations(range(size), batch))


def recursion(steps: Derivation) -> None:
    """S after a step, for every n."""
    mean = {D * S * D: B**2 / n * (first * Delta + second * S)}
    given = S - 2 * eta / B * (K * D * S + S * D * K) + 4 * eta**2 / B**2 * K * (D * S * D + D * noise) * K
    steps.identity(
        "So for every n and B, averaged over the draws, S after a step is, with Q(S) = a K diag(S) K + b K S K and Δ "
        "for diag(S)",
        given,
        after,
        reduce=lambda difference: sympy.expand(sympy.expand(difference).subs(mean).subs(D, B / n)),
    )


def at_rest(steps: Derivation) -> None:
    """The equation of the stationary law."""
    steps.identity(
        "At rest a step changes nothing. Its change, times n/(2η), is the equation of the stationary law, K S + S K = "
        "2η [Q(S) + (1/B) K N K]: with one σ, 2η [Q(S) + (σ²/B) K²]",
        n / (2 * eta) * (after - S),
        -(K * S + S * K) + 2 * eta * (Q + K * noise * K / B),
        reduce=sympy.expand,
    )
    steps.identity(
        "To leading order in η, where Q(S) is left out, S = (ησ²/B) K solves it: with one σ the noise does not see K",
        K * S + S * K,
        2 * eta * sigma**2 / B * K**2,
        reduce=lambda difference: sympy.expand(difference.subs(S, eta * sigma**2 / B * K)),
    )


def in_time(steps: Derivation) -> None:
    """Autocovariances, and the sum of the S_t that the drift needs."""
    lagged = sympy.Symbol("Sigma", commutative=False)
    H = 2 * JT * Jac / n
    steps.identity(
        "In time. Later batches are independent of δ_t, so E[δ_{t+k+1} δ_tᵀ] is this times E[δ_{t+k} δ_tᵀ] = Σ_k, with "
        "H = (2/n) JᵀJ: E[δ_{t+k} δ_tᵀ] = (I − ηH)^k Σ_t",
        (1 - 2 * eta / B * JT * D * Jac) * lagged,
        (1 - eta * H) * lagged,
        reduce=lambda difference: sympy.expand(sympy.expand(difference).subs(D, B / n)),
        argument="The noises of later steps have mean 0, and E D = (B/n) I. Then by induction over k.",
    )
    step, start, total = sympy.Symbol("t"), sympy.Symbol("S_oo"), sympy.Function("U")
    closed = T * start - (1 - step**T) / (1 - step) * start
    values = {total(T): closed, total(T + 1): closed.subs(T, T + 1)}
    steps.identity(
        "From S_0 = 0, S_t = (I − t^T) S_∞ after T steps, with the step t (of no noise), a linear map of matrices, and "
        "S_∞ the law at rest. The sum U_T over the steps before T is T S_∞ − (I − t)⁻¹(I − t^T) S_∞",
        total(T + 1) - total(T),
        start - step**T * start,
        reduce=lambda difference: sympy.simplify(difference.subs(values)),
        argument="S_t less S_∞ is multiplied by the map in each step. U_0 = 0, and this is the induction from T to T + "
        "1. All that occurs are powers of one map, which commute as numbers do.",
    )


def stability(steps: Derivation) -> None:
    """Where the second moments stay bounded: η < 1/ρ(𝓛⁻¹ ∘ 2Q)."""
    quiet = after.subs(noise, 0)
    steps.identity(
        "The limit of the step. With the maps L S = K S + S K and R = L⁻¹ 2Q, K of full rank, what a step without "
        "noise takes from S is (2η/n) L (I − ηR) S",
        S - quiet,
        2 * eta / n * ((K * S + S * K) - eta * 2 * Q),
        reduce=sympy.expand,
    )
    time = sympy.Symbol("tau", positive=True)
    low, high = sympy.symbols("k_1 k_2", positive=True)
    steps.identity(
        "L⁻¹ X is the integral of e^{−Kτ} X e^{−Kτ} over τ > 0, which is positive where X is. Between eigenvectors of "
        "K with the eigenvalues k_1 and k_2",
        sympy.Integral(sympy.exp(-(low + high) * time), (time, 0, sympy.oo)),
        1 / (low + high),
        reduce=lambda difference: sympy.simplify(difference.doit()),
    )
    limit = 1 / (sympy.S.One / (2 * k) * 2 * k**2)
    steps.claim(
        "Second moments stay bounded if and only if η < 1/ρ(R), with ρ the spectral radius. For one datum, where L is "
        "2k and Q is k², the limit is",
        "1/ρ(L⁻¹ 2Q)",
        "=",
        1 / k,
        holds=sympy.simplify(limit - 1 / k) == 0,
        argument="The step t without noise is a positive map, as the mean of A S Aᵀ over the draws, and R is one by "
        "the last step. Let X ≻ 0. If ηρ(R) < 1, then S = (I − ηR)⁻¹ L⁻¹X is the sum of the (ηR)^m L⁻¹X, so S ≻ 0, and "
        "by the step before S − t S = (2η/n) X ≻ 0. Hence t S ≤ (1 − c) S for a c > 0, t^m S goes to 0, and so does "
        "every other start, which is between −κS and κS for some κ. If on the other hand S_t stays bounded with the "
        "source (2η/n) X, it increases from S_0 = 0 to an S with S − t S = (2η/n) X, so S − ηR S = L⁻¹X ≻ 0: ηR S ≤ "
        "(1 − c) S for a c > 0, and ηρ(R) < 1. The noise of a step is such a source where K has full rank and σ > 0.",
    )


def low_rank(steps: Derivation) -> None:
    """J of rank r < n: the same in the range of K, and the way back to the parameters."""
    U, UT, R, kappa, pseudo, inner = sympy.symbols("U U^T R kappa K^+ X", commutative=False)
    values = {K: U * kappa * UT, S: U * R * UT}
    reduced = first * kappa * UT * Delta * U * kappa + second * kappa * R * kappa + kappa * UT * noise * U * kappa / B
    steps.identity(
        "Rank r < n. Let U be an orthonormal basis of the range of K, so that K = U κ Uᵀ with κ of r × r. The noise "
        "and Q(S) begin and end with K, so from S_0 = 0 every S is U R Uᵀ, and R goes by the same step",
        after,
        U * (R - 2 * eta / n * (kappa * R + R * kappa) + 4 * eta**2 / n * reduced) * UT,
        reduce=lambda difference: named(difference.subs(values), {UT * U: 1}),
    )
    covariance = JT * pseudo * S * pseudo * Jac
    steps.identity(
        "Back to the parameters: Σ = Jᵀ K⁺ S K⁺ J has J Σ Jᵀ = S, for any S = K X K, with K⁺ the pseudo-inverse (K⁻¹ "
        "where r = n)",
        Jac * covariance * JT,
        S,
        reduce=lambda difference: named(named(difference.subs(S, K * inner * K), {Jac * JT: K}), {K * pseudo * K: K}),
        argument="It is the only one in the row space of J, which δ never leaves: J takes no vector of that space but "
        "0 to 0.",
    )


def equality(steps: Derivation) -> None:
    """To leading order the law is the one of `ouanalysis.symbolic.ou`."""
    jacobian = general_jacobian()
    gram = jacobian * jacobian.T
    kick, moments, inverse = sympy.MatrixSymbol("J", 2, 3), sympy.MatrixSymbol("S", 2, 2), sympy.MatrixSymbol("L", 2, 2)
    covariance = sympy.MatrixSymbol("Sigma", 3, 3)
    values = {
        kick: jacobian,
        moments: eta * sigma**2 / B * gram,
        inverse: gram.adjugate() / sympy.expand(gram.det()),
        covariance: symbolic.ou.stationary_covariance(jacobian, lr=eta, noise_std=sigma, batch_size=B),
    }
    steps.identity(
        "Equality with ouanalysis.symbolic.ou, for a J of 2 × 3 symbols and L = K⁻¹: with the S of leading order, "
        "(ησ²/B) K, that is its stationary_covariance(J)",
        kick.T * inverse * moments * inverse * kick,
        covariance,
        reduce=lambda difference: entrywise(difference.subs(values)),
    )


def over_pairs(summand: sympy.Expr, *limits: tuple[sympy.Symbol, sympy.Expr, sympy.Expr]) -> sympy.Expr:
    """A sum over the draws b and c of a polynomial in δ_bc."""
    return sympy.Add(*(without_delta(term, *limits) for term in sympy.Add.make_args(sympy.expand(summand))))


if __name__ == "__main__":
    main(derive)
