"""The smallest model, h = ab: a² − b² is multiplied by 1 − 4η²r² each step, exactly (theory.md, section 6)."""

import numpy as np
import pytest

import ouanalysis as ou


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


SETTING = ou.Setting(product, x=[1.0], y=[2.0], dim=2)
SENSING = ou.MatrixSensing([[[0.0, 1.0], [0.0, 0.0]]], [2.0], rank=1)  # ⟨A, UUᵀ⟩ = U₀U₁, with a kernel
NOISES = np.random.default_rng(0).choice([-1.0, 1.0], size=(300, 3))


def known_noise(_rng, size):
    assert size[0] == len(NOISES)  # all in one segment
    return NOISES[:, : size[1]]


@pytest.mark.parametrize("setting", [SETTING, SENSING])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_imbalance_of_the_factors_contracts_by_the_noisy_residual_alone(setting, batch_size):
    trajectory = ou.label_noise_sgd(
        setting,
        [3.0, 0.5],
        lr=0.02,
        noise_std=0.5,
        steps=300,
        rng=0,
        batch_size=batch_size,
        noise=known_noise,
        record=1,
    )
    a, b = trajectory.theta[0].T
    residual = a[:-1] * b[:-1] - 2.0 - 0.5 * NOISES[:, :batch_size].mean(axis=1)
    imbalance = a**2 - b**2
    np.testing.assert_allclose(imbalance[1:], imbalance[:-1] * (1 - 4 * 0.02**2 * residual**2), rtol=0, atol=1e-13)
    assert imbalance[-1] < 0.95 * imbalance[0]


@pytest.mark.parametrize("setting", [SETTING, SENSING])
def test_one_step_by_hand(setting):
    # a = 3, b = 1/2, y = 2: r = −1/2, gradient 2r (b, a) = (−1/2, −3), step 0.1.
    trajectory = ou.label_noise_sgd(setting, [3.0, 0.5], lr=0.1, noise_std=0.0, steps=1, rng=0)
    np.testing.assert_allclose(trajectory.theta[0, 0], [3.05, 0.8], rtol=1e-14)


@pytest.mark.parametrize("setting", [SETTING, SENSING])
def test_two_steps_of_momentum_by_hand(setting):
    # v₁ = (1/2, 3); θ₁ = (3.05, 0.8), r₁ = 0.44, ∇ = 0.88 (0.8, 3.05); v₂ = v₁/2 − ∇.
    trajectory = ou.label_noise_sgd(setting, [3.0, 0.5], lr=0.1, noise_std=0.0, steps=2, rng=0, momentum=0.5)
    velocity = np.array([0.25 - 0.88 * 0.8, 1.5 - 0.88 * 3.05])
    np.testing.assert_allclose(trajectory.theta[0, 0], np.array([3.05, 0.8]) + 0.1 * velocity, rtol=1e-14)
