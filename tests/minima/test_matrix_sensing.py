"""The semidefinite program of matrix sensing: another solver, its dual, answers by hand, and what may not change."""

import time

import numpy as np
import pytest
import scipy.linalg
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import numbers

import ouanalysis as ou

EPS = np.finfo(float).eps
GAP = 1e-7  # relative; Clarabel is asked for 1e-11 and may stop short where the optimum is degenerate
BY_HAND = 1e-10  # relative, where it is not: ten times what Clarabel is asked for
ROUNDING = 1e-12  # relative, of sums of up to n d² = 10⁵ products in two orders: ten times √(n d²) eps


def program(setting):
    """M = (1/n) Σ S_i² and the S_i/2, one sensor at a time."""
    symmetric = [sensor + sensor.T for sensor in setting.x]
    return sum(S @ S for S in symmetric) / setting.n, np.array(symmetric) / 2


def measured(sensors, matrix):
    return np.array([np.trace(sensor.T @ matrix) for sensor in sensors])


def of_matrix(sensors, matrix, rank=None):
    return ou.MatrixSensing(sensors, measured(sensors, matrix), rank)


@st.composite
def interior_settings(draw):
    """d = 3 with X = F Fᵀ + I feasible and sensors independent, the first I, so that M is positive definite.

    Then X and the multipliers of the optimum are bounded, and the solver has no excuse.
    """
    sensors = np.concatenate([[np.eye(3)], draw(numbers((draw(st.integers(1, 5)), 3, 3)))])
    flat = (sensors + np.swapaxes(sensors, -1, -2)).reshape(len(sensors), 9)
    assume(np.linalg.svd(flat, compute_uv=False)[-1] > 1e-2)
    factor = draw(numbers((3, 3)))
    return of_matrix(sensors, factor @ factor.T + np.eye(3))


def same_value(one, other, scale=1.0):
    """Whether other's value is scale times one's, as far as both claim: their gaps, and μ times their residuals."""
    claims = [found.gap + np.sum(np.abs(found.multipliers)) * found.residual for found in (one, other)]
    return abs(other.value - scale * one.value) <= scale * claims[0] + claims[1] + ROUNDING * other.value


def check_optimal(setting, least, *, tolerance=GAP):
    """Feasible on both sides, and with one value: then both are optimal, whoever found them."""
    mean_square, halves = program(setting)
    labels, level = np.max(np.abs(setting.y)), np.linalg.eigvalsh(mean_square)[-1]
    levels = np.linalg.eigvalsh(least.matrix)
    assert levels[0] >= -10 * setting.d * EPS * levels[-1]
    np.testing.assert_allclose(measured(setting.x, least.matrix), setting.y, rtol=0, atol=tolerance * labels)
    rounding = 10 * setting.d * EPS * np.max(np.linalg.norm(setting.x, axis=(1, 2))) * np.linalg.norm(least.matrix)
    worst = np.max(np.abs(measured(setting.x, least.matrix) - setting.y))
    assert least.residual == pytest.approx(worst, abs=rounding)
    slack = mean_square - sum(mu * half for mu, half in zip(least.multipliers, halves, strict=True))
    np.testing.assert_allclose(least.slack, slack, rtol=0, atol=ROUNDING * (level + np.max(np.abs(slack))))
    assert np.linalg.eigvalsh(slack)[0] >= -100 * setting.d * EPS * level
    assert least.lower_bound == pytest.approx(setting.y @ least.multipliers, rel=ROUNDING)
    # A theta that attains it drops what of X is below its rank, and moves to fit again: its square root squared.
    assert least.value == pytest.approx(np.trace(mean_square @ least.matrix), rel=1e-9)
    assert abs(least.value - least.lower_bound) <= tolerance * least.value
    # tr(ZX) = gap, and ‖ZX‖ ≤ √(‖Z‖ ‖X‖ tr(ZX)) as both are positive semidefinite.
    spread = np.sqrt(np.linalg.norm(slack, 2) * levels[-1] * tolerance * least.value)
    assert np.linalg.norm(slack @ least.matrix) <= spread
    if least.theta is not None:
        factor = setting.unpack(least.theta)["U"]
        np.testing.assert_allclose(factor @ factor.T, least.matrix, rtol=0, atol=1e-9 * levels[-1])
        assert least.value == pytest.approx(float(ou.regularizer(setting, least.theta)), rel=1e-14)
        assert np.linalg.norm(slack @ factor) <= spread / np.sqrt(levels[-1]) * np.sqrt(setting.d) * 10


@pytest.mark.parametrize(("d", "rank", "n"), [(2, 1, 1), (3, 2, 3), (4, 1, 6), (4, 3, 4), (5, 2, 8), (6, 1, 18)])
def test_the_value_is_that_of_scs_on_the_program_in_x(d, rank, n):
    cvxpy = pytest.importorskip("cvxpy")
    setting, _ = ou.planted_matrix_sensing(d, rank, n, rng=d + n)
    mean_square, _ = program(setting)
    matrix = cvxpy.Variable((d, d), PSD=True)
    fits = [cvxpy.trace(sensor.T @ matrix) == label for sensor, label in zip(setting.x, setting.y, strict=True)]
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.trace(mean_square @ matrix)), fits)
    problem.solve(solver=cvxpy.SCS, eps_abs=1e-9, eps_rel=1e-9, max_iters=200_000)
    assert problem.status == "optimal"
    least = ou.minimum(setting)
    check_optimal(setting, least)
    assert least.value == pytest.approx(problem.value, rel=1e-7)  # a hundred times what SCS was asked for
    assert least.theta is not None
    assert least.domain == "any rank"
    assert least.certified


@given(interior_settings())
def test_both_sides_are_feasible_and_meet(setting):
    check_optimal(setting, ou.minimum(setting))


@given(interior_settings(), numbers(6))
def test_weak_duality_with_any_multipliers_of_a_positive_slack(setting, direction):
    direction = direction[: setting.n]
    mean_square, halves = program(setting)
    least = ou.minimum(setting)
    combination = np.tensordot(direction[: setting.n], halves[: len(direction)], 1)
    largest = scipy.linalg.eigh(combination, mean_square, eigvals_only=True)[-1]  # M is positive definite here
    bound = direction @ setting.y[: len(direction)] / max(largest, 1.0)
    assert bound <= least.value * (1 + GAP)


@given(numbers((3, 3, 3)), numbers((3, 3)), numbers((3, 3)), st.floats(-1, 1))
def test_weak_duality_with_any_matrix_of_the_same_measurements(sensors, factor, direction, part):
    matrix = factor @ factor.T + np.eye(3)
    setting = of_matrix(sensors, matrix)
    mean_square, halves = program(setting)
    _, singular, rows = np.linalg.svd(halves.reshape(3, 9), full_matrices=False)
    rows = rows[singular > ROUNDING * singular[0]]
    hidden = (direction + direction.T).ravel()
    hidden = (hidden - rows.T @ (rows @ hidden)).reshape(3, 3)  # what no sensor sees
    farthest = 1 / max(-scipy.linalg.eigh(hidden, matrix, eigvals_only=True)[0], 1e-3)  # to the cone's boundary
    other = matrix + part * farthest * hidden
    if part >= 0 or np.linalg.eigvalsh(other)[0] >= 0:
        reg = np.sum(mean_square * other)
        assert reg >= ou.minimum(setting).lower_bound * (1 - BY_HAND)


@given(numbers((4, 3, 3)), numbers((3, 3)))
@example((np.ones((4, 3, 3)) - np.eye(4)[1][:, None, None] * np.diag([0, 0, 1])) / 32, np.diag([1, 0, 0]) / 32)
@example(
    np.array([-np.ones((3, 3)), -np.ones((3, 3)), -np.ones((3, 3)) + 2 * np.diag([0, 1, 0]), -np.ones((3, 3))]) / 32,
    np.diag([1, 0, 0]) / 32,
)
def test_no_matrix_beats_the_bound_even_where_the_program_has_no_interior(sensors, factor):
    setting = of_matrix(sensors, factor @ factor.T)
    least = ou.minimum(setting)
    mean_square, halves = program(setting)
    # The dual need not be attained, so that multipliers can be large and cancel: rounding is relative to their sizes.
    sizes = np.abs(least.multipliers)
    rounding = 100 * EPS * (sizes @ np.abs(setting.y))
    assert least.lower_bound <= ou.regularizer(setting, factor.ravel()) * (1 + ROUNDING) + rounding
    slack = mean_square - np.tensordot(least.multipliers, halves, 1)
    level = np.linalg.norm(mean_square, 2) + sizes @ np.linalg.norm(halves, axis=(1, 2))
    assert np.linalg.eigvalsh(slack)[0] >= -100 * EPS * level


# by hand


def test_one_sensor_the_identity_has_many_optima_and_one_of_rank_one():
    # S = 2I, M = 4I: reg = 4 tr X = 4y whatever X is.
    for rank in (1, 2, 3):
        setting = ou.MatrixSensing([np.eye(3)], [2.0], rank)
        least = ou.minimum(setting)
        check_optimal(setting, least)
        assert least.value == pytest.approx(8.0, rel=BY_HAND)
        assert least.rank == 1 or rank > 1
        assert least.theta.shape == (3 * rank,)
        assert np.sum(least.theta**2) == pytest.approx(2.0, rel=BY_HAND)


def test_one_rank_one_sensor():
    # A = vvᵀ: S² = 4‖v‖² vvᵀ, so reg = 4‖v‖² ⟨A, X⟩ = 4‖v‖² y.
    v = np.array([1.0, -2.0, 0.5])
    setting = ou.MatrixSensing([np.outer(v, v)], [3.0], rank=1)
    assert ou.minimum(setting).value == pytest.approx(4 * (v @ v) * 3, rel=10 * BY_HAND)


ALL_ENTRIES = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])  # x₁₁, x₂₂, 2x₁₂


def test_where_the_measurements_force_rank_two_a_setting_of_rank_one_has_no_theta():
    # M = (4 e₁e₁ᵀ + 4 e₂e₂ᵀ + 4I)/3 = (8/3) I, and X = I is forced: 16/3.
    setting = ou.MatrixSensing(ALL_ENTRIES, [1.0, 1.0, 0.0], rank=1)
    least = ou.minimum(setting)
    assert least.theta is None
    assert least.rank == 2
    assert least.value == pytest.approx(16 / 3, rel=BY_HAND)
    np.testing.assert_allclose(least.matrix, np.eye(2), rtol=0, atol=BY_HAND)
    assert "attained by a larger setting" in repr(least)
    assert "rank 2" in repr(least)
    wide = ou.minimum(ou.MatrixSensing(ALL_ENTRIES, [1.0, 1.0, 0.0]))
    assert wide.theta is not None
    assert wide.value == pytest.approx(16 / 3, rel=BY_HAND)
    assert "not attained" not in repr(wide)


def test_where_the_measurements_force_rank_one_it_is_found():
    setting = ou.MatrixSensing(ALL_ENTRIES, [4.0, 1.0, -4.0], rank=1)  # X = vvᵀ, v = (2, −1)
    least = ou.minimum(setting)
    assert least.value == pytest.approx(8 / 3 * 5, rel=10 * BY_HAND)
    assert least.rank == 1
    np.testing.assert_allclose(np.abs(least.theta), [2, 1], rtol=0, atol=1e-6)  # X to 1e-12 is U to its root at worst


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_among_optima_of_many_ranks_one_of_pataki_s_rank_is_found(copies, n):
    # Sensors B ⊗ I see only the partial trace of X: the optima are a face on which the rank goes up to `copies` times
    # the base's, and the value is the base's, as M is M_B ⊗ I.
    rng = np.random.default_rng(n)
    base = rng.normal(size=(n, 3, 3))
    factor = rng.normal(size=(3, 3))
    least = ou.minimum(of_matrix(base, factor @ factor.T))
    sensors = np.array([np.kron(B, np.eye(copies)) for B in base])
    rank = next(r for r in range(1, 10) if (r + 1) * (r + 2) / 2 > n)  # Pataki: one with r(r + 1)/2 ≤ n exists
    setting = ou.MatrixSensing(sensors, measured(base, factor @ factor.T), rank)
    many = ou.minimum(setting)
    assert many.theta is not None
    assert many.rank <= rank
    check_optimal(setting, many)
    assert many.value == pytest.approx(least.value, rel=GAP)


def test_directions_that_no_sensor_sees_cost_nothing():
    rng = np.random.default_rng(0)
    block = rng.normal(size=(2, 2, 2))
    alone = of_matrix(block, np.eye(2))
    sensors = np.zeros((2, 5, 5))
    sensors[:, 1:3, 1:3] = block
    for rank in (1, 2, 5):
        least = ou.minimum(ou.MatrixSensing(sensors, alone.y, rank))
        assert least.value == pytest.approx(ou.minimum(alone).value, rel=GAP)
        assert least.theta is not None


def test_zero_measurements_are_those_of_zero():
    least = ou.minimum(ou.MatrixSensing(np.random.default_rng(0).normal(size=(4, 3, 3)), np.zeros(4), rank=2))
    assert (least.value, least.lower_bound, least.rank, least.gap) == (0, 0, 0, 0)
    np.testing.assert_array_equal(least.theta, np.zeros(6))
    assert ou.minimum(ou.MatrixSensing([[[0.0, 1.0], [-1.0, 0.0]]], [0.0])).value == 0


@pytest.mark.parametrize(
    ("sensors", "y"),
    [
        ([np.eye(3)], [-1.0]),  # a negative trace
        ([np.eye(2), 2 * np.eye(2)], [1.0, 3.0]),  # a contradiction
        ([[[0.0, 1.0], [-1.0, 0.0]]], [1.0]),  # ⟨A, X⟩ = 0 for every symmetric X
        (ALL_ENTRIES, [1.0, 1.0, 3.0]),  # x₁₂² > x₁₁ x₂₂
        ([np.diag([1.0, 0.0]), [[0.0, 1.0], [-1.0, 0.0]]], [1.0, 1.0]),
    ],
)
def test_measurements_that_no_matrix_has_raise_one_line(sensors, y):
    with pytest.raises(ValueError, match=r"^y: expected .*, got .*$") as caught:
        ou.minimum(ou.MatrixSensing(sensors, y))
    assert "\n" not in str(caught.value)


# pinned, and large


def test_where_too_many_measurements_pin_x_the_bound_still_holds():
    setting, truth = ou.planted_matrix_sensing(10, 1, 80, rng=0)
    least = ou.minimum(setting)
    mean_square, halves = program(setting)
    slack = mean_square - np.tensordot(least.multipliers, halves, 1)
    assert np.linalg.eigvalsh(slack)[0] >= -1e3 * EPS * np.linalg.eigvalsh(mean_square)[-1]
    reg = ou.regularizer(setting, truth)  # n = 80 > 55 = d(d + 1)/2: the planted matrix is the only one
    assert setting.y @ least.multipliers <= reg * (1 + ROUNDING)
    assert least.value == pytest.approx(reg, rel=10 * BY_HAND)
    check_optimal(setting, least)


@pytest.mark.parametrize("n", [22, 30, 40, 50])
def test_pinned_by_the_cone_alone_the_bound_still_holds(n):
    # No X ≻ 0 fits, so the dual need not be attained; weak duality is what may never fail.
    for seed in range(3):
        setting, truth = ou.planted_matrix_sensing(8, 1, n, rng=seed)
        least = ou.minimum(setting)
        assert least.lower_bound <= ou.regularizer(setting, truth) * (1 + ROUNDING)
        check_optimal(setting, least)


@pytest.mark.benchmark
def test_thirty_by_thirty_takes_seconds():
    setting, _ = ou.planted_matrix_sensing(30, 1, 150, rng=0)
    begin = time.perf_counter()
    ou.minimum(setting)
    assert time.perf_counter() - begin < 20


def test_thirty_by_thirty_is_solved():
    setting, truth = ou.planted_matrix_sensing(30, 1, 150, rng=0)
    least = ou.minimum(setting)
    check_optimal(setting, least)
    assert least.value <= ou.regularizer(setting, truth) * (1 + GAP)


# what may not change


@given(interior_settings(), numbers((3, 3)))
def test_rotating_the_space_rotates_the_answer(setting, entries):
    rotation = np.linalg.qr(entries + 3 * np.eye(3))[0]
    turned = ou.MatrixSensing(rotation.T @ setting.x @ rotation, setting.y)
    one, other = ou.minimum(setting), ou.minimum(turned)
    assert same_value(one, other)
    back = rotation @ other.matrix @ rotation.T
    rounding = ROUNDING * np.max(np.abs(setting.y)) * np.max(np.abs(setting.x))
    np.testing.assert_allclose(measured(setting.x, back), setting.y, rtol=0, atol=other.residual + rounding)


@given(interior_settings(), st.floats(1e-6, 1e6))
def test_scaling_the_measurements_scales_the_value(setting, scale):
    scaled = ou.minimum(ou.MatrixSensing(setting.x, scale * setting.y))
    assert same_value(ou.minimum(setting), scaled, scale)
    check_optimal(scaled.setting, scaled)


@given(interior_settings(), st.floats(1e-2, 1e2))
def test_scaling_the_sensors_scales_x_inversely_and_the_value_linearly(setting, scale):
    # X/scale has the same measurements; M grows by scale².
    scaled = ou.minimum(ou.MatrixSensing(scale * setting.x, setting.y))
    assert same_value(ou.minimum(setting), scaled, scale)


@given(interior_settings(), numbers((6, 3, 3)))
def test_antisymmetric_parts_of_the_sensors_do_nothing(setting, parts):
    skew = (parts - np.swapaxes(parts, -1, -2))[: setting.n]
    assert same_value(ou.minimum(setting), ou.minimum(ou.MatrixSensing(setting.x + skew, setting.y)))


@given(interior_settings(), st.randoms())
def test_the_order_of_the_sensors_does_not_matter_nor_does_repeating_all(setting, random):
    order = list(range(setting.n))
    random.shuffle(order)
    one = ou.minimum(setting)
    assert same_value(one, ou.minimum(ou.MatrixSensing(setting.x[order], setting.y[order])))
    twice = ou.MatrixSensing(np.concatenate([setting.x] * 2), np.concatenate([setting.y] * 2))
    assert same_value(one, ou.minimum(twice))  # M is a mean


@given(interior_settings())
def test_a_sensor_that_measures_nothing_only_dilutes_the_mean(setting):
    more = ou.MatrixSensing(np.concatenate([setting.x, np.zeros((1, 3, 3))]), np.append(setting.y, 0.0))
    assert same_value(ou.minimum(setting), ou.minimum(more), setting.n / more.n)


def test_repr_says_value_domain_gap_and_rank():
    setting = ou.MatrixSensing([np.eye(3)], [2.0], rank=1)
    text = repr(ou.minimum(setting))
    assert text.startswith("MatrixSensingMinimum(8 over any rank, gap ")
    assert text.endswith(", rank 1)")
