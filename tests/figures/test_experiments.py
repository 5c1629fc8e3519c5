"""The numbers that the figures show, at the quick size and with the bounds that the quick size allows."""

import json
import time
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from rounding import ALGEBRA, EPS, FORMULA, SUMS

import ouanalysis as ou
from ouanalysis.experiments import (
    ou_covariance,
    recovery,
    relu_global,
    relu_interpolants,
    repellency,
    riemannian_flow,
    sigmoid_neurons,
    stability_limit,
)
from ouanalysis.figures import __main__ as command

SEEDS = {"ou_covariance": 5, "matrix_sensing_recovery": 0, "relu_interpolants": 0, "sigmoid_neurons": 0}  # of others 1
SOLVED = 1e-7  # what the figures call the resolution of a solver's gap
# Other bounds without a reason beside them were set after a look at a quick run or at the committed picture. They say
# that something is small or large, with room for another seed, and guard against a later change.


@cache
def quick(name):
    """The result of an experiment, which is drawn too: from a seed of its own, whatever the command says."""
    return import_module(f"ouanalysis.experiments.{name}").run(SEEDS.get(name, 1), "quick")


@pytest.mark.parametrize("name", command.NAMES)
def test_each_figure_is_drawn_quickly_with_its_numbers_beside_it(name, tmp_path, monkeypatch):
    result = quick(name)

    def run(rng, size):
        assert rng.bit_generator.seed_seq.entropy == 3
        assert size == "quick"
        return result

    monkeypatch.setattr(import_module(f"ouanalysis.experiments.{name}"), "run", run)
    assert command.main([name, "--quick", "--out", str(tmp_path), "--seed", "3"]) == 0
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    shown = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert (shown["figure"], shown["size"], shown["seed"]) == (name, "quick", 3)
    assert shown["numbers"]


def test_ou_covariance_is_within_four_standard_errors_and_the_finite_step():
    result = quick("ou_covariance")
    late = result.steps > 0
    error = np.abs(result.scaled_variance - result.predicted_variance)[late]
    # The leading order is short by about ηλ_max/2 < 0.02 here.
    assert np.all(error < 4 * result.scaled_variance_error[late] + 0.02)
    assert abs(result.scaled_covariance) < 4 * result.scaled_covariance_error + 0.02
    assert 0 < result.scaled_variance_along < 1e-3  # of the second order in the noise


def test_label_noise_lowers_the_regularizer_of_matrix_sensing_and_sgd_alone_does_not():
    result = quick("matrix_sensing_recovery")
    without, with_noise = result.reg[:, :, -1].mean(axis=1)
    assert with_noise < without
    assert abs(with_noise - result.planted_reg) < abs(without - result.planted_reg)
    assert result.error[1, :, -1].max() < result.error[0, :, -1].min()
    assert result.loss[0, :, -1].max() < SUMS**2


def test_noise_floor_is_a_line_through_the_origin_up_to_the_step():
    result = quick("noise_floor")
    excess = result.measured / result.predicted - 1
    # Q(S) of theory.md, at S = ησ²K/B, adds at most (n/2) ηλ_max of the leading order; n ≤ 4 here.
    assert np.all(np.abs(excess) < 4 * result.error / result.predicted + 2 * result.curvature)
    assert set(result.kind) == {0, 1, 2}


def test_label_noise_straightens_relu_interpolants_without_leaving_the_data():
    result = quick("relu_interpolants")
    assert np.all(result.convexity_changes[:, -1] < result.convexity_changes[:, 0])
    assert np.all(result.reg[:, -1] < result.reg[:, 0] / 2)
    assert np.all(result.quiet_changes > result.convexity_changes[:, -1])
    for function in (result.before, result.after):
        fitted = [np.interp(result.x, result.grid, values) for values in function]
        # The grid has a point at every datum up to 0.0015; noise of √(ησ²K) < 0.02 is left after the last stage.
        np.testing.assert_allclose(fitted, np.broadcast_to(result.y, (2, 6)), rtol=0, atol=0.1)


def test_sigmoid_neurons_approach_their_targets():
    for case in quick("sigmoid_neurons").cases:
        # A target is a minimum; noise in c and φ takes the network off the zero-error set, and reg there may be less.
        assert case.reg[0] > case.reg[-1] > 0.9 * case.target_reg
        distances = np.hypot(case.phi[..., None] - case.target_phi, case.c[..., None] - case.target_c).min(axis=-1)
        assert distances[-1].sum() < distances[0].sum()


def test_the_exact_law_holds_at_every_stable_step_and_the_leading_order_does_not():
    result = quick("finite_step")
    assert np.all(np.abs(result.measured - result.predicted) < 4 * result.error)
    leading = result.reg * result.limit[:, None] * result.simulated_fractions
    late = result.simulated_fractions >= 0.3
    assert np.all((result.predicted / leading)[:, late] > 1.2)
    assert np.all((result.measured - leading - 4 * result.error)[:, late] > 0)


def test_the_drift_is_that_predicted_through_its_transient_and_the_remainder_is_of_order_two_in_the_noise():
    result = quick("tangent_drift")
    for measured, error, exact in zip(result.measured, result.error, result.exact, strict=True):
        seen = error > 1e-9  # the first step moves nothing along the set
        assert np.all(np.abs(measured - exact)[seen] < 4 * error[seen])
        assert np.all(np.abs(measured - exact)[~seen] < 1e-7)  # rounding of θ over the drift of a step is 1e-8
    # The next order is σ² of the remainder: some per cent.
    line = result.remainder[-1] * (result.sigmas / result.sigmas[-1]) ** 2
    assert np.all(np.abs(result.remainder - line) < 4 * result.remainder_error + 0.1 * line)


def test_ensembles_of_every_step_noise_and_batch_follow_the_flow_in_flow_time():
    result = quick("riemannian_flow")
    # θ has some r = 2 noisy directions: the distance over its standard error is a χ of few degrees of freedom.
    assert np.all(result.distance < 4 * result.noise + 0.005)
    on_flow = np.interp(result.times, result.fine_times, result.flow_reg)
    assert np.all(np.abs(result.reg - on_flow) < 4 * result.reg_error + 0.02)


def test_noise_leaves_a_saddle_and_a_repellent_point_for_the_minimum():
    result = quick("repellency")
    assert result.verdicts == ("strict minimum", "saddle", "repellent")
    w = repellency.Y
    assert result.levels[0] == pytest.approx(2 * w * (np.hypot(1, w) - w), rel=FORMULA)  # theory.md 4.3
    assert result.curvature < 0
    np.testing.assert_allclose(result.reg[0].mean(axis=0), result.levels[0], rtol=0.02)
    np.testing.assert_allclose(result.reg[2, :, -1].mean(), result.flow_reg[-1], rtol=0.02)
    # Without noise it leaves neither, and the saddle itself not even with noise.
    starts = result.levels[1:, None]
    np.testing.assert_allclose(result.quiet, np.broadcast_to(starts, result.quiet.shape), rtol=0.02)
    np.testing.assert_allclose(result.on_saddle, result.levels[1], rtol=0.02)


def test_momentum_speeds_the_flow_by_its_square_and_the_finite_step_has_its_closed_form():
    result = quick("momentum")
    on_flow = np.interp(result.times, result.fine_times, result.flow_reg)
    assert np.all(np.abs(result.reg - on_flow) < 4 * result.reg_error + 0.04)
    np.testing.assert_allclose(result.predicted_ratio, 1 / (1 - result.fractions), rtol=ALGEBRA)
    assert np.all(np.abs(result.ratio - result.predicted_ratio) < 4 * result.ratio_error)


def test_the_certificate_tells_label_noise_from_none_in_matrix_sensing():
    result = quick("matrix_sensing_certificate")
    assert result.relative_gap[1, :, -1].max() < result.relative_gap[0, :, -1].min() / 4
    assert result.loss[0, :, -1].max() < SUMS**2
    assert result.solver_gap < SOLVED
    assert np.all(result.relative_gap > -SOLVED)
    assert result.few_least > 0.1  # fewer measurements, at which the least is elsewhere than planted, and so is the end
    assert result.few_error.min() > 0.1


def test_label_noise_brings_a_relu_network_near_the_simplest_function():
    result = quick("relu_minimum")
    assert result.relative_gap[1] < result.relative_gap[0] / 10
    assert result.solver_gap < SOLVED
    np.testing.assert_allclose(
        np.interp(result.x, result.grid, result.optimal), result.y, rtol=0, atol=1e-2
    )  # of the grid
    inner = slice(1, -1)
    assert np.all(result.cost_at_data[:, inner] < result.cost_limit[:, inner])


def test_five_networks_under_lowered_noise_end_near_the_simplest_function_of_their_predictions():
    widths = (20, 25, 33, 44, 60)
    found = [
        relu_global.follow(ou.ReluNetwork(relu_global.X, relu_global.Y, width), np.random.default_rng(width), chains=1)
        for width in widths
    ]
    assert min(path.start.min() for path in found) > 1
    assert max(path.end.max() for path in found) < 0.01
    assert max(path.solver_gap for path in found) < SOLVED
    assert max(path.loss for path in found) < 1e-4


def test_the_least_logistic_network_is_equal_below_the_threshold_and_one_plus_rest_above():
    result = quick("sigmoid_landscape")

    def cost(w):
        return w**2 / (1 + w**2)

    for width, threshold in zip(result.widths, result.threshold, strict=True):
        for label, unequal in ((0.999 * threshold, False), (1.001 * threshold, True)):
            one = np.linspace(label / width, label, 100_001)[1000:]  # without those that are nearly equal
            best = np.min(cost(one) + (width - 1) * cost((label - one) / (width - 1)))
            assert (best < width * cost(label / width)) == unequal
    assert np.all(result.kind == (result.labels > result.threshold[:, None]))
    assert np.all(result.tanh_active == 1)
    assert np.all(result.local >= 1)
    assert np.all(result.total_least[:, 1] <= result.total.min(axis=1) * (1 + SUMS))


def test_label_noise_finds_what_the_program_finds_and_descent_does_not():
    result = quick("recovery")
    assert np.all(result.least[1] < 1e-4)  # n = 30: the planted matrix, to the root of the solver's gap
    assert np.all(result.noisy < result.quiet)


def test_the_drift_is_of_order_two_in_step_and_noise_and_minus_one_in_the_batch():
    result = quick("drift_scaling")
    for scaling in result.scalings:
        assert np.all(np.abs(scaling.measured - scaling.exact) < 4 * scaling.error)
        assert abs(scaling.exponent - scaling.exact_exponent) < 4 * scaling.exponent_error
        # The law leaves its leading order by about (n/2) ηλ_max, 0.045 where most, over a decade.
        assert abs(scaling.exact_exponent - scaling.leading_exponent) < 0.045 / np.log(10)


def test_one_over_the_step_to_the_eight_fifths_steps_move_a_repellent_point_and_not_a_stationary_one():
    result = quick("theorem")
    assert result.verdicts == ("repellent", "strict minimum")
    for name in ("fall", "moved", "walk", "rise"):
        predicted = getattr(result, f"{'law' if name in ('fall', 'moved') else 'predicted'}_{name}")
        assert np.all(np.abs(getattr(result, name) - predicted) < 4 * getattr(result, f"{name}_error"))
    for exponent in result.exponents:
        assert abs(exponent.fitted - exponent.predicted) < 4 * exponent.error
        assert exponent.predicted == pytest.approx(exponent.limit, abs=0.03)
    assert np.all(result.walk < result.moved / 20)


def test_the_stability_limit_is_where_the_second_moments_over_all_batches_begin_to_grow():
    result = quick("stability_limit")
    np.testing.assert_allclose(result.radius, 1, rtol=0, atol=ALGEBRA)
    assert np.all(result.below < 1)
    assert np.all(result.above > 1)
    assert np.all(result.mean_radius < 1)
    assert np.all(result.single_radius > 1)
    assert np.all(result.limit_over_mean < stability_limit.MEAN_FRACTION)


def test_the_mean_residual_is_the_laws_and_at_a_stationary_point_measures_the_multipliers():
    result = quick("mean_residual")
    assert np.all(np.abs(result.measured - result.exact) < 4 * result.error)
    # Q(S) of theory.md, at S = ησ²K/B, adds about (n/2) ηλ_max, and n = 2.
    short = result.curvature[0, :, None] * np.abs(result.multipliers)
    assert np.all(np.abs(result.measured[0] - result.multipliers)[:2] < (4 * result.error[0] + 1.5 * short)[:2])
    assert np.all(np.max(np.abs(result.measured) / result.error, axis=-1) > 10)
    # ∇reg is the sum of the multipliers' pulls where it is stationary, and not where it is not.
    assert abs(result.measured_gradient[0] - 1) < 4 * result.gradient_error[0] + 1.5 * result.curvature[0, 0]
    assert result.measured_gradient[1] + 4 * result.gradient_error[1] < 0.9
    expected = np.sum(result.weights * result.exact[:, 0], axis=-1)
    assert np.all(np.abs(result.measured_gradient - expected) < 4 * result.gradient_error)


def test_the_effective_regularizer_is_exact_at_full_batch_and_falls_short_at_single_data():
    result = quick("effective_regularizer")
    assert np.all(np.abs(result.measured - result.exact) < 4 * result.error)
    full, single = (result.batches.index(batch) for batch in ("full", 1))
    np.testing.assert_allclose(result.effective[full], result.exact[full], rtol=ALGEBRA)
    np.testing.assert_allclose(result.direction[full], 1, rtol=ALGEBRA)
    late = result.fractions >= 0.3
    assert np.all((result.measured - result.effective)[single, late] > 4 * result.error[single, late])
    assert np.all(np.diff(result.effective_curve[single] / result.exact_curve[single]) < 0)


def test_every_prediction_holds_for_a_convolution_skip_connections_and_attention():
    result = quick("any_network")
    assert result.verdicts == ("repellent",) * len(result.names)
    assert np.abs(result.difference_on).max() < 1e-7  # of the differences, to sixth order in 0.01
    assert np.abs(result.difference_off).min() > 0.01
    assert np.all(np.abs(result.floor_measured - result.floor_predicted) < 4 * result.floor_error)
    assert np.all(np.abs(result.drift_measured - result.drift_predicted) < 4 * result.drift_error)
    predicted = result.reg_flow + result.reg_excess
    assert np.all(np.abs(result.reg_measured - predicted) < 4 * result.reg_error + 0.01 * predicted)
    assert np.all(result.reg_flow[:, -1] < result.reg_on)


def test_the_flow_ends_at_the_least_regularizer_of_deep_linear_networks():
    result = quick("deep_linear")
    assert np.abs(result.search_gap).max() < 1e-8
    assert np.abs(result.flow_gap).max() < 1e-6
    assert np.all(result.flow_rank[0] == 3)
    np.testing.assert_allclose(result.dead_gap, result.dead_predicted, rtol=0, atol=1e-6)
    assert np.all(result.sgd_start_gap > 1)
    assert np.all(np.abs(result.sgd_gap - result.flow_there) < 4 * result.sgd_error + 0.01)
    assert np.all(result.quiet_gap > result.sgd_gap + 1)
    assert abs(result.few_least / result.few_form - 1) > 0.01  # no value without a tight frame
    assert result.few_nuclear > 1.001 * result.few_least_nuclear  # nor the least nuclear norm


def test_neurons_with_a_fixed_output_layer_agree_or_part_as_their_activation_says():
    result = quick("fixed_output_layer")
    assert np.abs(result.flow_gap).max() < 1e-6
    assert result.z_error.max() < 1e-3  # in θ the gap is a square
    assert result.flow_spread[0].max() < 1e-3 < result.start_spread[0].min()
    np.testing.assert_allclose(result.flow_spread[1], result.spread_predicted[1], rtol=1e-3)
    # The next order in the noise is some thousandths of the spread.
    wrong = np.abs(result.sgd_spread - result.spread_on_flow) - 4 * result.sgd_spread_error
    assert np.all(wrong < 0.02 * result.spread_on_flow)
    assert np.all(np.diff(result.sgd_spread[0]) < 0)


def committed(name):
    return json.loads((Path(__file__).parents[2] / "figures" / f"{name}.json").read_text(encoding="utf-8"))


def test_the_committed_pictures_show_what_the_readme_says_of_them():
    """Guards against a later change; the bounds were set from these pictures and are no evidence of their own."""
    for name in command.NAMES:
        assert committed(name)["size"] == "full"
    sensing = committed("matrix_sensing_recovery")["numbers"]
    final_error, final_reg = (np.array(sensing[key])[:, :, -1] for key in ("error", "reg"))
    assert final_error[0].min() > 0.5
    assert final_error[1].max() < 0.1
    np.testing.assert_allclose(final_reg[1], sensing["planted_reg"], rtol=0.05)
    relu = committed("relu_interpolants")["numbers"]
    assert {changes[-1] for changes in relu["convexity_changes"]} == {1}
    assert min(changes[0] for changes in relu["convexity_changes"]) > 1
    for case in committed("sigmoid_neurons")["numbers"]["cases"]:
        assert case["reg"][-1] == pytest.approx(case["target_reg"], rel=0.03)


def test_the_mean_of_sgd_after_ten_million_steps_is_within_one_percent_of_the_path_from_the_flow():
    result = committed("riemannian_flow")["numbers"]
    assert result["ensembles"][0] == [0.0005, 1.0, 1]
    assert result["steps"][0][-1] == 10_000_000
    assert max(result["distance"][0]) < 0.01


def test_the_points_of_the_committed_pictures_are_within_four_standard_errors_of_their_predictions():
    finite, many = committed("finite_step")["numbers"], committed("momentum")["numbers"]
    for measured, predicted, error in (
        (finite["measured"], finite["predicted"], finite["error"]),
        (many["ratio"], many["predicted_ratio"], many["ratio_error"]),
    ):
        assert np.all(np.abs(np.subtract(measured, predicted)) < 4 * np.array(error))
    drift = committed("tangent_drift")["numbers"]
    for measured, exact, error in zip(drift["measured"], drift["exact"], drift["error"], strict=True):
        assert np.all(np.abs(np.subtract(measured, exact)) < 4 * np.array(error) + 1e-6)  # six digits are written
    slope = np.polyfit(np.log(drift["sigmas"]), np.log(drift["remainder"]), 1)[0]
    # Standard errors of up to a tenth at the least noise, over a decade and more of σ².
    assert slope == pytest.approx(2, abs=0.15)


def test_every_saddle_chain_of_the_committed_picture_ends_at_the_minimum():
    result = committed("repellency")["numbers"]
    ends = np.array(result["reg"])[:, :, -1]
    np.testing.assert_allclose(ends, result["levels"][0], rtol=0.02)


@pytest.mark.benchmark
def test_the_flow_of_the_picture_takes_under_a_second():
    setting, theta = ou.planted_sigmoid_network(2, 2, 3, rng=2)
    start = time.perf_counter()
    ou.regularized_flow(setting, theta, times=[0.0, riemannian_flow.FLOW_TIME])
    assert time.perf_counter() - start < 1.0


def test_label_noise_approaches_basis_pursuit_and_isotropic_noise_leaves_it():
    none, isotropic, equal, unequal = range(4)
    result = quick("noise_contrast")
    ends = result.error[:, 0, -1]
    assert max(ends[equal], ends[unequal]) < ends[none] < ends[isotropic]
    assert np.all(np.abs(result.measured - result.predicted) < 4 * result.measured_error + 0.02 * result.predicted)
    assert np.all(np.abs(result.aside - result.aside_predicted) < 4 * result.aside_error + 0.005)
    assert abs(result.walked[0] - 1) < 4 * result.walked_error[0]
    assert max(result.walked[1:]) < 0.01
    assert result.reg[isotropic, 0, -1] > result.reg[none, 0, -1]
    before = np.searchsorted(result.steps, result.flow_steps[-1])
    np.testing.assert_allclose(result.reg[equal:, 0, before], result.flow_reg[:, -1], rtol=0.05)  # of one noisy state


def test_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match="size: expected 'full' or 'quick', got 'ful'"):
        ou_covariance.run(0, "ful")


def test_sigmoid_targets_are_stationary_and_of_the_regularizer_they_say():
    for case in quick("sigmoid_neurons").cases:
        width = case.phi.shape[1]
        shares = ou.minimum(ou.SigmoidNetwork(sigmoid_neurons.X, [case.label], width, case.activation)).shares
        assert shares.sum() == pytest.approx(case.label, rel=FORMULA)
        assert len(case.target_phi) == (1 if np.ptp(shares) < 1e-6 else 2)
        setting = ou.SigmoidNetwork(sigmoid_neurons.X, [case.label], width, case.activation)
        place = [np.argmin(np.abs(case.target_phi * case.target_c - share)) for share in shares]
        z = (
            np.arctanh(case.target_phi)
            if case.activation == "tanh"
            else np.log(case.target_phi / (1 - case.target_phi))
        )
        theta = setting.pack(c=case.target_c[place], W=z[place][:, None] * setting.x[0])
        assert ou.regularizer(setting, theta) == pytest.approx(case.target_reg, rel=SUMS)
        gradient, along = ou.regularizer_gradient(setting, theta), ou.jacobian(setting, theta)[0]
        tangent = gradient - along * (gradient @ along) / (along @ along)
        assert np.linalg.norm(tangent) < np.sqrt(EPS)  # shares are found where reg is least to rounding


@pytest.mark.parametrize(
    ("slopes", "turns"),
    [
        ([0.0], 0),
        ([0, 1, 2], 0),
        ([0, 1, 0], 1),
        ([0, 1, 0.95, 2], 0),
        ([2, 0, 1, 0], 2),
        ([0, -1, -1.05, 0, 0.05, -1], 2),
    ],
)
def test_convexity_changes_by_hand(slopes, turns):
    assert relu_interpolants.convexity_changes(slopes, tolerance=0.1) == turns


def test_slopes_of_a_relu_network_by_hand():
    setting = ou.ReluNetwork([-1.0, 1.0], [0.0, 0.0], width=2)
    theta = setting.pack(a=[1.0, -2.0], b=[0.0, -1.0], c=[3.0, 0.5], alpha=0.25, beta=0.0)
    # Left of −1/2 the second neuron gives −2 × 0.5; right of 0 the first gives 3.
    np.testing.assert_allclose(relu_interpolants.slopes(setting, theta), [-0.75, 0.25, 3.25], rtol=FORMULA)


def test_the_committed_certificates_show_what_was_asked_of_them():
    sensing = committed("matrix_sensing_certificate")["numbers"]
    gap, error, loss = (np.array(sensing[key])[:, :, -1] for key in ("relative_gap", "error", "loss"))
    assert gap[0].min() > 0.3
    assert loss[0].max() == 0  # below its resolution, of rounding
    assert gap[1].max() < 0.02
    assert error[1].max() < 0.05
    networks = committed("relu_global")["numbers"]
    assert len(networks["widths"]) == 20
    assert (min(networks["widths"]), max(networks["widths"])) == (20, 200)
    assert max(networks["ends"]) < 0.01
    assert networks["solver_gap"] == 0  # below its resolution
    assert committed("relu_minimum")["numbers"]["relative_gap"][1] < 0.01
    found = committed("recovery")["numbers"]
    assert np.min(found["least"], axis=1)[0] > recovery.RECOVERED  # at the fewest measurements nobody finds it
    assert np.mean(np.array(found["quiet"]) < recovery.RECOVERED) < np.mean(
        np.array(found["noisy"]) < recovery.RECOVERED
    )
