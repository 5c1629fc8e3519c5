"""Where J is too large to be held, K and products with J give what it would."""

import autograd.numpy as anp
import numpy as np
import pytest
from rounding import ALGEBRA, EPS

import ouanalysis as ou
from ouanalysis.numeric.zero_error_set import autograd_products, row_space

X = np.linspace(-1.0, 1.5, 5)
DIM = 24


def network(theta, x):
    a, b, c = theta[..., :8], theta[..., 8:16], theta[..., 16:]
    return anp.sum(c * anp.tanh(a * x[..., None] + b), axis=-1)


def pair(theta, x):
    return anp.stack([network(theta, x), network(theta[..., ::-1], x)], axis=-1)


THETA = np.random.default_rng(0).normal(size=DIM)
SETTING = ou.Setting(network, X, network(THETA[None], X), dim=DIM)
PAIR = ou.Setting(pair, X[::2], pair(THETA[None], X[::2]), dim=DIM)  # six rows of J, which are too many too
HOW = {"lr": 0.3 * ou.max_stable_lr(SETTING, THETA), "noise_std": 0.1}
CONDITION = np.linalg.cond(ou.gram(SETTING, THETA))  # which K has, and J the root of it


@pytest.fixture
def large(monkeypatch):
    """J is too large, and nobody makes it."""

    def refused(*_):
        raise AssertionError("all of J was asked for")

    monkeypatch.setattr(row_space, "HELD", 5 * DIM - 1)
    monkeypatch.setattr(autograd_products, "BLOCK", 2 * DIM)  # rows
    monkeypatch.setattr(autograd_products, "GRAM", 2 * DIM)
    monkeypatch.setattr(autograd_products.AutogradProducts, "jacobian", refused)


def test_products_with_the_row_space_are_those_of_its_basis(request):
    held, jacobian = row_space.row_space(SETTING, THETA), ou.jacobian(SETTING, THETA)
    request.getfixturevalue("large")
    large = row_space.row_space(SETTING, THETA)
    assert isinstance(large, row_space.LargeRowSpace)
    vector, residual = np.random.default_rng(1).normal(size=DIM), np.random.default_rng(2).normal(size=5)
    tolerance = ALGEBRA * CONDITION
    np.testing.assert_allclose(large.singular, held.singular, rtol=tolerance)
    np.testing.assert_allclose(large.tangent(vector), held.tangent(vector), rtol=0, atol=tolerance)
    for name, argument in (("least_move", residual), ("multipliers", vector)):
        expected = getattr(held, name)(argument)
        size = np.max(np.abs(expected))
        np.testing.assert_allclose(getattr(large, name)(argument), expected, rtol=0, atol=tolerance * size)
    assert np.linalg.norm(jacobian @ large.tangent(vector)) < tolerance


@pytest.mark.parametrize("law", [ou.local_ou, ou.linearized_sgd])
def test_laws_that_need_only_the_gram_matrix_are_the_same(law, request):
    held = law(SETTING, THETA, **HOW)
    request.getfixturevalue("large")
    large = law(SETTING, THETA, **HOW)
    for name in ("expected_loss", "function_covariance", "variances"):
        expected = getattr(held, name)(100)
        size = np.max(np.abs(expected))
        np.testing.assert_allclose(getattr(large, name)(100), expected, rtol=0, atol=ALGEBRA * CONDITION * size)
    np.testing.assert_allclose(large.max_stable_lr, held.max_stable_lr, rtol=ALGEBRA * CONDITION)
    assert str(large) == str(held)


@pytest.mark.parametrize("setting", [SETTING, PAIR], ids=["one output", "two outputs"])
def test_the_leading_drift_at_rest_needs_no_jacobian(setting, request):
    how = {"lr": 0.3 * ou.max_stable_lr(setting, THETA), "noise_std": 0.1}
    condition = np.linalg.cond(ou.gram(setting, THETA))
    expected = ou.local_ou(setting, THETA, **how).tangent_drift()
    request.getfixturevalue("large")
    found = ou.local_ou(setting, THETA, **how).tangent_drift()
    np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA * condition * np.max(np.abs(expected)))


@pytest.mark.usefixtures("large")
def test_what_needs_all_of_the_jacobian_says_so():
    law = ou.linearized_sgd(SETTING, THETA, **HOW)
    for ask in (law.covariance, law.tangent_drift, lambda: law.basis):
        with pytest.raises(ValueError, match=r"theta: expected a J of at most 119 numbers .* got 5 × 24"):
            ask()


@pytest.mark.usefixtures("large")
def test_interpolation_needs_only_the_gram_matrix():
    theta = ou.interpolate(SETTING, THETA + 0.1)
    assert np.max(np.abs(SETTING.residuals(theta))) < np.sqrt(EPS)


@pytest.mark.usefixtures("large")
def test_duplicate_data_are_a_rank_below_theirs():
    twice = ou.Setting(network, [0.5, 0.5, 1.0], network(THETA[None], np.array([0.5, 0.5, 1.0])), dim=DIM)
    space = row_space.LargeRowSpace(twice, THETA)
    assert space.rank == 2


@pytest.mark.usefixtures("large")
def test_derivatives_that_are_not_finite_are_refused():
    broken = ou.Setting(lambda theta, x: network(theta, x) + anp.sqrt(theta[..., 0]), X, np.ones(5), dim=DIM)
    with pytest.raises(ValueError, match="expected finite derivatives of h"):
        row_space.row_space(broken, np.where(np.arange(DIM) == 0, 0.0, THETA))
    with pytest.raises(ValueError, match="expected finite derivatives of h"):
        ou.interpolate(broken, np.where(np.arange(DIM) == 0, 0.0, THETA))


@pytest.mark.parametrize(("size", "rank"), [(0.5, 1), (3.0, 2)])
def test_what_is_below_the_rounding_of_k_is_not_counted(size, rank):
    """Of a linear model of two orthogonal data, the second as small as said, in units of √(n eps)."""
    small = size * np.sqrt(2 * EPS)
    line = ou.Setting(lambda theta, x: anp.sum(theta * x, axis=-1), [[1.0, 0.0], [0.0, small]], [1.0, small], dim=2)
    assert row_space.LargeRowSpace(line, np.ones(2)).rank == rank


@pytest.mark.usefixtures("large")
def test_where_nothing_fits_the_nearest_that_was_found_is_named():
    """h = tanh is below 1, so 2 is not reached; the start is 2 off, and the descent nearer."""
    bounded = ou.Setting(lambda theta, x: anp.tanh(anp.sum(theta, axis=-1) * x), np.ones(9), np.full(9, 2.0), dim=DIM)
    with pytest.raises(ou.InterpolationError, match=r"stopped at 1(\.0\d*)?;"):
        ou.interpolate(bounded, np.full(DIM, 1e-3))
