"""The gap of any parameters to the simplest model of their own predictions; ReLU networks are in test_relu_network."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import matrix_sensings, numbers, settings_with_theta

import ouanalysis as ou

EPS = np.finfo(float).eps
GAP = 1e-7  # relative, of the semidefinite program, as in test_matrix_sensing
ROUNDING = 1e-12  # relative, of sums of some tens of products and a root that is found to eps, in two orders
DUALITY = 1e-9  # relative: rounding of yᵀμ, whose terms can be large and cancel where the dual is not attained


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def square(theta, x):
    return theta[..., 0] ** 2 * x


@st.composite
def one_datum_networks(draw):
    d = draw(st.integers(1, 3))
    x = draw(numbers((1, d)))
    assume(np.any(x))
    name = draw(st.sampled_from(["tanh", "logistic"]))
    return ou.SigmoidNetwork(x, draw(numbers(1)), draw(st.integers(1, 3)), name)


# never negative


@given(settings_with_theta(matrix_sensings()))
@example((ou.MatrixSensing([np.zeros((2, 2)), [[1 / 32, 1 / 16], [0, 0]]], [0, 0], 1), np.ones(2) / 32))
def test_no_factor_has_less_than_the_program_of_its_measurements(drawn):
    setting, theta = drawn
    found = ou.certify(setting, theta)
    reg = np.mean([np.sum(((A + A.T) @ setting.unpack(theta)["U"]) ** 2) for A in setting.x])
    assert found.reg == pytest.approx(reg, rel=ROUNDING, abs=1e-15)  # 0, or a multiple of 2⁻²⁰/n
    assert found.lower_bound <= reg * (1 + DUALITY)
    assert found.gap >= -found.solver_gap - DUALITY * reg
    assert found.domain == "any rank"


@given(settings_with_theta(one_datum_networks()))
def test_no_network_has_less_than_the_closed_form_of_its_prediction(drawn):
    setting, theta = drawn
    found = ou.certify(setting, theta)
    assert found.gap >= -ROUNDING * found.reg
    assert found.solver_gap == 0
    assert found.lower_bound == found.least
    assert found.domain == ("any width" if setting.activation.name == "tanh" else "this width")
    w = np.linalg.norm(setting.x) * abs(setting.predictions(theta)[0])
    if setting.activation.name == "tanh":
        assert found.least == pytest.approx(2 * w / (np.sqrt(1 + w**2) + w), rel=ROUNDING)
    if setting.activation.name == "logistic" and setting.width == 1:
        assert found.least == pytest.approx(w**2 / (1 + w**2), rel=ROUNDING)


@given(settings_with_theta(one_datum_networks(), rows=4))
def test_moving_along_w_that_h_does_not_see_changes_no_gap(drawn):
    setting, theta = drawn
    x = setting.x[0]
    part = setting.unpack(theta[0])
    unseen = part["W"] - np.outer(part["W"] @ x, x) / (x @ x)
    moved = setting.pack(c=part["c"], W=part["W"] + 3 * unseen)
    one, other = ou.certify(setting, theta[0]), ou.certify(setting, moved)
    # The gap is a difference of reg and the least: its rounding is that of reg.
    assert other.gap == pytest.approx(one.gap, rel=1e-9, abs=ROUNDING * (1 + float(one.reg)))


# zero where it should be


@pytest.mark.parametrize(("d", "n"), [(3, 3), (4, 6), (6, 10), (6, 20)])
def test_the_least_of_matrix_sensing_has_no_gap(d, n):
    setting, _ = ou.planted_matrix_sensing(d, 1, n, rng=n)
    least = ou.minimum(setting)
    found = ou.certify(setting, least.theta)
    assert abs(found.relative_gap) <= GAP
    assert found.least == pytest.approx(least.value, rel=GAP)
    assert found.certified


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("y", [0.5, 1.8, -3.0])
def test_the_least_of_a_network_has_no_gap_and_another_stationary_one_has(activation, width, y):
    setting = ou.SigmoidNetwork([[0.8, -0.5]], [y], width, activation)
    least = ou.minimum(setting)
    found = ou.certify(setting, least.theta)
    assert abs(found.relative_gap) <= ROUNDING
    if activation == "tanh" and width > 1:
        equal = np.arctanh(np.sqrt((w := np.hypot(0.8, 0.5) * abs(y) / width) / np.sqrt(1 + w**2)))
        c = np.full(width, y / width / np.tanh(equal))
        theta = setting.pack(c=c, W=np.outer(np.full(width, equal), setting.x[0] / 0.89))
        total = np.hypot(0.8, 0.5) * abs(y)
        costs = [2 * v * (np.sqrt(1 + v**2) - v) for v in (total / width, total)]
        assert ou.certify(setting, theta).gap == pytest.approx(width * costs[0] - costs[1], rel=1e-10)  # cancels to 1 %


@given(numbers((3, 3)))
def test_where_reg_is_a_measurement_every_factor_is_at_its_least(entries):
    # A = I: reg = 4 tr X = 4y. And sensors that see every entry of X leave nothing to choose.
    for sensors in ([np.eye(3)], np.array([np.outer(a, b) for a in np.eye(3) for b in np.eye(3)])):
        found = ou.certify(ou.MatrixSensing(sensors, np.zeros(len(sensors))), entries.ravel())
        # The second pins X, on the cone's boundary where a factor is singular: the solver stops short there.
        assert abs(found.gap) <= 1e-6 * found.reg


# theta may be anything, of any shape


def test_theta_need_not_fit_and_the_labels_do_not_matter():
    setting, truth = ou.planted_matrix_sensing(4, 1, 6, rng=0)
    theta = truth + np.random.default_rng(0).normal(size=16)
    found = ou.certify(setting, theta)
    assert np.max(np.abs(setting.predictions(theta) - setting.y)) > 0.1
    relabelled = ou.MatrixSensing(setting.x, setting.predictions(theta))
    assert found.least == pytest.approx(ou.minimum(relabelled).value, rel=ROUNDING)
    assert found.gap == pytest.approx(ou.certify(relabelled, theta).gap, rel=ROUNDING)


def all_kinds():
    sensing, _ = ou.planted_matrix_sensing(3, 1, 4, rng=0)
    return [
        sensing,
        ou.SigmoidNetwork([[0.6, 0.8]], [1.0], 3),
        ou.SigmoidNetwork([[0.6, 0.8]], [1.0], 3, "logistic"),
    ]


@pytest.mark.parametrize("setting", all_kinds(), ids=repr)
def test_leading_axes_are_taken_one_at_a_time(setting):
    theta = np.random.default_rng(1).normal(size=(2, 3, setting.dim))
    found = ou.certify(setting, theta)
    for name in ("reg", "least", "lower_bound", "gap", "solver_gap", "relative_gap"):
        values = getattr(found, name)
        assert values.shape == (2, 3)
        for i, j in np.ndindex(2, 3):
            assert values[i, j] == pytest.approx(
                getattr(ou.certify(setting, theta[i, j]), name), rel=ROUNDING, abs=1e-15
            )
    assert np.ndim(ou.certify(setting, theta[0, 0]).gap) == 0


@pytest.mark.parametrize("setting", all_kinds(), ids=repr)
def test_a_trajectory_of_label_noise_sgd_is_certified_all_along(setting):
    start = np.abs(np.random.default_rng(0).normal(size=setting.dim)) / 2
    path = ou.label_noise_sgd(setting, start, lr=0.02, noise_std=0.2, steps=4000, rng=0, chains=2, record=1000)
    found = ou.certify(setting, path.theta)
    assert found.gap.shape == (2, 5)
    np.testing.assert_allclose(found.reg, path.reg, rtol=ROUNDING)
    assert np.all(found.gap >= -found.solver_gap - DUALITY * found.reg)


@given(settings_with_theta(matrix_sensings()), numbers((3, 3)))
def test_rotating_u_changes_no_gap(drawn, entries):
    setting, theta = drawn
    r = setting.rank
    rotation = np.linalg.qr(entries[:r, :r] + 3 * np.eye(r))[0]
    turned = setting.pack(U=setting.unpack(theta)["U"] @ rotation)
    one, other = ou.certify(setting, theta), ou.certify(setting, turned)
    # The two programs differ by rounding alone; each is solved up to its own gap.
    slack = 2 * (one.solver_gap + other.solver_gap) + 1e-6 * one.reg
    assert abs(one.gap - other.gap) <= slack + ROUNDING


# a Setting of the user's own


def test_the_gap_of_ab_by_local_search():
    setting = ou.Setting(product, [1.0], [2.0], dim=2)
    found = ou.certify(setting, [[4.0, 0.5], [-3.0, 1.0]])
    # reg − 2|ab|
    np.testing.assert_allclose(
        found.gap, [16.25 - 4, 10 - 6], rtol=1e-6
    )  # the flow's accuracy, as in test_local_search
    assert (found.domain, found.certified) == ("local search", False)
    np.testing.assert_array_equal(found.lower_bound, 0)
    assert repr(found).startswith("Certificate(2 states, 66.7 to 306 % over their least over local search; no cert")


@pytest.mark.parametrize("size", [1e-60, 1e60])
def test_the_gap_of_ab_scales_with_the_model(size):
    def scaled(theta, x):
        return size * product(theta, x)

    found = ou.certify(ou.Setting(scaled, [1.0], [0.0], dim=2), [[4.0, 0.5], [4e8, 0.5e8]])
    np.testing.assert_allclose(found.gap / size**2, [16.25 - 4, 1e16 * (16.25 - 4)], rtol=1e-7)


def test_the_bar_counts_the_states(capsys):
    setting = ou.SigmoidNetwork([[1.0]], [0.75], width=1)
    ou.certify(setting, np.ones((2, 3, 2)), progress=True)
    assert "6.00/6.00" in capsys.readouterr().err


def test_the_gap_of_a_model_without_freedom_is_zero():
    found = ou.certify(ou.Setting(square, [1.0], [2.0], dim=1), [[0.7], [-1.5]])  # θ is fixed up to its sign
    assert np.all(found.gap >= -ROUNDING)
    np.testing.assert_allclose(found.gap, 0, rtol=0, atol=1e-7)  # y is held to √eps


# repr, and bad input


def test_repr_reads():
    setting = ou.SigmoidNetwork([[1.0]], [0.75], width=2)
    # One neuron with tanh z = 1/2, c = 3/2: reg = 1/4 + (9/4)(9/16) = 97/64, against 3/4.
    theta = setting.pack(c=[1.5, 0.0], W=[[np.arctanh(0.5)], [0.0]])
    one = ou.certify(setting, theta)
    assert repr(one) == ("Certificate(reg 1.51562, 102 % over the least 0.75 over any width; solver's own gap 0.0e+00)")
    least = ou.minimum(setting).theta
    both = repr(ou.certify(setting, [theta, least]))
    assert both.startswith("Certificate(2 states, ")
    assert both.endswith("to 102 % over their least over any width; solver's own gap 0.0e+00)")


def test_the_relative_gap_is_infinite_where_nothing_would_do():
    setting = ou.SigmoidNetwork([[1.0]], [0.75], width=2)
    opposite = setting.pack(c=[1.0, -1.0], W=[[1.0], [1.0]])
    found = ou.certify(setting, opposite)
    assert found.least == 0
    assert found.relative_gap == np.inf
    assert ou.certify(setting, np.zeros(4)).relative_gap == 0


def test_a_diverged_chain_has_no_gap_and_the_others_have_theirs():
    setting, truth = ou.planted_matrix_sensing(3, 1, 5, rng=0)
    starts = np.stack([truth, np.full(9, 1e3), 0.5 * truth])
    run = ou.label_noise_sgd(setting, starts, lr=0.01, noise_std=0.1, steps=10, rng=0, chains=3, record=5)
    assert run.diverged.tolist() == [False, True, False]
    found, alone = ou.certify(setting, run.theta), ou.certify(setting, run.theta[[0, 2]])
    for name in ("reg", "least", "lower_bound", "gap", "relative_gap", "solver_gap"):
        assert np.isnan(getattr(found, name)[1, -1])
        np.testing.assert_array_equal(getattr(found, name)[[0, 2]], getattr(alone, name))
    assert "nan" not in repr(found)
    with pytest.raises(ValueError, match=r"^theta: expected finite numbers, got nan at \[0, 0\]$"):
        ou.certify(setting, np.full((2, 9), np.nan))


@pytest.mark.parametrize("call", [ou.certify, ou.loss, ou.regularizer])
def test_a_run_in_the_place_of_its_states_says_what_to_give(call):
    setting, truth = ou.planted_matrix_sensing(3, 1, 5, rng=0)
    run = ou.label_noise_sgd(setting, truth, lr=0.01, noise_std=0.1, steps=10, rng=0)
    with pytest.raises(TypeError, match=r"^theta: expected real numbers, got a Trajectory: give its \.theta$"):
        call(setting, run)


def test_bad_theta_is_refused():
    setting = ou.SigmoidNetwork([[1.0]], [0.75], width=2)
    with pytest.raises(ValueError, match=r"^theta: expected shape \(\.\.\., 4\), got \(3,\)$"):
        ou.certify(setting, np.zeros(3))
    with pytest.raises(ValueError, match=r"^theta: expected finite numbers, got nan at \[1\]$"):
        ou.certify(setting, [0, np.nan, 0, 0])
    with pytest.raises(ValueError, match=r"^theta: expected at least one state, got shape \(0, 4\)$"):
        ou.certify(setting, np.zeros((0, 4)))
    with pytest.raises(TypeError, match=r"^setting: expected a Setting, got str$"):
        ou.certify("h = ab", np.zeros(3))
    with pytest.raises(ValueError, match=r"^x: expected a datum other than 0, got 0$"):
        ou.certify(ou.SigmoidNetwork([[0.0]], [0.0], width=1), [1.0, 1.0])
