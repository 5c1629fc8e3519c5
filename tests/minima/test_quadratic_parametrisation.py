"""Weighted basis pursuit: another solver, its dual, answers by hand, what may not change; where label noise goes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import KINDS, settings_with_theta

import ouanalysis as ou
from ouanalysis.minima.quadratic_parametrisation import _feasible, _program

EPS = np.finfo(float).eps
GAP = 1e-9  # relative; HiGHS is asked for 1e-10, of labels and costs of size 1
settings = KINDS["quadratic_parametrisation"]


def refitted(drawn):
    setting, theta = drawn
    return setting.with_labels(setting.predictions(theta))


attained = settings_with_theta(settings).map(refitted)


def weights(setting):
    """w_j, one feature at a time."""
    return np.array([sum(entry**2 for entry in column) / setting.n for column in setting.x.T])


def rounding(setting, multipliers):
    """Of xᵀμ and 4 w, in any order of summation."""
    return 4 * (setting.n + 2) * EPS * (np.abs(setting.x.T) @ np.abs(multipliers) + 4 * weights(setting))


def check_optimal(setting, least, *, tolerance=GAP):
    """Feasible on both sides, and with one value: then both are optimal, whoever found them."""
    part, labels = setting.unpack(least.theta), np.max(np.abs(setting.y))
    assert np.all(part["u"] * part["v"] == 0)
    np.testing.assert_allclose(setting.predictor(least.theta), least.predictor, rtol=4 * EPS)
    np.testing.assert_allclose(setting.x @ least.predictor, setting.y, rtol=0, atol=tolerance * labels)
    assert np.count_nonzero(least.predictor) <= np.linalg.matrix_rank(setting.x)
    slack = 4 * weights(setting) - np.abs(setting.x.T @ least.multipliers)
    assert np.all(slack >= -rounding(setting, least.multipliers))
    np.testing.assert_allclose(least.slack, slack, rtol=0, atol=np.max(rounding(setting, least.multipliers)))
    assert least.lower_bound == pytest.approx(setting.y @ least.multipliers, rel=1e-13, abs=1e-300)
    assert least.value == pytest.approx(4 * weights(setting) @ np.abs(least.predictor), rel=1e-13)
    assert abs(least.value - least.lower_bound) <= tolerance * least.value
    # Σ slack_j |β_j| is the gap: complementary slackness.
    assert np.sum(np.abs(slack * least.predictor)) <= 2 * tolerance * least.value


@pytest.mark.parametrize(
    ("d", "n", "sparsity"), [(1, 1, 1), (3, 1, 2), (4, 6, 2), (12, 5, 2), (30, 12, 9), (60, 30, 4)]
)
def test_the_value_is_that_of_clarabel_on_the_program_in_beta(d, n, sparsity):
    cvxpy = pytest.importorskip("cvxpy")
    setting, truth = ou.planted_quadratic_parametrisation(d, n, sparsity, rng=d + n)
    beta = cvxpy.Variable(d)
    cost = cvxpy.norm1(cvxpy.multiply(4 * weights(setting), beta))
    problem = cvxpy.Problem(cvxpy.Minimize(cost), [setting.x @ beta == setting.y])
    problem.solve(solver=cvxpy.CLARABEL)
    assert problem.status == "optimal"
    least = ou.minimum(setting)
    check_optimal(setting, least)
    assert least.value == pytest.approx(problem.value, rel=1e-7)  # ten times what Clarabel is asked for
    assert least.value <= ou.regularizer(setting, truth) * (1 + GAP)
    assert (least.domain, least.certified) == ("all parameters", True)


@given(attained)
def test_both_sides_are_feasible_and_meet(setting):
    check_optimal(setting, ou.minimum(setting))


@pytest.mark.parametrize("size", [1e-3, 0.5, 2.0, 1e3])
def test_multipliers_past_the_edge_of_the_feasible_ones_come_back_to_it_and_others_stay(size):
    setting, _ = ou.planted_quadratic_parametrisation(12, 5, 2, rng=0)
    direction = np.random.default_rng(1).normal(size=5)
    edge = direction / np.max(np.abs(setting.x.T @ direction) / (4 * weights(setting)))
    found = _feasible(_program(setting), size * edge)
    # It stays inside by the rounding of xᵀμ in the worst case.
    lost = 2 * (setting.n + 2) * EPS * np.max(np.abs(setting.x.T) @ np.abs(edge) / (4 * weights(setting)))
    np.testing.assert_allclose(found, min(size, 1.0) * edge, rtol=4 * lost)
    assert np.all(np.abs(setting.x.T @ found) <= 4 * weights(setting))


@given(settings_with_theta(settings))
def test_no_parameters_beat_the_bound(drawn):
    setting, theta = drawn
    least = ou.minimum(refitted(drawn))
    # μ is feasible to the rounding of xᵀμ, and reg and yᵀμ are sums of at most 24 products.
    allowed = np.sum(rounding(setting, least.multipliers) * np.sum(setting.unpack(theta)["u"] ** 2 + 4.0))
    assert least.lower_bound <= ou.regularizer(setting, theta) + allowed


@given(settings_with_theta(settings))
def test_the_gap_of_any_parameters_is_what_their_fibre_and_their_predictor_waste(drawn):
    setting, theta = drawn
    part, found = setting.unpack(theta), ou.certify(setting, theta)
    least = ou.minimum(refitted(drawn))
    size = 1 + ou.regularizer(setting, theta)
    assert found.least == pytest.approx(min(least.value, found.reg), abs=GAP * size)
    fibre = 8 * weights(setting) @ np.minimum(part["u"] ** 2, part["v"] ** 2)
    predictor = 4 * weights(setting) @ np.abs(setting.predictor(theta)) - least.value
    assert found.gap == pytest.approx(fibre + predictor, abs=GAP * size)
    assert found.domain == least.domain
    np.testing.assert_array_less(-GAP * size, found.gap)


def test_by_hand():
    # x = (1, 2), y = 2: a unit of prediction costs 4 |x_j|, so the small feature makes it: β = (2, 0), reg 8.
    least = ou.minimum(ou.QuadraticParametrisation([[1.0, 2.0]], [2.0]))
    np.testing.assert_allclose(least.predictor, [2.0, 0.0], rtol=1e-14)
    np.testing.assert_allclose(least.theta, [np.sqrt(2), 0, 0, 0], rtol=1e-14)
    np.testing.assert_allclose(least.multipliers, [4.0], rtol=1e-14)
    np.testing.assert_allclose(least.slack, [0.0, 8.0], rtol=0, atol=1e-13)
    assert (least.value, least.lower_bound) == (pytest.approx(8.0, rel=1e-14), pytest.approx(8.0, rel=1e-13))
    # Two data, one feature each, the third as both: w = (1/2, 1/2, 1), and (1, 1) costs 4 either way.
    least = ou.minimum(ou.QuadraticParametrisation([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [1.0, -2.0]))
    np.testing.assert_allclose(least.predictor, [1.0, -2.0, 0.0], rtol=1e-14)
    assert least.value == pytest.approx(6.0, rel=1e-14)


def test_features_that_are_zero_and_data_that_are_zero_or_repeat_are_left_out():
    x, y = np.array([[1.0, -2.0, 0.5]]), np.array([3.0])
    alone = ou.minimum(ou.QuadraticParametrisation(x, y))
    wide = ou.minimum(ou.QuadraticParametrisation(np.insert(x, 1, 0.0, axis=1), y))
    np.testing.assert_array_equal(wide.predictor, np.insert(alone.predictor, 1, 0.0))
    twice = ou.minimum(ou.QuadraticParametrisation(np.tile(x, (2, 1)), np.tile(y, 2)))
    assert twice.value == pytest.approx(alone.value, rel=1e-13)  # w is a mean
    diluted = ou.minimum(ou.QuadraticParametrisation(np.vstack([x, np.zeros(3)]), [3.0, 0.0]))
    assert diluted.value == pytest.approx(alone.value / 2, rel=1e-13)
    for setting in (wide, twice, diluted):
        check_optimal(setting.setting, setting)


def test_where_nothing_is_asked_zero_is_least():
    for x in ([[1.0, 2.0]], [[0.0, 0.0]]):
        least = ou.minimum(ou.QuadraticParametrisation(x, [0.0]))
        assert (least.value, least.lower_bound, least.residual) == (0, 0, 0)
        assert np.all(least.theta == 0)


@pytest.mark.parametrize(("x", "y"), [([[0.0, 0.0]], [1.0]), ([[1.0, 2.0], [1.0, 2.0]], [1.0, 2.0])])
def test_labels_that_no_predictor_has_are_refused(x, y):
    with pytest.raises(ValueError, match="y: expected labels that a linear function of x attains, got some"):
        ou.minimum(ou.QuadraticParametrisation(x, y))


def test_features_whose_squares_are_no_floats_are_refused():
    with pytest.raises(ValueError, match="x: expected features with a largest entry from 1e-150 to 1e150, or 0, got"):
        ou.minimum(ou.QuadraticParametrisation([[1e-200, 1.0]], [1.0]))


@given(attained, st.sampled_from([1e-30, 1e-3, 1e5, 1e40]), st.sampled_from([1e-20, 1e7]))
def test_units_of_x_and_y_only_rescale(setting, of_x, of_y):
    # β scales as y/x and w as x².
    least = ou.minimum(setting)
    scaled = ou.minimum(ou.QuadraticParametrisation(of_x * setting.x, of_y * setting.y))
    assert scaled.value == pytest.approx(of_x * of_y * least.value, rel=GAP)


@given(attained, st.randoms())
def test_the_order_of_features_and_data_does_not_matter(setting, random):
    data, features = list(range(setting.n)), list(range(setting.d))
    random.shuffle(data)
    random.shuffle(features)
    other = ou.minimum(ou.QuadraticParametrisation(setting.x[data][:, features], setting.y[data]))
    assert other.value == pytest.approx(ou.minimum(setting).value, rel=GAP)


def test_features_of_sizes_far_apart_keep_a_bound():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((5, 9)) * np.geomspace(1e-5, 1e5, 9)
    least = ou.minimum(ou.QuadraticParametrisation(x, x @ rng.standard_normal(9)))
    # xᵀμ of the cheapest features has the rounding of multipliers that price the dearest, 10¹⁰ times theirs.
    assert 0 <= least.gap < 1e10 * 100 * EPS * least.value
    assert least.residual < 1e-9 * np.max(np.abs(least.setting.y))


@pytest.mark.parametrize("seed", range(2))
def test_the_flow_from_haochens_start_ends_at_basis_pursuit_at_the_rate_of_the_slack(seed):
    rng = np.random.default_rng(seed)
    setting = ou.QuadraticParametrisation(rng.standard_normal((4, 8)), rng.standard_normal(4))
    least = ou.minimum(setting)
    assert np.count_nonzero(least.predictor) == 4  # so that the multipliers are unique
    # A parameter off the support falls as u_j' = −2 slack_j u_j near the end, so β_j as e^{−4 slack_j s}.
    rate = 4 * np.min(least.slack[least.predictor == 0])
    start = ou.interpolate(setting, np.ones(setting.dim))
    flow = ou.regularized_flow(setting, start, times=[9 / rate, 10 / rate])
    away = np.linalg.norm(setting.predictor(flow.theta) - least.predictor, axis=-1)
    assert away[1] < 1e-2 * np.linalg.norm(least.predictor)
    assert away[1] / away[0] == pytest.approx(np.exp(-1), rel=0.02)


def test_repr_says_value_domain_gap_and_features():
    text = repr(ou.minimum(ou.QuadraticParametrisation([[1.0, 2.0]], [2.0])))
    assert text.startswith("QuadraticMinimum(8 over all parameters, gap ")
    assert text.endswith(", 1 of 2 features)")
