"""Matrix sensing: from h = ⟨A, UUᵀ⟩ to reg(U) = tr(UᵀMU), its semidefinite program, and E reg = 2(d + 1) ‖U‖_F².

Run it as `python -m ouanalysis.derivations.matrix_sensing`. Source: Blanc et al. 2020 (arXiv:1904.09080), section 4.1;
theory.md, section 4.1.

All steps but the two equalities at a small size hold for every d and r. Sums over entries are carried out termwise, by
Kronecker deltas. In the mean over Gaussian sensors the entries enter through one fact, E A_ij A_kl = δ_ik δ_jl. (The
planted problems of `ouanalysis` divide the sensors by √d, and so reg by d.)
"""

from collections.abc import Sequence

import numpy as np
import sympy
from sympy import Derivative, IndexedBase, KroneckerDelta, MatrixSymbol, Sum, Trace

from ouanalysis import symbolic
from ouanalysis.settings import MatrixSensing

from .derivation import Derivation, main

__all__ = ["canonical_traces", "derive", "expected_product", "sum_over"]

d, r = sympy.symbols("d r", integer=True, positive=True)
a, b, c, i, j, k, m = sympy.symbols("a b c i j k m", integer=True)
mu = sympy.Symbol("mu", real=True)
A, S, M, Z, W = (MatrixSymbol(name, d, d) for name in "ASMZW")
U = MatrixSymbol("U", d, r)
X = U * U.T
E = sympy.Function("E")

# What is symmetric: S = A + Aᵀ, and with it M, the mean of S².
SYMMETRIC = {S.T: S, M.T: M}


def derive() -> Derivation:
    """From h of one sensor to the regularizer, where it is least, and its mean."""
    steps = Derivation(
        "Matrix sensing: the regularizer is a nuclear norm, and its least value a semidefinite program",
        "Blanc et al. 2020 (arXiv:1904.09080), section 4.1; theory.md, section 4.1",
    )
    regularizer(steps)
    equalities(steps)
    semidefinite_program(steps)
    gaussian_sensors(steps)
    return steps


def regularizer(steps: Derivation) -> None:
    """g = S U, reg = tr(Uᵀ M U), ∇reg = 2 M U, and reg = tr(M X)."""
    sensor, factor = IndexedBase("A"), IndexedBase("U")
    h = Sum(sensor[i, j] * factor[i, k] * factor[j, k], (i, 1, d), (j, 1, d), (k, 1, r))
    steps.identity(
        "The model of a sensor A is h = ⟨A, U Uᵀ⟩ = Σ_ijk A_ij U_ik U_jk. Its derivative by the entry U_am is an "
        "entry of S U with S = A + Aᵀ: the gradient is g = S U",
        Derivative(h, factor[a, m]),
        Sum((sensor[a, c] + sensor[c, a]) * factor[c, m], (c, 1, d)),
        reduce=lambda difference: sympy.expand(
            difference.replace(Derivative, gradient_summand).replace(Sum, lambda summand, *_: summand)
        ),
    )
    steps.identity(
        "So with S_i = A_i + A_iᵀ the datum i adds ‖g_i‖² = tr(Uᵀ S_i² U). The mean over the data is reg(U) = tr(Uᵀ M "
        "U), with M = (1/n) Σ_i S_i²",
        Trace((S * U).T * (S * U)),
        Trace(U.T * S**2 * U),
        reduce=lambda difference: canonical_traces(difference.subs(SYMMETRIC)),
    )
    steps.identity(
        "Differentiated by U, as M is symmetric: ∇reg = 2 M U, on the right the regularizer_gradient(d, r) of "
        "ouanalysis.symbolic.matrix_sensing",
        Trace(U.T * M * U).diff(U),
        symbolic.matrix_sensing.regularizer_gradient(d, r),
        reduce=lambda difference: difference.subs(SYMMETRIC).doit(),
    )
    steps.identity(
        "The regularizer depends on U through X = U Uᵀ alone, and is linear in it: reg = tr(M X)",
        Trace(U.T * M * U),
        Trace(M * X),
        reduce=canonical_traces,
    )


def equalities(steps: Derivation) -> None:
    """The closed form of `ouanalysis.symbolic` at a small size: for symbols as sensors, and for numbers."""
    sensors = [[[1.0, 2.0], [0.0, 3.0]], [[0.0, 1.0], [-2.0, 1.0]]]
    wide = symbolic.regularizer(MatrixSensing(sensors, y=[1.0, 2.0], rank=2))
    general = [sympy.Matrix(2, 2, sympy.symbols(f"A_{number}_:4")) for number in (1, 2)]
    unknowns = sympy.Matrix(2, 2, wide.symbols)
    curvature = sum(((sensor + sensor.T) ** 2 for sensor in general), sympy.zeros(2)) / 2
    sizes = {key: value for key, value in wide.values.items() if np.ndim(value) == 0}
    arrays = {IndexedBase("M"): curvature, IndexedBase("U"): unknowns}
    entries = {base[place]: matrix[place] for base, matrix in arrays.items() for place in np.ndindex(2, 2)}
    reg = sympy.Symbol("reg")
    steps.identity(
        "Equality with ouanalysis.symbolic.regularizer: its formula, on the right, is the mean of ‖∇h_i‖², "
        "differentiated from h, at d = r = n = 2 for sensors and U of symbols",
        reg,
        wide.formula,
        reduce=lambda difference: sympy.expand(
            difference.subs(reg, squared_gradients(general, unknowns)).subs(sizes).doit().xreplace(entries)
        ),
    )
    narrow = symbolic.regularizer(MatrixSensing(sensors, y=[1.0, 2.0], rank=1))
    steps.identity(
        "The same with numbers, A_1 = (1, 2; 0, 3), A_2 = (0, 1; −2, 1) and r = 1: the squared gradients, and its expr",
        squared_gradients(
            [sympy.Matrix(sensor).applyfunc(sympy.Integer) for sensor in sensors], sympy.Matrix(narrow.symbols)
        ),
        narrow.expr,
    )


def semidefinite_program(steps: Derivation) -> None:
    """The least reg over the zero-error set as a semidefinite program: its dual bounds reg, and Z U = 0 attains it."""
    steps.identity(
        "The zero-error set is linear in X too: y_i = ⟨A_i, X⟩ = tr(S_i X)/2, as X is symmetric. So the least reg "
        "solves min tr(M X) over X ⪰ 0 with tr(S_i X)/2 = y_i",
        Trace(A.T * X),
        Trace((A + A.T) * X) / 2,
        reduce=canonical_traces,
    )
    steps.identity(
        "With multipliers μ_i and Z = M − Σ_i μ_i S_i/2, tr(M X) − yᵀμ = tr(Z X) at every X of the zero-error set. "
        "For one i",
        Trace(M * X) - mu * Trace(S * X) / 2,
        Trace((M - mu * S / 2) * X),
        reduce=canonical_traces,
        argument="Both sides are linear in the μ_i S_i, so the identity for one i gives that for their sum.",
    )
    steps.identity(
        "If Z ⪰ 0 then Z = WᵀW, and with X = U Uᵀ the right side is ‖W U‖_F²",
        Trace(W.T * W * X),
        Trace((W * U).T * (W * U)),
        reduce=canonical_traces,
        argument="A symmetric matrix without a negative eigenvalue has a square root, and any X ⪰ 0 is U Uᵀ with r = "
        "d.",
    )
    entries = sympy.Matrix(2, 3, sympy.symbols("w_:6", real=True))
    steps.claim(
        "Weak duality: every μ with Z ⪰ 0 bounds the regularizer from below, reg(U) ≥ yᵀμ for all U in the zero-error "
        "set and every r, since",
        Trace((W * U).T * (W * U)),
        "≥",
        0,
        holds=(entries.T * entries).trace().is_nonnegative,
        argument="It is the sum of the squares of the entries of W U (checked on a matrix of 2 × 3 real symbols).",
    )
    steps.identity(
        "Stationary on the zero-error set means ∇reg = Σ_i μ_i g_i, and g_i = S_i U: that is, Z U = 0. For one i",
        2 * M * U - mu * S * U,
        sympy.MatMul(2, M - mu * S / 2, U, evaluate=False),
        reduce=lambda difference: difference.expand().doit(),
        argument="Linear in the μ_i S_i, as above.",
    )
    steps.identity(
        "So a stationary U with Z ⪰ 0 is where reg is least: tr(Z X) = tr(Uᵀ Z U) is zero if Z U = 0, and then reg(U) "
        "= yᵀμ",
        Trace(Z * X),
        Trace(U.T * Z * U),
        reduce=canonical_traces,
        argument="Conversely, if reg(U) = yᵀμ with Z = WᵀW then ‖W U‖_F² = 0, so W U = 0 and Z U = Wᵀ (W U) = 0.",
    )


def gaussian_sensors(steps: Derivation) -> None:
    """E M = 2(d + 1) I for sensors with independent N(0, 1) entries, and so E reg."""
    sensor = IndexedBase("A")
    product = (sensor[a, c] + sensor[c, a]) * (sensor[c, b] + sensor[b, c])
    mean = 2 * KroneckerDelta(a, c) * KroneckerDelta(b, c) + 2 * KroneckerDelta(a, b)
    steps.identity(
        "For sensors with independent entries of mean 0 and variance 1, E A_ij A_kl = δ_ik δ_jl. The mean of S_ac S_cb",
        E(product),
        mean,
        reduce=lambda difference: sympy.expand(difference.replace(E, mean_of_products)),
    )
    square = 2 * (d + 1) * KroneckerDelta(a, b)
    steps.identity(
        "Summed over c, the entry (a, b) of E S², and of E M: E M = 2(d + 1) I",
        Sum(mean, (c, 1, d)),
        square,
        reduce=lambda difference: sympy.expand(
            difference.replace(Sum, lambda summand, *_: sympy.Add(*(sum_over(term, c) for term in summand.args)))
        ),
    )
    steps.identity(
        "The nuclear norm: ‖U‖_F² = tr X, which for X ⪰ 0 is the sum of its singular values, ‖X‖_*",
        Trace(U.T * U),
        Trace(X),
        reduce=canonical_traces,
        argument="The trace is the sum of the eigenvalues, and those of X ⪰ 0 are its singular values.",
    )
    steps.identity(
        "reg is linear in M, so E reg = tr(Uᵀ (E M) U); on the right expected_regularizer(d, r) of "
        "ouanalysis.symbolic.matrix_sensing",
        Trace(sympy.MatMul(U.T, square.coeff(KroneckerDelta(a, b)) * sympy.Identity(d), U, evaluate=False)),
        symbolic.matrix_sensing.expected_regularizer(d, r),
        reduce=canonical_traces,
    )


def gradient_summand(total: Sum, entry: tuple[sympy.Indexed, ...]) -> Sum:
    """The derivative of Σ_ijk by an entry of U, as a sum over c: the deltas use up two of the indices."""
    result = sympy.S.Zero
    for term in total.function.diff(entry[0]).expand().args:
        for index in (i, j, k):
            if any(index in delta.args for delta in term.atoms(KroneckerDelta)):
                term = sum_over(term, index)
        (left_over,) = {i, j, k} & term.free_symbols
        result += term.subs(left_over, c)
    return Sum(result, (c, 1, d))


def squared_gradients(sensors: Sequence[sympy.Matrix], unknowns: sympy.Matrix) -> sympy.Expr:
    """(1/n) Σ_i ‖∇h_i‖², by differentiating h_i = ⟨A_i, UUᵀ⟩."""
    predictions = [(sensor.T * unknowns * unknowns.T).trace() for sensor in sensors]
    return sympy.Add(*(sympy.factor(h.diff(entry)) ** 2 for h in predictions for entry in unknowns)) / len(sensors)


def mean_of_products(polynomial: sympy.Expr) -> sympy.Expr:
    """E of a sum of products of two entries of A."""
    terms = [[factor.indices for factor in term.args] for term in sympy.expand(polynomial).args]
    return sympy.Add(*(expected_product(left, right) for left, right in terms))


def expected_product(left: Sequence[sympy.Expr], right: Sequence[sympy.Expr]) -> sympy.Expr:
    """E A_ij A_kl = δ_ik δ_jl for independent entries of mean 0 and variance 1."""
    return KroneckerDelta(left[0], right[0]) * KroneckerDelta(left[1], right[1])


def sum_over(product: sympy.Expr, index: sympy.Symbol) -> sympy.Expr:
    """Σ_index of a product with Kronecker deltas, index from 1 to d: a delta that holds the index is used up by it.

    >>> sum_over(KroneckerDelta(a, c) * KroneckerDelta(c, b), c), sum_over(KroneckerDelta(a, b), c)
    (KroneckerDelta(a, b), d*KroneckerDelta(a, b))
    """
    for delta in product.atoms(KroneckerDelta):
        if index in delta.args:
            (other,) = set(delta.args) - {index}
            return (product / delta).subs(index, other)
    return d * product


def canonical_traces(expression: sympy.Expr) -> sympy.Expr:
    """Every trace multiplied out, and each product in it turned and transposed to the first of its equal forms.

    >>> canonical_traces(Trace(M * U * U.T) - Trace(U.T * M * U))
    0
    """
    return sympy.expand(sympy.expand(expression.replace(Trace, split_trace)))


def split_trace(matrix: sympy.MatrixExpr) -> sympy.Expr:
    """tr of a sum of products as a sum of traces: tr(AB) = tr(BA) and tr(Aᵀ) = tr(A) choose the form of each."""
    total = sympy.S.Zero
    matrix = matrix.doit().expand().doit()
    for term in matrix.args if matrix.is_MatAdd else (matrix,):
        coefficient, product = term.as_coeff_mmul()
        forms = []
        for word in (product, product.T.doit()):
            factors = word.args if word.is_MatMul else (word,)
            forms += [factors[at:] + factors[:at] for at in range(len(factors))]
        total += coefficient * Trace(sympy.MatMul(*min(forms, key=str)))
    return total


if __name__ == "__main__":
    main(derive)
