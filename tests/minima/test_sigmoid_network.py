"""One datum: least regularizers against brute force and many digits, and every stationary network by derivatives."""

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given
from hypothesis import strategies as st
from rounding import ALGEBRA, EPS, FORMULA, SUMS
from scipy.optimize import minimize, root

import ouanalysis as ou
from ouanalysis.minima import stationary_preactivations
from ouanalysis.symbolic.sigmoid_network import hessian_block

T = sympy.Symbol("t")


def one_datum(activation, y, *, width=3, x=(1.0,)):
    return ou.SigmoidNetwork([x], [y], width, activation)


def logistic_cost(w):
    return w**2 / (1 + w**2)


# Witnesses in NumPy of what a neuron costs, written from reg = φ² + c² φ'² ‖x‖² alone.


def value_slope_bend(activation, z):
    if activation == "tanh":
        s = np.tanh(z)
        return s, 1 - s**2, -2 * s * (1 - s**2)
    s = 1 / (1 + np.exp(-z))
    return s, s * (1 - s), s * (1 - s) * (1 - 2 * s)


def network_reg(activation, c, z, norm):
    phi, slope, _ = value_slope_bend(activation, z)
    return np.sum(phi**2 + (c * slope * norm) ** 2)


# the least


@pytest.mark.parametrize("w", [1e-6, 1e-3, 0.1, 0.75, 1.0, 3.0, 40.0, 1e3])
def test_least_tanh_is_the_closed_form_at_fifty_digits(w):
    setting = one_datum("tanh", w)
    least = ou.minimum(setting)
    with mpmath.workdps(50):
        exact = 2 * mpmath.mpf(w) * (mpmath.sqrt(1 + mpmath.mpf(w) ** 2) - mpmath.mpf(w))
        assert abs(least.lower_bound - exact) <= 8 * EPS * exact
        # z and its tanh round with a condition of z/φ φ', about √w where w is large.
        rounding = FORMULA * (1 + np.sqrt(w))
        assert abs(least.value - exact) <= rounding * exact
        assert abs(float(ou.regularizer(setting, least.theta)) - exact) <= rounding * exact
    assert abs(setting.predictions(least.theta)[0] - w) <= FORMULA * w
    assert least.residual <= FORMULA * w
    assert (least.domain, least.certified) == ("any width", True)


def test_one_tanh_neuron_carries_all_and_the_width_does_not_matter():
    for width in (1, 2, 7):
        least = ou.minimum(one_datum("tanh", 0.75, width=width))
        assert least.value == pytest.approx(0.75, rel=FORMULA)  # w = 3/4: 2 (3/4) (5/4 − 3/4)
        np.testing.assert_array_equal(least.shares, [0.75] + [0.0] * (width - 1))


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize(
    ("width", "y", "norm"), [(1, 0.8, 1.0), (2, 0.9, 1.0), (2, 2.5, 0.7), (3, 1.2, 1.4), (3, -2.0, 1.0)]
)
def test_no_constrained_minimisation_goes_below_and_some_get_there(activation, width, y, norm):
    rng = np.random.default_rng(width)
    least = ou.minimum(one_datum(activation, y, width=width, x=(norm,)))

    def reg(at):
        return network_reg(activation, at[:width], at[width:], norm)

    def fit(at):
        return at[:width] @ value_slope_bend(activation, at[width:])[0] - y

    found = [np.inf]
    for _ in range(12):
        start = rng.normal(size=2 * width)
        end = minimize(
            reg,
            start,
            method="SLSQP",
            constraints={"type": "eq", "fun": fit},
            bounds=[(-30, 30)] * (2 * width),
            options={"ftol": 1e-13, "maxiter": 300},
        )
        if abs(fit(end.x)) < 1e-9:
            found.append(end.fun)
    # A residual r lowers the least by λ r, λ of the size of 1.
    assert min(found) >= least.lower_bound - 10 * 1e-9
    assert min(found) == pytest.approx(least.value, rel=100 * 1e-9)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.lists(st.floats(-4, 4), min_size=3, max_size=3))
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_no_network_has_less_than_the_least_of_its_prediction(activation, c, z):
    c, z = np.array(c), np.array(z)
    y = float(c @ value_slope_bend(activation, z)[0])
    assume(abs(y) > 1e-12)  # where terms cancel further y has few digits
    reg = network_reg(activation, c, z, 1.0)
    assert reg >= ou.minimum(one_datum(activation, y)).lower_bound * (1 - SUMS)


GRID = 20_001


def on_a_grid(total, width):
    """The least of one neuron of w₁ and equal others, over a grid; it is at most step² above the least of all w₁."""
    first = np.linspace(0, total, GRID)
    costs = logistic_cost(first) + (width - 1) * logistic_cost((total - first) / (width - 1))
    return np.min(costs)


@pytest.mark.parametrize("width", [2, 3, 4, 8, 32])
@given(total=st.floats(0.05, 12))
@example(total=1.6)  # near the threshold of width 3
@example(total=1.0)
def test_least_logistic_is_the_least_over_one_share_and_the_equal_others(width, total):
    least = ou.minimum(one_datum("logistic", total, width=width))
    assert least.domain == "this width"
    grid, step = on_a_grid(total, width), total / (GRID - 1)
    # |g''| ≤ 2, so that at most step²/4 · (2 + 2/(m − 1))/2 is lost between the points of the grid.
    assert grid - step**2 <= least.value <= grid * (1 + SUMS)
    assert least.value == pytest.approx(np.sum(logistic_cost(least.shares)), rel=SUMS)
    assert np.sum(least.shares) == pytest.approx(total, rel=SUMS)
    assert least.residual <= SUMS * total * width


def test_no_three_shares_of_the_logistic_cost_less_signs_and_all():
    # All of (v₁, v₂), the third is what is left: negative shares too.
    for total in (0.5, 1.55, 1.65, 3.0):
        grid = np.linspace(-total, 2 * total, 1201)
        first, second = np.meshgrid(grid, grid)
        costs = logistic_cost(first) + logistic_cost(second) + logistic_cost(total - first - second)
        step, value = grid[1] - grid[0], ou.minimum(one_datum("logistic", total)).value
        assert np.min(costs) - 2 * step**2 <= value <= np.min(costs) * (1 + SUMS)


def threshold(width):
    """W where equal shares and one large and the rest equal cost the same, at thirty digits."""

    def cost(w):
        return w**2 / (1 + w**2)

    def conditions(large, small):
        total = large + (width - 1) * small
        stationary = large / (1 + large**2) ** 2 - small / (1 + small**2) ** 2
        return stationary, cost(large) + (width - 1) * cost(small) - width * cost(total / width)

    with mpmath.workdps(30):
        start = {3: (1.0, 0.3), 4: (1.26, 0.22), 8: (2.15, 0.093), 32: (5.1, 0.0175)}[width]
        large, small = mpmath.findroot(conditions, start)
        assert large > 1.5 * small
        return float(large + (width - 1) * small)


@pytest.mark.parametrize(("width", "known"), [(3, 1.6036), (4, 1.9215), (8, 2.8035), (32, 5.6540)])
def test_equal_logistic_shares_are_best_up_to_the_threshold_and_not_beyond(width, known):
    total = threshold(width)
    assert total == pytest.approx(known, abs=5e-5)  # of four places
    below = ou.minimum(one_datum("logistic", total * (1 - 1e-6), width=width))
    beyond = ou.minimum(one_datum("logistic", total * (1 + 1e-6), width=width))
    np.testing.assert_allclose(below.shares, total * (1 - 1e-6) / width, rtol=FORMULA)
    assert beyond.shares[0] > 1.5 * beyond.shares[1]
    np.testing.assert_allclose(beyond.shares[1:], beyond.shares[1], rtol=FORMULA)


def test_two_logistic_neurons_part_where_equal_shares_stop_being_a_minimum():
    # W = 2/√3: the two thresholds are one, and the shares part continuously.
    total = 2 / np.sqrt(3)
    below = ou.minimum(one_datum("logistic", total * 0.999, width=2)).shares
    beyond = ou.minimum(one_datum("logistic", total * 1.001, width=2)).shares
    assert below[0] == pytest.approx(below[1], rel=FORMULA)
    assert 1.01 < beyond[0] / beyond[1] < 1.5


SHARES = np.sqrt(EPS)  # at the threshold two of them meet: rounding moves them, and what is linear in them, by its root


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@given(y=st.floats(0.1, 4), norm=st.floats(0.3, 3), angle=st.floats(0, 6.2))
def test_only_the_product_of_norm_and_label_counts(activation, y, norm, angle):
    x = norm * np.array([np.cos(angle), np.sin(angle)])
    setting = one_datum(activation, -y, x=x)
    least, unit = ou.minimum(setting), ou.minimum(one_datum(activation, norm * y))
    assert least.value == pytest.approx(unit.value, rel=ALGEBRA)
    np.testing.assert_allclose(least.shares * -norm, unit.shares, rtol=0, atol=SHARES * norm * y)
    assert setting.predictions(least.theta)[0] == pytest.approx(-y, rel=SUMS)
    for found, expected in zip(least.stationary, unit.stationary, strict=True):
        assert found.active == expected.active
        assert found.reg == pytest.approx(expected.reg, rel=ALGEBRA)
        np.testing.assert_allclose(found.shares * -norm, expected.shares, rtol=0, atol=SHARES * norm * y)
        assert found.multiplier == pytest.approx(-norm * expected.multiplier, rel=SHARES)


def test_a_tanh_label_of_zero_is_attained_by_nothing_at_all():
    least = ou.minimum(one_datum("tanh", 0.0))
    assert (least.value, least.lower_bound, least.residual) == (0, 0, 0)
    np.testing.assert_array_equal(least.theta, np.zeros(6))
    assert least.stationary == ()


def test_a_logistic_label_of_zero_is_an_infimum_that_nothing_attains():
    least = ou.minimum(one_datum("logistic", 0.0))
    assert least.theta is None
    assert (least.value, least.lower_bound) == (0, 0)
    assert np.isnan(least.residual)
    assert "not attained" in repr(least)
    for depth in (5, 10, 20):  # but one comes as near as one likes
        setting = one_datum("logistic", 0.0, width=1)
        assert 0 < ou.regularizer(setting, [0.0, -depth]) < np.exp(-2 * depth)  # φ² = e^{−2z} less terms of e^{−3z}


# stationary networks


def neurons(activation, w):
    """φ and z of a neuron of a share, in units of ‖x‖ = 1; a tanh neuron of none is zero."""
    if activation == "logistic":
        return w**2 / (1 + w**2), 2 * np.log(w)
    phi = np.sqrt(w / np.sqrt(1 + w**2))
    return phi, np.arctanh(phi)


def as_theta(setting, network):
    """A network's parameters, from its shares alone."""
    activation, norm = setting.activation.name, np.linalg.norm(setting.x[0])
    shares = np.repeat(network.shares, [network.active, setting.width - network.active])
    c, z = np.zeros(setting.width), np.zeros(setting.width)
    for j, share in enumerate(shares):
        if share:
            phi, z[j] = neurons(activation, norm * abs(share))
            c[j] = share / phi
    return setting.pack(c=c, W=np.outer(z, setting.x[0] / norm**2))


CASES = [
    *[("tanh", m, y, x) for m in (1, 2, 4) for y in (0.4, -1.5) for x in ((1.0,), (0.6, -1.1))],
    *[("logistic", m, y, x) for m in (1, 2, 3, 5) for y in (0.6, 1.7, -2.6) for x in ((1.0,), (0.6, -0.9))],
    ("logistic", 4, 6.0, (1.0,)),
    ("tanh", 3, 6.0, (0.8,)),
]


@pytest.mark.parametrize(("activation", "width", "y", "x"), CASES)
def test_every_stationary_network_is_stationary_with_its_reg_multiplier_and_curvatures(activation, width, y, x):
    setting = one_datum(activation, y, width=width, x=x)
    least = ou.minimum(setting)
    assert least.stationary[0].reg == pytest.approx(least.value, rel=SUMS)
    assert [network.reg for network in least.stationary] == sorted(network.reg for network in least.stationary)
    for network in least.stationary:
        theta = as_theta(setting, network)
        assert setting.predictions(theta)[0] == pytest.approx(y, rel=ALGEBRA)
        assert ou.regularizer(setting, theta) == pytest.approx(network.reg, rel=ALGEBRA)
        found = ou.stability(setting, ou.interpolate(setting, theta))
        assert found.gradient_norm <= ALGEBRA * np.linalg.norm(ou.regularizer_gradient(setting, theta))
        assert found.multipliers[0] == pytest.approx(network.multiplier, rel=ALGEBRA)
        assert found.unseen == width * (len(x) - 1)
        # A saturated neuron's curvature of 1e-14 is flat to within the resolution, and counted with the symmetries.
        curvatures = np.sort([*found.eigenvalues, *np.zeros(found.symmetries)])
        np.testing.assert_allclose(
            curvatures, network.eigenvalues, rtol=0, atol=ALGEBRA * np.max(np.abs(network.eigenvalues), initial=1.0)
        )
        assert len(network.eigenvalues) == 2 * width - 1
        assert network.negative == found.negative
        assert f"{network.negative} negative directions" in repr(network)


@pytest.mark.parametrize("width", [1, 2, 5, 9])
@given(w=st.floats(1e-3, 1e2))
def test_k_equal_tanh_neurons_have_k_minus_one_negative_directions(width, w):
    networks = ou.minimum(one_datum("tanh", w, width=width)).stationary
    assert [network.active for network in networks] == list(range(1, width + 1))
    assert [network.negative for network in networks] == list(range(width))
    for network in networks:
        np.testing.assert_allclose(network.shares, [w / network.active, 0], rtol=EPS)


@pytest.mark.parametrize("width", [2, 3, 4, 8])
@given(ratio=st.floats(0.05, 3).filter(lambda ratio: abs(ratio * np.sqrt(3) - 1) > 1e-6))  # where a curvature is 0
def test_equal_logistic_shares_are_a_local_minimum_below_w_over_m_of_one_over_root_three(width, ratio):
    least = ou.minimum(one_datum("logistic", width * ratio, width=width))
    (equal,) = [network for network in least.stationary if network.active == width]
    assert (equal.negative == 0) == (ratio < 1 / np.sqrt(3))
    assert equal.negative == (0 if ratio < 1 / np.sqrt(3) else width - 1)
    assert equal.reg == pytest.approx(width * logistic_cost(ratio), rel=SUMS)


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("total", [0.3, 1.0, 1.3, 1.6, 1.9, 2.4, 4.0, 10.0, 40.0])
def test_unequal_logistic_networks_are_the_changes_of_sign_of_the_stationarity_of_costs(width, total):
    # g'(a) = g'(b), a > b, on a fine grid of b: the witness of how many there are, for each number of large ones.
    least = ou.minimum(one_datum("logistic", total, width=width))
    for active in range(1, width):
        small = np.geomspace(1e-7 * total, total / width * (1 - 1e-4), 20_000)
        large = (total - (width - active) * small) / active
        difference = large / (1 + large**2) ** 2 - small / (1 + small**2) ** 2
        places = np.flatnonzero(difference[:-1] * difference[1:] < 0)
        found = sorted(abs(network.shares[1]) for network in least.stationary if network.active == active)
        assert len(found) == len(places)
        for share, place in zip(found, places, strict=True):
            assert small[place] <= share <= small[place + 1]


@pytest.mark.parametrize(
    ("activation", "width", "y"), [("tanh", 3, 1.2), ("tanh", 2, -0.4), ("logistic", 2, 1.4), ("logistic", 3, 1.65)]
)
def test_every_stationary_network_that_newton_finds_is_listed(activation, width, y):
    # ∇reg = λ∇h, h = y, in (c, z, λ), by derivatives typed above, from random starts.
    def equations(at):
        c, z, multiplier = at[:width], at[width:-1], at[-1]
        phi, slope, bend = value_slope_bend(activation, z)
        by_c = 2 * c * slope**2 - multiplier * phi
        by_z = 2 * phi * slope + 2 * c**2 * slope * bend - multiplier * c * slope
        return np.concatenate([by_c, by_z, [c @ phi - y]])

    rng = np.random.default_rng(5)
    stationary, seen = ou.minimum(one_datum(activation, y, width=width)).stationary, set()
    for _ in range(150):
        start = np.concatenate([rng.normal(size=2 * width) * 1.5, [np.sign(y)]])
        end = root(equations, start, tol=1e-13)
        # To 1e-10, which with a condition below 100 is 1e-8 of shares and multiplier. Neurons at infinity, where all of
        # this vanishes, solve it to any tolerance but are nowhere.
        if not end.success or np.max(np.abs(equations(end.x))) > 1e-10 or np.max(np.abs(end.x[width:-1])) > 12:
            continue
        phi, *_ = value_slope_bend(activation, end.x[width:-1])
        shares = np.sort(np.abs(end.x[:width] * phi))[::-1]
        matches = [
            k
            for k, network in enumerate(stationary)
            if np.allclose(
                shares, np.abs(np.repeat(network.shares, [network.active, width - network.active])), rtol=0, atol=1e-8
            )
        ]
        assert len(matches) == 1, shares
        assert end.x[-1] == pytest.approx(stationary[matches[0]].multiplier, rel=1e-8)
        seen.add(matches[0])
    assert seen == set(range(len(stationary)))  # the starts reach them all: else this test would say little


def test_repr_counts_stationary_networks_and_minima():
    text = repr(ou.minimum(one_datum("tanh", 0.75)))
    assert text.startswith("SigmoidMinimum(0.75 over any width, gap ")
    assert text.endswith("3 stationary networks, 1 minima)")
    first = repr(ou.minimum(one_datum("tanh", 0.75)).stationary[0])
    assert first == "StationaryNetwork(1 neurons of share 0.75, others 0, reg 0.75, 0 negative directions)"


# the Hessian block


BLOCK_ACTIVATIONS = {"tanh": sympy.tanh(T), "logistic": 1 / (1 + sympy.exp(-T)), "sine": sympy.sin(T) + T / 2}
BY_AUTOGRAD = {
    "tanh": anp.tanh,
    "logistic": lambda z: 1 / (1 + anp.exp(-z)),
    "sine": lambda z: anp.sin(z) + z / 2,
}


@pytest.mark.parametrize("activation", BLOCK_ACTIVATIONS)
@given(z=st.floats(-3, 3), c=st.floats(-3, 3), norm=st.floats(0.2, 3), multiplier=st.floats(-3, 3))
def test_hessian_block_is_that_of_autograd_anywhere(activation, z, c, norm, multiplier):
    phi = BY_AUTOGRAD[activation]
    slope = autograd.grad(phi)

    def lagrangian(at):
        argument = norm * at[1]
        reg = phi(argument) ** 2 + at[0] ** 2 * slope(argument) ** 2 * norm**2
        return reg - multiplier * at[0] * phi(argument)

    expected = autograd.hessian(lagrangian)(np.array([c, z / norm]))
    typed = hessian_block(BLOCK_ACTIVATIONS[activation], T, c=c, norm=norm, multiplier=multiplier)
    found = np.array(typed.subs(T, z).evalf(), dtype=float)
    np.testing.assert_allclose(found, expected, rtol=0, atol=FORMULA * (1 + c**2) * (1 + norm) ** 4)


# pre-activations of stationary neurons, for any activation


SMOOTH = {
    "tanh": ("tanh", lambda z: mpmath.tanh(z)),
    "logistic": ("logistic", lambda z: 1 / (1 + mpmath.exp(-z))),
    "erf": (sympy.erf(T), lambda z: mpmath.erf(z)),
    "atan": (sympy.atan(T), lambda z: mpmath.atan(z)),
    "sine": (sympy.sin(T) + T / 2, lambda z: mpmath.sin(z) + z / 2),
}


def derivatives(name, z):
    """φ, φ', φ'' in floats, typed by hand."""
    if name in ("tanh", "logistic"):
        return value_slope_bend(name, z)
    if name == "erf":
        slope = 2 / np.sqrt(np.pi) * np.exp(-(z**2))
        return np.array([float(mpmath.erf(entry)) for entry in np.atleast_1d(z)]), slope, -2 * z * slope
    if name == "atan":
        return np.arctan(z), 1 / (1 + z**2), -2 * z / (1 + z**2) ** 2
    return np.sin(z) + z / 2, np.cos(z) + 0.5, -np.sin(z)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("given_as", [{"multiplier": 0.9}, {"multiplier": -0.3}, {"share": 0.6}, {"share": -2.0}])
def test_stationary_preactivations_are_the_changes_of_sign_on_a_dense_grid(name, given_as):
    setting = one_datum(SMOOTH[name][0], 1.0, width=1, x=(0.6, 0.9))
    norm = np.hypot(0.6, 0.9)
    found = stationary_preactivations(setting, (-4.1, 5.2), **given_as)
    grid = np.linspace(-4.1, 5.2, 20_001)
    phi, slope, bend = derivatives(name, grid)
    if "multiplier" in given_as:
        values = 4 * norm**2 * slope**4 / given_as["multiplier"] ** 2 - (slope**2 - phi * bend)
    else:
        values = slope * (phi**4 - (norm * given_as["share"]) ** 2 * (slope**2 - phi * bend))  # λ = 0 where φ' = 0
    places = np.flatnonzero(values[:-1] * values[1:] < 0)
    assert found.certified
    assert len(found.values) == len(places)
    assert np.all((grid[places] <= found.values) & (found.values <= grid[places + 1]))


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("share", [0.3, 1.0, -2.5])
def test_share_and_multiplier_forms_agree(name, share):
    setting = one_datum(SMOOTH[name][0], 1.0, width=1, x=(0.7, -0.4))
    norm = np.hypot(0.7, 0.4)
    for z in stationary_preactivations(setting, (0.05, 4), share=share).values:
        phi, slope, _ = (float(np.squeeze(part)) for part in derivatives(name, z))
        multiplier = 2 * slope**2 * norm**2 * share / phi**2  # c = v/φ = λφ/(2φ'²‖x‖²)
        if abs(slope) < ALGEBRA:  # there λ = 0, which has no such equation
            continue
        others = stationary_preactivations(setting, (0.05, 4), multiplier=multiplier).values
        assert np.min(np.abs(others - z)) < ALGEBRA


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_the_preactivations_of_a_share_are_those_of_the_closed_form(activation):
    for w in (0.2, 0.75, 3.0):
        found = stationary_preactivations(one_datum(activation, 1.0, x=(2.0,)), (-8, 8), share=w / 2)
        _, z = neurons(activation, w)
        expected = [z] if activation == "logistic" else [-z, z]
        np.testing.assert_allclose(found.values, expected, rtol=FORMULA)
        assert found.certified


@given(st.floats(0.02, 4), st.floats(0.3, 2))
@example(2.0, 1.0)
def test_tanh_neurons_of_one_multiplier_have_one_size(multiplier, norm):
    found = stationary_preactivations(one_datum("tanh", 1.0, x=(norm,)), (-12, 12), multiplier=multiplier)
    assert (
        found.certified or abs(multiplier / (2 * norm) - 1) < 1e-6
    )  # there the roots ±z meet at 0, as the root of this
    assert len(np.unique(np.abs(found.values).round(12))) == len(found.values) // 2 <= 1
    # (4‖x‖²/λ²)(1 − s²)³ = 1 + s² has a root in s² iff λ < 2‖x‖; the root is in reach unless λ is tiny.
    if multiplier > 2 * norm * (1 + 1e-9):
        assert len(found.values) == 0
    elif multiplier < 2 * norm * (1 - 1e-6):
        assert len(found.values) == 2


@given(st.floats(0.2, 4), st.floats(0.5, 2))
def test_logistic_neurons_of_one_multiplier_have_at_most_two_values(multiplier, norm):
    found = stationary_preactivations(one_datum("logistic", 1.0, x=(norm,)), (-6.2, 4), multiplier=multiplier)
    # s(1 − s)³ = λ²/4‖x‖² ≤ 27/256; at least 1/400 here, so that −6 < z < 1.9.
    ratio = 4 * norm**2 / multiplier**2 * 27 / 256
    if abs(ratio - 1) > 1e-6:  # there the two roots are one: they part as the root of this, and 1e-3 is told apart
        assert found.certified
        assert len(found.values) == (2 if ratio > 1 else 0)
        s = 1 / (1 + np.exp(-found.values))
        np.testing.assert_allclose(4 * norm**2 / multiplier**2 * s * (1 - s) ** 3, 1, rtol=ALGEBRA)


def test_a_sine_has_more_than_two_kinds_of_neuron():
    setting = one_datum(sympy.sin(T) + T / 2, 1.0, width=1)
    found = stationary_preactivations(setting, (0.1, 12), multiplier=0.5)
    assert found.certified
    assert len(found.values) > 2


# bad input


def test_stationary_preactivations_take_one_of_multiplier_and_share():
    setting = one_datum("tanh", 1.0)
    for both in ({}, {"multiplier": 1.0, "share": 1.0}):
        with pytest.raises(TypeError, match=r"^multiplier, share: expected one of them, got .* and .*$"):
            stationary_preactivations(setting, (0.1, 1), **both)
    for name in ("multiplier", "share"):
        with pytest.raises(ValueError, match=rf"^{name}: expected a number other than 0, got 0$"):
            stationary_preactivations(setting, (0.1, 1), **{name: 0.0})
        with pytest.raises(ValueError, match=rf"^{name}: expected finite numbers, got nan"):
            stationary_preactivations(setting, (0.1, 1), **{name: np.nan})
    with pytest.raises(ValueError, match=r"^interval: expected a lower and a greater upper end, got 2 and 1$"):
        stationary_preactivations(setting, (2, 1), share=1.0)


def test_more_than_one_datum_is_refused_where_stationary_networks_are_not_known():
    setting = ou.SigmoidNetwork([[1.0], [2.0]], [1.0, 1.0], width=2)
    with pytest.raises(ValueError, match=r"^setting: expected one datum, .*, got 2$"):
        stationary_preactivations(setting, (0.1, 1), share=1.0)


def test_a_datum_at_zero_is_refused():
    for activation in ("tanh", "logistic"):
        with pytest.raises(ValueError, match=r"^x: expected a datum other than 0, got 0$"):
            ou.minimum(one_datum(activation, 1.0, x=(0.0, 0.0)))
    with pytest.raises(ValueError, match=r"^x: expected a datum other than 0, got 0$"):
        stationary_preactivations(one_datum("tanh", 1.0, x=(0.0,)), (0.1, 1), share=1.0)
