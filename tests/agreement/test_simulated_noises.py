"""Momentum, batches without replacement, noise of its own size on each datum and isotropic noise against simulation.

Random tanh networks at ηλ_max(H) = 0.3; chains, seeds and |z| < 4 fixed beforehand. Isotropic noise walks along the
zero-error set, some hundred times farther than its drift in these runs. The linear walk has mean zero and is known
from the draws, path by path: it is subtracted before the drift is measured.
"""

from functools import lru_cache

import numpy as np
import pytest
from scipy.linalg import null_space
from standard_errors import z_of_mean

import ouanalysis as ou
from ouanalysis.simulate.draws import spawn_streams

N, STEPS, CHAINS = 3, 80, 20_000
SIGMA = 1e-3  # the nonlinear remainder is of order σ²: 1e-6
EACH = SIGMA * np.array([0.5, 1.0, 2.0])
CASES = {
    "momentum": {"noise_std": SIGMA, "momentum": 0.6},
    "without replacement": {"noise_std": SIGMA, "batch_size": 2, "replacement": False},
    "unequal noise": {"noise_std": EACH},
    "isotropic noise": {"noise_std": 0.0, "gradient_noise_std": SIGMA},
    "all of them": {
        "noise_std": EACH,
        "gradient_noise_std": SIGMA,
        "momentum": 0.6,
        "batch_size": 2,
        "replacement": False,
    },
}


@pytest.fixture(scope="module", params=CASES)  # of a module: the tests of one case follow each other
def case(request):
    return request.param


@lru_cache(maxsize=1)
def network(case):
    """A random network, and the arguments of its SGD."""
    setting, theta = ou.planted_sigmoid_network(N, 4, 5, rng=list(CASES).index(case))
    lr = 0.3 * N / (2 * np.linalg.eigvalsh(ou.gram(setting, theta))[-1])
    return setting, theta, {"lr": lr, **CASES[case]}


@lru_cache(maxsize=1)
def ensemble(case):
    """Displacements (chains, 4, p) at four times, evenly apart, and the times."""
    setting, theta, arguments = network(case)
    record = STEPS // 4 * np.arange(1, 5)
    run = ou.label_noise_sgd(setting, theta, steps=STEPS, rng=7, chains=CHAINS, record=record, **arguments)
    return run.theta - theta, record


def linear_walk(case):
    """What the isotropic noise of that ensemble moves θ along the zero-error set of a linear model, (chains, p)."""
    setting, theta, arguments = network(case)
    if not arguments.get("gradient_noise_std"):
        return 0.0
    beta = arguments.get("momentum", 0.0)
    weights = arguments["gradient_noise_std"] * (1 - beta ** np.arange(STEPS, 0, -1)) / (1 - beta)
    streams = spawn_streams(np.random.default_rng(7), CHAINS)
    kicks = np.array([weights @ chain.gradient_noise.standard_normal((STEPS, setting.dim)) for chain in streams])
    tangent = null_space(ou.jacobian(setting, theta))
    return -arguments["lr"] * kicks @ tangent @ tangent.T


def standard_error(sample):
    return np.std(sample, axis=0, ddof=1) / np.sqrt(len(sample))


def test_the_covariance_and_the_noise_floor(case):
    setting, theta, arguments = network(case)
    moved, record = ensemble(case)
    law = ou.linearized_sgd(setting, theta, **arguments)
    losses = np.mean((moved @ law.jacobian.T) ** 2, axis=(1, 2))  # of the linear model, over data and times
    expected = np.mean(law.expected_loss(record))
    assert standard_error(losses) < 0.01 * expected
    assert z_of_mean(losses, expected) < 4
    modes = moved @ law.basis
    products = np.mean(modes[..., :, None] * modes[..., None, :], axis=1)
    covariance = np.mean(law.mode_covariance(record), axis=0)
    assert np.max(z_of_mean(products, covariance)) < 4
    assert np.all(standard_error(np.diagonal(products, axis1=1, axis2=2)) < 0.01 * np.diag(covariance))
    leading = np.mean(ou.local_ou(setting, theta, **arguments).expected_loss(record))
    assert z_of_mean(losses, leading) > 4  # the leading order does not pass


def test_the_autocovariance(case):
    setting, theta, arguments = network(case)
    moved, record = ensemble(case)
    law = ou.linearized_sgd(setting, theta, **arguments)
    modes = moved @ law.basis
    lag = int(record[3] - record[2])
    products = modes[:, 3, :, None] * modes[:, 2, None, :]
    assert np.max(z_of_mean(products, law.mode_covariance(record[2], lag=lag))) < 4


def test_the_drift(case):
    setting, theta, arguments = network(case)
    moved, _ = ensemble(case)
    law = ou.linearized_sgd(setting, theta, **arguments)
    drift = law.tangent_drift(STEPS)
    length = np.linalg.norm(drift)
    along = (moved[:, -1] - linear_walk(case)) @ drift / length
    assert standard_error(along) < 0.01 * length
    assert z_of_mean(along, length) < 4
    leading = ou.local_ou(setting, theta, **arguments).tangent_drift(STEPS) @ drift / length
    assert z_of_mean(along, leading) > 4  # the leading order does not pass


@pytest.mark.parametrize("case", [case for case in CASES if "gradient_noise_std" in CASES[case]], indirect=True)
def test_the_walk_along_the_set(case):
    setting, theta, arguments = network(case)
    moved, record = ensemble(case)
    law, tangent = ou.linearized_sgd(setting, theta, **arguments), null_space(ou.jacobian(setting, theta))
    squares = np.mean((moved @ tangent) ** 2, axis=-1)
    for time, steps in enumerate(record):
        variance = np.mean(np.diagonal(tangent.T @ law.covariance(steps) @ tangent))
        assert standard_error(squares[:, time]) < 0.01 * variance
        assert z_of_mean(squares[:, time], variance) < 4
