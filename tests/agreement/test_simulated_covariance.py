"""Simulated ensembles against predictions they share no code with; chains, seeds and |z| < 4 fixed beforehand."""

import numpy as np
import pytest
import sympy
from standard_errors import z_of_mean

import ouanalysis as ou
from ouanalysis.symbolic import ou as ou_symbolic

CHAINS = 4000


def one_datum():
    setting, truth = ou.planted_sigmoid_network(1, 2, 3, rng=2)
    return setting, truth


@pytest.mark.parametrize("batch_size", [1, 4])
def test_sgd_on_one_datum_has_the_exact_finite_step_variance(batch_size):
    # n = 1, exactly: Var h = ησ²k/(B(1 − ηk)) at every stable η; here ηk = 0.3, so the leading order is 30 % short.
    setting, truth = one_datum()
    k = ou.regularizer(setting, truth)
    lr, noise_std = 0.3 / k, 1e-3
    trajectory = ou.label_noise_sgd(
        setting, truth, lr=lr, noise_std=noise_std, steps=60, rng=1, chains=CHAINS, batch_size=batch_size
    )
    residual = setting.predictions(trajectory.theta[:, 0])[:, 0] - setting.y[0]
    expected = lr * noise_std**2 * k / (batch_size * (1 - lr * k))
    assert z_of_mean(residual**2, expected) < 4
    assert z_of_mean(residual**2, lr * noise_std**2 * k / batch_size) > 4  # the test can tell them apart


def test_the_diffusion_has_the_covariance_of_local_ou_in_time_and_at_rest():
    setting, truth = ou.planted_sigmoid_network(2, 2, 4, rng=11)
    noise = {"lr": 0.02, "noise_std": 1e-3}
    local = ou.local_ou(setting, truth, **noise)
    steps = np.array([20, 100, 300])  # of 35 in which the slower mode's variance relaxes
    trajectory = ou.label_noise_sde(setting, truth, steps=300, rng=3, chains=CHAINS, substeps=8, record=steps, **noise)
    modes = (trajectory.theta - truth) @ local.basis
    # Euler's bias λ dt/2 is at most 0.004 of the variance; a standard error is 0.022.
    assert np.max(z_of_mean(modes**2, local.variances(steps))) < 4
    assert np.max(z_of_mean(modes[..., 0] * modes[..., 1], 0.0)) < 4


def test_the_exact_transition_has_the_symbolic_covariance():
    setting, truth = one_datum()
    noise = {"lr": 0.05, "noise_std": 1e-3, "batch_size": 2}
    trajectory = ou.ornstein_uhlenbeck(setting, truth, steps=30, rng=4, chains=CHAINS, record=[3, 30], **noise)
    jacobian = sympy.Matrix(ou.jacobian(setting, truth))
    moved = trajectory.theta - truth
    for record, steps in enumerate([3, 30]):
        expected = np.array(ou_symbolic.covariance(jacobian, noise["lr"] * steps, **noise), dtype=float)
        assert np.max(z_of_mean(moved[:, record] ** 2, np.diag(expected))) < 4
    # Cov(δ(s), δ(t)) = Σ(s) e^{−H(t−s)}, here as a scalar along the one direction.
    k = float((jacobian * jacobian.T)[0])
    along = moved @ np.array(jacobian, dtype=float)[0] / np.sqrt(k)
    early = 0.05 * 1e-6 / 2 * -np.expm1(-4 * k * 0.05 * 3)
    assert z_of_mean(along[:, 0] * along[:, 1], early * np.exp(-2 * k * 0.05 * 27)) < 4


def test_the_exact_transition_of_two_data_has_the_symbolic_stationary_covariance():
    setting, truth = ou.planted_sigmoid_network(2, 2, 4, rng=11)
    noise = {"lr": 0.02, "noise_std": 1e-3, "batch_size": 3}
    moved = ou.ornstein_uhlenbeck(setting, truth, steps=10_000, rng=9, chains=CHAINS, **noise).theta[:, 0] - truth
    expected = ou_symbolic.stationary_covariance(sympy.Matrix(ou.jacobian(setting, truth)), **noise)
    products = moved[:, :, None] * moved[:, None, :]
    assert np.max(z_of_mean(products.reshape(CHAINS, -1), np.array(expected, dtype=float).ravel())) < 4


def test_halving_sigma_quarters_the_simulated_variance():
    setting, truth = one_datum()
    run = {"lr": 0.05, "steps": 100, "rng": 2, "chains": 200}
    spread = [
        np.var(setting.predictions(ou.label_noise_sgd(setting, truth, noise_std=noise_std, **run).theta[:, 0]))
        for noise_std in (2e-4, 1e-4)
    ]
    assert spread[0] / spread[1] == pytest.approx(4, rel=1e-2)  # the same draws, so only the second order is left


def test_the_loss_plateau_measures_the_regularizer():
    setting, truth = ou.planted_matrix_sensing(3, 2, 3, rng=8)
    lr, noise_std = 0.02, 1e-3
    trajectory = ou.label_noise_sgd(
        setting, truth, lr=lr, noise_std=noise_std, steps=4000, rng=6, chains=2000, batch_size="full", record=[4000]
    )
    # Full batch, exactly: each mode has variance (ησ²/n)/(1 − ηλ/2).
    squares = np.linalg.eigvalsh(ou.gram(setting, truth))
    expected = np.sum(lr * noise_std**2 / 3 * squares / (1 - lr * squares / 3)) / 3
    assert z_of_mean(trajectory.loss[:, 0], expected) < 4
    assert expected == pytest.approx(lr * noise_std**2 / 3 * ou.regularizer(setting, truth), rel=0.05)
