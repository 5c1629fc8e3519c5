"""Lanczos and conjugate gradients against dense algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA, FORMULA

from ouanalysis.numeric.fluctuations.matrix_free import largest_eigenvalue, solution_less


def symmetric(seed, size, radius):
    """With the largest eigenvalue `radius`, some of them multiple."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((size, size)))[0]
    values = np.sort(rng.choice([0.0, 0.3, 0.3, 0.9, 1.0], size=size))
    values[-1] = 1.0
    return (turn * values * radius) @ turn.T


@given(seed=st.integers(0, 10**6), size=st.integers(1, 40), radius=st.floats(1e-3, 0.99))
def test_largest_eigenvalues_and_solutions_are_those_of_the_matrix(seed, size, radius):
    matrix = symmetric(seed, size, radius)
    right = np.random.default_rng(seed + 1).standard_normal(size)
    np.testing.assert_allclose(largest_eigenvalue(lambda v: matrix @ v, size), radius, rtol=ALGEBRA)
    expected = np.linalg.solve(np.eye(size) - matrix, right)
    found = solution_less(lambda v: matrix @ v, right)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA / (1 - radius) * np.max(np.abs(expected)))


@pytest.mark.parametrize("size", [3, 30])
def test_the_map_that_is_zero_has_no_eigenvalue_but_0(size):
    assert largest_eigenvalue(np.zeros_like, size) == 0.0
    np.testing.assert_allclose(solution_less(np.zeros_like, np.arange(size)), np.arange(size), rtol=FORMULA)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_right_sides_of_any_size(unit):
    matrix = symmetric(0, 20, 0.9)
    right = np.random.default_rng(1).standard_normal(20)
    expected = np.linalg.solve(np.eye(20) - matrix, right)
    found = solution_less(lambda v: matrix @ v, unit * right) / unit
    np.testing.assert_allclose(found, expected, rtol=0, atol=10 * ALGEBRA * np.max(np.abs(expected)))


def test_what_is_not_solved_is_an_error():
    matrix = 3.0 * symmetric(0, 20, 0.9)  # where I − F is not positive
    with pytest.raises(ArithmeticError, match="expected conjugate gradients to solve 20 equations"):
        solution_less(lambda v: np.nan * (matrix @ v), np.ones(20))
