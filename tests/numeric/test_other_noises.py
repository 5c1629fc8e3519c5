"""The exact law for noise of its own size on each datum, for isotropic noise on the gradient, and with momentum.

The witness is the recursion of the (2p)² moments of (δ, w), w = ηv, over all batches.
"""

from itertools import combinations, product

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad, jacobian
from standard_errors import z_of_mean

import ouanalysis as ou

N, ROUNDING = 3, 1e-12  # of sums of some hundred terms over the largest, at conditions of K below 1e3
EACH = np.array([0.5, 0.0, 2.0])
NOISES = {
    "unequal": {"noise_std": EACH},
    "isotropic": {"noise_std": 0.0, "gradient_noise_std": 0.7},
    "both": {"noise_std": EACH, "gradient_noise_std": 0.7},
}
BATCHES = {
    "one": ({"batch_size": 1}, list(product(range(N), repeat=1))),
    "two": ({"batch_size": 2}, list(product(range(N), repeat=2))),
    "two without replacement": ({"batch_size": 2, "replacement": False}, list(combinations(range(N), 2))),
    "full": ({"batch_size": "full"}, [tuple(range(N))]),
}


def tanh_network(theta, x):
    return anp.sum(theta[..., 3:] * anp.tanh(theta[..., :3] * x[..., None]), axis=-1)


X, THETA = np.array([0.5, -1.0, 2.0]), np.array([0.7, -0.4, 0.9, 1.1, 0.6, -0.8])
SETTING = ou.Setting(tanh_network, X, tanh_network(THETA[None], X), dim=6)


def step_maps(rows, batches, lr, momentum):
    """Each batch's map of (δ, w), and the covariance of a unit of what each datum's noise adds to w."""
    p, maps, kicks = rows.shape[1], [], np.zeros((len(rows), rows.shape[1], rows.shape[1]))
    for batch in batches:
        drawn = rows[list(batch)]
        pull = 2 * lr / len(batch) * drawn.T @ drawn
        below = np.hstack([-pull, momentum * np.eye(p)])
        maps.append(np.vstack([np.hstack([np.eye(p), np.zeros((p, p))]) + below, below]))
        for i in batch:
            kicks[i] += 4 * lr**2 / len(batch) ** 2 * np.outer(rows[i], rows[i]) / len(batches)
    return np.array(maps), kicks


def recursion(rows, batches, lr, momentum, noise_std, gradient_noise_std, steps):
    """The moments of (δ, w) after each of so many steps."""
    maps, kicks = step_maps(rows, batches, lr, momentum)
    kick = np.einsum("i,ijk->jk", np.broadcast_to(noise_std, N) ** 2, kicks)
    kick = np.tile(kick + (lr * gradient_noise_std) ** 2 * np.eye(rows.shape[1]), (2, 2))
    moments = [np.zeros_like(kick)]
    for _ in range(steps):
        moments.append(np.mean(maps @ moments[-1] @ np.swapaxes(maps, 1, 2), axis=0) + kick)
    return np.array(moments), np.mean(maps, axis=0)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("drawn", BATCHES)
@pytest.mark.parametrize("noise", NOISES)
def test_covariances_and_autocovariances_against_the_recursion(noise, drawn, momentum):
    how, batches = BATCHES[drawn]
    lr = 0.4 * ou.max_stable_lr(SETTING, THETA, momentum=momentum, **how)
    law = ou.linearized_sgd(SETTING, THETA, lr=lr, momentum=momentum, **how, **NOISES[noise])
    isotropic = NOISES[noise].get("gradient_noise_std", 0.0)
    rows = ou.jacobian(SETTING, THETA)
    moments, mean = recursion(rows, batches, lr, momentum, NOISES[noise]["noise_std"], isotropic, 120)
    steps = [0, 1, 7, 60, 120]
    scale = np.max(moments[120][:6, :6])
    np.testing.assert_allclose(law.covariance(steps), moments[steps, :6, :6], rtol=0, atol=ROUNDING * scale)
    later = (np.linalg.matrix_power(mean, 5) @ moments[steps])[:, :6, :6]
    np.testing.assert_allclose(law.covariance(steps, lag=5), later, rtol=0, atol=ROUNDING * scale)
    loss = np.einsum("ij,tjk,ik->t", rows, moments[steps, :6, :6], rows) / N
    np.testing.assert_allclose(law.expected_loss(steps), loss, rtol=0, atol=ROUNDING * np.max(loss))


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("noise", NOISES)
def test_the_drift_adds_up_the_recursion(noise, momentum):
    lr = 0.4 * ou.max_stable_lr(SETTING, THETA, momentum=momentum)
    isotropic, rows = NOISES[noise].get("gradient_noise_std", 0.0), ou.jacobian(SETTING, THETA)
    _, batches = BATCHES["one"]
    moments, _ = recursion(rows, batches, lr, momentum, NOISES[noise]["noise_std"], isotropic, 200)
    hessians = jacobian(elementwise_grad(lambda theta: tanh_network(theta, X)))  # of the copies of θ for each datum
    copies = np.broadcast_to(THETA, (N, 6)).copy()
    second = np.array([hessians(copies)[i, :, i, :] for i in range(N)])
    weights = (1 - momentum ** np.arange(200, 0, -1)) / (1 - momentum)
    summed = np.einsum("t,tjk->jk", weights, moments[:200, :6, :6])
    tangent = np.eye(6) - np.linalg.pinv(rows) @ rows
    expected = -2 * lr / N * tangent @ np.einsum("ijk,kl,il->j", second, summed, rows)
    got = ou.tangent_drift(SETTING, THETA, lr=lr, momentum=momentum, steps=200, **NOISES[noise])
    np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDING * np.linalg.norm(expected))


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("noise", NOISES)
def test_the_stationary_law_is_where_the_recursion_ends(noise, momentum):
    lr = 0.4 * ou.max_stable_lr(SETTING, THETA, momentum=momentum)
    law = ou.linearized_sgd(SETTING, THETA, lr=lr, momentum=momentum, **NOISES[noise])
    assert law.equation_residual < ROUNDING
    end = law.function_covariance()
    long = int(40 * law.relaxation_steps)
    np.testing.assert_allclose(law.function_covariance(long), end, rtol=0, atol=ROUNDING * np.max(end))


def test_isotropic_noise_has_no_stationary_covariance_but_one_across_the_set():
    law = ou.linearized_sgd(SETTING, THETA, lr=0.01, noise_std=0.0, gradient_noise_std=1.0)
    with pytest.raises(ValueError, match=r"steps: expected a number of steps, .* got None; mode_covariance has"):
        law.covariance()
    assert law.mode_covariance().shape == (3, 3)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("drawn", BATCHES)
def test_the_diffusion_is_the_limit_of_small_steps(noise, drawn):
    errors = []
    for lr in (1e-3, 5e-4):
        arguments = {"lr": lr, **BATCHES[drawn][0], **NOISES[noise]}
        local, law = ou.local_ou(SETTING, THETA, **arguments), ou.linearized_sgd(SETTING, THETA, **arguments)
        steps = int(0.2 / lr)
        pairs = [
            (at.covariance(steps), at.covariance(steps, lag=steps), at.tangent_drift(4 * steps)) for at in (local, law)
        ]
        errors.append([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(*pairs, strict=True)])
    rates = np.log2(np.divide(*errors))
    assert np.all(np.abs(rates - 1) < 0.1), rates  # of the next order, O(η²)


def test_the_leading_drift_of_isotropic_noise_is_down_the_logarithm_of_the_volume():
    def volume(theta):
        slopes = jacobian(lambda at: tanh_network(at[None], X))(theta)
        return anp.log(anp.linalg.det(anp.dot(slopes, slopes.T)))

    lr, size = 0.01, 0.3
    rows = ou.jacobian(SETTING, THETA)
    tangent = np.eye(6) - np.linalg.pinv(rows) @ rows
    expected = -(lr**2) * size**2 / 4 * tangent @ elementwise_grad(volume)(THETA)
    local = ou.local_ou(SETTING, THETA, lr=lr, noise_std=0.0, gradient_noise_std=size)
    np.testing.assert_allclose(local.tangent_drift(), expected, rtol=0, atol=ROUNDING * np.linalg.norm(expected))


def bent(theta, x):
    """M is a parabola: θ_0 = −θ_1²/2."""
    return (theta[..., 0] + theta[..., 1] ** 2 / 2) * x


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_a_walk_on_a_bent_set_shifts_the_predictions_as_by_hand_and_in_sgd(momentum):
    # With r = h − y a step is r ← r − 2ηr + η²s²ξ²/2 + (odd in ξ): at rest E r = ηs²/4; η/(1 − β) for η with momentum.
    lr, size = 0.05, 0.2
    arguments = {"lr": lr, "noise_std": 0.0, "gradient_noise_std": size, "momentum": momentum}
    setting = ou.Setting(bent, [1.0], [0.0], dim=2)
    law = ou.linearized_sgd(setting, [0.0, 0.0], **arguments)
    expected = lr * size**2 / 4 / (1 - momentum)
    assert law.mean_residual().item() == pytest.approx(expected, rel=ROUNDING)
    assert ou.local_ou(setting, [0.0, 0.0], **arguments).mean_residual().item() == pytest.approx(expected, rel=ROUNDING)
    run = ou.label_noise_sgd(
        setting, [0.0, 0.0], steps=200, rng=0, chains=8000, record=np.arange(100, 201, 10), **arguments
    )
    residuals = setting.predictions(run.theta)[..., 0].mean(axis=1)
    assert z_of_mean(residuals, expected) < 4
    assert z_of_mean(residuals, 0.0) > 4  # what the fluctuation across the set alone would say


def test_equal_noises_in_an_array_are_one_noise():
    arguments = {"lr": 0.02, "batch_size": 2}
    for law in (ou.local_ou, ou.linearized_sgd):
        one, each = (law(SETTING, THETA, noise_std=noise, **arguments) for noise in (0.3, np.full(N, 0.3)))
        np.testing.assert_allclose(
            each.covariance(), one.covariance(), rtol=0, atol=1e-15 * 1e2 * one.stationary_variance
        )
        np.testing.assert_allclose(each.tangent_drift(50), one.tangent_drift(50), rtol=1e-12)


def test_the_flow_of_unequal_noises_follows_the_leading_drift():
    noise = np.array([0.5, 1.0, 2.0])
    per_step = ou.local_ou(SETTING, THETA, lr=1e-3, noise_std=noise).tangent_drift()
    rate = per_step / ou.flow_time(SETTING, lr=1e-3, noise_std=noise)
    flow = ou.regularized_flow(SETTING, THETA, times=[0.0, 1e-3, 2e-3], noise_std=noise, rtol=1e-12)
    assert flow.gradient_norm[0] == pytest.approx(np.linalg.norm(rate), rel=ROUNDING)
    short, long = (
        np.linalg.norm((at - THETA) / time - rate) for at, time in zip(flow.theta[1:], flow.times[1:], strict=True)
    )
    assert long / short == pytest.approx(2, rel=0.01)  # what is left is the next order of the path
