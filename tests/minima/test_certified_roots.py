"""Roots that are known, each in its own enclosure; what is not proved is said to be open."""

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import example, given
from hypothesis import strategies as st
from rounding import EPS, FORMULA

from ouanalysis.minima import real_roots

T = sympy.Symbol("t", real=True)


def exact(value):
    return mpmath.mpf(sympy.Rational(value).p) / sympy.Rational(value).q


def check_enclosed(found, roots):
    """Each enclosure holds exactly one of these roots, and each root is in one; both at fifty digits."""
    assert len(found.enclosures) == len(roots)
    with mpmath.workdps(50):
        for low, high in found.enclosures:
            inside = [root for root in roots if exact(float(low)) <= root <= exact(float(high))]
            assert len(inside) == 1, (low, high)
            # A few floats wide, which about 0 lie as close as one likes.
            assert high - low <= 4 * np.spacing(max(abs(low), abs(high))) or high - low < 1e-30


# polynomials


@given(
    st.lists(st.integers(-40, 40), min_size=1, max_size=6, unique=True),
    st.integers(-41, 0),
    st.integers(1, 41),
    st.integers(1, 8),
)
@example([-18, -13, -16, -14, -17, -19], -22, 1, 1)
def test_the_roots_of_a_product_are_its_factors(places, left, right, spread):
    # (spread t − k): rational roots, often at the ends of the interval.
    polynomial = sympy.expand(sympy.prod(spread * T - place for place in places))
    found = real_roots(polynomial, T, (left, right))
    assert found.certified
    with mpmath.workdps(50):
        roots = [mpmath.mpf(place) / spread for place in places if left * spread <= place <= right * spread]
        check_enclosed(found, roots)
    assert list(found.values) == sorted(found.values)


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=7))
def test_the_roots_of_any_polynomial_are_those_that_sturm_counts(coefficients):
    polynomial = sympy.Poly(coefficients, T)
    if polynomial.is_zero:
        return
    found = real_roots(polynomial.as_expr(), T, (-50, 50))
    square_free = polynomial.quo(sympy.gcd(polynomial, polynomial.diff()))
    distinct = square_free.count_roots(-50, 50)
    multiple = polynomial.degree() - square_free.degree()
    if not multiple:
        assert found.certified
        assert len(found.values) == distinct
    else:  # a real multiple root is left open; each simple one is found still
        simple = sum(1 for factor, power in polynomial.factor_list()[1] if power == 1 for _ in factor.real_roots())
        real_multiple = distinct - simple
        assert len(found.values) == simple
        assert len(found.undecided) == real_multiple


def test_chebyshev_roots_at_fifty_digits():
    found = real_roots(sympy.chebyshevt(12, T), T, (-1, 1))
    with mpmath.workdps(50):
        check_enclosed(found, [mpmath.cos(mpmath.pi * (2 * k + 1) / 24) for k in range(12)])
    assert found.certified
    assert repr(found) == "Roots(12 in [-1, 1], certified)"


# other functions


def test_the_roots_of_sine_are_the_multiples_of_pi():
    found = real_roots(sympy.sin(T), T, (-1, 100))
    with mpmath.workdps(50):
        check_enclosed(found, [k * mpmath.pi for k in range(32)])
    assert found.certified


@pytest.mark.parametrize("level", [-0.9, 0.1, 0.75])
def test_the_root_of_tanh_is_the_inverse(level):
    found = real_roots(sympy.tanh(T) - level, T, (-3, 3))
    with mpmath.workdps(50):
        check_enclosed(found, [mpmath.atanh(mpmath.mpf(level))])


@pytest.mark.parametrize(
    ("expression", "interval", "starts"),
    [
        (sympy.exp(T) - 3 * T, (-1, 3), (0.6, 1.5)),
        (sympy.cos(T) - T, (-5, 5), (0.7,)),
        (sympy.erf(T) - T / 2, (-4, 4), (-1.8, 0, 1.8)),
        (sympy.atan(T) * sympy.exp(-(T**2)) - sympy.Rational(1, 10), (0, 5), (0.1, 1.4)),
        (T * sympy.log(T) + sympy.Rational(1, 4), (0.001, 2), (0.1, 0.6)),
        (sympy.sqrt(T + 1) - T**2, (-0.9, 3), (-0.72, 1.2)),
        (sympy.pi * T - sympy.E, (0, 2), (0.86,)),
    ],
)
def test_enclosures_hold_the_roots_that_mpmath_finds(expression, interval, starts):
    function = sympy.lambdify(T, expression, modules="mpmath")
    found = real_roots(expression, T, interval)
    assert found.certified
    with mpmath.workdps(50):
        check_enclosed(found, [mpmath.findroot(function, start) for start in starts])


def test_many_close_roots_are_all_found():
    found = real_roots(sympy.sin(1 / T), T, (0.01, 1))
    with mpmath.workdps(50):
        check_enclosed(found, [1 / (k * mpmath.pi) for k in range(1, 32)])


def test_two_roots_a_tenth_of_a_billionth_apart_are_told_apart():
    found = real_roots((T - 1) * (T - 1 - sympy.Rational(1, 10**10)), T, (0, 3))
    with mpmath.workdps(50):
        check_enclosed(found, [mpmath.mpf(1), 1 + mpmath.mpf(10) ** -10])


# the ends of the interval


def test_roots_at_both_ends_are_found_once():
    found = real_roots(T**2 - 1, T, (-1, 1))
    np.testing.assert_array_equal(found.enclosures, [[-1, -1], [1, 1]])
    assert found.certified
    np.testing.assert_array_equal(real_roots(sympy.log(T), T, (1, 2)).values, [1])
    np.testing.assert_array_equal(real_roots(T**2 - T, T, (0, 0.5)).values, [0])


def test_a_root_where_an_interval_is_cut_is_found_once():
    cut = 0.4871  # of [0, 1], where it is cut first, as the derivative has a zero in it
    found = real_roots((T - sympy.Rational(cut)) * (T - sympy.Rational(9, 10)), T, (0, 1))
    np.testing.assert_allclose(found.values, [cut, 0.9], rtol=4 * EPS)  # the width of an enclosure
    assert found.certified


def test_a_root_just_outside_is_not_found():
    third = 1 / 3  # as a float, below the number
    assert third < sympy.Rational(1, 3)
    inside, outside = real_roots(3 * T - 1, T, (0, np.nextafter(third, 1))), real_roots(3 * T - 1, T, (0, third))
    assert (len(inside.values), inside.certified) == (1, True)
    assert (len(outside.values), outside.certified) == (0, True)


def test_a_root_at_an_end_that_no_arithmetic_settles_stays_open():
    found = real_roots(sympy.exp(T) - sympy.E, T, (0, 1))
    assert len(found.values) == 0
    assert not found.certified
    assert np.any((found.undecided[:, 0] <= 1) & (found.undecided[:, 1] >= 1))


def test_float_coefficients_are_the_numbers_that_they_are():
    # 0.1 is above 1/10, by 5.6e-18: 10 t − 1 has no root where t = 0.1 exactly.
    found = real_roots(T - 0.1, T, (0, 1))
    with mpmath.workdps(50):
        check_enclosed(found, [exact(0.1)])
        assert exact(0.1) > mpmath.mpf(1) / 10
    for interval in ((0, 0.1), (0.1, 1)):
        assert len(real_roots(T - 0.1, T, interval).values) == 1
    assert len(real_roots(T - sympy.Rational(1, 10), T, (0, 0.1)).values) == 1  # 1/10 is below the float
    assert len(real_roots(T - sympy.Rational(1, 10), T, (0.1, 1)).values) == 0
    found = real_roots(T**2 - (2 + 2**-49), T, (0, 2))  # beyond the fifteen digits that SymPy prints
    with mpmath.workdps(50):
        check_enclosed(found, [mpmath.sqrt(2 + mpmath.mpf(2) ** -49)])


# what is not decided


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ((T - 1) ** 2, 1),
        (T**3, 0),
        (1 - sympy.cos(T), 0),
        ((T - sympy.Rational(1, 3)) ** 2 * (T**2 + 1), 1 / 3),
        (T**2 + sympy.Rational(1, 10**40), 0),  # none, but nearer to one than is looked
        (1 / T, 0),
        (sympy.tan(T), np.pi / 2),
        (sympy.sqrt(T + 1) + 1, -1),  # no root, but no derivative
    ],
)
def test_double_roots_and_poles_are_open_neither_dropped_nor_doubled(expression, place):
    found = real_roots(expression, T, (-1, 2))
    (piece,) = found.undecided
    assert piece[0] <= place <= piece[1]
    assert piece[1] - piece[0] <= 2 * 3 * 2.0**-40  # two of the narrowest pieces, where the place is between them
    assert not found.certified
    assert not np.any((found.enclosures[:, 0] <= piece[1]) & (found.enclosures[:, 1] >= piece[0]))
    assert "1 pieces undecided" in repr(found)


def test_simple_roots_beside_a_double_one_are_found():
    found = real_roots((T - 1) ** 2 * (T - 3) * (T + 2), T, (-4, 4))
    with mpmath.workdps(50):
        check_enclosed(found, [mpmath.mpf(-2), mpmath.mpf(3)])
    assert len(found.undecided) == 1


def test_a_function_that_is_zero_in_disguise_is_all_open():
    found = real_roots(sympy.sin(T) ** 2 + sympy.cos(T) ** 2 - 1, T, (0, 1))
    assert len(found.values) == 0
    assert (found.undecided[0, 0], found.undecided[-1, 1]) == (0, 1)


def test_a_constant_has_no_roots():
    found = real_roots(sympy.Integer(3), T, (0, 1))
    assert (len(found.values), found.certified) == (0, True)
    assert found.enclosures.shape == (0, 2)


# without ball arithmetic


@pytest.mark.parametrize(
    ("expression", "interval", "roots"),
    [
        (sympy.zeta(T), (-9, -1), [-8, -6, -4, -2]),  # the trivial ones, two of them at points of the grid
        (sympy.besselj(0, T), (0, 10), [float(mpmath.besseljzero(0, k)) for k in (1, 2, 3)]),
        (sympy.Abs(T) - 1, (-3, 2.7), [-1, 1]),
        (sympy.EulerGamma - T, (0, 1), [float(mpmath.euler)]),
        (sympy.gamma(T) - 2, (0.2, 5), [float(mpmath.findroot(lambda t: mpmath.gamma(t) - 2, 0.44)), 3]),
    ],
)
def test_functions_without_ball_arithmetic_give_roots_that_claim_no_proof(expression, interval, roots):
    found = real_roots(expression, T, interval)
    np.testing.assert_allclose(found.values, roots, rtol=FORMULA)
    assert not found.certified
    assert not found.ball_arithmetic
    assert len(found.undecided) == 0
    assert repr(found).endswith("uncertified: changes of sign on a grid)")


# bad input


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        ((1, 1), r"^interval: expected a lower and a greater upper end, got 1 and 1$"),
        ((2, 1), r"^interval: expected a lower and a greater upper end, got 2 and 1$"),
        ((0, np.inf), r"^interval: expected finite numbers, got inf at \[1\]$"),
        ((np.nan, 1), r"^interval: expected finite numbers, got nan at \[0\]$"),
        ((0, 1, 2), r"^interval: expected shape \(2,\), got \(3,\)$"),
    ],
)
def test_bad_intervals_are_refused(interval, message):
    with pytest.raises(ValueError, match=message):
        real_roots(T**2 - 2, T, interval)


def test_expressions_of_other_symbols_and_zero_are_refused():
    with pytest.raises(ValueError, match=r"^expression: expected a real one with no symbol but t, got s\*t$"):
        real_roots(sympy.Symbol("s") * T, T, (0, 1))
    with pytest.raises(ValueError, match=r"^expression: expected one that is not 0 everywhere, got 0$"):
        real_roots(T - T, T, (0, 1))
