"""The symbolic covariances solve their equations; a wrong one does not."""

import pytest
import sympy

from ouanalysis.symbolic import ou

eta, sigma, B, t = sympy.symbols("eta sigma B t", positive=True)
NOISE = {"lr": eta, "noise_std": sigma, "batch_size": B}


def general(n, p):
    return sympy.Matrix(n, p, sympy.symbols(f"g:{n * p}", real=True))


@pytest.mark.parametrize(("n", "p"), [(1, 1), (1, 3), (2, 2), (2, 3)])
def test_stationary_covariance_solves_the_lyapunov_equation_for_any_jacobian(n, p):
    jacobian = general(n, p)
    covariance = ou.stationary_covariance(jacobian, **NOISE)
    assert ou.lyapunov_residual(covariance, jacobian, **NOISE) == sympy.zeros(p, p)


def test_a_covariance_with_the_wrong_prefactor_leaves_a_residual():
    jacobian = general(1, 2)
    doubled = 2 * ou.stationary_covariance(jacobian, **NOISE)
    assert ou.lyapunov_residual(doubled, jacobian, **NOISE) != sympy.zeros(2, 2)


def test_the_residual_of_any_matrix_is_that_by_hand():
    # H = 2 [[1, 1], [1, 1]], which does not commute with Σ = diag(1, 0): HΣ + ΣH = [[4, 2], [2, 0]]; ηC/B has ones.
    residual = ou.lyapunov_residual(sympy.diag(1, 0), sympy.Matrix([[1, 1]]), lr=2, noise_std=1, batch_size=8)
    assert residual == sympy.Matrix([[3, 1], [1, -1]])


def test_stationary_covariance_is_a_multiple_of_a_projector():
    jacobian = sympy.Matrix([[1, 2, 0], [0, 1, 3]])
    projector = ou.stationary_covariance(jacobian, **NOISE) * B / (eta * sigma**2)
    assert (projector**2 - projector).expand() == sympy.zeros(3, 3)
    assert (jacobian * projector - jacobian).expand() == sympy.zeros(2, 3)


a, b = sympy.symbols("a b", positive=True)
CASES = {
    "one datum": (general(1, 3), None),
    "orthogonal gradients": (sympy.Matrix([[a, 0, 0], [0, b, b]]), None),
    "gradients of one length": (sympy.Matrix([[a, b, 0], [b, a, 0]]), sympy.Matrix([[1, 1], [1, -1]]) / sympy.sqrt(2)),
    "modes that are not symmetric": (sympy.Matrix([[a, b], [b, a]]), sympy.Matrix([[1, 1], [-1, 1]]) / sympy.sqrt(2)),
}


@pytest.mark.parametrize("case", CASES)
def test_covariance_in_time_solves_the_moment_equation_from_zero(case):
    jacobian, modes = CASES[case]
    covariance = ou.covariance(jacobian, t, modes=modes, **NOISE)
    p = jacobian.cols
    assert ou.moment_residual(covariance, t, jacobian, **NOISE) == sympy.zeros(p, p)
    assert covariance.subs(t, 0) == sympy.zeros(p, p)


def test_covariance_in_time_ends_in_the_stationary_one():
    jacobian = sympy.Matrix([[3, 4]])
    late = ou.covariance(jacobian, t, **NOISE).applyfunc(lambda entry: sympy.limit(entry, t, sympy.oo))
    assert (late - ou.stationary_covariance(jacobian, **NOISE)).expand() == sympy.zeros(2, 2)


def test_modes_that_do_not_diagonalise_are_refused_with_the_entry():
    with pytest.raises(
        ValueError, match="modes: expected an orthogonal matrix that makes modesᵀ J Jᵀ modes diagonal, got 2 off it"
    ):
        ou.covariance(sympy.Matrix([[1, 1], [1, 1]]), t, **NOISE)


def test_a_singular_gram_matrix_is_refused():
    with pytest.raises(ValueError, match=r"jacobian: expected rank 2, got det\(J Jᵀ\) = 0"):
        ou.stationary_covariance(sympy.Matrix([[1, 2], [2, 4]]), **NOISE)


def test_whole_numbers_give_exact_fractions():
    noise = {"lr": 1, "noise_std": 1, "batch_size": 2}
    for jacobian in (general(1, 2), sympy.Matrix([[1, 2]])):
        covariance = ou.stationary_covariance(jacobian, **noise)
        in_time = ou.covariance(jacobian, t, **noise)
        assert not covariance.has(sympy.Float)
        assert not in_time.has(sympy.Float)
        assert not ou.lyapunov_residual(2 * covariance, jacobian, **noise).has(sympy.Float)
