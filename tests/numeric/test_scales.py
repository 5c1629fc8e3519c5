"""Verdicts and flows where data, parameters and curvatures differ by orders of magnitude, and where h is not smooth."""

import autograd.numpy as anp
import numpy as np
import pytest
from rounding import ALGEBRA, EPS, FORMULA, SUMS

import ouanalysis as ou
from ouanalysis.numeric.zero_error_set.row_space import row_space

RTOL = 1e-8  # of the flow's integrator, by default; up to 20 of them add up


def two_models(theta, x):
    """ab x₁ + c² x₂: with x = (1, 0) and (0, s) two models that share nothing."""
    return theta[..., 0] * theta[..., 1] * x[..., 0] + theta[..., 2] ** 2 * x[..., 1]


def own_network(theta, x):
    """Its kink is hidden from the package: not written with ouanalysis.activations."""
    z = theta[..., 0] * x + theta[..., 1]
    return anp.where(z > 0, z, 0.0) * theta[..., 2] + theta[..., 3] * x + theta[..., 4]


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def with_offset(theta, x):
    return theta[..., 0] * theta[..., 1] * x + theta[..., 2]


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5, 1e7])
def test_a_large_parameter_that_stays_does_not_hide_what_moves(offset):
    setting = ou.Setting(with_offset, [-1.0, 1.0], [offset - 1, offset + 1], 3)
    assert ou.stability(setting, [2.0, 0.5, offset]).verdict == "repellent"
    flow = ou.regularized_flow(setting, [2.0, 0.5, offset], times=[0.0, 20.0])
    assert flow.reg[-1] == pytest.approx(3.0, abs=20 * RTOL)  # at a = b = 1; eps of the offset is less


def test_curvatures_that_overflow_are_no_verdict():
    def saturated(theta, x):
        return theta[..., 0] * anp.tanh(theta[..., 1] * x)

    with pytest.raises(ArithmeticError, match="expected finite curvatures, got NaN or infinity"):
        ou.stability(ou.Setting(saturated, [400.0], [1.0], 2), [1.0, 1.0])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 300.0])
def test_a_large_datum_does_not_hide_that_another_model_is_repellent(scale):
    setting = ou.Setting(two_models, [[1.0, 0.0], [0.0, scale]], [2.0, scale], 3)
    start = np.array([1.3 * np.sqrt(2), np.sqrt(2) / 1.3, 1.0])
    found = ou.stability(setting, start)
    assert found.verdict == "repellent"
    # a² − b² decays as e^{−2s} where reg is the mean over two data, whatever the other one is.
    flow = ou.regularized_flow(setting, start, times=[0.0, 0.5])
    a, b, _ = flow.theta[-1]
    assert (a**2 - b**2) / (start[0] ** 2 - start[1] ** 2) == pytest.approx(np.exp(-1), rel=20 * RTOL)
    rest = ou.regularized_flow(setting, start, times=[50.0])
    assert rest.status == "stationary"
    assert ou.stability(setting, rest.theta[-1]).verdict == "strict minimum"


def test_a_small_negative_curvature_beside_a_huge_one_is_a_saddle():
    def h(theta, x):
        return theta[..., 0] * (1 + 1e4 * theta[..., 1] ** 2 - 0.05 * theta[..., 2] ** 2) * x

    found = ou.stability(ou.Setting(h, [1.0], [1.0], 3), [1.0, 0.0, 0.0])
    assert found.verdict == "saddle"
    assert found.eigenvalues[0] == pytest.approx(-0.18, rel=FORMULA)


def test_the_distance_is_that_of_the_stationary_point_of_the_product():
    found = ou.stability(ou.Setting(product, [1.0], [2.0], 2), [np.sqrt(2) * 1.0001, np.sqrt(2) / 1.0001])
    assert found.distance == pytest.approx(np.sqrt(2) * 1e-4 * np.sqrt(2), rel=2e-4)  # to first order in 1e-4


def test_a_hidden_kink_stalls_the_flow_and_does_not_hang_it():
    theta, x = np.array([1.0, -0.4, 1.0, 0.1, 0.3]), np.array([-1.0, 0.5, 1.0])
    setting = ou.Setting(own_network, x, own_network(theta[None], x), 5)
    with pytest.warns(
        UserWarning, match="the flow stalled at flow time 0.2063: its steps collapse, as at a kink, and h decides"
    ):
        flow = ou.regularized_flow(setting, theta, times=[0.0, 0.1, 3.0])
    assert flow.status == "stalled"
    np.testing.assert_array_equal(flow.times[:2], [0.0, 0.1])
    assert 0.1 < flow.times[-1] < 3
    assert theta[0] * 0.5 + theta[1] > 0
    # It came to the kink, of which steps that collapse leave 1e-4 of what elapsed.
    assert abs(flow.theta[-1] @ [0.5, 1, 0, 0, 0]) < 1e-4 * (theta[0] * 0.5 + theta[1])
    assert "stalled: its steps collapse" in repr(flow)
    assert "kinks were not watched for, as h decides by" in repr(flow)
    assert ou.stability(setting, flow.theta[-1]).verdict  # an answer, as that end is on the zero-error set
    with pytest.warns(UserWarning, match="off the zero-error set: lower rtol"):
        ou.regularized_flow(setting, theta, times=[0.0, 0.5, 3.0], rtol=1e-3, method="RK45")


@pytest.mark.parametrize("fraction", [0.9, 0.999])
def test_an_exact_flow_that_starts_near_the_limit_and_leaves_it_behind_is_integrated(fraction):
    setting = ou.Setting(product, [1.0], [2.0], 2)
    start = [4.0, 0.5]
    limit = ou.max_stable_lr(setting, start)
    flow = ou.regularized_flow(setting, start, times=[0.0, 0.5], lr=fraction * limit)
    assert flow.status == "finished"
    assert flow.reg[-1] < flow.reg[0]  # k falls, so the limit 1/k rises


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("batch_size", [1, 2, "full"])
def test_max_stable_lr_is_where_the_drift_begins_to_be_refused(batch_size, momentum):
    setting, theta = ou.planted_sigmoid_network(3, 4, 4, rng=1)
    limit = ou.max_stable_lr(setting, theta, batch_size=batch_size, momentum=momentum)
    arguments = {"noise_std": 0.1, "batch_size": batch_size, "momentum": momentum}
    ou.tangent_drift(setting, theta, lr=0.9999 * limit, **arguments)
    with pytest.raises(ValueError, match="expected less than the stability limit"):
        ou.tangent_drift(setting, theta, lr=1.0001 * limit, **arguments)


def test_interpolate_leaves_no_kink_on_a_datum_that_was_not_there():
    nonsmooth = 0
    for seed in range(30):
        setting, planted = ou.planted_relu_network(6, 2, width=8, rng=seed)
        start = planted + 0.1 * np.random.default_rng(seed).standard_normal(setting.dim)
        try:
            theta = ou.interpolate(setting, start)
        except ou.InterpolationError:  # dead neurons
            continue
        nonsmooth += ou.stability(setting, theta).verdict == "nonsmooth"
    assert nonsmooth == 0


def test_a_neuron_that_has_all_but_vanished_is_no_kink():
    setting = ou.ReluNetwork([-1.0, 0.0, 1.0], [0.0, 0.0, 1.0], 2)
    theta = setting.pack(a=[1.0, 1e-10], b=[-0.5, 0.0], c=[2.0, 1e-10], alpha=0, beta=0)
    assert ou.stability(setting, theta).verdict != "nonsmooth"
    assert ou.regularized_flow(setting, theta, times=[1e-3]).status == "finished"


@pytest.mark.parametrize("condition", [1.0, 1e5, 1e12])
def test_the_row_space_of_many_parameters_is_that_of_a_singular_value_decomposition(condition):
    rng = np.random.default_rng(0)
    left, right = np.linalg.qr(rng.normal(size=(6, 6)))[0], np.linalg.qr(rng.normal(size=(200, 6)))[0]
    jacobian = left * np.geomspace(1, 1 / condition, 6) @ right.T
    space = row_space(ou.Setting(linear, jacobian, np.zeros(6), 200), np.zeros(200))
    singular = np.linalg.svd(jacobian, compute_uv=False)
    np.testing.assert_allclose(np.sqrt(space.squares), singular, rtol=0, atol=FORMULA)
    np.testing.assert_allclose(space.basis.T @ space.basis, np.eye(6), rtol=0, atol=SUMS)
    np.testing.assert_allclose(space.modes * np.sqrt(space.squares) @ space.basis.T, jacobian, rtol=0, atol=FORMULA)


def test_a_nearly_singular_gram_matrix_is_said_where_the_steps_do_not_suffice():
    jacobian = np.diag([1.0, 1e-4])
    setting = ou.Setting(linear, jacobian, np.zeros(2), 2)
    with pytest.warns(
        UserWarning, match=r"K is nearly singular: its slowest direction relaxes in 1e\+09 steps, longer"
    ):
        ou.tangent_drift(setting, np.zeros(2), lr=0.1, noise_std=0.1, steps=[10, 1000])
    ou.tangent_drift(setting, np.zeros(2), lr=0.1, noise_std=0.1, steps=10**10)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_drift_warns_just_below_the_relaxation_of_its_slowest_direction_and_not_above(momentum):
    setting = ou.Setting(linear, np.diag([1.0, 1e-4]), np.zeros(2), 2)
    relaxation = round((1 - momentum) / (0.1 * 1e-8))  # 1/(ηλ) steps, λ = (2/n) 1e-8
    arguments = {"lr": 0.1, "noise_std": 0.1, "momentum": momentum}
    ou.tangent_drift(setting, np.zeros(2), steps=[1, int(1.02 * relaxation)], **arguments)
    with pytest.warns(UserWarning, match="K is nearly singular"):
        ou.tangent_drift(setting, np.zeros(2), steps=[1, int(0.98 * relaxation)], **arguments)


def test_replacement_is_true_or_false():
    setting, theta = ou.planted_sigmoid_network(2, 2, 2, rng=0)
    with pytest.raises(TypeError, match="replacement: expected True or False, got 'no'"):
        ou.local_ou(setting, theta, lr=0.01, noise_std=0.1, replacement="no")


def test_a_lag_and_steps_that_do_not_broadcast_are_named():
    setting, theta = ou.planted_sigmoid_network(2, 2, 2, rng=0)
    local = ou.local_ou(setting, theta, lr=0.01, noise_std=0.1)
    with pytest.raises(ValueError, match=r"lag: expected a shape that broadcasts with steps, got \(2,\)"):
        local.covariance([1, 2, 3], lag=[1, 2])


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


def ellipse_beside_a_line(theta, x):
    return (theta[..., 0] ** 2 + 2 * theta[..., 1] ** 2) * x[..., 0] + theta[..., 2] * x[..., 1]


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e4, 1e7])
def test_a_saddle_stays_one_beside_a_datum_of_another_size(ratio):
    # On a² + 2b² = 1 reg = 2 + 4b² + constant, so that a = 0 is a maximum: curvature −4 along a.
    setting = ou.Setting(ellipse_beside_a_line, [[1.0, 0.0], [0.0, ratio]], [1.0, ratio], dim=3)
    found = ou.stability(setting, [0.0, np.sqrt(0.5), 1.0])
    assert (found.verdict, found.symmetries) == ("saddle", 0)
    assert found.eigenvalues[0] == pytest.approx(-4.0, rel=ALGEBRA)
    np.testing.assert_allclose(np.abs(found.direction), [1.0, 0.0, 0.0], rtol=0, atol=ALGEBRA)


def hidden_wave(theta, x):
    return (theta[..., 0] + anp.sin(theta[..., 1]) + theta[..., 2]) * x


@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-4, 1e-8])
def test_a_saddle_stays_one_at_small_parameters(size):
    # reg = 2 + cos² b; along the set (da + cos b db + dc = 0) a third of the unit vector is in b: −2 · 2/3.
    found = ou.stability(ou.Setting(hidden_wave, [1.0], [0.0], dim=3), [-size, 0.0, size])
    assert found.verdict == "saddle"
    assert found.eigenvalues[0] == pytest.approx(-4 / 3, rel=ALGEBRA)


def two_products(theta, x):
    return theta[..., 0] * theta[..., 1] * x[..., 0] + theta[..., 2] * theta[..., 3] * x[..., 1]


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e6])
def test_of_two_products_each_is_judged_for_itself(ratio):
    x, balanced = [[1.0, 0.0], [0.0, ratio]], [2**0.5, 2**0.5, 1.5**0.5, 1.5**0.5]
    setting = ou.Setting(two_products, x, [2.0, 1.5 * ratio], dim=4)
    assert ou.stability(setting, [1.0, 2.0, *balanced[2:]]).verdict == "repellent"
    found = ou.stability(setting, balanced)
    assert found.verdict == "strict minimum"
    # reg = (a² + b²)/2 + ratio² (c² + d²)/2: half the 4 of h = ab, and ratio² times that.
    atol = EPS * ratio**2  # of the largest, for each
    np.testing.assert_allclose(found.eigenvalues, np.sort([2.0, 2.0 * ratio**2]), rtol=ALGEBRA, atol=atol)


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e6])
def test_a_flow_does_not_rest_while_the_smaller_of_two_products_moves(ratio):
    setting = ou.Setting(two_products, [[1.0, 0.0], [0.0, ratio]], [2.0, 1.5 * ratio], dim=4)
    a, b = ou.regularized_flow(setting, [1.0, 2.0, 1.5**0.5, 1.5**0.5], times=[0.0, 1.0])(1.0)[:2]
    assert a**2 - b**2 == pytest.approx(-3 * np.exp(-2), rel=20 * RTOL)  # decays as e^{−4s}, at half the rate as n = 2


def test_a_minimum_at_parameters_of_size_zero_is_attained():
    def h(theta, x):
        return (theta[..., 0] + anp.cos(theta[..., 1])) * x

    least = ou.minimum(ou.Setting(h, [1.0], [1.0], dim=2))  # reg = 1 + sin² b at a = 1 − cos b
    assert (least.status, least.verdict) == ("stationary", "strict minimum")
    assert least.value == pytest.approx(1.0, rel=FORMULA)


@pytest.mark.parametrize("factor", [1e-10, 1.0, 1e10])
def test_kinks_are_seen_in_any_units_and_beside_any_constant(factor):
    for constant in (0.0, 1e6 * factor):
        setting = ou.Setting(
            lambda theta, x, c=constant: factor * ou.activations.relu(theta[..., 0] * x - theta[..., 1]) + c,
            [1.0, 2.0],
            [constant, factor + constant],
            dim=2,
        )
        assert ou.kink_distance(setting, [1.0, 1.0]) == 0
        assert ou.stability(setting, [1.0, 1.0]).verdict == "nonsmooth"
