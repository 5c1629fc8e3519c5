"""Every operation that a trace follows has NumPy's value and autograd's slope."""

import operator
from functools import partial

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from rounding import EPS

import ouanalysis as ou
from ouanalysis.symbolic.symbols import exact_number
from ouanalysis.symbolic.traced import expression_of, traced

EVERYWHERE = [
    "sin",
    "tan",
    "sinh",
    "tanh",
    "arcsin",
    "arctan",
    "arcsinh",
    "arctanh",
    "expm1",
    "log1p",
    "negative",
    "conjugate",
]
EVERYWHERE += ["exp", "cos", "cosh", "arccos", "square", "abs"]
ABOVE_ONE = ["log", "sqrt", "arccosh"]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


def composed(theta, x, *, f, shift):
    """f of shift + (a number in (−1/2, 1/2) that depends on theta)."""
    return f(shift + theta[..., 0] * x / (1 + theta[..., 0] ** 2 * x**2))


OPERATIONS = {name: partial(composed, f=getattr(anp, name), shift=0) for name in EVERYWHERE}
OPERATIONS |= {name: partial(composed, f=getattr(anp, name), shift=2) for name in ABOVE_ONE}
for of in BINARY:
    OPERATIONS[f"{of.__name__}, a number second"] = partial(composed, f=lambda u, of=of: of(u, 3.0), shift=2)
    OPERATIONS[f"{of.__name__}, a number first"] = partial(composed, f=lambda u, of=of: of(3.0, u), shift=2)
    OPERATIONS[f"{of.__name__} of two"] = partial(composed, f=lambda u, of=of: of(u, 3 - u), shift=2)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_traced_operation_is_the_numeric_one(name):
    setting = ou.Setting(OPERATIONS[name], [1.0, -0.5], [0.0, 0.0], dim=1)
    traced = ou.symbolic.trace(setting)
    for theta in ([0.75], [-0.375]):
        values = ou.symbolic.compile(traced.h, traced.theta)(theta)
        slopes = ou.symbolic.compile(traced.jacobian, traced.theta)(theta)
        # Some ten roundings of numbers of order one, none of them a cancellation.
        np.testing.assert_allclose(np.ravel(values), setting.predictions(theta), rtol=0, atol=100 * EPS)
        np.testing.assert_allclose(np.ravel(slopes), np.ravel(ou.jacobian(setting, theta)), rtol=0, atol=100 * EPS)


@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": (0, 2)}, {"axis": -1, "keepdims": True}], ids=str)
def test_sums_and_means_over_any_axes_are_those_of_the_entries(options):
    numbers = np.arange(24).reshape(2, 3, 4)
    symbols = traced(np.vectorize(sympy.Integer, otypes=[object])(numbers))
    for function in (np.sum, np.mean):
        entries = np.vectorize(expression_of, otypes=[float])(function(symbols, **options))
        np.testing.assert_array_equal(entries, function(numbers, **options))


def test_a_sum_of_nothing_is_zero():
    nothing = traced(np.empty((2, 0), dtype=object))
    assert [expression_of(entry) for entry in nothing.sum(axis=1)] == [0, 0]
    assert expression_of(nothing.sum()) == 0


@pytest.mark.parametrize(("value", "exact"), [(0.123, "123/1000"), (1 / 997, "1/997"), (-4.999, "-4999/1000")])
def test_fractions_are_exact_up_to_a_denominator_of_a_thousand(value, exact):
    assert exact_number(value) == sympy.Rational(exact)
    assert exact_number(1 / 1009).is_Float
