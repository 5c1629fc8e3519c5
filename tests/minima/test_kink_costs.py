"""What a bend costs: against the exact closed form, limits, networks built by hand, and searches over rescalings."""

import re
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given
from hypothesis import strategies as st
from rounding import EPS
from scipy.optimize import minimize
from strategies import numbers, relu_networks, settings_with_theta

import ouanalysis as ou
from ouanalysis.minima import network_function

# Up to six terms, sums of squares and roots, all of one sign: 8 eps is a dozen roundings of eps/2 and a few to spare,
# 64 eps those of a sum over neurons of such sums.
X = (-1.5, -0.25, 0.5, 2.0)
FACINGS = ("right", "left")
OTHER = {"right": "left", "left": "right"}

data = st.lists(st.integers(-64, 64), min_size=1, max_size=6, unique=True).map(lambda x: np.array(x) / 32)


# kink_cost


@given(data, st.lists(st.integers(-80, 80), min_size=1, max_size=5), st.sampled_from(FACINGS))
def test_the_cost_is_the_exact_closed_form(x, kinks, facing):
    # Products and sums of so few binary places are exact: two roots, their product and the factor are rounded.
    exact = [
        ou.symbolic.relu_network.kink_cost([sympy.Rational(float(v)) for v in x], sympy.Rational(k, 32), facing=facing)
        for k in kinks
    ]
    np.testing.assert_allclose(
        ou.kink_cost(x, np.array(kinks) / 32, facing=facing), [float(sympy.N(cost, 30)) for cost in exact], rtol=8 * EPS
    )


def test_costs_by_hand():
    # x = −1, 0, 2, kink 0 facing right: only 2 is active, (2/3) √(4 · 5); facing left only −1: (2/3) √(1 · 2).
    assert ou.kink_cost([-1, 0, 2], 0.0, facing="right") == pytest.approx(2 / 3 * np.sqrt(20), rel=4 * EPS)
    assert ou.kink_cost([-1, 0, 2], 0.0, facing="left") == pytest.approx(2 / 3 * np.sqrt(2), rel=4 * EPS)
    # Facing right at −½: distances ½ and 2½, 1 + x² = 1 and 5.
    assert ou.kink_cost([-1, 0, 2], -0.5, facing="right") == pytest.approx(2 / 3 * np.sqrt(6.5 * 6), rel=4 * EPS)


@given(data, numbers((2, 3)), st.sampled_from(FACINGS))
def test_kinks_of_any_shape_and_data_in_any_order(x, kinks, facing):
    costs = ou.kink_cost(x, kinks, facing=facing)
    assert costs.shape == (2, 3)
    single = [[float(ou.kink_cost(x[::-1], kink, facing=facing)) for kink in row] for row in kinks]
    np.testing.assert_allclose(costs, single, rtol=8 * EPS)
    assert ou.kink_cost(x, 0.0, facing=facing).shape == ()


@given(data, numbers(4), st.sampled_from(FACINGS))
def test_reflecting_the_data_turns_facings_about(x, kinks, facing):
    np.testing.assert_array_equal(ou.kink_cost(-x, -kinks, facing=OTHER[facing]), ou.kink_cost(x, kinks, facing=facing))


@pytest.mark.parametrize("facing", FACINGS)
def test_a_kink_that_faces_no_datum_costs_nothing(facing):
    sign = 1 if facing == "right" else -1
    np.testing.assert_array_equal(ou.kink_cost(X, sign * np.array([2.0, 2.5, 1e6]), facing=facing), 0.0)


TINY = 2.0**-40


@given(data, st.sampled_from(FACINGS), st.sampled_from(FACINGS))
def test_a_limit_is_what_kinks_beside_the_place_tend_to(x, facing, side):
    places = np.concatenate([x, [-2.5, 0.015625, 2.5]])
    beside = places + (TINY if side == "right" else -TINY)
    limit = ou.kink_cost(x, places, facing=facing, limit=side)
    steepest = 2 / len(x) * np.sqrt(np.sum(1 + x**2) * len(x))  # |d/dk ‖x − k‖| ≤ √n
    np.testing.assert_allclose(ou.kink_cost(x, beside, facing=facing), limit, rtol=8 * EPS, atol=steepest * TINY)


@given(data, st.sampled_from(FACINGS))
def test_at_a_datum_the_cost_is_the_limit_from_the_side_it_faces_and_less_than_the_other(x, facing):
    value = ou.kink_cost(x, x, facing=facing)
    np.testing.assert_array_equal(ou.kink_cost(x, x, facing=facing, limit=facing), value)
    before = ou.kink_cost(x, x, facing=facing, limit=OTHER[facing])
    ahead = (x > x[:, None]) if facing == "right" else (x < x[:, None])
    weight = np.sum(np.where(ahead, 1 + x**2, 0.0), axis=1)
    np.testing.assert_allclose(before**2 * weight, value**2 * (weight + 1 + x**2), rtol=32 * EPS)
    last = ~np.any(ahead, axis=1)
    assert np.all((before > value) | last)
    np.testing.assert_array_equal(before[last], 0.0)


@given(
    data, st.integers(0, 4), st.lists(st.integers(0, 64), min_size=3, max_size=3, unique=True), st.sampled_from(FACINGS)
)
def test_the_cost_is_convex_between_data(x, place, shares, facing):
    x = np.sort(x)
    assume(len(x) > 1)
    start, end = x[place % (len(x) - 1)], x[place % (len(x) - 1) + 1]
    low, middle, high = np.sort(shares) / 64
    kinks = start + np.array([low, middle, high]) * (end - start)
    costs = ou.kink_cost(x, kinks, facing=facing)  # at a datum ahead the value is below the limit
    costs = np.where(kinks == start, ou.kink_cost(x, kinks, facing=facing, limit="right"), costs)
    costs = np.where(kinks == end, ou.kink_cost(x, kinks, facing=facing, limit="left"), costs)
    share = (middle - low) / (high - low)
    assert costs[1] <= ((1 - share) * costs[0] + share * costs[2]) * (1 + 16 * EPS)  # a cost's 8 eps on either side


# function_regularizer


def network(setting, kinks, changes, facing, scales, *, line=(0.5, -1.0)):
    """A neuron a kink, |a| = scale, on top of a line."""
    a = np.array(facing) * np.array(scales)
    spare = np.zeros(setting.width - len(a))
    part = {"a": a, "b": -a * np.array(kinks), "c": np.array(changes) / np.abs(a)}
    return setting.pack(**{name: np.concatenate([v, spare]) for name, v in part.items()}, alpha=line[0], beta=line[1])


@st.composite
def bends(draw, most=3):
    """Data, kinks off them, and slope changes."""
    x = np.array(draw(st.lists(st.integers(-16, 16), min_size=2, max_size=6, unique=True))) / 8
    kinks = np.sort(draw(st.lists(st.integers(-17, 16), min_size=1, max_size=most, unique=True))) / 8 + 1 / 16
    changes = [draw(st.sampled_from([-1, 1])) * draw(st.integers(1, 32)) / 8 for _ in kinks]
    return x, kinks, np.array(changes)


def function_of(kinks, changes, first=0.0):
    return ou.PiecewiseLinear(kinks, first + np.concatenate([[0.0], np.cumsum(changes)]), through=(0.0, 0.0))


@given(bends())
def test_the_regularizer_of_a_function_is_the_least_of_balanced_networks_over_all_facings(drawn):
    x, kinks, changes = drawn
    setting = ou.ReluNetwork(x, np.zeros(len(x)), len(kinks))
    regs = [
        ou.regularizer(setting, ou.balanced(setting, network(setting, kinks, changes, facing, np.ones(len(kinks)))))
        for facing in product([1, -1], repeat=len(kinks))
    ]
    assert ou.function_regularizer(setting, function_of(kinks, changes)) == pytest.approx(min(regs), rel=64 * EPS)


@pytest.mark.parametrize(
    ("kinks", "changes"), [([0.1], [1.0]), ([-0.75, 1.25], [2.0, -0.5]), ([-1.0, 0.2, 0.9], [0.3, -4.0, 1.5])]
)
def test_no_rescaling_of_neurons_of_any_facing_goes_below_the_regularizer_of_the_function(kinks, changes):
    setting = ou.ReluNetwork(X, np.zeros(4), len(kinks))
    found = [
        minimize(
            lambda logs, facing=facing: float(
                ou.regularizer(setting, network(setting, kinks, changes, facing, np.exp(logs)))
            ),
            np.zeros(len(kinks)),
            method="BFGS",
            options={"gtol": 1e-7},
        ).fun
        for facing in product([1, -1], repeat=len(kinks))
    ]
    # At a minimum of curvature about reg, a gradient of 1e-7 (differences: 1e-8 of noise) costs 1e-14 relative.
    assert ou.function_regularizer(setting, function_of(kinks, changes)) == pytest.approx(min(found), rel=1e-12)


@given(bends(), st.lists(st.tuples(st.integers(1, 15), st.integers(-16, 16)), min_size=3, max_size=3))
def test_splitting_a_bend_among_neurons_never_goes_below_the_regularizer_of_the_function(drawn, splits):
    x, kinks, changes = drawn
    setting = ou.ReluNetwork(x, np.zeros(len(x)), 2 * len(kinks))
    shares = np.array([size / 16 if turn % 2 else 1 + size / 16 for size, turn in splits[: len(kinks)]])
    facing = np.array([1 if turn > 0 else -1 for _, turn in splits[: len(kinks)]])
    both = np.concatenate([shares * changes, (1 - shares) * changes])  # of one sign, or opposite ones
    theta = network(setting, np.tile(kinks, 2), both, np.concatenate([facing, -facing]), np.ones(2 * len(kinks)))
    least = ou.function_regularizer(setting, function_of(kinks, changes))
    assert ou.regularizer(setting, ou.balanced(setting, theta)) >= least * (1 - 64 * EPS)


@given(bends(), numbers(3))
def test_a_line_added_changes_no_regularizer_and_a_factor_scales_what_bends_cost(drawn, line):
    x, kinks, changes = drawn
    setting, constant = ou.ReluNetwork(x, np.zeros(len(x)), 1), np.mean(1 + x**2)
    one = ou.function_regularizer(setting, function_of(kinks, changes))
    tilted = ou.PiecewiseLinear(kinks, line[0] + np.concatenate([[0.0], np.cumsum(changes)]), (line[1], line[2]))
    assert ou.function_regularizer(setting, tilted) == one
    scaled = ou.function_regularizer(setting, function_of(kinks, -4 * changes))
    assert scaled - constant == pytest.approx(4 * (one - constant), rel=64 * EPS, abs=64 * EPS * constant)


def test_a_straight_line_costs_the_linear_and_constant_unit():
    setting = ou.ReluNetwork(X, np.zeros(4), 1)
    line = ou.PiecewiseLinear([], [3.0], through=(0.0, 1.0))
    assert ou.function_regularizer(setting, line) == pytest.approx(1 + (1.5**2 + 0.25**2 + 0.5**2 + 4) / 4, rel=4 * EPS)


# balanced


def neuron_costs(setting, theta):
    """(width, 2): what the outer and inner weights of each neuron add to reg."""
    part = setting.unpack(theta)
    hidden = part["a"] * setting.x[:, None] + part["b"]
    active = hidden > 0
    outer = np.sum(np.where(active, hidden, 0) ** 2, axis=0)
    inner = part["c"] ** 2 * np.sum(np.where(active, 1 + setting.x[:, None] ** 2, 0), axis=0)
    return np.stack([outer, inner], axis=1) / setting.n


@given(settings_with_theta(relu_networks()))
def test_balancing_changes_no_function_and_never_raises_reg(drawn):
    setting, theta = drawn
    balanced = ou.balanced(setting, theta)
    grid = np.linspace(-3, 3, 61)
    active = np.any(setting.unpack(theta)["a"] * setting.x[:, None] + setting.unpack(theta)["b"] > 0, axis=0)
    h = setting.h(theta[None], grid)
    # Of numbers up to 2 (2 · 3 + 2) 4 + 8 = 72.
    np.testing.assert_allclose(setting.h(balanced[None], grid), h, rtol=0, atol=64 * EPS * 72)
    assert ou.regularizer(setting, balanced) <= ou.regularizer(setting, theta) * (1 + 32 * EPS)
    np.testing.assert_array_equal(setting.unpack(balanced)["a"][~active], setting.unpack(theta)["a"][~active])


@given(settings_with_theta(relu_networks()))
@example((ou.ReluNetwork([0, 1 / 32, 1 / 16, -1.375], np.zeros(4), 1), np.array([-29, -39, 20, -29, -29]) / 32))
def test_a_balanced_neuron_spends_as_much_on_either_side_the_geometric_mean_of_before(drawn):
    setting, theta = drawn
    before, after = neuron_costs(setting, theta), neuron_costs(setting, ou.balanced(setting, theta))
    means = np.sqrt(before[:, 0] * before[:, 1])
    part = setting.unpack(theta)
    hidden = part["a"] * setting.x[:, None] + part["b"]
    terms = np.abs(part["a"] * setting.x[:, None]) + np.abs(part["b"])
    lost = np.max(terms / np.where(hidden > 0, hidden, np.inf), axis=0)  # digits that a x + b loses to cancellation
    assert np.all(np.abs(after - means[:, None]) <= 64 * EPS * (1 + lost[:, None]) * means[:, None])


@given(settings_with_theta(relu_networks()), st.integers(0, 3), st.floats(0.01, 2.0))
def test_balanced_parameters_are_the_least_and_stationary_under_rescaling(drawn, neuron, log):
    setting, theta = drawn
    balanced = ou.balanced(setting, theta)
    reg = ou.regularizer(setting, balanced)

    def rescaled(by):
        part = {name: np.array(array) for name, array in setting.unpack(balanced).items()}
        j = neuron % setting.width
        part["a"][j], part["b"][j], part["c"][j] = by * part["a"][j], by * part["b"][j], part["c"][j] / by
        return ou.regularizer(setting, setting.pack(**part))

    assert min(rescaled(np.exp(log)), rescaled(np.exp(-log))) >= reg * (1 - 32 * EPS)
    step = 2.0**-10  # what balanced reg is, even in the logarithm of the scale, leaves only rounding
    assert abs(rescaled(np.exp(step)) - rescaled(np.exp(-step))) <= 64 * EPS * reg


@given(settings_with_theta(relu_networks()))
def test_balancing_twice_is_balancing_once(drawn):
    setting, theta = drawn
    once = ou.balanced(setting, theta)
    np.testing.assert_allclose(ou.balanced(setting, once), once, rtol=64 * EPS)


@given(settings_with_theta(relu_networks()), st.floats(0.125, 8.0))
@example((ou.ReluNetwork([0, -0.4375], np.zeros(2), 1), np.array([-30, -13, 1, 0, 0]) / 32), 1.3817057688854451)
def test_however_a_neuron_is_scaled_it_is_balanced_to_the_same(drawn, scale):
    setting, theta = drawn
    part = setting.unpack(theta)
    scaled = {**part, "a": scale * part["a"], "b": scale * part["b"], "c": part["c"] / scale}
    seen = np.any(part["a"] * setting.x[:, None] + part["b"] > 0, axis=0)
    one, other = (setting.unpack(ou.balanced(setting, setting.pack(**{**parameters}))) for parameters in (part, scaled))
    hidden = part["a"] * setting.x[:, None] + part["b"]
    terms = np.abs(part["a"] * setting.x[:, None]) + np.abs(part["b"])
    lost = np.max(terms / np.where(hidden > 0, hidden, np.inf), axis=0)  # digits that a x + b loses to cancellation
    for name, kept in (("a", seen), ("b", seen), ("c", seen & (part["c"] != 0))):
        error = np.abs(one[name] - other[name])[kept]
        assert np.all(error <= (64 * EPS * (1 + lost) * np.abs(other[name]))[kept])


@given(settings_with_theta(relu_networks(), rows=3))
def test_leading_axes_are_states_of_their_own(drawn):
    setting, thetas = drawn
    together = ou.balanced(setting, thetas)
    assert together.shape == thetas.shape
    np.testing.assert_array_equal(together, [ou.balanced(setting, theta) for theta in thetas])
    np.testing.assert_array_equal(ou.balanced(setting, thetas[:, None]), together[:, None])


def test_neurons_that_add_nothing_become_zero_and_dead_ones_stay():
    setting = ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], width=5)
    kept = {"a": [0.0, 0.0, -1.0], "b": [0.0, -2.0, 0.0], "c": [3.0, 7.0, 5.0]}  # active on no datum
    silent = {"a": [2.0, 0.0], "b": [1.0, 3.0], "c": [0.0, 0.0]}
    theta = setting.pack(**{name: silent[name] + kept[name] for name in "abc"}, alpha=1.0, beta=2.0)
    part = setting.unpack(ou.balanced(setting, theta))
    for name in "abc":
        np.testing.assert_array_equal(part[name], [0.0, 0.0, *kept[name]])
    assert (part["alpha"], part["beta"]) == (1.0, 2.0)


def test_a_constant_neuron_is_balanced_by_hand():
    # x = 0, 1: b = 8, c = 1, hidden 8 and 8: Σz² = 128, c² Σ(1 + x²) = 3, τ⁴ = 3/128.
    setting = ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], width=1)
    part = setting.unpack(ou.balanced(setting, setting.pack(a=[0.0], b=[8.0], c=[1.0], alpha=0.0, beta=0.0)))
    tau = (3 / 128) ** 0.25
    np.testing.assert_allclose([part["a"][0], part["b"][0], part["c"][0]], [0, 8 * tau, 1 / tau], rtol=4 * EPS)


# arguments

RELU = ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], width=1)
PLAIN = ou.MatrixSensing(np.eye(2)[None], [1.0])
LINE = ou.PiecewiseLinear([], [1.0], (0.0, 0.0))
CASES = {
    "facing: expected 'right' or 'left', got 'up'": lambda: ou.kink_cost(X, 0.0, facing="up"),
    "facing: expected 'right' or 'left', got 1": lambda: ou.kink_cost(X, 0.0, facing=1),
    "limit: expected 'right' or 'left', got 'up'": lambda: ou.kink_cost(X, 0.0, facing="left", limit="up"),
    "limit: expected 'right' or 'left', got 0": lambda: ou.kink_cost(X, 0.0, facing="left", limit=0),
    "x: expected shape (n,), got (0,)": lambda: ou.kink_cost([], 0.0, facing="left"),
    "x: expected shape (n,), got ()": lambda: ou.kink_cost(1.0, 0.0, facing="left"),
    "x: expected finite numbers, got nan at [1]": lambda: ou.kink_cost([0.0, np.nan], 0.0, facing="left"),
    "kinks: expected finite numbers, got inf at [0]": lambda: ou.kink_cost(X, [np.inf], facing="left"),
    "kinks: expected real numbers, got 'a' of type str": lambda: ou.kink_cost(X, ["a"], facing="left"),
    "setting: expected a ReluNetwork, got MatrixSensing": lambda: ou.function_regularizer(PLAIN, LINE),
    "setting: expected a ReluNetwork, got list": lambda: ou.balanced([0.0, 1.0], np.zeros(5)),
    "function: expected a PiecewiseLinear, got function": lambda: ou.function_regularizer(RELU, lambda x: x),
    "theta: expected shape (..., 5), got (4,)": lambda: ou.balanced(RELU, np.zeros(4)),
    "theta: expected finite numbers, got nan at [0]": lambda: ou.balanced(RELU, np.full(5, np.nan)),
}


@pytest.mark.parametrize("message", CASES)
def test_bad_input_is_one_line_that_names_expected_and_got(message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}$"):
        CASES[message]()


@given(settings_with_theta(relu_networks()))
def test_balancing_comes_down_towards_the_regularizer_of_the_function(drawn):
    setting, theta = drawn
    balanced = ou.regularizer(setting, ou.balanced(setting, theta))
    assert balanced >= ou.function_regularizer(setting, network_function(setting, theta)) * (1 - 256 * EPS)


def test_balancing_a_neuron_whose_kink_is_on_a_datum_never_raises_reg():
    setting = ou.ReluNetwork([-2.6, 0.0, 0.1], np.zeros(3), 1)
    theta = setting.pack(a=[1 / 7], b=[1 / 7 * 2.6], c=[1.0], alpha=0.0, beta=0.0)
    reg = ou.regularizer(setting, theta)
    assert ou.regularizer(setting, ou.balanced(setting, theta)) <= reg * (1 + 64 * EPS)
