"""Piecewise linear functions against hand values, NumPy's interpolation, and sums of ramps in fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import EPS
from strategies import numbers, relu_networks, settings_with_theta

import ouanalysis as ou
from ouanalysis.minima import network_function

TENT = ou.PiecewiseLinear([-1.0, 0.0, 2.0], [0.0, 1.0, -0.5, 0.25], through=(-3.0, 2.0))


def test_a_tent_has_its_values_by_hand():
    np.testing.assert_array_equal(
        TENT([-5.0, -3.0, -1.0, -0.5, 0.0, 1.0, 2.0, 6.0]), [2.0, 2.0, 2.0, 2.5, 3.0, 2.5, 2.0, 3.0]
    )
    assert TENT(-0.5) == 2.5
    assert TENT([[0.0, 1.0], [2.0, 6.0]]).shape == (2, 2)
    np.testing.assert_array_equal(TENT.slope_changes, [1.0, -1.5, 0.75])
    assert TENT.convexity_changes == 2


@pytest.mark.parametrize(
    "through", [(-5.0, 2.0), (-1.0, 2.0), (-0.5, 2.5), (0.0, 3.0), (1.0, 2.5), (2.0, 2.0), (6.0, 3.0)]
)
def test_whichever_of_its_points_a_function_goes_through_it_is_the_same(through):
    x = np.linspace(-7, 7, 57)
    np.testing.assert_array_equal(ou.PiecewiseLinear(TENT.kinks, TENT.slopes, through)(x), TENT(x))


def test_between_its_kinks_a_function_is_their_interpolation():
    x = np.linspace(-1, 2, 100)
    # A product and two sums, on either side.
    np.testing.assert_allclose(TENT(x), np.interp(x, [-1.0, 0.0, 2.0], [2.0, 3.0, 2.0]), rtol=8 * EPS)


@pytest.mark.parametrize("none", [[], (), np.zeros(0)])
def test_without_kinks_it_is_a_straight_line(none):
    line = ou.PiecewiseLinear(none, [-2.0], through=(1.0, 5.0))
    np.testing.assert_array_equal(line([-1.0, 1.0, 3.5]), [9.0, 5.0, 0.0])
    assert (line.convexity_changes, line.slope_changes.shape, line.kinks.shape) == (0, (0,), (0,))
    assert repr(line) == "PiecewiseLinear(0 kinks, 0 changes of convexity)"


@st.composite
def piecewise(draw):
    kinks = np.sort(draw(st.lists(st.integers(-64, 64), max_size=6, unique=True)))
    slopes = draw(numbers(len(kinks) + 1, bound=4.0))
    return kinks / 32, slopes, tuple(draw(numbers(2, bound=3.0)))


def by_ramps(kinks, slopes, through, x):
    """slope₀ x + Σ (change of slope) (x − kink)₊ + constant, in fractions."""
    kinks, slopes, through = ([Fraction(float(entry)) for entry in part] for part in (kinks, slopes, through))

    def ramps(place):
        bends = zip(kinks, slopes, slopes[1:], strict=False)
        return slopes[0] * place + sum((right - left) * max(place - kink, 0) for kink, left, right in bends)

    return [float(ramps(Fraction(float(place))) - ramps(through[0]) + through[1]) for place in x]


@given(piecewise(), numbers(7, bound=4.0))
def test_a_function_is_a_line_and_a_ramp_a_kink(drawn, x):
    # Few binary places: every product and sum here is exact.
    np.testing.assert_array_equal(ou.PiecewiseLinear(*drawn)(x), by_ramps(*drawn, x))


@given(piecewise())
def test_a_function_goes_through_its_point_and_has_its_slopes(drawn):
    kinks, slopes, (place, value) = drawn
    function = ou.PiecewiseLinear(*drawn)
    assert function(place) == value
    ends = np.concatenate([[-8.0], kinks, [8.0]])
    # Values of few binary places, exact, and a quotient.
    np.testing.assert_allclose(np.diff(function(ends)) / np.diff(ends), slopes, rtol=EPS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([1, 2, 3], 0),
        ([1, -1], 1),
        ([1, 0, -1], 1),
        ([1, 0, 1], 0),
        ([0, 0], 0),
        ([-1, 2, 2, -3, 0, -1, 4], 3),
        ([0, -1, 0, 1, 0], 1),
    ],
)
def test_convexity_changes_are_counted_between_bends_that_bend(changes, expected):
    function = ou.PiecewiseLinear(np.arange(len(changes)), np.concatenate([[0], np.cumsum(changes)]), (0, 0))
    assert function.convexity_changes == expected
    assert repr(function) == f"PiecewiseLinear({len(changes)} kinks, {expected} changes of convexity)"


def test_a_function_keeps_copies_that_nobody_changes():
    kinks = np.array([0.0, 1.0])
    function = ou.PiecewiseLinear(kinks, [0.0, 1.0, 0.0], (0.0, 0.0))
    kinks[0] = -9.0
    assert function.kinks[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        function.kinks[0] = 1.0
    with pytest.raises(AttributeError):
        function.kinks = kinks


CASES = {
    "kinks: expected increasing numbers, got [0. 0.]": lambda: ou.PiecewiseLinear([0, 0], [1, 2, 3], (0, 0)),
    "kinks: expected increasing numbers, got [1. 0.]": lambda: ou.PiecewiseLinear([1, 0], [1, 2, 3], (0, 0)),
    "kinks: expected shape (k,), got ()": lambda: ou.PiecewiseLinear(1.0, [1, 2], (0, 0)),
    "kinks: expected shape (k,), got (1, 2)": lambda: ou.PiecewiseLinear([[0, 1]], [1, 2, 3], (0, 0)),
    "kinks: expected finite numbers, got inf at [1]": lambda: ou.PiecewiseLinear([0, np.inf], [1, 2, 3], (0, 0)),
    "slopes: expected shape (2,), got (3,)": lambda: ou.PiecewiseLinear([0], [1, 2, 3], (0, 0)),
    "slopes: expected shape (1,), got (0,)": lambda: ou.PiecewiseLinear([], [], (0, 0)),
    "slopes: expected finite numbers, got nan at [0]": lambda: ou.PiecewiseLinear([0], [np.nan, 1], (0, 0)),
    "through: expected shape (2,), got ()": lambda: ou.PiecewiseLinear([0], [0, 1], 0.0),
    "through: expected shape (2,), got (3,)": lambda: ou.PiecewiseLinear([0], [0, 1], (0, 0, 0)),
    "x: expected finite numbers, got nan at [1]": lambda: TENT([0.0, np.nan]),
    "x: expected real numbers, got 'a' of type str": lambda: TENT("a"),
}


@pytest.mark.parametrize("message", CASES)
def test_bad_input_is_one_line_that_names_expected_and_got(message):
    with pytest.raises((ValueError, TypeError)) as caught:
        CASES[message]()
    assert str(caught.value) == message


def test_many_kinks_out_of_order_are_still_one_line():
    with pytest.raises(ValueError, match="kinks: expected increasing numbers, got") as caught:
        ou.PiecewiseLinear(np.arange(100)[::-1], np.zeros(101), (0, 0))
    assert "\n" not in str(caught.value)


@given(settings_with_theta(relu_networks()))
def test_the_function_of_a_network_is_h_everywhere(drawn):
    setting, theta = drawn
    function = network_function(setting, theta)
    grid = np.linspace(-5, 5, 201)
    # Some thirty roundings of numbers up to 2 (2 · 5 + 2) 4 + 12, about 100.
    np.testing.assert_allclose(function(grid), setting.h(theta[None], grid), rtol=0, atol=16 * EPS * 100)
    part = setting.unpack(theta)
    bends = (part["a"] != 0) & (part["c"] != 0)
    assert set(function.kinks) <= set(-part["b"][bends] / part["a"][bends])


def test_kinks_of_a_network_at_one_place_are_one_and_none_where_they_cancel():
    setting = ou.ReluNetwork([-1.0, 1.0], [0.0, 0.0], 6)
    theta = setting.pack(
        a=[1.0, -2.0, 1.0, 0.5, 0.0, 3.0],
        b=[-0.5, 1.0, 0.0, 0.0, 2.0, 1.0],
        c=[1.0, 1.0, 1.0, -2.0, 5.0, 0.0],
        alpha=0.25,
        beta=1.0,
    )
    function = network_function(setting, theta)
    np.testing.assert_array_equal(function.kinks, [0.5])  # right by 1 and left by 2; ±1 at 0 cancel
    np.testing.assert_array_equal(function.slopes, [-1.75, 1.25])
    assert function(0.5) == 0.125 + 1.0 + 10.0


def test_the_function_of_other_settings_is_refused():
    with pytest.raises(TypeError, match=r"^setting: expected a ReluNetwork, got MatrixSensing$"):
        network_function(ou.MatrixSensing(np.eye(2)[None], [1.0]), np.zeros(4))
    setting = ou.ReluNetwork([0.0], [0.0], 1)
    with pytest.raises(ValueError, match=r"^theta: expected shape \(5,\), got \(2, 5\)$"):
        network_function(setting, np.zeros((2, 5)))


def test_wide_kinks_out_of_order_are_one_line():
    with pytest.raises(ValueError, match="kinks: expected increasing numbers, got") as caught:
        ou.PiecewiseLinear(-np.pi * 1e5 * np.arange(1, 7), np.zeros(7), (0, 0))
    assert "\n" not in str(caught.value)
