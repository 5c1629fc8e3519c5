"""The n×n law against the p×p recursion over all batches, and against simulation where the leading order is far off."""

import time
from dataclasses import replace
from itertools import combinations, pairwise, product

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rounding import ALGEBRA, EPS, FORMULA, SUMS
from standard_errors import z_of_mean
from strategies import numbers

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.sampling import Sampling
from ouanalysis.numeric.fluctuations.second_moments import SecondMoments
from ouanalysis.numeric.fluctuations.stability_limit import stability_limit

SIGMA = 0.7
SLOPE = 0.1  # of an error of first order in the step, fitted where the next order is some per cent of it
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
    limit = ou.linearized_sgd(setting, theta, lr=1e-9, noise_std=SIGMA, **batch).max_stable_lr
    return ou.linearized_sgd(setting, theta, lr=fraction * limit, noise_std=SIGMA, **batch)


def diffusion(law):
    """The Ornstein-Uhlenbeck process of the same SGD: the leading order."""
    how = law.sampling
    arguments = {"batch_size": how.batch_size, "replacement": how.replacement}
    return ou.local_ou(law.setting, law.theta, lr=how.lr, noise_std=how.noise_std, **arguments)


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
        expected = recursion(ou.jacobian(setting, theta), batches(n, size, kind), local.sampling.lr, steps)
        tolerance = SUMS * local.stationary_variance * np.linalg.cond(local.gram)
        np.testing.assert_allclose(local.covariance(steps), expected, rtol=0, atol=tolerance)


@drawn_point
def test_the_stationary_law_is_a_fixed_point_psd_and_linear_in_the_variance(theta, n, size, kind, fraction):
    assume(size <= n)
    setting = fitted(theta, n)
    assume(np.linalg.cond(ou.gram(setting, theta)) < 1e6)
    local = process(setting, theta, size, kind, fraction)
    stationary = local.function_covariance()
    gram, lr = local.gram, local.sampling.lr
    a = np.zeros_like(gram)
    for batch in batches(n, size, kind):  # Q(S) as its definition has it: the mean over batches
        selected = np.bincount(batch, minlength=n) / len(batch)
        a += gram @ (selected[:, None] * stationary * selected) @ gram
    q = n * a / len(batches(n, size, kind))
    residual = gram @ stationary + stationary @ gram - 2 * lr * (q + SIGMA**2 / local.sampling.batch_size * gram @ gram)
    assert np.max(np.abs(residual)) < SUMS * np.linalg.cond(gram) * np.max(np.abs(gram @ stationary))
    assert np.linalg.eigvalsh(stationary)[0] > -SUMS * np.linalg.norm(stationary)
    doubled = ou.linearized_sgd(
        setting,
        theta,
        lr=lr,
        noise_std=2 * SIGMA,
        batch_size=local.sampling.batch_size,
        replacement=local.sampling.replacement,
    )
    np.testing.assert_array_equal(doubled.function_covariance(), 4 * stationary)  # no rounding: powers of two


@pytest.mark.parametrize("batch_size", [1, 3])
def test_one_datum_has_its_closed_form(batch_size):
    setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    local = ou.linearized_sgd(setting, [2.0], lr=0.03, noise_std=SIGMA, batch_size=batch_size)
    expected = 0.03 * SIGMA**2 * 16 / (batch_size * (1 - 0.03 * 16))
    assert local.function_covariance() == pytest.approx(np.array([[expected]]), rel=FORMULA)


def test_the_leading_order_is_off_by_the_first_order_of_the_step():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    setting = fitted(theta, 3)
    steps = np.array([4e-3, 2e-3, 1e-3]) / 4
    processes = [ou.linearized_sgd(setting, theta, lr=lr, noise_std=SIGMA) for lr in steps]
    errors = [
        np.linalg.norm(local.covariance() - diffusion(local).covariance()) / diffusion(local).stationary_variance
        for local in processes
    ]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(1.0, abs=SLOPE)


def test_in_time_it_starts_at_zero_and_ends_at_rest_for_any_array_of_steps():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    local = process(fitted(theta, 3), theta, 2, "with replacement", 0.3)
    steps = np.array([[0, 5], [10**7, 5]])
    covariances = local.covariance(steps)
    assert covariances.shape == (2, 2, 6, 6)
    np.testing.assert_array_equal(covariances[0, 1], covariances[1, 1])
    np.testing.assert_array_equal(covariances[0, 0], 0)
    np.testing.assert_allclose(covariances[1, 0], local.covariance(), rtol=ALGEBRA)
    np.testing.assert_allclose(
        local.expected_loss(steps),
        np.trace(local.function_covariance(steps), axis1=-2, axis2=-1) / 3,
        rtol=FORMULA,
    )


@pytest.mark.parametrize(("batch_size", "fraction"), [(1, 0.3), (3, 0.3), ("full", 0.5)])
def test_sgd_far_from_small_steps_has_the_exact_noise_floor(batch_size, fraction):
    setting, theta = ou.planted_sigmoid_network(3, 4, 4, rng=5)
    limit = ou.linearized_sgd(setting, theta, lr=1e-9, noise_std=1e-3, batch_size=batch_size).max_stable_lr
    local = ou.linearized_sgd(setting, theta, lr=fraction * limit, noise_std=1e-3, batch_size=batch_size)
    steps = int(6 / (local.sampling.lr * local.eigenvalues[-1]))
    run = ou.label_noise_sgd(
        setting, theta, lr=local.sampling.lr, noise_std=1e-3, steps=steps, rng=2, chains=4000, batch_size=batch_size
    )
    assert z_of_mean(run.loss[:, 0], local.expected_loss(steps)) < 4
    assert z_of_mean(run.loss[:, 0], diffusion(local).expected_loss(steps)) > 4  # the leading order does not pass


def three_hundred_data():
    setting, theta = ou.planted_sigmoid_network(300, 40, 20, rng=np.random.default_rng(0))
    return ou.linearized_sgd(setting, theta, lr=1e-3, noise_std=0.1)


@pytest.mark.benchmark
def test_three_hundred_data_take_seconds():
    local = three_hundred_data()
    start = time.perf_counter()
    local.function_covariance()
    assert time.perf_counter() - start < 10


def test_three_hundred_data_solve_the_stationary_equation():
    local = three_hundred_data()
    stationary, gram = local.function_covariance(), local.gram
    q = gram @ np.diag(np.diag(stationary)) @ gram
    residual = gram @ stationary + stationary @ gram - 2e-3 * (q + 0.01 * gram @ gram)
    # Two products of matrices, of sums of 300 terms each.
    assert np.linalg.norm(residual) < 2 * 300 * EPS * np.linalg.norm(gram @ stationary)


def test_a_batch_larger_than_the_data_cannot_be_drawn_without_replacement():
    setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    with pytest.raises(ValueError, match="batch_size: expected at most n = 1 without replacement, got 2"):
        ou.linearized_sgd(setting, [2.0], lr=0.01, noise_std=1.0, batch_size=2, replacement=False)


def test_exact_moments_are_of_whole_steps():
    setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    local = ou.linearized_sgd(setting, [2.0], lr=0.01, noise_std=1.0)
    with pytest.raises(ValueError, match=r"steps: expected integers at least 0, got 1[.]5"):
        local.covariance(1.5)


def dense_step(rows, drawn, lr, momentum=0.0):
    """The matrix of the noiseless step of E zzᵀ, z = (δ, ηv) in the row space (δ alone at β = 0), and its noise."""
    r = rows.shape[1]
    blocks, noises = [], []
    for batch in drawn:
        chosen = rows[list(batch)]
        pull = 2 * lr / len(batch) * chosen.T @ chosen
        noise = (2 * lr * SIGMA / len(batch)) ** 2 * chosen.T @ chosen
        if momentum:
            blocks.append(np.block([[np.eye(r) - pull, momentum * np.eye(r)], [-pull, momentum * np.eye(r)]]))
            noises.append(np.tile(noise, (2, 2)))
        else:
            blocks.append(np.eye(r) - pull)
            noises.append(noise)
    return np.mean([np.kron(block, block) for block in blocks], axis=0), np.mean(noises, axis=0)


def second_moments(rows, lr, batch_size, replacement=True, momentum=0.0):
    squares, modes = np.linalg.eigh(rows @ rows.T)
    return SecondMoments(squares[::-1], modes[:, ::-1], Sampling(lr, SIGMA, batch_size, replacement, momentum))


def limit_of(rows, batch_size, replacement=True, momentum=0.0):
    squares, modes = np.linalg.eigh(rows @ rows.T)
    return stability_limit(squares[::-1], modes[:, ::-1], Sampling(1.0, SIGMA, batch_size, replacement, momentum))


def ill_conditioned(n, condition, rng):
    """J (n, n) with JJᵀ of this condition and largest eigenvalue 1."""
    left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    return left * np.geomspace(1, condition**-0.5, n) @ right


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


@drawn_point
def test_autocovariance_is_the_recursion_over_all_batches(theta, n, size, kind, fraction):
    assume(size <= n)
    setting = fitted(theta, n)
    assume(np.linalg.cond(ou.gram(setting, theta)) < 1e6)
    local = process(setting, theta, size, kind, fraction)
    jacobian, drawn = ou.jacobian(setting, theta), batches(n, size, kind)
    lags, steps = np.array([0, 1, 4]), np.array([[2], [7]])
    expected = np.empty((2, 3, 6, 6))
    for row, start in enumerate((2, 7)):
        later = recursion(jacobian, drawn, local.sampling.lr, start)  # E δ_t δ_tᵀ, and only its first δ moves on
        for lag in range(5):
            if lag in lags:
                expected[row, list(lags).index(lag)] = later
            chosen = [jacobian[list(batch)] for batch in drawn]
            later = np.mean([later - 2 * local.sampling.lr / len(g) * g.T @ (g @ later) for g in chosen], axis=0)
    got = local.covariance(steps, lag=lags)
    tolerance = SUMS * local.stationary_variance * np.linalg.cond(local.gram)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)
    lifted = jacobian @ expected @ jacobian.T
    got = local.function_covariance(steps, lag=lags)
    np.testing.assert_allclose(got, lifted, rtol=0, atol=tolerance * np.linalg.norm(jacobian) ** 2)


def test_autocovariance_at_rest_decays_mode_by_mode_and_forgets():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    local = process(fitted(theta, 3), theta, 1, "with replacement", 0.3)
    rest = local.covariance()
    hessian = 2 / 3 * local.jacobian.T @ local.jacobian
    expected = np.linalg.matrix_power(np.eye(6) - local.sampling.lr * hessian, 9) @ rest
    np.testing.assert_allclose(local.covariance(lag=9), expected, rtol=0, atol=SUMS * np.max(rest))
    np.testing.assert_array_equal(local.covariance(lag=10**6), 0)  # past the range of floats


@pytest.mark.parametrize("fraction", [0.1, 0.6])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(
    ("n", "size", "kind"), [(1, 2, KINDS[0]), (3, 1, KINDS[0]), (3, 2, KINDS[1]), (3, 3, KINDS[2])]
)
def test_the_radius_is_that_of_the_dense_map_and_crosses_one_at_the_limit(n, size, kind, momentum, fraction):
    rows = np.random.default_rng(n).normal(size=(n, n))
    how = (size, kind == "with replacement", momentum)
    limit = limit_of(rows, *how)
    for factor in (fraction, 0.999, 1.001):
        law = second_moments(rows, factor * limit, *how)
        dense, _ = dense_step(rows, batches(n, size, kind), factor * limit, momentum)
        # An eigenvalue of a map that is not normal, by way of a resolvent near its pole: half the digits are safe.
        assert law.radius() == pytest.approx(np.max(np.abs(np.linalg.eigvals(dense))), rel=np.sqrt(EPS))
        assert law.stable() == (factor < 1)
        assert (law.radius() < 1) == (factor < 1)


def test_the_radius_of_the_law_is_that_of_the_dense_map():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    local = process(fitted(theta, 3), theta, 2, "without replacement", 0.4)
    rows = local.jacobian @ np.linalg.qr(local.jacobian.T)[0]
    dense, _ = dense_step(rows, batches(3, 2, "without replacement"), local.sampling.lr)
    assert local.stability_radius == pytest.approx(np.max(np.abs(np.linalg.eigvals(dense))), rel=ALGEBRA)


@drawn_point
def test_the_residual_of_the_equation_is_rounding(theta, n, size, kind, fraction):
    assume(size <= n)
    setting = fitted(theta, n)
    condition = np.linalg.cond(ou.gram(setting, theta))
    assume(condition < 1e6)
    local = process(setting, theta, size, kind, fraction)
    assert 0 <= local.equation_residual < FORMULA * condition / (1 - fraction)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("steps", [10, 1000, 10**6])
def test_an_ill_conditioned_gram_matrix_in_time_is_the_power_of_the_dense_map(steps, momentum):
    rows = ill_conditioned(3, 1e4, np.random.default_rng(3))
    lr = 0.5 * limit_of(rows, 1, momentum=momentum)
    dense, noise = dense_step(rows, batches(3, 1, "with replacement"), lr, momentum)
    # (E zzᵀ, 1) steps by a matrix, and so by its powers.
    affine = np.block([[dense, noise.reshape(-1, 1)], [np.zeros(len(dense)), 1.0]])
    moments = np.linalg.matrix_power(affine, steps)[:-1, -1].reshape(noise.shape)[:3, :3]
    law = second_moments(rows, lr, 1, momentum=momentum)
    root = law.modes * np.sqrt(law.squares)
    # T steps of rounding, and a stationary law of the condition of K.
    tolerance = EPS * (steps + 1e4 / (1 - momentum)) * np.max(np.abs(rows @ moments @ rows.T))
    np.testing.assert_allclose(root @ law.after(steps) @ root.T, rows @ moments @ rows.T, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("n", "seed", "batch", "momentum", "fraction"),
    [(5, 1, 5, 0.9, 0.1), (5, 1, 1, 0.99, 0.9), (10, 0, 1, 0.98, 0.5)],
)
def test_with_momentum_the_law_in_time_is_the_recursion_of_the_predictions(n, seed, batch, momentum, fraction):
    rows = ou.jacobian(*ou.planted_sigmoid_network(n, 5, 10, rng=seed))
    replacement = batch == 1
    lr = fraction * limit_of(rows, batch, replacement, momentum)
    law, gram, sums = second_moments(rows, lr, batch, replacement, momentum), rows @ rows.T, {}
    s, c, w, held, total = np.zeros((5, n, n))
    pull = 2 * lr / n * gram
    for t in range(3001):
        if t in (5, 100, 300, 1000, 3000):
            sums[t] = s, total
        held = momentum * held + s  # Σ_t S_t β^(T−1−t)
        total = total + held
        q = (gram * np.diag(s)) @ gram if batch == 1 else gram @ s @ gram / n
        noise = 4 * lr**2 / n * (q + SIGMA**2 / batch * gram @ gram)
        coupled = pull @ c
        w = momentum**2 * w - momentum * (coupled + coupled.T) + noise
        turned = momentum * c - s @ pull
        c = turned + w
        s = s + turned + turned.T + w
        s, w = (s + s.T) / 2, (w + w.T) / 2  # what is skew in their rounding would grow
    root = law.modes * np.sqrt(law.squares)
    rest = np.max(np.abs(root @ law.stationary() @ root.T))
    for steps, (covariance, summed) in sums.items():
        # What powers_and_sums settles to, eps (1000 + T), ten times that on the way there, by the condition of K.
        rounding = 10 * EPS * (1000 + steps) * rest * np.linalg.cond(gram)
        np.testing.assert_allclose(root @ law.after(steps) @ root.T, covariance, rtol=0, atol=rounding)
        rounding *= steps / (1 - momentum)
        np.testing.assert_allclose(root @ law.summed(steps) @ root.T, summed, rtol=0, atol=rounding)


def test_a_million_steps_reach_the_stationary_law():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    local = process(fitted(theta, 3), theta, 2, "with replacement", 0.3)
    assert 20 * local.relaxation_steps < 10**6
    rest = local.covariance()
    np.testing.assert_allclose(local.covariance(10**6), rest, rtol=0, atol=ALGEBRA * np.max(rest))


def three_hundred_ill_conditioned_data(batch):
    jacobian = ill_conditioned(300, 1e4, np.random.default_rng(4))
    setting = ou.Setting(linear, jacobian, np.zeros(300), 300)
    limit = ou.linearized_sgd(setting, np.zeros(300), lr=1e-9, noise_std=SIGMA, batch_size=batch).max_stable_lr
    return jacobian, ou.linearized_sgd(setting, np.zeros(300), lr=0.5 * limit, noise_std=SIGMA, batch_size=batch)


@pytest.mark.benchmark
def test_any_number_of_steps_of_three_hundred_ill_conditioned_data_take_seconds():
    _, local = three_hundred_ill_conditioned_data(2)
    start = time.perf_counter()
    local.function_covariance([1000, 10**6, 10**6 + 200])
    assert time.perf_counter() - start < 10  # 2 s alone on two cores


def test_three_hundred_ill_conditioned_data_follow_the_recursion_for_any_number_of_steps():
    batch = 2
    jacobian, local = three_hundred_ill_conditioned_data(batch)
    early, million, later = local.function_covariance([60, 10**6, 10**6 + 60])
    gram = jacobian @ jacobian.T

    def walk(covariance, steps):  # S ← 𝒯S + noise, in function space
        noise = 4 * local.sampling.lr**2 * SIGMA**2 / (300 * batch) * gram @ gram
        for _ in range(steps):
            pulled = gram @ covariance
            q = (gram * np.diag(covariance)) @ gram / batch + (1 - 1 / batch) / 300 * pulled @ gram
            covariance = (
                covariance
                - 2 * local.sampling.lr / 300 * (pulled + pulled.T)
                + 4 * local.sampling.lr**2 / 300 * q
                + noise
            )
            covariance = (covariance + covariance.T) / 2  # what is skew in its rounding would grow
        return covariance

    scale = np.max(np.abs(local.function_covariance()))
    # powers_and_sums settles to eps (1000 + T) of the stationary moments in θ; those of h are smaller.
    np.testing.assert_allclose(early, walk(np.zeros((300, 300)), 60), rtol=0, atol=EPS * (1000 + 60) * scale)
    np.testing.assert_allclose(later, walk(million, 60), rtol=0, atol=EPS * (1000 + 10**6) * scale)


def test_three_hundred_ill_conditioned_data_in_one_batch_have_their_closed_form_after_a_million_steps():
    jacobian = ill_conditioned(300, 1e4, np.random.default_rng(5))
    setting = ou.Setting(linear, jacobian, np.zeros(300), 300)
    local = ou.linearized_sgd(setting, np.zeros(300), lr=3.0, noise_std=SIGMA, batch_size="full")
    steps = np.array([1000, 10**6])[:, None]
    shrunk = np.exp(2 * steps * np.log1p(-local.sampling.lr * local.eigenvalues))
    assert shrunk[1, -1] > 0.01  # the slowest mode is not at rest yet
    expected = local.sampling.lr * SIGMA**2 / 300 * (1 - shrunk) / (1 - local.sampling.lr * local.eigenvalues / 2)
    variances = np.diagonal(local.mode_covariance(steps[:, 0]), axis1=1, axis2=2)
    # As above, after a million steps.
    np.testing.assert_allclose(variances, expected, rtol=0, atol=EPS * (1000 + 10**6) * np.max(expected))


@drawn_point
def test_covariance_in_time_is_psd_linear_in_the_variance_and_grows(theta, n, size, kind, fraction):
    assume(size <= n)
    setting = fitted(theta, n)
    condition = np.linalg.cond(ou.gram(setting, theta))
    assume(condition < 1e6)
    local = process(setting, theta, size, kind, fraction)
    covariances = local.covariance([0, 1, 3, 50, 10**4])
    rounding = FORMULA * condition / (1 - fraction) * local.stationary_variance
    for earlier, later in pairwise([*covariances, local.covariance()]):
        assert np.linalg.eigvalsh(earlier)[0] > -rounding
        assert np.linalg.eigvalsh(later - earlier)[0] > -rounding  # 𝒯 is a positive map
    tripled = replace(local, sampling=replace(local.sampling, noise_std=3 * SIGMA)).covariance([0, 1, 3, 50, 10**4])
    np.testing.assert_allclose(tripled, 9 * covariances, rtol=FORMULA, atol=9 * rounding)


@given(theta=numbers(6), n=st.integers(1, 4), size=st.integers(1, 3), kind=st.sampled_from(KINDS))
def test_small_steps_leave_the_projector_and_an_error_of_first_order(theta, n, size, kind):
    assume(size <= n)
    setting = fitted(theta, n)
    assume(np.linalg.cond(ou.gram(setting, theta)) < 1e4)
    basis = np.linalg.qr(ou.jacobian(setting, theta).T)[0]
    fractions, errors = np.array([4e-3, 2e-3, 1e-3]), []
    for fraction in fractions:
        local = process(setting, theta, size, kind, fraction)
        leading = local.sampling.lr * SIGMA**2 / local.sampling.batch_size * basis @ basis.T
        np.testing.assert_allclose(diffusion(local).covariance(), leading, rtol=0, atol=ALGEBRA * np.max(leading))
        errors.append(np.linalg.norm(local.covariance() - leading) / np.linalg.norm(leading))
    assert errors[0] < 10 * fractions[0]  # of first order, with a factor of about 1
    assert np.polyfit(np.log(fractions), np.log(errors), 1)[0] == pytest.approx(1.0, abs=SLOPE / 2)


@given(theta=numbers(6), size=st.integers(1, 4), fraction=st.floats(0.01, 0.95))
def test_one_datum_has_its_closed_form_at_every_stable_step(theta, size, fraction):
    setting = fitted(theta, 1)
    (gradient,) = ou.jacobian(setting, theta)
    k = gradient @ gradient
    assume(k > 0.01)
    local = ou.linearized_sgd(setting, theta, lr=fraction / k, noise_std=SIGMA, batch_size=size)
    expected = fraction * SIGMA**2 / (size * (1 - fraction))
    rounding = SUMS / (1 - fraction)  # lr k is the fraction to rounding of k, a sum of squares
    assert local.function_covariance().item() == pytest.approx(expected, rel=rounding)
    assert local.expected_loss() == pytest.approx(expected, rel=rounding)
    assert local.max_stable_lr == pytest.approx(1 / k, rel=FORMULA)


@drawn_point
def test_mean_residual_balances_the_curvature_of_the_model(theta, n, size, kind, fraction):
    # E[h − y] = −K⁻¹ J Σ_j ∇²h_j Σ g_j, with Σ from the dense map and ∇²h_j by autograd.
    assume(size <= n)
    setting = fitted(theta, n)
    condition = np.linalg.cond(ou.gram(setting, theta))
    assume(condition < 1e4)
    local = process(setting, theta, size, kind, fraction)
    jacobian = ou.jacobian(setting, theta)
    hessians = [autograd.hessian(lambda t, x=x: setting.h(t, x))(theta) for x in setting.x]
    rows = jacobian @ (basis := np.linalg.qr(jacobian.T)[0])
    dense, noise = dense_step(rows, batches(n, size, kind), local.sampling.lr)
    stationary = np.linalg.solve(np.eye(len(dense)) - dense, noise.ravel()).reshape(noise.shape)
    covariance = basis @ stationary @ basis.T
    pushes = np.array([hessian @ covariance @ g for hessian, g in zip(hessians, jacobian, strict=True)])
    expected = -np.linalg.lstsq(jacobian.T, pushes.sum(axis=0), rcond=None)[0]
    scale = np.sum(np.linalg.norm(pushes, axis=1)) / np.linalg.svd(jacobian, compute_uv=False)[-1]
    np.testing.assert_allclose(local.mean_residual(), expected, rtol=0, atol=SUMS * condition / (1 - fraction) * scale)


def product_model(theta, x):
    return theta[..., 0] * theta[..., 1] * x


@pytest.mark.parametrize("batch_size", [1, 3, "full"])
def test_mean_residual_at_a_stationary_point_measures_the_multiplier(batch_size):
    # h = ab = 2 at a = b = √2: ∇reg = 2 (a, b) = μ (b, a) with μ = 2, and k = 4.
    setting = ou.Setting(product_model, [1.0], [2.0], 2)
    local = ou.linearized_sgd(setting, np.sqrt([2.0, 2.0]), lr=0.05, noise_std=SIGMA, batch_size=batch_size)
    leading = -0.05 * SIGMA**2 / (2 * local.sampling.batch_size) * 2
    np.testing.assert_allclose(diffusion(local).mean_residual(), [leading], rtol=FORMULA)
    np.testing.assert_allclose(local.mean_residual(), [leading / (1 - 0.05 * 4)], rtol=FORMULA)


def test_mean_residual_of_simulated_sgd():
    setting, theta = ou.planted_sigmoid_network(3, 4, 5, rng=2)
    limit = ou.linearized_sgd(setting, theta, lr=1e-9, noise_std=1e-2).max_stable_lr
    local = ou.linearized_sgd(setting, theta, lr=0.5 * limit, noise_std=1e-2)
    steps = int(15 * local.relaxation_steps)
    mean = 0
    for law in (gaussian, negated):  # in each pair what is linear in the noise cancels
        run = ou.label_noise_sgd(
            setting, theta, lr=local.sampling.lr, noise_std=1e-2, steps=steps, rng=3, chains=8000, noise=law
        )
        mean = mean + (setting.predictions(run.theta[:, 0]) - setting.y) / 2
    expected = local.mean_residual()
    assert np.max(z_of_mean(mean, expected)) < 4
    assert np.max(z_of_mean(mean, diffusion(local).mean_residual())) > 4  # the leading order does not pass
    assert np.max(z_of_mean(mean, 0.0)) > 20


def bent(theta, x):
    """One parameter, and two data that no first-order move tells apart at θ = 0."""
    return theta[..., 0] + x * theta[..., 0] ** 2


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_where_the_rank_is_below_the_data_the_mean_residual_has_the_curvatures_own_share(momentum):
    setting = ou.Setting(bent, [0.0, 1.0], [0.0, 0.0], dim=1)
    arguments = {"lr": 0.05, "noise_std": 0.05, "momentum": momentum}
    law = ou.linearized_sgd(setting, [0.0], **arguments)
    assert law.rank == 1
    apart = np.array([-1.0, 1.0])  # h_2 − h_1 = a², whose mean is Var a
    for at in (law, diffusion(law) if not momentum else law):
        assert at.mean_residual() @ apart == pytest.approx(at.covariance().item(), rel=ALGEBRA)
    run = ou.label_noise_sgd(setting, [0.0], steps=300, rng=0, chains=8000, **arguments)
    residual = setting.predictions(run.theta[:, 0]) - setting.y
    assert z_of_mean(residual @ apart, law.mean_residual() @ apart) < 4


def test_the_mean_residual_of_more_data_than_parameters_is_that_of_simulated_sgd():
    x = np.array([[-2.0, 1.0], [0.5, 1.0], [1.0, 1.0], [2.5, 1.0]])  # one tanh neuron with a bias: p = 3 < n = 4
    theta, arguments = np.array([1.0, -0.5, 1.2]), {"lr": 0.0227, "noise_std": 0.02}
    setting = ou.SigmoidNetwork(x, np.tanh(x @ theta[1:]), width=1)
    law = ou.linearized_sgd(setting, theta, **arguments)
    mean, steps = 0, int(5 * law.relaxation_steps)
    for noise in (gaussian, negated):  # in each pair what is linear in the noise cancels
        run = ou.label_noise_sgd(setting, theta, steps=steps, rng=0, chains=2000, noise=noise, **arguments)
        mean = mean + (setting.predictions(run.theta[:, 0]) - setting.y) / 2
    unchanged = np.linalg.svd(law.jacobian)[0][:, -1]  # by any first-order move of θ
    directions = np.column_stack([law.row_space.modes, unchanged])
    assert np.max(z_of_mean(mean @ directions, law.mean_residual() @ directions)) < 4
    assert z_of_mean(mean @ unchanged, 0.0) > 20


def gaussian(rng, size):
    return rng.standard_normal(size)


def negated(rng, size):
    return -rng.standard_normal(size)


def test_without_noise_the_exact_law_in_time_is_zero():
    theta = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])
    local = ou.linearized_sgd(fitted(theta, 3), theta, lr=0.01, noise_std=0.0)
    for steps in (None, 0, 5):
        np.testing.assert_array_equal(local.covariance(steps), np.zeros((6, 6)))
    np.testing.assert_array_equal(local.mean_residual(), np.zeros(3))


def test_no_steps_give_no_covariances():
    local = ou.linearized_sgd(ou.MatrixSensing([[[1.0]]], y=[4.0]), [2.0], lr=0.01, noise_std=1.0)
    none = np.array([], dtype=int)
    assert diffusion(local).covariance(none).shape == (0, 1, 1)
    assert local.covariance(none).shape == (0, 1, 1)
