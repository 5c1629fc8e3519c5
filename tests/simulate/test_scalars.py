"""The functions of floats that compiled programs call, against NumPy's."""

import numba
import numpy as np
import pytest
from rounding import EPS, FORMULA

from ouanalysis import activations
from ouanalysis.simulate.kernels import scalars

NUMBERS = np.array([0.0, 1e-300, 1e-8, 0.3, 1.0, 2.5, 19.0, 22.1, 700.0, 1e308, np.inf, np.nan])
EVERY = np.concatenate([NUMBERS, -NUMBERS])
PAIRS = [pair.ravel() for pair in np.meshgrid(EVERY, EVERY)]
UNARY = {"tanh": np.tanh, "sign": np.sign, "square": np.square, "logistic": activations.logistic}
UNARY["softplus"] = activations.softplus
BINARY = {name: getattr(np, name) for name in ("divide", "maximum", "minimum", "logaddexp", "remainder")}


def mapped(function, *columns):
    """The function of each entry, in one compiled loop."""

    @numba.njit
    def one(out, a):
        for i in range(len(out)):
            out[i] = function(a[i])

    @numba.njit
    def two(out, a, b):
        for i in range(len(out)):
            out[i] = function(a[i], b[i])

    out = np.empty(len(columns[0]))
    (one if len(columns) == 1 else two)(out, *columns)
    return out


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_one_float_is_that_of_numpy_at_every_float(name):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(mapped(getattr(scalars, name), EVERY), UNARY[name](EVERY), rtol=FORMULA, atol=0)


@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_two_floats_is_that_of_numpy_at_every_pair(name):
    with np.errstate(all="ignore"):
        got, wanted = mapped(getattr(scalars, name), *PAIRS), BINARY[name](*PAIRS)
    np.testing.assert_allclose(got, wanted, rtol=FORMULA, atol=0)


@pytest.mark.parametrize("size", [1e-9, 1e-3, 0.1, 1.0, 3.0, 10.0])
def test_tanh_is_right_to_two_ulp_of_what_numpy_has_to_one(size):
    x = size * np.random.default_rng(0).standard_normal(10000)
    np.testing.assert_allclose(mapped(scalars.tanh, x), np.tanh(x), rtol=3 * EPS, atol=0)


def test_an_array_on_the_stack_is_anew_at_every_call():
    @numba.njit
    def last(k):
        array = scalars.on_stack(100)
        for i in range(100):
            array[i] = i * k
        return array[99]

    assert [last(1.0), last(2.0)] == [99.0, 198.0]
