"""Matrix sensing: E reg(U) = 2(d + 1) ‖U‖_F² over Gaussian sensors, step by step.

Run it as `python -m ouanalysis.derivations.matrix_sensing`. Source: Blanc et al. 2020 (arXiv:1904.09080), section
4.1; theory.md, section 4.1.

The sensors' entries enter through one fact, E A_ij A_kl = δ_ik δ_jl, so an expectation of a product of two entries is
a product of Kronecker deltas, and a sum over a repeated index removes a delta or counts to d. (The planted problems of
`ouanalysis` divide the sensors by √d, and so reg by d.)
"""

import sympy
from sympy import KroneckerDelta

from ouanalysis.symbolic.matrix_sensing import expected_regularizer

__all__ = ["derive", "expected_product", "sum_over"]

d, r = sympy.symbols("d r", integer=True, positive=True)
a, b, c, i, j, k, m = sympy.symbols("a b c i j k m", integer=True)


def derive():
    """The steps as (statement, SymPy expression); each is asserted on the way."""
    steps = []

    # h = ⟨A, U Uᵀ⟩ = Σ_ijk A_ij U_ik U_jk. Its derivative by U_al is a sum of two terms, each with two deltas.
    A, U = sympy.IndexedBase("A"), sympy.IndexedBase("U")
    by_first, by_second = (A[i, j] * U[i, k] * U[j, k]).diff(U[a, m]).expand().args
    if KroneckerDelta(a, j) in by_first.atoms(KroneckerDelta):
        by_first, by_second = by_second, by_first
    gradient = sum_over(sum_over(by_first, k), i).subs(j, c) + sum_over(sum_over(by_second, k), j).subs(i, c)
    assert sympy.expand(gradient - (A[a, c] + A[c, a]) * U[c, m]) == 0
    steps.append(("∂h/∂U_am = Σ_c S_ac U_cm with S = A + Aᵀ; the summand", sympy.factor(gradient)))

    # So ‖g‖² = tr(Uᵀ S² U) and reg(U) = tr(Uᵀ M U), M the mean of S² over the sensors.
    # S = A + Aᵀ, so (S²)_ab = Σ_c (A_ac + A_ca)(A_cb + A_bc): four products of two entries.
    products = [((a, c), (c, b)), ((a, c), (b, c)), ((c, a), (c, b)), ((c, a), (b, c))]
    expectations = [expected_product(left, right) for left, right in products]
    summed = [sum_over(expectation, c) for expectation in expectations]
    delta = KroneckerDelta(a, b)
    assert summed == [delta, d * delta, d * delta, delta]
    steps.append(("E Σ_c A_ac A_cb, E Σ_c A_ac A_bc, E Σ_c A_ca A_cb, E Σ_c A_ca A_bc", sympy.Tuple(*summed)))

    mean_square = sympy.factor(sympy.Add(*summed))
    assert sympy.expand(mean_square - 2 * (d + 1) * delta) == 0
    steps.append(("E (S²)_ab, the entries of E M: a multiple of the identity", mean_square))

    # reg(U) = tr(Uᵀ M U) is linear in M, so E reg = tr(Uᵀ (E M) U) with E M = 2(d + 1) I.
    factor = sympy.MatrixSymbol("U", d, r)
    coefficient = mean_square.coeff(delta)
    expectation = sympy.Trace(factor.T * (coefficient * sympy.Identity(d)) * factor).doit()
    assert sympy.simplify(expectation - coefficient * sympy.Trace(factor.T * factor)) == 0
    steps.append(("E reg(U) = tr(Uᵀ (E M) U)", expectation))

    assert sympy.simplify(expectation - expected_regularizer(d, r)) == 0
    steps.append(("equal to ouanalysis.symbolic.matrix_sensing.expected_regularizer(d, r)", expected_regularizer(d, r)))
    return steps


def expected_product(left, right):
    """E A_ij A_kl = δ_ik δ_jl for independent entries of mean 0 and variance 1."""
    return KroneckerDelta(left[0], right[0]) * KroneckerDelta(left[1], right[1])


def sum_over(product, index):
    """Σ_index of a product with Kronecker deltas, index from 1 to d: a delta that holds the index is used up by it.

    >>> sum_over(KroneckerDelta(a, c) * KroneckerDelta(c, b), c), sum_over(KroneckerDelta(a, b), c)
    (KroneckerDelta(a, b), d*KroneckerDelta(a, b))
    """
    for delta in product.atoms(KroneckerDelta):
        if index in delta.args:
            (other,) = set(delta.args) - {index}
            return (product / delta).subs(index, other)
    return d * product


if __name__ == "__main__":
    for number, (statement, expression) in enumerate(derive(), start=1):
        print(f"{number}. {statement}:\n     {expression}")
