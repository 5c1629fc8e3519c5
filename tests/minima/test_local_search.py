"""The search without a certificate, on models of the user's own whose least regularizer is known."""

from importlib import import_module

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from scipy.optimize import linprog

import ouanalysis as ou
from ouanalysis.minima import local_search


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def quadratic(theta, x):
    """⟨u∘u − v∘v, x⟩."""
    d = x.shape[-1]
    return anp.sum((theta[..., :d] ** 2 - theta[..., d:] ** 2) * x, axis=-1)


def square(theta, x):
    return theta[..., 0] ** 2 * x


def cubic(theta, x):
    return (theta[..., 0] ** 3 - theta[..., 0]) * x


PRODUCT = ou.Setting(product, [1.0], [2.0], dim=2)
FLOW = 1e-6  # relative: the rtol of the flows from the starts
POLISHED = 1e-8  # relative: the rtol of the last flow, of the best of them


def test_the_least_of_ab_is_twice_the_label():
    for label in (2.0, -2.0):
        least = local_search(ou.Setting(product, [1.0], [label], dim=2), starts=2)
        assert least.value == pytest.approx(4.0, rel=POLISHED)  # a² + b² ≥ 2|ab|
        np.testing.assert_allclose(least.theta**2, [2, 2], rtol=FLOW)
        assert least.value == pytest.approx(ou.regularizer(least.setting, least.theta), rel=1e-14)
        assert least.residual <= 2 * np.sqrt(np.finfo(float).eps)
        assert (least.status, least.verdict) == ("stationary", "strict minimum")
        assert least.statuses == ("stationary", "stationary")
        np.testing.assert_allclose(least.reg_at_ends, 4.0, rtol=FLOW)


def test_it_says_that_it_has_no_certificate():
    least = local_search(PRODUCT, starts=2)
    assert least.domain == "local search"
    assert least.lower_bound == 0
    assert not least.certified
    assert least.gap == least.value
    text = repr(least)
    assert text.startswith(
        "LocalMinimum(4 over local search, no certificate, residual 0.0e+00, 2 of 2 starts end there, "
    )
    assert text.endswith("stationary, strict minimum)")


def test_minimum_of_a_setting_of_the_user_s_own_is_this_search():
    least = ou.minimum(ou.Setting(square, [1.0], [2.0], dim=1))  # θ = ±√2 has no freedom: reg = 4θ²
    assert least.value == pytest.approx(8.0, rel=POLISHED)
    assert (least.domain, len(least.reg_at_ends)) == ("local search", 8)


def test_of_several_ends_the_lowest_is_kept():
    # θ³ = θ: at 0 reg = h'² is 1, at ±1 it is 4, and there is nowhere to flow.
    least = local_search(ou.Setting(cubic, [1.0], [0.0], dim=1), starts=12)
    assert least.value == pytest.approx(1.0, abs=FLOW)
    assert set(least.reg_at_ends.round(6)) == {1.0, 4.0}
    np.testing.assert_array_equal(least.reg_at_ends, np.sort(least.reg_at_ends))
    assert f"{np.sum(least.reg_at_ends < 2)} of 12 starts end there" in repr(least)


def test_one_seed_gives_one_answer_and_a_generator_the_same():
    one, again = local_search(PRODUCT, starts=1, rng=3), local_search(PRODUCT, starts=1, rng=3)
    drawn = local_search(PRODUCT, starts=1, rng=np.random.default_rng(3))
    for other in (again, drawn):
        np.testing.assert_array_equal(one.theta, other.theta)
        np.testing.assert_array_equal(one.reg_at_ends, other.reg_at_ends)
        assert one.value == other.value


def basis_pursuit(x, y):
    """min Σ 4 mean_i(x_ij²) |β_j| with x β = y, β as a difference of two that are not negative."""
    weights = 4 * np.mean(x**2, axis=0)
    solved = linprog(np.append(weights, weights), A_eq=np.hstack([x, -x]), b_eq=y, bounds=(0, None))
    assert solved.status == 0
    return solved.fun


@pytest.mark.parametrize(("n", "d", "seed"), [(1, 2, 1), (2, 3, 1)])
def test_the_least_of_the_quadratic_parametrisation_is_a_linear_program(n, d, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=n)
    least, program = local_search(ou.Setting(quadratic, x, y, dim=2 * d), starts=2), basis_pursuit(x, y)
    # A residual r moves the program's value by μ r, μ its multiplier; the flow holds y to √eps at worst.
    assert np.min(least.reg_at_ends) >= program * (1 - FLOW)
    assert least.value >= program * (1 - POLISHED)
    assert least.value == pytest.approx(program, rel=FLOW)


def test_on_matrix_sensing_it_does_not_go_below_the_program():
    setting, _ = ou.planted_matrix_sensing(2, 1, 2, rng=0)
    searched, least = local_search(setting, starts=1), ou.minimum(setting)
    assert searched.domain == "local search"
    assert searched.value >= least.lower_bound * (1 - POLISHED)


ATAN = ou.SigmoidNetwork([[1.0]], [0.7], width=1, activation=sympy.atan(sympy.Symbol("t")))


def test_one_neuron_of_another_activation_is_as_on_a_grid():
    least = local_search(ATAN, starts=1)
    z = np.linspace(0.01, 10, 100_001)  # reg = φ² + (0.7/φ)² φ'², even in z
    reg = np.arctan(z) ** 2 + (0.7 / np.arctan(z) / (1 + z**2)) ** 2
    assert least.value == pytest.approx(np.min(reg), rel=FLOW)


@pytest.mark.parametrize("setting", [ATAN, ou.SigmoidNetwork([[1.0], [2.0]], [1.0, 1.0], width=2)], ids=repr)
def test_networks_without_a_closed_form_are_searched(monkeypatch, setting):
    module = import_module("ouanalysis.minima.sigmoid_network")
    monkeypatch.setattr(module, "local_search", lambda setting: ("searched", setting))
    monkeypatch.setattr(module, "local_search_from", lambda *_: (0.0, 0.0, "local search"))
    assert ou.minimum(setting) == ("searched", setting)
    assert not ou.certify(setting, np.zeros(setting.dim)).certified


@pytest.mark.parametrize(("x", "y"), [([1.0], [-1.0]), ([1.0, 1.0], [1.0, 2.0])])
def test_a_setting_that_cannot_fit_raises_one_line(x, y):
    with pytest.raises(ValueError, match=r"^setting: expected .*, got none from 2 starts: .*$") as caught:
        local_search(ou.Setting(square, x, y, dim=1), starts=2)
    assert isinstance(caught.value, ou.InterpolationError)
    assert "\n" not in str(caught.value)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"^starts: expected an integer at least 1, got 0$"):
        local_search(PRODUCT, starts=0)
    with pytest.raises(TypeError, match=r"^starts: expected an integer at least 1, got 2\.5$"):
        local_search(PRODUCT, starts=2.5)
    with pytest.raises(ValueError, match=r"^scale: expected a finite number above 0, got 0$"):
        local_search(PRODUCT, scale=0.0)
    with pytest.raises(TypeError, match=r"^rng: expected a numpy.random.Generator or a seed, got None$"):
        local_search(PRODUCT, rng=None)
    with pytest.raises(TypeError, match=r"^setting: expected a Setting, got str$"):
        local_search("h = ab")
    with pytest.raises(TypeError, match=r"^setting: expected a Setting, got str$"):
        ou.minimum("h = ab")
