"""What the quadratic parametrisation knows of itself, against what a plain Setting finds out."""

import numpy as np
import pytest
from hypothesis import given
from strategies import KINDS, settings_with_theta, written_out

import ouanalysis as ou

EPS = np.finfo(float).eps
settings = KINDS["quadratic_parametrisation"]


def plain(setting):
    return ou.Setting(written_out(setting), setting.x, setting.y, parts=setting.parts)


@given(settings_with_theta(settings, rows=2))
def test_predictions_are_linear_in_the_predictor(drawn):
    setting, theta = drawn
    expected = setting.predictor(theta) @ setting.x.T
    # Sums of at most 4 products of numbers up to 2 and 4.
    np.testing.assert_allclose(setting.predictions(theta), expected, rtol=0, atol=64 * EPS)


@given(settings)
def test_linear_part_and_unseen_directions_are_those_that_are_found_from_h(setting):
    found = plain(setting)
    theta = np.linspace(0.5, 1.5, setting.dim)
    np.testing.assert_array_equal(setting.linear_part(), found.linear_part())
    known = setting.unseen_directions(theta)
    other = found.unseen_directions(theta)
    # Projectors on the null space of rows of J that are as far from dependent as these draws.
    np.testing.assert_allclose(known.T @ known, other.T @ other, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("x", "count"),
    [
        ([[1.0, 2.0, -3.0]], 0),  # no two features of one size
        ([[1.0, 1.0]], 2),  # (u_1, u_2) and (v_1, v_2)
        ([[1.0, -1.0]], 2),  # (u_1, v_2) and (v_1, u_2)
        ([[1.0, 1.0, -1.0]], 4),  # two groups of three, each on a sphere of two dimensions
        ([[1.0, 1.0], [1.0, -1.0]], 0),  # equal in one datum only
        ([[1.0, 2.0], [2.0, 4.0]], 0),  # proportional: h allows the turn, reg does not
        ([[0.0, 0.0, 1.0]], 0),  # unseen, and counted as that
        ([[0.0, -0.0, 1.0, 1.0]], 2),
    ],
)
def test_features_that_are_equal_or_opposite_rotate_into_each_other(x, count):
    setting = ou.QuadraticParametrisation(x, np.zeros(len(x)))
    theta = np.linspace(0.5, 1.5, setting.dim)
    directions = setting.symmetry_directions(theta)
    assert directions.shape == (count, setting.dim)
    assert count == 0 or np.linalg.matrix_rank(directions) == count
    moved = theta + 1e-4 * directions.sum(axis=0)
    bends = 1e-8 * np.sum(directions.sum(axis=0) ** 2) * 4 * (1 + np.max(np.square(x)))
    np.testing.assert_allclose(setting.predictions(moved), setting.predictions(theta), rtol=0, atol=bends)
    assert ou.regularizer(setting, moved) == pytest.approx(ou.regularizer(setting, theta), rel=0, abs=setting.d * bends)


def test_a_hyperbolic_turn_preserves_h_and_not_reg():
    setting = ou.QuadraticParametrisation([[1.0, 2.0], [0.5, -1.0]], [0.0, 0.0])
    u, v = np.array([1.0, 0.5]), np.array([0.5, 2.0])
    cosh, sinh = 1.25, 0.75
    moved = setting.pack(u=cosh * u + sinh * v, v=sinh * u + cosh * v)
    theta = setting.pack(u=u, v=v)
    np.testing.assert_allclose(setting.predictions(moved), setting.predictions(theta), rtol=0, atol=64 * EPS)
    assert ou.regularizer(setting, moved) > 1.5 * ou.regularizer(setting, theta)


def test_at_the_least_the_verdict_is_a_minimum_and_that_of_the_plain_setting():
    rng = np.random.default_rng(2)
    setting = ou.QuadraticParametrisation(rng.standard_normal((2, 4)), rng.standard_normal(2))
    least = ou.minimum(setting)
    known, found = ou.stability(setting, least.theta), ou.stability(plain(setting), least.theta)
    assert known.verdict == found.verdict == "strict minimum"
    # ∇²reg − Σ_i μ_i ∇²h_i is diagonal, 8 w − 2 xᵀμ for u and 8 w + 2 xᵀμ for v; tangent are the parameters that are 0.
    weights, price = np.mean(setting.x**2, axis=0), setting.x.T @ least.multipliers
    curvatures = np.concatenate([8 * weights - 2 * price, 8 * weights + 2 * price])[least.theta == 0]
    np.testing.assert_allclose(known.eigenvalues, np.sort(curvatures), rtol=1e-9)  # HiGHS is asked for 1e-10


def test_the_planted_problem_is_sparse_attained_and_repeatable():
    setting, theta = ou.planted_quadratic_parametrisation(20, 8, 3, rng=4)
    assert (setting.d, setting.n, setting.dim) == (20, 8, 40)
    planted = setting.predictor(theta)
    assert np.sort(np.abs(planted)).tolist() == [0.0] * 17 + [1.0] * 3
    np.testing.assert_allclose(setting.predictions(theta), setting.y, rtol=0, atol=16 * EPS * 3)
    assert ou.planted_quadratic_parametrisation(20, 8, 3, rng=4)[0] == setting
    assert ou.planted_quadratic_parametrisation(20, 8, 3, rng=5)[0] != setting


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ou.QuadraticParametrisation([1.0], [1.0]), r"x: expected shape \(n, d\), got \(1,\)"),
        (lambda: ou.QuadraticParametrisation([[1.0]], [1.0, 2.0]), r"y: expected shape \(1,\), got \(2,\)"),
        (lambda: ou.QuadraticParametrisation([[np.nan]], [1.0]), "x: expected finite numbers, got nan"),
        (lambda: ou.planted_quadratic_parametrisation(2, 1, 3, rng=0), "sparsity: expected an integer from 1 to 2"),
        (lambda: ou.planted_quadratic_parametrisation(2, 0, 1, rng=0), "n: expected an integer at least 1, got 0"),
    ],
)
def test_bad_input_is_one_line(call, message):
    with pytest.raises(ValueError, match=f"^{message}.*$"):
        call()
