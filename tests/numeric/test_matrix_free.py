"""Lanczos and conjugate gradients against dense algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA, FORMULA
from strategies import numbers

from ouanalysis.numeric.fluctuations.matrix_free import largest_eigenvalue, solution_less


def symmetric(values, mirrors):
    """With these eigenvalues, turned by reflections in the planes normal to some vectors."""
    turn = np.eye(len(values))
    for normal in mirrors:
        turn -= 2 * np.outer(turn @ normal, normal) / (normal @ normal or 1.0)
    return (turn * values) @ turn.T


@st.composite
def maps(draw):
    """A map and the largest of its eigenvalues, which are in [−1, 1] times it and may be multiple, and a right side."""
    size, radius = draw(st.integers(1, 40)), draw(st.floats(1e-3, 0.99))
    values = draw(numbers(size, bound=1.0))
    values[draw(st.integers(0, size - 1))] = 1.0
    return symmetric(radius * values, draw(numbers((2, size)))), radius, draw(numbers(size))


@given(maps())
def test_largest_eigenvalues_and_solutions_are_those_of_the_matrix(drawn):
    matrix, radius, right = drawn
    size = len(matrix)
    np.testing.assert_allclose(largest_eigenvalue(lambda v: matrix @ v, size), radius, rtol=ALGEBRA)
    expected = np.linalg.solve(np.eye(size) - matrix, right)
    found = solution_less(lambda v: matrix @ v, right)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA / (1 - radius) * np.max(np.abs(expected)))


def of_size_20():
    rng = np.random.default_rng(0)
    return symmetric(0.9 * np.repeat([0.0, 0.3, 0.9, 1.0], 5), rng.standard_normal((20, 20)))


@pytest.mark.parametrize("size", [3, 30])
def test_the_map_that_is_zero_has_no_eigenvalue_but_0(size):
    assert largest_eigenvalue(np.zeros_like, size) == 0.0
    np.testing.assert_allclose(solution_less(np.zeros_like, np.arange(size)), np.arange(size), rtol=FORMULA)


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e200])
@pytest.mark.parametrize("size", [3, 12])
def test_maps_of_any_size(unit, size):
    """The search for a largest step begins at steps of 1e-300, where ARPACK was off by factors or gave up."""
    matrix = np.full((size, size), unit)
    np.testing.assert_allclose(largest_eigenvalue(lambda v: matrix @ v, size), size * unit, rtol=ALGEBRA)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_right_sides_of_any_size(unit):
    matrix = of_size_20()
    right = np.random.default_rng(1).standard_normal(20)
    expected = np.linalg.solve(np.eye(20) - matrix, right)
    found = solution_less(lambda v: matrix @ v, unit * right) / unit
    np.testing.assert_allclose(found, expected, rtol=0, atol=10 * ALGEBRA * np.max(np.abs(expected)))


def test_what_is_not_solved_is_an_error():
    matrix = 3.0 * of_size_20()  # where I − F is not positive
    with pytest.raises(ArithmeticError, match="expected conjugate gradients to solve 20 equations"):
        solution_less(lambda v: np.nan * (matrix @ v), np.ones(20))
