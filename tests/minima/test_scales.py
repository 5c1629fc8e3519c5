"""What reviewers found at odd scales: values and bounds that were false, each with a witness of its own."""

import warnings

import numpy as np
import pytest
import sympy
from rounding import ALGEBRA, EPS, FORMULA

import ouanalysis as ou

ASKED = 1e-11  # of the solver, relative to the program's scaled variables
SOLVED = 100 * ASKED


def unit(i, j, d=2):
    entry = np.zeros((d, d))
    entry[i, j] = 1.0
    return entry


@pytest.mark.parametrize("width", [2, 3, 8])
@pytest.mark.parametrize("label", [1e3, 1.26e4, 2e4, 1e5, 1e8, 1e15])
def test_no_logistic_network_undercuts_the_least_of_a_large_label(label, width):
    # One neuron with nearly all of the label, the others far left, costs about 1.
    setting = ou.SigmoidNetwork([[1.0]], [label], width, "logistic")
    alone = ou.minimum(ou.SigmoidNetwork([[1.0]], [label], 1, "logistic"))
    c, z = alone.theta
    theta = setting.pack(c=[c, *[0.0] * (width - 1)], W=[[z], *[[-40.0]] * (width - 1)])
    least = ou.minimum(setting)
    rounding = 4 * EPS  # of a square or two
    assert least.lower_bound <= ou.regularizer(setting, theta) * (1 + rounding)
    assert least.value < 1 + rounding
    assert ou.certify(setting, theta).gap >= 0
    assert [network.negative for network in least.stationary] == list(range(width))


@pytest.mark.parametrize("label", [1e-18, 1e-12, 1e12, 1e19])
def test_tanh_networks_of_tiny_and_huge_labels_have_one_minimum(label):
    networks = ou.minimum(ou.SigmoidNetwork([[1.0]], [label], 3)).stationary
    assert [network.negative for network in networks] == [0, 1, 2]


@pytest.mark.parametrize("label", [1e-40, -1e30])
def test_labels_whose_powers_are_no_floats_are_refused(label):
    for activation in ("tanh", "logistic"):
        with pytest.raises(ValueError, match=r"^y: expected ‖x‖\|y\| to be 0 or from 1e-20 to 1e20, got 1e"):
            ou.minimum(ou.SigmoidNetwork([[1.0]], [label], 3, activation))


@pytest.mark.parametrize("large", [1e2, 1e4, 1e8, 1e12])
def test_no_eigenvalue_that_a_sensor_sees_is_dropped(large):
    # X = diag(large, 1/large), reg = ½ tr(S₁² X) + ½ tr(S₂² X) = 2 large + 2 large² / large.
    setting = ou.MatrixSensing([np.diag([1.0, 0]), np.diag([0, large])], [large, 1.0])
    least = ou.minimum(setting)
    assert least.value == pytest.approx(4 * large, rel=SOLVED)
    assert least.lower_bound == pytest.approx(4 * large, rel=SOLVED)
    np.testing.assert_allclose(setting.predictions(least.theta), setting.y, rtol=ALGEBRA)


@pytest.mark.parametrize("small", [1e-4, 1e-7, 1e-9, 1e-11])
def test_the_bound_holds_for_two_blocks_of_sensors_of_different_size(small):
    rng = np.random.default_rng(0)
    sensors, theta = np.zeros((8, 6, 6)), np.zeros((6, 6))
    for block, size in ((slice(0, 3), 1.0), (slice(3, 6), small)):
        half = rng.normal(size=(4, 3, 3))
        vector = rng.normal(size=(3, 1))
        alone = ou.minimum(ou.MatrixSensing(half, np.sum(half * (vector @ vector.T), axis=(1, 2))))
        sensors[4 * (size < 1) : 4 + 4 * (size < 1), block, block] = size * half
        theta[block, block] = alone.theta.reshape(3, 3)
    setting = ou.MatrixSensing(sensors, np.zeros(8))
    setting = ou.MatrixSensing(sensors, setting.predictions(theta.ravel()))
    reg = float(ou.regularizer(setting, theta.ravel()))
    least = ou.minimum(setting)
    assert least.lower_bound <= reg * (1 + ALGEBRA)
    assert least.value == pytest.approx(reg, rel=SOLVED)


@pytest.mark.parametrize("apart", [1e-3, 1e-6, 1e-8, 1e-10])
def test_the_bound_holds_for_sensors_that_nearly_depend_on_each_other(apart):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sensors = rng.normal(size=(1, 3, 3)) + apart * rng.normal(size=(6, 3, 3))
        theta = np.pad(rng.normal(size=(3, 1)), ((0, 0), (0, 2))).ravel()
        found = ou.certify(ou.MatrixSensing(sensors, np.zeros(6)), theta)
        assert found.lower_bound <= found.reg * (1 + ALGEBRA)
        if apart >= 1e-6:
            assert found.relative_solver_gap < 10 * ASKED / apart  # the condition of the sensors


@pytest.mark.parametrize("small", [1e-2, 1e-6, 1e-8, 1e-9])
def test_the_bound_holds_where_reg_hardly_sees_a_direction(small):
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    setting = ou.MatrixSensing([turn @ np.diag([1.0, small]) @ turn.T], [0.0])
    theta = (turn @ np.diag([0, 1 / np.sqrt(small)])).ravel()
    found = ou.certify(setting, theta)
    assert found.lower_bound <= found.reg * (1 + ALGEBRA)


def test_sensors_of_zeros_and_copies_of_sensors_are_no_contradiction():
    sensors = [np.diag([1.0, 0]), np.zeros((2, 2)), np.ones((2, 2)), np.diag([3.0, 1])]
    y = ou.MatrixSensing(sensors, np.zeros(4)).predictions([1, 0, 0.5, 1])
    assert ou.minimum(ou.MatrixSensing(sensors, y)).residual < ALGEBRA
    least = ou.minimum(ou.MatrixSensing([np.diag([1, -1]), 2 * np.diag([1, -1]), np.eye(2)], [0, 0, 1]))
    np.testing.assert_allclose(least.matrix, np.eye(2) / 2, rtol=0, atol=SOLVED)
    rng = np.random.default_rng(0)
    for _ in range(20):
        sensors = np.concatenate([np.zeros((1, 3, 3)), rng.normal(size=(3, 3, 3))])
        assert ou.certify(ou.MatrixSensing(sensors, np.zeros(4)), rng.normal(size=9)).gap >= 0


def test_a_straight_line_in_floats_costs_no_bend():
    rng = np.random.default_rng(0)
    for n in (3, 4, 5, 8) * 25:
        x = np.sort(rng.uniform(-1, 1, n)).round(2)
        if len(np.unique(x)) == n:
            least = ou.minimum(ou.ReluNetwork(x, 2 * x + 1, 2))
            assert least.value == pytest.approx(np.mean(1 + x**2), rel=FORMULA)


@pytest.mark.parametrize("size", [1e-150, 1e-20, 1e20, 1e100])
def test_the_size_of_all_sensors_does_not_matter(size):
    setting, _ = ou.planted_matrix_sensing(4, 1, 8, rng=0)
    least, scaled = ou.minimum(setting), ou.minimum(ou.MatrixSensing(setting.x * size, setting.y))
    assert scaled.value == pytest.approx(least.value * size, rel=SOLVED)  # X is divided by the size, M times its square
    assert scaled.gap < SOLVED * scaled.value


def test_a_least_that_is_not_attained_is_not_made_up():
    # X₁₁ = 0 and X₁₂ = 1 contradict X ⪰ 0, yet come as near as one likes to a matrix that has them.
    with pytest.raises(ArithmeticError, match=r"the least is not attained"):
        ou.minimum(ou.MatrixSensing([unit(0, 0), unit(0, 1)], [0.0, 1.0]))


@pytest.mark.parametrize("corner", [1e-3, 1e-6, 1e-8])
def test_a_matrix_far_larger_than_its_measurements_has_no_negative_gap(corner):
    setting = ou.MatrixSensing([unit(0, 0), unit(0, 1)], [corner, 1.0])
    theta = np.array([np.sqrt(corner), 0.0, 1 / np.sqrt(corner), 0.0])
    found = ou.certify(setting, theta)
    assert found.gap >= 0
    assert found.gap <= SOLVED * found.reg or found.solver_gap > 0.1 * found.reg  # known, or said to be unknown
    assert found.lower_bound <= found.reg * (1 + ALGEBRA)


def test_contradictory_sensors_are_named_as_such():
    with pytest.raises(ValueError, match=r"^y: expected measurements .* its sensors depend on each other"):
        ou.minimum(ou.MatrixSensing([np.eye(2), 2 * np.eye(2)], [1.0, 3.0]))
    doubled = ou.minimum(ou.MatrixSensing([np.eye(2), 2 * np.eye(2)], [1.0, 2.0]))
    assert doubled.value == pytest.approx(0.5 * (4 + 16) * 1.0, rel=SOLVED)  # M = ½(4 + 16) 1, tr X = 1


@pytest.mark.parametrize("close", [1e-9, 1e-12, 1e-13])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_a_close_pair_of_data_takes_no_bend_from_the_others(close, offset):
    setting = ou.ReluNetwork([0, close, 1, 2, 3], np.array([1, 1, 1, 1 + 1e-4, 1]) + offset, 10)
    least = ou.minimum(setting)
    assert least.residual < FORMULA * (1 + offset)
    assert least.gap < 10 * SOLVED * (least.value - np.mean(1 + setting.x**2))


def test_the_order_of_the_data_does_not_touch_the_bound():
    setting = ou.ReluNetwork([1, -1, -0.5, 0.3, 2, 1 + 1e-6], [0, 1, -1, 0.5, 1, 1], 6)
    order = np.argsort(setting.x)
    ordered = ou.ReluNetwork(setting.x[order], setting.y[order], 6)
    assert ou.minimum(setting).lower_bound == ou.minimum(ordered).lower_bound


def test_a_neuron_at_a_flat_point_of_its_activation_is_found():
    # φ = sin at z = π/2, where φ' = 0: ∇reg = 0, with c = y.
    t = sympy.Symbol("t")
    setting = ou.SigmoidNetwork([[1.0]], [0.5], 1, sympy.sin(t))
    assert np.linalg.norm(ou.regularizer_gradient(setting, [0.5, np.pi / 2])) < 4 * EPS
    found = ou.minima.stationary_preactivations(setting, (1, 2.5), share=0.5)
    assert found.certified
    np.testing.assert_allclose(found.values, [np.pi / 2, 3 * np.pi / 4], rtol=4 * EPS)


def test_results_are_read_only():
    least = ou.minimum(ou.ReluNetwork([0, 1, 2, 3, 4], [1, 1, 1, 0, -1], 3))
    for array in (least.theta, least.multipliers, least.facing, least.function.slopes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 3


def test_certify_names_what_overflows():
    setting = ou.ReluNetwork([0.0, 1.0], [0.0, 1.0], 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"^theta: expected finite predictions and reg, got infinite ones$"):
            ou.certify(setting, np.full(8, 1e200))
