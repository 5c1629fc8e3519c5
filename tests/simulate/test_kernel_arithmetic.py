"""What the compiled loops are made of: sums in parts, exponentials by arithmetic, sizes that Numba knows."""

import numba
import numpy as np
import pytest
from rounding import EPS
from strategies import CASES

import ouanalysis as ou
from ouanalysis.simulate import plan
from ouanalysis.simulate.kernels import exists
from ouanalysis.simulate.kernels.dot import dot
from ouanalysis.simulate.kernels.exponential import logistic
from ouanalysis.simulate.kernels.sizes import LARGEST, known, size
from ouanalysis.simulate.kernels.vectors import add_multiple, dot_of, set_multiple


@numba.njit
def inner_product(a, b):
    return dot(a, b)


@numba.njit
def values_and_slopes(z):
    values, slopes = np.empty_like(z), np.empty_like(z)
    for j in range(len(z)):
        values[j], slopes[j] = logistic(z[j])
    return values, slopes


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 16, 100])
def test_dot_is_the_inner_product(n):
    a, b = np.random.default_rng(n).standard_normal((2, n))
    exact = np.sum(np.longdouble(a) * np.longdouble(b))
    assert abs(inner_product(a, b) - exact) <= n * EPS * np.sum(np.abs(a * b))


@pytest.mark.parametrize("n", [5, 8, 29, 100])
def test_dot_adds_eight_parts_half_to_half_and_then_the_rest(n):
    a, b = np.random.default_rng(n).standard_normal((2, n))
    parts, rest = np.zeros(8), (a * b)[n - n % 8 :]
    for products in (a * b)[: n - n % 8].reshape(-1, 8):
        parts += products
    while len(parts) > 1:
        parts = np.add(*parts.reshape(2, -1))
    total = parts[0]
    for product in rest:
        total += product
    assert inner_product(a, b) == total


@numba.njit
def by_vectors(a, b, dots, added, put):
    """Products of lengths that take vectors of every width, from places in the arrays and to them."""
    dots[0] = dot_of(a, 0, b, 3, 4)
    dots[1] = dot_of(a, 2, b, 0, 7)
    dots[2] = dot_of(a, 1, b, 1, 8)
    dots[3] = dot_of(a, 3, b, 2, 31)
    add_multiple(added, 1, b[0], a, 2, 31)
    set_multiple(put, 1, b[0], a, 2, 31)
    add_multiple(added, 33, b[1], a, 0, 5)
    set_multiple(put, 33, b[1], a, 0, 5)


def test_loops_by_vectors_are_products_of_arrays():
    a, b, before = np.random.default_rng(0).standard_normal((3, 40))
    dots, added, put = np.empty(4), before.copy(), before.copy()
    by_vectors(a, b, dots, added, put)
    for dot_of_both, (i, j, n) in zip(dots, [(0, 3, 4), (2, 0, 7), (1, 1, 8), (3, 2, 31)], strict=True):
        products = a[i : i + n] * b[j : j + n]
        assert abs(dot_of_both - np.sum(np.longdouble(products))) <= n * EPS * np.sum(np.abs(products))
    multiples = np.concatenate([[0.0], b[0] * a[2:33], [0.0], b[1] * a[:5], [0.0, 0.0]])
    written = multiples != 0.0
    assert added.tolist() == (before + multiples).tolist()
    assert put.tolist() == np.where(written, multiples, before).tolist()


ALIKE = ("sigmoid_network: softsign", "sigmoid_network: logistic")  # but for φ, in which no size is
NUMBERS = np.concatenate([np.logspace(-320, 3, 4000), np.linspace(0, 40, 4001)])


@pytest.mark.parametrize("sign", [1, -1])
def test_logistic_is_that_of_longer_floats(sign):
    z = sign * NUMBERS[NUMBERS < 700]
    small = np.exp(-np.abs(np.longdouble(z)))
    exact = (1 if sign > 0 else small) / (1 + small), small / (1 + small) ** 2
    for value, expected in zip(values_and_slopes(z), exact, strict=True):
        np.testing.assert_array_less(np.abs(value - expected), 6 * np.spacing(value))  # e^z: 2, and five roundings more


def test_no_number_is_an_exception():
    z = np.array([0.0, -0.0, np.inf, -np.inf, 1e300, -1e300, np.nan])
    values, slopes = values_and_slopes(z)
    np.testing.assert_allclose(values, [0.5, 0.5, 1, 0, 1, 0, np.nan], rtol=0, atol=1e-300)
    np.testing.assert_allclose(slopes, [0.25, 0.25, 0, 0, 0, 0, np.nan], rtol=0, atol=1e-300)


def test_a_known_size_is_the_number_that_it_stands_for():
    measured = numba.njit(lambda of: size(of))
    assert [measured(known(n)) for n in (1, LARGEST, LARGEST + 1)] == [1, LARGEST, LARGEST + 1]
    assert known(LARGEST) == (None,) * LARGEST
    assert known(LARGEST + 1) == LARGEST + 1


@pytest.mark.parametrize("case", [case for case in CASES if case not in ALIKE])
def test_a_long_run_takes_the_steps_of_a_short_one_to_the_last_bit(case, monkeypatch):
    setting = CASES[case]
    assert exists(setting)
    start = np.random.default_rng(2).normal(size=setting.dim) / 2
    run = {"lr": 0.005, "noise_std": 0.1, "steps": 300, "rng": 5, "momentum": 0.5, "batch_size": 2, "record": 100}
    short = ou.label_noise_sgd(setting, start, **run).theta
    monkeypatch.setattr(plan, "LONG", 0)
    np.testing.assert_array_equal(ou.label_noise_sgd(setting, start, **run).theta, short)
