"""The n×n law against the p×p recursion over all batches, and against simulation where the leading order is far off."""

import time
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from standard_errors import z_of_mean
from strategies import numbers

import ouanalysis as ou

SIGMA = 0.7
KINDS = ("with replacement", "without replacement", "full")


def batches(n, size, kind):
    """Every batch that can be drawn, all equally likely."""
    if kind == "with replacement":
        return list(product(range(n), repeat=size))
    return list(combinations(range(n), n if kind == "full" else size))


def recursion(jacobian, drawn, lr, steps):
    """Cov δ after so many steps, averaging the p×p step over every batch: no n×n algebra in it."""
    covariance = np.zeros((jacobian.shape[1],) * 2)
    for _ in range(steps):
        after = np.zeros_like(covariance)
        for batch in drawn:
            rows = jacobian[list(batch)]
            contraction = np.eye(jacobian.shape[1]) - 2 * lr / len(batch) * rows.T @ rows
            noise = (2 * lr * SIGMA / len(batch)) ** 2 * rows.T @ rows
            after += contraction @ covariance @ contraction.T + noise
        covariance = after / len(drawn)
    return covariance


def fitted(theta, n):
    sensors = np.random.default_rng(1).normal(size=(n, 3, 3))
    labels = ou.MatrixSensing(sensors, np.zeros(n), rank=2).predictions(theta)
    return ou.MatrixSensing(sensors, labels, rank=2)


def process(setting, theta, size, kind, fraction):
    batch = {"batch_size": "full" if kind == "full" else size, "replacement": kind == "with replacement"}
    limit = ou.local_ou(setting, theta, lr=1e-9, noise_std=SIGMA, **batch).max_stable_lr
    return ou.local_ou(setting, theta, lr=fraction * limit, noise_std=SIGMA, **batch)


drawn_point = given(
    theta=numbers(6),
    n=st.integers(1, 4),
    size=st.integers(1, 3),
    kind=st.sampled_from(KINDS),
    fraction=st.floats(0.02, 0.8),
)


@drawn_point
def test_covariance_after_some_steps_is_the_recursion_over_all_batches(theta, n, size, kind, fraction):
    assume(size <= n)
    setting = fitted(theta, n)
    assume(np.linalg.cond(ou.gram(setting, theta)) < 1e6)
    local = process(setting, theta, size, kind, fraction)
    for steps in (0, 1, 7):
        expected = recursion(ou.jacobian(setting, theta), batches(n, size, kind), local.lr, steps)
        tolerance = 1e-12 * local.stationary_variance * np.linalg.cond(local.gram)
        np.testing.assert_allclose(local.covariance(steps, exact=True), expected, rtol=0, atol=tolerance)


@drawn_point
def test_the_stationary_law_is_a_fixed_point_psd_and_linear_in_the_variance(theta, n, size, kind, fraction):
    assume(size <= n)
    setting = fitted(theta, n)
    assume(np.linalg.cond(ou.gram(setting, theta)) < 1e6)
    local = process(setting, theta, size, kind, fraction)
    stationary = local.function_covariance(exact=True)
    gram, lr = local.gram, local.lr
    a = np.zeros_like(gram)
    for batch in batches(n, size, kind):  # Q(S) as its definition has it: the mean over batches
        selected = np.bincount(batch, minlength=n) / len(batch)
        a += gram @ (selected[:, None] * stationary * selected) @ gram
    q = n * a / len(batches(n, size, kind))
    residual = gram @ stationary + stationary @ gram - 2 * lr * (q + SIGMA**2 / local.batch_size * gram @ gram)
    assert np.max(np.abs(residual)) < 1e-11 * np.linalg.cond(gram) * np.max(np.abs(gram @ stationary))
    assert np.linalg.eigvalsh(stationary)[0] > -1e-12 * np.linalg.norm(stationary)
    doubled = ou.local_ou(
        setting,
        theta,
        lr=lr,
        noise_std=2 * SIGMA,
        batch_size=local.batch_size,
        replacement=local.replacement,
    )
    np.testing.assert_allclose(doubled.function_covariance(exact=True), 4 * stationary, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_one_datum_has_its_closed_form(batch_size):
    setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    local = ou.local_ou(setting, [2.0], lr=0.03, noise_std=SIGMA, batch_size=batch_size)
    expected = 0.03 * SIGMA**2 * 16 / (batch_size * (1 - 0.03 * 16))
    assert local.function_covariance(exact=True) == pytest.approx(np.array([[expected]]))


def test_the_leading_order_is_off_by_the_first_order_of_the_step():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    setting = fitted(theta, 3)
    steps = np.array([4e-3, 2e-3, 1e-3]) / 4
    processes = [ou.local_ou(setting, theta, lr=lr, noise_std=SIGMA) for lr in steps]
    errors = [
        np.linalg.norm(local.covariance(exact=True) - local.covariance()) / local.stationary_variance
        for local in processes
    ]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.1)


def test_in_time_it_starts_at_zero_and_ends_at_rest_for_any_array_of_steps():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    local = process(fitted(theta, 3), theta, 2, "with replacement", 0.3)
    steps = np.array([[0, 5], [10**7, 5]])
    covariances = local.covariance(steps, exact=True)
    assert covariances.shape == (2, 2, 6, 6)
    np.testing.assert_array_equal(covariances[0, 1], covariances[1, 1])
    np.testing.assert_allclose(covariances[0, 0], 0, atol=1e-15)
    np.testing.assert_allclose(covariances[1, 0], local.covariance(exact=True), rtol=1e-12)
    np.testing.assert_allclose(
        local.expected_loss(steps, exact=True),
        np.trace(local.function_covariance(steps, exact=True), axis1=-2, axis2=-1) / 3,
    )


@pytest.mark.parametrize(("batch_size", "fraction"), [(1, 0.3), (3, 0.3), ("full", 0.5)])
def test_sgd_far_from_small_steps_has_the_exact_noise_floor(batch_size, fraction):
    setting, theta = ou.planted_sigmoid_network(3, 4, 4, rng=5)
    limit = ou.local_ou(setting, theta, lr=1e-9, noise_std=1e-3, batch_size=batch_size).max_stable_lr
    local = ou.local_ou(setting, theta, lr=fraction * limit, noise_std=1e-3, batch_size=batch_size)
    steps = int(6 / (local.lr * local.eigenvalues[-1]))
    run = ou.label_noise_sgd(
        setting, theta, lr=local.lr, noise_std=1e-3, steps=steps, rng=2, chains=4000, batch_size=batch_size
    )
    assert z_of_mean(run.loss[:, 0], local.expected_loss(steps, exact=True)) < 4
    assert z_of_mean(run.loss[:, 0], local.expected_loss(steps)) > 4  # the leading order does not pass


def test_three_hundred_data_take_seconds():
    rng = np.random.default_rng(0)
    setting, theta = ou.planted_sigmoid_network(300, 40, 20, rng=rng)
    local = ou.local_ou(setting, theta, lr=1e-3, noise_std=0.1)
    start = time.perf_counter()
    stationary = local.function_covariance(exact=True)
    assert time.perf_counter() - start < 10
    gram = local.gram
    q = gram @ np.diag(np.diag(stationary)) @ gram
    residual = gram @ stationary + stationary @ gram - 2e-3 * (q + 0.01 * gram @ gram)
    assert np.linalg.norm(residual) < 1e-10 * np.linalg.norm(gram @ stationary)


def test_a_batch_larger_than_the_data_cannot_be_drawn_without_replacement():
    setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    with pytest.raises(ValueError, match="batch_size: expected at most n = 1 without replacement, got 2"):
        ou.local_ou(setting, [2.0], lr=0.01, noise_std=1.0, batch_size=2, replacement=False)


def test_exact_moments_are_of_whole_steps():
    setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    local = ou.local_ou(setting, [2.0], lr=0.01, noise_std=1.0)
    with pytest.raises(ValueError, match=r"steps: expected integers at least 0, got 1[.]5"):
        local.covariance(1.5, exact=True)
