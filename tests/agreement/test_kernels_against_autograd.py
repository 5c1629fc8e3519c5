"""The compiled kernels follow the autograd path, step by step to rounding, on the same arrays."""

import numpy as np
import pytest
import sympy
from strategies import CASES

import ouanalysis as ou
from ouanalysis.simulate.kernels import kernel

T = sympy.Symbol("t")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("batch_size", "momentum", "noise"), [(1, 0.0, "gaussian"), (3, 0.9, "rademacher"), ("full", 0.5, "gaussian")]
)
def test_paths_agree_to_rounding_over_thousands_of_steps(case, batch_size, momentum, noise):
    setting = CASES[case]
    start = np.random.default_rng(2).normal(size=(2, setting.dim)) / 2
    run = {
        "lr": 0.005,
        "noise_std": 0.1,
        "steps": 2000,
        "rng": 5,
        "chains": 2,
        "batch_size": batch_size,
        "momentum": momentum,
        "noise": noise,
        "record": 500,
    }
    compiled = ou.label_noise_sgd(setting, start, **run)
    reference = ou.label_noise_sgd(ou.Setting(setting.h, setting.x, setting.y, setting.dim), start, **run)
    assert not compiled.diverged.any()
    # A rounding error of eps a step, carried on by a nearly neutral motion: at most steps × eps × the path's size.
    tolerance = 2000 * np.finfo(float).eps * np.max(np.abs(compiled.theta))
    np.testing.assert_allclose(compiled.theta, reference.theta, rtol=0, atol=tolerance)
    assert np.max(np.abs(compiled.theta[:, -1] - start)) > 0.01


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "noises",
    [
        pytest.param({"noise_std": 0.1, "batch_size": 2, "replacement": False}, id="distinct data"),
        pytest.param({"noise_std": "unequal", "batch_size": 2}, id="unequal noises"),
        pytest.param({"noise_std": 0.0, "gradient_noise_std": 0.3, "momentum": 0.5}, id="gradient noise"),
        pytest.param({"noise_std": "unequal", "batch_size": "full", "gradient_noise_std": 0.1}, id="full batch"),
    ],
)
def test_paths_agree_under_every_noise_and_batch(case, noises):
    setting = CASES[case]
    start = np.random.default_rng(2).normal(size=(2, setting.dim)) / 2
    run = {"lr": 0.005, "steps": 600, "rng": 5, "chains": 2, "record": 100} | noises
    if noises["noise_std"] == "unequal":
        run["noise_std"] = np.linspace(0.0, 0.3, setting.n)
    compiled = ou.label_noise_sgd(setting, start, **run)
    reference = ou.label_noise_sgd(ou.Setting(setting.h, setting.x, setting.y, setting.dim), start, **run)
    tolerance = 600 * np.finfo(float).eps * np.max(np.abs(compiled.theta))  # eps a step, as above
    np.testing.assert_allclose(compiled.theta, reference.theta, rtol=0, atol=tolerance)
    assert np.max(np.abs(compiled.theta[:, -1] - start)) > 0.01


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("gradient_noise_std", [0.0, 0.2])
def test_the_diffusion_agrees_too(case, gradient_noise_std):
    setting = CASES[case]
    start = np.random.default_rng(2).normal(size=setting.dim) / 2
    run = {"lr": 0.01, "noise_std": 0.1, "steps": 100, "rng": 5, "substeps": 10}
    run["gradient_noise_std"] = gradient_noise_std
    compiled = ou.label_noise_sde(setting, start, **run).theta
    reference = ou.label_noise_sde(ou.Setting(setting.h, setting.x, setting.y, setting.dim), start, **run).theta
    tolerance = 100 * 10 * np.finfo(float).eps * np.max(np.abs(compiled))  # eps a substep, as above
    np.testing.assert_allclose(compiled, reference, rtol=0, atol=tolerance)


def test_an_activation_that_numba_does_not_know_runs_by_autograd():
    setting, theta = ou.planted_sigmoid_network(1, 2, 2, rng=0, activation=sympy.polygamma(0, 2 + T**2))
    assert kernel(setting) is None
    run = ou.label_noise_sgd(setting, theta, lr=0.01, noise_std=0.1, steps=3, rng=0)
    assert np.isfinite(run.theta).all()


@pytest.mark.parametrize("seed", range(20))
def test_kinks_on_the_data_are_inactive_on_both_paths(seed):
    setting, theta = ou.planted_relu_network(8, 3, rng=seed)
    run = {"lr": 0.005, "noise_std": 0.1, "steps": 1, "rng": 5, "batch_size": "full"}
    compiled = ou.label_noise_sgd(setting, theta, **run)
    reference = ou.label_noise_sgd(ou.Setting(setting.h, setting.x, setting.y, setting.dim), theta, **run)
    np.testing.assert_allclose(
        compiled.theta, reference.theta, rtol=0, atol=1e-14
    )  # 8 terms of order one, each of some roundings


def test_a_pole_of_the_activation_is_a_divergence_on_both_paths():
    setting = ou.SigmoidNetwork([[1.0]], [0.5], 1, T / (1 + T**2) - 1 / (3 + T))
    for same in (setting, ou.Setting(setting.h, setting.x, setting.y, setting.dim)):
        trajectory = ou.label_noise_sgd(same, [1.0, -3.0], lr=0.1, noise_std=0.1, steps=2, rng=0)
        assert trajectory.status.tolist() == ["diverged"]
