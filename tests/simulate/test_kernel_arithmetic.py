"""What the compiled loops are made of: sums in parts, exponentials by arithmetic, sizes that Numba knows."""

import numba
import numpy as np
import pytest
from rounding import EPS
from strategies import CASES

import ouanalysis as ou
from ouanalysis.simulate import plan
from ouanalysis.simulate.kernels import exists, exponential
from ouanalysis.simulate.kernels.dot import dot
from ouanalysis.simulate.kernels.sizes import LARGEST, known, size


@numba.njit
def inner_product(a, b):
    return dot(a, b)


@numba.njit
def values_and_slopes(function, z):
    values, slopes = np.empty_like(z), np.empty_like(z)
    for j in range(len(z)):
        values[j], slopes[j] = function(z[j])
    return values, slopes


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 16, 100])
def test_dot_is_the_inner_product(n):
    a, b = np.random.default_rng(n).standard_normal((2, n))
    exact = np.sum(np.longdouble(a) * np.longdouble(b))
    assert abs(inner_product(a, b) - exact) <= n * EPS * np.sum(np.abs(a * b))


NUMBERS = np.concatenate([np.logspace(-320, 3, 4000), np.linspace(0, 40, 4001)])


@pytest.mark.parametrize("sign", [1, -1])
def test_tanh_is_that_of_longer_floats(sign):
    z = sign * NUMBERS
    exact = np.tanh(np.longdouble(z))
    values, slopes = values_and_slopes(exponential.tanh, z)
    np.testing.assert_array_less(np.abs(values - exact), 3 * np.spacing(np.abs(values)))  # as its docstring says
    np.testing.assert_allclose(slopes, np.float64(1 - exact**2), rtol=0, atol=4 * EPS)  # of 1, from which it comes


@pytest.mark.parametrize("sign", [1, -1])
def test_logistic_is_that_of_longer_floats(sign):
    z = sign * NUMBERS[NUMBERS < 700]
    small = np.exp(-np.abs(np.longdouble(z)))
    exact = (1 if sign > 0 else small) / (1 + small), small / (1 + small) ** 2
    for value, expected in zip(values_and_slopes(exponential.logistic, z), exact, strict=True):
        np.testing.assert_array_less(np.abs(value - expected), 6 * np.spacing(value))  # e^z: 2, and five roundings more


def test_no_number_is_an_exception():
    z = np.array([0.0, -0.0, np.inf, -np.inf, 1e300, -1e300, np.nan])
    values, slopes = values_and_slopes(exponential.tanh, z)
    np.testing.assert_array_equal(values, [0, 0, 1, -1, 1, -1, np.nan])
    np.testing.assert_array_equal(slopes, [1, 1, 0, 0, 0, 0, np.nan])
    values, slopes = values_and_slopes(exponential.logistic, z)
    np.testing.assert_allclose(values, [0.5, 0.5, 1, 0, 1, 0, np.nan], rtol=0, atol=1e-300)
    np.testing.assert_allclose(slopes, [0.25, 0.25, 0, 0, 0, 0, np.nan], rtol=0, atol=1e-300)


def test_a_known_size_is_the_number_that_it_stands_for():
    measured = numba.njit(lambda of: size(of))
    assert [measured(known(n)) for n in (1, LARGEST, LARGEST + 1)] == [1, LARGEST, LARGEST + 1]
    assert known(LARGEST) == (None,) * LARGEST
    assert known(LARGEST + 1) == LARGEST + 1


@pytest.mark.parametrize("case", CASES)
def test_a_long_run_takes_the_steps_of_a_short_one_to_the_last_bit(case, monkeypatch):
    setting = CASES[case]
    assert exists(setting)
    start = np.random.default_rng(2).normal(size=setting.dim) / 2
    run = {"lr": 0.005, "noise_std": 0.1, "steps": 300, "rng": 5, "momentum": 0.5, "batch_size": 2, "record": 100}
    short = ou.label_noise_sgd(setting, start, **run).theta
    monkeypatch.setattr(plan, "LONG", 0)
    np.testing.assert_array_equal(ou.label_noise_sgd(setting, start, **run).theta, short)
