"""The flow of reg on the zero-error set against equations by hand, small projected steps, and its invariants."""

import pickle
import signal
from contextlib import contextmanager
from importlib import import_module

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from rounding import ALGEBRA, EPS, FORMULA, SUMS
from scipy.integrate import OdeSolution
from scipy.linalg import orth
from scipy.optimize import brentq
from strategies import matrix_sensings, settings_with_theta, sigmoid_networks

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.sampling import Sampling
from ouanalysis.numeric.long_time.flow_path import Interpolant

flow_module = import_module("ouanalysis.numeric.long_time.regularized_flow")
RTOL = 1e-8  # of the integrator, by default: local errors of it add up to some of them, at most 20 here


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def cubic(theta, x):
    return anp.sum(theta**3 * x, axis=-1) + theta[..., 0] * theta[..., 1]


PRODUCT = ou.Setting(product, [1.0], [2.0], dim=2)
START = np.array([4.0, 0.5])


def imbalance(theta):
    return theta[..., 0] ** 2 - theta[..., 1] ** 2


def tangent_part(jacobian, vector):
    return vector - jacobian.T @ np.linalg.lstsq(jacobian.T, vector, rcond=None)[0]


def central(path, time, step):
    """dθ/ds to O(step⁴)."""
    near, far = path(time + step) - path(time - step), path(time + 2 * step) - path(time - 2 * step)
    return (8 * near - far) / (12 * step)


@contextmanager
def within(seconds):
    """An AssertionError where a call takes more time of the processor, however busy that is with others."""

    def late(*_):
        raise AssertionError(f"no answer in {seconds} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# h = ab, by hand


@pytest.mark.parametrize("rtol", [1e-4, 1e-7, 1e-10])
def test_the_imbalance_of_the_factors_decays_as_exp_of_minus_4_s(rtol):
    times = np.linspace(0, 1.5, 31)
    flow = ou.regularized_flow(PRODUCT, START, times=times, rtol=rtol)
    error = imbalance(flow.theta) - imbalance(START) * np.exp(-4 * times)
    assert np.max(np.abs(error)) < 10 * rtol * (START @ START)  # local errors of rtol of θ, added up, in squares
    assert flow.status == "finished"
    np.testing.assert_array_equal(flow.times, times)


@pytest.mark.parametrize("method", ["auto", "RK45", "DOP853", "LSODA", "Radau", "BDF"])
def test_the_error_falls_with_rtol(method):
    def error(rtol):
        end = ou.regularized_flow(PRODUCT, START, times=[0.5], rtol=rtol, method=method).theta[-1]
        return abs(imbalance(end) - imbalance(START) * np.exp(-2.0))

    assert error(1e-11) < error(1e-8) / 10 < error(1e-5) / 100  # of three decades at least one


@pytest.mark.parametrize(("lr", "momentum"), [(0.05, 0.0), (0.03, 0.0), (0.05, 0.5), (0.1, 0.9)])
@pytest.mark.parametrize("batch_size", [1, 3, "full"])
def test_at_finite_step_the_imbalance_follows_its_scalar_equation(lr, momentum, batch_size):
    # dD/ds = −4D/(1 − ηk/(1 + β)), k = √(D² + 4y²); with D = 2y sinh u this integrates to
    # ln sinh u − 2yη' (ln tanh(u/2) + cosh u) = −4s + const, η' = η/(1 + β).
    times = np.linspace(0, 0.6, 7)
    flow = ou.regularized_flow(PRODUCT, START, times=times, lr=lr, batch_size=batch_size, momentum=momentum, rtol=1e-10)
    scaled, y = lr / (1 + momentum), 2.0

    def invariant(u):
        return np.log(np.sinh(u)) - 2 * y * scaled * (np.log(np.tanh(u / 2)) + np.cosh(u))

    first = np.arcsinh(imbalance(START) / (2 * y))
    expected = [
        2 * y * np.sinh(brentq(lambda u, s=s: invariant(u) - invariant(first) + 4 * s, 1e-3, first, xtol=1e-14))
        for s in times
    ]
    np.testing.assert_allclose(imbalance(flow.theta), expected, rtol=20 * 1e-10)
    slow = imbalance(START) * np.exp(-4 * times[-1])
    assert imbalance(flow.theta[-1]) < 0.98 * slow  # and it differs from the limit's law


# what holds along every flow


@st.composite
def well_conditioned(draw):
    setting, theta = draw(settings_with_theta(st.one_of(matrix_sensings(), sigmoid_networks())))
    setting = setting.with_labels(setting.predictions(theta))
    singular = np.linalg.svd(ou.jacobian(setting, theta), compute_uv=False)
    assume(theta @ theta > 0.1 and setting.n < setting.dim and singular[-1] > 0.2 * singular[0] > 0)
    return setting, theta


@given(well_conditioned())
@example((ou.SigmoidNetwork([[0.0]], [0.125], 1, "logistic"), np.array([0.25, 0.25])))  # at rest from the start
def test_reg_falls_tangentially_on_the_zero_error_set(drawn):
    setting, theta = drawn
    reg, size, rtol = ou.regularizer(setting, theta), np.linalg.norm(theta), 1e-10
    times = np.linspace(0, 0.05, 6) * size**2 / reg  # a twentieth of the time in which θ changes
    flow = ou.regularized_flow(setting, theta, times=times, rtol=rtol, gradient_tolerance=0)
    singular = [np.linalg.svd(ou.jacobian(setting, at), compute_uv=False) for at in flow.theta]
    assume(min(s[-1] / s[0] for s in singular) > 0.1)

    slack = 100 * rtol * size  # of θ: accumulated local errors
    steepest = np.max(np.linalg.norm(ou.regularizer_gradient(setting, flow.theta), axis=-1))
    assert np.all(np.diff(flow.reg) <= slack * steepest + 10 * EPS * reg)
    np.testing.assert_allclose(flow.reg, ou.regularizer(setting, flow.theta), rtol=FORMULA)

    steep = max(s[0] for s in singular)
    assert flow.residual <= slack * steep
    # A Gauss-Newton step from there leaves the square of the move, times the curvature of h.
    left = np.max(np.abs(setting.predictions(flow.theta) - setting.y))
    assert left <= slack**2 * steep / size * 100 + 100 * EPS * (steep * size + np.max(np.abs(setting.y)))
    assert ou.stability(setting, flow.theta[-1]).reg == pytest.approx(flow.reg[-1], rel=FORMULA)

    np.testing.assert_allclose(flow(flow.times), flow.theta, rtol=0, atol=slack)
    np.testing.assert_array_equal(flow.theta[0], theta)

    middle, width = times[2], times[1] / 50
    velocity = central(flow, middle, width)
    at = flow(middle)
    gradients, slope = ou.jacobian(setting, at), ou.regularizer_gradient(setting, at)
    # rtol of the dense output over the step, and the fourth power of step over the time scale, with its constants.
    atol = 100 * rtol * size / width + 1e-9 * np.linalg.norm(slope)
    np.testing.assert_allclose(velocity, -tangent_part(gradients, slope), rtol=0, atol=atol)
    np.testing.assert_allclose(gradients @ velocity, 0, rtol=0, atol=atol * steep)

    for at, norm in zip(flow.theta, flow.gradient_norm, strict=True):
        expected = np.linalg.norm(tangent_part(ou.jacobian(setting, at), slope := ou.regularizer_gradient(setting, at)))
        assert norm == pytest.approx(expected, abs=ALGEBRA * np.linalg.norm(slope))
    least = min(s[-1] for s in singular) ** 2 * 2 / setting.n
    assert flow.least_curvature == pytest.approx(least, rel=ALGEBRA)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_a_flow_called_with_times_of_any_shape_gives_that_shape_and_p(shape):
    flow = ou.regularized_flow(PRODUCT, START, times=[0.0, 0.3])
    times = np.full(shape, 0.2)
    assert flow(times).shape == (*shape, 2)
    np.testing.assert_allclose(imbalance(flow(times)), imbalance(START) * np.exp(-0.8), rtol=20 * RTOL)


# against references that share nothing with the integrator


SENSORS = np.random.default_rng(0).normal(size=(3, 3, 3))
MATRIX = np.eye(3) + 0.3 * np.random.default_rng(1).normal(size=(3, 3))
SENSING = ou.MatrixSensing(SENSORS, np.sum(SENSORS * (MATRIX @ MATRIX.T), axis=(1, 2)))
SYMMETRIC = SENSORS + np.swapaxes(SENSORS, 1, 2)


def sensing_jacobian(theta):
    return (SYMMETRIC @ theta.reshape(3, 3)).reshape(3, 9)


def sensing_slope(theta):
    return 2 * (np.mean(SYMMETRIC @ SYMMETRIC, axis=0) @ theta.reshape(3, 3)).ravel()


def brought_back(theta):
    """Onto SENSING's zero-error set, normal to it."""
    for _ in range(8):
        factor = theta.reshape(3, 3)
        residual = np.sum(SENSORS * (factor @ factor.T), axis=(1, 2)) - SENSING.y
        theta = theta - np.linalg.lstsq(sensing_jacobian(theta), residual, rcond=None)[0]
    return theta


def test_small_projected_steps_approach_the_flow_at_first_order():
    time = 0.05
    end = ou.regularized_flow(SENSING, MATRIX.ravel(), times=[time], rtol=1e-11).theta[-1]
    errors = []
    for count in (50, 100, 200, 400):
        theta = MATRIX.ravel()
        for _ in range(count):
            theta = brought_back(theta - time / count * tangent_part(sensing_jacobian(theta), sensing_slope(theta)))
        errors.append(np.linalg.norm(theta - end))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.linalg.norm(end - MATRIX.ravel()) > 0.1  # it went somewhere
    assert errors[-1] < 0.01 * np.linalg.norm(end - MATRIX.ravel())
    np.testing.assert_allclose(orders, 1, rtol=0, atol=0.05)  # the next order is of a fiftieth, the largest step


def exact_velocity(theta, lr):
    """−(2η/n) N Σ_i ∇²h_i Σ g_i / (η² per step) at B = 1, with Σ by Kronecker products over the range of Jᵀ."""
    gradients = sensing_jacobian(theta)
    basis = orth(gradients.T)
    inner = gradients @ basis
    step = np.mean([np.kron(c, c) for c in np.eye(3) - 2 * lr * inner[:, :, None] * inner[:, None, :]], axis=0)
    noise = 4 * lr**2 * np.mean(inner[:, :, None] * inner[:, None, :], axis=0)
    inside = np.linalg.solve(np.eye(9) - step, noise.ravel()).reshape(3, 3)
    covariance = basis @ inside @ basis.T
    pushed = sum(np.kron(s, np.eye(3)) @ covariance @ g for s, g in zip(SYMMETRIC, gradients, strict=True))
    return -2 * lr / 3 * tangent_part(gradients, pushed) / lr**2


def test_at_finite_step_the_velocity_is_the_drift_of_sgd():
    limit = ou.max_stable_lr(SENSING, MATRIX.ravel())
    lr, time = 0.4 * limit, 0.004
    flow = ou.regularized_flow(SENSING, MATRIX.ravel(), times=[0.0, 2 * time], lr=lr, rtol=1e-10)
    velocity, expected = central(flow, time, time / 10), exact_velocity(flow(time), lr)
    # rtol of θ over the step of the difference, as above: 1e-10 · 2 / 4e-4, where the velocity is some 30.
    np.testing.assert_allclose(velocity, expected, rtol=0, atol=1e-7 * np.linalg.norm(expected))
    assert flow.gradient_norm[0] == pytest.approx(np.linalg.norm(exact_velocity(MATRIX.ravel(), lr)), rel=ALGEBRA)
    plain = tangent_part(sensing_jacobian(flow(time)), sensing_slope(flow(time)))
    assert np.linalg.norm(velocity + plain) > 0.05 * np.linalg.norm(plain)


@pytest.mark.parametrize("run", [{"batch_size": 1}, {"batch_size": "full"}, {"batch_size": 2, "replacement": False}])
def test_at_small_steps_the_exact_flow_tends_to_the_limit_at_first_order(run):
    arguments = {"times": [0.05], "rtol": 1e-11}
    end = ou.regularized_flow(SENSING, MATRIX.ravel(), **arguments).theta[-1]
    errors = [
        np.linalg.norm(ou.regularized_flow(SENSING, MATRIX.ravel(), lr=lr, **run, **arguments).theta[-1] - end)
        for lr in (4e-4, 2e-4, 1e-4)
    ]
    # The next order is a share of lr over its limit, some per cent.
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2, rtol=0.05)


# where it stops


def test_it_stops_where_the_gradient_falls_below_the_tolerance():
    # D = D₀e^{−4s}, ‖N∇reg‖ = 2D/√k.
    flow = ou.regularized_flow(PRODUCT, START, times=[0.0, 0.5, 100.0], gradient_tolerance=1e-2, rtol=1e-10)
    difference = imbalance(START) * np.exp(-4 * flow.times[-1])
    assert flow.status == "stationary"
    # D is a difference of squares of size 16, to rtol: 1e-9 of 1e-2, and it rests where what the path has of it says.
    assert 2 * difference / (difference**2 + 16) ** 0.25 == pytest.approx(1e-2, abs=5 * 1e-10 * 16)
    np.testing.assert_array_equal(flow.times[:2], [0.0, 0.5])
    assert len(flow.times) == len(flow.theta) == len(flow.reg) == len(flow.gradient_norm) == 3
    assert flow.gradient_norm[-1] == pytest.approx(1e-2, rel=1e-10)  # rtol: found on the path between two steps
    assert "stopped: stationary" in repr(flow)
    with pytest.raises(ValueError, match="times: expected flow times from 0 to"):
        flow(100.0)


def test_a_stationary_start_stays_where_it_is():
    start = np.sqrt([2.0, 2.0])
    flow = ou.regularized_flow(PRODUCT, start, times=[0.0, 1.0], gradient_tolerance=1e-6)
    assert flow.status == "stationary"
    np.testing.assert_array_equal(flow.times, [0.0])
    np.testing.assert_allclose(flow.theta, [start], rtol=4 * EPS)  # scaled by what moves, and back
    np.testing.assert_allclose(flow(0.0), start, rtol=4 * EPS)
    assert flow.reg == pytest.approx([4.0], rel=FORMULA)


def test_time_zero_alone_gives_the_start():
    flow = ou.regularized_flow(PRODUCT, START, times=[0.0])
    np.testing.assert_allclose(flow.theta, [START], rtol=4 * EPS)
    assert flow.reg == pytest.approx([16.25], rel=FORMULA)


def test_a_first_record_past_zero_is_all_that_is_recorded():
    flow = ou.regularized_flow(PRODUCT, START, times=[0.25])
    np.testing.assert_array_equal(flow.times, [0.25])
    np.testing.assert_allclose(flow(0.0), START, rtol=4 * EPS)


def relu_start(seed):
    """A random network of six neurons on five points, fitted by its own predictions."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, 5)
    theta = rng.normal(size=20)
    return ou.ReluNetwork(x, ou.ReluNetwork(x, np.zeros(5), 6).predictions(theta), 6), theta


def relu_inputs(setting, theta):
    part = setting.unpack(theta)
    return part["a"][..., None] * setting.x + part["b"][..., None]


@pytest.mark.filterwarnings("ignore:J has rank")  # of some of the random starts
@pytest.mark.parametrize("seed", range(12))
def test_a_relu_flow_ends_with_the_first_kink_that_meets_a_datum(seed):
    setting, theta = relu_start(seed)
    with within(5):
        flow = ou.regularized_flow(setting, theta, times=[0.0, 50.0])
    signs = np.sign(relu_inputs(setting, theta))
    inner = flow(np.linspace(0, flow.times[-1], 200)[:-1])
    assert np.all(np.sign(relu_inputs(setting, inner)) == signs)
    assert np.all(np.diff(ou.regularizer(setting, inner)) <= 100 * RTOL)  # of θ, times the slope of reg
    if flow.status == "kink":
        least = np.min(np.abs(relu_inputs(setting, flow.theta[-1])))
        assert least < RTOL * np.linalg.norm(theta)
        assert "a kink met a datum" in repr(flow)
        assert flow.times[-1] < 50
    else:
        assert flow.status == "finished"


@pytest.mark.filterwarnings("ignore:J has rank")
def test_of_these_relu_flows_some_meet_a_kink():
    def status(seed):
        setting, theta = relu_start(seed)
        with within(5):
            return ou.regularized_flow(setting, theta, times=[50.0]).status

    assert "kink" in {status(0), status(1), status(2)}


def test_a_kink_that_reg_draws_onto_a_datum_stops_the_flow():
    # One neuron, active on x = 1 alone, and a dead one: balance raises z(0) to 0, past which reg jumps up.
    setting = ou.ReluNetwork([-1.0, 0.0, 1.0], [0.0, 0.0, 1.0], 2)
    theta = setting.pack(a=[1.0, -1.0], b=[-0.1, -3.0], c=[1 / 0.9, 1.0], alpha=0, beta=0)
    with within(5):
        flow = ou.regularized_flow(setting, theta, times=[0.0, 10.0])
    assert flow.status == "kink"
    assert relu_inputs(setting, flow.theta[-1])[0, 1] == pytest.approx(0, abs=RTOL)


def test_dead_neurons_do_not_move():
    setting = ou.ReluNetwork([-1.0, 0.0, 1.0], [0.0, 0.0, 1.0], 2)
    theta = setting.pack(a=[1.0, -1.0], b=[-0.1, -3.0], c=[1 / 0.9, 1.0], alpha=0, beta=0)
    end = setting.unpack(ou.regularized_flow(setting, theta, times=[0.2]).theta[-1])
    assert [end["a"][1], end["b"][1], end["c"][1]] == [-1.0, -3.0, 1.0]
    assert abs(end["c"][0] - 1 / 0.9) > 0.1


@pytest.mark.parametrize("c", [1.0, 0.0])
def test_a_start_with_a_kink_on_a_datum_is_refused(c):
    # reg jumps there if the neuron's weight is not 0, and as soon as it moves off 0 if it is.
    setting = ou.ReluNetwork([-1.0, 0.0, 1.0], [0.0, 0.0, c + 1.0], 2)
    theta = setting.pack(a=[2.0, 1.0], b=[-1.0, 0.0], c=[1.0, c], alpha=0, beta=0)
    with pytest.raises(ValueError, match=r"theta: expected no kink on a datum, .*, got that of neuron 1 on x_1 = 0"):
        ou.regularized_flow(setting, theta, times=[1.0])


# arguments


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([1.0, 0.5], r"times: expected increasing flow times at least 0, got \[1.  0.5\]"),
        ([0.5, 0.5], "times: expected increasing flow times"),
        ([-1.0, 1.0], r"times: expected increasing flow times at least 0, got \[-1.  1.\]"),
        ([], r"times: expected shape \(records,\), got \(0,\)"),
        (1.0, r"times: expected shape \(records,\), got \(\)"),
        ([0.0, np.nan], r"times: expected finite numbers, got nan at \[1\]"),
    ],
)
def test_times_must_increase_from_zero_or_later(times, message):
    with pytest.raises(ValueError, match=message):
        ou.regularized_flow(PRODUCT, START, times=times)


def test_a_step_past_the_stability_limit_is_refused_with_the_limit():
    with pytest.raises(ValueError, match=r"lr: expected less than the stability limit 0\.06154 .* got 0\.07"):
        ou.regularized_flow(PRODUCT, START, times=[1.0], lr=0.07)  # 1/k, k = 16.25


def test_a_start_off_the_zero_error_set_is_refused():
    with pytest.raises(ValueError, match=r"theta: expected a point of the zero-error set .* got residual 6"):
        ou.regularized_flow(PRODUCT, [4.0, 2.0], times=[1.0])


@pytest.mark.parametrize("bad", [{"momentum": 1.0}, {"batch_size": 0}, {"lr": 0.0}, {"gradient_tolerance": -1.0}])
def test_bad_arguments_are_named(bad):
    arguments = {"times": [1.0], "lr": 0.01, **bad}
    with pytest.raises(ValueError, match=f"{next(iter(bad))}: expected"):
        ou.regularized_flow(PRODUCT, START, **arguments)


@pytest.mark.parametrize("bad", [{"rtol": 0.0}, {"rtol": -1.0}, {"method": "Euler"}])
def test_bad_arguments_of_the_integrator_are_named(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))}"):
        ou.regularized_flow(PRODUCT, START, times=[1.0], **bad)


# flow time


@given(
    lr=st.floats(1e-4, 1.0),
    noise_std=st.one_of(st.just(0.0), st.floats(1e-9, 3.0)),
    batch=st.one_of(st.integers(1, 9), st.just("full")),
    momentum=st.floats(0, 0.99),
    steps=st.integers(0, 10**9),
)
def test_flow_time_is_its_formula(lr, noise_std, batch, momentum, steps):
    expected = lr**2 * noise_std**2 * steps / ((3 if batch == "full" else batch) * (1 - momentum) ** 2)
    run = {"lr": lr, "noise_std": noise_std, "batch_size": batch, "momentum": momentum}
    assert ou.flow_time(SENSING, steps, **run) == pytest.approx(expected, rel=20 * EPS, abs=0)  # ten operations, twice
    np.testing.assert_allclose(ou.flow_time(SENSING, [[0, steps]], **run), [[0, expected]], rtol=20 * EPS)


@pytest.mark.parametrize("steps", [1.5, -1, [0.5]])
def test_flow_time_takes_whole_steps(steps):
    with pytest.raises(ValueError, match="steps: expected integers at least 0"):
        ou.flow_time(PRODUCT, steps, lr=0.1, noise_std=1.0)


def test_steps_are_those_whose_flow_time_the_records_have():
    flow = ou.regularized_flow(SENSING, MATRIX.ravel(), times=[0.01, 0.02, 0.05])
    run = {"lr": 1e-3, "noise_std": 0.1, "batch_size": "full", "momentum": 0.5}
    steps = flow.steps(**run)
    np.testing.assert_allclose(steps, flow.times * 3 * 0.5**2 / (1e-3 * 0.1) ** 2, rtol=FORMULA)
    # Rounded by half a step of 750,000.
    np.testing.assert_allclose(ou.flow_time(SENSING, np.round(steps).astype(int), **run), flow.times, rtol=0.5 / 7.5e5)


def test_steps_warn_where_sgd_takes_longer_to_relax_than_to_flow():
    flow = ou.regularized_flow(PRODUCT, START, times=[0.0, 1e-3])
    # 1e-3/(0.1·0.05)² = 40 steps at σ = 0.05 and η = 0.1; 1/(ηλ) = 1/(0.1 · 2 · 16.25) < 1.
    assert flow.steps(lr=0.1, noise_std=0.05)[-1] == pytest.approx(40, rel=FORMULA)
    with pytest.warns(UserWarning, match="the flow takes 0.1 steps and SGD 0.30[0-9]* to relax"):
        flow.steps(lr=0.1, noise_std=1.0)
    with pytest.raises(ValueError, match="noise_std: expected a number above 0"):
        flow.steps(lr=0.1, noise_std=0.0)


def test_a_flow_on_a_setting_of_the_users_own_keeps_to_the_zero_error_set():
    x = np.random.default_rng(3).normal(size=(2, 4))
    theta = np.array([0.7, -0.4, 0.9, 0.3])
    setting = ou.Setting(cubic, x, ou.Setting(cubic, x, [0, 0], 4).predictions(theta), 4)
    flow = ou.regularized_flow(setting, theta, times=np.linspace(0, 0.2, 5), rtol=1e-10)
    assert np.all(np.diff(flow.reg) < 0)
    assert np.max(np.abs(setting.predictions(flow.theta) - setting.y)) < SUMS


# scales and stiffness


@pytest.mark.parametrize("size", [1e-100, 1e-8, 1e8, 1e100])
def test_scaling_h_and_y_by_s_scales_time_by_the_inverse_square(size):
    def scaled(theta, x):
        return size * product(theta, x)

    times = np.array([0.0, 0.25, 50.0])
    flow = ou.regularized_flow(PRODUCT, START, times=times)
    other = ou.regularized_flow(ou.Setting(scaled, [1.0], [2 * size], dim=2), START, times=times / size / size)
    assert other.status == flow.status == "stationary"
    np.testing.assert_allclose(other.theta[:2], flow.theta[:2], rtol=RTOL)
    np.testing.assert_allclose(other.theta[-1] ** 2, 2, rtol=20 * RTOL)  # at rest to 10 rtol of θ
    np.testing.assert_allclose(other.reg[:2] / size / size, flow.reg[:2], rtol=2 * RTOL)
    np.testing.assert_allclose(other.gradient_norm[:2] / size / size, flow.gradient_norm[:2], rtol=2 * RTOL)


@pytest.mark.parametrize("size", [1e-8, 1e8])
def test_scaling_the_factors_keeps_their_time(size):
    setting = ou.Setting(product, [1.0], [2 * size**2], dim=2)
    flow = ou.regularized_flow(setting, size * START, times=[0.0, 0.25, 50.0])
    assert flow.status == "stationary"
    assert imbalance(flow.theta[1]) == pytest.approx(imbalance(size * START) * np.exp(-1), rel=20 * RTOL)


def two_products(theta, x):
    return theta[..., 0] * theta[..., 1] * x[..., 0] + theta[..., 2] * theta[..., 3] * x[..., 1]


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4])
def test_a_block_that_relaxes_much_faster_neither_stalls_the_other_nor_stops_it(scale):
    setting = ou.Setting(two_products, [[1.0, 0.0], [0.0, scale]], [3.0, 1.5 * scale], dim=4)
    start = np.array([3.0, 1.0, 1.5, 1.0])
    flow = ou.regularized_flow(setting, start, times=[0.0, 0.5, 50.0])
    # a² − b² decays as e^{−2x²s} where reg is the mean over two data.
    # ‖θ‖² is four times that.
    assert imbalance(flow.theta[1]) == pytest.approx(imbalance(start) * np.exp(-1), rel=4 * 20 * RTOL)
    assert flow.status == "stationary"
    # At rest to 10 rtol of ‖θ‖, which is three times an entry, in squares; and to what rounding of the steep block's
    # gradient, counted as 1000 eps of it, leaves to tell.
    np.testing.assert_allclose(flow.theta[-1] ** 2, [3, 3, 1.5, 1.5], rtol=60 * RTOL + 1e3 * EPS * scale**2)


def test_a_pair_of_nearly_equal_data_does_not_stall_the_flow():
    network, theta = ou.planted_sigmoid_network(3, 2, 4, rng=1)
    x = np.array(network.x)
    x[1] = x[0] + 1e-7
    setting = ou.SigmoidNetwork(x, network.y, 4)
    setting = setting.with_labels(setting.predictions(theta))
    flow = ou.regularized_flow(setting, theta, times=[1e3])
    assert flow.status == "stationary"


def test_the_interpolant_goes_through_every_method_and_records():
    setting = ou.Setting(two_products, [[1.0, 0.0], [0.0, 1e2]], [3.0, 150.0], dim=4)
    flow = ou.regularized_flow(setting, [3.0, 1.0, 1.5, 1.0], times=np.geomspace(1e-6, 1, 40))
    kinds = {type(piece).__name__ for piece in flow.path.scaled.interpolants}
    assert len(kinds) == 2  # DOP853 and an implicit one
    np.testing.assert_allclose(flow(flow.times), flow.theta, rtol=0, atol=20 * RTOL)


def test_a_flow_pickles():
    flow = ou.regularized_flow(PRODUCT, START, times=[0.25])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(flow))(0.1), flow(0.1))


def test_the_bar_counts_flow_time(capsys):
    ou.regularized_flow(PRODUCT, START, times=[0.5], progress=True)
    assert "0.50/0.50" in capsys.readouterr().err
    ou.regularized_flow(PRODUCT, START, times=[0.5])
    assert capsys.readouterr().err == ""


# both sides of each threshold


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_warn_just_below_the_relaxation_of_the_least_curvature_and_not_above(momentum):
    flow = ou.regularized_flow(PRODUCT, START, times=[0.0, 0.5])
    lr = 1e-3
    # k = √(D² + 4y²) is least at the end; H = 2k.
    relaxation = (1 - momentum) / (lr * 2 * np.hypot(imbalance(START) * np.exp(-2), 4.0))

    def steps(count):
        noise_std = np.sqrt(0.5 / count) * (1 - momentum) / lr
        return flow.steps(lr=lr, noise_std=noise_std, momentum=momentum)[-1]

    assert steps(1.02 * relaxation) == pytest.approx(1.02 * relaxation, rel=FORMULA)
    with pytest.warns(UserWarning, match="to relax onto it"):
        steps(0.98 * relaxation)


@pytest.mark.parametrize(("fraction", "refused"), [(0.995, True), (0.98, False)])
def test_a_flow_that_breaks_off_within_a_hundredth_of_the_stability_limit_says_that_it_is_there(fraction, refused):
    limit = ou.max_stable_lr(PRODUCT, START)
    sampling = Sampling(fraction * limit, 1.0)
    path = Interpolant(1.0, OdeSolution([0.0, 1.0], [lambda _: START]))
    if refused:
        with pytest.raises(ValueError, match="lr: expected less than the stability limit all along the flow, which fa"):
            flow_module._refuse_limit(PRODUCT, path, sampling)
    else:
        flow_module._refuse_limit(PRODUCT, path, sampling)
