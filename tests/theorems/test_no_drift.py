"""Without label noise nothing moves on the zero-error set; with it reg does. Source: theory.md, sections 1 and 3."""

import numpy as np
import pytest
from rounding import EPS

import ouanalysis as ou

STEPS = 2000
PLANTED = {
    "matrix sensing": lambda: ou.planted_matrix_sensing(4, 2, 5, rng=3),
    "ReLU network": lambda: ou.planted_relu_network(4, 1, width=8, rng=1),
    "sigmoid network": lambda: ou.planted_sigmoid_network(3, 2, 4, rng=2),
    "quadratic parametrisation": lambda: ou.planted_quadratic_parametrisation(6, 3, 2, rng=0),
}


@pytest.fixture(scope="module", params=PLANTED.values(), ids=PLANTED)
def problem(request):
    """A setting, a random point of its zero-error set, and half the largest stable step."""
    setting, truth = request.param()
    near = truth + 0.1 * np.random.default_rng(0).standard_normal(setting.dim)
    theta = ou.interpolate(setting, near)
    return setting, theta, ou.max_stable_lr(setting, theta) / 2


@pytest.mark.parametrize("batch_size", [1, 2, "full"])
def test_without_label_noise_sgd_stays_where_the_loss_is_zero(problem, batch_size):
    setting, theta, lr = problem
    sgd = {"lr": lr, "steps": STEPS, "rng": 0, "batch_size": batch_size}
    still, moved = (ou.label_noise_sgd(setting, theta, noise_std=std, **sgd).theta[0, -1] for std in (0.0, 1e-3))
    # The residuals of `interpolate` are of rounding, and so is the path that they leave to go, over the least singular
    # value of J; below that a step changes no digit of θ.
    left = np.linalg.norm(setting.predictions(theta) - setting.y) + EPS * np.linalg.norm(theta)
    reach = 10 * left / np.linalg.svd(ou.jacobian(setting, theta), compute_uv=False)[-1]
    assert np.linalg.norm(still - theta) < reach
    assert np.linalg.norm(moved - theta) > 100 * reach


@pytest.mark.parametrize("law", [ou.linearized_sgd, ou.local_ou])
def test_the_laws_without_label_noise_have_no_fluctuation_and_no_drift(problem, law):
    setting, theta, lr = problem
    at = law(setting, theta, lr=lr / 5, noise_std=0.0)
    assert np.all(at.covariance() == 0)
    assert np.all(at.tangent_drift(STEPS) == 0)
    assert at.expected_loss() == 0
