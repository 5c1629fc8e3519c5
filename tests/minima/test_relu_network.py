"""The least regularizer of ReLU networks against a linear program over a grid of kinks, CVXPY, and its own dual."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import EPS, FORMULA
from scipy.optimize import linprog
from strategies import relu_networks, settings_with_theta

import ouanalysis as ou
from ouanalysis.minima import attaining_network, network_function

# EPS is multiplied by roundings, of eps/2 each: 64 of them for some ten terms of ten operations, all of one sign; 256
# for such a sum over neurons, balanced and taken apart again; 8 n for sums over n data.
SOLVED = 1e-8  # of what bends cost: the solver is asked for 1e-11 of its scaled variables

DATA = {
    "valley": ([-2.0, -1.0, 0.25, 1.0, 2.5], [1.0, 0.0, -0.5, 0.5, 3.0]),
    "two lines": ([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0], [0.4, 0.0, -0.4, -0.2, -0.5, -0.8]),
    "zigzag": ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
    "out of order": ([0.5, -1.0, 2.0, 0.0, 1.5], [2.0, 1.0, -1.0, 0.5, 0.25]),
    "clustered": ([-1.0, 0.0, 0.05, 0.1, 1.0, 3.0], [1.0, 0.0, 0.1, 0.05, -1.0, 2.0]),
    "bent between": ([-2.25, -2.0, -1.0, -0.75, 0.5, 0.75, 1.25], [-1.25, -0.25, -0.75, -2.0, -2.0, -1.75, 2.0]),
    "bent between, too": ([-3.0, -2.75, -0.75, -0.5, 0.5, 0.75, 2.25], [0.25, 0.75, 1.25, -1.5, -1.25, 1.5, -0.25]),
    "far away": ([10.0, 11.0, 12.5, 13.0, 15.0], [3.0, 1.0, 2.0, 2.5, 0.0]),
}
CASES = pytest.mark.parametrize(("x", "y"), DATA.values(), ids=DATA.keys())


def constant(setting):
    return np.mean(1 + setting.x**2)


def solved(x, y):
    setting = ou.ReluNetwork(x, y, len(x))
    return setting, ou.minimum(setting)


def within(found):
    """How far the value can be from the least: the gap and rounding of sums of so many terms."""
    return found.gap + 64 * EPS * (found.value + np.abs(found.multipliers) @ np.abs(found.setting.y))


# a linear program over a grid of kinks


def costs_by_sums(x, kinks):
    """w₊ and w₋ (kinks, 2) as sums over the data, one at a time."""
    sums = np.zeros((len(kinks), 2, 2))
    for datum in x:
        for side, ahead in enumerate((datum > kinks, datum < kinks)):
            sums[ahead, side, 0] += (datum - kinks[ahead]) ** 2
            sums[ahead, side, 1] += 1 + datum**2
    return 2 / len(x) * np.sqrt(sums[..., 0] * sums[..., 1])


def grid_of(x, cells):
    ends = np.sort(x)
    return np.unique(np.concatenate([np.linspace(*pair, cells + 1) for pair in pairwise(ends)]))


def grid_program(x, y, cells):
    """The least reg of functions whose kinks are on a grid that holds the data, cells an interval."""
    kinks = grid_of(x, cells)
    ramps = np.concatenate([np.maximum(x[:, None] - kinks, 0), np.maximum(kinks - x[:, None], 0)], axis=1)
    cost = costs_by_sums(x, kinks).T.ravel()
    found = linprog(
        np.concatenate([cost, cost, [0, 0]]),
        A_eq=np.concatenate([ramps, -ramps, x[:, None], np.ones((len(x), 1))], axis=1),
        b_eq=y,
        bounds=[(0, None)] * (2 * len(cost)) + [(None, None)] * 2,
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    assert found.status == 0
    return found.fun + np.mean(1 + x**2)


def cost_of_splitting(x, function, cells):
    """At most what splitting each kink between its neighbours on the grid costs: the cost is convex between data.

    A convex function is below its chord by at most twice what it is at the middle.
    """
    ends = np.sort(x)
    worst = 0.0
    for start, end in pairwise(ends):
        places = np.linspace(start, end, 2 * cells + 1)
        places[[0, -1]] += np.array([1, -1]) * 1e-9 * (end - start)  # limits from inside
        costs = costs_by_sums(x, places)
        worst = max(worst, np.max((costs[:-2:2] + costs[2::2]) / 2 - costs[1::2]))
    return 2 * worst * np.sum(np.abs(function.slope_changes))


def rounding_of_grid(found):
    """The simplex method ends at a vertex, feasible to 1e-10: in y, whose price is the multipliers."""
    return within(found) + 10 * 1e-10 * (1 + np.sum(np.abs(found.multipliers)))


@CASES
def test_a_grid_of_kinks_comes_down_to_the_value_and_never_below_its_bound(x, y):
    setting, found = solved(x, y)
    for many in (4, 8, 16, 32, 64):
        least = grid_program(setting.x, setting.y, many)
        assert least >= found.lower_bound - rounding_of_grid(found)
        split = cost_of_splitting(setting.x, found.function, many)
        assert least <= found.value + split + rounding_of_grid(found)
    assert least - found.value <= 1e-3 * (
        found.value - constant(setting)
    )  # (1/64)² = 2e-4 of an interval, and a factor


@CASES
def test_kinks_on_data_alone_attain_the_value_where_the_optimum_has_no_others(x, y):
    setting, found = solved(x, y)
    on_data = grid_program(setting.x, setting.y, 1)
    if len(found.kinks_on_data) == len(found.function.kinks):
        assert on_data == pytest.approx(found.value, abs=rounding_of_grid(found))
    else:
        assert on_data > found.value + 1e-3  # at least a thousand times the rounding of the grid
        assert rounding_of_grid(found) < 1e-6


def test_a_kink_a_third_of_a_cell_from_the_grid_costs_its_square():
    # At −13/24 in [−3/4, 1/2], a sixth of the way: at a third or two thirds of its cell on every halved grid.
    setting, found = solved(*DATA["bent between"])
    between = np.setdiff1d(found.function.kinks, setting.x)
    np.testing.assert_allclose(between, [-13 / 24], rtol=FORMULA)
    excess = np.array([grid_program(setting.x, setting.y, many) - found.value for many in (8, 16, 32, 64)])
    # The next order is a share of a cell, an eighth of the interval at first.
    np.testing.assert_allclose(np.log2(excess[:-1] / excess[1:]), 2, rtol=0, atol=0.15)


# CVXPY on the program of theory.md, section 4.2: slope changes s, moments q, a line


def cone_program(x, y):
    """For each interval, facing and sign s and q = s k with x_i s ≤ q ≤ x_{i+1} s; f = α x + β and a ramp each."""
    import cvxpy

    order = np.argsort(x)
    x, y = x[order], y[order]
    alpha, beta = cvxpy.Variable(), cvxpy.Variable()
    values, cost, limits = alpha * x + beta, 0, []
    for i in range(len(x) - 1):
        for facing in (1, -1):
            faced = x >= x[i + 1] if facing == 1 else x <= x[i]
            weight = 2 / len(x) * np.sqrt(np.sum(1 + x[faced] ** 2))
            for sign in (1, -1):
                s, q = cvxpy.Variable(nonneg=True), cvxpy.Variable()
                limits += [x[i] * s <= q, q <= x[i + 1] * s]
                cost += weight * cvxpy.norm(s * x[faced] - q, 2)
                values += sign * facing * cvxpy.multiply(faced.astype(float), s * x - q)
    return cvxpy.Problem(cvxpy.Minimize(cost), [*limits, values == y])


@CASES
def test_cvxpy_finds_the_same_value_with_clarabel(x, y):
    setting, found = solved(x, y)
    program = cone_program(setting.x, setting.y)
    accuracy = 1e-8
    program.solve(solver="CLARABEL", tol_gap_abs=accuracy, tol_gap_rel=accuracy, tol_feas=accuracy)
    value = program.value + constant(setting)
    # Residuals of y cost their price; Clarabel's are relative to the data's size.
    slack = within(found) + 10 * accuracy * (1 + value + (1 + np.max(np.abs(y))) * np.sum(np.abs(found.multipliers)))
    assert value == pytest.approx(found.value, abs=slack)


@pytest.mark.parametrize("name", ["valley", "two lines", "zigzag", "out of order"])
def test_cvxpy_finds_the_same_value_with_scs(name):
    setting, found = solved(*DATA[name])
    program = cone_program(setting.x, setting.y)
    accuracy = 1e-6
    program.solve(solver="SCS", eps_abs=accuracy, eps_rel=accuracy, max_iters=200_000)
    assert program.status == "optimal"
    value = program.value + constant(setting)
    slack = within(found) + 10 * accuracy * (
        1 + value + (1 + np.max(np.abs(setting.y))) * np.sum(np.abs(found.multipliers))
    )
    assert value == pytest.approx(found.value, abs=slack)


# the dual point and the function that attains the value


def dense_grid(x):
    ends = np.sort(x)
    inside = [np.linspace(*pair, 401) for pair in pairwise(ends)]
    return np.concatenate([*inside, np.linspace(ends[0] - 1, ends[-1] + 1, 101)])


def is_dual_feasible(found):
    x, mu = found.setting.x, found.multipliers
    size = np.abs(mu)
    assert abs(np.sum(mu)) <= 8 * len(x) * EPS * np.sum(size)
    assert abs(mu @ x) <= 8 * len(x) * EPS * (size @ np.abs(x) + np.sum(size) * np.max(np.abs(x)))
    kinks = dense_grid(x)
    bound = costs_by_sums(x, kinks)
    for side, ramps in enumerate((np.maximum(x[:, None] - kinks, 0), np.maximum(kinks - x[:, None], 0))):
        assert np.all(np.abs(mu @ ramps) <= bound[:, side] + 8 * len(x) * EPS * (size @ (ramps + np.abs(x)[:, None])))


def fits_and_costs_what_it_says(found):
    setting, function = found.setting, found.function
    scale = np.max(np.abs(setting.y)) + np.max(np.abs(function.slopes)) * np.ptp(setting.x)
    np.testing.assert_allclose(function(setting.x), setting.y, rtol=0, atol=64 * EPS * scale)
    right, left = costs_by_sums(setting.x, function.kinks).T
    by_hand = constant(setting) + np.minimum(right, left) @ np.abs(function.slope_changes)
    assert ou.function_regularizer(setting, function) == pytest.approx(by_hand, rel=64 * EPS)
    assert found.value == pytest.approx(by_hand, rel=64 * EPS)
    np.testing.assert_array_equal(found.facing[right != left], np.where(right < left, 1, -1)[right != left])
    np.testing.assert_array_equal(
        found.kinks_on_data, [i for i, datum in enumerate(setting.x) if datum in function.kinks]
    )
    assert found.convexity_changes == function.convexity_changes
    assert np.all((np.min(setting.x) < function.kinks) & (function.kinks < np.max(setting.x)))
    assert setting.y @ found.multipliers + constant(setting) == pytest.approx(found.lower_bound, rel=64 * EPS)


def network_attains(found):
    setting, theta = found.setting, found.theta
    part = {name: np.abs(array) for name, array in setting.unpack(theta).items()}
    hidden = (part["a"] * np.abs(setting.x)[:, None] + part["b"]) @ part["c"]
    rounding = 64 * EPS * np.max(hidden + part["alpha"] * np.abs(setting.x) + part["beta"] + np.abs(setting.y))
    residual = np.max(np.abs(setting.predictions(theta) - setting.y))
    assert residual <= rounding
    assert found.residual == residual
    assert ou.regularizer(setting, theta) == pytest.approx(found.value, rel=64 * EPS)
    grid = np.linspace(np.min(setting.x), np.max(setting.x), 97)
    np.testing.assert_allclose(setting.h(theta[None], grid), found.function(grid), rtol=0, atol=rounding)


@CASES
def test_the_multipliers_are_dual_feasible_at_every_kink(x, y):
    is_dual_feasible(solved(x, y)[1])


CLOSE = [  # to their neighbours: a sixtieth of the mean distance, where the solver stops short
    (
        [-3.59375, -2.65625, -2.15625, -1.4375, -0.8125, -0.703125, 1.609375, 1.65625],
        [3.828125, -1.3125, -3.96875, 3.5, 3.765625, -1.296875, -0.8125, 3.703125],
    ),
    (
        [-3.8125, -1.78125, -0.078125, 0.4375, 0.8125, 2.828125, 3.0],
        [2.859375, 2.96875, 2.71875, 2.125, -0.5, -2.265625, 0.734375],
    ),
    ([-2.0, -1.0, 0.0, 1e-6, 1.0, 2.0], [1.0, 0.0, 1.0, 2.0, 0.0, 2.0]),
]


@pytest.mark.parametrize(("x", "y"), CLOSE)
def test_the_bound_holds_where_data_are_close(x, y):
    _, found = solved(x, y)
    is_dual_feasible(found)
    assert found.lower_bound <= found.value * (1 + 64 * EPS)
    fits_and_costs_what_it_says(found)
    network_attains(found)


@CASES
def test_the_function_fits_and_its_regularizer_by_hand_is_the_value(x, y):
    fits_and_costs_what_it_says(solved(x, y)[1])


@CASES
def test_the_network_fits_and_its_regularizer_by_autograd_is_the_value(x, y):
    network_attains(solved(x, y)[1])


@given(relu_networks())
def test_bounds_function_and_network_hold_for_any_data(setting):
    setting, found = solved(setting.x, setting.y)
    assert found.lower_bound <= found.value * (1 + 64 * EPS)
    assert found.gap <= SOLVED * (found.value - constant(setting)) + 64 * EPS * found.value
    is_dual_feasible(found)
    fits_and_costs_what_it_says(found)
    network_attains(found)


@CASES
def test_a_network_with_fewer_neurons_than_kinks_is_not_given_and_the_value_is_the_same(x, y):
    _, found = solved(x, y)
    kinks = len(found.function.kinks)
    assert kinks > 1
    narrow = ou.minimum(ou.ReluNetwork(x, y, kinks - 1))
    assert narrow.theta is None
    assert "attained by a larger setting" in repr(narrow)
    assert narrow.value == pytest.approx(found.value, rel=64 * EPS)
    assert narrow.residual <= 64 * EPS * np.max(np.abs(y))
    enough = ou.minimum(ou.ReluNetwork(x, y, kinks))
    assert enough.theta is not None
    assert "not attained" not in repr(enough)
    with pytest.raises(
        ValueError, match=f"width: expected at least {kinks}, one neuron for each kink, got {kinks - 1}"
    ):
        attaining_network(narrow.setting, found.function)


@given(relu_networks(), st.lists(st.integers(1, 16), min_size=3, max_size=3), st.integers(-4, 4))
def test_a_network_of_any_function_attains_its_regularizer(setting, bends, first):
    # On data and off, and outside them.
    kinks = np.cumsum(bends) / 8 + np.min(setting.x) - 1
    function = ou.PiecewiseLinear(kinks, first + np.array([0.0, 1.0, -2.0, 0.5]), through=(0.5, 1.0))
    setting = ou.ReluNetwork(setting.x, function(setting.x), 4)
    theta = attaining_network(setting, function)
    assert ou.regularizer(setting, theta) == pytest.approx(ou.function_regularizer(setting, function), rel=64 * EPS)
    grid = np.linspace(-3, 8, 89)
    size = 1 + np.max(np.abs(function.slopes)) * 16
    np.testing.assert_allclose(setting.h(theta[None], grid), function(grid), rtol=0, atol=64 * EPS * size)


# the problem turned about


@CASES
def test_the_order_of_the_data_does_not_matter(x, y):
    _, found = solved(x, y)
    order = np.random.default_rng(0).permutation(len(x))
    _, other = solved(np.array(x)[order], np.array(y)[order])
    assert other.value == pytest.approx(found.value, rel=8 * EPS)
    np.testing.assert_array_equal(other.multipliers, found.multipliers[order])
    np.testing.assert_array_equal(other.function.kinks, found.function.kinks)
    np.testing.assert_array_equal(np.sort(order[other.kinks_on_data]), found.kinks_on_data)


@CASES
@pytest.mark.parametrize("factor", [-1.0, 0.25, 3.0, -1e3, 1e-6])
def test_scaling_y_scales_what_bends_cost(x, y, factor):
    setting, found = solved(x, y)
    _, scaled = solved(x, factor * np.array(y))
    bends = (found.value - constant(setting)) * abs(factor)
    assert scaled.value - constant(setting) == pytest.approx(bends, abs=abs(factor) * within(found) + within(scaled))
    # Scaled labels are rounded, which moves the value by their price.
    assert scaled.convexity_changes == found.convexity_changes


@CASES
@pytest.mark.parametrize("line", [(0.0, 5.0), (-2.0, 1.0), (100.0, -30.0)])
def test_adding_a_line_to_y_changes_nothing(x, y, line):
    setting, found = solved(x, y)
    slope, value = line
    _, tilted = solved(x, np.array(y) + slope * setting.x + value)
    assert tilted.value == pytest.approx(found.value, abs=within(found) + within(tilted))


@CASES
def test_reflecting_x_changes_nothing(x, y):
    setting, found = solved(x, y)
    _, mirrored = solved(-setting.x, y)
    assert mirrored.value == pytest.approx(found.value, abs=within(found) + within(mirrored))
    assert mirrored.convexity_changes == found.convexity_changes


@CASES
def test_leaving_out_a_datum_never_raises_what_bends_cost_in_sum(x, y):
    # n times value − constant is a sum over data: without one of them each bend costs less, and fewer must be met.
    setting, found = solved(x, y)
    for i in range(setting.n):
        rest, fewer = solved(np.delete(setting.x, i), np.delete(setting.y, i))
        here = setting.n * (found.value - constant(setting))
        assert rest.n * (fewer.value - constant(rest)) <= here + setting.n * (within(found) + within(fewer))


# data that need no bend


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([2.0], [3.0]),
        ([2.0, -1.0], [3.0, 5.0]),
        ([0.0, 1.0, 4.0], [1.0, 3.0, 9.0]),
        ([-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]),
    ],
)
def test_data_on_a_line_cost_the_linear_and_constant_unit_alone(x, y):
    setting = ou.ReluNetwork(x, y, 1)
    found = ou.minimum(setting)
    assert (len(found.function.kinks), found.convexity_changes, found.gap) == (0, 0, 0.0)
    assert found.value == pytest.approx(np.mean(1 + np.array(x) ** 2), rel=4 * EPS)
    np.testing.assert_allclose(setting.predictions(found.theta), y, rtol=0, atol=8 * EPS * np.max(np.abs(y)))
    np.testing.assert_array_equal(found.multipliers, 0.0)


def test_one_bend_by_hand():
    # y = |x| at −1, 0, 1: s = 2 at 0 costs 2 · (2/3) √(1 · 2), either way; a kink off 0 costs more.
    found = ou.minimum(ou.ReluNetwork([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0], 1))
    assert found.value == pytest.approx(5 / 3 + 4 / 3 * np.sqrt(2), rel=FORMULA)
    np.testing.assert_array_equal(found.function.slopes, [-1.0, 1.0])
    np.testing.assert_array_equal(found.kinks_on_data, [1])
    assert ou.stability(found.setting, found.theta).verdict == "nonsmooth"


# certificates


def slack(found):
    return found.solver_gap + 256 * EPS * found.reg


@given(settings_with_theta(relu_networks()))
def test_no_network_is_below_the_least_of_its_own_predictions(drawn):
    setting, theta = drawn
    found = ou.certify(setting, theta)
    assert found.reg == ou.regularizer(setting, theta)
    assert found.gap >= -slack(found)
    assert found.reg >= found.lower_bound * (1 - 256 * EPS)
    assert (found.domain, found.certified) == ("any width", True)


@given(settings_with_theta(relu_networks()))
def test_the_least_of_a_certificate_is_the_minimum_through_its_predictions(drawn):
    setting, theta = drawn
    found = ou.certify(setting, theta)
    least = ou.minimum(ou.ReluNetwork(setting.x, setting.predictions(theta), 1))
    # Both are within the solver's gap; what is a straight line up to rounding may cost rounding or nothing.
    assert found.least == pytest.approx(least.value, abs=slack(found) + within(least))
    assert found.lower_bound <= least.value * (1 + 256 * EPS)


@given(settings_with_theta(relu_networks()))
def test_balancing_comes_down_towards_the_least(drawn):
    setting, theta = drawn
    before, after = ou.certify(setting, theta), ou.certify(setting, ou.balanced(setting, theta))
    assert before.reg >= after.reg * (1 - 64 * EPS)
    assert after.gap >= -slack(after)
    assert after.least == pytest.approx(before.least, abs=slack(before) + slack(after))


@CASES
def test_the_minimum_has_no_gap(x, y):
    setting, found = solved(x, y)
    certificate = ou.certify(setting, found.theta)
    assert abs(certificate.gap) <= certificate.solver_gap + within(found) + 256 * EPS * certificate.reg
    assert certificate.solver_gap <= SOLVED * (found.value - constant(setting)) + 64 * EPS * found.value
    assert abs(certificate.relative_gap) <= SOLVED


@given(settings_with_theta(relu_networks()), st.integers(-64, 64), st.integers(-64, 64))
def test_adding_a_line_to_a_network_changes_no_gap(drawn, slope, value):
    setting, theta = drawn
    part = setting.unpack(theta)
    tilted = setting.pack(**{**part, "alpha": part["alpha"] + slope / 16, "beta": part["beta"] + value / 16})
    one, other = ou.certify(setting, theta), ou.certify(setting, tilted)
    assert other.reg == pytest.approx(one.reg, rel=64 * EPS)
    assert other.gap == pytest.approx(one.gap, abs=slack(one) + slack(other))


@given(settings_with_theta(relu_networks(), rows=2))
def test_leading_axes_are_states_of_their_own(drawn):
    setting, thetas = drawn
    together = ou.certify(setting, thetas)
    single = [ou.certify(setting, theta) for theta in thetas]
    for name in ("reg", "least", "lower_bound", "gap", "solver_gap"):
        np.testing.assert_array_equal(getattr(together, name), [getattr(one, name) for one in single])
    assert "2 states" in repr(together)
    assert ou.certify(setting, thetas[:, None]).least.shape == (2, 1)


def test_bending_more_than_the_predictions_need_is_a_gap_by_hand():
    # x = −1, 0, 1, h = |x|₊ twice over: two unit bends on 0 up and one down cost thrice the least.
    setting = ou.ReluNetwork([-1.0, 0.0, 1.0], [0.0, 0.0, 1.0], 3)
    theta = ou.balanced(setting, setting.pack(a=[1.0] * 3, b=[0.0] * 3, c=[1.0, 1.0, -1.0], alpha=0.0, beta=0.0))
    found = ou.certify(setting, theta)
    one = 2 / 3 * np.sqrt(2)
    assert found.reg == pytest.approx(5 / 3 + 3 * one, rel=FORMULA)
    assert found.least == pytest.approx(5 / 3 + one, rel=FORMULA)
    assert found.gap == pytest.approx(2 * one, rel=FORMULA)


# arguments and repr


def test_the_repr_says_what_was_found():
    _, found = solved(*DATA["two lines"])
    assert re.fullmatch(
        r"ReluMinimum\(\S+ over any width, gap \S+e-\d+, residual \S+, \d kinks, \d on data, 1 changes of convexity\)",
        repr(found),
    )


BAD = {
    "theta: expected at least one state, got shape (0, 5)": lambda: ou.certify(
        ou.ReluNetwork([0.0], [0.0], 1), np.zeros((0, 5))
    ),
    "theta: expected shape (..., 5), got (4,)": lambda: ou.certify(ou.ReluNetwork([0.0], [0.0], 1), np.zeros(4)),
    "theta: expected finite numbers, got nan at [0]": lambda: ou.certify(
        ou.ReluNetwork([0.0], [0.0], 1), np.full(5, np.nan)
    ),
    "setting: expected a Setting, got str": lambda: ou.certify("relu", np.zeros(4)),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_line_that_names_expected_and_got(message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}$"):
        BAD[message]()


def test_balancing_the_minimum_changes_nothing():
    found = ou.minimum(ou.ReluNetwork([-0.7, -0.4, 0.9], [1.3, 0.0, 1.3], 1))
    reg = ou.regularizer(found.setting, ou.balanced(found.setting, found.theta))
    assert reg == pytest.approx(found.value, rel=64 * EPS)


def test_the_function_of_the_minimum_costs_its_value():
    found = ou.minimum(ou.ReluNetwork([-0.7, -0.4, 0.9], [0.0, 1.7000000000000002, 0.8500000000000001], 1))
    function = network_function(found.setting, found.theta)
    assert ou.function_regularizer(found.setting, function) == pytest.approx(found.value, rel=64 * EPS)


def test_the_program_for_a_network_wants_a_network_and_a_function():
    line = ou.PiecewiseLinear([], [1.0], (0.0, 0.0))
    with pytest.raises(TypeError, match=r"^setting: expected a ReluNetwork, got str$"):
        attaining_network("relu", line)
    with pytest.raises(TypeError, match=r"^function: expected a PiecewiseLinear, got int$"):
        attaining_network(ou.ReluNetwork([0.0], [0.0], 1), 3)


def test_data_far_from_the_origin_are_solved():
    x, y = np.array([-2.0, -1.0, 0.0, 1.0, 2.5, 4.0]), np.array([1.0, 0.0, 2.0, 1.0, 3.0, -1.0])
    assert ou.minimum(ou.ReluNetwork(x + 1e9, y, 6)).convexity_changes == 3


def test_a_tie_with_a_tiny_bend_is_broken_for_fewer_changes():
    x = [-2.390625, -0.09375, 0.359375, 1.75, 1.8125, 2.4375, 3.421875, 4.0]
    y = [-0.140625, 3.28125, 0.296875, -2.140625, -1.984375, 2.53125, 0.734375, -2.53125]
    assert ou.minimum(ou.ReluNetwork(x, y, 8)).convexity_changes == 2


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (
            [-3.59375, -2.65625, -2.15625, -1.4375, -0.8125, -0.703125, 1.609375, 1.65625],
            [3.828125, -1.3125, -3.96875, 3.5, 3.765625, -1.296875, -0.8125, 3.703125],
        ),
        (
            [-3.8125, -1.78125, -0.078125, 0.4375, 0.8125, 2.828125, 3.0],
            [2.859375, 2.96875, 2.71875, 2.125, -0.5, -2.265625, 0.734375],
        ),
        (
            [-3.46875, -3.40625, -1.96875, 0.234375, 0.828125, 0.84375, 3.421875, 3.484375],
            [-1.578125, -1.59375, -2.265625, -3.703125, -2.578125, -1.453125, 3.140625, -2.234375],
        ),
    ],
)
def test_neighbours_a_sixtieth_apart_leave_no_gap(x, y):
    setting = ou.ReluNetwork(x, y, 8)
    found = ou.minimum(setting)
    assert found.gap <= SOLVED * (found.value - np.mean(1 + setting.x**2))
