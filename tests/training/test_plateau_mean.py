"""The mean of correlated series and its error bar, against processes whose autocovariance is known."""

import numpy as np
import pytest

from ouanalysis.training.plateau_mean import (
    autocovariance,
    long_run_variance,
    plateau_mean,
    settling_time,
    trend_of,
)

SERIES = 400


def autoregressive(rng, decay, series, chains, steps):
    """Stationary x_t = decay x_{t−1} + ξ_t of unit variance, (series, chains, steps)."""
    values = rng.standard_normal((series, chains, steps))
    values[..., 1:] *= np.sqrt(1 - decay**2)
    for t in range(1, steps):
        values[..., t] += decay * values[..., t - 1]
    return values


def binomial_z(hits, probability):
    return (np.mean(hits) - probability) / np.sqrt(probability * (1 - probability) / len(hits))


@pytest.mark.parametrize(("chains", "steps"), [(1, 4000), (4, 1000)])
@pytest.mark.parametrize("decay", [-0.5, 0.0, 0.5, 0.9])
def test_two_standard_errors_cover_the_mean_in_95_of_100_series(decay, chains, steps):
    values = autoregressive(np.random.default_rng(11), decay, SERIES, chains, steps)
    found = [plateau_mean(series) for series in values]
    covered = [abs(one.mean) < 2 * one.error for one in found]
    assert abs(binomial_z(covered, 0.9545)) < 4
    assert not any(abs(one.trend) > 6 for one in found)


@pytest.mark.parametrize("decay", [-0.5, 0.0, 0.5, 0.9])
def test_the_effective_samples_are_those_of_the_process(decay):
    values = autoregressive(np.random.default_rng(12), decay, 1, 8, 50_000)[0]
    true = values.size * (1 - decay) / (1 + decay)
    assert plateau_mean(values).effective_samples == pytest.approx(true, rel=0.1)


def test_the_error_bar_of_squares_covers_too():
    """A loss is a square: the series is skewed, and the squares of an AR(1) process decay as decay²."""
    values = autoregressive(np.random.default_rng(13), 0.9, SERIES, 4, 4000) ** 2
    covered = [abs(one.mean - 1) < 2 * one.error for one in map(plateau_mean, values)]
    assert abs(binomial_z(covered, 0.9545)) < 4


@pytest.mark.parametrize("turn", [0.1, 0.3])
def test_the_error_bar_of_squares_that_oscillate_covers_too(turn):
    """As a loss under momentum: γ_k = e^{−2ak} cos² ωk, of which Geyer's sum, up to its first zero, covers 60–70 %."""
    rng, factor = np.random.default_rng(14), np.exp(-0.01 + 1j * turn)
    kicks = rng.standard_normal((SERIES, 8000, 2)) @ [1, 1j]
    kicks[:, 1:] *= np.sqrt(1 - abs(factor) ** 2)
    for t in range(1, kicks.shape[1]):
        kicks[:, t] += factor * kicks[:, t - 1]
    covered = [abs(one.mean - 1) < 2 * one.error for one in map(plateau_mean, kicks.real[:, None] ** 2)]
    assert abs(binomial_z(covered, 0.9545)) < 4


def test_the_naive_error_bar_of_independent_losses_does_not_cover():
    values = autoregressive(np.random.default_rng(11), 0.9, SERIES, 1, 4000)[:, 0]
    covered = np.abs(values.mean(axis=1)) < 2 * values.std(axis=1) / np.sqrt(4000)
    assert np.mean(covered) < 0.5


@pytest.mark.parametrize("steps", [1, 2, 7, 64, 129])
def test_autocovariance_is_the_sum_that_defines_it(steps):
    values = np.random.default_rng(0).normal(size=(3, steps)) * 1e-200
    summed = [np.sum(values[:, : steps - lag] * 1e200 * values[:, lag:] * 1e200) for lag in range(steps)]
    got = autocovariance(values * 1e200)
    np.testing.assert_allclose(got, np.array(summed) / values.size, rtol=0, atol=1e-14 * max(summed[0], 1))


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e9, 1e200])
def test_units_scale_the_mean_and_its_error_alone(scale):
    values = autoregressive(np.random.default_rng(3), 0.7, 1, 2, 500)[0] ** 2
    one, other = plateau_mean(values), plateau_mean(scale * values)
    np.testing.assert_allclose((other.mean, other.error), (scale * one.mean, scale * one.error), rtol=1e-10)
    assert other.effective_samples == pytest.approx(one.effective_samples, rel=1e-8)
    assert other.trend == pytest.approx(one.trend, rel=1e-8)


@pytest.mark.parametrize("height", [-1.0, 5.0, 100.0])
def test_a_beginning_off_the_rest_is_dropped_and_the_mean_is_that_of_the_plateau(height):
    values = autoregressive(np.random.default_rng(14), 0.9, 200, 4, 4000) ** 2
    values += height * np.exp(-np.arange(4000) * 0.2)
    covered = [abs(one.mean - 1) < 2 * one.error for one in map(plateau_mean, values)]
    assert abs(binomial_z(covered, 0.9545)) < 4


def test_a_high_beginning_is_dropped_for_the_most_part_and_a_plateau_is_not():
    values = autoregressive(np.random.default_rng(14), 0.9, 1, 4, 4000)[0] ** 2
    assert settling_time(values) == 0
    assert 10 < settling_time(values + 100 * np.exp(-np.arange(4000) / 5)) < 200


def test_a_trend_is_seen_whatever_its_sign():
    values = autoregressive(np.random.default_rng(15), 0.9, 1, 4, 4000)[0] ** 2
    slope = np.linspace(1, 0, 4000)
    assert plateau_mean(values + slope).trend > 4
    assert plateau_mean(values - slope).trend < -4


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.97, 0.99])
@pytest.mark.parametrize(("chains", "steps"), [(1, 1000), (4, 1000), (1, 4000)])
def test_two_plateaus_in_a_hundred_seem_to_move_at_most(decay, power, chains, steps):
    values = autoregressive(np.random.default_rng(18), decay, SERIES, chains, steps) ** power
    assert np.mean([abs(trend_of(series)) > 2.5 for series in values]) < 0.02 + 2 * np.sqrt(0.02 / SERIES)


@pytest.mark.parametrize(("time", "height", "least"), [(1000, 0.5, 0.8), (3000, 0.5, 0.8), (3000, 1.0, 0.95)])
def test_a_slow_fall_that_moves_the_mean_is_seen(time, height, least):
    """By 1.6, 3.9 and 7.5 standard errors; the halves' difference beyond 5 of its errors sees 6 % at most."""
    values = autoregressive(np.random.default_rng(19), 0.9, 200, 1, 4000) ** 2
    values += height * np.exp(-np.arange(4000) / time)
    assert np.mean([trend_of(series) > 2.5 for series in values]) > least


@pytest.mark.parametrize("transform", [np.exp, lambda values: values**3, lambda values: 1e200 * values])
def test_a_trend_is_that_of_the_ranks(transform):
    values = autoregressive(np.random.default_rng(20), 0.5, 1, 2, 500)[0] + np.linspace(0, 1, 500)
    assert trend_of(transform(values)) == trend_of(values) < -2.5


def test_a_constant_has_no_error():
    found = plateau_mean(np.full((2, 100), 3.0))
    assert (found.mean, found.error, found.effective_samples, found.trend) == (3.0, 0.0, 200.0, 0.0)


def test_alternating_series_count_as_independent_ones():
    variance, long_run = long_run_variance(np.tile([1.0, -1.0], 50)[None])
    assert variance == pytest.approx(1.0, rel=1e-12)
    assert long_run == variance


def alternating(rng, size, steps):
    """Losses of two batches in a fixed order, ±size, and noise of unit variance."""
    return size * np.array([1.0, -1.0])[np.arange(steps) % 2] + rng.standard_normal((SERIES, 1, steps))


def moving_average(rng, weight, steps):
    """x_t = ξ_t + weight ξ_{t−1}."""
    noise = rng.standard_normal((SERIES, 1, steps + 1))
    return noise[..., 1:] + weight * noise[..., :-1]


ANTICORRELATED = [
    *[pytest.param(lambda rng, steps, c=c: alternating(rng, c, steps), id=f"±{c}") for c in (0.5, 0.95, 1, 3, 30)],
    pytest.param(lambda rng, steps: moving_average(rng, -0.9, steps), id="MA(1) −0.9"),
    pytest.param(lambda rng, steps: autoregressive(rng, -0.9, SERIES, 1, steps), id="AR(1) −0.9"),
]


@pytest.mark.parametrize("steps", [200, 201, 4000])
@pytest.mark.parametrize("process", ANTICORRELATED)
def test_error_bars_of_losses_that_alternate_are_large_enough(process, steps):
    values = process(np.random.default_rng(16), steps)
    found = [plateau_mean(series, 0) for series in values]
    assert binomial_z([abs(one.mean) < 2 * one.error for one in found], 0.9545) > -4
    assert all(one.error > 0 for one in found)
    sizes = [one.effective_samples * one.error**2 / np.var(series) for one, series in zip(found, values, strict=True)]
    np.testing.assert_allclose(sizes, 1, rtol=1e-9)


def test_alternation_that_noise_hides_costs_no_precision():
    values = alternating(np.random.default_rng(17), 1.0, 4000)
    errors = [plateau_mean(series).error for series in values]
    assert np.median(errors) == pytest.approx(1 / np.sqrt(4000), rel=0.1)
