"""The search without a certificate, on models of the user's own whose least regularizer is known."""

import subprocess
import sys

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from scipy.optimize import linprog

import ouanalysis as ou
from ouanalysis.minima import local_search
from ouanalysis.minima.descent import descend


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
    assert least.residual <= 4 * np.finfo(float).eps  # two roundings of ab = 2
    assert text.startswith(
        f"LocalMinimum(4 over local search, no certificate, residual {least.residual:.1e}, 2 of 2 starts end there, "
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
def test_networks_without_a_closed_form_are_searched(setting, capsys):
    assert ou.minimum(setting, progress=True).domain == "local search"
    assert "8.00/8.00" in capsys.readouterr().err
    assert not ou.certify(setting, np.ones(setting.dim)).certified


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


# models whose least is known, by the search alone


def plain(setting):
    return ou.Setting(setting.h, setting.x, setting.y, setting.dim)


@pytest.mark.parametrize("label", [0.5, -3.0, 40.0])
def test_tanh_neurons_on_one_datum_reach_their_closed_form(label):
    network = ou.SigmoidNetwork([[0.8, -0.5]], [label], width=2)
    w = np.hypot(0.8, 0.5) * abs(label)
    least = local_search(plain(network), starts=4)
    assert least.value == pytest.approx(2 * w / (np.sqrt(1 + w**2) + w), rel=1e-10)
    assert least.status == "stationary"


@pytest.mark.parametrize(("label", "width"), [(0.5, 1), (1.2, 3), (3.0, 3)])
def test_logistic_neurons_on_one_datum_reach_theirs(label, width):
    network = ou.SigmoidNetwork([[1.0]], [label], width, "logistic")
    assert local_search(plain(network), starts=4).value == pytest.approx(ou.minimum(network).value, rel=1e-10)


@pytest.mark.parametrize(("d", "n"), [(2, 2), (3, 3), (4, 6)])
def test_matrix_sensing_reaches_the_value_of_its_program(d, n):
    setting, _ = ou.planted_matrix_sensing(d, 1, n, rng=0)
    assert local_search(plain(setting), starts=3).value == pytest.approx(ou.minimum(setting).value, rel=1e-7)


def two_products(theta, x):
    return theta[..., 0] * theta[..., 1] * x[..., 0] + theta[..., 2] * theta[..., 3] * x[..., 1]


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_a_block_of_other_curvature_is_brought_to_its_least_too(scale):
    setting = ou.Setting(two_products, [[1.0, 0.0], [0.0, scale]], [3.0, scale], dim=4)
    theta = local_search(setting, starts=2).theta
    # ab = 3 and cd = 1, each at equal factors; reg sees a² + b² and scale² (c² + d²).
    np.testing.assert_allclose(theta**2, [3, 3, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("size", [1e-60, 1e-16, 1e16, 1e60])
def test_the_scale_of_the_model_does_not_matter(size):
    def scaled(theta, x):
        return size * product(theta, x)

    least = local_search(ou.Setting(scaled, [1.0], [2 * size], dim=2), starts=2)
    assert least.value == pytest.approx(4 * size**2, rel=1e-8)
    assert least.statuses == ("stationary", "stationary")


def falling(theta, x):
    return anp.exp(-theta[..., 0]) * x + theta[..., 1]


def one_logistic(theta, x):
    return theta[..., 0] / (1 + anp.exp(-theta[..., 1] * x))


@pytest.mark.parametrize(
    ("h", "label", "infimum"),
    [
        (falling, 2.0, 1.0),  # reg = e^{−2a} + 1
        (one_logistic, 0.0, 0.0),  # reg = φ² at c = 0
    ],
)
def test_an_infimum_that_nothing_attains_is_said_to_be_one(h, label, infimum):
    least = local_search(ou.Setting(h, [1.0], [label], dim=2), starts=2)
    assert least.value == pytest.approx(infimum, abs=1e-14)
    assert least.statuses == ("not attained", "not attained")
    assert "not attained" in repr(least)


def far_out(theta, x):
    return theta[..., 1] * anp.exp(-theta[..., 0] * x)


def test_a_point_far_out_on_the_way_to_an_infimum_is_not_stationary():
    least = local_search(ou.Setting(far_out, [1.0], [1.0], dim=2), starts=2)  # reg = e^{−2a} + 1 at b = e^a
    assert least.value > 1
    assert (least.statuses, least.verdict) == (("not attained",) * 2, "repellent")


def linear_network(theta, x):
    weights = theta[..., :6].reshape((*theta.shape[:-1], 3, 2))
    return anp.sum(theta[..., 6:] * anp.sum(weights * x[..., None, :], axis=-1), axis=-1)


def test_a_minimum_among_directions_of_symmetry_is_attained():
    x = np.array([[0.3, -0.7], [1.1, 0.2], [-0.4, 0.9], [0.8, 0.5]])
    y = x @ [1.0, -2.0]
    least = local_search(ou.Setting(linear_network, x, y, dim=9), starts=6)
    # reg = mean(‖W x‖² + ‖c‖²‖x‖²) ≥ mean(y²/‖c‖² + ‖c‖²‖x‖²)
    assert least.value == pytest.approx(2 * np.sqrt(np.mean(y**2) * np.mean(np.sum(x**2, axis=-1))), rel=1e-12)
    assert (least.statuses, least.verdict) == (("stationary",) * 6, "minimum up to symmetry")


def test_a_least_of_zero_at_a_point_is_attained():
    least = local_search(ou.Setting(product, [1.0], [0.0], dim=2), starts=2)
    assert (least.value, least.status) == (0.0, "stationary")


def quartic(theta, x):
    return theta[..., 1] * (1 - theta[..., 0] ** 2 + theta[..., 0] ** 4) * x


def test_a_saddle_is_left():
    # h = b f(a) = 0 where b = 0: reg = f(a)², greatest about a = 0 and least, (3/4)², at a² = 1/2.
    end, status = descend(ou.Setting(quartic, [1.0], [0.0], dim=2), np.zeros(2))
    assert status == "stationary"
    np.testing.assert_allclose(end**2, [0.5, 0.0], rtol=0, atol=1e-7)


def test_the_bar_counts_the_starts(capsys):
    local_search(PRODUCT, starts=3, progress=True)
    assert "3/3" in "".join(capsys.readouterr().err.split()).replace(".00", "")
    local_search(PRODUCT, starts=3)
    assert capsys.readouterr().err == ""


def test_a_plain_setting_loads_no_solver_of_another():
    code = """
import sys
import ouanalysis as ou
ou.minimum(ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, [1.0], [2.0], 2))
print({"clarabel", "flint", "sympy"} & set(sys.modules))"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
